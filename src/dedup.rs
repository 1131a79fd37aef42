//! Deduplication: finds documents whose text an earlier document has, exactly or nearly.
//!
//! [`Sketcher`] is the fold: it reads texts and writes one small row for each document (content hash and band keys). [`resolve`]
//! reads these rows of all work shards and, for candidates only, the texts again, and gives [`Verdicts`]: every removed document
//! names a kept one with the same text (`exact`) or with an exact Jaccard similarity of at least `near`. Nothing is dropped here;
//! `decide` does that.
//!
//! [`find_pieces`] looks, in the texts of documents that stay, for lines that many of them share and for stretches that stood before; [`settle`]
//! says what of that leaves a text.
//!
//! Documents are compared in the order of their ordinals, shard by shard and row by row, whatever the order in which shards are
//! finished; of similar documents the first one stays, or the one of the least rank where the plan says so ([`Keep`]).
//!
//! Where formulae are spared, near-duplicates are compared [`without`](without::without) them: sketches here, and the texts that
//! [`resolve`] is given. Exact duplicates have the same whole text.

mod anchor;
pub mod bands;
pub mod breaks;
mod by_shard;
pub mod candidates;
mod corpus;
pub mod coverage;
pub mod cuts;
pub mod decontaminate;
mod edge;
pub mod evaluation;
mod family;
mod filter;
mod frequent_lines;
mod index_table;
pub mod lines;
mod marks;
mod matching;
pub mod minhash;
mod options;
pub mod orthography;
mod order;
mod ordinal;
mod partial_table;
mod piece;
mod pieces;
mod resolve;
pub mod seeds;
mod settle;
pub mod shingle;
mod substring;
mod table;
mod text_store;
mod verdict;
mod verdicts;
mod verifier;
pub mod verify;
pub mod view;
mod view_store;
pub mod winnow;
pub mod without;

use self::partial_table::PartialBuilder;
use arrow::datatypes::UInt32Type;

use crate::error::Result;
use crate::schema::{Column, FORMULAE, TEXT};
use crate::stage::{Absorber, Batch, Contract, Fold, list_slice, lists, strings};

pub use self::bands::Bands;
pub use self::corpus::{Admit, Corpus, Known};
pub use self::family::Member;
pub use self::index_table::{Holds, KEPT_TEXT, Removal, SIMILARITY, SKETCH, STANDS_FOR_IT, index_table, removals, sketches};
pub use self::options::{Contaminated, Keep, LineLimits, Lines, Near, Options};
pub use self::order::Ranks;
pub use self::ordinal::{ordinal, row_of, shard_of};
pub use self::partial_table::{BAND_KEYS, CONTENT_HASH, ORTHOGRAPHY_KEYS, TEXT_BYTES};
pub use self::piece::{Cut, Document, Documents, PieceCorpus, PieceKind};
pub use self::pieces::{Pieces, find_pieces};
pub use self::resolve::resolve;
pub use self::settle::settle;
pub use self::text_store::{Bytes, Texts};
pub use self::verdict::{Affected, Kind, Verdict};
pub use self::verdicts::Verdicts;

/// Enters fingerprints: raise it when the same sketches and texts give other verdicts.
pub const VERSION: u32 = 4;

/// Every column of this room's tables.
pub fn columns() -> impl Iterator<Item = Column> {
    [CONTENT_HASH, BAND_KEYS, ORTHOGRAPHY_KEYS, TEXT_BYTES].into_iter()
}

/// The fold: from texts to content hashes and band keys.
#[derive(Debug, Clone)]
pub struct Sketcher {
    bands: Option<Bands>,
    orthography: bool,
    spares_formulae: bool,
}

impl Sketcher {
    /// A sketcher for these options. Only `bands` matters, and whether `near` and `orthography` are on.
    pub fn new(options: &Options) -> Self {
        let orthography = options.orthography_threshold().is_some();
        Self { bands: options.threshold().map(|_| options.bands), orthography, spares_formulae: false }
    }

    /// Leaves the spans of the column `formulae` out of the sketches, if near-duplicates are looked for.
    #[must_use]
    pub fn sparing_formulae(self, spares: bool) -> Self {
        Self { spares_formulae: spares && (self.bands.is_some() || self.orthography), ..self }
    }
}

impl Fold for Sketcher {
    fn name(&self) -> &'static str {
        "dedup"
    }

    fn version(&self) -> u32 {
        view::VERSION
    }

    fn contract(&self) -> Contract {
        let reads = if self.spares_formulae { vec![TEXT, FORMULAE] } else { vec![TEXT] };
        let mut adds = vec![CONTENT_HASH, BAND_KEYS, TEXT_BYTES];
        adds.extend(self.orthography.then_some(ORTHOGRAPHY_KEYS));
        Contract { reads, adds }
    }

    fn absorber(&self) -> Box<dyn Absorber + '_> {
        Box::new(Sketches { sketcher: self.clone(), view: Vec::new(), table: PartialBuilder::new(self.orthography) })
    }
}

/// The sketches of one work shard so far.
#[derive(Debug)]
struct Sketches {
    sketcher: Sketcher,
    view: Vec<u32>,
    table: PartialBuilder,
}

impl Sketches {
    /// The next document; `spared` are the spans that its sketch leaves out.
    fn add(&mut self, text: &str, spared: &[u32]) -> Result<()> {
        let Self { sketcher, view, table } = self;
        table.push(text, |keys, orthography_keys| {
            if sketcher.bands.is_none() && orthography_keys.is_none() {
                return;
            }
            view::fold(&without::without(text, spared), view);
            if let Some((bands, sketch)) = sketcher.bands.and_then(|bands| Some((bands, minhash::sketch(view)?))) {
                bands.keys(&sketch, keys);
            }
            if let Some(keys) = orthography_keys {
                orthography::fold(view);
                if let Some(sketch) = minhash::sketch(view) {
                    Bands::ORTHOGRAPHY.keys(&sketch, keys);
                }
            }
            if view.capacity() > view::BUFFER_KEPT {
                *view = Vec::new();
            }
        })
    }
}

impl Absorber for Sketches {
    fn push(&mut self, batch: &Batch) -> Result<()> {
        let spared = if self.sketcher.spares_formulae { Some(lists(batch, &FORMULAE)?) } else { None };
        let mut texts = strings(batch, &TEXT)?.iter().enumerate();
        texts.try_for_each(|(row, text)| {
            self.add(text.unwrap_or_default(), spared.map_or(&[], |spans| list_slice::<UInt32Type>(spans, row)))
        })
    }

    fn finish(self: Box<Self>) -> Result<Batch> {
        self.table.finish()
    }
}

#[cfg(test)]
mod tests;
