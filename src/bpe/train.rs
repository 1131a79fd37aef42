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

use super::byte_level::BYTE_ORDER;
use super::shape::Shape;

/// Enters fingerprints: raise it when another vocabulary is learned from the same counts.
pub const VERSION: u32 = 1;

/// Where a piece ends in the flat array.
const SEPARATOR: u32 = u32::MAX;
/// The former start of a token that was merged into the one before it.
const STALE: u32 = u32::MAX - 1;
/// No list of positions: the pair is below the floor or not allowed.
const NO_LIST: u32 = u32::MAX;
/// Symbols below this number may use the dense table of the first pair count.
const DENSE: usize = 256;
/// Positions looked at together: their loads do not wait for each other.
const CHUNK: usize = 64;
/// Arrays longer than this start with [`HIGH_FLOOR`]: half the memory and time on text without word boundaries.
const LONG: usize = 1 << 23;
const HIGH_FLOOR: u64 = 8;

/// What the trainer may learn.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Merges to learn at most.
    pub merges: usize,
    /// A pair seen less often is not merged; 0 means 1.
    pub min_frequency: u64,
    /// Tokens of two merged tokens stay shorter than this many bytes (pairs of two bytes are always allowed).
    pub max_token_length: Option<u32>,
    /// A token is a string of whole characters or lies inside one character.
    pub whole_characters: bool,
    /// Strings that must not become tokens (the special tokens).
    pub reserved: Vec<Vec<u8>>,
}

/// A learned merge: symbols 0–255 are the bytes in `BYTE_ORDER`, symbol 256 + i is the result of merge i.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merge {
    /// Left symbol.
    pub left: u32,
    /// Right symbol.
    pub right: u32,
    /// Occurrences of the pair when it was merged.
    pub count: u64,
}

/// What training gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    /// The merges, in order.
    pub merges: Vec<Merge>,
    /// Pairs passed over because their string is already a token or reserved.
    pub passed_over: u64,
    /// The count floor at the end: every merge's count is at least this, which certifies the list as exact.
    pub floor: u64,
    /// Times the array was scanned again with a lower floor.
    pub rescans: u32,
}

/// The pieces do not fit 32-bit positions, or their counts 64-bit sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

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
    let mut trainer = Trainer::new(Corpus::new(&sorted, symbol_of)?, learned, limits, floor.max(lowest));
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

/// The flat array of symbols and the weights of its positions.
struct Corpus {
    symbols: Vec<u32>,
    /// First position and count of each group of pieces of equal count, by falling count.
    groups: Vec<(u32, u64)>,
    /// First position of the last group.
    tail: u32,
}

impl Corpus {
    fn new<T: Copy>(sorted: &[(&[T], u64)], symbol_of: impl Fn(T) -> u32) -> Result<Self, TooLarge> {
        let length = 1 + sorted.iter().map(|(piece, _)| piece.len() + 1).sum::<usize>();
        let occurrences = sorted.iter().try_fold(0_u64, |sum, &(piece, count)| sum.checked_add(count.checked_mul(piece.len() as u64)?));
        if length >= STALE as usize || occurrences.is_none() {
            return Err(TooLarge);
        }
        let mut symbols = Vec::with_capacity(length);
        symbols.push(SEPARATOR);
        let mut groups: Vec<(u32, u64)> = Vec::new();
        for &(piece, count) in sorted {
            if groups.last().is_none_or(|group| group.1 != count) {
                groups.push((symbols.len() as u32, count));
            }
            symbols.extend(piece.iter().map(|&item| symbol_of(item)));
            symbols.push(SEPARATOR);
        }
        let tail = groups.last().map_or(0, |group| group.0);
        Ok(Self { symbols, groups, tail })
    }

