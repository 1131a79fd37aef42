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
//! Where cells are characters, the pairs inside a character are counted by characters (`characters.rs`). The merge that makes the
//! character a token writes it into the array, wherever it occurs, and only then it has pairs with its neighbours.
//!
//! The count of a pair is largest when the pair comes into being and only falls afterwards. So a pair below a count floor needs
//! no occurrence list and no entry in the heap until the heap is empty: then the floor is lowered and the array is scanned again.
//! The floor rises where the lists would need more memory than there is. The merges do not depend on it.
//!
//! A list has an upper length, too: a pair in more places has none. When it is merged, the array is gone through instead. So memory is
//! bounded whatever the text, and the array itself may lie in a file (`crew.rs`).
//!
//! Long lists are worked on in parts of the array that end between pre-tokens, side by side.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::bpe::byte_level::BYTE_ORDER;
use crate::bpe::crew::{Alone, Crew};
use crate::bpe::flat_corpus::{FlatCorpus, NO_TOKEN};
use crate::bpe::merge::{Learned, Limits, Merge, PassedOver, Untrainable};
use crate::bpe::shape::Shape;

mod characters;
mod index;
mod pair;
mod rewrite;

use self::characters::Inside;
use self::pair::{EVERYWHERE, INSIDE, NO_LIST, is_list, pair_key};
use self::rewrite::{Change, Part, Places, fill, fill_from, rewrite};

/// Arrays longer than this start with the floor [`HIGH_FLOOR`], which halves memory and time on text without word boundaries.
const LONG: usize = 1 << 22;
/// The first floor for long arrays.
const HIGH_FLOOR: u64 = 8;
/// Bytes that a pair takes beside its list: in the heap, in the table of counts and in the table of lists, with what they have to spare.
const PAIR_BYTES: usize = 112;
/// The share of the memory that one list may take.
const LONGEST_SHARE: usize = 32;
/// Positions that a list may have, whatever the memory.
const LONGEST_MIN: usize = 4;
/// So many lists may be gone before their places are given up.
const LISTS_SPARED: usize = 1 << 16;
/// Bytes that a merged occurrence takes, with what its list has to spare.
const OCCURRENCE_BYTES: usize = 24;
/// The caller is told after so many merges.
const TELL_EVERY: usize = 64;

/// Learns merges from pre-tokens with counts, on one thread.
///
/// # Errors
/// Those of [`learn`] and of the array of symbols.
pub fn train(pre_tokens: &[(&[u8], u64)], limits: &Limits) -> Result<Learned, Untrainable> {
    learn(FlatCorpus::of(pre_tokens.iter().copied(), limits.whole_characters)?, Learned::default(), limits, &Alone)
}

/// Learns merges from `corpus`, after those of `learned` if its symbols are tokens made by them; `limits.merges` is the number of all
/// merges in the end.
///
/// # Errors
/// [`Untrainable::Stopped`] if the caller wanted to stop.
pub fn learn(corpus: FlatCorpus, learned: Learned, limits: &Limits, crew: &dyn Crew) -> Result<Learned, Untrainable> {
    let floor = if corpus.symbols.len() > LONG { HIGH_FLOOR } else { 1 };
    learn_from(corpus, learned, limits, crew, floor)
}

fn learn_from(corpus: FlatCorpus, learned: Learned, limits: &Limits, crew: &dyn Crew, floor: u64) -> Result<Learned, Untrainable> {
    let lowest = limits.min_frequency.max(1);
    if learned.merges.len() >= limits.merges {
        return Ok(Learned { floor: learned.floor.max(lowest), ..learned });
    }
    let mut trainer = Trainer::new(corpus, learned, limits, crew);
    let mut floor = floor.max(lowest);
    loop {
        trainer.index_pairs(floor);
        trainer.run()?;
        if trainer.learned.merges.len() >= limits.merges || trainer.floor == lowest {
            trainer.learned.floor = trainer.floor;
            return Ok(trainer.learned);
        }
        floor = (trainer.floor / 4).max(lowest);
        trainer.learned.rescans += 1;
    }
}

/// A pair in the heap: count, pair, occurrence list. The largest count comes first, then the smallest (left, right).
type HeapEntry = (u64, Reverse<u64>, u32);

struct Trainer<'a> {
    limits: &'a Limits,
    crew: &'a dyn Crew,
    corpus: FlatCorpus,
    inside: Inside,
    floor: u64,
    /// How many cells each token covers; the symbols that the array starts with cover one.
    length: Vec<u32>,
    shape: Vec<Shape>,
    /// The bytes of each token.
    strings: Vec<Box<[u8]>>,
    /// All of these and the reserved strings.
    taken: FxHashSet<Box<[u8]>>,
    /// Pairs that were passed over, because their strings are taken.
    passed_over: FxHashSet<u64>,
    /// Count of each pair that is in the heap. Never iterated over, so its order does not matter.
    counts: FxHashMap<u64, u64>,
    /// Occurrence lists.
    lists: Vec<Vec<u32>>,
    /// Positions in all lists.
    held: usize,
    /// A list is not longer: pairs and characters in more places are looked for in the whole array.
    longest_list: usize,
    heap: BinaryHeap<HeapEntry>,
    /// What the parts of a merge find; where it is not divided, the first alone.
    parts: Vec<Part>,
    learned: Learned,
}

