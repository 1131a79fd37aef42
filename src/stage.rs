//! The two verbs of the system: a [`Stage`] maps a batch to a batch, a [`Fold`] sees the whole corpus.
//!
//! Stages between two folds are fused into one pass. A stage never drops or reorders rows; it reads the columns its
//! [`Contract`] names and adds (or replaces) others. Contracts are chained and checked when the plan is built.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, StringArray};
use arrow::datatypes::{ArrowPrimitiveType, Schema};

use crate::error::{Error, Result};
use crate::schema::Column;

/// The unit of flow: the same value in the CLI, in Parquet, in Python and on a cluster.
pub type Batch = RecordBatch;

/// Named totals a worker keeps beside the columns (rules that fired, characters removed); summed over shards.
pub type Counts = BTreeMap<String, u64>;

/// Which columns a stage reads and which it adds or replaces.
#[derive(Debug, Clone, Default)]
pub struct Contract {
    /// Columns that must be there.
    pub reads: Vec<Column>,
    /// Columns that are there afterwards.
    pub adds: Vec<Column>,
}

/// A map over batches: immutable and shared by all threads.
pub trait Stage: Send + Sync {
    /// Name in progress, counts and manifest.
    fn name(&self) -> &'static str;
    /// Columns read and added.
    fn contract(&self) -> Contract;
    /// Scratch of one thread.
    fn worker(&self) -> Box<dyn Worker + '_>;
}

/// A stage at work in one thread.
pub trait Worker {
    /// Maps a batch; the number and order of rows stay.
    fn apply(&mut self, batch: Batch) -> Result<Batch>;
    /// Totals since the last call.
    fn take_counts(&mut self) -> Counts {
        Counts::new()
    }
}

/// A fold: absorbs shard by shard into a partial table; what it concludes from all partials is its room's `finish`.
pub trait Fold: Send + Sync {
    /// Name of the partial tables.
    fn name(&self) -> &'static str;
    /// Columns read from the batches, and the columns of the partial table.
    fn contract(&self) -> Contract;
    /// The state for one shard.
    fn absorber(&self) -> Box<dyn Absorber + '_>;
}

/// A fold at work on one shard.
pub trait Absorber {
    /// Takes the next batch of the shard, in order.
    fn push(&mut self, batch: &Batch) -> Result<()>;
    /// The partial table of the shard.
    fn finish(self: Box<Self>) -> Result<Batch>;
}

/// A stream of batches, one at a time in memory.
pub type BatchIter<'a> = Box<dyn Iterator<Item = Result<Batch>> + 'a>;

/// A parallel loop: calls the function once with each number below `n`, from any threads. Rooms start no threads of their own;
/// a fold that concludes is lent those of the corridor.
pub type ParallelFor<'a> = dyn Fn(usize, &(dyn Fn(usize) + Sync)) + 'a;

/// The parallel loop of one thread.
pub fn sequential(n: usize, work: &(dyn Fn(usize) + Sync)) {
    (0..n).for_each(work);
}

/// `work` on each number below `n` through a parallel loop; the results in order, or the error of the least number.
pub fn in_parallel<T: Send>(parallel: &ParallelFor<'_>, n: usize, work: &(dyn Fn(usize) -> Result<T> + Sync)) -> Result<Vec<T>> {
    let slots: Vec<Mutex<Option<Result<T>>>> = (0..n).map(|_| Mutex::new(None)).collect();
    parallel(n, &|i| {
        let result = work(i);
        if let Ok(mut slot) = slots[i].lock() {
            *slot = Some(result);
        }
    });
    let taken = slots.into_iter().map(|slot| slot.into_inner().ok().flatten());
    taken.map(|slot| slot.unwrap_or_else(|| Err(Error::internal("a part of a parallel loop was not run")))).collect()
}

/// Puts `array` under `column`, replacing a column of that name.
pub fn with_column(batch: &Batch, column: &Column, array: ArrayRef) -> Result<Batch> {
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
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
}

/// The array under `column`.
pub fn column<'a>(batch: &'a Batch, column: &Column) -> Result<&'a ArrayRef> {
    batch.column_by_name(column.name).ok_or_else(|| Error::internal(format!("column {} is missing", column.name)))
}

/// The strings under `column`.
pub fn strings<'a>(batch: &'a Batch, wanted: &Column) -> Result<&'a StringArray> {
    column(batch, wanted)?.as_any().downcast_ref().ok_or_else(|| Error::internal(format!("column {} holds no strings", wanted.name)))
}

/// The lists under `column`.
pub fn lists<'a>(batch: &'a Batch, wanted: &Column) -> Result<&'a ListArray> {
    column(batch, wanted)?.as_any().downcast_ref().ok_or_else(|| Error::internal(format!("column {} holds no lists", wanted.name)))
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
        let values = arrow::array::PrimitiveArray::<T>::new(std::mem::take(&mut self.values).into(), None);
        let offsets = arrow::buffer::OffsetBuffer::new(std::mem::replace(&mut self.offsets, vec![0]).into());
        Ok(Arc::new(ListArray::try_new(crate::schema::element(T::DATA_TYPE), offsets, Arc::new(values), None)?))
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
