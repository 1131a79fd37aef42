//! Normalisation: NFKC with a keep-list, and the rules that Japanese text needs.
//!
//! The stage replaces `text` and counts what each rule did. Sentence ends travel as a column of their own
//! ([`sentences::Sentences`]), so no later room has to split again.

mod kernel;
mod punctuation;
mod rules;
pub mod sentences;

use std::sync::Arc;

use arrow::array::{Array, StringBuilder};

pub use self::kernel::Normalizer;
pub use self::rules::{RULES, Rule, RuleCounts};
use crate::error::Result;
use crate::schema::TEXT;
use crate::stage::{Batch, Contract, Counts, Stage, Worker, strings, with_column};

/// Unicode version of the normalisation tables, for the manifest.
pub const UNICODE_VERSION: (u8, u8, u8) = unicode_normalization::UNICODE_VERSION;

/// The Unicode normal form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Compatibility composition, with the keep-list.
    #[default]
    Nfkc,
    /// Canonical composition: widths and compatibility characters stay.
    Nfc,
    /// No normal form: line ends, controls and the switched-on rules only.
    None,
}

/// What becomes of full-width symbols such as （）！？：％.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Symbols {
    /// They stay full width, except between Latin letters or digits (３．１４ → 3.14).
    #[default]
    Keep,
    /// They become ASCII, as plain NFKC has it.
    Fold,
}

/// What becomes of variation selectors after kanji.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Selectors {
    /// They stay: 葛󠄀 and 葛󠄁 are spellings of different names.
    #[default]
    Keep,
    /// They are removed.
    Drop,
}

/// The plan's `[normalize]`.
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a plan, not states")]
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Unicode normal form: nfkc, nfc or none.
    pub form: Form,
    /// Keep characters that NFKC would change in meaning (①, ㈱, ㍻, ℃, ½, …, compatibility kanji).
    pub keep_list: bool,
    /// Full-width symbols beside Japanese: keep or fold to ASCII (form nfkc only).
    pub symbols: Symbols,
    /// Variation selectors after kanji: keep or drop.
    pub variation_selectors: Selectors,
    /// Write ～ as 〜.
    pub wave_dash: bool,
    /// Write a single ― or — between katakana as ー.
    pub katakana_dash: bool,
    /// Write ，．as 、。where they are the document's usual marks.
    pub kuten: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            form: Form::Nfkc,
            keep_list: true,
            symbols: Symbols::Keep,
            variation_selectors: Selectors::Keep,
            wave_dash: true,
            katakana_dash: true,
            kuten: true,
        }
    }
}

impl Options {
    /// Every combination of values is allowed.
    pub fn check(&self) -> std::result::Result<(), String> {
        Ok(())
    }
}

/// The stage: `text` in, `text` out.
#[derive(Debug, Clone)]
pub struct Normalize {
    normalizer: Normalizer,
}

impl Normalize {
    /// Prepares the rules.
    pub fn new(options: &Options) -> Self {
        Self { normalizer: Normalizer::new(options) }
    }
}

impl Stage for Normalize {
    fn name(&self) -> &'static str {
        "normalize"
    }

    fn contract(&self) -> Contract {
        Contract { reads: vec![TEXT], adds: vec![TEXT] }
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(NormalizeWorker { normalizer: &self.normalizer, out: String::new(), counts: RuleCounts::default() })
    }
}

struct NormalizeWorker<'a> {
    normalizer: &'a Normalizer,
    out: String,
    counts: RuleCounts,
}

impl Worker for NormalizeWorker<'_> {
    fn apply(&mut self, batch: Batch) -> Result<Batch> {
        let texts = strings(&batch, &TEXT)?;
        let mut column = StringBuilder::with_capacity(texts.len(), texts.value_data().len());
        for row in 0..texts.len() {
            self.normalizer.normalize(texts.value(row), &mut self.out, &mut self.counts);
            column.append_value(&self.out);
        }
        with_column(&batch, &TEXT, Arc::new(column.finish()))
    }

    fn take_counts(&mut self) -> Counts {
        let counts = std::mem::take(&mut self.counts);
        counts.iter().map(|(name, n)| (name.to_owned(), n)).collect()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;
    use arrow::datatypes::Schema;

    use super::*;

    fn batch(texts: &[&str]) -> Batch {
        let column = Arc::new(StringArray::from_iter_values(texts));
        Batch::try_new(Arc::new(Schema::new(vec![TEXT.field()])), vec![column]).unwrap()
    }

    #[test]
    fn the_stage_replaces_text_and_counts_per_rule() {
        let stage = Normalize::new(&Options::default());
        let mut worker = stage.worker();
        let done = worker.apply(batch(&["ＡＢ\r\n", "", "か\u{3099}①"])).unwrap();
        assert_eq!(strings(&done, &TEXT).unwrap().iter().flatten().collect::<Vec<_>>(), ["AB\n", "", "が①"]);
        let counts: Vec<_> = worker.take_counts().into_iter().collect();
        assert_eq!(counts, [("folded", 2), ("kept", 1), ("line_ends", 1), ("voiced_marks", 1)].map(|(rule, n)| (rule.to_owned(), n)));
        assert!(worker.take_counts().is_empty());
    }

    #[test]
    fn sentence_ends_are_a_list_for_each_row() {
        let done = sentences::Sentences.worker().apply(batch(&["一。二。", "", "三"])).unwrap();
        let ends = crate::stage::lists(&done, &crate::schema::SENTENCE_ENDS).unwrap();
        let row = |row| crate::stage::list_slice::<arrow::datatypes::UInt32Type>(ends, row);
        assert_eq!((row(0), row(1), row(2)), (&[6, 12][..], &[][..], &[3][..]));
    }

    #[test]
    fn options_are_read_from_toml() {
        let options: Options = toml::from_str("form = \"nfc\"\nsymbols = \"fold\"").unwrap();
        assert_eq!(options, Options { form: Form::Nfc, symbols: Symbols::Fold, ..Options::default() });
        assert!(toml::from_str::<Options>("forms = \"nfc\"").is_err());
    }
}
