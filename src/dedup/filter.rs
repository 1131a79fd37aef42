//! A set of hashes that says yes to all that are in it, and to a few others.

/// Bits of a hash, where memory allows: one other in sixteen passes.
const BITS: u64 = 16;

/// A set of hashes, a bit each.
#[derive(Debug)]
pub(crate) struct Filter {
    bits: Vec<u64>,
}

impl Filter {
    /// Room for so many hashes in at most so many bytes.
    pub(crate) fn new(hashes: u64, memory: u64) -> Self {
        let bits = hashes.saturating_mul(BITS).min(memory.saturating_mul(8)).max(64);
        Self { bits: vec![0; usize::try_from(bits.div_ceil(64)).unwrap_or(usize::MAX)] }
    }

    /// Word and bit of a hash: its leading bits choose the word.
    fn place(&self, hash: u64) -> (usize, u64) {
        let word = (u128::from(hash) * self.bits.len() as u128) >> 64;
        (word as usize, 1 << (hash % 64))
    }

    /// Adds a hash.
    pub(crate) fn add(&mut self, hash: u64) {
        let (word, bit) = self.place(hash);
        self.bits[word] |= bit;
    }

    /// False: it is not in the set.
    pub(crate) fn may_have(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.bits[word] & bit != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_it_passes_and_most_else_does_not() {
        let hash = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for (hashes, memory, others) in [(1_000, 1 << 20, 100), (1_000, 64, 1_000), (0, 0, 1_000)] {
            let mut filter = Filter::new(hashes, memory);
            (0..hashes).for_each(|i| filter.add(hash(i)));
            assert!((0..hashes).all(|i| filter.may_have(hash(i))));
            let passed = (hashes..hashes + 1_000).filter(|&i| filter.may_have(hash(i))).count();
            assert!(passed <= others, "{passed} of 1000 others passed");
        }
    }
}
