//! The stage, and what a policy makes of its columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{ArrowPrimitiveType, Schema, UInt16Type, UInt32Type};

use super::super::{COLUMN, Kind, Options, Pii, Policy, SPANS};
use crate::morpheme::PosTable;
use crate::schema::{Column, MORPHEME_ENDS, MORPHEME_POS, MORPHEME_WORD, TEXT};
use crate::stage::{Batch, ListBuilder, Stage, column, list_slice, lists, strings};

fn list<T: ArrowPrimitiveType>(rows: &[&[T::Native]]) -> ArrayRef {
    let mut builder = ListBuilder::<T>::default();
    for row in rows {
        builder.values.extend_from_slice(row);
        builder.end_row().unwrap();
    }
    builder.finish().unwrap()
}

/// 山田さん | 電話は | 03-1234-5678 | 。, and a text without personal data.
fn batch() -> Batch {
    let columns: [(Column, ArrayRef); 4] = [
        (TEXT, Arc::new(StringArray::from(vec!["山田さんの電話は03-1234-5678。", "犬"]))),
        (MORPHEME_ENDS, list::<UInt32Type>(&[&[6, 12, 15, 21, 24, 26, 36, 39], &[3]])),
        (MORPHEME_POS, list::<UInt16Type>(&[&[1, 2, 2, 2, 2, 2, 2, 2], &[2]])),
        (MORPHEME_WORD, list::<UInt32Type>(&[&[1, 1, 1, 1, 1, 1, 1, 1], &[1]])),
    ];
    let schema = Schema::new(columns.iter().map(|(column, _)| column.field()).collect::<Vec<_>>());
    Batch::try_new(Arc::new(schema), columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

fn options(toml: &str) -> Options {
    toml::from_str(toml).unwrap()
}

fn annotated(options: &Options) -> (Batch, Vec<(String, u64)>) {
    let name = ["名詞", "固有名詞", "人名", "姓"].map(str::to_owned).to_vec();
    let table = PosTable { tuples: vec![vec![], name, vec!["助詞".to_owned()]], unknown: vec![None; 3] };
    let stage = Pii::new(options, &table);
    let mut worker = stage.worker();
    let out = worker.apply(batch()).unwrap();
    (out, worker.take_counts().into_iter().collect())
}

fn count(batch: &Batch, kind: Kind, row: usize) -> Option<u32> {
    let counts = column(batch, &COLUMN).unwrap().as_struct().column_by_name(kind.name()).unwrap().as_primitive::<UInt32Type>().clone();
    counts.is_valid(row).then(|| counts.value(row))
}

fn spans(batch: &Batch, row: usize) -> Vec<u32> {
    list_slice::<UInt32Type>(lists(batch, &SPANS).unwrap(), row).to_vec()
}

#[test]
fn counts_and_places_stand_in_the_columns() {
    let (out, counts) = annotated(&options(""));
    assert_eq!((count(&out, Kind::Phone, 0), count(&out, Kind::Person, 0), count(&out, Kind::Phone, 1)), (Some(1), Some(1), Some(0)));
    assert_eq!((spans(&out, 0), spans(&out, 1)), (vec![0, 6, Kind::Person.number(), 24, 36, Kind::Phone.number()], vec![]));
    assert_eq!(counts, [("PERSON".to_owned(), 1), ("PHONE".to_owned(), 1)]);
}

#[test]
fn what_is_kept_is_not_looked_for() {
    let (out, counts) = annotated(&options("action = \"keep\""));
    assert_eq!((count(&out, Kind::Phone, 0), spans(&out, 0), counts), (None, vec![], vec![]));
    assert_eq!(out.schema(), annotated(&options("")).0.schema(), "the columns are the same under every plan");
    let (out, _) = annotated(&options("kinds = { PERSON = \"keep\" }"));
    assert_eq!((count(&out, Kind::Person, 0), count(&out, Kind::Phone, 0)), (None, Some(1)));
}

#[test]
fn a_policy_masks_what_it_says_and_moves_the_morphemes() {
    let (found, _) = annotated(&options(""));
    let masked = |toml: &str| {
        let out = Policy::new(&options(toml)).mask(&found).unwrap();
        (strings(&out, &TEXT).unwrap().value(0).to_owned(), list_slice::<UInt32Type>(lists(&out, &MORPHEME_ENDS).unwrap(), 0).to_vec())
    };
    assert_eq!(masked(""), ("山田さんの電話は<PHONE>。".to_owned(), vec![6, 12, 15, 21, 24, 31, 34]));
    assert_eq!(masked("kinds = { PERSON = \"mask\", PHONE = \"count\" }").0, "<PERSON>さんの電話は03-1234-5678。");
    assert_eq!(masked("action = \"drop\"").0, masked("").0, "rejected texts are masked too");
    assert_eq!(masked("action = \"count\""), ("山田さんの電話は03-1234-5678。".to_owned(), vec![6, 12, 15, 21, 24, 26, 36, 39]));
    let texts = found.project(&[0, found.schema().index_of(SPANS.name).unwrap()]).unwrap();
    assert_eq!(
        strings(&Policy::new(&options("")).mask(&texts).unwrap(), &TEXT).unwrap().value(0),
        "山田さんの電話は<PHONE>。",
        "without morphemes"
    );
}

#[test]
fn a_policy_drops_with_kind_and_count_and_without_the_data() {
    let (found, _) = annotated(&options(""));
    let judged = |toml: &str| Policy::new(&options(toml)).judge(&found, 7).unwrap();
    let dropped = judged("action = \"drop\"\nkinds = { PERSON = \"drop\" }");
    assert_eq!((dropped[0].row, dropped[0].rule, dropped[0].evidence.as_str(), dropped.len()), (7, "PHONE", "PHONE 1; PERSON 1", 1));
    assert_eq!(judged("kinds = { EMAIL = \"drop\" }"), []);
    assert!(judged("").is_empty() && Policy::new(&options("")).reads().is_none());
    let lacking = found.project(&[0]).unwrap();
    assert!(Policy::new(&options("action = \"drop\"")).judge(&lacking, 0).unwrap_err().to_string().contains("column pii is missing"));
}
