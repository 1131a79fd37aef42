//! `pack.json`: describes a pack, its parts, and the token shards that it is made of.

use crate::pack::format::items::MAJOR;
use crate::pack::layout::Totals;

/// The value of [`PackInfo::format`].
pub const FORMAT: &str = "seimai-pack";

/// Content of `pack.json`.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PackInfo {
    /// `seimai-pack`.
    pub format: String,
    /// Major version of the format.
    pub version: u16,
    /// Tokens a row.
    pub sequence_length: u32,
    /// `uint16` or `int32`, little endian.
    pub token_dtype: String,
    /// Ids are below this.
    pub vocab_size: u32,
    /// Id at the end of each document.
    pub eos_id: u32,
    /// Id that fills rows.
    pub pad_id: u32,
    /// Documents of a window.
    pub window: u64,
    /// Are the rows of a part permuted?
    pub shuffle: bool,
    /// Seed of the permutation.
    pub seed: u64,
    /// BLAKE3 of `tokenizer.json`, hex.
    pub tokenizer_blake3: String,
    /// Digest of the content of `tokenizer.json`, hex; absent where the token shards have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer_content_blake3: Option<String>,
    /// Fingerprint of the plan, hex.
    pub plan_fingerprint: String,
    /// Sums over all parts.
    pub totals: Totals,
    /// PAD tokens.
    pub padding: u64,
    /// Parts, in order of their rows.
    pub parts: Vec<PartInfo>,
    /// Token shards; a piece's origin is an index into this list.
    pub shards: Vec<ShardInfo>,
    /// How much of each source is packed, by the entries of `pack.mixture`, and of the rest; empty without a mixture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mixture: Vec<SourceShare>,
}

/// What a pack holds of the sources of one entry of `pack.mixture`. Tokens are counted with the EOS of each document.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SourceShare {
    /// The glob of the entry; `null` for sources that fit none.
    pub source: Option<String>,
    /// How often each document is wanted.
    pub epochs: f64,
    /// Documents of these sources with a token.
    pub documents: u64,
    /// Their tokens, each document counted once.
    pub tokens: u64,
    /// Documents in the pack, each as often as it is there.
    pub packed_documents: u64,
    /// Tokens in the pack.
    pub packed_tokens: u64,
    /// `packed_tokens` / tokens of the whole pack.
    pub share: f64,
}

/// A part of a pack.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PartInfo {
    /// File name.
    pub name: String,
    /// Index of its first row in the pack.
    pub first_row: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// BLAKE3 of the bytes, hex.
    pub blake3: String,
    /// First token shard it was made of.
    pub first_shard: u32,
    /// Number of token shards it was made of.
    pub shards: u32,
    /// Sums over the part.
    pub totals: Totals,
}

/// A token shard.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ShardInfo {
    /// Path relative to the output directory.
    pub name: String,
    /// Documents.
    pub rows: u64,
    /// BLAKE3 of the file, hex.
    pub blake3: String,
    /// The how-manieth time its documents are packed, where not all are: then only those have pieces that are wanted so often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take: Option<u32>,
}

impl PackInfo {
    /// The bytes of the file.
    pub fn to_bytes(&self) -> crate::error::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|e| crate::error::Error::internal(format!("pack.json: {e}")))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Checks the fields that others rely on; the message names the first one that is wrong.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.format != FORMAT {
            return Err("format is not seimai-pack");
        }
        if self.version != MAJOR {
            return Err("version is not 1");
        }
        if self.shards.iter().any(|shard| shard.rows > u64::from(u32::MAX)) {
            return Err("shards: more than 2^32 rows in one");
        }
        let (mut first_row, mut first_shard) = (0_u64, 0_u32);
        for part in &self.parts {
            if part.first_row != first_row || part.first_shard != first_shard {
                return Err("parts: do not follow each other");
            }
            first_row = first_row.checked_add(part.totals.rows).ok_or("parts: too many rows")?;
            first_shard = first_shard.checked_add(part.shards).ok_or("parts: too many shards")?;
        }
        if first_shard as usize != self.shards.len() {
            return Err("parts: do not use every shard");
        }
        Ok(())
    }

    /// Documents of each token shard of a part.
    pub fn shard_rows(&self, part: &PartInfo) -> Vec<u64> {
        let shards = self.shards.iter().skip(part.first_shard as usize).take(part.shards as usize);
        shards.map(|shard| shard.rows).collect()
    }
}
