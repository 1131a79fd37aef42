//! Candidate pairs: who shares a key with whom, in bounded memory.
//!
//! In a run of equal keys every document is paired with a few others only (a [`Star`]), so that the number of pairs is
//! proportional to the number of keys however long the runs are, and no bucket has to be dropped.
//!
//! Keys are spread evenly, so a [`Sweep`] looks at one range of them at a time and asks to see the documents again until all
//! ranges are done. How wide a range may be is learned from the data: when the buffer is full, runs are shortened to the
//! members that later ones may be paired with, and if that does not help, the upper half of the range is put off. The pairs do not depend on it.

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

/// A set of pairs that grows by whole lists with many repetitions: two documents mostly meet in several bands.
#[derive(Debug)]
pub struct Pairs {
    list: Vec<Pair>,
    full_at: usize,
    unite_at: usize,
}

impl Pairs {
    /// A set that is full at `memory` bytes (it may grow further, if it is not emptied), but never below 1,024 pairs.
    pub fn new(memory: u64) -> Self {
        let full_at = (memory / size_of::<Pair>() as u64).clamp(1024, 1 << 40) as usize;
        Self { list: Vec::new(), full_at, unite_at: full_at }
    }

    /// Adds a pair.
    #[inline]
    pub fn push(&mut self, pair: Pair) {
        if self.list.len() == self.unite_at {
            self.unite();
            self.unite_at = self.full_at.max(2 * self.list.len());
        }
        self.list.push(pair);
    }

    /// Would it take more than half of the memory even without repetitions?
    pub fn is_full(&mut self) -> bool {
        if self.list.len() > self.full_at / 2 {
            self.unite();
        }
        self.list.len() > self.full_at / 2
    }

    /// All pairs in order; the set is empty then.
    pub fn take(&mut self) -> Vec<Pair> {
        self.unite();
        self.unite_at = self.full_at;
        std::mem::take(&mut self.list)
    }

    fn unite(&mut self) {
        self.list.sort_unstable();
        self.list.dedup();
    }
}

/// Which earlier members of a run of equal keys a document is paired with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Star {
    /// So many from the start of the run.
    pub firsts: usize,
    /// And the one just before it.
    pub previous: bool,
}

impl Star {
    /// For keys that decide by themselves: everyone with the first.
    pub const FIRST: Self = Self { firsts: 1, previous: false };

    /// Adds the pairs of a run, which is in order.
    fn pair_up<K>(self, run: &[(K, u64)], pairs: &mut Pairs) {
        for (i, &(_, second)) in run.iter().enumerate().skip(1) {
            let firsts = &run[..i.min(self.firsts)];
            let previous = if self.previous && i > self.firsts { &run[i - 1..i] } else { &[] };
            for &(_, first) in firsts.iter().chain(previous) {
                pairs.push(Pair { first, second });
            }
        }
    }
}

/// A sweep over all keys, range by range.
#[derive(Debug)]
pub struct Sweep<K> {
    star: Star,
    low: u64,
    high: u64,
    entries: Vec<(K, u64)>,
    entries_max: usize,
}

impl<K: Key> Sweep<K> {
    /// A sweep that holds at most `memory` bytes of keys, but never fewer than 1,024 of them.
    pub fn new(star: Star, memory: u64) -> Self {
        let entries_max = (memory / size_of::<(K, u64)>() as u64).clamp(1024, 1 << 40) as usize;
        Self { star, low: 0, high: u64::MAX, entries: Vec::new(), entries_max }
    }

    /// Takes a key of document `ordinal`; documents come in ascending order, and all of them again in each pass.
    #[inline]
    pub fn push(&mut self, key: K, ordinal: u64, pairs: &mut Pairs) {
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
    pub fn end_pass(&mut self, pairs: &mut Pairs) -> bool {
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
    fn make_room(&mut self, pairs: &mut Pairs) {
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

    /// Sorts, pairs up each run, and keeps of it what later members may be paired with: the first ones and the last.
    fn settle(&mut self, pairs: &mut Pairs) {
        let entries = &mut self.entries;
        entries.sort_unstable();
        entries.dedup();
        let (mut kept, mut start) = (0, 0);
        while let Some(&(key, _)) = entries.get(start) {
            let end = start + entries[start..].iter().take_while(|entry| entry.0 == key).count();
            self.star.pair_up(&entries[start..end], pairs);
            let firsts = start..end.min(start + self.star.firsts);
            let last = firsts.end.max(end - usize::from(self.star.previous))..end;
            for part in [firsts, last] {
                entries.copy_within(part.clone(), kept);
                kept += part.len();
            }
            start = end;
        }
        entries.truncate(kept);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STARS: [Star; 3] = [Star::FIRST, Star { firsts: 3, previous: true }, Star { firsts: 0, previous: true }];

    /// Runs a sweep with room for `entries_max` keys over documents given as lists of keys.
    fn pairs_of(star: Star, documents: &[Vec<u64>], entries_max: usize) -> (Vec<Pair>, usize) {
        let mut sweep = Sweep::<u64> { star, low: 0, high: u64::MAX, entries: Vec::new(), entries_max };
        let (mut pairs, mut passes) = (Pairs { list: Vec::new(), full_at: 8, unite_at: 8 }, 0);
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
        (pairs.take(), passes)
    }

    /// The definition: each document with the first and the last of the earlier ones that have the key.
    fn by_definition(star: Star, documents: &[Vec<u64>]) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (second, keys) in documents.iter().enumerate() {
            for key in keys {
                let earlier: Vec<usize> = (0..second).filter(|&other| documents[other].contains(key)).collect();
                let previous = earlier.iter().rev().take(usize::from(star.previous));
                let partners = earlier.iter().take(star.firsts).chain(previous);
                pairs.extend(partners.map(|&first| Pair { first: first as u64, second: second as u64 }));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }

    #[test]
    fn a_long_run_fits_a_small_buffer_in_one_pass() {
        let documents = vec![vec![u64::MAX]; 5000];
        let (pairs, passes) = pairs_of(Star::FIRST, &documents, 64);
        assert_eq!((pairs.len(), passes), (4999, 1));
        assert!(pairs.iter().all(|pair| pair.first == 0));
    }

    proptest! {
        #[test]
        fn pairs_do_not_depend_on_the_room_there_is(
            documents in prop::collection::vec(prop::collection::vec((0u64..40).prop_map(|k| k.wrapping_mul(0x9e37_79b9_7f4a_7c15)), 0..5), 0..60),
            entries_max in 2usize..40,
        ) {
            for star in STARS {
                let wanted = by_definition(star, &documents);
                prop_assert_eq!(&pairs_of(star, &documents, entries_max).0, &wanted);
                prop_assert_eq!(&pairs_of(star, &documents, 1 << 20).0, &wanted);
            }
        }
    }
}
