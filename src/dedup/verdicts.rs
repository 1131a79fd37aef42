//! All verdicts of a corpus.

use crate::dedup::ordinal::{ordinal, shard_of};
use crate::dedup::verdict::Affected;
use crate::error::Result;
use crate::io::Sorted;

/// The verdicts on all affected documents, by ordinal, and the families of those that stay. A document without a verdict is kept and has no
/// duplicates. Where they are many, they lie on disk, where [`Corpus::staging`](crate::dedup::Corpus::staging) says.
#[derive(Debug)]
pub struct Verdicts {
    affected: Sorted<Affected>,
    families: Vec<(u64, u64)>,
}

impl Default for Verdicts {
    fn default() -> Self {
        Self::new(Sorted::Held(Vec::new()), Vec::new())
    }
}

impl Verdicts {
    /// What was decided.
    pub(crate) fn new(affected: Sorted<Affected>, families: Vec<(u64, u64)>) -> Self {
        Self { affected, families }
    }

    /// Kept documents that verified pairs join with an earlier kept one, each with the first of its family: a chain of pairs leads from
    /// one to the other, its ends perhaps less similar than the threshold. By ordinal.
    pub fn families(&self) -> &[(u64, u64)] {
        &self.families
    }

    /// Calls `visit` with every affected document, by ordinal.
    ///
    /// # Errors
    /// Those of `visit`; I/O.
    pub fn each(&self, visit: &mut dyn FnMut(Affected) -> Result<()>) -> Result<()> {
        self.affected.each(visit)
    }

    /// The affected documents of a work shard, by row.
    ///
    /// # Errors
    /// I/O.
    pub fn of_shard(&self, shard: u64) -> Result<Vec<Affected>> {
        let mut of_shard = Vec::new();
        self.affected.each_from(&|affected| affected.ordinal < ordinal(shard, 0), &mut |affected| {
            let is_of_it = shard_of(affected.ordinal) == shard;
            of_shard.extend(is_of_it.then_some(affected));
            is_of_it
        })?;
        Ok(of_shard)
    }
}
