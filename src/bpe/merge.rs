//! Merges: what a training may learn, and what it has learned.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What the trainer may learn.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Merges to learn at most.
    pub merges: usize,
    /// A pair seen less often is not merged; 0 means 1.
    pub min_frequency: u64,
    /// Tokens must be shorter than this many bytes (a token of two bytes is always allowed).
    pub max_token_length: Option<u32>,
    /// Every token must be a string of whole characters, or lie inside one character.
    pub whole_characters: bool,
    /// Strings that must not become tokens (the special tokens).
    pub reserved: Vec<Vec<u8>>,
}

/// A learned merge: symbols 0–255 are the bytes in `BYTE_ORDER`, symbol 256 + i is the result of merge i.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    /// Left symbol.
    pub left: u32,
    /// Right symbol.
    pub right: u32,
    /// Occurrences of the pair when it was merged.
    pub count: u64,
}

/// What training gives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    /// The merges, in order.
    pub merges: Vec<Merge>,
    /// The pairs that were not merged because their strings were tokens already, or reserved.
    pub passed_over: Vec<PassedOver>,
    /// The count floor at the end. Every merge since the last scan has at least this count, which proves that the list is exact.
    pub floor: u64,
    /// How often the array was scanned again with a lower floor.
    pub rescans: u32,
}

/// A pair that was not merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// The number of merges before it.
    pub before: usize,
    /// Left symbol.
    pub left: u32,
    /// Right symbol.
    pub right: u32,
}

impl Learned {
    /// What would have been learned with this limit on the number of merges.
    #[must_use]
    pub fn first(&self, merges: usize) -> Self {
        let passed_over = self.passed_over.iter().copied().filter(|pair| pair.before < merges).collect();
        Self { merges: self.merges.iter().copied().take(merges).collect(), passed_over, ..*self }
    }
}

/// Why a vocabulary cannot be learned.
#[derive(Debug)]
pub enum Untrainable {
    /// The pre-tokens need more than 32-bit positions, or their counts more than 64-bit sums.
    TooLarge,
    /// A pre-token is not UTF-8.
    NotText,
    /// The caller has ended it.
    Stopped,
    /// What is to hold the array fails.
    Aside(Box<Error>),
}

impl From<Error> for Untrainable {
    fn from(error: Error) -> Self {
        Self::Aside(Box::new(error))
    }
}
