//! Merges the symbols of one pre-token: always the pair of lowest rank, of equal ones the leftmost.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::bpe::merge_ranks::{MergeRanks, NONE};

/// More symbols than this are merged with a heap, in O(n log n); fewer by scanning.
const SHORT: usize = 48;

/// The arrays that merging needs; they are used again for each pre-token.
#[derive(Debug, Default)]
pub(crate) struct Merger {
    /// The pre-token: its symbols before [`Self::merge`], its tokens afterwards.
    pub(crate) symbols: Vec<u32>,
    /// Rank of the pair that starts at each symbol.
    ranks: Vec<u32>,
    /// For long pre-tokens, a linked list: the position on the left of each symbol.
    before: Vec<u32>,
    /// The position on the right of each symbol.
    after: Vec<u32>,
    /// For long pre-tokens: (rank, position), the lowest first.
    heap: BinaryHeap<Reverse<(u32, u32)>>,
}

impl Merger {
    /// Merges the symbols until no pair of neighbours has a rank.
    #[inline]
    pub(crate) fn merge(&mut self, merge_ranks: &MergeRanks) {
        if self.symbols.len() > SHORT {
            self.merge_long(merge_ranks);
        } else {
            self.merge_short(merge_ranks);
        }
    }

    /// Scans for the lowest rank before each merge.
    #[inline]
    pub(crate) fn merge_short(&mut self, merge_ranks: &MergeRanks) {
        let Self { symbols, ranks, .. } = self;
        ranks.clear();
        ranks.extend(symbols.windows(2).map(|pair| merge_ranks.rank(pair[0], pair[1])));
        while let Some((at, rank)) = lowest(ranks) {
            let new = merge_ranks.result(rank);
            symbols[at] = new;
            symbols.remove(at + 1);
            ranks.remove(at);
            if at > 0 {
                ranks[at - 1] = merge_ranks.rank(symbols[at - 1], new);
            }
            if at < ranks.len() {
                ranks[at] = merge_ranks.rank(new, symbols[at + 1]);
            }
        }
    }

    /// Takes the lowest rank from a heap. Entries are not removed when a merge changes a pair; they are skipped when they come up.
    pub(crate) fn merge_long(&mut self, merge_ranks: &MergeRanks) {
        let Self { symbols, ranks, before, after, heap } = self;
        let n = symbols.len();
        ranks.clear();
        ranks.extend(symbols.windows(2).map(|pair| merge_ranks.rank(pair[0], pair[1])));
        ranks.push(NONE);
        before.clear();
        before.extend((0..n as u32).map(|i| i.wrapping_sub(1)));
        after.clear();
        after.extend(1..=n as u32);
        heap.clear();
        heap.extend(ranks.iter().enumerate().filter(|&(_, &rank)| rank != NONE).map(|(i, &rank)| Reverse((rank, i as u32))));
        while let Some(Reverse((rank, position))) = heap.pop() {
            let at = position as usize;
            if ranks[at] != rank {
                continue;
            }
            let gone = after[at] as usize;
            let (left, right) = (before[at], after[gone]);
            symbols[at] = merge_ranks.result(rank);
            symbols[gone] = NONE;
            ranks[gone] = NONE;
            after[at] = right;
            ranks[at] = NONE;
            if (right as usize) < n {
                before[right as usize] = position;
                ranks[at] = merge_ranks.rank(symbols[at], symbols[right as usize]);
                heap.extend(Some(Reverse((ranks[at], position))).filter(|_| ranks[at] != NONE));
            }
            if left != NONE {
                let left_rank = merge_ranks.rank(symbols[left as usize], symbols[at]);
                ranks[left as usize] = left_rank;
                heap.extend(Some(Reverse((left_rank, left))).filter(|_| left_rank != NONE));
            }
        }
        symbols.retain(|&symbol| symbol != NONE);
    }
}

/// Position and value of the lowest rank, the leftmost of equal ones; `None` if no pair has a rank.
#[inline]
fn lowest(ranks: &[u32]) -> Option<(usize, u32)> {
    let mut best = (0, NONE);
    for (at, &rank) in ranks.iter().enumerate() {
        if rank < best.1 {
            best = (at, rank);
        }
    }
    (best.1 != NONE).then_some(best)
}
