//! Exact best-fit decreasing in linear time (arXiv 2404.10830).
//!
//! Pieces are taken longest first. Each goes into the open row with the least space that is enough, or into a new row if no row has
//! enough. How much space is left in how many rows depends on the lengths alone. Of pieces of equal length the first in document
//! order is taken first; of rows with equal space the one that was changed last is used. Pieces are sorted by counting, rows with
//! equal space form a stack, and the least sufficient space is found in a bitset with summary levels: O(n + S) time, and 12 bytes
//! of memory for each piece.

const NONE: u32 = u32::MAX;

/// The memory for assigning pieces to rows; it is used again for each window.
#[derive(Debug)]
pub struct BestFit {
    sequence_length: u32,
    /// The sizes of free space that open rows have.
    spaces: BitSet,
    /// By size of free space: the top of the stack of rows that have it.
    heads: Vec<u32>,
    /// By row: the row below it in the stack.
    below: Vec<u32>,
    /// Indices of the pieces, longest first.
    order: Vec<u32>,
}

impl BestFit {
    /// For rows of `sequence_length` ≥ 1 tokens.
    pub fn new(sequence_length: u32) -> Self {
        let size = sequence_length as usize + 1;
        Self { sequence_length, spaces: BitSet::new(size), heads: vec![NONE; size], below: Vec::new(), order: Vec::new() }
    }

    /// Assigns pieces of the given lengths, each 1 to `sequence_length`. Calls `place(piece, row, start)` for each piece; within a
    /// row, `start` rises from call to call. Gives the number of rows. There must be fewer than 2³² − 1 pieces.
    pub fn assign(&mut self, lengths: &[u32], mut place: impl FnMut(u32, u32, u32)) -> u32 {
        self.sort(lengths);
        self.below.clear();
        let mut order = std::mem::take(&mut self.order);
        for &piece in &order {
            let length = lengths[piece as usize];
            let (row, space) = self.take_row(length);
            place(piece, row, self.sequence_length - space);
            self.put_back(row, space - length);
        }
        order.clear();
        self.order = order;
        self.spaces.clear();
        self.heads.fill(NONE);
        self.below.len() as u32
    }

    /// Takes the row with the least space ≥ `length` off its stack, or opens one; gives the row and its space.
    fn take_row(&mut self, length: u32) -> (u32, u32) {
        let Some(space) = self.spaces.successor(length as usize) else {
            self.below.push(NONE);
            return (self.below.len() as u32 - 1, self.sequence_length);
        };
        let row = self.heads[space];
        self.heads[space] = self.below[row as usize];
        if self.heads[space] == NONE {
            self.spaces.remove(space);
        }
        (row, space as u32)
    }

    fn put_back(&mut self, row: u32, space: u32) {
        if space == 0 {
            return;
        }
        let head = &mut self.heads[space as usize];
        if *head == NONE {
            self.spaces.insert(space as usize);
        }
        self.below[row as usize] = *head;
        *head = row;
    }

    /// Counting sort, longest first, stable.
    fn sort(&mut self, lengths: &[u32]) {
        // `heads` is not in use between assignments. Here it holds first the number of pieces of each length, and then the index at
        // which the next piece of each length goes.
        self.heads.fill(0);
        for &length in lengths {
            self.heads[length as usize] += 1;
        }
        let mut start = 0;
        for count in self.heads.iter_mut().rev() {
            start += std::mem::replace(count, start);
        }
        self.order.resize(lengths.len(), 0);
        for (piece, &length) in lengths.iter().enumerate() {
            let slot = &mut self.heads[length as usize];
            self.order[*slot as usize] = piece as u32;
            *slot += 1;
        }
        self.heads.fill(NONE);
    }
}

/// A set of small integers as bits. Each bit of a summary level tells whether a word of the level below it has any bit.
#[derive(Debug)]
struct BitSet {
    levels: Vec<Vec<u64>>,
}

impl BitSet {
    fn new(size: usize) -> Self {
        let mut levels = vec![vec![0; size.div_ceil(64).max(1)]];
        while let Some(last) = levels.last().filter(|words| words.len() > 1) {
            levels.push(vec![0; last.len().div_ceil(64)]);
        }
        Self { levels }
    }

    fn insert(&mut self, mut at: usize) {
        for words in &mut self.levels {
            let word = &mut words[at / 64];
            let was_empty = *word == 0;
            *word |= 1 << (at % 64);
            if !was_empty {
                return;
            }
            at /= 64;
        }
    }

