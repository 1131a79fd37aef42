//! Counts how often each pre-token occurs: a vocabulary is learned from these counts.
//!
//! A document is read line by line, each line with its line feed, as trainers that read files do. The pattern that inference
//! will use cuts each line into pre-tokens. For the first stage of training these are cut again at boundaries that its tokens
//! may not cross (ends of morphemes, or changes of script). So every counted pre-token lies inside one that inference will see,
//! and every learned merge can be used. A boundary directly behind white space is ignored: the pattern joins a space to the
//! word that follows it, and the analyser ends a morpheme there only because it skips the space.

use crate::bpe::class::{COMBINING_MARK, Classes, LETTER, NUMBER, SPACE, decode};
use crate::bpe::pattern::Pattern;
use crate::bpe::short_key::{SHORT_MAX, hash_of_key, short_key};

/// Enters fingerprints: raise it when the same text is cut or counted in another way.
pub const VERSION: u32 = 1;

/// What a token of the first stage may not cross, in one document.
#[derive(Debug, Clone, Copy)]
pub enum DocumentBoundaries<'a> {
    /// Ends of morphemes in bytes, ascending.
    Morphemes(&'a [u32]),
    /// Changes of script: kanji, hiragana, katakana, other letters, numbers, the rest.
    Scripts,
    /// Nothing more than the pattern.
    None,
}

/// Counts of pre-tokens in a hash table with open addressing. Counts may be added in any order, so what it says does not depend on how the
/// input was divided.
#[derive(Debug, Default)]
pub struct Counter {
    slots: Vec<Slot>,
    /// Slots that are taken.
    taken: usize,
    /// The pre-tokens that are too long for their slot, one after the other.
    arena: Vec<u8>,
}

/// Slots of the smallest table.
const SLOTS_MIN: usize = 1 << 10;

/// Half a cache line. Nearly all pre-tokens of Japanese are words of at most 16 bytes, so that to count one is to touch one line.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(32))]
struct Slot {
    /// The pre-token, zeros behind it; of a long one its hash, and where it starts in the arena.
    bytes: [u8; SHORT_MAX],
    count: u64,
    /// Length of the pre-token.
    length: u32,
    is_taken: bool,
}

/// A part of all pre-tokens, by a hash: parts can be added up and put in order side by side.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Its number, below `of`.
    pub number: usize,
    /// Number of all parts, at most 2^16.
    pub of: usize,
}

impl Part {
    /// Everything.
    pub const WHOLE: Self = Self { number: 0, of: 1 };

    /// Slots are found by the lower half of the hash: a part by the upper one fills them evenly.
    #[inline]
    fn holds(self, hash: u64) -> bool {
        ((hash >> 32) * self.of as u64) >> 32 == self.number as u64
    }
}

impl Counter {
    /// The sum of a part of several counters.
    pub fn sum(counters: &[&Self], part: Part) -> Self {
        let slots = || counters.iter().flat_map(|counter| counter.slots.iter().map(move |slot| (counter, slot)));
        let is_wanted = |slot: &Slot| slot.is_taken && part.holds(slot.hash());
        // All of them have a place before the first is added: they come in the order of their hashes, which would crowd a table that is yet to grow.
        let most = slots().filter(|(_, slot)| is_wanted(slot)).count();
        let mut sum = Self { slots: vec![Slot::default(); (most * 4 / 3 + 1).next_power_of_two().max(SLOTS_MIN)], ..Self::default() };
        slots().filter(|(_, slot)| is_wanted(slot)).for_each(|(counter, slot)| sum.add(counter.pre_token(slot), slot.count));
        sum
    }

