//! How often each piece of text occurs: the table a vocabulary is learned from.
//!
//! A document is taken line by line, each line with its line feed, as trainers that read files do. Each line is cut by
//! the pattern of inference; each of those pieces is cut again at the boundaries that tokens of the first stage may not
//! cross. So a counted piece is always a refinement of what inference will see, and no merge is learned in vain. There is
//! no cut behind white space: the pattern gives a space to the word that follows it, and the analyser's boundary between
//! a skipped space and that word is no boundary of the language.

use crate::bpe::class::{Classes, LETTER, MARK, NUMBER, SPACE, decode};
use crate::bpe::pattern::Pattern;

/// Enters fingerprints: raise it when the same text is cut or counted in another way.
pub const VERSION: u32 = 1;

/// What a token of the first stage may not cross.
#[derive(Debug, Clone, Copy)]
pub enum Cuts<'a> {
    /// Ends of morphemes in bytes, ascending.
    Morphemes(&'a [u32]),
    /// Changes of script: kanji, hiragana, katakana, other letters, numbers, the rest.
    Scripts,
    /// Nothing more than the pattern.
    None,
}

/// Counts of pieces: an arena of bytes and an open-addressing table. Counts are 64-bit; adding commutes, so any division
/// of the input gives the same table.
#[derive(Debug, Default)]
pub struct Counter {
    arena: Vec<u8>,
    entries: Vec<Entry>,
    /// Upper 24 bits of the hash, then 1 + index of the entry in 40 bits; 0 is empty.
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
    /// Counts the pieces of a document.
    pub fn add_document(&mut self, text: &str, pattern: Pattern, cuts: Cuts<'_>) {
        let mut cutter = Cutter { text, classes: Classes::get(), cuts, next: 0 };
        let mut line_start = 0;
        for line in text.split_inclusive('\n') {
            pattern.for_each_piece(line, |start, end| {
                cutter.cut(line_start + start, line_start + end, |piece| self.add(piece, 1));
            });
            line_start += line.len();
        }
    }

    /// Adds `count` occurrences of a piece.
    #[inline]
    pub fn add(&mut self, piece: &[u8], count: u64) {
        if self.entries.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let hash = hash(piece);
        let (tag, mask) = (hash & !INDEX, self.slots.len() - 1);
        let mut slot = hash as usize & mask;
        loop {
            let found = self.slots[slot];
            if found == 0 {
                self.insert(slot, tag, piece, count);
                return;
            }
            if found & !INDEX == tag {
                let entry = &mut self.entries[(found & INDEX) as usize - 1];
                if self.arena[entry.start..entry.start + entry.length as usize] == *piece {
                    entry.count = entry.count.saturating_add(count);
                    return;
                }
            }
            slot = (slot + 1) & mask;
        }
    }

    fn insert(&mut self, slot: usize, tag: u64, piece: &[u8], count: u64) {
        self.entries.push(Entry { start: self.arena.len(), length: piece.len() as u32, count });
        self.arena.extend_from_slice(piece);
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

    /// Number of unique pieces.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Nothing counted yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of all unique pieces.
    pub fn piece_bytes(&self) -> usize {
        self.arena.len()
    }

    /// Bytes of memory held.
    pub fn memory(&self) -> usize {
        self.arena.capacity() + self.entries.capacity() * size_of::<Entry>() + self.slots.capacity() * size_of::<u64>()
    }

    /// Pieces and counts by ascending bytes.
    pub fn by_bytes(&self) -> Vec<(&[u8], u64)> {
        let mut pieces = self.pieces();
        pieces.sort_unstable();
        pieces
    }

    /// Pieces and counts by falling count, then ascending bytes.
    pub fn by_count(&self) -> Vec<(&[u8], u64)> {
        let mut pieces = self.pieces();
        pieces.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        pieces
    }

    fn pieces(&self) -> Vec<(&[u8], u64)> {
        self.entries.iter().map(|entry| (&self.arena[entry.start..entry.start + entry.length as usize], entry.count)).collect()
    }
}

/// A 64-bit hash by folded multiplication of 8-byte words. It never leaves the process: order comes from sorting.
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

/// Cuts pieces of the pattern further; the pieces must come in the order of the text.
struct Cutter<'a> {
    text: &'a str,
    classes: Classes,
    cuts: Cuts<'a>,
    /// The first morpheme that may end inside the next piece.
    next: usize,
}

impl Cutter<'_> {
    #[inline]
    fn cut(&mut self, start: usize, end: usize, mut piece: impl FnMut(&[u8])) {
        let bytes = self.text.as_bytes();
        let mut from = start;
        match self.cuts {
            Cuts::None => {}
            Cuts::Scripts => self.scripts(start, end, |cut| {
                piece(&bytes[from..cut]);
                from = cut;
            }),
            Cuts::Morphemes(ends) => {
                while let Some(cut) = ends.get(self.next).map(|&cut| cut as usize).filter(|&cut| cut < end) {
                    self.next += 1;
                    if cut > from && self.is_cut(cut) {
                        piece(&bytes[from..cut]);
                        from = cut;
                    }
                }
            }
        }
        piece(&bytes[from..end]);
    }

    /// Is `cut` between two characters and not behind white space?
    #[inline]
    fn is_cut(&self, cut: usize) -> bool {
        let before = self.text.get(..cut).and_then(|before| before.chars().next_back());
        before.is_some_and(|c| self.classes.of(u32::from(c)) & SPACE == 0)
    }

    /// Calls `cut` where the script changes between `start` and `end`.
    fn scripts(&self, start: usize, end: usize, mut cut: impl FnMut(usize)) {
        let bytes = self.text.as_bytes();
        let (mut at, mut current) = (start, Script::Any);
        while at < end {
            let (code_point, next) = decode(bytes, at);
            let script = Script::of(code_point, self.classes.of(code_point));
            if script != Script::Any {
                if current != Script::Any && current != script {
                    cut(at);
                }
                current = script;
            }
            at = next;
        }
    }
}

