//! The engine `lindera`: the crate's own lattice over our files. The second opinion beside `exact`.
//!
//! Known departures from MeCab that stay: the crate cuts at 。 and 、, and treats whitespace as tokens of the lattice.

use std::sync::Arc;

use lindera::mode::Mode;
use lindera::segmenter::Segmenter as LinderaSegmenter;
use lindera::worker::SegmentWorker as LinderaWorker;
use lindera_dictionary::dictionary::Dictionary as LinderaDictionary;
use lindera_dictionary::dictionary::character_definition::CharacterDefinition;
use lindera_dictionary::dictionary::connection_cost_matrix::ConnectionCostMatrix;
use lindera_dictionary::dictionary::metadata::Metadata;
use lindera_dictionary::dictionary::prefix_dictionary::PrefixDictionary;
use lindera_dictionary::dictionary::unknown_dictionary::UnknownDictionary;
use lindera_dictionary::util::Data;

use crate::error::{Error, Result};
use crate::morpheme::NO_WORD;
use crate::segment::dictionary::Dictionary;
use crate::segment::{Pieces, SegmentWorker, Segmenter};

/// Enters fingerprints: raise when the output changes.
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
        let metadata = Metadata::load(&maps.metadata).map_err(failed("metadata.json"))?;
        metadata.validate_format_version().map_err(failed("metadata.json"))?;
        let inner = LinderaDictionary {
            prefix_dictionary: Arc::new(prefix),
            connection_cost_matrix: Arc::new(ConnectionCostMatrix::load(shared(&maps.matrix)).map_err(failed("matrix.mtx"))?),
            character_definition: Arc::new(CharacterDefinition::load(&maps.char_def).map_err(failed("char_def.bin"))?),
            unknown_dictionary: Arc::new(UnknownDictionary::load(&maps.unk).map_err(failed("unk.bin"))?),
            metadata: Arc::new(metadata),
        };
        check(&inner, &dictionary)?;
        let grouping = usize::from(dictionary.about().max_grouping);
        let segmenter = LinderaSegmenter::new(Mode::Normal, inner, None).max_grouping_len(Some(grouping));
        Ok(Self { dictionary, segmenter })
    }
}

/// What the crate would index without asking: its copies of the unknown rows must be ours.
fn check(inner: &LinderaDictionary, dictionary: &Dictionary) -> Result<()> {
    let unknown = &inner.unknown_dictionary;
    let rows = &dictionary.about().unknown;
    let same = unknown.costs.len() == rows.len()
        && unknown.costs.iter().zip(rows).enumerate().all(|(n, (cost, row))| {
            cost.word_id().id() as usize == n && cost.left_id() == u32::from(row.left) && cost.right_id() == u32::from(row.right)
        })
        && unknown.category_references.len() == inner.character_definition.category_definitions.len()
        && unknown.category_references.iter().flatten().all(|&row| (row as usize) < rows.len());
    if same { Ok(()) } else { Err(Error::damaged(dictionary.dir().join("unk.bin"), "the rows are not those of seimai.json")) }
}

impl Segmenter for Lindera {
    fn worker(&self) -> Box<dyn SegmentWorker + '_> {
        Box::new(Scratch { dictionary: &self.dictionary, worker: self.segmenter.new_worker() })
    }
}

struct Scratch<'a> {
    dictionary: &'a Dictionary,
    worker: LinderaWorker,
}

impl SegmentWorker for Scratch<'_> {
    fn segment_line(&mut self, line: &str, base: u32, out: &mut Pieces) {
        let mut at = 0;
        // The crate's call cannot fail on text; should that change, the line stays one gap, and it still tiles.
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
