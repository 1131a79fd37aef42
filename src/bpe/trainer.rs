//! Exact byte-pair encoding on a table of pieces with counts.
//!
//! The algorithm of Sennrich et al. (arXiv 1508.07909): merge the most frequent adjacent pair until the vocabulary is
//! full. Ties go to the smaller (left id, right id), as in Hugging Face tokenizers, whose merge lists these are.
//!
//! All unique pieces lie in one flat array of symbols with separators. A token of length n has its id in its first and
//! in its last cell, so both neighbours are found from lengths alone, without links. When two tokens merge, the start
//! cell of the second one is overwritten: a position noted earlier detects by itself that it is stale. Pieces are
//! ordered by falling count, so the weight of a position is a look-up in a few bounds. Changes are summed by neighbour
//! before the hash table sees them.
//!
//! A pair's count is largest when the pair is created and only falls afterwards. So pairs below a floor need neither a
//! list of positions nor a place in the queue, until the queue runs dry: then the floor is lowered and the array is
//! scanned again. The merge list does not depend on the floor.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::bpe::byte_level::BYTE_ORDER;
use crate::bpe::flat_corpus::{FlatCorpus, SEPARATOR, STALE};
use crate::bpe::merge::{Learned, Limits, Merge, TooLarge};
use crate::bpe::shape::Shape;

/// No list of positions: the pair is below the floor or not allowed.
const NO_LIST: u32 = u32::MAX;
/// Symbols below this number may use the dense table of the first pair count.
const DENSE: usize = 256;
/// Positions looked at together: their loads do not wait for each other.
const CHUNK: usize = 64;
/// Arrays longer than this start with [`HIGH_FLOOR`]: half the memory and time on text without word boundaries.
const LONG: usize = 1 << 23;
const HIGH_FLOOR: u64 = 8;

/// Learns merges from pieces with counts, best given by falling count (any other order is sorted first).
pub fn train(pieces: &[(&[u8], u64)], limits: &Limits) -> Result<Learned, TooLarge> {
    train_from(pieces, limits, first_floor(pieces))
}

/// Goes on learning after `learned` from pieces that those merges have already turned into symbols; `limits.merges` is
/// the number of merges in the end.
pub fn resume(pieces: &[(&[u32], u64)], learned: Learned, limits: &Limits) -> Result<Learned, TooLarge> {
    learn(pieces, |symbol| symbol, learned, limits, first_floor(pieces))
}

fn first_floor<T>(pieces: &[(&[T], u64)]) -> u64 {
    let long = pieces.iter().map(|(piece, _)| piece.len() + 1).sum::<usize>() > LONG;
    if long { HIGH_FLOOR } else { 1 }
}

fn train_from(pieces: &[(&[u8], u64)], limits: &Limits, floor: u64) -> Result<Learned, TooLarge> {
    let mut symbol = [0; 256];
    for (rank, &byte) in BYTE_ORDER.iter().enumerate() {
        symbol[usize::from(byte)] = rank as u32;
    }
    learn(pieces, |byte| symbol[usize::from(byte)], Learned::default(), limits, floor)
}

fn learn<T: Copy>(
    pieces: &[(&[T], u64)],
    symbol_of: impl Fn(T) -> u32,
    learned: Learned,
    limits: &Limits,
    floor: u64,
) -> Result<Learned, TooLarge> {
    let mut sorted: Vec<_> = pieces.iter().copied().filter(|(piece, count)| piece.len() > 1 && *count > 0).collect();
    if !sorted.is_sorted_by_key(|&(_, count)| Reverse(count)) {
        sorted.sort_by_key(|&(_, count)| Reverse(count));
    }
    let lowest = limits.min_frequency.max(1);
    let mut trainer = Trainer::new(FlatCorpus::new(&sorted, symbol_of)?, learned, limits, floor.max(lowest));
    loop {
        trainer.index_pairs();
        trainer.run();
        if trainer.learned.merges.len() >= limits.merges || trainer.floor == lowest {
            trainer.learned.floor = trainer.floor;
            return Ok(trainer.learned);
        }
        trainer.floor = (trainer.floor / 4).max(lowest);
        trainer.learned.rescans += 1;
    }
}

/// A pair in the queue: the largest count first, then the smallest (left, right).
type Candidate = (u64, Reverse<u64>, u32);

/// Changes on one side of the merged pair, summed by neighbour.
#[derive(Default)]
struct Side {
    weight: Vec<u64>,
    occurrences: Vec<u32>,
    list: Vec<u32>,
    touched: Vec<u32>,
}

impl Side {
    fn grow(&mut self, length: usize) {
        self.weight.resize(length, 0);
        self.occurrences.resize(length, 0);
        self.list.resize(length, NO_LIST);
    }

    #[inline]
    fn add(&mut self, neighbour: u32, weight: u64) {
        let i = neighbour as usize;
        if self.occurrences[i] == 0 {
            self.touched.push(neighbour);
        }
        self.occurrences[i] += 1;
        self.weight[i] += weight;
    }

