//! Candidate pairs: pairs of documents that share a band key (or a content hash), found in bounded memory.
//!
//! In a run of documents with the same key, each one is paired with a few others only ([`Partners`]). So the number of pairs is
//! proportional to the number of keys, however long the runs are, and no run has to be left out.
//!
//! A [`Sweep`] looks at one range of keys at a time, and all documents are shown to it again for each range. How wide a range can be is
//! found out from the data: when the buffer is full, each run is reduced to the members that later documents may be paired with; if that
//! does not free enough, the upper half of the range is left for a later round. The pairs do not depend on this. Whoever shows it more
//! keys than it can hold divides them by their ranges first (`matching`), so that later rounds are rare.

/// A hash that candidates share.
pub trait Key: Copy + Ord {
    /// Bytes of a key that is put aside.
    const BYTES: usize;

    /// The leading 64 bits, which decide in which range of the sweep the key is.
    fn rank(self) -> u64;

    /// Appends the key.
    fn put(self, out: &mut Vec<u8>);

    /// Takes a key off the front.
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

impl Key for u64 {
    const BYTES: usize = 8;

    fn rank(self) -> u64 {
        self
    }

    fn put(self, out: &mut Vec<u8>) {
        out.extend(self.to_le_bytes());
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let (key, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(Self::from_le_bytes(*key))
    }
}

impl Key for [u64; 2] {
    const BYTES: usize = 16;

    fn rank(self) -> u64 {
        self[0]
    }

    fn put(self, out: &mut Vec<u8>) {
        for half in self {
            half.put(out);
        }
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some([u64::take(bytes)?, u64::take(bytes)?])
    }
}

/// Two documents that share a key, the earlier one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// The earlier document.
    pub first: u64,
    /// The later document.
    pub second: u64,
}

/// Takes the pairs that are found. Most are found several times, because similar documents share several bands.
pub type TakePair<'a> = dyn FnMut(Pair) + 'a;

/// Which of the earlier documents with the same key a document is paired with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partners {
    /// So many of the first ones.
    pub firsts: usize,
    /// And the one directly before it?
    pub previous: bool,
}

impl Partners {
    /// With the first one only: enough where the key alone decides.
    pub const FIRST: Self = Self { firsts: 1, previous: false };

    /// Adds the pairs of a run of documents with the same key, which is in order.
    fn pair_up<K>(self, run: &[(K, u64)], pairs: &mut TakePair<'_>) {
        for (i, &(_, second)) in run.iter().enumerate().skip(1) {
            let firsts = &run[..i.min(self.firsts)];
            let previous = if self.previous && i > self.firsts { &run[i - 1..i] } else { &[] };
            for &(_, first) in firsts.iter().chain(previous) {
                pairs(Pair { first, second });
            }
        }
    }
}

/// A sweep over all keys, range by range.
#[derive(Debug)]
pub struct Sweep<K> {
    partners: Partners,
    low: u64,
    high: u64,
    entries: Vec<(K, u64)>,
    entries_max: usize,
    ascending: bool,
}

impl<K: Key> Sweep<K> {
    /// A sweep that holds at most `memory` bytes of keys, but never fewer than 1,024 of them. Where documents do not come in
    /// `ascending` order, a run of one key has to fit as a whole, and more is held where it does not.
    pub fn new(partners: Partners, memory: u64, ascending: bool) -> Self {
        let entries_max = (memory / size_of::<(K, u64)>() as u64).clamp(1024, 1 << 40) as usize;
        Self { partners, low: 0, high: u64::MAX, entries: Vec::new(), entries_max, ascending }
    }

    /// Takes a key of a document. All of them come again in each round.
    #[inline]
    pub fn push(&mut self, key: K, ordinal: u64, pairs: &mut TakePair<'_>) {
        if (self.low..=self.high).contains(&key.rank()) {
            if self.entries.len() == self.entries_max {
                self.make_room(pairs);
                return self.push(key, ordinal, pairs);
            }
            self.grow();
            self.entries.push((key, ordinal));
        }
    }

    /// Ends a round; true if all documents have to be shown again.
    pub fn end_round(&mut self, pairs: &mut TakePair<'_>) -> bool {
        self.reduce_runs(pairs);
        self.entries.clear();
        let Some(next) = self.high.checked_add(1) else { return false };
        // The next range is as wide as the last one, which fitted.
        let width = self.high - self.low;
        (self.low, self.high) = (next, next.saturating_add(width));
        true
    }

