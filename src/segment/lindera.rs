//! The engine `lindera`: the lattice of the crate of that name over our files, to compare the engine `exact` with.
//!
//! It is known to differ from MeCab in two ways: the crate analyses the text between 。 and 、 separately, and it treats white space
//! as tokens of the lattice.

use std::sync::Arc;

use lindera::mode::Mode;
use lindera::segmenter::Segmenter as LinderaSegmenter;
use lindera::worker::SegmentWorker as LinderaWorker;
use lindera_dictionary::dictionary::Dictionary as LinderaDictionary;
use lindera_dictionary::dictionary::connection_cost_matrix::ConnectionCostMatrix;
use lindera_dictionary::dictionary::metadata::Metadata;
use lindera_dictionary::dictionary::prefix_dictionary::PrefixDictionary;
use lindera_dictionary::util::Data;

use crate::error::{Error, Result};
use crate::morpheme::NO_WORD;
use crate::segment::dictionary::Dictionary;
use crate::segment::engine::{SegmentWorker, Segmenter};
use crate::segment::morphemes::MorphemeBuffer;
use crate::segment::writer;

/// Part of fingerprints: to be raised when the output changes.
pub const VERSION: u32 = 1;

/// The engine over one dictionary.
pub struct Lindera {
    dictionary: Arc<Dictionary>,
    segmenter: LinderaSegmenter,
}

impl Lindera {
    /// Opens the engine over the dictionary's maps.
    ///
    /// # Errors
    /// Damaged if the crate does not accept a file.
    pub fn new(dictionary: Arc<Dictionary>) -> Result<Self> {
        let maps = dictionary.maps();
        let failed = |name: &'static str| {
            let path = dictionary.dir().join(name);
            move |e: lindera_dictionary::error::LinderaError| Error::damaged(&path, e.to_string())
        };
        let shared = |map: &Arc<memmap2::Mmap>| Data::Map(Arc::clone(map));
        let prefix = PrefixDictionary::load(
            shared(&maps.trie),
            shared(&maps.valsidx),
            shared(&maps.vals),
            shared(&maps.wordsidx),
            shared(&maps.words),
        )
        .map_err(failed("dict.trie"))?;
        // The files `char_def.bin` and `unk.bin` are for other programs. Here the same tables are made from files that were checked.
        let chars = dictionary.char_table()?;
        let unknown = writer::unknown_dictionary(chars.names.len(), &dictionary.unknown_rows())?;
        let inner = LinderaDictionary {
            prefix_dictionary: Arc::new(prefix),
            connection_cost_matrix: Arc::new(ConnectionCostMatrix::load(shared(&maps.matrix)).map_err(failed("matrix.mtx"))?),
            character_definition: Arc::new(writer::character_definition(&chars)),
            unknown_dictionary: Arc::new(unknown),
            metadata: Arc::new(Metadata::default()),
        };
        let grouping = usize::from(dictionary.about().max_grouping);
        let segmenter = LinderaSegmenter::new(Mode::Normal, inner, None).max_grouping_len(Some(grouping));
        Ok(Self { dictionary, segmenter })
    }
}

impl Segmenter for Lindera {
    fn version(&self) -> u32 {
        VERSION
    }

    fn worker(&self) -> Box<dyn SegmentWorker + '_> {
        Box::new(Scratch { dictionary: &self.dictionary, worker: self.segmenter.new_worker() })
    }
}

struct Scratch<'a> {
    dictionary: &'a Dictionary,
    worker: LinderaWorker,
}

impl SegmentWorker for Scratch<'_> {
    fn segment_line(&mut self, line: &str, base: u32, out: &mut MorphemeBuffer) {
        let mut at = 0;
        // This call does not fail on text. If that ever changes, the whole line is a gap, and the morphemes still tile it.
        for token in self.worker.segment(line).unwrap_or_default() {
            let (start, end) = (token.byte_start, token.byte_end);
            if start > at {
                out.push_gap(base + start as u32);
            }
            let id = token.word_id.id();
            if token.word_id.is_system() {
                out.push(base + end as u32, self.dictionary.pos_of_word(id), id);
            } else {
                let pos = self.dictionary.about().pos_of_unknown.get(id as usize).copied();
                out.push(base + end as u32, pos.unwrap_or_default(), NO_WORD);
            }
            at = end;
        }
        if at < line.len() {
            out.push_gap(base + line.len() as u32);
        }
    }
}
