//! `[shards]` of the plan.

/// The section `[shards]` of the plan.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// A part closes at this many documents (1 to 1048576).
    pub rows_max: u32,
    /// A part closes at this many bytes of text (1 to 1073741824); a longer document is a part of its own.
    pub bytes_max: u64,
    /// true: an encoding of token ids that every Parquet reader of recent years opens; false: 9 % smaller, current readers only.
    pub compat: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { rows_max: 65_536, bytes_max: 32 << 20, compat: true }
    }
}

impl Options {
    /// One sentence for a value out of range.
    pub fn check(&self) -> std::result::Result<(), String> {
        if !(1..=1 << 20).contains(&self.rows_max) {
            return Err(format!("shards.rows_max must be 1 to 1048576, not {}", self.rows_max));
        }
        if !(1..=1 << 30).contains(&self.bytes_max) {
            return Err(format!("shards.bytes_max must be 1 to 1073741824, not {}", self.bytes_max));
        }
        Ok(())
    }
}
