//! The header of `lattice.bin`: how many of everything, and what follows from that.

use crate::segment::exact::packed::{LANES, PLANE};

/// First bytes of the file.
pub(super) const MAGIC: [u8; 8] = *b"SEIMAILT";
/// Raised whenever the layout changes.
pub(super) const VERSION: u32 = 3;
/// Bytes of the header.
pub(super) const HEADER: usize = 128;
/// Tables begin at multiples of this many bytes.
pub(super) const ALIGN: usize = 64;

/// The numbers of everything: the header of the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Entries of the dictionary; word ids are smaller.
    pub(crate) entries: u32,
    /// POS ids are smaller.
    pub(crate) pos_ids: u32,
    /// Trie codes are smaller.
    pub(crate) codes: u32,
    pub(crate) classes: u32,
    pub(crate) categories: u32,
    /// Characters beyond the basic plane that occur in surfaces.
    pub(crate) astral: u32,
    pub(crate) nodes: u32,
    pub(crate) wide: u32,
    pub(crate) records: u32,
    /// Classes of left ids with equal costs: rows of the matrix.
    pub(crate) lefts: u32,
    /// Classes of right ids with equal costs: columns of the matrix.
    pub(crate) rights: u32,
    pub(crate) blocks: u32,
    /// Characters that may follow the first of a grouped unknown word.
    pub(crate) max_grouping: u32,
    /// Characters of the longest surface.
    pub(crate) longest: u32,
    /// Left class of the end of the sentence.
    pub(crate) eos: u32,
    /// Right class of its beginning.
    pub(crate) bos: u32,
}

impl Sizes {
    pub(super) const FIELDS: usize = 16;

    pub(super) fn fields(&self) -> [u32; Self::FIELDS] {
        [
            self.entries,
            self.pos_ids,
            self.codes,
            self.classes,
            self.categories,
            self.astral,
            self.nodes,
            self.wide,
            self.records,
            self.lefts,
            self.rights,
            self.blocks,
            self.max_grouping,
            self.longest,
            self.eos,
            self.bos,
        ]
    }

    pub(super) fn from_fields(f: [u32; Self::FIELDS]) -> Self {
        let [
            entries,
            pos_ids,
            codes,
            classes,
            categories,
            astral,
            nodes,
            wide,
            records,
            lefts,
            rights,
            blocks,
            max_grouping,
            longest,
            eos,
            bos,
        ] = f;
        Self {
            entries,
            pos_ids,
            codes,
            classes,
            categories,
            astral,
            nodes,
            wide,
            records,
            lefts,
            rights,
            blocks,
            max_grouping,
            longest,
            eos,
            bos,
        }
    }

    /// Bytes of each table, in the order of [`Tables`].
    pub(super) fn lengths(&self) -> [u64; 10] {
        let [n, lanes] = [u64::from, |n| u64::from(n) * LANES as u64];
        // Wrong counts may be any number. If a product saturates, the lengths do not add up to the size of the file.
        [
            4 * PLANE as u64,
            4 * n(self.classes),
            12 * n(self.categories),
            8 * n(self.astral),
            8 * n(self.nodes),
            12 * n(self.wide),
            8 * n(self.records),
            n(self.lefts).saturating_mul(2 * n(self.rights)),
            lanes(self.blocks).saturating_mul(2 * n(self.rights)),
            48 * n(self.blocks),
        ]
    }

    /// Start of each table, and the size of the file.
    pub(super) fn starts(&self) -> Option<([usize; 10], usize)> {
        let mut starts = [0; 10];
        let mut at = HEADER as u64;
        for (start, length) in starts.iter_mut().zip(self.lengths()) {
            *start = usize::try_from(at).ok()?;
            at = at.checked_add(length)?.checked_next_multiple_of(ALIGN as u64)?;
        }
        Some((starts, usize::try_from(at).ok()?))
    }
}
