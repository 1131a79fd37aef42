//! Contracts against batches of users.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Float32Array, Int64Array, LargeListArray, LargeStringArray, ListArray, RecordBatch, StringArray, StringViewArray,
    StructArray, UInt32Array,
};
use arrow::datatypes::{DataType, Field, Schema, UInt32Type};

use super::{Batch, Contract, Stage, Worker, list_slice, lists, strings, with_column};
use crate::error::{Error, Result};
use crate::schema::{QUALITY, SENTENCE_ENDS, TEXT, URL};

/// Reads text and sentences, adds the text once more as `url`.
struct Copy;

impl Stage for Copy {
    fn name(&self) -> &'static str {
        "copy"
    }

    fn version(&self) -> u32 {
        1
    }

    fn contract(&self) -> Contract {
        Contract { reads: vec![TEXT, SENTENCE_ENDS], adds: vec![URL] }
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(Copying)
    }
}

struct Copying;

impl Worker for Copying {
    fn apply(&mut self, batch: Batch) -> Result<Batch> {
        let copy = strings(&batch, &TEXT)?.clone();
        with_column(&batch, &URL, Arc::new(copy))
    }
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> Batch {
    let fields: Vec<_> = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

const TEXTS: [Option<&str>; 4] = [Some("一。"), None, Some(""), Some("二。")];

/// The null in the first row is not in the slices that are read.
fn ends() -> ArrayRef {
    Arc::new(LargeListArray::from_iter_primitive::<UInt32Type, _, _>([Some([None]), None, Some([Some(1)]), Some([Some(6)])]))
}

/// The same as lists whose element has another name.
fn item_ends() -> ArrayRef {
    Arc::new(ListArray::from_iter_primitive::<UInt32Type, _, _>([Some([None]), None, Some([Some(1)]), Some([Some(6)])]))
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, parts: &[&str]) {
    let error = result.unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    let said = format!("{error} | {}", error.hint().unwrap_or_default());
    assert!(parts.iter().all(|part| said.contains(part)) && !said.contains("internal"), "{said}");
}

#[test]
fn text_and_lists_of_any_layout_are_taken() {
    let layouts: [ArrayRef; 3] = [
        Arc::new(StringArray::from(TEXTS.to_vec())),
        Arc::new(LargeStringArray::from(TEXTS.to_vec())),
        Arc::new(StringViewArray::from(TEXTS.to_vec())),
    ];
    for (text, ends) in layouts.into_iter().zip([ends(), item_ends(), ends()]) {
        // A slice: its offsets do not begin at 0.
        let given = batch(vec![("text", text), ("other", ends.clone()), ("sentence_ends", ends)]).slice(1, 3);
        let done = Copy.map(given.clone()).unwrap();
        assert_eq!(done.schema().as_ref(), &Copy.contract().output("copy", given.schema_ref()).unwrap());
        assert_eq!(strings(&done, &URL).unwrap().iter().collect::<Vec<_>>(), TEXTS[1..]);
        let ends = lists(&done, &SENTENCE_ENDS).unwrap();
        assert_eq!((0..3).map(|row| list_slice::<UInt32Type>(ends, row)).collect::<Vec<_>>(), [&[][..], &[1], &[6]]);
        assert_eq!(done.column_by_name("other"), given.column_by_name("other"), "what is not read stays as it is");
    }
}

#[test]
fn a_batch_of_the_right_types_is_not_copied() {
    let text: ArrayRef = Arc::new(StringArray::from(TEXTS.to_vec()));
    let contract = Contract { reads: vec![TEXT], adds: vec![] };
    let admitted = contract.admit("any", batch(vec![("text", text.clone())])).unwrap();
    assert!(Arc::ptr_eq(admitted.column(0), &text));
}

#[test]
fn a_wrong_column_is_named_with_stage_and_types() {
    let text: ArrayRef = Arc::new(StringArray::from(TEXTS.to_vec()));
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1; 4]));
    refused(Copy.map(batch(vec![("tekst", text.clone())])), &["stage copy", "column text", "Utf8", "missing", "tekst"]);
    refused(
        Copy.map(batch(vec![("text", numbers.clone()), ("sentence_ends", ends())])),
        &["stage copy", "column text is Int64, wanted Utf8", "LargeUtf8"],
    );
    refused(Copy.map(batch(vec![("text", text.clone()), ("sentence_ends", numbers.clone())])), &["sentence_ends is Int64, wanted List("]);
    refused(Copy.map(batch(vec![("text", text.clone()), ("text", text.clone())])), &["two columns text"]);
    // Without the check it is still no internal error.
    refused(Copying.apply(batch(vec![("text", numbers.clone())])), &["column text is Int64, wanted Utf8"]);
    refused(Copying.apply(batch(vec![("x", numbers)])), &["column text is missing"]);
}

