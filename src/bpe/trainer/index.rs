//! Counts all pairs of the array and makes the occurrence lists of those that reach the floor.

use std::cmp::Reverse;
use std::sync::Mutex;
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering::Relaxed;

use rustc_hash::FxHashMap;

use super::{PAIR_BYTES, Trainer};
use crate::bpe::flat_corpus::{FlatCorpus, NO_TOKEN};
use crate::bpe::trainer::pair::{NO_LIST, SIDE_BY_SIDE, is_list, pair_key};

/// Pairs of symbols below this number are counted in a plain table, all others in a hash table.
const DENSE: usize = 256;

/// Bytes that a pair takes while it is counted: number, count and places, and its slot in a hash table that was doubled.
const COUNTED_BYTES: usize = 80;

/// So many pairs can be counted at the same time, whatever the memory.
const PAIRS_MIN: usize = 16;

/// Where there are too many pairs, they are counted in so many times as many rounds.
const MORE_ROUNDS: u64 = 4;

/// In so many rounds at most: then all are counted, whatever the memory.
const ROUNDS_MAX: u64 = 1 << 10;

/// Arrays from here on are summed up by slots before their pairs are counted. Tests sum up what they can.
const SUMMED: usize = if cfg!(test) { 16 } else { 1 << 20 };

/// Slots of such sums at least, and at most.
const SLOTS: [usize; 2] = [if cfg!(test) { 4 } else { 1 << 20 }, 1 << 30];

