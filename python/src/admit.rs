//! Batches of other people's libraries as the stages read them: strings decoded and checked, nulls as empty texts, lists checked.
//!
//! The C data interface hands over pointers: whether the bytes behind them are UTF-8, and whether offsets and ends lie inside of them, is
//! looked at here, once, before any kernel reads them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, GenericStringArray, OffsetSizeTrait, RecordBatch, RecordBatchOptions, StringArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, UInt16Type, UInt32Type};
use seimai::schema::{MORPHEME_ENDS, MORPHEME_POS, MORPHEME_WORD, SENTENCE_ENDS, TEXT};
use seimai::stage::{Contract, list_slice};

use crate::capsule::is_text;

/// A column of text larger than this is worked on in pieces: 32-bit offsets reach to twice as much.
const TEXT_BYTES_MAX: usize = 1 << 30;

/// A batch as a stage may read it, and which of its texts are null.
pub(crate) struct Admitted {
    pub(crate) batch: RecordBatch,
    pub(crate) nulls: Option<NullBuffer>,
}

/// Makes a batch ready for stages that read by `contracts`.
pub(crate) fn admit(batch: &RecordBatch, contracts: &[Contract]) -> Result<Admitted, String> {
    let read = |name: &str| contracts.iter().flat_map(|contract| &contract.reads).any(|column| column.name == name);
    let schema = batch.schema();
    let (mut fields, mut columns) = (schema.fields().to_vec(), batch.columns().to_vec());
    let mut nulls = None;
    for (field, column) in fields.iter_mut().zip(&mut columns).filter(|(field, _)| read(field.name())) {
        if is_text(field.data_type()) {
            let array = checked_text(field.name(), column)?;
            if field.name() == TEXT.name {
                nulls = array.nulls().filter(|nulls| nulls.null_count() > 0).cloned();
            }
            *column = without_nulls(array);
            *field = Arc::new(field.as_ref().clone().with_data_type(column.data_type().clone()));
        } else if column.null_count() > 0 {
            return Err(format!("column {} holds nulls; they are allowed in texts only", field.name()));
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).map_err(|e| e.to_string())?;
    Ok(Admitted { batch, nulls })
}

/// Texts of any layout with the promise of their type kept: UTF-8, ends inside and in order. Dictionaries are decoded.
fn checked_text(name: &str, column: &ArrayRef) -> Result<ArrayRef, String> {
    let broken = |what: &str| format!("column {name}: {what}");
    match column.data_type() {
        DataType::Utf8 => check::<i32>(column.as_string()).map_err(broken)?,
        DataType::LargeUtf8 => check::<i64>(column.as_string()).map_err(broken)?,
        DataType::Dictionary(_, values) => {
            column.to_data().validate_full().map_err(|e| broken(&e.to_string()))?;
            let decoded = if **values == DataType::Utf8View { DataType::Utf8 } else { values.as_ref().clone() };
            return cast(column, &decoded).map_err(|e| broken(&e.to_string()));
        }
        _ => column.to_data().validate_full().map_err(|e| broken(&e.to_string()))?,
    }
    Ok(Arc::clone(column))
}

/// All texts at once, then their ends: as fast as reading, for the bytes are read once.
fn check<O: OffsetSizeTrait>(texts: &GenericStringArray<O>) -> Result<(), &'static str> {
    let (offsets, bytes) = (texts.value_offsets(), texts.value_data());
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return Ok(()) };
    let range = first.to_usize().zip(last.to_usize()).filter(|(first, last)| first <= last);
    let range = range.and_then(|(first, last)| bytes.get(first..last)).ok_or("its offsets point outside of its bytes")?;
    let all = simdutf8::basic::from_utf8(range).map_err(|_| "its bytes are not UTF-8")?;
    let base = first.as_usize();
    let mut before = base;
    for offset in offsets {
        let at = offset.to_usize().filter(|at| *at >= before).ok_or("its offsets fall")?;
        if !all.is_char_boundary(at - base) {
            return Err("a text begins or ends inside of a character");
        }
        before = at;
    }
    Ok(())
}

