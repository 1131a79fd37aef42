//! Counts how often each pre-token occurs: a vocabulary is learned from these counts.
//!
//! A document is read line by line, each line with its line feed, as trainers that read files do. The pattern that inference
//! will use cuts each line into pre-tokens. For the first stage of training these are cut again at boundaries that its tokens
//! may not cross (ends of morphemes, or changes of script). So every counted pre-token lies inside one that inference will see,
//! and every learned merge can be used. A boundary directly behind white space is ignored: the pattern joins a space to the
//! word that follows it, and the analyser ends a morpheme there only because it skips the space.

use crate::bpe::class::{COMBINING_MARK, Classes, LETTER, NUMBER, SPACE, decode};
use crate::bpe::pattern::Pattern;

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

/// Counts of pre-tokens: the bytes of all of them one after the other, and a hash table with open addressing. Counts may be
/// added in any order, so the table does not depend on how the input was divided.
#[derive(Debug, Default)]
pub struct Counter {
    arena: Vec<u8>,
    entries: Vec<Entry>,
    /// In each slot the upper 24 bits of the hash, then 1 + the index of the entry in 40 bits; 0 is an empty slot.
    slots: Vec<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    start: usize,
    length: u32,
    count: u64,
}

/// The bits of a slot that hold an index.
const INDEX: u64 = (1 << 40) - 1;

impl Counter {
    /// Counts the pre-tokens of a document.
    pub fn add_document(&mut self, text: &str, pattern: Pattern, boundaries: DocumentBoundaries<'_>) {
        let mut splitter = Splitter { text, classes: Classes::get(), boundaries, next: 0 };
        let mut line_start = 0;
        for line in text.split_inclusive('\n') {
            pattern.for_each_pre_token(line, |start, end| {
                splitter.split(line_start + start, line_start + end, |pre_token| self.add(pre_token, 1));
            });
            line_start += line.len();
        }
    }

    /// Adds `count` occurrences of a pre-token.
    #[inline]
    pub fn add(&mut self, pre_token: &[u8], count: u64) {
        if self.entries.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let hash = hash(pre_token);
        let (tag, mask) = (hash & !INDEX, self.slots.len() - 1);
        let mut slot = hash as usize & mask;
        loop {
            let found = self.slots[slot];
            if found == 0 {
                self.insert(slot, tag, pre_token, count);
                return;
            }
            if found & !INDEX == tag {
                let entry = &mut self.entries[(found & INDEX) as usize - 1];
                if self.arena[entry.start..entry.start + entry.length as usize] == *pre_token {
                    entry.count = entry.count.saturating_add(count);
                    return;
                }
            }
            slot = (slot + 1) & mask;
        }
    }

    fn insert(&mut self, slot: usize, tag: u64, pre_token: &[u8], count: u64) {
        self.entries.push(Entry { start: self.arena.len(), length: pre_token.len() as u32, count });
        self.arena.extend_from_slice(pre_token);
        self.slots[slot] = tag | self.entries.len() as u64;
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(1 << 10);
        let mut slots = vec![0; size];
        for (i, entry) in self.entries.iter().enumerate() {
            let hash = hash(&self.arena[entry.start..entry.start + entry.length as usize]);
            let mut slot = hash as usize & (size - 1);
            while slots[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            slots[slot] = (hash & !INDEX) | (i as u64 + 1);
        }
        self.slots = slots;
    }

    /// Number of unique pre-tokens.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Nothing counted yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of memory held.
    pub fn memory(&self) -> usize {
        self.arena.capacity() + self.entries.capacity() * size_of::<Entry>() + self.slots.capacity() * size_of::<u64>()
    }

    /// Pre-tokens and counts by ascending bytes.
    pub fn by_bytes(&self) -> Vec<(&[u8], u64)> {
        let mut pre_tokens = self.pre_tokens();
        pre_tokens.sort_unstable();
        pre_tokens
    }

    /// Pre-tokens and counts by falling count, then ascending bytes.
    pub fn by_count(&self) -> Vec<(&[u8], u64)> {
        let mut pre_tokens = self.pre_tokens();
        pre_tokens.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        pre_tokens
    }

    fn pre_tokens(&self) -> Vec<(&[u8], u64)> {
        self.entries.iter().map(|entry| (&self.arena[entry.start..entry.start + entry.length as usize], entry.count)).collect()
    }
}

/// A 64-bit hash by folded multiplication of 8-byte words. No output depends on it: tables are sorted before they are written.
#[inline]
pub(crate) fn hash(bytes: &[u8]) -> u64 {
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
        let before = self.text.get(..at).and_then(|before| before.chars().next_back());
        before.is_some_and(|c| self.classes.of(u32::from(c)) & SPACE == 0)
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
            pre_tokens_of(&words.concat(), Pattern::DeepseekV3, DocumentBoundaries::Morphemes(&ends(&words))),
            ["東京", "・", "大阪", "で", " the", " T", "シャツ", "を", "買い", "まし", "た", "。", "\n"],
        );
    }

    #[test]
    fn scripts_cut_runs_but_not_marks() {
        assert_eq!(
            pre_tokens_of("お知らせメール々〆ー", Pattern::DeepseekV3, DocumentBoundaries::Scripts),
            ["お", "知", "らせ", "メール", "々〆", "ー"]
        );
        assert_eq!(pre_tokens_of("か\u{3099}カ\u{3099}", Pattern::None, DocumentBoundaries::Scripts), ["か\u{3099}", "カ\u{3099}"]);
        assert_eq!(pre_tokens_of("日本 Rust12", Pattern::Gpt2, DocumentBoundaries::Scripts), ["日本", " Rust", "12"]);
    }

    /// Ends that are not those of this text cut nothing apart.
    #[test]
    fn ends_of_another_text_cut_no_character() {
        assert_eq!(pre_tokens_of("あい", Pattern::None, DocumentBoundaries::Morphemes(&[1, 2, 3, 2, 9])), ["あ", "い"]);
    }

    #[test]
    fn a_document_is_counted_line_by_line() {
        let mut counter = Counter::default();
        counter.add_document("あ\n\n\nあ", Pattern::DeepseekV3, DocumentBoundaries::None);
        assert_eq!(counter.by_count(), [("\n".as_bytes(), 3), ("あ".as_bytes(), 2)]);
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
                prop_assert_eq!(&pre_tokens_of(text, Pattern::DeepseekV3, boundaries).concat(), text);
                whole.add_document(text, Pattern::DeepseekV3, boundaries);
                let mut partial = Counter::default();
                partial.add_document(text, Pattern::DeepseekV3, boundaries);
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
