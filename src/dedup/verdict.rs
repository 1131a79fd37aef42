//! What is decided on a document, and how a list of that is stored.

use std::cmp::Ordering;

use crate::io::{Item, put_number, take_number};

/// Why a document was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A kept document has the very same text.
    Exact,
    /// A kept document is similar enough.
    Near,
    /// A removed document has the very same text, and a kept one is similar enough to both.
    NearCopy,
    /// A kept document has the same kanji in another orthography; or it stands for one that has, and did stand for this one.
    Orthography,
}

/// What deduplication decides on a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// It is removed.
    Removed {
        /// Same text or similar text.
        kind: Kind,
        /// Ordinal of the kept document it duplicates, always an earlier one.
        duplicate_of: u64,
        /// Jaccard similarity to that one; 1 for the same text.
        jaccard: f32,
    },
    /// It is kept and has duplicates.
    Anchor {
        /// 1 + the number of removed documents that name it.
        size: u32,
    },
}

/// A document with a verdict.
#[derive(Debug, Clone, Copy)]
pub struct Affected {
    /// The document.
    pub ordinal: u64,
    /// Its verdict.
    pub verdict: Verdict,
}

impl Kind {
    /// The rule under which `decide` rejects the document.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Near | Self::NearCopy => "near",
            Self::Orthography => "orthography",
        }
    }
}

impl Affected {
    /// The kept document that this one duplicates; for an anchor, itself.
    pub const fn anchor(&self) -> u64 {
        match self.verdict {
            Verdict::Removed { duplicate_of, .. } => duplicate_of,
            Verdict::Anchor { .. } => self.ordinal,
        }
    }

    /// Similarity to the anchor; 1 for an anchor.
    pub const fn jaccard(&self) -> f32 {
        match self.verdict {
            Verdict::Removed { jaccard, .. } => jaccard,
            Verdict::Anchor { .. } => 1.0,
        }
    }

    /// Is it removed?
    pub const fn goes(&self) -> bool {
        matches!(self.verdict, Verdict::Removed { .. })
    }

    /// 1 + the removed documents that name this one; 0 for a removed document.
    pub const fn size(&self) -> u32 {
        match self.verdict {
            Verdict::Removed { .. } => 0,
            Verdict::Anchor { size } => size,
        }
    }
}

impl Affected {
    /// What it is told apart by: a document has one verdict.
    fn parts(&self) -> (u64, u64, u32, u32, u8) {
        let (kind, _) = tag(self.verdict);
        (self.ordinal, self.anchor(), self.jaccard().to_bits(), self.size(), kind)
    }
}

impl PartialEq for Affected {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Affected {}

impl PartialOrd for Affected {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Affected {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

/// The byte that stands for a verdict, and what its document is told with besides.
fn tag(verdict: Verdict) -> (u8, u64) {
    match verdict {
        Verdict::Anchor { size } => (0, u64::from(size)),
        Verdict::Removed { kind, duplicate_of, .. } => match kind {
            Kind::Exact => (1, duplicate_of),
            Kind::Near => (2, duplicate_of),
            Kind::NearCopy => (3, duplicate_of),
            Kind::Orthography => (4, duplicate_of),
        },
    }
}

impl Item for Affected {
    const NONE: Self = Self { ordinal: 0, verdict: Verdict::Anchor { size: 0 } };

    fn put(self, last: Self, out: &mut Vec<u8>) {
        put_number(out, self.ordinal - last.ordinal);
        let (tag, number) = tag(self.verdict);
        out.push(tag);
        if let Verdict::Removed { jaccard, .. } = self.verdict {
            // Mostly an earlier document; where they stand in another order, it may be a later one.
            let distance = self.ordinal.wrapping_sub(number) as i64;
            put_number(out, ((distance << 1) ^ (distance >> 63)) as u64);
            out.extend(jaccard.to_bits().to_le_bytes());
        } else {
            put_number(out, number);
        }
    }

    fn take(last: Self, bytes: &mut &[u8]) -> Option<Self> {
        let ordinal = last.ordinal.checked_add(take_number(bytes)?)?;
        let (&tag, rest) = bytes.split_first()?;
        *bytes = rest;
        let number = take_number(bytes)?;
        let kind = match tag {
            0 => return Some(Self { ordinal, verdict: Verdict::Anchor { size: u32::try_from(number).ok()? } }),
            1 => Kind::Exact,
            2 => Kind::Near,
            3 => Kind::NearCopy,
            4 => Kind::Orthography,
            _ => return None,
        };
        let distance = (number >> 1) as i64 ^ -((number & 1) as i64);
        let (jaccard, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        let jaccard = f32::from_bits(u32::from_le_bytes(*jaccard));
        Some(Self { ordinal, verdict: Verdict::Removed { kind, duplicate_of: ordinal.wrapping_sub(distance as u64), jaccard } })
    }
}