    /// Counts the pre-tokens of a document.
    pub fn add_document(&mut self, text: &str, pattern: Pattern, boundaries: DocumentBoundaries<'_>) {
        let mut splitter = Splitter { text, classes: Classes::get(), boundaries, next: 0 };
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1).chain([text.len()]) {
            pattern.for_each_pre_token(text.get(start..end).unwrap_or_default(), |from, to| {
                splitter.split(start + from, start + to, |pre_token| self.add(pre_token, 1));
            });
            start = end;
        }
    }

    /// Adds `count` occurrences of a pre-token.
    #[inline]
    pub fn add(&mut self, pre_token: &[u8], count: u64) {
        if self.taken * 4 >= self.slots.len() * 3 {
            self.grow();
        }
        if pre_token.len() > SHORT_MAX {
            return self.add_long(pre_token, count);
        }
        let key = short_key(pre_token);
        let (mask, length) = (self.slots.len() - 1, pre_token.len() as u32);
        let mut at = hash_of_key(key) as usize & mask;
        loop {
            let slot = &mut self.slots[at];
            if u128::from_le_bytes(slot.bytes) == key && slot.length == length && slot.is_taken {
                slot.count = slot.count.saturating_add(count);
                return;
            }
            if !slot.is_taken {
                *slot = Slot { bytes: key.to_le_bytes(), count, length, is_taken: true };
                self.taken += 1;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    fn add_long(&mut self, pre_token: &[u8], count: u64) {
        let (hash, length) = (hash(pre_token), pre_token.len() as u32);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at].is_taken {
            let slot = self.slots[at];
            let (found, start) = slot.place();
            if slot.length == length && found == hash && self.arena[start..start + length as usize] == *pre_token {
                self.slots[at].count = slot.count.saturating_add(count);
                return;
            }
            at = (at + 1) & mask;
        }
        let place = u128::from(hash) | u128::from(self.arena.len() as u64) << 64;
        self.slots[at] = Slot { bytes: place.to_le_bytes(), count, length, is_taken: true };
        self.taken += 1;
        self.arena.extend_from_slice(pre_token);
    }

    fn grow(&mut self) {
        let mask = (self.slots.len() * 2).max(SLOTS_MIN) - 1;
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); mask + 1]);
        for slot in old.into_iter().filter(|slot| slot.is_taken) {
            let mut at = slot.hash() as usize & mask;
            while self.slots[at].is_taken {
                at = (at + 1) & mask;
            }
            self.slots[at] = slot;
        }
    }

    /// Number of unique pre-tokens.
    pub fn len(&self) -> usize {
        self.taken
    }

    /// Nothing counted yet.
    pub fn is_empty(&self) -> bool {
        self.taken == 0
    }

    /// Bytes of memory held.
    pub fn memory(&self) -> usize {
        self.arena.capacity() + self.slots.capacity() * size_of::<Slot>()
    }

    /// Pre-tokens and counts by ascending bytes.
    pub fn by_bytes(&self) -> Vec<(&[u8], u64)> {
        let mut rows: Vec<Row> = self.rows(Part::WHOLE).collect();
        rows.sort_unstable_by(|a, b| a.first.cmp(&b.first).then_with(|| a.bytes.cmp(b.bytes)));
        rows.into_iter().map(|row| (row.bytes, row.count)).collect()
    }

    /// A part of the pre-tokens with their counts, by falling count, then ascending bytes.
    pub fn by_count(&self, part: Part) -> Vec<(&[u8], u64)> {
        let mut rows: Vec<Row> = self.rows(part).collect();
        rows.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.first.cmp(&b.first)).then_with(|| a.bytes.cmp(b.bytes)));
        rows.into_iter().map(|row| (row.bytes, row.count)).collect()
    }

    fn rows(&self, part: Part) -> impl Iterator<Item = Row<'_>> {
        self.slots.iter().filter(move |slot| slot.is_taken && part.holds(slot.hash())).map(|slot| {
            let bytes = self.pre_token(slot);
            Row { first: short_key(bytes.get(..SHORT_MAX).unwrap_or(bytes)).swap_bytes(), bytes, count: slot.count }
        })
    }

    fn pre_token<'c>(&'c self, slot: &'c Slot) -> &'c [u8] {
        let length = slot.length as usize;
        let start = slot.place().1;
        if length > SHORT_MAX { &self.arena[start..start + length] } else { &slot.bytes[..length] }
    }
}

/// A pre-token that is to be put in order. Most comparisons end within the first bytes, as one number.
struct Row<'c> {
    first: u128,
    bytes: &'c [u8],
    count: u64,
}

impl Slot {
    /// The hash of the pre-token.
    #[inline]
    fn hash(&self) -> u64 {
        if self.length as usize > SHORT_MAX { self.place().0 } else { hash_of_key(u128::from_le_bytes(self.bytes)) }
    }

    /// Hash of a long pre-token, and where it starts in the arena.
    fn place(&self) -> (u64, usize) {
        let place = u128::from_le_bytes(self.bytes);
        (place as u64, (place >> 64) as usize)
    }
}

/// A 64-bit hash by folded multiplication of 8-byte words. No output depends on it: tables are sorted before they are written.
fn hash(bytes: &[u8]) -> u64 {
    let mut state = bytes.len() as u64 ^ 0x243F_6A88_85A3_08D3;
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        state = fold(state ^ word.try_into().map_or(0, u64::from_le_bytes));
    }
    let mut last = [0; 8];
    let rest = words.remainder();
    last[..rest.len()].copy_from_slice(rest);
    fold(fold(state ^ u64::from_le_bytes(last)) ^ 0x1319_8A2E_0370_7344)
}

#[inline]
fn fold(x: u64) -> u64 {
    let product = u128::from(x) * u128::from(0x9E37_79B9_7F4A_7C15_u64);
    (product >> 64) as u64 ^ product as u64
}

