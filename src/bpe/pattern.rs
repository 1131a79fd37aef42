//! The published pre-tokeniser patterns, as hand-written scanners.
//!
//! A pattern cuts a text into pre-tokens; no merge ever crosses the end of one. The pre-tokens equal those of the published
//! regular expressions as Hugging Face tokenizers applies them (behaviour *Isolated*: each match is a pre-token, and so is what
//! lies between two matches). The three expressions of DeepSeek-V3 are applied one after the other, each to all strings that the
//! one before made: the first cuts out numbers of up to three digits, the second runs of kana and kanji, the third cuts each of
//! the strings that are left. All scanners take time linear in the length of the text.

use crate::bpe::class::{BREAK, CJK, COMBINING_MARK, Classes, LETTER, NUMBER, SPACE, SYMBOL};

/// A pattern that is built. It cuts text into pre-tokens before byte-pair encoding.
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
    /// Calls `visit(start, end)` (bytes) with each pre-token of `text`, in order; the pre-tokens tile the text.
    #[inline]
    pub fn for_each_pre_token(self, text: &str, visit: impl FnMut(usize, usize)) {
        let scan = Scan { classes: Classes::get(), text: text.as_bytes() };
        match self {
            Self::DeepseekV3 => scan.tile(|start| scan.deepseek(start), visit),
            Self::Gpt2 => scan.tile(|start| scan.gpt2(start), visit),
            Self::None => scan.tile(|_| text.len(), visit),
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
    fn tile(self, end_of: impl Fn(usize) -> usize, mut visit: impl FnMut(usize, usize)) {
        let mut start = 0;
        while start < self.text.len() {
            let end = end_of(start);
            visit(start, end);
            start = end;
        }
    }

    /// End of the run of characters from `at` on that each have one of the classes `any`.
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

    /// End of the DeepSeek-V3 pre-token that starts at `start`.
    #[inline]
    fn deepseek(self, start: usize) -> usize {
        let (class, next) = self.classes.at(self.text, start);
        if class & NUMBER != 0 {
            return self.up_to_two_more_numbers(next);
        }
        // The third expression is applied inside a run of kana and kanji, or inside what lies between such runs and numbers.
        Region { scan: self, home: class & CJK }.pre_token_end(start, class, next)
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

    /// End of the GPT-2 pre-token that starts at `start`:
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

    /// `\s+(?!\S)|\s+`: a run of two or more white-space characters leaves its last one to what follows.
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

/// A string that the first two DeepSeek expressions made: characters whose `CJK` and `NUMBER` classes equal `home`, up to the
/// first one for which they do not. The third expression does not see what lies behind it, not even by its look-ahead.
#[derive(Clone, Copy)]
struct Region<'t> {
    scan: Scan<'t>,
    home: u8,
}

impl Region<'_> {
    /// Class and end of the character at `at`, if it belongs to the region.
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

    /// End of the pre-token that starts at `start` with a character of `class` that ends at `next`. The alternatives of the
    /// expression in their order: `[!-/:-@\[-`{-~][A-Za-z]+`, ``[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+``,
    /// ` ?[\p{P}\p{S}]+[\r\n]*`, `\s*[\r\n]+`, `\s+(?!\S)`, `\s+`; else characters that nothing matches.
    #[inline]
    fn pre_token_end(self, start: usize, class: u8, next: usize) -> usize {
        const WORD: u8 = LETTER | COMBINING_MARK;
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
        if class & SPACE != 0 { self.white_space(start) } else { self.unmatched(next) }
    }

    fn symbols(self, at: usize) -> usize {
        self.run(self.run(at, SYMBOL), BREAK)
    }

    /// White space up to its last line break; if it has none, as [`Scan::white_space`], but inside the region.
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

    /// Characters that nothing matches (controls, format characters, unassigned ones) up to the next match; if a word follows,
    /// the last of them belongs to the word.
    fn unmatched(self, mut at: usize) -> usize {
        while let Some((class, next)) = self.peek(at) {
            if class & (LETTER | COMBINING_MARK | SYMBOL | SPACE) != 0 || self.follows(next, LETTER | COMBINING_MARK) {
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
        pattern.for_each_pre_token(text, |_, end| ends.push(end));
        ends
    }

    fn pre_tokens(pattern: Pattern, text: &str) -> Vec<&str> {
        let mut pre_tokens = Vec::new();
        pattern.for_each_pre_token(text, |start, end| pre_tokens.push(text.get(start..end).unwrap()));
        pre_tokens
    }

    #[test]
    fn a_sentence_reads_as_published() {
        assert_eq!(
            pre_tokens(Pattern::DeepseekV3, "令和8年、東京・大阪で Tシャツを12345枚\n"),
            ["令和", "8", "年", "、", "東京", "・", "大阪で", " T", "シャツを", "123", "45", "枚", "\n"],
        );
        assert_eq!(pre_tokens(Pattern::Gpt2, "It's 東京々です。 2026"), ["It", "'s", " 東京々です", "。", " 2026"]);
        assert_eq!(pre_tokens(Pattern::None, "a b"), ["a b"]);
    }

    /// The look-ahead of the third expression ends where the string of the second one ends.
    #[test]
    fn white_space_before_kanji_is_not_left_behind() {
        assert_eq!(pre_tokens(Pattern::DeepseekV3, "a  字  b"), ["a", "  ", "字", " ", " b"]);
    }

    /// Recorded from tokenizers 0.23.3: 27 chosen strings and 400 random ones.
    #[test]
    fn pre_tokens_equal_the_recorded_ones() {
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
        fn pre_tokens_tile_the_text(text in "(\\PC|[ \\t\\r\\n0-9あア漢。\u{3097}\u{200d}])*") {
            for pattern in [Pattern::DeepseekV3, Pattern::Gpt2, Pattern::None] {
                prop_assert_eq!(pre_tokens(pattern, &text).concat(), text.as_str());
                prop_assert!(pre_tokens(pattern, &text).iter().all(|pre_token| !pre_token.is_empty()));
            }
        }
    }

    #[test]
    fn a_megabyte_without_a_break_is_linear() {
        for repeated in ["あ", "\u{301}", " ", "\n", "\u{200b}", "1", "(", "a\u{200b}"] {
            let text = repeated.repeat(1 << 18);
            for pattern in [Pattern::DeepseekV3, Pattern::Gpt2] {
                assert_eq!(ends(pattern, &text).last(), Some(&text.len()));
            }
        }
    }
}
