//! Columns of a table → the values of a record.

use std::borrow::Cow;
use std::fmt::Write as _;

use arrow::array::{Array, ArrayRef, AsArray, MapArray, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::corpus::fields::Value;

/// Lists, structs and maps inside each other, at most.
const DEPTH_MAX: usize = 128;

/// A value that is no text: up to where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotUtf8 {
    pub(super) valid_up_to: usize,
}

/// A way into a nested column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The so-manyth field of a struct.
    Child(usize),
    /// The so-manyth item of a list.
    Item(usize),
}

/// A column of a batch, or a part of a nested one.
#[derive(Debug)]
pub(super) struct Column {
    array: ArrayRef,
    steps: Vec<Step>,
}

impl Column {
    pub(super) fn new(array: &ArrayRef, steps: &[Step]) -> Result<Self, ArrowError> {
        Ok(Self { array: in_utc(array)?, steps: steps.to_vec() })
    }

    pub(super) fn rows(&self) -> usize {
        self.array.len()
    }

    /// Bytes of the value as it is stored, where that can be told.
    pub(super) fn stored_bytes(&self, row: usize) -> usize {
        self.at(row).and_then(|(array, row)| bytes_of(array, row)).map_or(0, <[u8]>::len)
    }

    /// Where the value of a row stands; nothing if it, or something around it, is null.
    fn at(&self, row: usize) -> Option<(&ArrayRef, usize)> {
        let (mut array, mut row) = (&self.array, row);
        for step in &self.steps {
            if array.is_null(row) {
                return None;
            }
            (array, row) = match step {
                Step::Child(n) => (array.as_struct().columns().get(*n)?, row),
                Step::Item(n) => item(array, row, *n)?,
            };
        }
        array.is_valid(row).then_some((array, row))
    }

    /// The value of a row; what cannot be spelled (a date beyond the calendar, a number that is none) is left out like a null.
    pub(super) fn value(&self, row: usize) -> Result<Value<'_>, NotUtf8> {
        let Some((array, row)) = self.at(row) else { return Ok(Value::Null) };
        if let Some(bytes) = bytes_of(array, row) {
            return text(bytes).map(|text| Value::Text(Cow::Borrowed(text)));
        }
        if !is_spelled(array.data_type()) {
            return Ok(Value::Other);
        }
        let spelled = in_utc(array).ok().and_then(|array| spelled(&array, row)).map(Cow::Owned);
        Ok(match spelled {
            // What one column calls a number is one: decimals and years as they are spelled.
            Some(number) => Value::Text(number),
            None => Value::Null,
        })
    }

    /// The value of a row as JSON, as it would have been in JSON Lines; a string is taken for JSON itself unless `quoted`.
    pub(super) fn json(&self, row: usize, quoted: bool) -> Result<Option<Cow<'_, str>>, NotUtf8> {
        let Some((array, row)) = self.at(row) else { return Ok(None) };
        if let Some(bytes) = bytes_of(array, row).filter(|_| !quoted) {
            return text(bytes).map(|text| Some(Cow::Borrowed(text)));
        }
        let mut json = String::new();
        write_json(&mut json, array, row)?;
        Ok((json != "null").then_some(Cow::Owned(json)))
    }
}

/// The bytes of a string.
fn bytes_of(array: &ArrayRef, row: usize) -> Option<&[u8]> {
    let is_valid = array.is_valid(row);
    match array.data_type() {
        DataType::BinaryView if is_valid => Some(array.as_binary_view().value(row)),
        DataType::Binary if is_valid => Some(array.as_binary::<i32>().value(row)),
        _ => None,
    }
}

/// Item `n` of a list, and its place among the items of all.
fn item(array: &ArrayRef, row: usize, n: usize) -> Option<(&ArrayRef, usize)> {
    let (values, start, end) = match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            (list.values(), usize::try_from(list.value_offsets()[row]).ok()?, usize::try_from(list.value_offsets()[row + 1]).ok()?)
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            (list.values(), usize::try_from(list.value_offsets()[row]).ok()?, usize::try_from(list.value_offsets()[row + 1]).ok()?)
        }
        DataType::FixedSizeList(_, length) => {
            let (list, length) = (array.as_fixed_size_list(), usize::try_from(*length).ok()?);
            (list.values(), row * length, (row + 1) * length)
        }
        _ => return None,
    };
    let at = start.checked_add(n)?;
    (at < end).then_some((values, at))
}

/// Can [`Column`] tell the values of a type? Strings are bytes here (see `bare`).
pub(super) fn is_spelled(data_type: &DataType) -> bool {
    data_type.is_numeric() || matches!(data_type, DataType::Date32 | DataType::Timestamp(..))
}

