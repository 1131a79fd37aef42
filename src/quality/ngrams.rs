//! Repetition of character n-grams: the most frequent ones of the document, and repeated ones by windows.
//!
//! White space is skipped. Windows matter because the share of repeated n-grams grows with length: a text of `n`
//! characters has round(n / 2,000) windows of equal length, and a ratio is the mean over them.

/// Characters in a window, as near as equal windows allow.
const WINDOW: usize = 2_000;
/// Slots of the largest window table: more than twice the n-grams of the longest window (3,000).
const SLOTS: usize = 1 << 13;
/// Counters for each n in a document of several windows: 2^16.
const COUNTER_BITS: u32 = 16;
/// The n of the windows' ratios.
const LENGTHS: [usize; 6] = [5, 6, 7, 8, 9, 10];
/// Odd multiplier of the polynomial hash (2^64 / golden ratio).
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// What the n-grams of a document say; `None` where there is no n-gram.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Repetition {
    /// Share of the most frequent 2-, 3-, 4-gram among all.
    pub top: [Option<f32>; 3],
    /// Distinct 5- … 10-grams that occur again / distinct ones.
    pub dup: [Option<f32>; 6],
    /// Characters inside a repeated 10-gram / characters.
    pub cover_10: Option<f32>,
}

/// Tables reused from document to document.
#[derive(Debug)]
pub(super) struct Ngrams {
    /// Counters by hash for n = 2, 3, 4, one after the other; in short documents one for each slot.
    counters: Vec<u32>,
    /// Hash tag << 1 | seen again; 0 = free.
    slots: Vec<u32>,
    /// What is left to look at in the window.
    repeated: Repeated,
    /// Prefix hashes of the window.
    prefix: Vec<u64>,
    /// Powers of [`BASE`].
    powers: [u64; 11],
}

impl Default for Ngrams {
    fn default() -> Self {
        let mut powers = [1_u64; 11];
        for n in 1..powers.len() {
            powers[n] = powers[n - 1].wrapping_mul(BASE);
        }
        Self { counters: Vec::new(), slots: vec![0; SLOTS], repeated: Repeated::default(), prefix: Vec::new(), powers }
    }
}

impl Ngrams {
    /// Measures the `n` characters of `chars` (white space already skipped).
    pub(super) fn measure(&mut self, n: usize, chars: impl Iterator<Item = char>) -> Repetition {
        let windows = ((n + WINDOW / 2) / WINDOW).max(1);
        let mut sums = Sums::default();
        self.counters.clear();
        self.counters.resize(if windows > 1 { 3 << COUNTER_BITS } else { SLOTS }, 0);
        let mut top = Top { counters: &mut self.counters, codes: [0; 4], seen: 0 };
        let (mut window, mut seen) = (0, 0);
        self.prefix.clear();
        self.prefix.push(0);
        for c in chars {
            let code = scramble(u32::from(c));
            if windows > 1 {
                top.see(code);
            }
            let last = self.prefix[self.prefix.len() - 1];
            self.prefix.push(last.wrapping_mul(BASE).wrapping_add(code));
            seen += 1;
            if seen == (window + 1) * n / windows {
                sums.add(&measure_window(&self.prefix, &mut self.slots, &self.powers, &mut self.repeated));
                window += 1;
                if windows > 1 {
                    self.prefix.truncate(1);
                }
            }
        }
        let top = if windows > 1 { top.shares() } else { [2, 3, 4].map(|n| self.top_of_short(n)) };
        Repetition { top, dup: sums.means(), cover_10: sums.mean_cover() }
    }
}

impl Ngrams {
    /// Share of the most frequent n-gram of a document of one window, exactly.
    fn top_of_short(&mut self, n: usize) -> Option<f32> {
        let all = self.prefix.len().checked_sub(n).filter(|all| *all > 0)?;
        let slots = table_for(&mut self.slots, all);
        slots.fill(0);
        let mut most = 0;
        for i in 0..all {
            let (slot, tag) = find(&self.prefix, slots, &self.powers, i, n);
            self.counters[slot] = if slots[slot] == 0 { 1 } else { self.counters[slot] + 1 };
            slots[slot] = tag << 1;
            most = most.max(self.counters[slot]);
        }
        Some(most as f32 / all as f32)
    }
}

