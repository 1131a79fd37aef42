//! `[pack]` of the plan.

use crate::pack::format::items::SEQUENCE_LENGTH_MAX;

/// The section `[pack]` of the plan.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Tokens a row (1 to 16777216).
    pub sequence_length: u32,
    /// Documents that are packed together: whole token shards, closed at this many (1 to 67108864).
    pub window: u64,
    /// A file holds consecutive windows up to this many bytes of tokens (at least one window).
    pub part_bytes: u64,
    /// Are the rows of a file put in a mixed order? Without, long documents come first in each window.
    pub shuffle: bool,
    /// Seed of that order.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { sequence_length: 4_096, window: 131_072, part_bytes: 4 << 30, shuffle: true, seed: 0 }
    }
}

impl Options {
    /// One sentence for a value out of range.
    pub fn check(&self) -> std::result::Result<(), String> {
        if !(1..=SEQUENCE_LENGTH_MAX).contains(&self.sequence_length) {
            return Err(format!("pack.sequence_length must be 1 to {SEQUENCE_LENGTH_MAX}, not {}", self.sequence_length));
        }
        if !(1..=1 << 26).contains(&self.window) {
            return Err(format!("pack.window must be 1 to 67108864, not {}", self.window));
        }
        if !(1..=1 << 40).contains(&self.part_bytes) {
            return Err(format!("pack.part_bytes must be 1 to 1099511627776, not {}", self.part_bytes));
        }
        Ok(())
    }
}
