//! Writes a new symbol over every occurrence of a pair, and sums what changes by neighbour.

use std::ops::Range;
use std::sync::Mutex;

use crate::bpe::crew::Crew;
use crate::bpe::flat_corpus::{FlatCorpus, NO_TOKEN, SEPARATOR, STALE, Weights};
use crate::bpe::trainer::pair::{NO_LIST, SIDE_BY_SIDE, is_list};

/// Positions that are read together, so that the processor can load them at the same time.
const CHUNK: usize = 64;

/// The neighbours on one side of the merged pair, and how often each of them stands there.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    /// By neighbour: the sum of the counts of the pre-tokens.
    pub(super) weight: Vec<u64>,
    /// By neighbour: the number of positions.
    pub(super) occurrences: Vec<u32>,
    /// By neighbour: the occurrence list of its pair with the new symbol.
    pub(super) list: Vec<u32>,
    /// The neighbours that occur.
    pub(super) touched: Vec<u32>,
}

impl Neighbours {
    fn grow(&mut self, length: usize) {
        self.weight.resize(length, 0);
        self.occurrences.resize(length, 0);
        self.list.resize(length, NO_LIST);
    }

    #[inline]
    fn add(&mut self, neighbour: u32, weight: u64, occurrences: u32) {
        let i = neighbour as usize;
        if self.occurrences[i] == 0 {
            self.touched.push(neighbour);
        }
        self.occurrences[i] += occurrences;
        self.weight[i] += weight;
    }

    fn add_all(&mut self, others: &Self) {
        for &neighbour in &others.touched {
            self.add(neighbour, others.weight[neighbour as usize], others.occurrences[neighbour as usize]);
        }
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
#[derive(Debug)]
struct MergedOccurrence {
    position: u32,
    left: u32,
    right: u32,
}

/// What a part of the array has of a merge.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) before: Neighbours,
    pub(super) after: Neighbours,
    occurrences: Vec<MergedOccurrence>,
}

impl Part {
    /// Merged occurrences that it has room for.
    pub(super) fn occurrences(&self) -> usize {
        self.occurrences.capacity()
    }

    /// Makes it ready for the next merge.
    pub(super) fn clear(&mut self) {
        self.before.clear();
        self.after.clear();
        self.occurrences.clear();
    }
}

/// What is written over.
pub(super) enum Change {
    /// Two tokens, and the cells that each covers.
    Tokens([u32; 2], [u32; 2]),
    /// The symbol of a character that becomes a token.
    Character(u32),
}

/// Where it is written.
#[derive(Clone, Copy)]
pub(super) enum Places<'p> {
    /// At these positions, as far as they still hold it.
    At(&'p [u32]),
    /// Wherever it stands: it stands in too many places for a list.
    All,
}

/// Writes the new symbol over every occurrence, from left to right, and sums the changes by neighbour in the first part.
pub(super) fn rewrite(
    corpus: &mut FlatCorpus,
    parts: &mut Vec<Part>,
    (change, new): (&Change, u32),
    places: Places<'_>,
    length: &[u32],
    crew: &dyn Crew,
) {
    let is_long = match places {
        Places::At(positions) => positions.len() >= SIDE_BY_SIDE,
        Places::All => corpus.symbols.len() >= SIDE_BY_SIDE,
    };
    let n = if is_long { crew.threads().max(1) } else { 1 };
    if parts.len() < n {
        parts.resize_with(n, Part::default);
    }
    for part in &mut parts[..n] {
        part.before.grow(new as usize + 1);
        part.after.grow(new as usize + 1);
    }
    if n == 1 {
        let whole = &mut Job { symbols: &mut corpus.symbols, base: 0, places, part: &mut parts[0] };
        whole.rewrite(change, new, length, &corpus.weights);
        return;
    }
    let borders = corpus.borders(n);
    let weights = &corpus.weights;
    let work: Vec<Mutex<Job<'_>>> = jobs(&mut corpus.symbols, places, &borders, parts);
    crew.side_by_side(n, &|i| {
        if let Ok(mut job) = work[i].lock() {
            job.rewrite(change, new, length, weights);
        }
    });
    drop(work);
    let (first, others) = parts.split_at_mut(1);
    for other in others {
        first[0].before.add_all(&other.before);
        first[0].after.add_all(&other.after);
    }
}

/// A part of the array, the positions in it, and what comes of them.
struct Job<'t> {
    symbols: &'t mut [u32],
    /// Position of the first of these symbols.
    base: usize,
    places: Places<'t>,
    part: &'t mut Part,
}

/// The array in parts, each from a separator to the next border with it: both parts beside a border see that separator, and none writes it.
fn jobs<'t>(symbols: &'t mut [u32], places: Places<'t>, borders: &[usize], parts: &'t mut [Part]) -> Vec<Mutex<Job<'t>>> {
    let (mut rest, mut base) = (symbols, 0);
    let mut jobs = Vec::with_capacity(parts.len());
    for (part, border) in parts.iter_mut().zip(borders.windows(2)) {
        let Range { start, end } = border[0]..border[1];
        let (symbols, others) = std::mem::take(&mut rest).split_at_mut(end - base);
        let places = match places {
            Places::At(positions) => {
                let before = |end: usize| positions.partition_point(|&at| (at as usize) < end);
                Places::At(&positions[before(start)..before(end)])
            }
            Places::All => Places::All,
        };
        jobs.push(Mutex::new(Job { symbols, base, places, part }));
        (rest, base) = (others, end);
    }
    jobs
}

