//! Text → morphemes: the pieces that tile a document, each with POS id and word id.
//!
//! The unit of analysis is a line; every line break is a gap piece. A dictionary is opened once and shared
//! ([`dictionary::Dictionary`]); an engine ([`Segmenter`]) gives each thread its own worker. Engines never see Arrow;
//! this file never sees a lattice.

pub mod about;
pub mod archive;
pub mod char_def;
pub mod charset;
pub mod compiled_reader;
pub mod contents;
pub mod csv;
pub mod dictionary;
pub mod exact;
pub mod lindera;
pub mod lock;
mod scratch;
pub mod source;
pub mod source_reader;
pub mod store;
#[cfg(test)]
mod tiny;
pub mod user;
#[cfg(test)]
mod user_shipped;
pub mod verify;
pub mod writer;

use std::sync::Arc;

use arrow::datatypes::{UInt16Type, UInt32Type};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::morpheme::{NO_WORD, PosTable};
use crate::schema;
use crate::stage::{self, Batch, Contract, Counts, ListBuilder, Stage, Worker};

/// The morphemes of a document: three parallel columns, pieces tile the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pieces {
    /// Byte ends.
    pub ends: Vec<u32>,
    /// POS ids; 0 = gap.
    pub pos: Vec<u16>,
    /// Word ids; [`NO_WORD`] for unknown words and gaps.
    pub word: Vec<u32>,
}

impl Pieces {
    /// Appends a piece that ends at byte `end`.
    #[inline]
    pub fn push(&mut self, end: u32, pos: u16, word: u32) {
        self.ends.push(end);
        self.pos.push(pos);
        self.word.push(word);
    }

    /// Appends skipped text (whitespace, a line break) that ends at byte `end`.
    #[inline]
    pub fn push_gap(&mut self, end: u32) {
        self.push(end, PosTable::GAP, NO_WORD);
    }

    /// Forgets all pieces and keeps the memory.
    pub fn clear(&mut self) {
        self.ends.clear();
        self.pos.clear();
        self.word.clear();
    }
}

/// An engine over one opened dictionary, shared by all threads.
pub trait Segmenter: Send + Sync {
    /// Enters fingerprints.
    fn version(&self) -> u32;
    /// The scratch of one thread.
    fn worker(&self) -> Box<dyn SegmentWorker + '_>;
}

/// An engine at work in one thread.
pub trait SegmentWorker {
    /// Analyses one line, given without its LF, and appends its pieces; they tile the line, whitespace the analyser
    /// skipped included. Byte ends are relative to `base`, the line's start in the document. An empty line adds nothing.
    fn segment_line(&mut self, line: &str, base: u32, out: &mut Pieces);
}

/// Analyses a whole document: its lines, and a gap piece for each line break.
pub fn segment_document(worker: &mut dyn SegmentWorker, text: &str, out: &mut Pieces) {
    let mut base = 0;
    for line in text.split_inclusive('\n') {
        let body = line.strip_suffix('\n').unwrap_or(line);
        if !body.is_empty() {
            worker.segment_line(body, base as u32, out);
        }
        base += line.len();
        if body.len() < line.len() {
            out.push_gap(base as u32);
        }
    }
}

/// Which engine analyses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Our own lattice with MeCab's semantics.
    #[default]
    Exact,
    /// The lindera crate, as a second opinion.
    Lindera,
}

impl Engine {
    /// The version that enters fingerprints, known without a dictionary.
    pub fn version(self) -> u32 {
        match self {
            Self::Exact => exact::VERSION,
            Self::Lindera => lindera::VERSION,
        }
    }
}

/// The section `[segment]` of the plan.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Name of an installed dictionary (`ipadic`, `unidic`, or the name of an import) or a directory that holds a built one.
    pub dictionary: String,
    /// `exact` (boundaries and features of MeCab) or `lindera`.
    pub engine: Engine,
    /// User dictionaries: CSV files in UTF-8, added in this order. Rows: `surface,left id,right id,cost,features…`, or
    /// `surface,POS,reading`, whose ids and cost are then those usual for the POS (`名詞-固有名詞`). Surfaces are compared with
    /// the text after normalisation: write them as the normalised text is written (with NFKC: `AI`, not `ＡＩ`).
    pub user_dictionary: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { dictionary: "ipadic".into(), engine: Engine::default(), user_dictionary: Vec::new() }
    }
}

impl Options {
    /// The same with relative paths starting at `base`. A plain name stays a name.
    pub fn beside(&self, base: &std::path::Path) -> Self {
        let join = |path: &String| base.join(path).to_string_lossy().into_owned();
        let is_path = self.dictionary.contains(['/', '\\']) || self.dictionary == "." || self.dictionary == "..";
        Self {
            dictionary: if is_path { join(&self.dictionary) } else { self.dictionary.clone() },
            user_dictionary: self.user_dictionary.iter().map(join).collect(),
            engine: self.engine,
        }
    }

    /// One sentence for a value that cannot be honoured.
    pub fn check(&self) -> std::result::Result<(), String> {
        if self.dictionary.is_empty() {
            return Err("segment.dictionary is empty; name an installed dictionary or a directory".into());
        }
        if self.user_dictionary.iter().any(String::is_empty) {
            return Err("segment.user_dictionary holds an empty path".into());
        }
        Ok(())
    }
}

/// Opens the dictionary and the engine that the options name.
///
/// # Errors
/// Refused: dictionary not installed (the hint names the commands), malformed or damaged.
pub fn open(options: &Options) -> Result<(Arc<dictionary::Dictionary>, Arc<dyn Segmenter>)> {
    options.check().map_err(Error::refused)?;
    let dictionary = Arc::new(store::open_with(&options.dictionary, &options.user_dictionary)?);
    let segmenter: Arc<dyn Segmenter> = match options.engine {
        Engine::Lindera => Arc::new(lindera::Lindera::new(Arc::clone(&dictionary)).map_err(store::refuse)?),
        Engine::Exact => Arc::new(exact::Exact::new(&dictionary).map_err(store::refuse)?),
    };
    Ok((dictionary, segmenter))
}

/// The stage: reads the text, adds the three morpheme columns.
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
        Box::new(SegmentScratch { engine: self.segmenter.worker(), pieces: Pieces::default(), counts: Counts::new() })
    }
}

struct SegmentScratch<'a> {
    engine: Box<dyn SegmentWorker + 'a>,
    pieces: Pieces,
    counts: Counts,
}

impl Worker for SegmentScratch<'_> {
    fn apply(&mut self, batch: Batch) -> Result<Batch> {
        let mut ends = ListBuilder::<UInt32Type>::default();
        let mut pos = ListBuilder::<UInt16Type>::default();
        let mut word = ListBuilder::<UInt32Type>::default();
        for text in stage::strings(&batch, &schema::TEXT)?.iter().map(Option::unwrap_or_default) {
            self.pieces.clear();
            segment_document(self.engine.as_mut(), text, &mut self.pieces);
            if self.pieces.ends.last().map_or(0, |&end| end as usize) != text.len() {
                return Err(Error::internal("the morphemes do not tile the text"));
            }
            ends.values.extend_from_slice(&self.pieces.ends);
            pos.values.extend_from_slice(&self.pieces.pos);
            word.values.extend_from_slice(&self.pieces.word);
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
