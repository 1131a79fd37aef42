//! Other layouts of text and lists as the one that kernels read: 32-bit offsets.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, GenericListArray, ListArray, OffsetSizeTrait, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, FieldRef};

/// Why 32-bit offsets cannot hold a column.
const TOO_LARGE: &str = "holds more than 2 GiB";

/// `array` in the layout of `wanted`, a type of the same values. What is there already, is not copied.
pub(super) fn convert(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, String> {
    match (array.data_type(), wanted) {
        (found, _) if found == wanted => Ok(Arc::clone(array)),
        (DataType::LargeUtf8, DataType::Utf8) => Ok(Arc::new(short_text(array)?)),
        (DataType::Utf8View, DataType::Utf8) => Ok(Arc::new(text_of_views(array)?)),
        (DataType::LargeList(_), DataType::List(element)) => Ok(Arc::new(short_list::<i64>(array.as_list(), element)?)),
        (DataType::List(_), DataType::List(element)) => Ok(Arc::new(short_list::<i32>(array.as_list(), element)?)),
        _ => Err(format!("cannot be read as {wanted}")),
    }
}

/// A slice of a large column may begin anywhere: offsets start anew at its first byte, and the bytes are shared.
fn short_text(array: &ArrayRef) -> Result<StringArray, String> {
    let text = array.as_string::<i64>();
    let (offsets, start, len) = short_offsets(text.offsets())?;
    let values = text.values().slice_with_length(start, len);
    StringArray::try_new(offsets, values, text.nulls().cloned()).map_err(|e| e.to_string())
}

fn text_of_views(array: &ArrayRef) -> Result<StringArray, String> {
    let text = array.as_string_view();
    if text.iter().flatten().map(str::len).sum::<usize>() > i32::MAX as usize {
        return Err(TOO_LARGE.to_owned());
    }
    Ok(text.iter().collect())
}

fn short_list<O: OffsetSizeTrait>(list: &GenericListArray<O>, element: &FieldRef) -> Result<ListArray, String> {
    let (offsets, start, len) = short_offsets(list.offsets())?;
    let values = list.values().slice(start, len);
    if values.null_count() > 0 && !element.is_nullable() {
        return Err("holds nulls inside of its lists".to_owned());
    }
    ListArray::try_new(Arc::clone(element), offsets, values, list.nulls().cloned()).map_err(|e| e.to_string())
}

/// Offsets from 0, and where the values start and how many they are.
fn short_offsets<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>) -> Result<(OffsetBuffer<i32>, usize, usize), String> {
    let (start, end) = (offsets.first().as_usize(), offsets.last().as_usize());
    let short = offsets.iter().map(|offset| i32::try_from(offset.as_usize() - start)).collect::<Result<Vec<i32>, _>>();
    let short = short.map_err(|_| TOO_LARGE.to_owned())?;
    Ok((OffsetBuffer::new(short.into()), start, end - start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_of_a_slice_begin_at_zero_and_end_below_2_gib() {
        let start = 1_i64 << 40;
        let offsets = |ends: [i64; 3]| OffsetBuffer::new(ends.map(|end| start + end).to_vec().into());
        let (short, from, len) = short_offsets(&offsets([0, 3, i64::from(i32::MAX)])).unwrap();
        assert_eq!((&short[..], from, len), (&[0, 3, i32::MAX][..], 1 << 40, i32::MAX as usize));
        assert_eq!(short_offsets(&offsets([0, 3, 1 << 31])).unwrap_err(), TOO_LARGE);
    }
}
