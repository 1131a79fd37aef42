//! Learns merges from pre-tokens with counts: exact byte-pair encoding.
//!
//! The algorithm is that of Sennrich et al. (arXiv 1508.07909): merge the most frequent pair of neighbours until the vocabulary
//! is full. Of equally frequent pairs the one with the smaller (left id, right id) is merged first, as in Hugging Face
//! tokenizers, so the merge lists are the same.
//!
//! All unique pre-tokens lie in one array of symbols (`flat_corpus.rs`). A token that covers n cells of the array has its id in its
//! first and in its last cell, so its neighbours on both sides are found from the lengths of tokens. Each frequent pair has an
//! occurrence list: the positions at which it begins. When two tokens are merged, the first cell of the second one is
//! overwritten, so that positions which are still in other occurrence lists can be seen to be out of date. The changes of a merge
//! are summed by neighbour first, so the hash table of counts is written once for each neighbour, not once for each occurrence.
//!
//! The count of a pair is largest when the pair comes into being and only falls afterwards. So a pair below a count floor needs
//! no occurrence list and no entry in the heap until the heap is empty: then the floor is lowered and the array is scanned again.
//! The merges do not depend on the floor.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::bpe::byte_level::BYTE_ORDER;
use crate::bpe::flat_corpus::{FlatCorpus, SEPARATOR, STALE};
use crate::bpe::merge::{Learned, Limits, Merge, TooLarge};
use crate::bpe::shape::Shape;

/// Instead of the index of an occurrence list: the pair has none, because it is below the floor or not allowed.
const NO_LIST: u32 = u32::MAX;
/// Pairs of symbols below this number are counted in a plain table, all others in a hash table.
const DENSE: usize = 256;
/// Positions that are read together, so that the processor can load them at the same time.
const CHUNK: usize = 64;
/// Arrays longer than this start with the floor [`HIGH_FLOOR`], which halves memory and time on text without word boundaries.
const LONG: usize = 1 << 23;
/// The first floor for long arrays.
const HIGH_FLOOR: u64 = 8;

/// Learns merges from pre-tokens with counts. Sorts them by falling count if they are in another order.
pub fn train(pre_tokens: &[(&[u8], u64)], limits: &Limits) -> Result<Learned, TooLarge> {
    train_from(pre_tokens, limits, first_floor(pre_tokens))
}

/// Learns more merges after `learned`, from pre-tokens that are already encoded by those merges; `limits.merges` is the number
/// of all merges in the end.
pub fn resume(pre_tokens: &[(&[u32], u64)], learned: Learned, limits: &Limits) -> Result<Learned, TooLarge> {
    learn(pre_tokens, |symbol| symbol, learned, limits, first_floor(pre_tokens))
}

fn first_floor<T>(pre_tokens: &[(&[T], u64)]) -> u64 {
    let long = pre_tokens.iter().map(|(pre_token, _)| pre_token.len() + 1).sum::<usize>() > LONG;
    if long { HIGH_FLOOR } else { 1 }
}

fn train_from(pre_tokens: &[(&[u8], u64)], limits: &Limits, floor: u64) -> Result<Learned, TooLarge> {
    let mut symbol = [0; 256];
    for (rank, &byte) in BYTE_ORDER.iter().enumerate() {
        symbol[usize::from(byte)] = rank as u32;
    }
    learn(pre_tokens, |byte| symbol[usize::from(byte)], Learned::default(), limits, floor)
}

