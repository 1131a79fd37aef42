//! Candidate pairs: who shares a key with whom, in bounded memory.
//!
//! In a run of equal keys every document is paired with the first one (a star), so that n documents with b keys each give
//! at most n·b pairs however long the runs are, and no bucket has to be dropped.
//!
//! Keys are spread evenly, so a [`Sweep`] looks at one range of them at a time and asks to see the documents again until all
//! ranges are done. How wide a range may be is learned from the data: when the buffer is full, runs are shortened to their
//! first member, and if that does not help, the upper half of the range is put off. The pairs do not depend on it.

/// A hash by which documents meet.
pub trait Key: Copy + Ord {
    /// The leading 64 bits: the place of the key in the sweep.
    fn rank(self) -> u64;
}

impl Key for u64 {
    fn rank(self) -> u64 {
        self
    }
}

impl Key for [u64; 2] {
    fn rank(self) -> u64 {
        self[0]
    }
}

/// Two documents that share a key, the earlier one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// The earlier document, which stays for what this pair has to say.
    pub first: u64,
    /// The later document.
    pub second: u64,
}

/// A sweep over all keys, range by range.
#[derive(Debug)]
pub struct Sweep<K> {
    low: u64,
    high: u64,
    entries: Vec<(K, u64)>,
    entries_max: usize,
}

impl<K: Key> Sweep<K> {
    /// A sweep that holds at most `memory` bytes of keys, but never fewer than 1,024 of them.
    pub fn new(memory: u64) -> Self {
        let entries_max = (memory / size_of::<(K, u64)>() as u64).clamp(1024, 1 << 40) as usize;
        Self { low: 0, high: u64::MAX, entries: Vec::new(), entries_max }
    }

    /// Takes a key of document `ordinal`; documents come in ascending order, and all of them again in each pass.
    #[inline]
    pub fn push(&mut self, key: K, ordinal: u64, pairs: &mut Vec<Pair>) {
        if (self.low..=self.high).contains(&key.rank()) {
            if self.entries.len() == self.entries_max {
                self.make_room(pairs);
                return self.push(key, ordinal, pairs);
            }
            self.grow();
            self.entries.push((key, ordinal));
        }
    }

    /// Ends a pass; true if another one over all documents is needed.
    pub fn end_pass(&mut self, pairs: &mut Vec<Pair>) -> bool {
        self.settle(pairs);
        self.entries.clear();
        let Some(next) = self.high.checked_add(1) else { return false };
        // The next range is as wide as the one that fitted.
        let width = self.high - self.low;
        (self.low, self.high) = (next, next.saturating_add(width));
        true
    }

    /// Grows by doubling, but never beyond the ceiling as `Vec` would.
    #[inline]
    fn grow(&mut self) {
        if self.entries.len() == self.entries.capacity() {
            let wanted = self.entries.len().max(1024).min(self.entries_max - self.entries.len());
            self.entries.reserve_exact(wanted);
        }
    }

    #[cold]
    fn make_room(&mut self, pairs: &mut Vec<Pair>) {
        self.settle(pairs);
        while self.entries.len() > self.entries_max / 2 {
            let middle = self.entries[self.entries.len() / 2].0.rank();
            if middle == self.low {
                // Half of the keys have one rank: no range can part them. Not a thing that hashes do by chance.
                self.entries_max *= 2;
                return;
            }
            self.high = middle - 1;
            self.entries.truncate(self.entries.partition_point(|(key, _)| key.rank() < middle));
        }
    }

    /// Sorts, pairs the members of each run with its first, and keeps only that one.
    fn settle(&mut self, pairs: &mut Vec<Pair>) {
        self.entries.sort_unstable();
        self.entries.dedup_by(|later, first| {
            let same = later.0 == first.0;
            // A document may hold a key twice only if its band keys collide: it is no pair with itself.
            if same && later.1 != first.1 {
                pairs.push(Pair { first: first.1, second: later.1 });
            }
            same
        });
    }
}

/// Sorts pairs and drops repetitions.
pub fn unite(pairs: &mut Vec<Pair>) {
    pairs.sort_unstable();
    pairs.dedup();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Runs a sweep with room for `entries_max` keys over documents given as lists of keys.
    fn pairs_of(documents: &[Vec<u64>], entries_max: usize) -> (Vec<Pair>, usize) {
        let mut sweep = Sweep::<u64> { low: 0, high: u64::MAX, entries: Vec::new(), entries_max };
        let (mut pairs, mut passes) = (Vec::new(), 0);
        loop {
            for (ordinal, keys) in documents.iter().enumerate() {
                for &key in keys {
                    sweep.push(key, ordinal as u64, &mut pairs);
                }
            }
            passes += 1;
            if !sweep.end_pass(&mut pairs) {
                break;
            }
        }
        unite(&mut pairs);
        (pairs, passes)
    }

    /// The definition: each document with the first one that has the key.
    fn by_definition(documents: &[Vec<u64>]) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (second, keys) in documents.iter().enumerate() {
            for key in keys {
                let first = documents.iter().position(|other| other.contains(key)).unwrap();
                if first < second {
                    pairs.push(Pair { first: first as u64, second: second as u64 });
                }
            }
        }
        unite(&mut pairs);
        pairs
    }

    #[test]
    fn a_long_run_fits_a_small_buffer_in_one_pass() {
        let documents = vec![vec![u64::MAX]; 5000];
        let (pairs, passes) = pairs_of(&documents, 64);
        assert_eq!((pairs.len(), passes), (4999, 1));
        assert!(pairs.iter().all(|pair| pair.first == 0));
    }

    proptest! {
        #[test]
        fn pairs_do_not_depend_on_the_room_there_is(
            documents in prop::collection::vec(prop::collection::vec((0u64..40).prop_map(|k| k.wrapping_mul(0x9e37_79b9_7f4a_7c15)), 0..5), 0..60),
            entries_max in 2usize..40,
        ) {
            let wanted = by_definition(&documents);
            prop_assert_eq!(&pairs_of(&documents, entries_max).0, &wanted);
            prop_assert_eq!(&pairs_of(&documents, 1 << 20).0, &wanted);
        }
    }
}
