//! A piece that leaves a text, because an earlier document has it too or because it is an evaluation item, and the corpus in which such pieces
//! are looked for.

use crate::error::Result;
use crate::io::{Item, Staging, put_number, take_number};
use crate::stage::ParallelFor;

/// What leaves a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PieceKind {
    /// A line that many documents have.
    Lines,
    /// A stretch of characters.
    Substring,
    /// An item of an evaluation set.
    Item,
}

impl PieceKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Lines, Self::Substring, Self::Item];

    /// The name of the rule, and of the kind in tables.
    #[must_use]
    pub fn rule(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Substring => "substring",
            Self::Item => "contaminated",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn of_rule(rule: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.rule() == rule)
    }
}

/// A piece that leaves its text. Ordered by document and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cut {
    /// The document.
    pub ordinal: u64,
    /// Bytes of the text before the piece.
    pub start: u32,
    /// Bytes of the text up to its end.
    pub end: u32,
    /// Why it leaves.
    pub kind: PieceKind,
    /// The first document that has it; it may be the same one, and is for an evaluation item.
    pub of: u64,
}

impl Item for Cut {
    const NONE: Self = Self { ordinal: 0, start: 0, end: 0, kind: PieceKind::Lines, of: 0 };

    fn put(self, last: Self, out: &mut Vec<u8>) {
        put_number(out, self.ordinal - last.ordinal);
        put_number(out, u64::from(self.start));
        put_number(out, u64::from(self.end - self.start) << 2 | self.kind as u64);
        put_number(out, self.ordinal - self.of);
    }

    fn take(last: Self, bytes: &mut &[u8]) -> Option<Self> {
        let ordinal = last.ordinal.checked_add(take_number(bytes)?)?;
        let start = u32::try_from(take_number(bytes)?).ok()?;
        let length = take_number(bytes)?;
        let kind = PieceKind::ALL.into_iter().find(|kind| *kind as u64 == length & 3)?;
        let end = start.checked_add(u32::try_from(length >> 2).ok()?)?;
        Some(Self { ordinal, start, end, kind, of: ordinal.checked_sub(take_number(bytes)?)? })
    }
}

/// Reads a work shard: calls the visitor with each of its documents that takes part, in order. Called from several threads at once, for
/// different work shards.
pub type Documents<'a> = dyn Fn(u64, &mut dyn FnMut(Document<'_>) -> Result<()>) -> Result<()> + Sync + 'a;

/// A document that takes part.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// Its position.
    pub ordinal: u64,
    /// What its lines are counted with ([`group`](super::lines::group)).
    pub group: u64,
    /// Its text.
    pub text: &'a str,
}

/// What the search for pieces needs of the corpus.
pub struct PieceCorpus<'a> {
    /// Number of work shards, below 2²⁴.
    pub shards: u64,
    /// Reads them.
    pub documents: &'a Documents<'a>,
    /// Bytes of memory that may be used.
    pub memory: u64,
    /// Where what is more is put.
    pub staging: &'a Staging,
    /// How to use more than one thread.
    pub parallel: &'a ParallelFor<'a>,
}