    /// Doubles the capacity, but not beyond the limit, as `Vec` would do.
    #[inline]
    fn grow(&mut self) {
        if self.entries.len() == self.entries.capacity() {
            let wanted = self.entries.len().max(1024).min(self.entries_max - self.entries.len());
            self.entries.reserve_exact(wanted);
        }
    }

    #[cold]
    fn make_room(&mut self, pairs: &mut TakePair<'_>) {
        if self.ascending {
            self.reduce_runs(pairs);
        } else {
            // A document that comes later may stand before any of them.
            self.entries.sort_unstable();
            self.entries.dedup();
        }
        while self.entries.len() > self.entries_max / 2 {
            let middle = self.entries[self.entries.len() / 2].0.rank();
            if middle == self.low {
                // Half of the keys have the same rank, so no range can separate them. Hashes do not do this by chance.
                self.entries_max *= 2;
                return;
            }
            self.high = middle - 1;
            self.entries.truncate(self.entries.partition_point(|(key, _)| key.rank() < middle));
        }
    }

    /// Sorts the keys, adds the pairs of each run, and keeps of it the documents that later ones may be paired with: the first
    /// ones and the last.
    fn reduce_runs(&mut self, pairs: &mut TakePair<'_>) {
        let entries = &mut self.entries;
        entries.sort_unstable();
        entries.dedup();
        let (mut kept, mut start) = (0, 0);
        while let Some(&(key, _)) = entries.get(start) {
            let end = start + entries[start..].iter().take_while(|entry| entry.0 == key).count();
            self.partners.pair_up(&entries[start..end], pairs);
            let firsts = start..end.min(start + self.partners.firsts);
            let last = firsts.end.max(end - usize::from(self.partners.previous))..end;
            for range in [firsts, last] {
                entries.copy_within(range.clone(), kept);
                kept += range.len();
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

    const PARTNERS: [Partners; 3] = [Partners::FIRST, Partners { firsts: 3, previous: true }, Partners { firsts: 0, previous: true }];

    /// Runs a sweep with room for `entries_max` keys over documents given as lists of keys.
    fn pairs_of(partners: Partners, documents: &[Vec<u64>], entries_max: usize, ascending: bool) -> (Vec<Pair>, usize) {
        let mut sweep = Sweep::<u64> { partners, low: 0, high: u64::MAX, entries: Vec::new(), entries_max, ascending };
        let mut shown: Vec<(usize, &Vec<u64>)> = documents.iter().enumerate().collect();
        if !ascending {
            shown.sort_by_key(|(ordinal, _)| ordinal * 7 % 11);
        }
        let (mut pairs, mut rounds) = (std::collections::BTreeSet::new(), 0);
        let mut take = |pair| {
            pairs.insert(pair);
        };
        loop {
            for &(ordinal, keys) in &shown {
                for &key in keys {
                    sweep.push(key, ordinal as u64, &mut take);
                }
            }
            rounds += 1;
            if !sweep.end_round(&mut take) {
                break;
            }
        }
        (pairs.into_iter().collect(), rounds)
    }

    /// The definition: each document with the first and the last of the earlier ones that have the key.
    fn by_definition(partners: Partners, documents: &[Vec<u64>]) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (second, keys) in documents.iter().enumerate() {
            for key in keys {
                let earlier: Vec<usize> = (0..second).filter(|&other| documents[other].contains(key)).collect();
                let previous = earlier.iter().rev().take(usize::from(partners.previous));
                let paired = earlier.iter().take(partners.firsts).chain(previous);
                pairs.extend(paired.map(|&first| Pair { first: first as u64, second: second as u64 }));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }

    #[test]
    fn a_long_run_fits_a_small_buffer_in_one_round() {
        let documents = vec![vec![u64::MAX]; 5000];
        let (pairs, rounds) = pairs_of(Partners::FIRST, &documents, 64, true);
        assert_eq!((pairs.len(), rounds), (4999, 1));
        assert!(pairs.iter().all(|pair| pair.first == 0));
    }

    proptest! {
        #[test]
        fn pairs_do_not_depend_on_the_room_there_is(
            documents in prop::collection::vec(prop::collection::vec((0u64..40).prop_map(|k| k.wrapping_mul(0x9e37_79b9_7f4a_7c15)), 0..5), 0..60),
            entries_max in 2usize..40,
        ) {
            for partners in PARTNERS {
                let wanted = by_definition(partners, &documents);
                for ascending in [true, false] {
                    prop_assert_eq!(&pairs_of(partners, &documents, entries_max, ascending).0, &wanted);
                    prop_assert_eq!(&pairs_of(partners, &documents, 1 << 20, ascending).0, &wanted);
                }
            }
        }
    }
}
