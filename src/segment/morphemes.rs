//! A buffer for the morphemes of a line or a document.

use crate::morpheme::{NO_WORD, PosTable};

/// The morphemes of a text, which they tile, in three parallel columns. Gaps are among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MorphemeBuffer {
    /// Byte ends.
    pub ends: Vec<u32>,
    /// POS ids; 0 = gap.
    pub pos: Vec<u16>,
    /// Word ids; [`NO_WORD`] for unknown words and gaps.
    pub word: Vec<u32>,
}

impl MorphemeBuffer {
    /// Appends a morpheme that ends at byte `end`.
    #[inline]
    pub fn push(&mut self, end: u32, pos: u16, word: u32) {
        self.ends.push(end);
        self.pos.push(pos);
        self.word.push(word);
    }

    /// Appends a gap (skipped white space, a line break) that ends at byte `end`.
    #[inline]
    pub fn push_gap(&mut self, end: u32) {
        self.push(end, PosTable::GAP, NO_WORD);
    }

    /// Removes all morphemes and keeps the memory.
    pub fn clear(&mut self) {
        self.ends.clear();
        self.pos.clear();
        self.word.clear();
    }
}
