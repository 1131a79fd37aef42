//! Replays merges over samples of several kinds of text, and notes how the counts of pairs change.
//!
//! The samples lie in one array of cells, as in a training (`flat_corpus.rs`): a token that covers several cells has its id in the first and in
//! the last of them. Which pairs are merged is known beforehand, so only these have lists of the places where they begin. The trainer's own
//! array is of no use here: it knows one count for a pre-token, and it merges the most frequent pair, whatever the list says.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::bpe::class::is_inside_character;
use crate::bpe::mixture::history::{Change, History, Pair};
use crate::bpe::vocabulary::{Alphabet, Tokenizer};

/// Stands between two pre-tokens, and for what has no token.
const NOTHING: u32 = u32::MAX;
/// Stands where a token began or ended before it was merged.
const STALE: u32 = u32::MAX - 1;
/// Cells are numbered by 32 bits.
const CELLS_MAX: usize = 1 << 31;

/// Samples of text as pre-tokens with counts: columns, one a sample.
#[derive(Debug)]
pub struct Samples<'t> {
    tokenizer: &'t Tokenizer,
    base: Base,
    cells: Vec<u32>,
    /// First cell, column and count of each run of pre-tokens with the same count.
    groups: Vec<(u32, u16, u64)>,
    bytes: Vec<u64>,
}

/// The token that a text starts from, for each byte or character.
#[derive(Debug)]
enum Base {
    Bytes(Box<[u32; 256]>),
    Characters(FxHashMap<char, u32>),
}

impl Base {
    fn of(tokenizer: &Tokenizer) -> Self {
        let ordinary = (0..tokenizer.len() as u32).filter(|&id| !tokenizer.is_special(id));
        let tokens = ordinary.filter_map(|id| Some((id, tokenizer.token(id)?)));
        if tokenizer.alphabet() == Alphabet::Bytes {
            let mut bytes = Box::new([NOTHING; 256]);
            tokens.for_each(|(id, token)| {
                if let [byte] = token {
                    bytes[usize::from(*byte)] = id;
                }
            });
            return Self::Bytes(bytes);
        }
        Self::Characters(tokens.filter_map(|(id, token)| Some((single_character(token)?, id))).collect())
    }
}

fn single_character(token: &[u8]) -> Option<char> {
    let mut characters = std::str::from_utf8(token).ok()?.chars();
    characters.next().filter(|_| characters.next().is_none())
}

/// The samples are longer than cells can be numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl<'t> Samples<'t> {
    /// No text yet.
    pub fn new(tokenizer: &'t Tokenizer) -> Self {
        Self { tokenizer, base: Base::of(tokenizer), cells: vec![NOTHING], groups: Vec::new(), bytes: Vec::new() }
    }

    /// Adds a column: the pre-tokens of a sample with their counts, best those of equal counts behind each other.
    ///
    /// # Errors
    /// [`TooLong`]
    pub fn push<'p>(&mut self, pre_tokens: impl Iterator<Item = (&'p [u8], u64)>) -> Result<(), TooLong> {
        let column = self.bytes.len() as u16;
        let mut bytes = 0_u64;
        for (pre_token, count) in pre_tokens {
            bytes = bytes.saturating_add(count.saturating_mul(pre_token.len() as u64));
            if self.cells.len() + pre_token.len() + 1 >= CELLS_MAX {
                return Err(TooLong);
            }
            if pre_token.len() < 2 || count == 0 {
                continue;
            }
            if self.groups.last().is_none_or(|group| (group.1, group.2) != (column, count)) {
                self.groups.push((self.cells.len() as u32, column, count));
            }
            match &self.base {
                Base::Bytes(base) => self.cells.extend(pre_token.iter().map(|&byte| base[usize::from(byte)])),
                Base::Characters(base) => {
                    let text = String::from_utf8_lossy(pre_token);
                    self.cells.extend(text.chars().map(|c| base.get(&c).copied().unwrap_or(NOTHING)));
                }
            }
            self.cells.push(NOTHING);
        }
        self.bytes.push(bytes);
        Ok(())
    }

    /// Replays the first `merges` merges. Pairs that begin with fewer occurrences than `floor`, in all samples together, are not followed, unless
    /// they are merged: the count of a pair is largest when the pair comes into being.
    pub fn replay(self, merges: usize, floor: u64) -> Replayed {
        let merges = merges.min(self.tokenizer.rules().len());
        let mut replay = Replay::new(self, merges, floor);
        replay.count();
        for step in 0..merges {
            replay.history.ends.push(replay.history.changes.len());
            replay.merge(step);
        }
        Replayed { history: replay.history }
    }
}

