//! Deduplication: finds documents whose text an earlier document has, exactly or nearly.
//!
//! [`Sketcher`] is the fold: it reads texts and writes one small row for each document (content hash and band keys). [`resolve`]
//! reads these rows of all work shards and, for candidates only, the texts again, and gives [`Verdicts`]: every removed document
//! names a kept one with the same text (`exact`) or with an exact Jaccard similarity of at least `near`. Nothing is dropped here;
//! `decide` does that.
//!
//! Documents are compared in the order of their ordinals, shard by shard and row by row, whatever the order in which shards are
//! finished; of similar documents the first one stays.

pub mod anchor;
pub mod bands;
pub mod candidates;
pub mod minhash;
mod options;
mod ordinal;
mod partial_table;
mod resolve;
pub mod shingle;
mod table;
mod verdicts;
pub mod verify;
pub mod view;

use self::partial_table::PartialBuilder;
use crate::error::Result;
use crate::schema::{Column, TEXT};
use crate::stage::{Absorber, Batch, Contract, Fold, strings};

pub use self::anchor::{Affected, Kind, Verdict};
pub use self::bands::Bands;
pub use self::options::{Near, Options};
pub use self::ordinal::{ordinal, row_of, shard_of};
pub use self::partial_table::{BAND_KEYS, CONTENT_HASH, TEXT_BYTES};
pub use self::resolve::{Corpus, Texts, resolve};
pub use self::verdicts::Verdicts;

/// Enters fingerprints: raise it when the same sketches and texts give other verdicts.
pub const VERSION: u32 = 1;

/// Every column of this room's tables.
pub fn columns() -> impl Iterator<Item = Column> {
    [CONTENT_HASH, BAND_KEYS, TEXT_BYTES].into_iter().chain(verdicts::COLUMNS)
}

/// The fold: from texts to content hashes and band keys.
#[derive(Debug, Clone)]
pub struct Sketcher {
    bands: Option<Bands>,
}

impl Sketcher {
    /// A sketcher for these options. Only `bands` matters, and whether `near` is on.
    pub fn new(options: &Options) -> Self {
        Self { bands: options.threshold().map(|_| options.bands) }
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
        Contract { reads: vec![TEXT], adds: vec![CONTENT_HASH, BAND_KEYS, TEXT_BYTES] }
    }

    fn absorber(&self) -> Box<dyn Absorber + '_> {
        Box::new(Sketches { bands: self.bands, ..Sketches::default() })
    }
}

/// The sketches of one work shard so far.
#[derive(Debug, Default)]
struct Sketches {
    bands: Option<Bands>,
    view: Vec<u32>,
    table: PartialBuilder,
}

impl Sketches {
    fn add(&mut self, text: &str) -> Result<()> {
        let Self { bands, view, table } = self;
        table.push(text, |keys| {
            let Some(bands) = bands else { return };
            view::fold(text, view);
            if let Some(sketch) = minhash::sketch(view) {
                bands.keys(&sketch, keys);
            }
            if view.capacity() > view::BUFFER_KEPT {
                *view = Vec::new();
            }
        })
    }
}

impl Absorber for Sketches {
    fn push(&mut self, batch: &Batch) -> Result<()> {
        strings(batch, &TEXT)?.iter().try_for_each(|text| self.add(text.unwrap_or_default()))
    }

    fn finish(self: Box<Self>) -> Result<Batch> {
        self.table.finish()
    }
}

#[cfg(test)]
mod tests;
