//! The published pre-tokeniser patterns, as hand-written scanners.
//!
//! A pattern cuts a text into pre-tokens; no merge ever crosses the end of one. The pre-tokens equal those of the published
//! regular expressions as Hugging Face tokenizers applies them (behaviour *Isolated*: each match is a pre-token, and so is what
//! lies between two matches). The three expressions of DeepSeek-V3 are applied one after the other, each to all strings that the
//! one before made: the first cuts out numbers of up to three digits, the second runs of kana and kanji, the third cuts each of
//! the strings that are left. cl100k and o200k are OpenAI's, each one expression. All scanners take time linear in the length of
//! the text.

use crate::bpe::class::{BREAK, CASED, CJK, COMBINING_MARK, Classes, LETTER, NUMBER, SPACE, SYMBOL, is_lower};

/// A published pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// DeepSeek-V3: numbers by up to three, runs of kana and kanji, then words, punctuation and white space.
    DeepseekV3,
    /// GPT-2: words, numbers and the rest, each with a leading space.
    Gpt2,
    /// cl100k: words with the one character before them that is no letter, numbers by up to three, the rest.
    Cl100k,
    /// o200k: as cl100k, but a capital letter begins a word.
    O200k,
    /// No cut at all.
    None,
}

/// A pattern that cuts text into pre-tokens before byte-pair encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pattern {
    /// Whose it is.
    pub published: Published,
    /// Is every digit a pre-token of its own?
    ///
    /// In cl100k, o200k and DeepSeek-V3 this is their expression for numbers, without "up to three"; before GPT-2 and before no pattern
    /// numbers are cut out first, and what lies between two of them is cut for itself.
    pub single_digits: bool,
}

impl Pattern {
    /// DeepSeek-V3 as published.
    pub const DEEPSEEK_V3: Self = Self::of(Published::DeepseekV3);
    /// GPT-2 as published.
    pub const GPT2: Self = Self::of(Published::Gpt2);
    /// cl100k as published.
    pub const CL100K: Self = Self::of(Published::Cl100k);
    /// o200k as published.
    pub const O200K: Self = Self::of(Published::O200k);
    /// No cut at all.
    pub const NONE: Self = Self::of(Published::None);

    const fn of(published: Published) -> Self {
        Self { published, single_digits: false }
    }

    /// The same with every digit a pre-token of its own.
    #[must_use]
    pub const fn with_single_digits(self) -> Self {
        Self { single_digits: true, ..self }
    }

    /// Calls `visit(start, end)` (bytes) with each pre-token of `text`, in order; the pre-tokens tile the text.
    #[inline]
    pub fn for_each_pre_token(self, text: &str, visit: impl FnMut(usize, usize)) {
        let scan = Scan { classes: Classes::get(), text: text.as_bytes() };
        let more = if self.single_digits { 0 } else { 2 };
        match self.published {
            Published::DeepseekV3 => scan.tile(|start| scan.deepseek(start, more), visit),
            Published::Cl100k => scan.tile(|start| scan.cl100k(start, more), visit),
            Published::O200k => scan.tile(|start| scan.o200k(start, more), visit),
            Published::Gpt2 if self.single_digits => scan.tile_between_numbers(Self::gpt2_end, visit),
            Published::None if self.single_digits => scan.tile_between_numbers(|part, _| part.text.len(), visit),
            Published::Gpt2 => scan.tile(|start| scan.gpt2(start), visit),
            Published::None => scan.tile(|_| text.len(), visit),
        }
    }