/// What a replay found.
#[derive(Debug)]
pub struct Replayed {
    pub(crate) history: History,
}

struct Replay<'t> {
    samples: Samples<'t>,
    floor: u64,
    /// Rank of the merge of a pair.
    ranks: FxHashMap<u64, u32>,
    /// Where the pair of each merge begins, or began.
    places: Vec<Vec<u32>>,
    /// Cells of each token.
    lengths: Vec<u32>,
    ids: FxHashMap<u64, u32>,
    competing: Competing<'t>,
    /// Changes of a step: pair, column, by how much.
    changed: Vec<(u64, u16, i64)>,
    history: History,
}

fn key(left: u32, right: u32) -> u64 {
    u64::from(left) << 32 | u64::from(right)
}

impl<'t> Replay<'t> {
    fn new(samples: Samples<'t>, merges: usize, floor: u64) -> Self {
        let tokenizer = samples.tokenizer;
        let rules = &tokenizer.rules()[..merges];
        let length = |id: u32| {
            let token = tokenizer.token(id).unwrap_or_default();
            match tokenizer.alphabet() {
                Alphabet::Bytes => token.len(),
                Alphabet::Characters => String::from_utf8_lossy(token).chars().count(),
            }
        };
        let lengths = (0..tokenizer.len() as u32).map(|id| length(id) as u32).collect();
        let ranks = rules.iter().enumerate().map(|(rank, rule)| (key(rule.left, rule.right), rank as u32)).collect();
        let history = History { columns: samples.bytes.len(), bytes: samples.bytes.clone(), ..History::default() };
        let competing = Competing::of(tokenizer);
        let mut replay = Self {
            samples,
            floor,
            ranks,
            places: vec![Vec::new(); merges],
            lengths,
            ids: FxHashMap::default(),
            competing,
            changed: Vec::new(),
            history,
        };
        for rule in rules {
            let id = replay.follow(rule.left, rule.right);
            replay.history.merged.push(id);
        }
        replay
    }

    /// The number of a pair that is followed from here on.
    fn follow(&mut self, left: u32, right: u32) -> u32 {
        let Self { ids, history, competing, .. } = self;
        *ids.entry(key(left, right)).or_insert_with(|| {
            history.pairs.push(Pair { left, right, until: competing.until(left, right) });
            history.pairs.len() as u32 - 1
        })
    }

    /// Counts the pairs before any merge.
    fn count(&mut self) {
        let mut counts: FxHashMap<(u64, u16), i64> = FxHashMap::default();
        let Samples { cells, groups, .. } = &self.samples;
        for (at, &(start, column, count)) in groups.iter().enumerate() {
            let end = groups.get(at + 1).map_or(cells.len() as u32, |next| next.0);
            for place in start..end - 1 {
                let (left, right) = (cells[place as usize], cells[place as usize + 1]);
                if left == NOTHING || right == NOTHING {
                    continue;
                }
                *counts.entry((key(left, right), column)).or_default() += count as i64;
                if let Some(&rank) = self.ranks.get(&key(left, right)) {
                    self.places[rank as usize].push(place);
                }
            }
        }
        self.changed = counts.into_iter().map(|((pair, column), by)| (pair, column, by)).collect();
        self.note();
    }