/// Spreads code points over 64 bits, so that sums of neighbours do not coincide.
fn scramble(code: u32) -> u64 {
    let x = u64::from(code).wrapping_add(1).wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^ (x >> 29)
}

/// Counters of the shortest n-grams over a document of several windows.
///
/// N-grams are counted by hash alone in 65,536 counters, so memory is bounded. A count may include rare n-grams of the
/// same hash; the share of a frequent one, the only thing asked for, is off by about 1 / 65,536 of the n-grams.
struct Top<'a> {
    counters: &'a mut [u32],
    codes: [u64; 4],
    seen: usize,
}

impl Top<'_> {
    fn see(&mut self, code: u64) {
        let [_, a, b, c] = self.codes;
        self.codes = [a, b, c, code];
        self.seen += 1;
        let mut hash = code;
        for (i, before) in [c, b, a].into_iter().enumerate() {
            hash = hash.rotate_left(23).wrapping_mul(BASE) ^ before;
            if self.seen >= i + 2 {
                let cell = (hash.wrapping_mul(BASE) >> (64 - COUNTER_BITS)) as usize;
                self.counters[(i << COUNTER_BITS) + cell] += 1;
            }
        }
    }

    fn shares(&self) -> [Option<f32>; 3] {
        [0, 1, 2].map(|i| {
            let all = self.seen.checked_sub(i + 1).filter(|all| *all > 0)?;
            let cells = &self.counters[i << COUNTER_BITS..(i + 1) << COUNTER_BITS];
            Some(cells.iter().copied().max().unwrap_or(0) as f32 / all as f32)
        })
    }
}

/// The ratios of one window; `None` where it is shorter than n.
struct Window {
    dup: [Option<f64>; 6],
    cover: Option<f64>,
}

/// Positions at which an n-gram starts that may occur again, and the slot of each.
///
/// An (n + 1)-gram can only be repeated where the n-gram is: all other positions hold n-grams of their own, which need no
/// table. In prose a few percent of the positions are left after n = 5.
#[derive(Debug, Default)]
struct Repeated {
    positions: Vec<u32>,
    slot_of: Vec<u32>,
}

impl Repeated {
    /// Distinct n-grams at the positions and those of them that occur again; keeps the positions of the latter.
    fn narrow(&mut self, prefix: &[u64], slots: &mut [u32], powers: &[u64; 11], n: usize) -> (usize, usize) {
        self.positions.retain(|i| *i as usize + n < prefix.len());
        let slots = table_for(slots, self.positions.len());
        slots.fill(0);
        self.slot_of.clear();
        let (mut distinct, mut again) = (0, 0);
        for i in &self.positions {
            let (slot, tag) = find(prefix, slots, powers, *i as usize, n);
            let value = slots[slot];
            distinct += usize::from(value == 0);
            again += usize::from(value != 0 && value & 1 == 0);
            slots[slot] = tag << 1 | u32::from(value != 0);
            self.slot_of.push(slot as u32);
        }
        let mut slot_of = self.slot_of.iter();
        self.positions.retain(|_| slot_of.next().is_some_and(|slot| slots[*slot as usize] & 1 == 1));
        (distinct, again)
    }
}

fn measure_window(prefix: &[u64], slots: &mut [u32], powers: &[u64; 11], repeated: &mut Repeated) -> Window {
    let chars = prefix.len() - 1;
    repeated.positions.clear();
    repeated.positions.extend(0..chars as u32);
    let dup = LENGTHS.map(|n| {
        let all = (chars + 1).checked_sub(n).filter(|all| *all > 0)?;
        let looked_at = repeated.positions.iter().filter(|i| (**i as usize) < all).count();
        let (distinct, again) = repeated.narrow(prefix, slots, powers, n);
        Some(again as f64 / (all - looked_at + distinct) as f64)
    });
    // The positions left are those of repeated 10-grams.
    let (mut covered, mut covered_to) = (0, 0);
    for i in repeated.positions.iter().map(|i| *i as usize) {
        covered += i + 10 - covered_to.max(i);
        covered_to = i + 10;
    }
    Window { dup, cover: (chars >= 10).then(|| covered as f64 / chars as f64) }
}

