//! The morphemes of a sentence as parallel slices: nothing is copied for a sentence that holds nothing of interest.

use crate::keigo::alphabet::{Symbol, Symbols};

/// The morphemes of the sentence under analysis; gaps are left out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Items<'a> {
    /// What they are.
    pub(super) symbols: Symbols<'a>,
    /// Byte starts in the document.
    pub(super) starts: &'a [u32],
    /// Byte ends in the document.
    pub(super) ends: &'a [u32],
    /// Which of them stand inside brackets; empty where none does.
    pub(super) quoted: &'a [bool],
}

impl<'a> Items<'a> {
    /// How many there are.
    pub(super) fn len(self) -> usize {
        self.symbols.len()
    }

    /// The symbol of item `i`, if there are so many.
    pub(super) fn get(self, i: usize) -> Option<Symbol> {
        self.symbols.get(i)
    }

    /// The symbol of item `i`; that of a mark where there is none.
    pub(super) fn at(self, i: usize) -> Symbol {
        self.symbols.at(i)
    }

    /// The last symbol.
    pub(super) fn last(self) -> Option<Symbol> {
        self.symbols.last()
    }

    /// Does item `i` stand inside brackets?
    pub(super) fn is_quoted(self, i: usize) -> bool {
        self.quoted.get(i).is_some_and(|quoted| *quoted)
    }

    /// Byte start and end of the items `from..to`; 0 and 0 where there are none.
    pub(super) fn bytes(self, from: usize, to: usize) -> (u32, u32) {
        let last = to.checked_sub(1).filter(|last| from <= *last);
        match (self.starts.get(from), last.and_then(|last| self.ends.get(last))) {
            (Some(start), Some(end)) => (*start, *end),
            _ => (0, 0),
        }
    }

    /// The text of the items `from..to`; empty where there are none.
    pub(super) fn surface(self, text: &'a str, from: usize, to: usize) -> &'a str {
        let (start, end) = self.bytes(from, to);
        text.get(start as usize..end as usize).unwrap_or("")
    }
}
