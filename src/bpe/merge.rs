//! What a training may learn, and what it has learned.

/// What the trainer may learn.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Merges to learn at most.
    pub merges: usize,
    /// A pair seen less often is not merged; 0 means 1.
    pub min_frequency: u64,
    /// Tokens of two merged tokens stay shorter than this many bytes (pairs of two bytes are always allowed).
    pub max_token_length: Option<u32>,
    /// A token is a string of whole characters or lies inside one character.
    pub whole_characters: bool,
    /// Strings that must not become tokens (the special tokens).
    pub reserved: Vec<Vec<u8>>,
}

/// A learned merge: symbols 0–255 are the bytes in `BYTE_ORDER`, symbol 256 + i is the result of merge i.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merge {
    /// Left symbol.
    pub left: u32,
    /// Right symbol.
    pub right: u32,
    /// Occurrences of the pair when it was merged.
    pub count: u64,
}

/// What training gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    /// The merges, in order.
    pub merges: Vec<Merge>,
    /// Pairs passed over because their string is already a token or reserved.
    pub passed_over: u64,
    /// The count floor at the end: every merge's count is at least this, which certifies the list as exact.
    pub floor: u64,
    /// Times the array was scanned again with a lower floor.
    pub rescans: u32,
}

/// The pieces do not fit 32-bit positions, or their counts 64-bit sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;
