//! All verdicts of a corpus.

use crate::dedup::family::Member;
use crate::dedup::ordinal::{ordinal, shard_of};
use crate::dedup::verdict::Affected;
use crate::error::Result;
use crate::io::{Item, Sorted};

/// The verdicts on all affected documents, by ordinal, and the families of those that stay. A document without a verdict is kept and has no
/// duplicates. Where they are many, they lie on disk, where [`Corpus::staging`](crate::dedup::Corpus::staging) says.
#[derive(Debug)]
pub struct Verdicts {
    affected: Sorted<Affected>,
    families: Sorted<Member>,
}

impl Default for Verdicts {
    fn default() -> Self {
        Self::new(Sorted::Held(Vec::new()), Sorted::Held(Vec::new()))
    }
}

impl Verdicts {
    /// What was decided.
    pub(crate) fn new(affected: Sorted<Affected>, families: Sorted<Member>) -> Self {
        Self { affected, families }
    }

    /// Calls `visit` with every kept document that verified pairs join with an earlier kept one, by ordinal.
    ///
    /// # Errors
    /// Those of `visit`; I/O.
    pub fn each_member(&self, visit: &mut dyn FnMut(Member) -> Result<()>) -> Result<()> {
        self.families.each(visit)
    }

    /// Those of a work shard.
    ///
    /// # Errors
    /// I/O.
    pub fn members_of_shard(&self, shard: u64) -> Result<Vec<Member>> {
        of_shard(&self.families, shard, &|member| member.ordinal)
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
        of_shard(&self.affected, shard, &|affected| affected.ordinal)
    }
}

/// What a list by ordinals has of a work shard.
fn of_shard<T: Item>(list: &Sorted<T>, shard: u64, of: &dyn Fn(&T) -> u64) -> Result<Vec<T>> {
    let mut found = Vec::new();
    list.each_from(&|item| of(item) < ordinal(shard, 0), &mut |item| {
        let is_of_it = shard_of(of(&item)) == shard;
        found.extend(is_of_it.then_some(item));
        is_of_it
    })?;
    Ok(found)
}
