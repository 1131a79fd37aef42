//! The merges of a vocabulary as a hash table: from a pair of tokens to the rank of their merge, and to the merged token.

use crate::bpe::vocabulary::Tokenizer;

/// No token, or no rank.
pub(crate) const NONE: u32 = u32::MAX;

/// A hash table with open addressing. A slot holds the left token (21 bits), the right one (21 bits) and the rank (22 bits).
#[derive(Debug)]
pub(crate) struct MergeRanks {
    slots: Vec<u64>,
    shift: u32,
    /// The token that the pair of each rank becomes.
    results: Vec<u32>,
}

const RANK_BITS: u32 = 22;
/// A slot without a pair.
const EMPTY: u64 = u64::MAX;

impl MergeRanks {
    /// The table of a tokenizer.
    pub(crate) fn new(tokenizer: &Tokenizer) -> Self {
        let size = (tokenizer.rules().len() * 3).next_power_of_two().max(16);
        let results = tokenizer.rules().iter().map(|rule| rule.result).collect();
        let mut ranks = Self { slots: vec![EMPTY; size], shift: 64 - size.trailing_zeros(), results };
        for (rank, rule) in tokenizer.rules().iter().enumerate() {
            let pair = Self::pair_key(rule.left, rule.right);
            let mut slot = ranks.first_slot(pair);
            while ranks.slots[slot] != EMPTY {
                slot = (slot + 1) & (size - 1);
            }
            ranks.slots[slot] = pair << RANK_BITS | rank as u64;
        }
        ranks
    }

    #[inline]
    fn pair_key(left: u32, right: u32) -> u64 {
        u64::from(left) << 21 | u64::from(right)
    }

    #[inline]
    fn first_slot(&self, pair: u64) -> usize {
        (pair.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }

    /// The rank of a pair; [`NONE`] if no merge joins it.
    #[inline]
    pub(crate) fn rank(&self, left: u32, right: u32) -> u32 {
        let pair = Self::pair_key(left, right);
        let mut slot = self.first_slot(pair);
        loop {
            let entry = self.slots[slot & (self.slots.len() - 1)];
            if entry >> RANK_BITS == pair {
                return (entry & ((1 << RANK_BITS) - 1)) as u32;
            }
            if entry == EMPTY {
                return NONE;
            }
            slot += 1;
        }
    }

    /// The token that the pair of a rank becomes.
    #[inline]
    pub(crate) fn result(&self, rank: u32) -> u32 {
        self.results[rank as usize]
    }
}
