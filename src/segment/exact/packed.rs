//! What `lattice.bin` holds: characters, trie nodes and records, each packed into one integer.

/// Entries of The table `chars`: the basic plane.
pub(crate) const PLANE: usize = 0x1_0000;
/// Largest trie code; a node without a parent carries it as its label.
pub(crate) const NO_CODE: u32 = 0x7FFF;
/// Homographs of a block.
pub(crate) const LANES: usize = 8;
/// Most homographs of one surface, and most unknown rows of one category.
pub(crate) const MAX_RUN: u32 = 4096;
/// Most characters of a surface, and of a grouped unknown word.
pub(crate) const MAX_REACH: u32 = 4096;
/// Most blocks.
pub(crate) const MAX_BLOCKS: u32 = 0xFFFE;
/// Third word of a run that has no blocks (tables `categories` and `wide`).
pub(crate) const NO_BLOCK: u32 = 0xFFFF;

/// What the analyser needs of a character: its trie code, its class, and two flags of the class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CharInfo(pub(crate) u32);

impl CharInfo {
    const INVOKE: u32 = 1 << 30;
    const SPACE: u32 = 1 << 31;

    pub(crate) fn new(code: u32, class: u32, invoke: bool, space: bool) -> Self {
        Self(code | class << 16 | u32::from(invoke) << 30 | u32::from(space) << 31)
    }

    /// Code in the trie; 0 = in no surface.
    #[inline]
    pub(crate) fn code(self) -> u32 {
        self.0 & NO_CODE
    }

    /// Index in the table `classes`.
    #[inline]
    pub(crate) fn class(self) -> usize {
        (self.0 >> 16 & 0x3FF) as usize
    }

    /// Are unknown words made even where the lexicon has a word?
    #[inline]
    pub(crate) fn invokes(self) -> bool {
        self.0 & Self::INVOKE != 0
    }

    /// Does the character share a category with U+0020?
    #[inline]
    pub(crate) fn is_space(self) -> bool {
        self.0 & Self::SPACE != 0
    }
}

/// A node of the trie: label 15 bits, base 23, homographs 4, first record 22.
///
/// The child for code *c* is node `base + c`, if its label is *c*; no two nodes with children have the same base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TrieNode(pub(crate) u64);

impl TrieNode {
    pub(crate) const MAX_BASE: u32 = (1 << 23) - 1;
    /// Largest number of records, and of wide runs.
    pub(crate) const MAX_FIRST: u32 = (1 << 22) - 1;
    /// If this is the number of homographs, `first` is an index in the table `wide`.
    pub(crate) const WIDE: u32 = 15;

    pub(crate) fn new(label: u32, base: u32, value: u32) -> Self {
        Self(u64::from(label) | u64::from(base) << 15 | u64::from(value) << 38)
    }

    #[inline]
    pub(crate) fn label(self) -> u32 {
        self.0 as u32 & NO_CODE
    }

    #[inline]
    pub(crate) fn base(self) -> u32 {
        (self.0 >> 15) as u32 & Self::MAX_BASE
    }

    /// What [`value`] packed; 0 where no surface ends.
    #[inline]
    pub(crate) fn value(self) -> u32 {
        (self.0 >> 38) as u32
    }
}

/// A run of homographs as a node stores it: count in the low 4 bits.
pub(crate) fn value(first: u32, count: u32) -> u32 {
    first << 4 | count
}

/// A lexicon entry or unknown row: cost, left class, right class, POS id, 16 bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record(pub(crate) u64);

impl Record {
    pub(crate) fn new(cost: i16, left: u16, right: u16, pos: u16) -> Self {
        Self(u64::from(cost.cast_unsigned()) | u64::from(left) << 16 | u64::from(right) << 32 | u64::from(pos) << 48)
    }

    #[inline]
    pub(crate) fn cost(self) -> i32 {
        i32::from((self.0 as u16).cast_signed())
    }

    #[inline]
    pub(crate) fn left(self) -> u16 {
        (self.0 >> 16) as u16
    }

    #[inline]
    pub(crate) fn right(self) -> u16 {
        (self.0 >> 32) as u16
    }

    #[inline]
    pub(crate) fn pos(self) -> u16 {
        (self.0 >> 48) as u16
    }
}

/// Word costs and right classes of the 8 homographs of a block; 0 where there are fewer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Lanes {
    pub(crate) costs: [i32; LANES],
    pub(crate) rights: [u16; LANES],
}