/// The part of the table for `n` n-grams: a power of two, at least four times as many where there is room. Less to clear for short documents.
fn table_for(slots: &mut [u32], n: usize) -> &mut [u32] {
    &mut slots[..(4 * n).next_power_of_two().clamp(2, SLOTS)]
}

/// The slot of the n-gram at `i`, or the free one where it belongs, and its tag (not 0).
#[inline]
fn find(prefix: &[u64], slots: &[u32], powers: &[u64; 11], i: usize, n: usize) -> (usize, u32) {
    let gram = prefix[i + n].wrapping_sub(prefix[i].wrapping_mul(powers[n]));
    let hash = (gram ^ (gram >> 32)).wrapping_mul(BASE);
    let tag = ((hash >> 20) as u32 & 0x7fff_ffff) | 1;
    let mask = slots.len() - 1;
    let mut slot = (hash >> 51) as usize & mask;
    while slots[slot] != 0 && slots[slot] >> 1 != tag {
        slot = (slot + 1) & mask;
    }
    (slot, tag)
}

/// Sums over windows, in a fixed order.
#[derive(Default)]
struct Sums {
    dup: [(f64, u32); 6],
    cover: (f64, u32),
}

impl Sums {
    fn add(&mut self, window: &Window) {
        for (sum, value) in self.dup.iter_mut().zip(window.dup) {
            add(sum, value);
        }
        add(&mut self.cover, window.cover);
    }

    fn means(&self) -> [Option<f32>; 6] {
        self.dup.map(mean)
    }

    fn mean_cover(&self) -> Option<f32> {
        mean(self.cover)
    }
}

fn add(sum: &mut (f64, u32), value: Option<f64>) {
    if let Some(value) = value {
        sum.0 += value;
        sum.1 += 1;
    }
}

fn mean((sum, n): (f64, u32)) -> Option<f32> {
    (n > 0).then(|| (sum / f64::from(n)) as f32)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// The same by definition, for texts of one window.
    fn by_definition(text: &[char]) -> Repetition {
        let counts = |n: usize| {
            let mut counts = BTreeMap::new();
            text.windows(n).for_each(|gram| *counts.entry(gram).or_insert(0) += 1);
            counts
        };
        let top = [2, 3, 4].map(|n| counts(n).values().max().map(|max| *max as f32 / (text.len() - n + 1) as f32));
        let dup = LENGTHS.map(|n| {
            let counts = counts(n);
            (!counts.is_empty()).then(|| counts.values().filter(|f| **f > 1).count() as f32 / counts.len() as f32)
        });
        let tens = counts(10);
        let inside = |i: usize| (i.saturating_sub(9)..=i).any(|from| text.get(from..from + 10).is_some_and(|gram| tens[gram] > 1));
        let cover_10 = (text.len() >= 10).then(|| (0..text.len()).filter(|i| inside(*i)).count() as f32 / text.len() as f32);
        Repetition { top, dup, cover_10 }
    }

    #[track_caller]
    fn check(text: &str) {
        let chars: Vec<char> = text.chars().collect();
        let (ours, theirs) = (Ngrams::default().measure(chars.len(), chars.iter().copied()), by_definition(&chars));
        assert_eq!(ours, theirs);
    }

    #[test]
    fn repetition_by_definition() {
        check("");
        check("あ");
        check("あいうえおかきくけこあいうえおかきくけこさしすせそ");
        check(&"隣の客はよく柿食う客だ。".repeat(80));
    }

    #[test]
    fn long_texts_are_measured_by_windows() {
        let chars = |n: usize| (0..n).map(|i| char::from_u32(0x4e00 + (i % 5_000) as u32).unwrap_or('a'));
        let long = Ngrams::default().measure(20_000, chars(20_000));
        assert_eq!(long.dup, [Some(0.); 6]);
        assert!(long.top.iter().flatten().all(|share| *share > 0. && *share < 0.001));
        let repeated = Ngrams::default().measure(20_000, std::iter::repeat_n('あ', 20_000));
        assert_eq!((repeated.dup[0], repeated.top[0], repeated.cover_10), (Some(1.), Some(1.), Some(1.)));
    }

    proptest! {
        #[test]
        fn any_text_by_definition(text in "[あいう漢a]{0,300}") {
            check(&text);
        }
    }
}
