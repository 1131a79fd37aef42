//! Pieces of texts that earlier documents have: found, and kept by work shard.

use crate::dedup::by_shard::{ByShard, OfDocument};
use crate::dedup::options::Options;
use crate::dedup::piece::{Cut, PieceCorpus};
use crate::dedup::substring::PARTNERS;
use crate::dedup::{frequent_lines, substring};
use crate::error::Result;
use crate::io::SortedRuns;

/// What leaves the texts of a corpus, by work shard.
#[derive(Debug)]
pub struct Pieces {
    cuts: ByShard<Cut>,
}

/// Finds what the options ask for. The result depends on the documents and their order only.
///
/// # Errors
/// Those of the corpus and of the system.
pub fn find_pieces(options: &Options, corpus: &PieceCorpus<'_>) -> Result<Pieces> {
    let mut found = SortedRuns::new(corpus.staging, corpus.memory / 8);
    if let Some(limits) = options.line_limits() {
        frequent_lines::find(limits, corpus, &mut found)?;
    }
    if let Some(stretch) = options.substring {
        substring::find(stretch as usize, PARTNERS, corpus, &mut found)?;
    }
    Ok(Pieces { cuts: ByShard::new(corpus.staging, "pieces", &found.finish()?)? })
}

impl Pieces {
    /// Those of a work shard, in order. What several searches found may overlap: [`settle`](super::settle::settle) them with the text.
    ///
    /// # Errors
    /// Those of the system.
    pub fn of_shard(&self, shard: u64) -> Result<Vec<Cut>> {
        let mut cuts = Vec::new();
        self.cuts.each(shard, &mut |cut| {
            cuts.push(cut);
            Ok(())
        })?;
        Ok(cuts)
    }

    /// The work shards that have some, ascending.
    pub fn shards(&self) -> impl Iterator<Item = u64> + '_ {
        self.cuts.shards()
    }
}

impl OfDocument for Cut {
    fn ordinal(&self) -> u64 {
        self.ordinal
    }
}
