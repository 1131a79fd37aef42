//! Which neighbouring characters a vocabulary can join at all: between any others a pre-token falls into pieces that are encoded by themselves.

use crate::bpe::class::is_inside_character;
use crate::bpe::vocabulary::Tokenizer;

/// The pairs of characters that stand beside each other in a token, as bits by their hash. Two pairs may share a bit; then some pieces are longer than they
/// need be, and nothing else.
#[derive(Debug)]
pub(crate) struct Joins {
    bits: Box<[u64]>,
    shift: u32,
}

/// Bits for each pair, at least.
const BITS_PER_PAIR: usize = 16;

impl Joins {
    /// The pairs of a vocabulary each of whose merges makes a string of whole characters, or of bytes inside one character; `None` for other
    /// vocabularies. A merge across the end of a character then makes a token that holds the characters on both sides.
    pub(crate) fn new(tokenizer: &Tokenizer) -> Option<Self> {
        let mut pairs = Vec::new();
        for rule in tokenizer.rules() {
            let bytes = tokenizer.token(rule.result)?;
            match std::str::from_utf8(bytes) {
                Ok(text) => pairs.extend(text.chars().zip(text.chars().skip(1))),
                Err(_) if is_inside_character(bytes) => {}
                Err(_) => return None,
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        let size = (pairs.len() * BITS_PER_PAIR).next_power_of_two().max(1 << 10);
        let mut joins = Self { bits: vec![0; size / 64].into(), shift: 64 - size.trailing_zeros() };
        for (left, right) in pairs {
            let bit = joins.bit(u32::from(left), u32::from(right));
            joins.bits[bit / 64] |= 1 << (bit % 64);
        }
        Some(joins)
    }

    #[inline]
    fn bit(&self, left: u32, right: u32) -> usize {
        ((u64::from(left) << 32 | u64::from(right)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }

    /// May a token hold these characters, one behind the other?
    #[inline]
    pub(crate) fn may_join(&self, left: u32, right: u32) -> bool {
        let bit = self.bit(left, right);
        self.bits.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }
}
