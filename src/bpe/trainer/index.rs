//! Counts all pairs of the array and makes the occurrence lists of those that reach the floor.

use std::cmp::Reverse;
use std::sync::Mutex;

use rustc_hash::FxHashMap;

use super::Trainer;
use crate::bpe::flat_corpus::{FlatCorpus, NO_TOKEN};
use crate::bpe::trainer::pair::{NO_LIST, SIDE_BY_SIDE, pair_key};

/// Pairs of symbols below this number are counted in a plain table, all others in a hash table.
const DENSE: usize = 256;

/// Slots of the sums by which rare pairs are left out of a further scan.
const SUMS: usize = 1 << 20;

/// The slot of a pair.
#[inline]
fn sum_of(left: u32, right: u32) -> usize {
    (pair_key(left, right).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - SUMS.trailing_zeros())) as usize
}

/// The pairs of a part of the array, numbered as they are met.
struct Pairs {
    dense: Vec<u32>,
    sparse: FxHashMap<u64, u32>,
    /// Pair, count, number of positions.
    found: Vec<(u64, u64, u32)>,
}

impl Pairs {
    /// For an array of so many symbols: a short one is not worth the plain table.
    fn new(symbols: usize) -> Self {
        let dense = if symbols < DENSE { Vec::new() } else { vec![NO_LIST; DENSE * DENSE] };
        Self { dense, sparse: FxHashMap::default(), found: Vec::new() }
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
    let symbols = &corpus.symbols;
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
        let pairs = self.count_pairs(floor);
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
            if count >= self.floor && self.inside.is_open(number as u32) {
                positions[number].reserve_exact(places as usize);
                self.inside.held += places as usize;
            }
        }
        let (floor, counts) = (self.floor, &self.corpus.characters.counts);
        walk(
            &self.corpus,
            &self.length,
            0,
            self.corpus.symbols.len(),
            |left, right, position| {
                let list = pairs.find(left, right).map_or(NO_LIST, |number| list_of[number as usize]);
                if list != NO_LIST {
                    lists[list as usize].push(position);
                }
            },
            |symbol, position| {
                let number = (symbol & !NO_TOKEN) as usize;
                if counts.get(number).is_some_and(|&(count, _)| count >= floor) {
                    positions[number].push(position);
                }
            },
        );
        (self.lists, self.inside.positions) = (lists, positions);
    }

    /// Counts at least the pairs that reach the floor. Beyond the first symbols most pairs are rare: a scan before sums them up by
    /// slots, of several pairs each, and those of a slot below the floor take no memory afterwards.
    fn count_pairs(&self, floor: u64) -> Pairs {
        let (symbols, length) = (&self.corpus.symbols, &self.length);
        let mut sums: Vec<u64> = Vec::new();
        if symbols.len() >= SUMS && floor > 1 && length.len() > DENSE {
            sums = vec![0; SUMS];
            let add = |left, right, position| sums[sum_of(left, right)] += self.corpus.weights.of(position);
            walk(&self.corpus, length, 0, symbols.len(), add, |_, _| {});
        }
        let reaches = |left, right| sums.get(sum_of(left, right)).is_none_or(|&sum| sum >= floor);
        let n = if self.corpus.symbols.len() >= SIDE_BY_SIDE { self.crew.threads().max(1) } else { 1 };
        let borders = self.corpus.borders(n);
        let parts: Vec<Mutex<Pairs>> = (0..n).map(|_| Mutex::new(Pairs::new(self.corpus.symbols.len()))).collect();
        self.crew.side_by_side(n, &|i| {
            if let Ok(mut pairs) = parts[i].lock() {
                let add = |left, right, position| {
                    if reaches(left, right) {
                        pairs.add(left, right, self.corpus.weights.of(position), 1);
                    }
                };
                walk(&self.corpus, &self.length, borders[i], borders[i + 1], add, |_, _| {});
            }
        });
        let mut parts = parts.into_iter().filter_map(|part| part.into_inner().ok());
        let mut all = parts.next().unwrap_or_else(|| Pairs::new(0));
        for part in parts {
            part.found.into_iter().for_each(|(pair, count, positions)| all.add((pair >> 32) as u32, pair as u32, count, positions));
        }
        all
    }

    /// The floor, or the lowest above it at which the lists take no more than three quarters of the memory; never above the most
    /// frequent pair, so that there is a merge in any case.
    fn affordable(&self, floor: u64, pairs: &[(u64, u64, u32)], inside: &[(u64, u64)]) -> u64 {
        let most = self.crew.memory() / size_of::<u32>() / 4 * 3;
        let characters = &self.corpus.characters.counts;
        let places = pairs.iter().map(|pair| pair.2 as usize).chain(characters.iter().map(|character| character.1 as usize));
        if places.sum::<usize>() <= most {
            return floor;
        }
        let allowed = |pair: u64| self.allows((pair >> 32) as u32, pair as u32);
        let inside = inside.iter().filter(|pair| allowed(pair.0)).map(|pair| pair.1);
        let mut all: Vec<(u64, usize)> = pairs.iter().filter(|pair| allowed(pair.0)).map(|pair| (pair.1, pair.2 as usize)).collect();
        let top = inside.chain(all.iter().map(|pair| pair.0)).max().unwrap_or(0);
        let open = characters.iter().enumerate().filter(|(number, _)| self.inside.is_open(*number as u32));
        all.extend(open.map(|(_, character)| (character.0, character.1 as usize)));
        all.sort_unstable_by_key(|&(count, _)| Reverse(count));
        let mut sum = 0;
        let beyond = all.iter().find(|(_, places)| {
            sum += places;
            sum > most
        });
        beyond.map_or(floor, |&(count, _)| floor.max((count + 1).min(top)))
    }
}
