//! The published pre-tokeniser patterns, as hand-written scanners.
//!
//! A pattern cuts a text into pieces; no merge ever crosses a piece. The pieces equal those of the regular expressions
//! as Hugging Face tokenizers applies them (behaviour Isolated: what matches is a piece, what lies between two matches
//! is one too). DeepSeek-V3's three expressions are applied one after the other, each to every piece of the one before:
//! numbers by up to three, then runs of kana and kanji, then the third inside each of those pieces.
//! All scanners are linear in the length of the text.

use crate::bpe::class::{BREAK, CJK, Classes, LETTER, MARK, NUMBER, SPACE, SYMBOL};

/// A pattern that is built: what cuts text before byte-pair encoding at inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// DeepSeek-V3: numbers by up to three, runs of kana and kanji, then words, punctuation and white space.
    DeepseekV3,
    /// GPT-2: words, numbers and the rest, each with a leading space.
    Gpt2,
    /// No cut at all.
    None,
}

impl Pattern {
    /// Calls `piece(start, end)` (bytes) for each piece of `text`, in order; the pieces tile the text.
    #[inline]
    pub fn for_each_piece(self, text: &str, piece: impl FnMut(usize, usize)) {
        let scan = Scan { classes: Classes::get(), text: text.as_bytes() };
        match self {
            Self::DeepseekV3 => scan.tile(|start| scan.deepseek(start), piece),
            Self::Gpt2 => scan.tile(|start| scan.gpt2(start), piece),
            Self::None => scan.tile(|_| text.len(), piece),
        }
    }
}

#[derive(Clone, Copy)]
struct Scan<'t> {
    classes: Classes,
    text: &'t [u8],
}

impl Scan<'_> {
    #[inline]
    fn tile(self, end_of: impl Fn(usize) -> usize, mut piece: impl FnMut(usize, usize)) {
        let mut start = 0;
        while start < self.text.len() {
            let end = end_of(start);
            piece(start, end);
            start = end;
        }
    }

    /// End of the run of characters from `at` on that have one of the classes `any`.
    #[inline]
    fn run(self, mut at: usize, any: u8) -> usize {
        while at < self.text.len() {
            let (class, next) = self.classes.at(self.text, at);
            if class & any == 0 {
                break;
            }
            at = next;
        }
        at
    }

    /// End of the DeepSeek-V3 piece that starts at `start`.
    #[inline]
    fn deepseek(self, start: usize) -> usize {
        let (class, next) = self.classes.at(self.text, start);
        if class & NUMBER != 0 {
            return self.up_to_two_more_numbers(next);
        }
        // The third split runs inside the kana and kanji run, or inside what lies between such runs and numbers.
        Region { scan: self, home: class & CJK }.piece_end(start, class, next)
    }

    fn up_to_two_more_numbers(self, mut at: usize) -> usize {
        for _ in 0..2 {
            match self.text.get(at).map(|_| self.classes.at(self.text, at)) {
                Some((class, next)) if class & NUMBER != 0 => at = next,
                _ => break,
            }
        }
        at
    }

    /// End of the GPT-2 piece that starts at `start`:
    /// `'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
    #[inline]
    fn gpt2(self, start: usize) -> usize {
        if let Some(end) = self.english_suffix(start) {
            return end;
        }
        let blank = usize::from(self.text[start] == b' ');
        let at = start + blank;
        if at < self.text.len() {
            let (class, next) = self.classes.at(self.text, at);
            if class & SPACE == 0 {
                return match class & (LETTER | NUMBER) {
                    0 => self.run_without(next, SPACE | LETTER | NUMBER),
                    kind => self.run(next, kind),
                };
            }
        }
        self.white_space(start)
    }

    fn english_suffix(self, start: usize) -> Option<usize> {
        match self.text.get(start..)? {
            [b'\'', b's' | b'd' | b'm' | b't', ..] => Some(start + 2),
            [b'\'', b'l', b'l', ..] | [b'\'', b'v' | b'r', b'e', ..] => Some(start + 3),
            _ => None,
        }
    }

    #[inline]
    fn run_without(self, mut at: usize, none: u8) -> usize {
        while at < self.text.len() {
            let (class, next) = self.classes.at(self.text, at);
            if class & none != 0 {
                break;
            }
            at = next;
        }
        at
    }

    /// `\s+(?!\S)|\s+`: a run of white space leaves its last character to what follows, if it has two or more.
    fn white_space(self, start: usize) -> usize {
        let (mut at, mut last) = (start, start);
        while at < self.text.len() {
            let (class, next) = self.classes.at(self.text, at);
            if class & SPACE == 0 {
                return if last > start { last } else { at };
            }
            (last, at) = (at, next);
        }
        at
    }
}

/// A piece of the first two DeepSeek splits, open at its right end: the characters whose `CJK` and `NUMBER` classes
/// equal `home`. What lies behind it does not exist for the third split, not even for its look-ahead.
#[derive(Clone, Copy)]
struct Region<'t> {
    scan: Scan<'t>,
    home: u8,
}