#[test]
fn nulls_inside_of_lists_are_refused() {
    let text: ArrayRef = Arc::new(StringArray::from(TEXTS.to_vec()));
    for ends in [ends(), item_ends()] {
        refused(Copy.map(batch(vec![("text", text.clone()), ("sentence_ends", ends)])), &["sentence_ends", "nulls"]);
    }
}

#[test]
fn more_than_32_bits_can_address_is_refused() {
    // A view is 16 bytes, whatever the length of its string: 2,100 views of a megabyte.
    let mut views = arrow::array::StringViewBuilder::new();
    let block = views.append_block(vec![b'a'; 1 << 20].into());
    for _ in 0..2_100 {
        views.try_append_view(block, 0, 1 << 20).unwrap();
    }
    let contract = Contract { reads: vec![TEXT], adds: vec![] };
    let large = batch(vec![("text", Arc::new(views.finish()))]);
    refused(contract.admit("any", large.clone()), &["column text", "2 GiB", "fewer rows"]);
    assert_eq!(contract.admit("any", large.slice(2_090, 10)).unwrap().num_rows(), 10);
}

#[test]
fn a_struct_may_hold_more_fields_than_asked() {
    let field = |name: &str, data_type| Arc::new(Field::new(name, data_type, true));
    let found = StructArray::from(vec![
        (field("more", DataType::UInt32), Arc::new(UInt32Array::from(vec![1])) as ArrayRef),
        (field("kana", DataType::Float32), Arc::new(Float32Array::from(vec![0.5]))),
    ]);
    let found = batch(vec![("quality", Arc::new(found))]);
    let asks = |data_type: fn() -> DataType| {
        let contract = Contract { reads: vec![QUALITY.with_type(data_type)], adds: vec![] };
        contract.admit("decide", found.clone())
    };
    assert!(asks(|| crate::schema::open_struct(&["kana"])).is_ok());
    assert!(asks(|| DataType::Struct(vec![Field::new("kana", DataType::Float32, false)].into())).is_ok());
    refused(asks(|| crate::schema::open_struct(&["kana", "ja_share"])), &["stage decide", "quality", "ja_share is missing"]);
    refused(asks(|| DataType::Struct(vec![Field::new("kana", DataType::Utf8, false)].into())), &["kana is Float32, wanted Utf8"]);
    refused(asks(|| DataType::Utf8), &["quality is Struct"]);
}

#[test]
fn added_columns_stand_in_place_or_at_the_end() {
    let contract = Contract { reads: vec![TEXT], adds: vec![URL, TEXT, SENTENCE_ENDS] };
    let input = Schema::new(vec![TEXT.field(), Field::new("x", DataType::Int64, true), URL.field()]);
    let output = contract.output("any", &input).unwrap();
    assert_eq!(output.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), ["text", "x", "url", "sentence_ends"]);
    assert!(matches!(contract.output("any", &Schema::empty()), Err(Error::Refused { .. })));
}
