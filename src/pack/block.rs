//! Rows of a part while their tokens are being filled in.

use super::format::TokenType;

/// Consecutive rows of a part, all PAD at first.
#[derive(Debug)]
pub struct Block {
    first_row: u64,
    sequence_length: u32,
    token_type: TokenType,
    vocab_size: u32,
    bytes: Vec<u8>,
}

impl Block {
    /// `rows` rows from `first_row` on, filled with `pad`.
    pub fn new(first_row: u64, rows: u64, sequence_length: u32, vocab_size: u32, pad: u32) -> Self {
        let token_type = TokenType::for_vocabulary(vocab_size);
        let tokens = rows as usize * sequence_length as usize;
        let mut bytes = vec![0; tokens * token_type.bytes()];
        match token_type {
            TokenType::Uint16 => bytes.as_chunks_mut().0.fill((pad as u16).to_le_bytes()),
            TokenType::Int32 => bytes.as_chunks_mut().0.fill(pad.to_le_bytes()),
        }
        Self { first_row, sequence_length, token_type, vocab_size, bytes }
    }

    /// Puts tokens into a row from column `start` on; a row outside of the block is passed over. False if a token is not in
    /// the vocabulary or does not fit into the row.
    pub fn put(&mut self, row: u32, start: u32, ids: &[i32]) -> bool {
        let stride = self.sequence_length as usize;
        let Some(row) = u64::from(row).checked_sub(self.first_row) else { return true };
        let first = row as usize * stride;
        let size = self.token_type.bytes();
        if first * size >= self.bytes.len() {
            return true;
        }
        if start as usize + ids.len() > stride {
            return false;
        }
        let first = first + start as usize;
        let out = &mut self.bytes[first * size..(first + ids.len()) * size];
        match self.token_type {
            TokenType::Uint16 => copy(out, ids, self.vocab_size, |id| (id as u16).to_le_bytes()),
            TokenType::Int32 => copy(out, ids, self.vocab_size, i32::to_le_bytes),
        }
    }

    /// The bytes of the section.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// One pass without a branch inside, so that it is copied in vectors; true if every id is in the vocabulary.
fn copy<const N: usize>(out: &mut [u8], ids: &[i32], vocab_size: u32, encode: impl Fn(i32) -> [u8; N]) -> bool {
    let mut greatest = 0;
    for (out, &id) in out.as_chunks_mut().0.iter_mut().zip(ids) {
        // A negative id becomes a great one.
        greatest = greatest.max(id.cast_unsigned());
        *out = encode(id);
    }
    ids.is_empty() || greatest < vocab_size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_inside_are_filled_and_others_passed_over() {
        let mut block = Block::new(2, 2, 3, 100, 9);
        assert!(block.put(2, 1, &[1, 2]));
        assert!(block.put(3, 0, &[3]));
        assert!(block.put(1, 0, &[4]) && block.put(4, 0, &[4]));
        let tokens: Vec<u16> = block.bytes().as_chunks().0.iter().map(|token| u16::from_le_bytes(*token)).collect();
        assert_eq!(tokens, [9, 1, 2, 3, 9, 9]);
    }

    #[test]
    fn wide_vocabularies_are_int32() {
        let mut block = Block::new(0, 1, 2, 65_500, 70_000);
        assert!(block.put(0, 0, &[65_499]));
        assert_eq!(block.bytes(), [65_499_u32.to_le_bytes(), 70_000_u32.to_le_bytes()].concat());
    }

    #[test]
    fn foreign_tokens_are_found() {
        let mut block = Block::new(0, 1, 4, 100, 0);
        assert!(!block.put(0, 0, &[1, 100]));
        assert!(!block.put(0, 0, &[-1]));
        assert!(!block.put(0, 2, &[1, 1, 1]));
        assert!(block.put(0, 4, &[]));
    }
}
