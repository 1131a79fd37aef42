//! Rows of a part while tokens are put into them.

use std::ops::Range;

use crate::pack::format::items::TokenType;

/// Consecutive rows of a part. At first all their tokens are PAD.
#[derive(Debug)]
pub struct Block {
    rows: Range<u32>,
    row_bytes: usize,
    token_bytes: usize,
    bytes: Vec<u8>,
}

impl Block {
    /// Rows of `sequence_length` tokens, filled with `pad`.
    pub fn new(rows: Range<u32>, sequence_length: u32, token_type: TokenType, pad: u32) -> Self {
        let tokens = rows.len() * sequence_length as usize;
        let bytes = match token_type {
            TokenType::Uint16 => (pad as u16).to_le_bytes().repeat(tokens),
            TokenType::Int32 => pad.to_le_bytes().repeat(tokens),
        };
        let token_bytes = token_type.bytes();
        Self { rows, row_bytes: sequence_length as usize * token_bytes, token_bytes, bytes }
    }

    /// Puts encoded tokens into a row from column `start` on. False if the row is not of this block, or has no room there.
    pub fn put(&mut self, row: u32, start: u32, tokens: &[u8]) -> bool {
        let start = start as usize * self.token_bytes;
        if !self.rows.contains(&row) || start + tokens.len() > self.row_bytes {
            return false;
        }
        let first = (row - self.rows.start) as usize * self.row_bytes + start;
        self.bytes[first..first + tokens.len()].copy_from_slice(tokens);
        true
    }

    /// The bytes of the rows.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Appends tokens as a pack holds them; false if an id is not in the vocabulary.
pub fn encode(out: &mut Vec<u8>, token_type: TokenType, vocab_size: u32, ids: &[i32]) -> bool {
    let start = out.len();
    out.resize(start + ids.len() * token_type.bytes(), 0);
    let out = &mut out[start..];
    match token_type {
        TokenType::Uint16 => copy(out, ids, vocab_size, |id| (id as u16).to_le_bytes()),
        TokenType::Int32 => copy(out, ids, vocab_size, i32::to_le_bytes),
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

    fn encoded(vocab_size: u32, ids: &[i32]) -> Vec<u8> {
        let mut out = Vec::new();
        assert!(encode(&mut out, TokenType::for_vocabulary(vocab_size), vocab_size, ids));
        out
    }

    #[test]
    fn rows_inside_are_filled_and_others_refused() {
        let mut block = Block::new(2..4, 3, TokenType::Uint16, 9);
        assert!(block.put(2, 1, &encoded(100, &[1, 2])));
        assert!(block.put(3, 0, &encoded(100, &[3])));
        assert!(!block.put(1, 0, &encoded(100, &[4])) && !block.put(4, 0, &encoded(100, &[4])));
        assert!(!block.put(2, 2, &encoded(100, &[1, 1])) && !block.put(2, 4, &[]));
        let tokens: Vec<u16> = block.bytes().as_chunks().0.iter().map(|token| u16::from_le_bytes(*token)).collect();
        assert_eq!(tokens, [9, 1, 2, 3, 9, 9]);
    }

    #[test]
    fn wide_vocabularies_are_int32() {
        let mut block = Block::new(0..1, 2, TokenType::for_vocabulary(65_500), 70_000);
        assert!(block.put(0, 0, &encoded(65_500, &[65_499])));
        assert_eq!(block.bytes(), [65_499_u32.to_le_bytes(), 70_000_u32.to_le_bytes()].concat());
    }

    #[test]
    fn foreign_tokens_are_found() {
        for token_type in [TokenType::Uint16, TokenType::Int32] {
            for ids in [[1, 100].as_slice(), &[-1], &[i32::MIN, 1]] {
                assert!(!encode(&mut Vec::new(), token_type, 100, ids));
            }
            assert!(encode(&mut Vec::new(), token_type, 100, &[0, 99]) && encode(&mut Vec::new(), token_type, 100, &[]));
        }
    }
}
