//! Pieces on their way from the order of documents to the order of rows: put aside in buckets of consecutive rows, each of which is
//! filled in memory.

use std::ops::Range;

use crate::error::Result;
use crate::io::{Buckets, Staging, put_number, take_number};
use crate::pack::block::Block;
use crate::pack::format::items::TokenType;
use crate::pack::layout::{Piece, Position, Source, Totals};

/// Buckets at least, where there are as many rows: threads rarely want the same one.
const BUCKETS_MIN: u64 = 16;
/// Bytes of rows that are filled at once, at least.
const ROWS_BYTES_MIN: u64 = 1 << 20;

/// A piece that has its row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    /// Row of the part.
    pub(crate) row: u32,
    /// First column.
    pub(crate) start: u32,
    /// Column behind the last.
    pub(crate) end: u32,
    /// Where it is from.
    pub(crate) source: Source,
}

/// The pieces of a part.
#[derive(Debug)]
pub(crate) struct PieceBuckets {
    buckets: Buckets,
    rows: u32,
    rows_each: u32,
}

impl PieceBuckets {
    /// Rows of a bucket, so that filling one takes no more than `memory` bytes; rows are alike if they are `shuffled`.
    pub(crate) fn rows_each(totals: &Totals, row_bytes: u64, token_type: TokenType, shuffled: bool, memory: u64) -> u32 {
        let piece_bytes = size_of::<Placed>() as u64;
        // The shortest piece is a token and its EOS.
        let pieces_of_a_row = row_bytes / (2 * token_type.bytes() as u64) + 1;
        let pieces_of_a_row = if shuffled { (totals.pieces / totals.rows.max(1) + 1) * 5 / 4 } else { pieces_of_a_row };
        let rows = memory.max(ROWS_BYTES_MIN) / (row_bytes + pieces_of_a_row * piece_bytes);
        u32::try_from(rows.min(totals.rows / BUCKETS_MIN).max(1)).unwrap_or(u32::MAX)
    }

    /// Buckets of so many rows each for a part of `rows` rows, with `memory` bytes for what is not on disk yet.
    pub(crate) fn new(staging: &Staging, name: &str, rows: u32, rows_each: u32, memory: u64) -> Result<Self> {
        let buckets = Buckets::new(staging, name, rows.div_ceil(rows_each) as usize, memory)?;
        Ok(Self { buckets, rows, rows_each })
    }

    /// The rows of each bucket, in order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Range<u32>> + use<> {
        let (rows, each) = (self.rows, self.rows_each);
        (0..rows.div_ceil(each)).map(move |bucket| bucket * each..rows.min((bucket + 1).saturating_mul(each)))
    }

    /// Puts a piece aside; `tokens` appends what a pack holds of it.
    pub(crate) fn put(&self, piece: Piece, shard: u32, row: u32, tokens: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        let Piece { offset, flags, position } = piece;
        self.buckets.put((position.row / self.rows_each) as usize, |out| {
            put_number(out, u64::from(position.row % self.rows_each));
            put_number(out, u64::from(position.start));
            put_number(out, u64::from(position.length));
            put_number(out, u64::from(shard));
            put_number(out, u64::from(row));
            put_number(out, u64::from(offset) << 2 | u64::from(flags));
            tokens(out);
        })
    }

    /// Puts the pieces of a bucket into the block of its rows, and gives them in order of rows and columns.
    pub(crate) fn fill(&self, bucket: usize, token_type: TokenType, block: &mut Block) -> Result<Vec<Placed>> {
        let first = bucket as u32 * self.rows_each;
        let mut placed = Vec::new();
        self.buckets.each(bucket, &mut |mut bytes| {
            while !bytes.is_empty() {
                let (position, source) = take_piece(&mut bytes, first).ok_or_else(|| self.buckets.damaged())?;
                let length = position.length as usize * token_type.bytes();
                let (tokens, rest) = bytes.split_at_checked(length).ok_or_else(|| self.buckets.damaged())?;
                if !block.put(position.row, position.start, tokens) {
                    return Err(self.buckets.damaged());
                }
                placed.push(Placed { row: position.row, start: position.start, end: position.start + position.length, source });
                bytes = rest;
            }
            Ok(())
        })?;
        placed.sort_unstable_by_key(|piece| (piece.row, piece.start));
        self.buckets.clear(bucket)?;
        Ok(placed)
    }
}

fn take_piece(bytes: &mut &[u8], first: u32) -> Option<(Position, Source)> {
    let mut number = || take_number(bytes).and_then(|number| u32::try_from(number).ok());
    let position = Position { row: first.checked_add(number()?)?, start: number()?, length: number()? };
    let (shard, row) = (number()?, number()?);
    let last = take_number(bytes)?;
    Some((position, Source { shard, row, offset: u32::try_from(last >> 2).ok()?, flags: last as u32 & 3 }))
}