    fn remove(&mut self, mut at: usize) {
        for words in &mut self.levels {
            let word = &mut words[at / 64];
            *word &= !(1 << (at % 64));
            if *word != 0 {
                return;
            }
            at /= 64;
        }
    }

    /// The least member ≥ `from`: goes up through the levels until a word has one, and then down to it.
    fn successor(&self, from: usize) -> Option<usize> {
        let mut at = from;
        for (level, words) in self.levels.iter().enumerate() {
            let rest = words.get(at / 64)? & (!0 << (at % 64));
            if rest != 0 {
                return Some(self.descend(level, at / 64 * 64 + rest.trailing_zeros() as usize));
            }
            at = at / 64 + 1;
        }
        None
    }

    fn descend(&self, level: usize, mut at: usize) -> usize {
        for words in self.levels[..level].iter().rev() {
            at = at * 64 + words[at].trailing_zeros() as usize;
        }
        at
    }

    fn clear(&mut self) {
        for words in &mut self.levels {
            words.fill(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, word for word: quadratic.
    fn naive_spaces(lengths: &[u32], sequence_length: u32) -> Vec<u32> {
        let mut lengths = lengths.to_vec();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        let mut spaces: Vec<u32> = Vec::new();
        for length in lengths {
            match spaces.iter_mut().filter(|space| **space >= length).min() {
                Some(space) => *space -= length,
                None => spaces.push(sequence_length - length),
            }
        }
        spaces.sort_unstable();
        spaces
    }

    /// The spaces that are left, after checking that pieces tile each row from its start.
    fn spaces(best_fit: &mut BestFit, lengths: &[u32]) -> Vec<u32> {
        let mut ends: Vec<u32> = Vec::new();
        let mut placed = vec![false; lengths.len()];
        let rows = best_fit.assign(lengths, |piece, row, start| {
            ends.resize(ends.len().max(row as usize + 1), 0);
            assert_eq!(ends[row as usize], start, "a piece starts where the last one ended");
            ends[row as usize] += lengths[piece as usize];
            assert!(!std::mem::replace(&mut placed[piece as usize], true));
        });
        assert!(placed.iter().all(|&placed| placed));
        assert_eq!(rows as usize, ends.len());
        let mut spaces: Vec<u32> = ends.iter().map(|&end| best_fit.sequence_length.checked_sub(end).unwrap()).collect();
        spaces.sort_unstable();
        spaces
    }

    #[test]
    fn ties_follow_document_order_and_the_row_touched_last() {
        let mut placements = Vec::new();
        let rows = BestFit::new(10).assign(&[6, 3, 6, 3, 1, 4], |piece, row, start| placements.push((piece, row, start)));
        // Rows 0 and 1 open with 6; 4 goes to row 1 (touched last) and fills it; 3 to row 0; the other 3 opens row 2.
        assert_eq!(placements, [(0, 0, 0), (2, 1, 0), (5, 1, 6), (1, 0, 6), (3, 2, 0), (4, 0, 9)]);
        assert_eq!(rows, 3);
    }

    #[test]
    fn scratch_does_not_leak_into_the_next_window() {
        let mut best_fit = BestFit::new(5_000);
        let windows: [&[u32]; 3] = [&[5_000, 1, 2, 4_097], &[], &[1, 1, 1]];
        for lengths in windows {
            assert_eq!(spaces(&mut best_fit, lengths), spaces(&mut BestFit::new(5_000), lengths));
        }
    }

    proptest! {
        #[test]
        fn spaces_equal_the_quadratic_definition(
            (sequence_length, lengths) in prop_oneof![1_u32..40, 60_u32..70, 4_090_u32..4_100, Just(1 << 18)]
                .prop_flat_map(|s| (Just(s), prop::collection::vec(prop_oneof![1..=s, 1..=s.min(9), s.saturating_sub(5).max(1)..=s], 0..300)))
        ) {
            prop_assert_eq!(spaces(&mut BestFit::new(sequence_length), &lengths), naive_spaces(&lengths, sequence_length));
        }

        #[test]
        fn successor_equals_a_scan(members in prop::collection::btree_set(0_usize..9_000, 0..60), gone in prop::collection::vec(0_usize..60, 0..20), from in 0_usize..9_000) {
            let mut set = BitSet::new(9_000);
            let mut left: Vec<usize> = members.iter().copied().collect();
            for &member in &left {
                set.insert(member);
            }
            for index in gone {
                if index < left.len() {
                    set.remove(left.remove(index));
                }
            }
            prop_assert_eq!(set.successor(from), left.into_iter().find(|&member| member >= from));
        }
    }
}
