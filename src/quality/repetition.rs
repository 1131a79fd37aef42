//! Repetition inside a document: how many of its n-grams of characters occurred just before.
//!
//! White space is skipped. Windows matter because the share of repeated n-grams grows with length: windows are of 2,000
//! characters, the last takes what is left, up to 3,000. What repeats further apart are whole lines and sentences.

/// Characters in a window.
pub(super) const WINDOW: usize = 2_000;
/// Characters in the last window, at most.
pub(super) const LAST_MAX: usize = 3_000;
/// n.
pub(super) const N: usize = 10;
/// Slots of the table: more than twice the n-grams of a window, and little enough for a first-level cache.
const SLOTS: usize = 1 << 13;
/// Room for the hashes of a window; a power of two, so that an index cannot lie outside.
const ROOM: usize = 1 << 12;
/// Bits of a hash in a slot; the others number the window.
const TAG_BITS: u32 = 20;
/// Odd multiplier of the polynomial hash (2^64 / golden ratio).
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// Reads characters and counts n-grams; the tables are reused from document to document.
#[derive(Debug)]
pub(super) struct Repetition {
    /// Hash of the characters of the window before each character, and behind the last one, at `end`.
    prefix: Box<[u64; ROOM]>,
    end: usize,
    slots: Box<[u32; SLOTS]>,
    /// Number of the window, from 1: slots of other windows are free.
    round: u32,
    grams: u64,
    distinct: u64,
}

impl Default for Repetition {
    #[expect(clippy::large_stack_arrays, reason = "two tables of 32 KiB pass over the stack once a thread")]
    fn default() -> Self {
        Self { prefix: Box::new([0; ROOM]), end: 0, slots: Box::new([0; SLOTS]), round: 0, grams: 0, distinct: 0 }
    }
}

impl Repetition {
    /// Begins a document.
    pub(super) fn begin(&mut self) {
        (self.end, self.grams, self.distinct) = (0, 0, 0);
    }

    /// The next visible character.
    #[inline]
    pub(super) fn push(&mut self, c: char) {
        let last = self.prefix[self.end % ROOM];
        self.end += 1;
        self.prefix[self.end % ROOM] = last.wrapping_mul(BASE).wrapping_add(u64::from(u32::from(c)) + 1);
        if self.end == LAST_MAX {
            self.window();
        }
    }

    /// Ends the document: the share of n-grams that occurred before in their window; `None` below n characters.
    pub(super) fn end(&mut self) -> Option<f32> {
        self.count(self.end);
        (self.grams > 0).then(|| ((self.grams - self.distinct) as f64 / self.grams as f64) as f32)
    }

    #[cold]
    #[inline(never)]
    fn window(&mut self) {
        self.count(WINDOW);
        self.prefix.copy_within(WINDOW..=LAST_MAX, 0);
        self.end -= WINDOW;
    }

    /// Counts the n-grams of the first `chars` characters.
    fn count(&mut self, chars: usize) {
        const POWER: u64 = power(N);
        const ROUNDS: u32 = 1 << (32 - TAG_BITS);
        self.round += 1;
        if self.round == ROUNDS {
            self.slots.fill(0);
            self.round = 1;
        }
        let stamp = self.round << TAG_BITS;
        let mut distinct = 0;
        let window = self.prefix.get(..=chars).unwrap_or_default();
        let behind = window.get(N..).unwrap_or_default();
        for (from, to) in window.iter().zip(behind) {
            let hash = to.wrapping_sub(from.wrapping_mul(POWER));
            let hash = (hash ^ hash >> 32).wrapping_mul(BASE);
            let entry = stamp | (hash >> 24) as u32 & ((1 << TAG_BITS) - 1);
            let mut at = (hash >> 51) as usize;
            loop {
                let slot = &mut self.slots[at % SLOTS];
                if *slot == entry {
                    break;
                }
                if *slot & !((1 << TAG_BITS) - 1) != stamp {
                    *slot = entry;
                    distinct += 1;
                    break;
                }
                at += 1;
            }
        }
        self.grams += behind.len() as u64;
        self.distinct += distinct;
    }
}

const fn power(n: usize) -> u64 {
    if n == 0 { 1 } else { power(n - 1).wrapping_mul(BASE) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// The same by definition.
    fn by_definition(text: &[char]) -> Option<f32> {
        let (mut rest, mut grams, mut distinct) = (text, 0, 0);
        while !rest.is_empty() {
            let (window, behind) = if rest.len() >= LAST_MAX { rest.split_at(WINDOW) } else { (rest, &[][..]) };
            grams += window.windows(N).count();
            distinct += window.windows(N).collect::<BTreeSet<_>>().len();
            rest = behind;
        }
        (grams > 0).then(|| ((grams - distinct) as f64 / grams as f64) as f32)
    }

    #[track_caller]
    fn check(repetition: &mut Repetition, text: &str) {
        let chars: Vec<char> = text.chars().collect();
        repetition.begin();
        for c in &chars {
            repetition.push(*c);
        }
        assert_eq!(repetition.end(), by_definition(&chars), "{} characters", chars.len());
    }

    #[test]
    fn repetition_by_definition() {
        let mut repetition = Repetition::default();
        check(&mut repetition, "");
        check(&mut repetition, "あいうえおかきくけ");
        check(&mut repetition, "あいうえおかきくけこあいうえおかきくけこさしすせそ");
        check(&mut repetition, &"隣の客はよく柿食う客だ。".repeat(80));
        let numbers = |n: u32| (0..n).map(|i| format!("第{i}条　この法律は、")).collect::<Vec<_>>().concat();
        for n in [150, 180, 181, 182, 400, 2_000] {
            check(&mut repetition, &numbers(n));
        }
    }

    #[test]
    fn the_tables_may_be_reused_for_ever() {
        let mut repetition = Repetition::default();
        for i in 0..9_000_u32 {
            check(&mut repetition, &"あいうえおかきくけこさし".repeat(1 + i as usize % 3));
        }
    }

    proptest! {
        #[test]
        fn any_text_by_definition(text in "[あいう漢a]{0,300}", times in 1..30_usize) {
            check(&mut Repetition::default(), &text.repeat(times));
        }
    }
}