impl<'a> Trainer<'a> {
    fn new(corpus: FlatCorpus, learned: Learned, limits: &'a Limits, crew: &'a dyn Crew) -> Self {
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
            crew,
            inside: Inside::new(&corpus.characters),
            corpus,
            floor: 1,
            length: vec![1; strings.len()],
            shape,
            strings,
            taken,
            passed_over: learned.passed_over.iter().map(|pair| pair_key(pair.left, pair.right)).collect(),
            counts: FxHashMap::default(),
            lists: Vec::new(),
            held: 0,
            longest_list: (crew.memory() / LONGEST_SHARE / size_of::<u32>()).max(LONGEST_MIN),
            heap: BinaryHeap::new(),
            parts: Vec::new(),
            learned,
        }
    }

    /// Do the limits on length and characters allow that the pair becomes a token?
    fn allows(&self, left: u32, right: u32) -> bool {
        let (l, r) = (left as usize, right as usize);
        let length = self.strings[l].len() + self.strings[r].len();
        let short = length == 2 || self.limits.max_token_length.is_none_or(|max| length < max as usize);
        short
            && !self.passed_over.contains(&pair_key(left, right))
            && (!self.limits.whole_characters || self.shape[l].join(self.shape[r]).is_some())
    }

    /// Adds a new pair to the table and the heap if it is allowed and frequent enough; gives its occurrence list.
    fn add_pair(&mut self, left: u32, right: u32, count: u64, occurrences: u32) -> u32 {
        if count < self.floor || !self.allows(left, right) {
            return NO_LIST;
        }
        let list = if occurrences as usize > self.longest_list { EVERYWHERE } else { self.lists.len() as u32 };
        if is_list(list) {
            self.lists.push(Vec::with_capacity(occurrences as usize));
            self.held += occurrences as usize;
        }
        self.counts.insert(pair_key(left, right), count);
        self.heap.push((count, Reverse(pair_key(left, right)), list));
        list
    }

    /// Adds a pair inside characters to the heap if it is allowed and frequent enough.
    fn add_pair_inside(&mut self, pair: u64) {
        let count = self.inside.count(pair);
        if count >= self.floor && self.allows((pair >> 32) as u32, pair as u32) {
            self.heap.push((count, Reverse(pair), INSIDE));
        }
    }

    /// Writes the new symbol over every occurrence, from left to right, and sums the changes by neighbour in the first part.
    fn rewrite(&mut self, change: &Change, new: u32, places: Places<'_>) {
        rewrite(&mut self.corpus, &mut self.parts, (change, new), places, &self.length, self.crew);
    }

    fn take_list(&mut self, list: u32) -> Vec<u32> {
        if !is_list(list) {
            return Vec::new();
        }
        let positions = std::mem::take(&mut self.lists[list as usize]);
        self.held -= positions.capacity();
        positions
    }

    /// Merges pairs until there are enough merges or no pair reaches the floor.
    fn run(&mut self) -> Result<(), Untrainable> {
        while self.learned.merges.len() < self.limits.merges {
            let Some((count, Reverse(pair), list)) = self.heap.pop() else { return Ok(()) };
            let now = if list == INSIDE { self.inside.count(pair) } else { self.counts.get(&pair).copied().unwrap_or(0) };
            if now < self.floor {
                self.forget(pair, list);
            } else if now < count {
                self.heap.push((now, Reverse(pair), list));
            } else {
                self.merge(pair, count, list);
                let is_told = self.learned.merges.len().is_multiple_of(TELL_EVERY);
                if is_told && !self.crew.learned(&self.learned, self.strings.last().map_or(&[], |s| s)) {
                    return Err(Untrainable::Stopped);
                }
                self.keep_to_memory();
            }
        }
        Ok(())
    }

    /// Removes a pair that is no longer in the heap.
    fn forget(&mut self, pair: u64, list: u32) {
        if list != INSIDE {
            self.counts.remove(&pair);
            self.take_list(list);
        }
    }

    fn merge(&mut self, pair: u64, count: u64, list: u32) {
        let (left, right) = ((pair >> 32) as u32, pair as u32);
        let (l, r) = (left as usize, right as usize);
        if list != INSIDE {
            self.counts.remove(&pair);
        }
        let positions = self.take_list(list);
        let string: Box<[u8]> = [&*self.strings[l], &*self.strings[r]].concat().into();
        if !self.taken.insert(string.clone()) {
            self.learned.passed_over.push(PassedOver { before: self.learned.merges.len(), left, right });
            self.passed_over.insert(pair);
            return;
        }
        let new = self.length.len() as u32;
        self.length.push(if list == INSIDE { 1 } else { self.length[l] + self.length[r] });
        // The default is never used: shapes are only read under the rule of whole characters, which allowed this merge.
        self.shape.push(self.shape[l].join(self.shape[r]).unwrap_or(Shape::Whole));
        self.strings.push(string);
        self.learned.merges.push(Merge { left, right, count });
        if list == INSIDE {
            let (whole, made) = self.inside.merge(left, right, new, &self.corpus.characters);
            for pair in made {
                self.add_pair_inside(pair);
            }
            if let Some(character) = whole {
                let positions = self.inside.take_positions(character);
                let is_listed = self.is_listed(character);
                self.rewrite(&Change::Character(NO_TOKEN | character), new, if is_listed { Places::At(&positions) } else { Places::All });
                self.add_pairs(new, None, is_listed);
            }
        } else {
            let places = if is_list(list) { Places::At(&positions) } else { Places::All };
            self.rewrite(&Change::Tokens([left, right], [self.length[l], self.length[r]]), new, places);
            self.subtract(left, right);
            self.add_pairs(new, Some(left), is_list(list));
        }
    }

    /// Takes the merged occurrences from the counts of the pairs that they were in.
    fn subtract(&mut self, left: u32, right: u32) {
        let Self { parts, counts, .. } = self;
        let mut decrease = |pair: u64, weight: u64| {
            if let Some(count) = counts.get_mut(&pair) {
                *count = count.saturating_sub(weight);
            }
        };
        let Some(part) = parts.first() else { return };
        part.before.touched.iter().for_each(|&neighbour| decrease(pair_key(neighbour, left), part.before.weight[neighbour as usize]));
        part.after.touched.iter().for_each(|&neighbour| decrease(pair_key(right, neighbour), part.after.weight[neighbour as usize]));
    }

    /// Do few places hold the character, so that they are listed?
    fn is_listed(&self, character: u32) -> bool {
        self.corpus.characters.counts.get(character as usize).is_some_and(|&(_, places)| places as usize <= self.longest_list)
    }

    /// Adds the pairs of the new symbol; `left` is the token on the left of the merged pair. Where its places were not listed, the array is
    /// gone through for those of the new pairs.
    fn add_pairs(&mut self, new: u32, left: Option<u32>, is_listed: bool) {
        let mut parts = std::mem::take(&mut self.parts);
        let Some(first) = parts.first_mut() else { return };
        let start = self.lists.len();
        for &neighbour in &first.after.touched {
            let i = neighbour as usize;
            // In `xyxy` the first merged occurrence has x on its right, but the second one merges that x too.
            let merged_too = if Some(neighbour) == left { first.before.weight[new as usize] } else { 0 };
            first.after.list[i] = self.add_pair(new, neighbour, first.after.weight[i] - merged_too, first.after.occurrences[i]);
        }
        let middle = self.lists.len();
        for &neighbour in &first.before.touched {
            let i = neighbour as usize;
            first.before.list[i] = self.add_pair(neighbour, new, first.before.weight[i], first.before.occurrences[i]);
        }
        let (after, before) = self.lists[start..].split_at_mut(middle - start);
        let (after, before) = ((after, start), (before, middle));
        if is_listed {
            fill(&parts, after, before, &self.length, self.crew);
        } else {
            fill_from(&self.corpus, &parts[0], new, after, before, &self.length);
        }
        parts.iter_mut().for_each(Part::clear);
        self.parts = parts;
    }

    /// Bytes of the pairs in the heap, their lists and the positions of characters.
    fn bytes(&self) -> usize {
        (self.held + self.inside.held) * size_of::<u32>() + self.heap.len() * PAIR_BYTES
    }

    /// Raises the floor where pairs and lists take more than there is memory for, but not above the most frequent pair.
    fn keep_to_memory(&mut self) {
        let merged = self.parts.iter().map(Part::occurrences).sum::<usize>() * OCCURRENCE_BYTES;
        let most = self.crew.memory().saturating_sub(merged);
        if self.bytes() > most {
            let least = most / 4 * 3;
            while self.bytes() > least {
                let Some(&(top, ..)) = self.heap.peek() else { return };
                let floor = self.floor.saturating_mul(2).min(top);
                if floor == self.floor {
                    break;
                }
                self.raise(floor);
            }
        }
        if self.lists.len() > 2 * self.heap.len() + LISTS_SPARED {
            self.close_up();
        }
    }

    fn raise(&mut self, floor: u64) {
        self.floor = floor;
        let mut entries = std::mem::take(&mut self.heap).into_vec();
        let low = entries.extract_if(.., |entry| entry.0 < floor).collect::<Vec<_>>();
        self.heap = entries.into();
        for (_, Reverse(pair), list) in low {
            self.forget(pair, list);
        }
        self.inside.forget_below(floor, &self.corpus.characters);
    }

    /// Gives up the places of the lists that are gone.
    fn close_up(&mut self) {
        let mut entries = std::mem::take(&mut self.heap).into_vec();
        let mut lists = Vec::with_capacity(entries.len());
        for (.., list) in entries.iter_mut().filter(|entry| is_list(entry.2)) {
            lists.push(std::mem::take(&mut self.lists[*list as usize]));
            *list = lists.len() as u32 - 1;
        }
        (self.heap, self.lists) = (entries.into(), lists);
        self.counts.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests;
