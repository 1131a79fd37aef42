//! Byte-pair encoding: learns a vocabulary from the corpus, and turns documents into token ids with it.
//!
//! [`Count`] is a fold that counts pre-tokens, shard by shard; [`merge_counts`] adds its partial tables up; [`train()`] learns a
//! vocabulary from the sum; [`Encode`] is the stage that turns documents into ids. Morphemes guide training only: encoding needs
//! the pattern and the merges, and no dictionary. The files that other libraries read are those of [`huggingface`], [`tiktoken`],
//! [`sentencepiece`] and [`gguf`].

mod byte_level;
mod class;
pub mod count;
mod counts_table;
pub mod crew;
pub mod encode;
mod flat_corpus;
pub mod gguf;
pub mod huggingface;
mod joins;
pub mod merge;
mod merge_ranks;
mod merger;
pub mod mixture;
mod neighbours;
mod options;
pub mod pattern;
pub mod portrait;
mod prefixes;
mod protected;
mod ranked;
mod recipe;
pub mod sentencepiece;
mod shape;
mod short_key;
mod symbols;
pub mod tally;
pub mod tiktoken;
mod tokenizer_file;
pub mod train;
pub mod trainer;
pub mod vocabulary;
mod walk;

use std::sync::Arc;

use arrow::array::Int32Array;
use arrow::datatypes::{Int32Type, UInt32Type};

pub use self::count::Part;
use self::count::{Counter, DocumentBoundaries};
pub use self::counts_table::{
    CountRows, CountsSum, Cut, Row as CountRow, VisitRow, adjust_counts, counted_bytes, counts_schema, merge_counts, table as counts_table,
};
use self::encode::Encoder;
pub use self::options::{Boundaries, Digits, NormalizerName, Options, PatternName};
use self::pattern::Pattern;
pub use self::recipe::Recipe;
pub use self::tokenizer_file::{read_tokenizer, read_tokenizer_and_content};
pub use self::train::{Trained, train, train_sizes};
use self::vocabulary::Tokenizer;
use crate::error::{Error, Result};
use crate::schema::{COUNT, DOC_ID, INPUT_IDS, LEVEL, MORPHEME_ENDS, N_TOKENS, PRE_TOKEN, TEXT};
use crate::stage::{Absorber, Batch, Contract, Fold, ListBuilder, Stage, Worker, list_slice, lists, strings, with_column};

/// The fold that counts pre-tokens: its partial tables have the columns of [`counts_schema`] and are ascending by level and bytes.
#[derive(Debug)]
pub struct Count {
    boundaries: Boundaries,
    pattern: Pattern,
    superwords: bool,
}

impl Count {
    /// A fold for the options.
    ///
    /// # Errors
    /// What [`Options::check`] says.
    pub fn new(options: &Options) -> Result<Self> {
        options.check().map_err(Error::refused)?;
        let pattern = options.scanner();
        Ok(Self { boundaries: options.boundaries, pattern, superwords: options.superwords > 0.0 })
    }
}

impl Count {
    /// Counts the pre-tokens of a batch into a sum.
    ///
    /// # Errors
    /// Columns that are missing or of another type.
    pub fn add(&self, batch: &Batch, sum: &mut CountsSum) -> Result<()> {
        self.count(batch, sum.levels_mut())
    }

    fn count(&self, batch: &Batch, [at_boundaries, of_pattern]: &mut [Counter; 2]) -> Result<()> {
        let texts = strings(batch, &TEXT)?;
        let ends = if self.boundaries == Boundaries::Morpheme { Some(lists(batch, &MORPHEME_ENDS)?) } else { None };
        for row in 0..batch.num_rows() {
            let boundaries = match ends {
                Some(ends) => DocumentBoundaries::Morphemes(list_slice::<UInt32Type>(ends, row)),
                None if self.boundaries == Boundaries::Script => DocumentBoundaries::Scripts,
                None => DocumentBoundaries::None,
            };
            at_boundaries.add_document(texts.value(row), self.pattern, boundaries);
            if self.superwords {
                of_pattern.add_document(texts.value(row), self.pattern, DocumentBoundaries::None);
            }
        }
        Ok(())
    }
}

impl Fold for Count {
    fn name(&self) -> &'static str {
        "count"
    }

    fn version(&self) -> u32 {
        count::VERSION
    }

    fn contract(&self) -> Contract {
        let mut reads = vec![TEXT];
        if self.boundaries == Boundaries::Morpheme {
            reads.push(MORPHEME_ENDS);
        }
        Contract { reads, adds: vec![LEVEL, PRE_TOKEN, COUNT] }
    }

    fn absorber(&self) -> Box<dyn Absorber + '_> {
        Box::new(CountAbsorber { fold: self, levels: <[Counter; 2]>::default() })
    }
}

struct CountAbsorber<'a> {
    fold: &'a Count,
    /// Pre-tokens that are cut at the boundaries too: level 0. Those of the pattern alone, as inference sees them: level 1, for superwords only.
    levels: [Counter; 2],
}

impl Absorber for CountAbsorber<'_> {
    fn push(&mut self, batch: &Batch) -> Result<()> {
        self.fold.count(batch, &mut self.levels)
    }

    fn finish(self: Box<Self>) -> Result<Batch> {
        counts_table::table(&[(0, self.levels[0].by_bytes()), (1, self.levels[1].by_bytes())])
    }
}

/// The stage that adds `input_ids` and `n_tokens`; it inserts no special token.
#[derive(Debug)]
pub struct Encode {
    encoder: Encoder,
}

impl Encode {
    /// A stage for a tokenizer.
    pub fn new(tokenizer: &Tokenizer) -> Self {
        Self { encoder: Encoder::new(tokenizer) }
    }
}

impl Stage for Encode {
    fn name(&self) -> &'static str {
        "encode"
    }

    fn version(&self) -> u32 {
        encode::VERSION
    }

    fn contract(&self) -> Contract {
        Contract { reads: vec![TEXT], adds: vec![INPUT_IDS, N_TOKENS] }
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(EncodeWorker { worker: self.encoder.worker(), ids: ListBuilder::default() })
    }
}

struct EncodeWorker<'a> {
    worker: encode::Worker<'a>,
    ids: ListBuilder<Int32Type>,
}

impl Worker for EncodeWorker<'_> {
    fn apply(&mut self, batch: Batch) -> Result<Batch> {
        let texts = strings(&batch, &TEXT)?;
        let mut lengths = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let before = self.ids.values.len();
            self.worker.encode(texts.value(row), &mut self.ids.values).map_err(|error| inexpressible(&batch, row, error))?;
            lengths.push((self.ids.values.len() - before) as i32);
            self.ids.end_row()?;
        }
        let ids = self.ids.finish()?;
        let batch = with_column(&batch, &INPUT_IDS, ids)?;
        with_column(&batch, &N_TOKENS, Arc::new(Int32Array::from(lengths)))
    }
}

fn inexpressible(batch: &Batch, row: usize, error: encode::Inexpressible) -> Error {
    let id = strings(batch, &DOC_ID).map_or("?", |ids| ids.value(row));
    Error::refused(format!("document {id:?}: the vocabulary has no token for the character at byte {}", error.at))
}

#[cfg(test)]
mod tests;