    fn gpt2_end(part: Scan<'_>, start: usize) -> usize {
        part.gpt2(start)
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

    /// Each number alone; what lies between two of them is cut by `end_of`, which sees nothing else.
    fn tile_between_numbers(self, end_of: impl Fn(Self, usize) -> usize, mut visit: impl FnMut(usize, usize)) {
        let mut start = 0;
        while start < self.text.len() {
            let (class, next) = self.classes.at(self.text, start);
            let end = if class & NUMBER == 0 { self.run_without(next, NUMBER) } else { next };
            let part = Self { text: &self.text[..end], ..self };
            while start < end {
                let cut = if class & NUMBER == 0 { end_of(part, start) } else { end };
                visit(start, cut);
                start = cut;
            }
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
    fn deepseek(self, start: usize, more_numbers: usize) -> usize {
        let (class, next) = self.classes.at(self.text, start);
        if class & NUMBER != 0 {
            return self.numbers(next, more_numbers);
        }
        // The third expression is applied inside a run of kana and kanji, or inside what lies between such runs and numbers.
        Region { scan: self, home: class & CJK }.pre_token_end(start, class, next)
    }

    /// End of a number of which `at` is the end of the first digit, and that has up to so many more.
    fn numbers(self, mut at: usize, more: usize) -> usize {
        for _ in 0..more {
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

    /// End of the cl100k pre-token that starts at `start`:
    /// ``(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+``.
    #[inline]
    fn cl100k(self, start: usize, more_numbers: usize) -> usize {
        if let Some(end) = self.any_english_suffix(start) {
            return end;
        }
        let (class, next) = self.classes.at(self.text, start);
        if class & LETTER != 0 {
            return self.run(next, LETTER);
        }
        if class & (NUMBER | BREAK) == 0 && self.follows(next, LETTER) {
            return self.run(next, LETTER);
        }
        if class & NUMBER != 0 {
            return self.numbers(next, more_numbers);
        }
        self.signs_or_white_space(start, class, next, false)
    }

    /// End of the o200k pre-token that starts at `start`. Of a word, `U*L+` is tried before `U+L*`, where U is any letter but a lower-case
    /// one, or a mark, and L any but a capital one, or a mark; each with one character before it that is no letter, and then without; an
    /// English suffix may end it. The rest is cl100k, but that slashes belong to the line ends behind signs.
    #[inline]
    fn o200k(self, start: usize, more_numbers: usize) -> usize {
        let (class, next) = self.classes.at(self.text, start);
        let has_prefix = class & (LETTER | NUMBER | BREAK) == 0;
        let word = has_prefix
            .then(|| self.capitals_then_word(next))
            .flatten()
            .or_else(|| self.capitals_then_word(start))
            .or_else(|| has_prefix.then(|| self.capitals(next)).flatten())
            .or_else(|| self.capitals(start));
        if let Some(end) = word {
            return self.any_english_suffix(end).unwrap_or(end);
        }
        if class & NUMBER != 0 {
            return self.numbers(next, more_numbers);
        }
        self.signs_or_white_space(start, class, next, true)
    }

    /// `U*L+`: the capitals give back letters until one is also an L; what follows that one was no L, or they would have stopped before it.
    fn capitals_then_word(self, start: usize) -> Option<usize> {
        let (mut at, mut behind_last_of_both) = (start, None);
        while let Some((in_capitals, in_word, next)) = self.letter(at) {
            if !in_capitals {
                return Some(self.word_run(next));
            }
            if in_word {
                behind_last_of_both = Some(next);
            }
            at = next;
        }
        behind_last_of_both
    }

    /// `L*` behind an L.
    fn word_run(self, mut at: usize) -> usize {
        while let Some((_, true, next)) = self.letter(at) {
            at = next;
        }
        at
    }

    /// `U+L*`, where `U*L+` does not match: capital letters alone.
    fn capitals(self, start: usize) -> Option<usize> {
        let mut at = start;
        while let Some((true, _, next)) = self.letter(at) {
            at = next;
        }
        (at > start).then_some(at)
    }

    /// Is there a letter or mark at `at`, may it stand among capitals, may it stand in the rest of a word, and where does it end?
    #[inline]
    fn letter(self, at: usize) -> Option<(bool, bool, usize)> {
        if at >= self.text.len() {
            return None;
        }
        let (class, next) = self.classes.at(self.text, at);
        if class & (LETTER | COMBINING_MARK) == 0 {
            return None;
        }
        if class & CASED == 0 {
            return Some((true, true, next));
        }
        let lower = is_lower(self.text, at);
        Some((!lower, lower, next))
    }

    #[inline]
    fn follows(self, at: usize, any: u8) -> bool {
        at < self.text.len() && self.classes.at(self.text, at).0 & any != 0
    }

    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)`. The long s is an s where case does not count.
    fn any_english_suffix(self, start: usize) -> Option<usize> {
        let [b'\'', rest @ ..] = self.text.get(start..)? else { return None };
        match rest {
            [b's' | b'S' | b't' | b'T' | b'm' | b'M' | b'd' | b'D', ..] => Some(start + 2),
            [b'r' | b'R' | b'v' | b'V', b'e' | b'E', ..] | [b'l' | b'L', b'l' | b'L', ..] | [0xC5, 0xBF, ..] => Some(start + 3),
            _ => None,
        }
    }

    /// `` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+``; with `slashes`, `[\r\n/]*`.
    #[inline]
    fn signs_or_white_space(self, start: usize, class: u8, next: usize, slashes: bool) -> usize {
        const NO_SIGN: u8 = SPACE | LETTER | NUMBER;
        let first = if self.text[start] == b' ' { next } else { start };
        let is_sign = |at: usize| at < self.text.len() && !self.follows(at, NO_SIGN);
        if is_sign(first) {
            let mut at = self.run_without(first, NO_SIGN);
            while self.text.get(at).is_some_and(|byte| matches!(byte, b'\r' | b'\n') || slashes && *byte == b'/') {
                at += 1;
            }
            return at;
        }
        debug_assert!(class & SPACE != 0, "letters and numbers were taken before");
        let end = self.run(start, SPACE);
        match self.text[start..end].iter().rposition(|byte| matches!(byte, b'\r' | b'\n')) {
            Some(last_break) => start + last_break + 1,
            None => self.white_space(start),
        }
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

    /// The names in `golden/pattern.jsonl`.
    const PATTERNS: [(&str, Pattern); 9] = [
        ("deepseek-v3", Pattern::DEEPSEEK_V3),
        ("gpt2", Pattern::GPT2),
        ("cl100k", Pattern::CL100K),
        ("o200k", Pattern::O200K),
        ("deepseek-v3 single", Pattern::DEEPSEEK_V3.with_single_digits()),
        ("gpt2 single", Pattern::GPT2.with_single_digits()),
        ("cl100k single", Pattern::CL100K.with_single_digits()),
        ("o200k single", Pattern::O200K.with_single_digits()),
        ("none single", Pattern::NONE.with_single_digits()),
    ];

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
            pre_tokens(Pattern::DEEPSEEK_V3, "令和8年、東京・大阪で Tシャツを12345枚\n"),
            ["令和", "8", "年", "、", "東京", "・", "大阪で", " T", "シャツを", "123", "45", "枚", "\n"],
        );
        assert_eq!(pre_tokens(Pattern::GPT2, "It's 東京々です。 2026"), ["It", "'s", " 東京々です", "。", " 2026"]);
        assert_eq!(pre_tokens(Pattern::NONE, "a b"), ["a b"]);
    }

    /// The look-ahead of the third expression ends where the string of the second one ends.
    #[test]
    fn white_space_before_kanji_is_not_left_behind() {
        assert_eq!(pre_tokens(Pattern::DEEPSEEK_V3, "a  字  b"), ["a", "  ", "字", " ", " b"]);
    }

    /// Recorded from tokenizers 0.23.3: 27 chosen strings and 400 random ones.
    #[test]
    fn pre_tokens_equal_the_recorded_ones() {
        for line in include_str!("golden/pattern.jsonl").lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = row["text"].as_str().unwrap();
            for (name, pattern) in PATTERNS {
                assert_eq!(serde_json::json!(ends(pattern, text)), row[name], "{name} {text:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn pre_tokens_tile_the_text(text in "(\\PC|[ \\t\\r\\n0-9あア漢。\u{3097}\u{200d}])*") {
            for pattern in PATTERNS.map(|(_, pattern)| pattern).into_iter().chain([Pattern::NONE]) {
                prop_assert_eq!(pre_tokens(pattern, &text).concat(), text.as_str());
                prop_assert!(pre_tokens(pattern, &text).iter().all(|pre_token| !pre_token.is_empty()));
            }
        }
    }

    #[test]
    fn a_megabyte_without_a_break_is_linear() {
        for repeated in ["あ", "\u{301}", " ", "\n", "\u{200b}", "1", "(", "a\u{200b}", "A", "Aa", "あA", "'S", "(\r/", " \r", "a1"] {
            let text = repeated.repeat(1 << 18);
            for (_, pattern) in PATTERNS {
                assert_eq!(ends(pattern, &text).last(), Some(&text.len()));
            }
        }
    }
}
