//! A set of documents, a bit each, and their places in it.

use crate::dedup::ordinal::{ordinal, row_of, shard_of};

/// A set of documents.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    of_shards: Vec<Vec<u64>>,
}

impl Marks {
    /// Adds a document.
    pub(crate) fn set(&mut self, ordinal: u64) {
        let (shard, row) = (shard_of(ordinal) as usize, row_of(ordinal) as usize);
        if self.of_shards.len() <= shard {
            self.of_shards.resize_with(shard + 1, Vec::new);
        }
        let words = &mut self.of_shards[shard];
        if words.len() <= row / 64 {
            words.resize(row / 64 + 1, 0);
        }
        words[row / 64] |= 1 << (row % 64);
    }

    /// Is it in the set?
    pub(crate) fn has(&self, ordinal: u64) -> bool {
        let (shard, row) = (shard_of(ordinal) as usize, row_of(ordinal) as usize);
        self.of_shards.get(shard).and_then(|words| words.get(row / 64)).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// Work shards up to the last that has one.
    pub(crate) fn shards(&self) -> usize {
        self.of_shards.len()
    }

    /// Those of a work shard, ascending.
    pub(crate) fn of_shard(&self, shard: usize) -> Vec<u64> {
        let words = self.of_shards[shard].iter().zip((0_u32..).step_by(64));
        let rows = words.flat_map(|(&word, first)| (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| first + bit));
        rows.map(|row| ordinal(shard as u64, row)).collect()
    }

    /// The same, each with its place.
    pub(crate) fn placed(self) -> Placed {
        let mut len = 0;
        let mut place = |word: &u64| {
            len += word.count_ones();
            len - word.count_ones()
        };
        let places = self.of_shards.iter().map(|words| words.iter().map(&mut place).collect()).collect();
        Placed { marks: self, places, len }
    }
}

/// A set of documents whose places in it are known.
#[derive(Debug)]
pub(crate) struct Placed {
    marks: Marks,
    /// By work shard and word: how many are before it.
    places: Vec<Vec<u32>>,
    len: u32,
}

impl Placed {
    /// How many there are.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// How many are before a document of the set.
    pub(crate) fn place(&self, ordinal: u64) -> u32 {
        let (shard, row) = (shard_of(ordinal) as usize, row_of(ordinal) as usize);
        let before = self.marks.of_shards[shard][row / 64] & ((1 << (row % 64)) - 1);
        self.places[shard][row / 64] + before.count_ones()
    }

    /// All of them, ascending.
    pub(crate) fn each(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.marks.shards()).flat_map(|shard| self.marks.of_shard(shard))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_its_place() {
        let all: BTreeSet<u64> = (0..2_000_u64).map(|i| ordinal(i * 7 % 5 * 2, (i * i * 31 % 900) as u32)).collect();
        let mut marks = Marks::default();
        all.iter().rev().for_each(|&ordinal| marks.set(ordinal));
        assert!((0..12).flat_map(|shard| (0..1000).map(move |row| ordinal(shard, row))).all(|o| marks.has(o) == all.contains(&o)));
        let placed = marks.placed();
        assert_eq!(placed.len() as usize, all.len());
        assert!(placed.each().eq(all.iter().copied()));
        assert!(all.iter().zip(0..).all(|(&ordinal, place)| placed.place(ordinal) == place));
    }
}
