//! Columns of a batch: found by name, read as slices, built row by row.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, PrimitiveArray, RecordBatch, RecordBatchOptions, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{ArrowPrimitiveType, Schema};

use crate::error::{Error, Result};
use crate::schema::{Column, element};

/// Puts `array` under `column`, replacing a column of that name.
pub fn with_column(batch: &RecordBatch, column: &Column, array: ArrayRef) -> Result<RecordBatch> {
    let schema = batch.schema();
    let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
    let mut columns = batch.columns().to_vec();
    let field = Arc::new(column.field());
    if let Ok(i) = schema.index_of(column.name) {
        fields[i] = field;
        columns[i] = array;
    } else {
        fields.push(field);
        columns.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
}

/// The array under `column`.
///
/// # Errors
/// [`Error::Refused`] if there is none: the batch is not what its maker should have made.
pub fn column<'a>(batch: &'a RecordBatch, column: &Column) -> Result<&'a ArrayRef> {
    batch
        .column_by_name(column.name)
        .ok_or_else(|| Error::refused_with_hint(format!("column {} is missing", column.name), format!("it holds: {}", column.about)))
}

/// The column is there, but in another type than the one it is read in.
pub fn wrong_type(wanted: &Column, found: &dyn Array) -> Error {
    Error::refused(format!("column {} is {}, wanted {}", wanted.name, found.data_type(), (wanted.data_type)()))
}

/// The strings under `column`.
///
/// # Errors
/// [`Error::Refused`] if there is no such column, or it holds something else.
pub fn strings<'a>(batch: &'a RecordBatch, wanted: &Column) -> Result<&'a StringArray> {
    let array = column(batch, wanted)?;
    array.as_string_opt().ok_or_else(|| wrong_type(wanted, array))
}

/// The lists under `column`.
///
/// # Errors
/// [`Error::Refused`] if there is no such column, or it holds something else.
pub fn lists<'a>(batch: &'a RecordBatch, wanted: &Column) -> Result<&'a ListArray> {
    let array = column(batch, wanted)?;
    array.as_list_opt().ok_or_else(|| wrong_type(wanted, array))
}

/// The numbers under `column`.
///
/// # Errors
/// [`Error::Refused`] if there is no such column, or it holds something else.
pub fn numbers<'a, T: ArrowPrimitiveType>(batch: &'a RecordBatch, wanted: &Column) -> Result<&'a PrimitiveArray<T>> {
    let array = column(batch, wanted)?;
    array.as_primitive_opt().ok_or_else(|| wrong_type(wanted, array))
}

/// Row `row` of a list column of primitives, as a slice; empty if there is no such row, or the list holds something else.
/// Whoever opens a table checks its types first.
pub fn list_slice<T: ArrowPrimitiveType>(list: &ListArray, row: usize) -> &[T::Native] {
    let (Some(&[start, end]), Some(values)) =
        (list.value_offsets().get(row..).and_then(<[i32]>::first_chunk), list.values().as_primitive_opt::<T>())
    else {
        return &[];
    };
    values.values().get(start as usize..end as usize).unwrap_or_default()
}

/// A list column of primitives built row by row: values and offsets grow together, nothing is allocated per row.
#[derive(Debug)]
pub struct ListBuilder<T: ArrowPrimitiveType> {
    /// Values of all rows.
    pub values: Vec<T::Native>,
    offsets: Vec<i32>,
}

impl<T: ArrowPrimitiveType> Default for ListBuilder<T> {
    fn default() -> Self {
        Self { values: Vec::new(), offsets: vec![0] }
    }
}

impl<T: ArrowPrimitiveType> ListBuilder<T> {
    /// Closes the current row.
    pub fn end_row(&mut self) -> Result<()> {
        let end = i32::try_from(self.values.len()).map_err(|_| Error::internal("a list column outgrew 2^31 values"))?;
        self.offsets.push(end);
        Ok(())
    }

    /// The finished column; the builder is empty again.
    pub fn finish(&mut self) -> Result<ArrayRef> {
        let values = PrimitiveArray::<T>::new(std::mem::take(&mut self.values).into(), None);
        let offsets = OffsetBuffer::new(std::mem::replace(&mut self.offsets, vec![0]).into());
        Ok(Arc::new(ListArray::try_new(element(T::DATA_TYPE), offsets, Arc::new(values), None)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::{Int32Type, UInt32Type};

    #[test]
    fn a_row_that_is_not_there_is_empty() {
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), Some(2)]), Some(vec![Some(3)])]);
        assert_eq!(list_slice::<Int32Type>(&list, 0), [1, 2]);
        assert_eq!(list_slice::<Int32Type>(&list.slice(1, 1), 0), [3]);
        assert!(list_slice::<Int32Type>(&list, 2).is_empty() && list_slice::<Int32Type>(&list, usize::MAX).is_empty());
        assert!(list_slice::<UInt32Type>(&list, 0).is_empty(), "of another type");
    }
}