/// Is a type flat enough to be written as JSON?
pub(super) fn is_json(data_type: &DataType) -> bool {
    fn fits(data_type: &DataType, depth: usize) -> bool {
        depth < DEPTH_MAX
            && match data_type {
                DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) | DataType::Map(item, _) => {
                    fits(item.data_type(), depth + 1)
                }
                DataType::Struct(fields) => fields.iter().all(|field| fits(field.data_type(), depth + 1)),
                _ => true,
            }
    }
    *data_type != DataType::Null && fits(data_type, 0)
}

/// A moment with a zone is a moment in UTC that remembers where it was noted: it is spelled in UTC, with a Z.
fn in_utc(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match array.data_type() {
        DataType::Timestamp(unit, Some(_)) => cast(array, &DataType::Timestamp(*unit, Some("+00:00".into()))),
        _ => Ok(ArrayRef::clone(array)),
    }
}

fn text(bytes: &[u8]) -> Result<&str, NotUtf8> {
    std::str::from_utf8(bytes).map_err(|e| NotUtf8 { valid_up_to: e.valid_up_to() })
}

fn spelled(array: &dyn Array, row: usize) -> Option<String> {
    match float(array, row) {
        Some(number) => number.is_json().then(|| number.to_string()),
        None => ArrayFormatter::try_new(array, &FormatOptions::default()).ok()?.value(row).try_to_string().ok(),
    }
}

/// A floating-point number in the width it was stored in: 0.1 stays 0.1.
enum Float {
    Single(f32),
    Double(f64),
}

impl Float {
    fn is_json(&self) -> bool {
        match self {
            Self::Single(value) => value.is_finite(),
            Self::Double(value) => value.is_finite(),
        }
    }
}

impl std::fmt::Display for Float {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Single(value) => write!(f, "{value:?}"),
            Self::Double(value) => write!(f, "{value:?}"),
        }
    }
}

