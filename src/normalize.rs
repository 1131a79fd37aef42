//! Normalisation: NFKC with a keep-list, and the rules that Japanese text needs.
//!
//! The stage replaces `text` and counts what each rule did. Sentence ends travel as a column of their own
//! ([`sentences::Sentences`]), so that no later room has to split again.

pub mod huggingface;
mod kernel;
mod options;
mod punctuation;
mod rules;
pub mod sentences;

use std::sync::Arc;

use arrow::array::{Array, StringBuilder};

pub use self::kernel::Normalizer;
pub use self::options::{Form, Options, Selectors, Symbols};
pub use self::rules::{RULES, Rule, RuleCounts};
use crate::error::Result;
use crate::schema::TEXT;
use crate::stage::{Batch, Contract, Counts, Stage, Worker, strings, with_column};

/// Unicode version of the normalisation tables, for the manifest.
pub const UNICODE_VERSION: (u8, u8, u8) = unicode_normalization::UNICODE_VERSION;

/// Enters fingerprints: raise it when the same text is normalised to another one.
pub const VERSION: u32 = 2;

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

    fn version(&self) -> u32 {
        VERSION
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
