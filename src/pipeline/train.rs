//! The second fold: the histograms of all parts become one, and a vocabulary is trained on it.

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::layout::{self, pass};
use super::pass::{Facts, Pass};
use super::tables::write_table;
use super::work_dir::Entry;
use crate::bpe;
use crate::bpe::vocabulary::Tokenizer;
use crate::error::{Error, Result};
use crate::io::FileEntry;
use crate::normalize;
use crate::stage::BatchIter;

/// What the entry of the fold says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VocabularyFacts {
    pub vocab_size: u64,
    pub pre_tokens: u64,
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
        self.entry
            .files
            .iter()
            .find(|file| file.path == layout::TOKENIZER_JSON)
            .ok_or_else(|| Error::internal("no tokenizer.json was written"))
    }
}

impl Facts for VocabularyFacts {}

/// Runs the fold, or reads what it made before.
pub(super) fn run(context: &Context<'_>, parts: usize) -> Result<Vocabulary> {
    let fold = Pass::fold(pass::TRAIN, 2);
    fold.run::<VocabularyFacts>(context, |_, underway| {
        let mut batches = (0..parts).flat_map(|part| read_part(context, part));
        let counts = bpe::merge_counts(&mut batches, (context.memory / 2) as usize)?;
        let mut files = vec![write_table(context.store, layout::COUNTS, &counts)?];
        context.stop.check()?;
        underway.step();
        let mut trained = bpe::train(&counts, &context.plan().tokenizer)?;
        if context.plan().tokenizer.normalizer == bpe::NormalizerName::Seimai {
            let normalizer = normalize::huggingface::normalizer(&context.plan().normalize).map_err(Error::refused)?;
            trained.tokenizer = trained.tokenizer.with_normalizer(normalizer);
        }
        for (name, bytes) in trained.files() {
            files.push(context.store.work.write_output(&layout::inside(layout::TOKENIZER, name), bytes.as_bytes(), 0)?);
        }
        let facts = VocabularyFacts { vocab_size: trained.tokenizer.len() as u64, pre_tokens: counts.num_rows() as u64 };
        underway.commit(0, &Entry::new(files, facts))
    })?;
    read(context, fold.entry(context, 0)?)
}

fn read(context: &Context<'_>, entry: Entry<VocabularyFacts>) -> Result<Vocabulary> {
    let tokenizer = bpe::read_tokenizer(&context.store.work.out().join(layout::TOKENIZER_JSON))?;
    let special = |token: &str| tokenizer.special_id(token).ok_or_else(|| Error::internal(format!("the vocabulary has no {token}")));
    let options = &context.plan().tokenizer;
    let (eos, pad) = (special(&options.eos_token)?, special(&options.pad_token)?);
    Ok(Vocabulary { tokenizer, eos, pad, entry })
}

fn read_part(context: &Context<'_>, part: usize) -> BatchIter<'static> {
    match context.store.table(&layout::part_counts(part)) {
        Ok(reader) => Box::new(reader),
        Err(e) => Box::new(std::iter::once(Err(e))),
    }
}
