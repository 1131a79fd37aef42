//! Rows of a part while tokens are written into them, by several threads at once.

use std::sync::{Mutex, PoisonError};

use crate::pack::format::items::TokenType;

/// Bytes of rows behind one lock: so many that locking takes no time to speak of, so few that two threads rarely want the same lock.
const CHUNK_BYTES: usize = 1 << 18;

/// Consecutive rows of a part. At first all their tokens are PAD.
#[derive(Debug)]
pub struct Block {
    first_row: u64,
    rows: usize,
    sequence_length: u32,
    token_type: TokenType,
    vocab_size: u32,
    pad: u32,
    chunk_rows: usize,
    /// The bytes of `chunk_rows` rows each; empty until the first token comes.
    chunks: Vec<Mutex<Vec<u8>>>,
}

impl Block {
    /// `rows` rows from `first_row` on, filled with `pad`.
    pub fn new(first_row: u64, rows: u64, sequence_length: u32, vocab_size: u32, pad: u32) -> Self {
        let token_type = TokenType::for_vocabulary(vocab_size);
        let chunk_rows = (CHUNK_BYTES / (sequence_length as usize * token_type.bytes())).max(1);
        let rows = rows as usize;
        let chunks = (0..rows.div_ceil(chunk_rows)).map(|_| Mutex::default()).collect();
        Self { first_row, rows, sequence_length, token_type, vocab_size, pad, chunk_rows, chunks }
    }

    /// Puts tokens into a row from column `start` on; does nothing for a row outside of the block. False if a token is not in the
    /// vocabulary or does not fit into the row.
    pub fn put(&self, row: u32, start: u32, ids: &[i32]) -> bool {
        let stride = self.sequence_length as usize;
        let Some(row) = u64::from(row).checked_sub(self.first_row) else { return true };
        let row = row as usize;
        if row >= self.rows {
            return true;
        }
        if start as usize + ids.len() > stride {
            return false;
        }
        let size = self.token_type.bytes();
        let first = row % self.chunk_rows * stride + start as usize;
        // If another thread panicked here, it wrote whole tokens before, and its panic is reported anyway.
        let mut chunk = self.chunks[row / self.chunk_rows].lock().unwrap_or_else(PoisonError::into_inner);
        if chunk.is_empty() {
            *chunk = self.padding(row / self.chunk_rows);
        }
        let out = &mut chunk[first * size..(first + ids.len()) * size];
        match self.token_type {
            TokenType::Uint16 => copy(out, ids, self.vocab_size, |id| (id as u16).to_le_bytes()),
            TokenType::Int32 => copy(out, ids, self.vocab_size, i32::to_le_bytes),
        }
    }

    /// The bytes of a chunk in which all tokens are PAD.
    fn padding(&self, chunk: usize) -> Vec<u8> {
        let rows = self.chunk_rows.min(self.rows - chunk * self.chunk_rows);
        let tokens = rows * self.sequence_length as usize;
        match self.token_type {
            TokenType::Uint16 => (self.pad as u16).to_le_bytes().repeat(tokens),
            TokenType::Int32 => self.pad.to_le_bytes().repeat(tokens),
        }
    }

    /// The bytes of the rows, chunk by chunk.
    pub fn into_bytes(mut self) -> impl Iterator<Item = Vec<u8>> {
        let chunks = std::mem::take(&mut self.chunks);
        chunks.into_iter().enumerate().map(move |(i, chunk)| {
            let bytes = chunk.into_inner().unwrap_or_else(PoisonError::into_inner);
            if bytes.is_empty() { self.padding(i) } else { bytes }
        })
    }
}

/// Copies tokens; true if every id is in the vocabulary. There is no branch in the loop, so that it can be vectorised.
fn copy<const N: usize>(out: &mut [u8], ids: &[i32], vocab_size: u32, encode: impl Fn(i32) -> [u8; N]) -> bool {
    let mut greatest = 0;
    for (out, &id) in out.as_chunks_mut().0.iter_mut().zip(ids) {
        // A negative id becomes a very large one.
        greatest = greatest.max(id.cast_unsigned());
        *out = encode(id);
    }
    ids.is_empty() || greatest < vocab_size
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(block: Block) -> Vec<u8> {
        block.into_bytes().flatten().collect()
    }

    #[test]
    fn rows_inside_are_filled_and_others_ignored() {
        let block = Block::new(2, 2, 3, 100, 9);
        assert!(block.put(2, 1, &[1, 2]));
        assert!(block.put(3, 0, &[3]));
        assert!(block.put(1, 0, &[4]) && block.put(4, 0, &[4]));
        let tokens: Vec<u16> = bytes(block).as_chunks().0.iter().map(|token| u16::from_le_bytes(*token)).collect();
        assert_eq!(tokens, [9, 1, 2, 3, 9, 9]);
    }

    #[test]
    fn wide_vocabularies_are_int32() {
        let block = Block::new(0, 1, 2, 65_500, 70_000);
        assert!(block.put(0, 0, &[65_499]));
        assert_eq!(bytes(block), [65_499_u32.to_le_bytes(), 70_000_u32.to_le_bytes()].concat());
    }

    #[test]
    fn foreign_tokens_are_found() {
        let block = Block::new(0, 1, 4, 100, 0);
        assert!(!block.put(0, 0, &[1, 100]));
        assert!(!block.put(0, 0, &[-1]));
        assert!(!block.put(0, 2, &[1, 1, 1]));
        assert!(block.put(0, 4, &[]));
    }
}
