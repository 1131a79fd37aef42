//! Segmentation: cuts text into morphemes, which tile it, each with a POS id and a word id.
//!
//! Text is analysed line by line; each line break is a gap. A dictionary is opened once and shared
//! ([`dictionary::Dictionary`]); an engine over it ([`Segmenter`]) gives each thread its own worker. There are two engines:
//! [`mod@exact`], our own lattice with the results of MeCab, and [`mod@lindera`]. [`store`] installs and finds dictionaries, [`mod@print`]
//! prints morphemes as MeCab does.

pub mod about;
pub mod archive;
pub mod built_files;
pub mod char_def;
pub mod charset;
pub mod compiled_reader;
pub mod contents;
pub mod csv;
pub mod dictionary;
mod engine;
pub mod exact;
pub mod lindera;
pub mod lines;
pub mod lock;
mod morphemes;
mod open;
mod options;
mod part_of_speech;
pub mod print;
pub mod source;
pub mod source_reader;
pub mod store;
pub mod user;
pub mod verify;
pub mod writer;

use std::sync::Arc;

use arrow::datatypes::{UInt16Type, UInt32Type};

use crate::error::{Error, Result};
use crate::morpheme::PosTable;
use crate::schema;
use crate::stage::{self, Batch, Contract, Counts, ListBuilder, Stage, Worker};

pub use self::engine::{SegmentWorker, Segmenter, segment_document};
pub use self::morphemes::MorphemeBuffer;
pub use self::open::{open, open_noted};
pub use self::options::{Engine, Options};

impl Engine {
    /// The version that enters fingerprints, known without a dictionary.
    pub fn version(self) -> u32 {
        match self {
            Self::Exact => exact::VERSION,
            Self::Lindera => lindera::VERSION,
        }
    }
}

/// The stage that adds the three columns of morphemes.
pub struct Segment {
    segmenter: Arc<dyn Segmenter>,
}

impl Segment {
    /// A stage over an engine.
    pub fn new(segmenter: Arc<dyn Segmenter>) -> Self {
        Self { segmenter }
    }
}

impl Stage for Segment {
    fn name(&self) -> &'static str {
        "segment"
    }

    fn version(&self) -> u32 {
        self.segmenter.version()
    }

    fn contract(&self) -> Contract {
        Contract { reads: vec![schema::TEXT], adds: vec![schema::MORPHEME_ENDS, schema::MORPHEME_POS, schema::MORPHEME_WORD] }
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(SegmentScratch { engine: self.segmenter.worker(), morphemes: MorphemeBuffer::default(), counts: Counts::new() })
    }
}

struct SegmentScratch<'a> {
    engine: Box<dyn SegmentWorker + 'a>,
    morphemes: MorphemeBuffer,
    counts: Counts,
}

impl Worker for SegmentScratch<'_> {
    fn apply(&mut self, batch: Batch) -> Result<Batch> {
        let mut ends = ListBuilder::<UInt32Type>::default();
        let mut pos = ListBuilder::<UInt16Type>::default();
        let mut word = ListBuilder::<UInt32Type>::default();
        for text in stage::strings(&batch, &schema::TEXT)?.iter().map(Option::unwrap_or_default) {
            self.morphemes.clear();
            segment_document(self.engine.as_mut(), text, &mut self.morphemes);
            if self.morphemes.ends.last().map_or(0, |&end| end as usize) != text.len() {
                return Err(Error::internal("the morphemes do not tile the text"));
            }
            ends.values.extend_from_slice(&self.morphemes.ends);
            pos.values.extend_from_slice(&self.morphemes.pos);
            word.values.extend_from_slice(&self.morphemes.word);
            ends.end_row()?;
            pos.end_row()?;
            word.end_row()?;
        }
        *self.counts.entry("morphemes".into()).or_default() += pos.values.iter().filter(|&&id| id != PosTable::GAP).count() as u64;
        let batch = stage::with_column(&batch, &schema::MORPHEME_ENDS, ends.finish()?)?;
        let batch = stage::with_column(&batch, &schema::MORPHEME_POS, pos.finish()?)?;
        stage::with_column(&batch, &schema::MORPHEME_WORD, word.finish()?)
    }

    fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }
}

#[cfg(test)]
mod tests;
