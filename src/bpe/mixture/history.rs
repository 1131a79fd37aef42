//! How the counts of pairs change from merge to merge: what a replay gives, and what inference reads again and again.

use std::ops::Range;

/// A pair whose counts are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) left: u32,
    pub(crate) right: u32,
    /// A training could have merged it before this merge, and not from there on: then its string was a token already. 0: never.
    pub(crate) until: u32,
}

/// The count of a pair in a column changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) pair: u32,
    pub(crate) column: u16,
    pub(crate) by: i64,
}

/// The counts of pairs before each merge, as changes. A column holds the pre-tokens of one sample.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) columns: usize,
    pub(crate) pairs: Vec<Pair>,
    /// The pair of each merge.
    pub(crate) merged: Vec<u32>,
    pub(crate) changes: Vec<Change>,
    /// Where the changes before each merge end.
    pub(crate) ends: Vec<usize>,
    /// Bytes of text in each column.
    pub(crate) bytes: Vec<u64>,
}

impl History {
    /// The changes that come before merge `step` and after the one before it.
    pub(crate) fn before(&self, step: usize) -> &[Change] {
        let start = if step == 0 { 0 } else { self.ends[step - 1] };
        let range: Range<usize> = start..self.ends[step];
        &self.changes[range]
    }

    /// Number of merges.
    pub(crate) fn len(&self) -> usize {
        self.merged.len()
    }
}