/// Cuts the pre-tokens of the pattern again, at the boundaries; they must come in the order of the text.
struct Splitter<'a> {
    text: &'a str,
    classes: Classes,
    boundaries: DocumentBoundaries<'a>,
    /// The first morpheme that may end inside the next pre-token.
    next: usize,
}

impl Splitter<'_> {
    #[inline]
    fn split(&mut self, start: usize, end: usize, mut pre_token: impl FnMut(&[u8])) {
        let bytes = self.text.as_bytes();
        let mut from = start;
        match self.boundaries {
            DocumentBoundaries::None => {}
            DocumentBoundaries::Scripts => self.each_script_change(start, end, |boundary| {
                pre_token(&bytes[from..boundary]);
                from = boundary;
            }),
            DocumentBoundaries::Morphemes(ends) => {
                while let Some(boundary) = ends.get(self.next).map(|&at| at as usize).filter(|&at| at < end) {
                    self.next += 1;
                    if boundary > from && self.counts_as_boundary(boundary) {
                        pre_token(&bytes[from..boundary]);
                        from = boundary;
                    }
                }
            }
        }
        pre_token(&bytes[from..end]);
    }

    /// Does `at` lie between two characters, and not directly behind white space?
    #[inline]
    fn counts_as_boundary(&self, at: usize) -> bool {
        let Some(before) = self.text.get(..at) else { return false };
        // The characters of three bytes from U+3040 to U+9FFF, where no white space is, need not be looked up.
        if let [.., first, second, _] = before.as_bytes()
            && ((0xE4..=0xE9).contains(first) || *first == 0xE3 && *second > 0x80)
        {
            return true;
        }
        before.chars().next_back().is_some_and(|c| self.classes.of(u32::from(c)) & SPACE == 0)
    }

    /// Calls `visit` with each position between `start` and `end` where the script changes.
    fn each_script_change(&self, start: usize, end: usize, mut visit: impl FnMut(usize)) {
        let bytes = self.text.as_bytes();
        let (mut at, mut current) = (start, Script::Any);
        while at < end {
            let (code_point, next) = decode(bytes, at);
            let script = Script::of(code_point, self.classes.of(code_point));
            if script != Script::Any {
                if current != Script::Any && current != script {
                    visit(at);
                }
                current = script;
            }
            at = next;
        }
    }
}

/// Script of a character, as far as it matters for tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    /// Has the script of the character before it (combining marks, the prolonged sound mark ー), or of the one after it (white
    /// space at the start).
    Any,
    Han,
    Hiragana,
    Katakana,
    Letter,
    Number,
    Other,
}

