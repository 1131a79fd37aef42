//! Keigo: how polite is a text, and by which forms?
//!
//! For each sentence its style (敬体, 常体, fragment), level and tone, and the honorific forms in it; for each document
//! their counts (`keigo`) and a bucket of politeness (`register`). Rules over the morphemes that segmentation has found,
//! no second analysis. The stage only adds columns.
//!
//! Words, phrases and rules stand in the tables of `dicts/keigo/`, which a linguist edits without Rust.
//!
//! [`alphabet`] and [`flags`] what a morpheme is to the rules · [`rules`] patterns · [`analyze`] text → sentences and
//! spans · [`style`] the end of a sentence · [`formula`] phrases of letters and statutes · [`document`] sums and registers.

pub mod alphabet;
pub mod analyze;
mod conditions;
pub mod document;
pub mod flags;
pub mod formula;
mod fused;
mod lexicon;
mod listing;
mod mapper;
mod marks;
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

use arrow::array::{ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, StringArray, StructArray, UInt8Array, UInt32Array};
use arrow::datatypes::{DataType, UInt16Type, UInt32Type};

pub use crate::keigo::analyze::{Analysis, Analyzer, Sentence, Span};
pub use crate::keigo::document::{DocumentKeigo, Register, Thresholds, register};

use crate::error::{Error, Result};
use crate::morpheme::{Lexicon, Morphemes};
use crate::schema::{self, element};
use crate::stage::{Batch, Contract, Counts, Stage, Worker, list_slice, lists, strings, with_column};

/// What is done with the registers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Columns only.
    #[default]
    Tag,
    /// Drop documents by rules per register (not built yet).
    Filter,
    /// Bring the registers to given shares (not built yet).
    Rebalance,
}

/// Protection of polite formulae from other stages.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Protect {
    /// Mask letter and service formulae before duplicates and repetition are measured (not built yet: false).
    pub formulae: bool,
    /// Quality rules that polite documents are exempt from (not built yet: empty).
    pub exempt: Vec<String>,
}

/// The `[keigo]` section of a plan.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// `tag` adds columns; `filter` and `rebalance` are not built yet.
    pub policy: Policy,
    /// Rules of the `filter` policy (not built yet: empty).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rule: Vec<serde_json::Value>,
    /// Protection of formulae.
    pub protect: Protect,
    /// Targets of the `rebalance` policy (not built yet: leave it out).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebalance: Option<serde_json::Value>,
    /// Thresholds of the registers.
    pub register: Thresholds,
}

impl Options {
    /// Refuses what is out of range or not built yet, in one sentence.
    pub fn check(&self) -> std::result::Result<(), String> {
        let unbuilt = [
            (self.policy != Policy::Tag, "keigo.policy knows only \"tag\" yet; filter and rebalance are not built"),
            (!self.rule.is_empty(), "keigo.rule is not built yet; leave it out"),
            (self.protect.formulae, "keigo.protect.formulae is not built yet; set it to false"),
            (!self.protect.exempt.is_empty(), "keigo.protect.exempt is not built yet; leave it empty"),
            (self.rebalance.is_some(), "keigo.rebalance is not built yet; leave it out"),
        ];
        match unbuilt.iter().find(|(wanted, _)| *wanted) {
            Some((_, message)) => Err((*message).to_string()),
            None => self.register.check(),
        }
    }
}

/// The stage: adds the columns `keigo` and `register`.
#[derive(Debug)]
pub struct Keigo {
    analyzer: Analyzer,
    thresholds: Thresholds,
}

impl Keigo {
    /// Prepares the rules for a dictionary. Refuses options that [`Options::check`] refuses.
    pub fn new(options: &Options, lexicon: &dyn Lexicon) -> Result<Self> {
        options.check().map_err(Error::refused)?;
        Ok(Self { analyzer: Analyzer::new(lexicon)?, thresholds: options.register.clone() })
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

    fn contract(&self) -> Contract {
        Contract {
            reads: vec![schema::TEXT, schema::SENTENCE_ENDS, schema::MORPHEME_ENDS, schema::MORPHEME_POS, schema::MORPHEME_WORD],
            adds: vec![schema::KEIGO, schema::REGISTER],
        }
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(KeigoWorker { worker: self.analyzer.worker(), thresholds: &self.thresholds, counts: Counts::new() })
    }
}

struct KeigoWorker<'a> {
    worker: analyze::Worker<'a>,
    thresholds: &'a Thresholds,
    counts: Counts,
}