/// A number of a pair that tells nothing of its symbols.
#[inline]
fn mixed(left: u32, right: u32) -> u64 {
    pair_key(left, right).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Counts of pairs by slots, of several pairs each: no pair has a higher count than its slot. Where there are as many slots as memory allows,
/// nearly all rare pairs are known to be rare by their slots, and take no memory of their own. (A count-min sketch of one row, Cormode
/// and Muthukrishnan 2005, with counters that stop at their upper end, so that they depend on no order.)
#[derive(Default)]
struct Sums {
    slots: Vec<AtomicU16>,
    shift: u32,
}

impl Sums {
    fn of(trainer: &Trainer<'_>) -> Self {
        let (corpus, crew) = (&trainer.corpus, trainer.crew);
        let symbols = corpus.symbols.len();
        // A quarter of the memory; the pairs that are counted have the rest.
        let most = (crew.memory() / 4 / size_of::<u16>()).min(symbols).clamp(SLOTS[0], SLOTS[1]);
        let sums = Self { slots: (0..1_usize << most.ilog2()).map(|_| AtomicU16::new(0)).collect(), shift: u64::BITS - most.ilog2() };
        let n = if symbols >= SIDE_BY_SIDE { crew.threads().max(1) } else { 1 };
        let borders = corpus.borders(n);
        crew.side_by_side(n, &|i| {
            let add = |left, right, position| {
                let more = u16::try_from(corpus.weights.of(position)).unwrap_or(u16::MAX);
                let Some(slot) = sums.slots.get(sums.slot(left, right)) else { return };
                let seen = slot.load(Relaxed);
                if n == 1 {
                    slot.store(seen.saturating_add(more), Relaxed);
                } else if seen < u16::MAX {
                    slot.fetch_update(Relaxed, Relaxed, |sum| Some(sum.saturating_add(more))).ok();
                }
            };
            walk(corpus, &trainer.length, borders[i], borders[i + 1], add, |_, _| {});
        });
        sums
    }

    #[inline]
    fn slot(&self, left: u32, right: u32) -> usize {
        (mixed(left, right) >> self.shift) as usize
    }

    /// May the pair have been seen so often?
    #[inline]
    fn may_reach(&self, left: u32, right: u32, floor: u64) -> bool {
        let sum = self.slots.get(self.slot(left, right));
        sum.is_none_or(|sum| u64::from(sum.load(Relaxed)) >= floor.min(u64::from(u16::MAX)))
    }

    /// The floor, or the lowest above it at which `most` pairs are likely to be all that are counted: those that are as frequent, and rare ones
    /// in their slots. What the slots cannot tell is left to the rounds.
    fn floor_for(&self, most: usize, floor: u64) -> u64 {
        let mut slots_of = vec![0_usize; usize::from(u16::MAX) + 1];
        self.slots.iter().for_each(|sum| slots_of[usize::from(sum.load(Relaxed))] += 1);
        // Slots are drawn by chance, so that the share of empty ones tells how many pairs each of them has.
        let of_a_slot = (self.slots.len() as f64 / slots_of[0].max(1) as f64).ln();
        let affordable = (most as f64 / (1.0 + of_a_slot)) as usize;
        let mut full = 0;
        let highest = slots_of.iter().enumerate().rev().find(|&(_, slots)| {
            full += slots;
            full > affordable
        });
        highest.map_or(floor, |(sum, _)| floor.max(sum as u64 + 1).min(u64::from(u16::MAX)))
    }
}

/// A pair, its count, and the number of its positions.
type Counted = (u64, u64, u32);

/// The pairs of a part of the array, numbered as they are met.
struct Pairs {
    dense: Vec<u32>,
    sparse: FxHashMap<u64, u32>,
    found: Vec<Counted>,
}

impl Pairs {
    /// For an array of so many symbols: a short one is not worth the plain table.
    fn new(symbols: usize) -> Self {
        let dense = if symbols < DENSE { Vec::new() } else { vec![NO_LIST; DENSE * DENSE] };
        Self { dense, sparse: FxHashMap::default(), found: Vec::new() }
    }

    /// These pairs.
    fn of(found: Vec<Counted>, symbols: usize) -> Self {
        let mut pairs = Self::new(symbols);
        for (number, &(pair, ..)) in found.iter().enumerate() {
            *pairs.number((pair >> 32) as u32, pair as u32) = number as u32;
        }
        Self { found, ..pairs }
    }

    #[inline]
    fn number(&mut self, left: u32, right: u32) -> &mut u32 {
        if (left as usize) < DENSE && (right as usize) < DENSE && !self.dense.is_empty() {
            &mut self.dense[left as usize * DENSE + right as usize]
        } else {
            self.sparse.entry(pair_key(left, right)).or_insert(NO_LIST)
        }
    }

    #[inline]
    fn find(&self, left: u32, right: u32) -> Option<u32> {
        let number = if (left as usize) < DENSE && (right as usize) < DENSE && !self.dense.is_empty() {
            self.dense.get(left as usize * DENSE + right as usize)
        } else {
            self.sparse.get(&pair_key(left, right))
        };
        number.copied().filter(|&number| number != NO_LIST)
    }

    #[inline]
    fn add(&mut self, left: u32, right: u32, count: u64, positions: u32) {
        let next = self.found.len() as u32;
        let number = self.number(left, right);
        if *number == NO_LIST {
            *number = next;
        }
        match *number {
            number if number == next => self.found.push((pair_key(left, right), count, positions)),
            number => {
                let pair = &mut self.found[number as usize];
                (pair.1, pair.2) = (pair.1 + count, pair.2 + positions);
            }
        }
    }
}

/// Calls `pair(left, right, position)` with every pair of tokens that begins between two positions, which are separators, and
/// `character(symbol, position)` with every character that is none yet.
fn walk(
    corpus: &FlatCorpus,
    length: &[u32],
    from: usize,
    to: usize,
    mut pair: impl FnMut(u32, u32, u32),
    mut character: impl FnMut(u32, u32),
) {
    let symbols: &[u32] = &corpus.symbols;
    let mut at = from;
    while at < to {
        let left = symbols[at];
        if left >= NO_TOKEN {
            character(left, at as u32);
            at += 1;
            continue;
        }
        let next = at + length[left as usize] as usize;
        let right = symbols[next];
        if right < NO_TOKEN {
            pair(left, right, at as u32);
        }
        at = next;
    }
}

impl Trainer<'_> {
    /// Begins anew with a floor: the one given, or as much higher as memory asks for.
    pub(super) fn index_pairs(&mut self, floor: u64) {
        self.counts.clear();
        self.lists.clear();
        self.held = 0;
        self.heap.clear();
        self.inside.forget_below(u64::MAX, &self.corpus.characters);
        let (pairs, sums, floor) = self.count_pairs(floor);
        let inside = self.inside.pairs();
        self.floor = self.affordable(floor, &pairs.found, &inside);
        let mut list_of = Vec::with_capacity(pairs.found.len());
        for &(pair, count, positions) in &pairs.found {
            list_of.push(self.add_pair((pair >> 32) as u32, pair as u32, count, positions));
        }
        for (pair, _) in inside {
            self.add_pair_inside(pair);
        }
        let mut lists = std::mem::take(&mut self.lists);
        let mut positions = std::mem::take(&mut self.inside.positions);
        for (number, &(count, places)) in self.corpus.characters.counts.iter().enumerate() {
            if count >= self.floor && self.inside.is_open(number as u32) && self.is_listed(number as u32) {
                positions[number].reserve_exact(places as usize);
                self.inside.held += places as usize;
            }
        }
        let (floor, longest, counts) = (self.floor, self.longest_list, &self.corpus.characters.counts);
        walk(
            &self.corpus,
            &self.length,
            0,
            self.corpus.symbols.len(),
            |left, right, position| {
                let found = if sums.may_reach(left, right, floor) { pairs.find(left, right) } else { None };
                let list = found.map_or(NO_LIST, |number| list_of[number as usize]);
                if is_list(list) {
                    lists[list as usize].push(position);
                }
            },
            |symbol, position| {
                let number = (symbol & !NO_TOKEN) as usize;
                if counts.get(number).is_some_and(|&(count, places)| count >= floor && places as usize <= longest) {
                    positions[number].push(position);
                }
            },
        );
        (self.lists, self.inside.positions) = (lists, positions);
    }

    /// Counts the pairs that are allowed and reach the floor; gives the floor, which is higher where memory cannot hold so many. Beyond the
    /// first symbols most pairs are rare: a scan before sums them up by slots, and those of a slot below the floor take no memory
    /// afterwards. The others are counted in as many rounds as memory asks for, each of which counts its share of them.
    fn count_pairs(&self, floor: u64) -> (Pairs, Sums, u64) {
        let symbols = self.corpus.symbols.len();
        let is_summed = symbols >= SUMMED && floor > 1 && self.length.len() > DENSE;
        let sums = if is_summed { Sums::of(self) } else { Sums::default() };
        let likely = if is_summed { sums.floor_for(self.pairs_of_a_round() / 2, floor) } else { floor };
        if let Some((found, floor)) = self.count_in(1, likely, &sums).filter(|(found, _)| likely == floor || !found.is_empty()) {
            return (Pairs::of(found, symbols), sums, floor);
        }
        // There are more of them than a round holds, or none is so frequent.
        let mut rounds = if likely == floor { MORE_ROUNDS } else { 1 };
        loop {
            if let Some((found, floor)) = self.count_in(rounds, floor, &sums) {
                return (Pairs::of(found, symbols), sums, floor);
            }
            rounds *= MORE_ROUNDS;
        }
    }

    /// How many pairs can be counted at the same time.
    fn pairs_of_a_round(&self) -> usize {
        (self.crew.memory() / 4 * 3 / COUNTED_BYTES).max(PAIRS_MIN)
    }

    /// Counts in so many rounds; `None` if there are more pairs in one of them than memory holds.
    fn count_in(&self, rounds: u64, mut floor: u64, sums: &Sums) -> Option<(Vec<Counted>, u64)> {
        let most = self.pairs_of_a_round();
        let of_a_round = if rounds < ROUNDS_MAX { most } else { usize::MAX };
        let mut all: Vec<Counted> = Vec::new();
        for round in 0..rounds {
            // Turned round, a pair has another number: rounds and slots have nothing in common.
            let is_counted = |left, right| sums.may_reach(left, right, floor) && mixed(right, left) >> 54 & (rounds - 1) == round;
            let found = self.count_round(of_a_round, &is_counted)?;
            all.extend(found.into_iter().filter(|&(pair, count, _)| count >= floor && self.allows((pair >> 32) as u32, pair as u32)));
            let top = all.iter().map(|pair| pair.1).max().unwrap_or(0);
            while all.len() > most / 2 && floor < top {
                floor = floor.saturating_mul(2).min(top);
                all.retain(|pair| pair.1 >= floor);
            }
        }
        Some((all, floor))
    }

    /// Counts the pairs of a round, each thread those of a part of the array; `None` if there are more than `most`.
    fn count_round(&self, most: usize, is_counted: &(impl Fn(u32, u32) -> bool + Sync)) -> Option<Vec<Counted>> {
        let n = if self.corpus.symbols.len() >= SIDE_BY_SIDE { self.crew.threads().max(1) } else { 1 };
        let borders = self.corpus.borders(n);
        let share = (most / n).max(1);
        let parts: Vec<Mutex<Pairs>> = (0..n).map(|_| Mutex::new(Pairs::new(self.corpus.symbols.len()))).collect();
        self.crew.side_by_side(n, &|i| {
            if let Ok(mut pairs) = parts[i].lock() {
                let add = |left, right, position| {
                    // One more than there is room for tells that there are too many.
                    if pairs.found.len() <= share && is_counted(left, right) {
                        pairs.add(left, right, self.corpus.weights.of(position), 1);
                    }
                };
                walk(&self.corpus, &self.length, borders[i], borders[i + 1], add, |_, _| {});
            }
        });
        let mut parts = parts.into_iter().filter_map(|part| part.into_inner().ok()).collect::<Vec<_>>().into_iter();
        if parts.as_slice().iter().any(|part| part.found.len() > share) {
            return None;
        }
        let mut all = parts.next().unwrap_or_else(|| Pairs::new(0));
        for part in parts {
            part.found.into_iter().for_each(|(pair, count, positions)| all.add((pair >> 32) as u32, pair as u32, count, positions));
        }
        Some(all.found)
    }

    /// The floor, or the lowest above it at which pairs and lists take no more than three quarters of the memory; never above the most
    /// frequent pair, so that there is a merge in any case.
    fn affordable(&self, floor: u64, pairs: &[Counted], inside: &[(u64, u64)]) -> u64 {
        let most = self.crew.memory() / 4 * 3;
        let bytes = |places: u32| if places as usize <= self.longest_list { places as usize * size_of::<u32>() } else { 0 };
        let characters = self.corpus.characters.counts.iter().enumerate();
        let open = characters.filter(|(number, _)| self.inside.is_open(*number as u32)).map(|(_, &(count, places))| (count, bytes(places)));
        let mut all: Vec<(u64, usize)> = pairs.iter().map(|&(_, count, places)| (count, bytes(places) + PAIR_BYTES)).chain(open).collect();
        if all.iter().map(|entry| entry.1).sum::<usize>() <= most {
            return floor;
        }
        let inside = inside.iter().filter(|(pair, _)| self.allows((pair >> 32) as u32, *pair as u32)).map(|pair| pair.1);
        let top = inside.chain(pairs.iter().map(|pair| pair.1)).max().unwrap_or(0);
        all.sort_unstable_by_key(|&(count, _)| Reverse(count));
        let mut sum = 0;
        let beyond = all.iter().find(|(_, bytes)| {
            sum += bytes;
            sum > most
        });
        beyond.map_or(floor, |&(count, _)| floor.max((count + 1).min(top)))
    }
}