/// Null texts as empty ones.
fn without_nulls(array: ArrayRef) -> ArrayRef {
    fn filled<O: OffsetSizeTrait>(texts: &GenericStringArray<O>) -> ArrayRef {
        Arc::new(GenericStringArray::<O>::from_iter_values(texts.iter().map(Option::unwrap_or_default)))
    }
    if array.null_count() == 0 {
        return array;
    }
    match array.data_type() {
        DataType::Utf8 => filled::<i32>(array.as_string()),
        DataType::LargeUtf8 => filled::<i64>(array.as_string()),
        _ => Arc::new(array.as_string_view().iter().map(|text| Some(text.unwrap_or_default())).collect::<StringArray>()),
    }
}

/// The texts that were null are null again.
pub(crate) fn with_nulls(batch: RecordBatch, nulls: Option<NullBuffer>) -> Result<RecordBatch, String> {
    let Some(nulls) = nulls else { return Ok(batch) };
    let schema = batch.schema();
    let Ok(at) = schema.index_of(TEXT.name) else { return Ok(batch) };
    let (mut fields, mut columns) = (schema.fields().to_vec(), batch.columns().to_vec());
    let data = columns[at].to_data().into_builder().nulls(Some(nulls)).build().map_err(|e| e.to_string())?;
    columns[at] = arrow::array::make_array(data);
    fields[at] = Arc::new(fields[at].as_ref().clone().with_nullable(true));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|e| e.to_string())
}

/// Do lists that somebody else made belong to the texts? Ends must rise to the end of the text, at characters; the three columns of
/// morphemes have as many values each.
pub(crate) fn check_lists(batch: &RecordBatch) -> Result<(), String> {
    let Some(texts) = batch.column_by_name(TEXT.name).and_then(|column| column.as_string_opt::<i32>()) else { return Ok(()) };
    let list = |name: &str| batch.column_by_name(name).and_then(|column| column.as_list_opt::<i32>());
    for name in [SENTENCE_ENDS.name, MORPHEME_ENDS.name] {
        let Some(ends) = list(name) else { continue };
        for row in 0..batch.num_rows() {
            if !tiles(texts.value(row), list_slice::<UInt32Type>(ends, row)) {
                return Err(format!("column {name}, row {row}: the ends do not tile the text; they belong to another text"));
            }
        }
    }
    if let (Some(ends), Some(pos), Some(words)) = (list(MORPHEME_ENDS.name), list(MORPHEME_POS.name), list(MORPHEME_WORD.name)) {
        for row in 0..batch.num_rows() {
            let n = list_slice::<UInt32Type>(ends, row).len();
            if list_slice::<UInt16Type>(pos, row).len() != n || list_slice::<UInt32Type>(words, row).len() != n {
                return Err(format!("row {row}: the three columns of morphemes have not as many values each"));
            }
        }
    }
    Ok(())
}

fn tiles(text: &str, ends: &[u32]) -> bool {
    let rise = ends.windows(2).all(|pair| pair[0] < pair[1]);
    rise && ends.iter().all(|&end| text.is_char_boundary(end as usize)) && ends.last().map_or(0, |&end| end as usize) == text.len()
}

/// Pieces of a batch, in order, none of them with more than a gibibyte of text unless it is one row.
pub(crate) fn pieces(batch: RecordBatch) -> Vec<RecordBatch> {
    let bytes = |batch: &RecordBatch| {
        let column = batch.column_by_name(TEXT.name);
        match column.map(|column| (column.data_type(), column)) {
            Some((DataType::LargeUtf8, column)) => {
                let offsets = column.as_string::<i64>().value_offsets();
                offsets.last().zip(offsets.first()).map_or(0, |(end, start)| (end - start) as usize)
            }
            Some((DataType::Utf8View, column)) => column.as_string_view().lengths().map(|length| length as usize).sum(),
            _ => 0,
        }
    };
    if batch.num_rows() < 2 || bytes(&batch) <= TEXT_BYTES_MAX {
        return vec![batch];
    }
    let half = batch.num_rows() / 2;
    let mut all = pieces(batch.slice(0, half));
    all.extend(pieces(batch.slice(half, batch.num_rows() - half)));
    all
}