impl Worker for KeigoWorker<'_> {
    fn apply(&mut self, batch: Batch) -> Result<Batch> {
        let documents = self.documents(&batch)?;
        let registers: Vec<Register> = documents.iter().map(|document| register(document, self.thresholds)).collect();
        for register in &registers {
            *self.counts.entry(format!("register.{}", register.name())).or_insert(0) += 1;
        }
        let names = StringArray::from_iter_values(registers.iter().map(|register| register.name()));
        let batch = with_column(&batch, &schema::KEIGO, columns(&documents, self.thresholds)?)?;
        with_column(&batch, &schema::REGISTER, Arc::new(names))
    }

    fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }
}

impl KeigoWorker<'_> {
    fn documents(&mut self, batch: &Batch) -> Result<Vec<DocumentKeigo>> {
        let texts = strings(batch, &schema::TEXT)?;
        let sentences = lists(batch, &schema::SENTENCE_ENDS)?;
        let (ends, pos) = (lists(batch, &schema::MORPHEME_ENDS)?, lists(batch, &schema::MORPHEME_POS)?);
        let words = lists(batch, &schema::MORPHEME_WORD)?;
        let mut document = |row: usize| {
            let morphemes = Morphemes {
                ends: list_slice::<UInt32Type>(ends, row),
                pos: list_slice::<UInt16Type>(pos, row),
                word: list_slice::<UInt32Type>(words, row),
            };
            let text = texts.value(row);
            let analysis = self.worker.analyze(text, list_slice::<UInt32Type>(sentences, row), morphemes);
            DocumentKeigo::new(text, &analysis)
        };
        Ok((0..batch.num_rows()).map(&mut document).collect())
    }
}

fn counts(documents: &[DocumentKeigo], count: fn(&DocumentKeigo) -> u32) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values(documents.iter().map(count)))
}

/// The `keigo` struct column, in the order of [`schema::keigo_fields`].
fn columns(documents: &[DocumentKeigo], thresholds: &Thresholds) -> Result<ArrayRef> {
    let dominant = StringArray::from_iter_values(documents.iter().map(|document| document.dominant().name()));
    let consistency: Float32Array = documents.iter().map(|document| document.consistency().map(|c| c as f32)).collect();
    let mixed: BooleanArray = documents.iter().map(|document| Some(document.mixed(thresholds))).collect();
    let levels = UInt32Array::from_iter_values(documents.iter().flat_map(|document| document.level));
    let levels = FixedSizeListArray::try_new(element(DataType::UInt32), 4, Arc::new(levels), None)?;
    let arrays: Vec<ArrayRef> = vec![
        counts(documents, |d| d.n_sentences),
        counts(documents, |d| d.n_keitai),
        counts(documents, |d| d.n_jotai),
        counts(documents, |d| d.n_fragment),
        counts(documents, |d| d.n_quoted),
        counts(documents, |d| d.n_listed),
        Arc::new(dominant),
        Arc::new(consistency),
        Arc::new(mixed),
        Arc::new(levels),
        counts(documents, |d| d.son),
        counts(documents, |d| d.ken1),
        counts(documents, |d| d.ken2),
        counts(documents, |d| d.ken12),
        counts(documents, |d| d.tei),
        counts(documents, |d| d.bik),
        counts(documents, |d| d.ambiguous),
        counts(documents, |d| d.sasete),
        counts(documents, |d| d.n_casual),
        counts(documents, |d| d.n_role),
        Arc::new(UInt8Array::from_value(1, documents.len())),
    ];
    Ok(Arc::new(StructArray::try_new_with_length(schema::keigo_fields(), arrays, None, documents.len())?))
}
