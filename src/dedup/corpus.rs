//! What is searched for duplicates, and what its documents are called meanwhile.

use crate::dedup::anchor::Aside;
use crate::dedup::family::Member;
use crate::dedup::matching::Room;
use crate::dedup::order::{Order, Ranks};
use crate::dedup::ordinal::shard_of;
use crate::dedup::text_store::{Bytes, Texts};
use crate::dedup::verdict::{Affected, Verdict};
use crate::error::Result;
use crate::io::{Sorted, SortedRuns, Staging};
use crate::stage::{Batch, ParallelFor};

/// Runs work on a text of so many bytes: what is made of a huge one is many times as large, and may have to wait.
pub type Admit<'a> = dyn Fn(usize, &mut dyn FnMut()) + Sync + 'a;

/// What [`super::resolve`] needs of the corpus.
pub struct Corpus<'a> {
    /// Number of work shards, below 2²⁴.
    pub shards: u64,
    /// Documents of all of them.
    pub documents: u64,
    /// The partial table of a work shard, made by [`super::Sketcher`] with the same options; asked for several times.
    pub partial: &'a mut dyn FnMut(u64) -> Result<Batch>,
    /// Does the document (work shard, row) take part? If not, it is neither a duplicate nor an anchor.
    pub eligible: &'a dyn Fn(u64, u32) -> bool,
    /// Which document stands for others; `None`: the first of them.
    pub ranks: Option<&'a Ranks<'a>>,
    /// Documents on which an earlier search has decided.
    pub known: Option<Known<'a>>,
    /// Loads texts.
    pub texts: &'a Texts<'a>,
    /// Lets a text be worked on.
    pub admit: &'a Admit<'a>,
    /// Bytes of memory that may be used; on top come a bit a document, and four bytes for each that is like another.
    pub memory: u64,
    /// Bytes of disk that keys should take at most.
    pub disk: u64,
    /// Where they are put, and candidates.
    pub staging: &'a Staging,
    /// How to use more than one thread.
    pub parallel: &'a ParallelFor<'a>,
}

/// Documents on which an earlier search with the same options has decided: the first work shards of a corpus. They stay what they are.
/// Documents with the text of an earlier one are not among them; those that are like an earlier one are.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// How many work shards they are.
    pub shards: u64,
    /// How many documents.
    pub documents: u64,
    /// The verdict on one of them, if it was removed.
    pub removed: &'a dyn Fn(u64) -> Option<Verdict>,
    /// Is there the sketch of a work shard's documents only, and no text? Then similarities are estimates.
    pub sketched: &'a (dyn Fn(u64) -> bool + Sync),
    /// Loads sketches, as [`Corpus::texts`] loads texts: the bytes of [`crate::dedup::minhash::to_bytes`].
    pub sketches: &'a Bytes<'a>,
}

impl<'a> Corpus<'a> {
    pub(crate) fn room(&self) -> Room<'a> {
        Room { memory: self.memory / 2, disk: self.disk, staging: self.staging, ascending: self.ranks.is_none() }
    }

    pub(crate) fn aside(&self) -> Aside<'a> {
        Aside { staging: self.staging, memory: self.memory / 8 }
    }
}

/// What documents are called while they are compared: by ordinals, or where they stand in another order, by their places in that.
pub(crate) struct Names {
    order: Option<Order>,
    /// The first work shards, on which an earlier search has decided.
    pub(crate) known_shards: u64,
}

impl Names {
    /// Those of a corpus.
    ///
    /// # Errors
    /// Those of [`Order::by_rank`].
    pub(crate) fn new(corpus: &Corpus<'_>) -> Result<Self> {
        let order = corpus.ranks.map(|ranks| Order::by_rank(corpus.shards, ranks, corpus.staging, corpus.memory / 8)).transpose()?;
        Ok(Self { order, known_shards: corpus.known.map_or(0, |known| known.shards) })
    }

    /// What a document is called.
    pub(crate) fn of(&self, ordinal: u64) -> u64 {
        self.order.as_ref().map_or(ordinal, |order| order.place(ordinal))
    }

    /// The ordinal of the document that is called so.
    pub(crate) fn ordinal(&self, name: u64) -> u64 {
        self.order.as_ref().map_or(name, |order| order.ordinal(name))
    }

    /// Has an earlier search decided on it?
    pub(crate) fn is_known(&self, name: u64) -> bool {
        self.known_shards > 0 && shard_of(self.ordinal(name)) < self.known_shards
    }

    /// A verdict by ordinals, by names.
    pub(crate) fn named(&self, verdict: Verdict) -> Verdict {
        match verdict {
            Verdict::Removed { kind, duplicate_of, jaccard } => Verdict::Removed { kind, duplicate_of: self.of(duplicate_of), jaccard },
            Verdict::Anchor { .. } => verdict,
        }
    }

    /// Verdicts by names, by ordinals.
    ///
    /// # Errors
    /// I/O.
    pub(crate) fn unnamed(&self, affected: Sorted<Affected>, aside: Aside<'_>) -> Result<Sorted<Affected>> {
        let Some(order) = &self.order else { return Ok(affected) };
        let mut by_ordinal = SortedRuns::new(aside.staging, aside.memory);
        affected.each(&mut |Affected { ordinal, verdict }| {
            let verdict = match verdict {
                Verdict::Removed { kind, duplicate_of, jaccard } => {
                    Verdict::Removed { kind, duplicate_of: order.ordinal(duplicate_of), jaccard }
                }
                Verdict::Anchor { .. } => verdict,
            };
            by_ordinal.push(Affected { ordinal: order.ordinal(ordinal), verdict });
            by_ordinal.check()
        })?;
        by_ordinal.finish()
    }

    /// Families by names, by ordinals.
    ///
    /// # Errors
    /// I/O.
    pub(crate) fn unnamed_families(&self, families: Sorted<Member>, aside: Aside<'_>) -> Result<Sorted<Member>> {
        let Some(order) = &self.order else { return Ok(families) };
        let mut by_ordinal = SortedRuns::new(aside.staging, aside.memory);
        families.each(&mut |Member { ordinal, first }| {
            by_ordinal.push(Member { ordinal: order.ordinal(ordinal), first: order.ordinal(first) });
            by_ordinal.check()
        })?;
        by_ordinal.finish()
    }
}
