//! What is searched for duplicates, and what its documents are called meanwhile.

use crate::dedup::anchor::{Decided, Verdict};
use crate::dedup::matching::Room;
use crate::dedup::order::{Order, Ranks};
use crate::dedup::ordinal::shard_of;
use crate::dedup::text_store::{Bytes, Texts};
use crate::error::Result;
use crate::io::Staging;
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
    /// Bytes of memory that may be used; what grows with the number of duplicates comes on top.
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

    /// What was decided, by ordinals.
    pub(crate) fn unnamed(&self, mut decided: Decided) -> Decided {
        if self.order.is_some() {
            for affected in &mut decided.affected {
                affected.ordinal = self.ordinal(affected.ordinal);
                if let Verdict::Removed { duplicate_of, .. } = &mut affected.verdict {
                    *duplicate_of = self.ordinal(*duplicate_of);
                }
            }
            decided.affected.sort_unstable_by_key(|affected| affected.ordinal);
            for (document, first) in &mut decided.families {
                (*document, *first) = (self.ordinal(*document), self.ordinal(*first));
            }
            decided.families.sort_unstable();
        }
        decided
    }
}