/// Script of a character as far as tokens care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    /// Goes with what stands before it (marks, the prolonged sound mark) or after it (white space at the start).
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
            _ if class & (MARK | SPACE) != 0 => Self::Any,
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

    fn pieces_of(text: &str, pattern: Pattern, cuts: Cuts<'_>) -> Vec<String> {
        let mut cutter = Cutter { text, classes: Classes::get(), cuts, next: 0 };
        let mut pieces = Vec::new();
        pattern.for_each_piece(text, |start, end| {
            cutter.cut(start, end, |piece| pieces.push(String::from_utf8(piece.to_vec()).unwrap()));
        });
        pieces
    }

    fn ends(words: &[&str]) -> Vec<u32> {
        words.iter().scan(0, |end, word| Some(std::mem::replace(end, *end + word.len() as u32) + word.len() as u32)).collect()
    }

    #[test]
    fn morphemes_refine_the_pattern() {
        let words = ["東京", "・", "大阪", "で", " ", "the", " ", "Tシャツ", "を", "買い", "まし", "た", "。", "\n"];
        assert_eq!(
            pieces_of(&words.concat(), Pattern::DeepseekV3, Cuts::Morphemes(&ends(&words))),
            ["東京", "・", "大阪", "で", " the", " T", "シャツ", "を", "買い", "まし", "た", "。", "\n"],
        );
    }

    #[test]
    fn scripts_cut_runs_but_not_marks() {
        assert_eq!(pieces_of("お知らせメール々〆ー", Pattern::DeepseekV3, Cuts::Scripts), ["お", "知", "らせ", "メール", "々〆", "ー"]);
        assert_eq!(pieces_of("か\u{3099}カ\u{3099}", Pattern::None, Cuts::Scripts), ["か\u{3099}", "カ\u{3099}"]);
        assert_eq!(pieces_of("日本 Rust12", Pattern::Gpt2, Cuts::Scripts), ["日本", " Rust", "12"]);
    }

    /// Ends that are not those of this text cut nothing apart.
    #[test]
    fn foreign_ends_do_no_harm() {
        assert_eq!(pieces_of("あい", Pattern::None, Cuts::Morphemes(&[1, 2, 3, 2, 9])), ["あ", "い"]);
    }

    #[test]
    fn a_document_is_counted_line_by_line() {
        let mut counter = Counter::default();
        counter.add_document("あ\n\n\nあ", Pattern::DeepseekV3, Cuts::None);
        assert_eq!(counter.by_count(), [("\n".as_bytes(), 3), ("あ".as_bytes(), 2)]);
    }

    proptest! {
        #[test]
        fn pieces_tile_and_sums_commute(
            texts in proptest::collection::vec("[あいア漢a1 。\\n]{0,30}", 0..6),
            ends in proptest::collection::vec(0_u32..90, 0..20),
        ) {
            let mut ends = ends;
            ends.sort_unstable();
            let (mut whole, mut parts) = (Counter::default(), Counter::default());
            let mut expected: BTreeMap<String, u64> = BTreeMap::new();
            for (i, text) in texts.iter().enumerate() {
                let cuts = [Cuts::Morphemes(&ends), Cuts::Scripts, Cuts::None][i % 3];
                prop_assert_eq!(&pieces_of(text, Pattern::DeepseekV3, cuts).concat(), text);
                whole.add_document(text, Pattern::DeepseekV3, cuts);
                let mut part = Counter::default();
                part.add_document(text, Pattern::DeepseekV3, cuts);
                for (piece, count) in part.by_bytes() {
                    parts.add(piece, count);
                    *expected.entry(String::from_utf8(piece.to_vec()).unwrap()).or_default() += count;
                }
            }
            prop_assert_eq!(whole.by_bytes(), parts.by_bytes());
            let expected: Vec<(&[u8], u64)> = expected.iter().map(|(piece, count)| (piece.as_bytes(), *count)).collect();
            prop_assert_eq!(parts.by_bytes(), expected);
        }

        #[test]
        fn the_table_equals_a_map(pieces in proptest::collection::vec(("[a-c]{0,20}", 0_u64..9), 0..3000)) {
            let mut counter = Counter::default();
            let mut expected: BTreeMap<&[u8], u64> = BTreeMap::new();
            for (piece, count) in &pieces {
                counter.add(piece.as_bytes(), *count);
                *expected.entry(piece.as_bytes()).or_default() += count;
            }
            prop_assert_eq!(counter.by_bytes(), expected.into_iter().collect::<Vec<_>>());
        }
    }
}