    /// Count of the piece at a position.
    #[inline]
    fn weight(&self, position: u32) -> u64 {
        let group = if position >= self.tail { self.groups.len() } else { self.groups.partition_point(|group| group.0 <= position) };
        self.groups[group - 1].1
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
    corpus: Corpus,
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
    fn new(corpus: Corpus, learned: Learned, limits: &'a Limits, floor: u64) -> Self {
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
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::bpe::class::is_inside_character;

    /// Counts every pair of every piece anew for each merge.
    fn reference(pieces: &[(&[u8], u64)], limits: &Limits) -> Vec<Merge> {
        let symbol = |byte: &u8| BYTE_ORDER.iter().position(|other| other == byte).unwrap() as u32;
        let mut words: Vec<(Vec<u32>, u64)> = pieces.iter().map(|(piece, count)| (piece.iter().map(symbol).collect(), *count)).collect();
        let mut strings: Vec<Vec<u8>> = BYTE_ORDER.iter().map(|&byte| vec![byte]).collect();
        let mut merges = Vec::new();
        while merges.len() < limits.merges {
            let mut counts: BTreeMap<(u32, u32), u64> = BTreeMap::new();
            for (word, count) in &words {
                for pair in word.windows(2) {
                    *counts.entry((pair[0], pair[1])).or_default() += count;
                }
            }
            let string = |pair: (u32, u32)| [strings[pair.0 as usize].as_slice(), &strings[pair.1 as usize]].concat();
            counts.retain(|&pair, count| {
                let joined = string(pair);
                *count >= limits.min_frequency.max(1)
                    && (joined.len() == 2 || limits.max_token_length.is_none_or(|max| (joined.len() as u32) < max))
                    && (!limits.whole_characters || std::str::from_utf8(&joined).is_ok() || is_inside_character(&joined))
                    && !strings.contains(&joined)
                    && !limits.reserved.contains(&joined)
            });
            let Some((&pair, &count)) = counts.iter().max_by_key(|&(pair, count)| (count, Reverse(pair))) else { break };
            let new = strings.len() as u32;
            strings.push(string(pair));
            merges.push(Merge { left: pair.0, right: pair.1, count });
            for (word, _) in &mut words {
                let mut i = 0;
                while i + 1 < word.len() {
                    if (word[i], word[i + 1]) == pair {
                        word[i] = new;
                        word.remove(i + 1);
                    }
                    i += 1;
                }
            }
        }
        merges
    }

    fn histogram() -> impl Strategy<Value = Vec<(String, u64)>> {
        let piece = prop_oneof!["[ab]{1,10}", "[abcd]{1,8}", "a{1,12}", "[あいaé]{1,5}", "(ab|ba|aab){1,4}"];
        proptest::collection::btree_map(piece, 1_u64..4, 1..8).prop_map(|map| map.into_iter().collect())
    }

    fn limits() -> impl Strategy<Value = Limits> {
        let length = prop_oneof![3 => Just(None), 1 => (2_u32..8).prop_map(Some)];
        (1_usize..40, 0_u64..3, length, any::<bool>(), any::<bool>()).prop_map(
            |(merges, min_frequency, max_token_length, whole_characters, reserve)| Limits {
                merges,
                min_frequency,
                max_token_length,
                whole_characters,
                reserved: if reserve { vec![b"ab".to_vec()] } else { Vec::new() },
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn merges_equal_the_reference(histogram in histogram(), limits in limits(), floor in 1_u64..20) {
            let pieces: Vec<(&[u8], u64)> = histogram.iter().map(|(piece, count)| (piece.as_bytes(), *count)).collect();
            let expected = reference(&pieces, &limits);
            let learned = train(&pieces, &limits).unwrap();
            prop_assert_eq!(&learned.merges, &expected);
            // A high floor only costs scans.
            let from_above = train_from(&pieces, &limits, floor).unwrap();
            prop_assert_eq!(&from_above.merges, &expected);
            prop_assert!(from_above.merges.iter().all(|merge| merge.count >= from_above.floor));
        }
    }

    const ALL: Limits = Limits { merges: 100, min_frequency: 1, max_token_length: None, whole_characters: false, reserved: Vec::new() };

    proptest! {
        /// Stopping and going on, from the symbols that the first merges make, gives the same list.
        #[test]
        fn resuming_equals_one_run(histogram in histogram(), limits in limits(), share in 0.0..1.0_f64) {
            let pieces: Vec<(&[u8], u64)> = histogram.iter().map(|(piece, count)| (piece.as_bytes(), *count)).collect();
            let whole = train(&pieces, &limits).unwrap();
            let first = train(&pieces, &Limits { merges: (limits.merges as f64 * share) as usize, ..limits.clone() }).unwrap();
            let symbols: Vec<(Vec<u32>, u64)> = pieces.iter().map(|(piece, count)| (apply(piece, &first.merges), *count)).collect();
            let symbols: Vec<(&[u32], u64)> = symbols.iter().map(|(piece, count)| (piece.as_slice(), *count)).collect();
            prop_assert_eq!(resume(&symbols, first, &limits).unwrap().merges, whole.merges);
        }
    }

    fn apply(piece: &[u8], merges: &[Merge]) -> Vec<u32> {
        let mut word: Vec<u32> = piece.iter().map(|byte| BYTE_ORDER.iter().position(|other| other == byte).unwrap() as u32).collect();
        for (i, merge) in merges.iter().enumerate() {
            let mut at = 0;
            while at + 1 < word.len() {
                if (word[at], word[at + 1]) == (merge.left, merge.right) {
                    word[at] = 256 + i as u32;
                    word.remove(at + 1);
                }
                at += 1;
            }
        }
        word
    }

    #[test]
    fn a_low_pair_forces_a_rescan() {
        let learned = train_from(&[(b"ab", 30), (b"cd", 2)], &ALL, 16).unwrap();
        assert_eq!((learned.merges.len(), learned.rescans, learned.floor), (2, 2, 1));
    }

    #[test]
    fn equal_letters_merge_from_the_left() {
        let learned = train(&[(b"aaaaa", 1)], &ALL).unwrap();
        let a = BYTE_ORDER.iter().position(|&byte| byte == b'a').unwrap() as u32;
        let pairs: Vec<_> = learned.merges.iter().map(|merge| (merge.left, merge.right, merge.count)).collect();
        assert_eq!(pairs, [(a, a, 4), (256, a, 1), (256, 257, 1)]);
    }

    #[test]
    fn counts_beyond_64_bits_are_refused() {
        assert_eq!(train(&[(b"ab", u64::MAX)], &ALL), Err(TooLarge));
        assert_eq!(train(&[], &ALL).unwrap().merges, []);
    }
}
