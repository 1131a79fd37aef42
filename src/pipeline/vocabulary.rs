//! The second fold: the histograms of all parts become one, and a vocabulary is trained on it.

use serde::{Deserialize, Serialize};

use super::annotate::write_table;
use super::observer::{Progress, Unit};
use super::run::Context;
use super::select::counts_path;
use super::work::Entry;
use crate::bpe;
use crate::bpe::vocabulary::Tokenizer;
use crate::error::{Error, Result};
use crate::io::{FileEntry, open_table};
use crate::stage::BatchIter;

/// Name of the pass.
pub(super) const PASS: &str = "train";
/// The histogram, relative to OUT.
pub(super) const COUNTS: &str = "counts.parquet";
/// The vocabulary, relative to OUT.
pub(super) const TOKENIZER: &str = "tokenizer/tokenizer.json";

/// What the entry of the fold says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VocabularyFacts {
    pub vocab_size: u64,
    pub pieces: u64,
}

/// A trained vocabulary.
pub(super) struct Vocabulary {
    pub tokenizer: Tokenizer,
    /// Id that ends a document in the pack.
    pub eos: u32,
    /// Id that fills rows.
    pub pad: u32,
    pub entry: Entry<VocabularyFacts>,
}

impl Vocabulary {
    /// The file `tokenizer/tokenizer.json`.
    pub(super) fn file(&self) -> Result<&FileEntry> {
        self.entry.files.iter().find(|file| file.path == TOKENIZER).ok_or_else(|| Error::internal("no tokenizer.json was written"))
    }
}

/// Runs the fold, or reads what it made before.
pub(super) fn run(context: &Context<'_>, parts: usize) -> Result<Vocabulary> {
    if context.work.committed::<VocabularyFacts>(PASS, "fold")?.is_none() {
        let progress = Progress::start(context.observer, PASS, Unit::Steps, 2);
        let mut batches = (0..parts).flat_map(|part| read_part(context, part));
        let counts = bpe::merge_counts(&mut batches, (context.memory / 2) as usize)?;
        let table = write_table(context, COUNTS, &counts)?;
        context.stop.check()?;
        progress.add(1, 0, 0);
        let trained = bpe::train(&counts, &context.plan.tokenizer)?;
        let mut files = vec![table];
        for (name, bytes) in trained.files() {
            files.push(context.work.write_output(&format!("tokenizer/{name}"), bytes.as_bytes(), 0)?);
        }
        let facts = VocabularyFacts { vocab_size: trained.tokenizer.len() as u64, pieces: counts.num_rows() as u64 };
        context.work.commit(PASS, "fold", &Entry::new(files, facts))?;
        progress.add(1, 0, 0);
        context.took(PASS, progress.finish());
    }
    let entry = context.work.required(PASS, "fold")?;
    let tokenizer = bpe::read_tokenizer(&context.work.out().join(TOKENIZER))?;
    let special = |token: &str| tokenizer.special_id(token).ok_or_else(|| Error::internal(format!("the vocabulary has no {token}")));
    let (eos, pad) = (special(&context.plan.tokenizer.eos_token)?, special(&context.plan.tokenizer.pad_token)?);
    Ok(Vocabulary { tokenizer, eos, pad, entry })
}

fn read_part(context: &Context<'_>, part: usize) -> BatchIter<'static> {
    match open_table(&context.work.out().join(counts_path(part)), None, 1 << 16) {
        Ok(reader) => Box::new(reader),
        Err(e) => Box::new(std::iter::once(Err(e))),
    }
}