impl Script {
    fn of(code_point: u32, class: u8) -> Self {
        match code_point {
            0x3099..=0x309C | 0x30FC | 0xFF70 | 0xFF9E | 0xFF9F => Self::Any,
            0x3041..=0x309F => Self::Hiragana,
            0x30A1..=0x30FA | 0x30FD..=0x30FF | 0x31F0..=0x31FF | 0xFF66..=0xFF9D => Self::Katakana,
            0x3005..=0x3007 | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_3FFF => Self::Han,
            _ if class & (COMBINING_MARK | SPACE) != 0 => Self::Any,
            _ if class & LETTER != 0 => Self::Letter,
            _ if class & NUMBER != 0 => Self::Number,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn pre_tokens_of(text: &str, pattern: Pattern, boundaries: DocumentBoundaries<'_>) -> Vec<String> {
        let mut splitter = Splitter { text, classes: Classes::get(), boundaries, next: 0 };
        let mut pre_tokens = Vec::new();
        pattern.for_each_pre_token(text, |start, end| {
            splitter.split(start, end, |pre_token| pre_tokens.push(String::from_utf8(pre_token.to_vec()).unwrap()));
        });
        pre_tokens
    }

    fn ends(words: &[&str]) -> Vec<u32> {
        words.iter().scan(0, |end, word| Some(std::mem::replace(end, *end + word.len() as u32) + word.len() as u32)).collect()
    }

    #[test]
    fn morphemes_refine_the_pattern() {
        let words = ["東京", "・", "大阪", "で", " ", "the", " ", "Tシャツ", "を", "買い", "まし", "た", "。", "\n"];
        assert_eq!(
            pre_tokens_of(&words.concat(), Pattern::DEEPSEEK_V3, DocumentBoundaries::Morphemes(&ends(&words))),
            ["東京", "・", "大阪", "で", " the", " T", "シャツ", "を", "買い", "まし", "た", "。", "\n"],
        );
    }

    #[test]
    fn scripts_cut_runs_but_not_marks() {
        assert_eq!(
            pre_tokens_of("お知らせメール々〆ー", Pattern::DEEPSEEK_V3, DocumentBoundaries::Scripts),
            ["お", "知", "らせ", "メール", "々〆", "ー"]
        );
        assert_eq!(pre_tokens_of("か\u{3099}カ\u{3099}", Pattern::NONE, DocumentBoundaries::Scripts), ["か\u{3099}", "カ\u{3099}"]);
        assert_eq!(pre_tokens_of("日本 Rust12", Pattern::GPT2, DocumentBoundaries::Scripts), ["日本", " Rust", "12"]);
    }

    /// Ends that are not those of this text cut nothing apart.
    #[test]
    fn ends_of_another_text_cut_no_character() {
        assert_eq!(pre_tokens_of("あい", Pattern::NONE, DocumentBoundaries::Morphemes(&[1, 2, 3, 2, 9])), ["あ", "い"]);
    }

    #[test]
    fn a_document_is_counted_line_by_line() {
        let mut counter = Counter::default();
        counter.add_document("あ\n\n\nあ", Pattern::DEEPSEEK_V3, DocumentBoundaries::None);
        assert_eq!(counter.by_count(Part::WHOLE), [("\n".as_bytes(), 3), ("あ".as_bytes(), 2)]);
    }

    proptest! {
        #[test]
        fn pre_tokens_tile_and_sums_commute(
            texts in proptest::collection::vec("[あいア漢a1 。\\n]{0,30}", 0..6),
            ends in proptest::collection::vec(0_u32..90, 0..20),
        ) {
            let mut ends = ends;
            ends.sort_unstable();
            let (mut whole, mut sum) = (Counter::default(), Counter::default());
            let mut expected: BTreeMap<String, u64> = BTreeMap::new();
            for (i, text) in texts.iter().enumerate() {
                let boundaries = [DocumentBoundaries::Morphemes(&ends), DocumentBoundaries::Scripts, DocumentBoundaries::None][i % 3];
                prop_assert_eq!(&pre_tokens_of(text, Pattern::DEEPSEEK_V3, boundaries).concat(), text);
                whole.add_document(text, Pattern::DEEPSEEK_V3, boundaries);
                let mut partial = Counter::default();
                partial.add_document(text, Pattern::DEEPSEEK_V3, boundaries);
                for (pre_token, count) in partial.by_bytes() {
                    sum.add(pre_token, count);
                    *expected.entry(String::from_utf8(pre_token.to_vec()).unwrap()).or_default() += count;
                }
            }
            prop_assert_eq!(whole.by_bytes(), sum.by_bytes());
            let expected: Vec<(&[u8], u64)> = expected.iter().map(|(pre_token, count)| (pre_token.as_bytes(), *count)).collect();
            prop_assert_eq!(sum.by_bytes(), expected);
        }

        #[test]
        fn parts_are_the_whole(
            tables in proptest::collection::vec(proptest::collection::vec(("[a-c]{0,20}", 1_u64..9), 0..2000), 1..4),
            of in 1_usize..9,
        ) {
            let mut whole = Counter::default();
            let mut counters = Vec::new();
            for table in &tables {
                let mut counter = Counter::default();
                for (pre_token, count) in table {
                    whole.add(pre_token.as_bytes(), *count);
                    counter.add(pre_token.as_bytes(), *count);
                }
                counters.push(counter);
            }
            let all: Vec<&Counter> = counters.iter().collect();
            let parts: Vec<Counter> = (0..of).map(|number| Counter::sum(&all, Part { number, of })).collect();
            let summed = parts.iter().flat_map(Counter::by_bytes).collect::<BTreeMap<_, _>>();
            prop_assert_eq!(summed.into_iter().collect::<Vec<_>>(), whole.by_bytes());
            prop_assert_eq!(parts.iter().map(Counter::len).sum::<usize>(), whole.len());
            let divided: Vec<(&[u8], u64)> = (0..of).flat_map(|number| whole.by_count(Part { number, of })).collect();
            let mut ordered = divided;
            ordered.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
            prop_assert_eq!(ordered, whole.by_count(Part::WHOLE));
        }

        #[test]
        fn the_table_equals_a_map(pre_tokens in proptest::collection::vec(("[a-c]{0,20}", 0_u64..9), 0..3000)) {
            let mut counter = Counter::default();
            let mut expected: BTreeMap<&[u8], u64> = BTreeMap::new();
            for (pre_token, count) in &pre_tokens {
                counter.add(pre_token.as_bytes(), *count);
                *expected.entry(pre_token.as_bytes()).or_default() += count;
            }
            prop_assert_eq!(counter.by_bytes(), expected.into_iter().collect::<Vec<_>>());
        }
    }
}