fn learn<T: Copy>(
    pre_tokens: &[(&[T], u64)],
    symbol_of: impl Fn(T) -> u32,
    learned: Learned,
    limits: &Limits,
    floor: u64,
) -> Result<Learned, TooLarge> {
    let mut sorted: Vec<_> = pre_tokens.iter().copied().filter(|(pre_token, count)| pre_token.len() > 1 && *count > 0).collect();
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

/// A pair in the heap: count, pair, occurrence list. The largest count comes first, then the smallest (left, right).
type HeapEntry = (u64, Reverse<u64>, u32);

/// The neighbours on one side of the merged pair, and how often each of them stands there.
#[derive(Default)]
struct Neighbours {
    /// By neighbour: the sum of the counts of the pre-tokens.
    weight: Vec<u64>,
    /// By neighbour: the number of positions.
    occurrences: Vec<u32>,
    /// By neighbour: the occurrence list of its pair with the new symbol.
    list: Vec<u32>,
    /// The neighbours that occur.
    touched: Vec<u32>,
}

impl Neighbours {
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

/// An occurrence that was merged: its position, and its neighbours before the merge.
struct MergedOccurrence {
    position: u32,
    left: u32,
    right: u32,
}

struct Trainer<'a> {
    limits: &'a Limits,
    corpus: FlatCorpus,
    floor: u64,
    /// How many cells each token covers; the symbols that the array starts with cover one.
    length: Vec<u32>,
    shape: Vec<Shape>,
    /// The bytes of each token.
    strings: Vec<Box<[u8]>>,
    /// All of these and the reserved strings.
    taken: FxHashSet<Box<[u8]>>,
    /// Count of each pair that is in the heap. Never iterated over, so its order does not matter.
    counts: FxHashMap<u64, u64>,
    /// Occurrence lists.
    lists: Vec<Vec<u32>>,
    heap: BinaryHeap<HeapEntry>,
    left: Neighbours,
    right: Neighbours,
    occurrences: Vec<MergedOccurrence>,
    learned: Learned,
}

fn pair_key(left: u32, right: u32) -> u64 {
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
            heap: BinaryHeap::new(),
            left: Neighbours::default(),
            right: Neighbours::default(),
            occurrences: Vec::new(),
            learned,
        }
    }

    /// Do the limits on length and characters allow that the pair becomes a token?
    fn allows(&self, left: u32, right: u32) -> bool {
        let (l, r) = (left as usize, right as usize);
        let length = self.strings[l].len() + self.strings[r].len();
        let short = length == 2 || self.limits.max_token_length.is_none_or(|max| length < max as usize);
        short && (!self.limits.whole_characters || self.shape[l].join(self.shape[r]).is_some())
    }

    /// Counts all pairs of the array and makes the occurrence lists of those that reach the floor.
    fn index_pairs(&mut self) {
        self.counts.clear();
        self.lists.clear();
        self.heap.clear();
        let mut slot: FxHashMap<u64, u32> = FxHashMap::default();
        let mut dense = vec![NO_LIST; DENSE * DENSE];
        let mut found: Vec<(u64, u64, u32)> = Vec::new();
        self.for_each_pair(|left, right, weight, _| {
            let slot = slot_of(&mut dense, &mut slot, left, right);
            if *slot == NO_LIST {
                *slot = found.len() as u32;
                found.push((pair_key(left, right), 0, 0));
            }
            let pair = &mut found[*slot as usize];
            (pair.1, pair.2) = (pair.1 + weight, pair.2 + 1);
        });
        let mut list_of = Vec::with_capacity(found.len());
        for &(pair, count, occurrences) in &found {
            let ((left, right), n) = (((pair >> 32) as u32, pair as u32), occurrences);
            list_of.push(self.add_pair(left, right, count, n));
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

    /// Calls `visit(left, right, weight, position)` with every pair of neighbours in the array.
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

    /// Adds a new pair to the table and the heap if it is allowed and frequent enough; gives its occurrence list.
    fn add_pair(&mut self, left: u32, right: u32, count: u64, occurrences: u32) -> u32 {
        if count < self.floor || !self.allows(left, right) {
            return NO_LIST;
        }
        let list = self.lists.len() as u32;
        self.lists.push(Vec::with_capacity(occurrences as usize));
        self.counts.insert(pair_key(left, right), count);
        self.heap.push((count, Reverse(pair_key(left, right)), list));
        list
    }

    /// Merges pairs until there are enough merges or no pair reaches the floor.
    fn run(&mut self) {
        while self.learned.merges.len() < self.limits.merges {
            let Some((count, Reverse(pair), list)) = self.heap.pop() else { return };
            let now = self.counts.get(&pair).copied().unwrap_or(0);
            if now < self.floor {
                self.remove_pair(pair, list);
            } else if now < count {
                self.heap.push((now, Reverse(pair), list));
            } else {
                self.counts.remove(&pair);
                let positions = std::mem::take(&mut self.lists[list as usize]);
                self.merge((pair >> 32) as u32, pair as u32, count, &positions);
            }
        }
    }

    fn remove_pair(&mut self, pair: u64, list: u32) {
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
        // The default is never used: shapes are only read under the rule of whole characters, which allowed this merge.
        self.shape.push(self.shape[l].join(self.shape[r]).unwrap_or(Shape::Whole));
        self.strings.push(string);
        self.learned.merges.push(Merge { left, right, count });
        self.left.grow(self.length.len());
        self.right.grow(self.length.len());
        self.rewrite(left, right, new, positions);
        self.update_pairs(left, right, new);
    }

    /// Writes the new symbol over every occurrence, from left to right, and sums the changes by neighbour.
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
                self.occurrences.push(MergedOccurrence { position, left: before, right: after });
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

    /// Updates the counts of the pairs around each merged occurrence, and adds the pairs of the new symbol.
    fn update_pairs(&mut self, left: u32, right: u32, new: u32) {
        let (mut before, mut after) = (std::mem::take(&mut self.left), std::mem::take(&mut self.right));
        for &neighbour in &before.touched {
            self.decrease(pair_key(neighbour, left), before.weight[neighbour as usize]);
        }
        for &neighbour in &after.touched {
            self.decrease(pair_key(right, neighbour), after.weight[neighbour as usize]);
        }
        for &neighbour in &after.touched {
            let i = neighbour as usize;
            // In `xyxy` the first merged occurrence has x on its right, but the second one merges that x too.
            let merged_too = if neighbour == left { before.weight[new as usize] } else { 0 };
            after.list[i] = self.add_pair(new, neighbour, after.weight[i] - merged_too, after.occurrences[i]);
        }
        for &neighbour in &before.touched {
            let i = neighbour as usize;
            before.list[i] = self.add_pair(neighbour, new, before.weight[i], before.occurrences[i]);
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
        sparse.entry(pair_key(left, right)).or_insert(NO_LIST)
    }
}

#[cfg(test)]
mod tests;