impl Job<'_> {
    fn rewrite(&mut self, change: &Change, new: u32, length: &[u32], weights: &Weights) {
        let Places::At(positions) = self.places else { return self.rewrite_all(change, new, length, weights) };
        let mut live = [0; CHUNK];
        for chunk in positions.chunks(CHUNK) {
            match change {
                Change::Character(_) => chunk.iter().for_each(|&position| self.write_character(position, new, weights)),
                Change::Tokens(tokens, cells) => {
                    let mut n = 0;
                    for &position in chunk {
                        live[n] = position;
                        n += usize::from(self.symbols[position as usize - self.base] == tokens[0]);
                    }
                    live[..n].iter().for_each(|&position| self.write_pair(position, *tokens, *cells, new, weights));
                }
            }
        }
    }

    /// Goes through the part, from left to right.
    fn rewrite_all(&mut self, change: &Change, new: u32, length: &[u32], weights: &Weights) {
        let mut at = 0;
        while at < self.symbols.len() {
            let (symbol, position) = (self.symbols[at], (self.base + at) as u32);
            match change {
                Change::Character(character) if symbol == *character => self.write_character(position, new, weights),
                Change::Tokens(tokens, cells) if symbol == tokens[0] => self.write_pair(position, *tokens, *cells, new, weights),
                _ => {}
            }
            // What was written is gone past as a whole.
            at += length.get(self.symbols[at] as usize).map_or(1, |&cells| cells as usize);
        }
    }

    #[inline]
    fn write_pair(&mut self, position: u32, tokens: [u32; 2], cells: [u32; 2], new: u32, weights: &Weights) {
        let start = position as usize - self.base;
        let middle = start + cells[0] as usize;
        // The last token of a part has the separator behind it, which belongs to the next.
        if self.symbols[start] != tokens[0] || self.symbols.get(middle) != Some(&tokens[1]) {
            return;
        }
        let end = middle + cells[1] as usize;
        self.symbols[middle] = STALE;
        self.symbols[start] = new;
        self.symbols[end - 1] = new;
        self.found(position, self.symbols[start - 1], self.right_of(end), weights);
    }

    #[inline]
    fn write_character(&mut self, position: u32, new: u32, weights: &Weights) {
        let at = position as usize - self.base;
        self.symbols[at] = new;
        self.found(position, self.symbols[at - 1], self.right_of(at + 1), weights);
    }

    /// The symbol at `end`; the separator behind the last pre-token of the part belongs to the next.
    #[inline]
    fn right_of(&self, end: usize) -> u32 {
        self.symbols.get(end).copied().unwrap_or(SEPARATOR)
    }

    #[inline]
    fn found(&mut self, position: u32, left: u32, right: u32, weights: &Weights) {
        if left >= NO_TOKEN && right >= NO_TOKEN {
            return;
        }
        if matches!(self.places, Places::At(_)) {
            self.part.occurrences.push(MergedOccurrence { position, left, right });
        }
        let weight = weights.of(position);
        if left < NO_TOKEN {
            self.part.before.add(left, weight, 1);
        }
        if right < NO_TOKEN {
            self.part.after.add(right, weight, 1);
        }
    }
}

/// The new lists of one side of a merge, and the number of the first.
pub(super) type Lists<'t> = (&'t mut [Vec<u32>], usize);

fn push((lists, base): &mut Lists<'_>, list: u32, position: u32) {
    if is_list(list) {
        lists[list as usize - *base].push(position);
    }
}

/// Fills the occurrence lists of the new pairs from the array: as `fill` does, where occurrences were not listed.
pub(super) fn fill_from(corpus: &FlatCorpus, part: &Part, new: u32, mut after: Lists<'_>, mut before: Lists<'_>, length: &[u32]) {
    let symbols: &[u32] = &corpus.symbols;
    let mut at = 0;
    while at < symbols.len() {
        let left = symbols[at];
        let next = at + length.get(left as usize).map_or(1, |&cells| cells as usize);
        if let Some(&right) = symbols.get(next)
            && left < NO_TOKEN
            && right < NO_TOKEN
        {
            // Of two new tokens the second one has met the first, on its left.
            if right == new {
                push(&mut before, part.before.list[left as usize], at as u32);
            } else if left == new {
                push(&mut after, part.after.list[right as usize], at as u32);
            }
        }
        at = next;
    }
}

/// Fills the occurrence lists of the new pairs, in order of positions.
pub(super) fn fill(parts: &[Part], after: Lists<'_>, before: Lists<'_>, length: &[u32], crew: &dyn Crew) {
    let Some(first) = parts.first() else { return };
    let fill_after = |lists: &mut Lists<'_>| {
        for occurrence in parts.iter().flat_map(|part| &part.occurrences).filter(|occurrence| occurrence.right < NO_TOKEN) {
            push(lists, first.after.list[occurrence.right as usize], occurrence.position);
        }
    };
    let fill_before = |lists: &mut Lists<'_>| {
        for occurrence in parts.iter().flat_map(|part| &part.occurrences).filter(|occurrence| occurrence.left < NO_TOKEN) {
            let left = occurrence.left as usize;
            push(lists, first.before.list[left], occurrence.position - length[left]);
        }
    };
    let sides = Mutex::new([Some(after), Some(before)]);
    let fill_side = |side: usize| {
        let lists = sides.lock().ok().and_then(|mut sides| sides[side].take());
        if let Some(mut lists) = lists {
            if side == 0 { fill_after(&mut lists) } else { fill_before(&mut lists) }
        }
    };
    if crew.threads() > 1 && parts.iter().map(|part| part.occurrences.len()).sum::<usize>() >= SIDE_BY_SIDE {
        crew.side_by_side(2, &fill_side);
    } else {
        (0..2).for_each(fill_side);
    }
}
