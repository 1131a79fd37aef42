//! The order of the corpus: a number for each document, made of its work shard and its row.

/// Bits of an ordinal that hold the row; the 24 bits above them hold the work shard.
const ROW_BITS: u32 = 40;

/// The position of a document in the order of the corpus.
pub const fn ordinal(shard: u64, row: u32) -> u64 {
    shard << ROW_BITS | row as u64
}

/// The work shard of an ordinal.
pub const fn shard_of(ordinal: u64) -> u64 {
    ordinal >> ROW_BITS
}

/// The row of an ordinal in its work shard.
pub const fn row_of(ordinal: u64) -> u32 {
    (ordinal & ((1 << ROW_BITS) - 1)) as u32
}
