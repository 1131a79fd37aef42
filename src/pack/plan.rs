//! What is packed, and what each file of the pack will hold.

use std::ops::Range;

use crate::io::{FileEntry, Place};
use crate::pack::layout::Totals;

/// A token shard that is packed.
#[derive(Debug, Clone)]
pub struct TokenPart {
    /// The file.
    pub place: Place,
    /// What `pack.json` calls it.
    pub name: String,
    /// Documents.
    pub rows: u64,
    /// BLAKE3 of the file, hex.
    pub blake3: String,
    /// Which of its documents are packed; `None`: all. A shard whose documents are wanted more than once stands in the list again,
    /// with those that are.
    pub taken: Option<Taken>,
}

/// Which documents of a token shard are packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The how-manieth time it is: 1, 2, …
    pub take: u32,
    /// For each row: is its document packed this time?
    pub rows: Vec<bool>,
}

impl TokenPart {
    /// Is the document of a row packed?
    pub(crate) fn takes(&self, row: usize) -> bool {
        self.taken.as_ref().is_none_or(|taken| taken.rows.get(row).copied().unwrap_or(false))
    }

    /// Documents that are packed, empty ones too.
    pub(crate) fn documents(&self) -> u64 {
        self.taken.as_ref().map_or(self.rows, |taken| taken.rows.iter().filter(|&&taken| taken).count() as u64)
    }
}

/// What the tokens mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackContext {
    /// Id appended to each document.
    pub eos: u32,
    /// Id that fills rows.
    pub pad: u32,
    /// Ids are below this.
    pub vocab_size: u32,
    /// BLAKE3 of `tokenizer.json`.
    pub tokenizer_blake3: [u8; 32],
    /// Digest of the content of `tokenizer.json`, hex, where it is known.
    pub tokenizer_content: Option<String>,
    /// Fingerprint of the plan.
    pub plan_fingerprint: [u8; 32],
}

/// What one file of the pack will hold: data only, and the same wherever it is computed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PartPlan {
    /// Number of the file.
    pub index: u32,
    /// Number of its first row in the whole pack.
    pub first_row: u64,
    /// Its windows: ranges of token shards.
    pub windows: Vec<Range<usize>>,
    /// Sums over it, known before any token is read.
    pub totals: Totals,
}

impl PartPlan {
    /// `part-00000.pack`.
    pub fn name(&self) -> String {
        format!("part-{:05}.pack", self.index)
    }

    /// Do the windows follow each other, and lie within so many token shards? This is checked because a plan may have been stored
    /// and read again.
    pub(crate) fn is_sound(&self, parts: usize) -> bool {
        let mut end = self.shards().start;
        let follows = |window: &Range<usize>| {
            let follows = window.start == end && window.end >= window.start;
            end = window.end;
            follows
        };
        self.windows.iter().all(follows) && end <= parts
    }

    /// The token shards that it is made of.
    pub fn shards(&self) -> Range<usize> {
        let start = self.windows.first().map_or(0, |window| window.start);
        start..self.windows.last().map_or(start, |window| window.end)
    }
}

/// A finished file of the pack.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PackedPart {
    /// For the manifest; `rows` are packed rows.
    pub entry: FileEntry,
    /// What it holds.
    pub plan: PartPlan,
}