    fn clear(&mut self) {
        for &neighbour in &self.touched {
            let i = neighbour as usize;
            (self.weight[i], self.occurrences[i], self.list[i]) = (0, 0, NO_LIST);
        }
        self.touched.clear();
    }
}

/// An occurrence that was merged: its position and its neighbours then.
struct Occurrence {
    position: u32,
    left: u32,
    right: u32,
}

struct Trainer<'a> {
    limits: &'a Limits,
    corpus: FlatCorpus,
    floor: u64,
    /// Length of each token in cells; what the array starts with has one cell.
    length: Vec<u32>,
    shape: Vec<Shape>,
    strings: Vec<Box<[u8]>>,
    taken: FxHashSet<Box<[u8]>>,
    /// Count and list of each live pair; looked up only, never walked.
    counts: FxHashMap<u64, u64>,
    lists: Vec<Vec<u32>>,
    queue: BinaryHeap<Candidate>,
    left: Side,
    right: Side,
    occurrences: Vec<Occurrence>,
    learned: Learned,
}

fn key(left: u32, right: u32) -> u64 {
    u64::from(left) << 32 | u64::from(right)
}

impl<'a> Trainer<'a> {
    fn new(corpus: FlatCorpus, learned: Learned, limits: &'a Limits, floor: u64) -> Self {
        let mut strings: Vec<Box<[u8]>> = BYTE_ORDER.iter().map(|&byte| Box::from([byte])).collect();
        let mut shape: Vec<Shape> = BYTE_ORDER.iter().map(|&byte| Shape::of_byte(byte)).collect();
        for merge in &learned.merges {
            let (l, r) = (merge.left as usize, merge.right as usize);
            strings.push([&*strings[l], &*strings[r]].concat().into());
            shape.push(shape[l].join(shape[r]).unwrap_or(Shape::Whole));
        }
        let taken = strings.iter().cloned().chain(limits.reserved.iter().map(|s| Box::from(s.as_slice()))).collect();
        Self {
            limits,
            corpus,
            floor,
            length: vec![1; strings.len()],
            shape,
            strings,
            taken,
            counts: FxHashMap::default(),
            lists: Vec::new(),
            queue: BinaryHeap::new(),
            left: Side::default(),
            right: Side::default(),
            occurrences: Vec::new(),
            learned,
        }
    }

    /// May the pair become a token, as far as length and characters go?
    fn allows(&self, left: u32, right: u32) -> bool {
        let (l, r) = (left as usize, right as usize);
        let length = self.strings[l].len() + self.strings[r].len();
        let short = length == 2 || self.limits.max_token_length.is_none_or(|max| length < max as usize);
        short && (!self.limits.whole_characters || self.shape[l].join(self.shape[r]).is_some())
    }

    /// Counts all pairs of the array as it stands and notes the positions of those at or above the floor.
    fn index_pairs(&mut self) {
        self.counts.clear();
        self.lists.clear();
        self.queue.clear();
        let mut slot: FxHashMap<u64, u32> = FxHashMap::default();
        let mut dense = vec![NO_LIST; DENSE * DENSE];
        let mut found: Vec<(u64, u64, u32)> = Vec::new();
        self.for_each_pair(|left, right, weight, _| {
            let slot = slot_of(&mut dense, &mut slot, left, right);
            if *slot == NO_LIST {
                *slot = found.len() as u32;
                found.push((key(left, right), 0, 0));
            }
            let pair = &mut found[*slot as usize];
            (pair.1, pair.2) = (pair.1 + weight, pair.2 + 1);
        });
        let mut list_of = Vec::with_capacity(found.len());
        for &(pair, count, occurrences) in &found {
            let ((left, right), n) = (((pair >> 32) as u32, pair as u32), occurrences);
            list_of.push(self.create(left, right, count, n));
        }
        let mut lists = std::mem::take(&mut self.lists);
        self.for_each_pair(|left, right, _, position| {
            let list = list_of[*slot_of(&mut dense, &mut slot, left, right) as usize];
            if list != NO_LIST {
                lists[list as usize].push(position);
            }
        });
        self.lists = lists;
    }

    /// Calls `visit(left, right, weight, position)` for every pair of neighbours.
    fn for_each_pair(&self, mut visit: impl FnMut(u32, u32, u64, u32)) {
        let symbols = &self.corpus.symbols;
        let mut at = 0;
        while at + 1 < symbols.len() {
            let left = symbols[at];
            if left == SEPARATOR {
                at += 1;
                continue;
            }
            let next = at + self.length[left as usize] as usize;
            let right = symbols[next];
            if right != SEPARATOR {
                visit(left, right, self.corpus.weight(at as u32), at as u32);
            }
            at = next;
        }
    }

    /// Enters a new pair in the table and the queue if it is allowed and frequent enough; gives its list.
    fn create(&mut self, left: u32, right: u32, count: u64, occurrences: u32) -> u32 {
        if count < self.floor || !self.allows(left, right) {
            return NO_LIST;
        }
        let list = self.lists.len() as u32;
        self.lists.push(Vec::with_capacity(occurrences as usize));
        self.counts.insert(key(left, right), count);
        self.queue.push((count, Reverse(key(left, right)), list));
        list
    }

