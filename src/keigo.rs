//! Keigo: how polite is a text, and by which forms?
//!
//! For each sentence its style (敬体, 常体, fragment), level and tone, and the honorific forms in it; for each document
//! their counts (`keigo`) and a bucket of politeness (`register`). Rules over the morphemes that segmentation has found,
//! no second analysis. The stage only adds columns.
//!
//! Words, phrases and rules stand in the tables of `dicts/keigo/`, which a linguist edits without Rust.
//!
//! [`alphabet`] and [`flags`] what a morpheme is to the rules · [`rules`] patterns · `beginnings` and `glance` which sentences need be
//! tried at all · [`analyze`] text → sentences and spans · [`misuse`] forms that are wrong where they stand · [`style`] the end of a sentence · [`formula`] phrases of letters and statutes · [`formula_spans`]
//! where they stand · [`document`] sums and registers ·
//! [`columns`] the fields of the column `keigo` · [`result`] a sentence in full.

pub mod alphabet;
pub mod analyze;
mod beginnings;
pub mod columns;
mod conditions;
pub mod document;
pub mod flags;
pub mod formula;
pub mod formula_spans;
mod fused;
mod glance;
mod items;
mod lexicon;
mod listing;
mod mapper;
mod marks;
pub mod misuse;
mod misuse_conditions;
mod misuse_place;
pub mod result;
pub mod rules;
mod scene;
pub mod style;
mod table;
mod tables;
mod tag_set;
mod vocabulary;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, ListArray, StringArray, StructArray, UInt8Array, UInt32Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, UInt16Type, UInt32Type};

use self::columns::{FIELDS, KeigoField, Value};
use self::formula_spans::FormulaSpans;
pub use crate::keigo::analyze::{Analysis, Analyzer, Sentence, Span};
pub use crate::keigo::document::{DocumentKeigo, Register, Thresholds, register};
pub use crate::keigo::misuse::{Misuse, MisuseType, Severity};

use crate::error::{Error, Result};
use crate::morpheme::{Lexicon, Morphemes};
use crate::schema::{self, Column, element};
use crate::stage::{self, Batch, Contract, Counts, ListBuilder, Stage, Worker, list_slice, lists, strings, with_column};

/// Raise it when the code analyses the same morphemes in another way.
const CODE_VERSION: u32 = 4;

/// Enters fingerprints: follows the code and the tables of `dicts/keigo/`.
pub fn version() -> u32 {
    stage::version_of(CODE_VERSION, tables::texts())
}

/// The column `keigo`: a struct with a field for each of [`FIELDS`].
pub const COLUMN: Column = schema::KEIGO.with_type(|| DataType::Struct(fields()));

/// The stage: adds the columns `keigo`, `register` and `formulae`.
#[derive(Debug)]
pub struct Keigo {
    analyzer: Analyzer,
    thresholds: Thresholds,
}

impl Keigo {
    /// Prepares the rules for a dictionary. Refuses thresholds that [`Thresholds::check`] refuses.
    pub fn new(thresholds: &Thresholds, lexicon: &dyn Lexicon) -> Result<Self> {
        thresholds.check().map_err(Error::refused)?;
        Ok(Self { analyzer: Analyzer::new(lexicon)?, thresholds: thresholds.clone() })
    }

    /// The rules, for analysis of single sentences.
    pub fn analyzer(&self) -> &Analyzer {
        &self.analyzer
    }
}

impl Stage for Keigo {
    fn name(&self) -> &'static str {
        "keigo"
    }

    fn version(&self) -> u32 {
        version()
    }

    fn contract(&self) -> Contract {
        Contract {
            reads: vec![schema::TEXT, schema::SENTENCE_ENDS, schema::MORPHEME_ENDS, schema::MORPHEME_POS, schema::MORPHEME_WORD],
            adds: vec![COLUMN, schema::REGISTER, schema::FORMULAE],
        }
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        let (worker, spans) = (self.analyzer.worker(), FormulaSpans::default());
        Box::new(KeigoWorker { worker, spans, thresholds: &self.thresholds, counts: Counts::new() })
    }
}

struct KeigoWorker<'a> {
    worker: analyze::Worker<'a>,
    spans: FormulaSpans,
    thresholds: &'a Thresholds,
    counts: Counts,
}

impl Worker for KeigoWorker<'_> {
    fn apply(&mut self, batch: Batch) -> Result<Batch> {
        let (documents, formulae) = self.documents(&batch)?;
        let registers: Vec<Register> = documents.iter().map(|document| register(document, self.thresholds)).collect();
        for register in &registers {
            *self.counts.entry(format!("register.{}", register.name())).or_insert(0) += 1;
        }
        let names = StringArray::from_iter_values(registers.iter().map(|register| register.name()));
        let batch = with_column(&batch, &COLUMN, column(&documents, self.thresholds)?)?;
        let batch = with_column(&batch, &schema::REGISTER, Arc::new(names))?;
        with_column(&batch, &schema::FORMULAE, formulae)
    }

    fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }
}