    /// Merges the pair of a step wherever it stands.
    fn merge(&mut self, step: usize) {
        let rule = self.samples.tokenizer.rules()[step];
        let mut places = std::mem::take(&mut self.places[step]);
        places.sort_unstable();
        places.dedup();
        let (left, right) = (self.lengths[rule.left as usize], self.lengths[rule.right as usize]);
        for place in places {
            let second = place + left;
            let cells = &mut self.samples.cells;
            if cells[place as usize] != rule.left || cells.get(second as usize) != Some(&rule.right) {
                continue;
            }
            let end = second + right;
            let (before, behind) = (cells[place as usize - 1], cells[end as usize]);
            cells[second as usize - 1] = STALE;
            cells[second as usize] = STALE;
            cells[place as usize] = rule.result;
            cells[end as usize - 1] = rule.result;
            let group = self.samples.groups.partition_point(|group| group.0 <= place) - 1;
            let (_, column, count) = self.samples.groups[group];
            let count = count as i64;
            self.changed.push((key(rule.left, rule.right), column, -count));
            if before != NOTHING {
                self.changed.push((key(before, rule.left), column, -count));
                self.appears(key(before, rule.result), place - self.lengths[before as usize], column, count, step);
            }
            if behind != NOTHING {
                self.changed.push((key(rule.right, behind), column, -count));
                self.appears(key(rule.result, behind), place, column, count, step);
            }
        }
        self.note();
    }

    fn appears(&mut self, pair: u64, place: u32, column: u16, count: i64, step: usize) {
        self.changed.push((pair, column, count));
        if let Some(&rank) = self.ranks.get(&pair)
            && rank as usize > step
        {
            self.places[rank as usize].push(place);
        }
    }

    /// Adds up the changes of a step, and notes those of the pairs that are followed.
    fn note(&mut self) {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        let mut summed: Vec<(u16, i64)> = Vec::new();
        for of_pair in changed.chunk_by(|a, b| a.0 == b.0) {
            summed.clear();
            for of_column in of_pair.chunk_by(|a, b| a.1 == b.1) {
                let by: i64 = of_column.iter().map(|change| change.2).sum();
                if by != 0 {
                    summed.push((of_column[0].1, by));
                }
            }
            let pair = of_pair[0].0;
            let all: i64 = summed.iter().map(|change| change.1).sum();
            let id = match self.ids.get(&pair) {
                Some(&id) => id,
                None if all > 0 && all as u64 >= self.floor => self.follow((pair >> 32) as u32, pair as u32),
                None => continue,
            };
            self.history.changes.extend(summed.iter().map(|&(column, by)| Change { pair: id, column, by }));
        }
        changed.clear();
        self.changed = changed;
    }
}

/// Which pairs a training could have merged, as far as the vocabulary tells.
#[derive(Debug)]
struct Competing<'t> {
    tokenizer: &'t Tokenizer,
    /// The step that makes each string; 0 for what is there from the beginning.
    made: FxHashMap<&'t [u8], u32>,
    /// Is every token that is merged whole characters, or inside one? Then the training allowed no other.
    whole: bool,
    /// Bytes of the longest token that is merged: a training may have had a limit.
    longest: usize,
}

impl<'t> Competing<'t> {
    fn of(tokenizer: &'t Tokenizer) -> Self {
        let rules = tokenizer.rules();
        let token = |id: u32| tokenizer.token(id).unwrap_or_default();
        let mut made: FxHashMap<&[u8], u32> = FxHashMap::default();
        for (step, rule) in rules.iter().enumerate().rev() {
            made.insert(token(rule.result), step as u32 + 1);
        }
        let results: FxHashSet<u32> = rules.iter().map(|rule| rule.result).collect();
        let others = (0..tokenizer.len() as u32).filter(|id| !results.contains(id)).map(token);
        made.extend(others.map(|string| (string, 0)));
        let whole = rules.iter().all(|rule| is_whole(token(rule.result)));
        let longest = rules.iter().map(|rule| token(rule.result).len()).max().unwrap_or(0);
        Self { tokenizer, made, whole, longest }
    }

    fn until(&self, left: u32, right: u32) -> u32 {
        let string = [self.tokenizer.token(left).unwrap_or_default(), self.tokenizer.token(right).unwrap_or_default()].concat();
        if string.len() > self.longest || self.whole && !is_whole(&string) {
            return 0;
        }
        self.made.get(string.as_slice()).copied().unwrap_or(u32::MAX)
    }
}

fn is_whole(string: &[u8]) -> bool {
    std::str::from_utf8(string).is_ok() || is_inside_character(string)
}