impl Region<'_> {
    /// The character at `at`, if the region reaches that far.
    #[inline]
    fn peek(self, at: usize) -> Option<(u8, usize)> {
        if at >= self.scan.text.len() {
            return None;
        }
        let (class, next) = self.scan.classes.at(self.scan.text, at);
        (class & (CJK | NUMBER) == self.home).then_some((class, next))
    }

    #[inline]
    fn run(self, mut at: usize, any: u8) -> usize {
        while let Some((class, next)) = self.peek(at) {
            if class & any == 0 {
                break;
            }
            at = next;
        }
        at
    }

    #[inline]
    fn follows(self, at: usize, any: u8) -> bool {
        self.peek(at).is_some_and(|(class, _)| class & any != 0)
    }

    /// End of the piece that starts at `start` with a character of `class` that ends at `next`. The alternatives of the
    /// expression in their order: `[!-/:-@\[-`{-~][A-Za-z]+`, ``[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+``,
    /// ` ?[\p{P}\p{S}]+[\r\n]*`, `\s*[\r\n]+`, `\s+(?!\S)`, `\s+`; else a gap.
    #[inline]
    fn piece_end(self, start: usize, class: u8, next: usize) -> usize {
        const WORD: u8 = LETTER | MARK;
        if class & WORD != 0 {
            return self.run(next, WORD);
        }
        if class & SYMBOL != 0 {
            let text = self.scan.text;
            if text[start].is_ascii_punctuation() && text.get(next).is_some_and(u8::is_ascii_alphabetic) {
                return next + text[next..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
            }
            return self.symbols(next);
        }
        if class & BREAK == 0 && self.follows(next, WORD) {
            return self.run(next, WORD);
        }
        if self.scan.text[start] == b' ' && self.follows(next, SYMBOL) {
            return self.symbols(next);
        }
        if class & SPACE != 0 { self.white_space(start) } else { self.gap(next) }
    }

    fn symbols(self, at: usize) -> usize {
        self.run(self.run(at, SYMBOL), BREAK)
    }

    /// White space up to its last line break; without one, as [`Scan::white_space`] inside the region.
    fn white_space(self, start: usize) -> usize {
        let (mut at, mut last, mut after_break) = (start, start, None);
        let mut reaches_end = true;
        while let Some((class, next)) = self.peek(at) {
            if class & SPACE == 0 {
                reaches_end = false;
                break;
            }
            if class & BREAK != 0 {
                after_break = Some(next);
            }
            (last, at) = (at, next);
        }
        after_break.unwrap_or(if reaches_end || last == start { at } else { last })
    }

    /// Characters that nothing matches (controls, format characters, unassigned ones) up to the next match; the last of
    /// them belongs to a word that follows.
    fn gap(self, mut at: usize) -> usize {
        while let Some((class, next)) = self.peek(at) {
            if class & (LETTER | MARK | SYMBOL | SPACE) != 0 || self.follows(next, LETTER | MARK) {
                break;
            }
            at = next;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ends(pattern: Pattern, text: &str) -> Vec<usize> {
        let mut ends = Vec::new();
        pattern.for_each_piece(text, |_, end| ends.push(end));
        ends
    }

    fn pieces(pattern: Pattern, text: &str) -> Vec<&str> {
        let mut pieces = Vec::new();
        pattern.for_each_piece(text, |start, end| pieces.push(text.get(start..end).unwrap()));
        pieces
    }

    #[test]
    fn a_sentence_reads_as_published() {
        assert_eq!(
            pieces(Pattern::DeepseekV3, "令和8年、東京・大阪で Tシャツを12345枚\n"),
            ["令和", "8", "年", "、", "東京", "・", "大阪で", " T", "シャツを", "123", "45", "枚", "\n"],
        );
        assert_eq!(pieces(Pattern::Gpt2, "It's 東京々です。 2026"), ["It", "'s", " 東京々です", "。", " 2026"]);
        assert_eq!(pieces(Pattern::None, "a b"), ["a b"]);
    }

    /// The look-ahead of the third split ends at the piece of the second one.
    #[test]
    fn white_space_before_kanji_is_not_left_behind() {
        assert_eq!(pieces(Pattern::DeepseekV3, "a  字  b"), ["a", "  ", "字", " ", " b"]);
    }

    /// Recorded from tokenizers 0.23.3: 27 chosen strings and 400 random ones.
    #[test]
    fn pieces_equal_the_recorded_ones() {
        for line in include_str!("golden/pattern.jsonl").lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = row["text"].as_str().unwrap();
            for (name, pattern) in [("deepseek-v3", Pattern::DeepseekV3), ("gpt2", Pattern::Gpt2)] {
                assert_eq!(serde_json::json!(ends(pattern, text)), row[name], "{name} {text:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn pieces_tile_the_text(text in "(\\PC|[ \\t\\r\\n0-9あア漢。\u{3097}\u{200d}])*") {
            for pattern in [Pattern::DeepseekV3, Pattern::Gpt2, Pattern::None] {
                prop_assert_eq!(pieces(pattern, &text).concat(), text.as_str());
                prop_assert!(pieces(pattern, &text).iter().all(|piece| !piece.is_empty()));
            }
        }
    }

    #[test]
    fn a_megabyte_without_a_break_is_linear() {
        for unit in ["あ", "\u{301}", " ", "\n", "\u{200b}", "1", "(", "a\u{200b}"] {
            let text = unit.repeat(1 << 18);
            for pattern in [Pattern::DeepseekV3, Pattern::Gpt2] {
                assert_eq!(ends(pattern, &text).last(), Some(&text.len()));
            }
        }
    }
}