impl KeigoWorker<'_> {
    /// What is known of each document, and where its formulae stand.
    fn documents(&mut self, batch: &Batch) -> Result<(Vec<DocumentKeigo>, ArrayRef)> {
        let texts = strings(batch, &schema::TEXT)?;
        let sentences = lists(batch, &schema::SENTENCE_ENDS)?;
        let (ends, pos) = (lists(batch, &schema::MORPHEME_ENDS)?, lists(batch, &schema::MORPHEME_POS)?);
        let words = lists(batch, &schema::MORPHEME_WORD)?;
        let mut formulae = ListBuilder::<UInt32Type>::default();
        let mut document = |row: usize| {
            let morphemes = Morphemes {
                ends: list_slice::<UInt32Type>(ends, row),
                pos: list_slice::<UInt16Type>(pos, row),
                word: list_slice::<UInt32Type>(words, row),
            };
            let text = texts.value(row);
            let analysis = self.worker.analyze(text, list_slice::<UInt32Type>(sentences, row), morphemes);
            self.spans.of(text, &analysis, &mut formulae.values);
            formulae.end_row()?;
            Ok(DocumentKeigo::new(text, &analysis))
        };
        let documents = (0..batch.num_rows()).map(&mut document).collect::<Result<Vec<_>>>()?;
        Ok((documents, formulae.finish()?))
    }
}

/// The `keigo` struct column.
fn column(documents: &[DocumentKeigo], thresholds: &Thresholds) -> Result<ArrayRef> {
    let arrays = FIELDS.iter().map(|field| array(field, documents, thresholds)).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(StructArray::try_new_with_length(fields(), arrays, None, documents.len())?))
}

fn fields() -> Fields {
    let field = |field: &KeigoField| Field::new(field.name, data_type(field.value), matches!(field.value, Value::Ratio(_)));
    FIELDS.iter().map(field).collect()
}

fn data_type(value: Value) -> DataType {
    match value {
        Value::Count(_) => DataType::UInt32,
        Value::Name(_) => DataType::Utf8,
        Value::Ratio(_) => DataType::Float32,
        Value::Flag(_) => DataType::Boolean,
        Value::Levels(_) => DataType::FixedSizeList(element(DataType::UInt32), 4),
        Value::Named(name, _) => DataType::List(element(DataType::Struct(named_fields(name)))),
        Value::Constant(_) => DataType::UInt8,
    }
}

/// The fields of a count by name.
fn named_fields(name: &str) -> Fields {
    Fields::from(vec![Field::new(name, DataType::Utf8, false), Field::new("n", DataType::UInt32, false)])
}

/// A list of counts by name for each document.
fn named_counts(name: &str, rows: &[Vec<(&'static str, u32)>]) -> Result<ArrayRef> {
    let offsets = OffsetBuffer::<i32>::from_lengths(rows.iter().map(Vec::len));
    let names = StringArray::from_iter_values(rows.iter().flatten().map(|(name, _)| name));
    let counts = UInt32Array::from_iter_values(rows.iter().flatten().map(|(_, n)| *n));
    let structs = StructArray::try_new(named_fields(name), vec![Arc::new(names), Arc::new(counts)], None)?;
    let list = ListArray::try_new(element(DataType::Struct(named_fields(name))), offsets, Arc::new(structs), None)?;
    Ok(Arc::new(list))
}

fn array(field: &KeigoField, documents: &[DocumentKeigo], thresholds: &Thresholds) -> Result<ArrayRef> {
    Ok(match field.value {
        Value::Count(count) => Arc::new(UInt32Array::from_iter_values(documents.iter().map(count))),
        Value::Name(name) => Arc::new(StringArray::from_iter_values(documents.iter().map(name))),
        Value::Ratio(ratio) => Arc::new(documents.iter().map(ratio).collect::<Float32Array>()),
        Value::Flag(flag) => Arc::new(documents.iter().map(|document| Some(flag(document, thresholds))).collect::<BooleanArray>()),
        Value::Levels(levels) => {
            let levels = UInt32Array::from_iter_values(documents.iter().flat_map(levels));
            Arc::new(FixedSizeListArray::try_new(element(DataType::UInt32), 4, Arc::new(levels), None)?)
        }
        Value::Named(name, counts) => named_counts(name, &documents.iter().map(counts).collect::<Vec<_>>())?,
        Value::Constant(value) => Arc::new(UInt8Array::from_value(value, documents.len())),
    })
}