fn float(array: &dyn Array, row: usize) -> Option<Float> {
    match array.data_type() {
        DataType::Float16 => Some(Float::Single(array.as_primitive::<Float16Type>().value(row).into())),
        DataType::Float32 => Some(Float::Single(array.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => Some(Float::Double(array.as_primitive::<Float64Type>().value(row))),
        _ => None,
    }
}

fn write_json(out: &mut String, array: &ArrayRef, row: usize) -> Result<(), NotUtf8> {
    if array.is_null(row) {
        out.push_str("null");
        return Ok(());
    }
    match array.data_type() {
        DataType::Binary => write_quoted(out, text(array.as_binary::<i32>().value(row))?),
        DataType::BinaryView => write_quoted(out, text(array.as_binary_view().value(row))?),
        DataType::Boolean => out.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Struct(_) => write_struct(out, array.as_struct(), row)?,
        DataType::Map(..) => write_map(out, array.as_map(), row)?,
        DataType::List(_) => write_list(out, &array.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => write_list(out, &array.as_list::<i64>().value(row))?,
        DataType::FixedSizeList(..) => write_list(out, &array.as_fixed_size_list().value(row))?,
        other => match in_utc(array).ok().and_then(|array| spelled(&array, row)) {
            Some(number) if other.is_numeric() => out.push_str(&number),
            Some(words) => write_quoted(out, &words),
            None => out.push_str("null"),
        },
    }
    Ok(())
}

fn write_quoted(out: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{}", serde_json::Value::from(text));
}

fn write_list(out: &mut String, items: &ArrayRef) -> Result<(), NotUtf8> {
    out.push('[');
    for item in 0..items.len() {
        if item > 0 {
            out.push(',');
        }
        write_json(out, items, item)?;
    }
    out.push(']');
    Ok(())
}

fn write_struct(out: &mut String, array: &StructArray, row: usize) -> Result<(), NotUtf8> {
    out.push('{');
    for (n, (field, column)) in array.fields().iter().zip(array.columns()).enumerate() {
        if n > 0 {
            out.push(',');
        }
        write_quoted(out, field.name());
        out.push(':');
        write_json(out, column, row)?;
    }
    out.push('}');
    Ok(())
}

/// An object; a key that is no string is spelled as one.
fn write_map(out: &mut String, array: &MapArray, row: usize) -> Result<(), NotUtf8> {
    let entries = array.value(row);
    let [keys, values] = entries.columns() else {
        out.push_str("null");
        return Ok(());
    };
    out.push('{');
    for entry in 0..entries.len() {
        if entry > 0 {
            out.push(',');
        }
        let mut key = String::new();
        write_json(&mut key, keys, entry)?;
        if key.starts_with('"') {
            out.push_str(&key);
        } else {
            write_quoted(out, &key);
        }
        out.push(':');
        write_json(out, values, entry)?;
    }
    out.push('}');
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int64Array, ListArray,
        MapBuilder, StringBuilder, TimestampMicrosecondArray,
    };
    use arrow::datatypes::Int64Type;

    use super::*;

    fn json(array: impl Array + 'static) -> Vec<Option<String>> {
        let column = Column::new(&(Arc::new(array) as ArrayRef), &[]).unwrap();
        (0..column.rows()).map(|row| column.json(row, true).unwrap().map(Cow::into_owned)).collect()
    }

    fn spellings(array: impl Array + 'static) -> Vec<Option<String>> {
        let column = Column::new(&(Arc::new(array) as ArrayRef), &[]).unwrap();
        let spelled = |value| if let Value::Text(text) = value { Some(text.into_owned()) } else { None };
        (0..column.rows()).map(|row| spelled(column.value(row).unwrap())).collect()
    }

    fn some(values: &[&str]) -> Vec<Option<String>> {
        values.iter().map(|value| Some((*value).to_owned())).collect()
    }

    #[test]
    fn any_value_becomes_the_json_it_would_have_been() {
        let strings: ArrayRef = Arc::new(BinaryArray::from_opt_vec(vec![Some("あ\"\n".as_bytes()), None]));
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None]), Some(vec![])]));
        let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
        let floats: ArrayRef = Arc::new(Float32Array::from(vec![0.1, f32::NAN]));
        let columns = [("s", strings), ("l", lists), ("b", flags), ("f", floats)];
        let array = StructArray::try_from(columns.to_vec()).unwrap();
        let expected = [r#"{"s":"あ\"\n","l":[1,null],"b":true,"f":0.1}"#, r#"{"s":null,"l":[],"b":false,"f":null}"#];
        assert_eq!(json(array), some(&expected));
        let decimals = Decimal128Array::from(vec![110]).with_precision_and_scale(5, 2).unwrap();
        assert_eq!(json(decimals), some(&["1.10"]));
        let moments = TimestampMicrosecondArray::from(vec![0]).with_timezone("Asia/Tokyo");
        assert_eq!(json(moments), some(&["\"1970-01-01T00:00:00Z\""]));
        assert_eq!(json(Int64Array::from(vec![Some(7), None])), [Some("7".to_owned()), None]);
    }

    #[test]
    fn maps_are_objects() {
        let mut map = MapBuilder::new(None, StringBuilder::new(), arrow::array::Int64Builder::new());
        map.keys().append_value("a");
        map.values().append_value(1);
        map.append(true).unwrap();
        let map = map.finish();
        // Strings come as bytes from the reader.
        let entries = DataType::Struct(
            vec![arrow::datatypes::Field::new("keys", DataType::Binary, false), map.entries().fields()[1].as_ref().clone()].into(),
        );
        let target = DataType::Map(Arc::new(arrow::datatypes::Field::new("entries", entries, false)), false);
        assert_eq!(json(cast(&map, &target).unwrap()), some(&[r#"{"a":1}"#]));
    }

    #[test]
    fn what_has_one_spelling() {
        assert_eq!(spellings(Float64Array::from(vec![1.0, 1e300, f64::INFINITY])), [Some("1.0".into()), Some("1e300".into()), None]);
        let moments = |zone: Option<&str>| TimestampMicrosecondArray::from(vec![1_577_836_800_000_000, i64::MAX]).with_timezone_opt(zone);
        assert_eq!(spellings(moments(None))[0].as_deref(), Some("2020-01-01T00:00:00"));
        for zone in ["UTC", "Asia/Tokyo", "+09:00", "no zone at all"] {
            assert_eq!(spellings(moments(Some(zone)))[0].as_deref(), Some("2020-01-01T00:00:00Z"));
        }
    }

    #[test]
    fn a_value_that_is_no_text_is_told() {
        let bytes: ArrayRef = Arc::new(BinaryViewArray::from_iter_values([&b"ab\xff"[..], b"c"]));
        let column = Column::new(&bytes, &[]).unwrap();
        assert_eq!((column.value(0), column.value(1)), (Err(NotUtf8 { valid_up_to: 2 }), Ok(Value::Text("c".into()))));
    }

    #[test]
    fn values_inside_of_others_are_found() {
        let names: ArrayRef = Arc::new(BinaryArray::from_opt_vec(vec![Some(&b"a"[..]), None, Some(b"c")]));
        let numbers: ArrayRef =
            Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), Some(2)]), None, Some(vec![])]));
        let array: ArrayRef = Arc::new(StructArray::try_from(vec![("s", names), ("l", numbers)]).unwrap());
        let values = |steps: &[Step]| {
            let column = Column::new(&array, steps).unwrap();
            (0..3).map(|row| column.json(row, true).unwrap().map(Cow::into_owned)).collect::<Vec<_>>()
        };
        assert_eq!(values(&[Step::Child(0)]), [Some("\"a\"".to_owned()), None, Some("\"c\"".to_owned())]);
        assert_eq!(values(&[Step::Child(1), Step::Item(1)]), [Some("2".to_owned()), None, None]);
        assert_eq!(values(&[Step::Child(1), Step::Item(2)]), [None, None, None]);
    }
}