    /// Merges until the vocabulary is full or no pair reaches the floor.
    fn run(&mut self) {
        while self.learned.merges.len() < self.limits.merges {
            let Some((count, Reverse(pair), list)) = self.queue.pop() else { return };
            let now = self.counts.get(&pair).copied().unwrap_or(0);
            if now < self.floor {
                self.forget(pair, list);
            } else if now < count {
                self.queue.push((now, Reverse(pair), list));
            } else {
                self.counts.remove(&pair);
                let positions = std::mem::take(&mut self.lists[list as usize]);
                self.merge((pair >> 32) as u32, pair as u32, count, &positions);
            }
        }
    }

    fn forget(&mut self, pair: u64, list: u32) {
        self.counts.remove(&pair);
        self.lists[list as usize] = Vec::new();
    }

    fn merge(&mut self, left: u32, right: u32, count: u64, positions: &[u32]) {
        let (l, r) = (left as usize, right as usize);
        let string: Box<[u8]> = [&*self.strings[l], &*self.strings[r]].concat().into();
        if !self.taken.insert(string.clone()) {
            self.learned.passed_over += 1;
            return;
        }
        let new = self.length.len() as u32;
        self.length.push(self.length[l] + self.length[r]);
        // Without the rule of whole characters shapes are never asked for.
        self.shape.push(self.shape[l].join(self.shape[r]).unwrap_or(Shape::Whole));
        self.strings.push(string);
        self.learned.merges.push(Merge { left, right, count });
        self.left.grow(self.length.len());
        self.right.grow(self.length.len());
        self.rewrite(left, right, new, positions);
        self.settle(left, right, new);
    }

    /// Writes the new symbol over every occurrence, left to right, and sums the changes by neighbour.
    fn rewrite(&mut self, left: u32, right: u32, new: u32, positions: &[u32]) {
        let (n_left, n_right) = (self.length[left as usize] as usize, self.length[right as usize] as usize);
        self.occurrences.clear();
        let mut live = [0; CHUNK];
        for chunk in positions.chunks(CHUNK) {
            let mut n = 0;
            for &position in chunk {
                live[n] = position;
                n += usize::from(self.corpus.symbols[position as usize] == left);
            }
            for &position in &live[..n] {
                let symbols = &mut self.corpus.symbols;
                let (start, middle) = (position as usize, position as usize + n_left);
                if symbols[start] != left || symbols[middle] != right {
                    continue;
                }
                let end = middle + n_right;
                let (before, after) = (symbols[start - 1], symbols[end]);
                symbols[middle] = STALE;
                symbols[start] = new;
                symbols[end - 1] = new;
                self.occurrences.push(Occurrence { position, left: before, right: after });
                let weight = self.corpus.weight(position);
                if before != SEPARATOR {
                    self.left.add(before, weight);
                }
                if after != SEPARATOR {
                    self.right.add(after, weight);
                }
            }
        }
    }

    /// Brings the pairs around the new symbol up to date.
    fn settle(&mut self, left: u32, right: u32, new: u32) {
        let (mut before, mut after) = (std::mem::take(&mut self.left), std::mem::take(&mut self.right));
        for &neighbour in &before.touched {
            self.decrease(key(neighbour, left), before.weight[neighbour as usize]);
        }
        for &neighbour in &after.touched {
            self.decrease(key(right, neighbour), after.weight[neighbour as usize]);
        }
        for &neighbour in &after.touched {
            let i = neighbour as usize;
            // In a run like `xyxy` the pair (new, x) arises on the right of one occurrence and is used up by the next.
            let used_up = if neighbour == left { before.weight[new as usize] } else { 0 };
            after.list[i] = self.create(new, neighbour, after.weight[i] - used_up, after.occurrences[i]);
        }
        for &neighbour in &before.touched {
            let i = neighbour as usize;
            before.list[i] = self.create(neighbour, new, before.weight[i], before.occurrences[i]);
        }
        for occurrence in &self.occurrences {
            if occurrence.left != SEPARATOR && before.list[occurrence.left as usize] != NO_LIST {
                let position = occurrence.position - self.length[occurrence.left as usize];
                self.lists[before.list[occurrence.left as usize] as usize].push(position);
            }
            if occurrence.right != SEPARATOR && after.list[occurrence.right as usize] != NO_LIST {
                self.lists[after.list[occurrence.right as usize] as usize].push(occurrence.position);
            }
        }
        before.clear();
        after.clear();
        (self.left, self.right) = (before, after);
    }

    fn decrease(&mut self, pair: u64, weight: u64) {
        if let Some(count) = self.counts.get_mut(&pair) {
            *count = count.saturating_sub(weight);
        }
    }
}

fn slot_of<'t>(dense: &'t mut [u32], sparse: &'t mut FxHashMap<u64, u32>, left: u32, right: u32) -> &'t mut u32 {
    if (left as usize) < DENSE && (right as usize) < DENSE {
        &mut dense[left as usize * DENSE + right as usize]
    } else {
        sparse.entry(key(left, right)).or_insert(NO_LIST)
    }
}

#[cfg(test)]
mod tests;
