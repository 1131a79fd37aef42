//! Sentence ends: every room uses this splitter. The ends tile the text.
//!
//! A sentence ends at 。．！？!?｡ and at every line end, together with the marks, closing brackets and spaces that follow
//! and the line end itself. Blank lines belong to the sentence before them, at the start of the text to the first one.
//! Inside a pair of 「」『』（） of one line, at most 300 characters apart, nothing ends; where a pair closes on a mark a
//! sentence ends unless a particle goes on (「はい。」と答えた。 is one sentence).

use arrow::array::Array;
use arrow::datatypes::UInt32Type;

use crate::error::Result;
use crate::schema::{SENTENCE_ENDS, TEXT};
use crate::stage::{Batch, Contract, ListBuilder, Stage, Worker, strings, with_column};

/// Enters fingerprints: raise it when the same text is split in another way.
pub const VERSION: u32 = 1;

/// A pair of brackets further apart than this (in characters) does not hold a sentence together: one of them is stray.
const PAIR_CHARS_MAX: usize = 300;

/// What follows a closing bracket when the sentence goes on.
const CONTINUATIONS: [&str; 12] = ["と", "って", "など", "や", "の", "が", "を", "は", "に", "で", "も", "、"];

/// Appends the byte ends of the sentences of `text`; the last end is the text's length. Linear time.
pub fn sentence_ends(text: &str, out: &mut Vec<u32>) {
    Splitter::default().sentence_ends(text, out);
}

/// The splitter with its scratch.
#[derive(Debug, Default)]
pub struct Splitter {
    /// Byte position of the closing bracket for each opening one of the line, in order; 0 if it has none.
    closes: Vec<usize>,
    /// Opening brackets still open: kind, index in `closes`, characters before it.
    open: Vec<(u8, usize, usize)>,
}

/// What was seen of the sentence being read.
#[derive(Debug)]
struct Sentence {
    previous: char,
    japanese: bool,
    space: bool,
}

impl Default for Sentence {
    fn default() -> Self {
        Self { previous: ' ', japanese: false, space: false }
    }
}

impl Sentence {
    fn see(&mut self, c: char) {
        self.previous = c;
        self.japanese |= c >= '\u{3040}';
        self.space |= c == ' ';
    }
}

impl Splitter {
    /// As [`sentence_ends`], reusing memory.
    pub fn sentence_ends(&mut self, text: &str, out: &mut Vec<u32>) {
        let first = out.len();
        let mut at = skip_blank_lines(text, 0);
        while at < text.len() {
            let end = memchr::memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |found| at + found);
            self.line(text, at, end, out);
            at = skip_blank_lines(text, (end + 1).min(text.len()));
            // A sentence that ended with its line takes the line end and the blank lines along.
            if out.len() > first && out.last().is_some_and(|last| *last as usize == end) {
                out.pop();
            }
            out.push(at as u32);
        }
        if out.len() == first && !text.is_empty() {
            out.push(text.len() as u32);
        }
    }

    /// The ends inside one line, `end` included only if a mark ends a sentence there.
    fn line(&mut self, text: &str, start: usize, end: usize, out: &mut Vec<u32>) {
        let line = text.get(start..end).unwrap_or("");
        self.match_brackets(line);
        let (mut at, mut brackets, mut held) = (0, 0, 0);
        let mut sentence = Sentence::default();
        while let Some(c) = line.get(at..).and_then(|rest| rest.chars().next()) {
            if opening(c).is_some() {
                held = held.max(self.closes[brackets]);
                brackets += 1;
            }
            let next = at + c.len_utf8();
            let rest = line.get(next..).unwrap_or("");
            let closes = closing(c).is_some();
            let mark = at >= held && if closes { is_mark(sentence.previous) } else { ends_at(c, rest, &sentence) };
            let (taken, ends) = if mark { tail(rest, closes) } else { (0, false) };
            at = next + taken;
            if ends {
                out.push((start + at) as u32);
                sentence = Sentence::default();
            } else {
                sentence.see(c);
            }
        }
    }

    /// Pairs the brackets of a line: a closing bracket closes the nearest open one of its kind, and what is open inside.
    fn match_brackets(&mut self, line: &str) {
        self.closes.clear();
        self.open.clear();
        let mut kinds = [0_usize; 4];
        for (count, (at, c)) in line.char_indices().enumerate() {
            if let Some(kind) = opening(c) {
                self.open.push((kind, self.closes.len(), count));
                self.closes.push(0);
                kinds[usize::from(kind)] += 1;
            } else if let Some(kind) = closing(c).filter(|kind| kinds[usize::from(*kind)] > 0) {
                while let Some((inner, index, opened)) = self.open.pop() {
                    kinds[usize::from(inner)] -= 1;
                    if inner == kind {
                        self.closes[index] = if count - opened <= PAIR_CHARS_MAX { at } else { 0 };
                        break;
                    }
                }
            }
        }
    }
}

/// Does a sentence end at `c`, outside brackets?
fn ends_at(c: char, rest: &str, sentence: &Sentence) -> bool {
    let (previous, next) = (sentence.previous, rest.chars().next());
    match c {
        '。' | '！' | '？' | '｡' => true,
        '．' => !(is_alphanumeric(previous) && next.is_some_and(is_alphanumeric)),
        // In code and addresses (a != b, /?q=1) these are no marks.
        '!' | '?' => !previous.is_ascii() || next.is_none_or(|n| !n.is_ascii_graphic() || matches!(n, '!' | '?' | ')' | ']' | '"' | '\'')),
        '.' => !sentence.japanese && sentence.space && ends_latin(rest),
        _ => false,
    }
}

/// After an ASCII full stop: nothing, or a space and no small letter (e.g. this).
fn ends_latin(rest: &str) -> bool {
    let after = rest.trim_start_matches(is_closer);
    after.is_empty() || after.starts_with(' ') && after.chars().take(8).find(|c| *c != ' ').is_none_or(|c| !c.is_lowercase())
}

/// Length of the marks and closing brackets after a mark, and of the spaces after them; and does the sentence end there?
fn tail(rest: &str, mut closed: bool) -> (usize, bool) {
    let mut length = 0;
    for c in rest.chars() {
        match c {
            _ if is_mark(c) => closed = false,
            _ if is_closer(c) => closed = true,
            _ => break,
        }
        length += c.len_utf8();
    }
    let after = rest.get(length..).unwrap_or("");
    if closed && CONTINUATIONS.iter().any(|word| after.starts_with(word)) {
        return (length, false);
    }
    (length + after.len() - after.trim_start_matches(is_space).len(), true)
}

/// The end of the blank lines that start at `at`.
fn skip_blank_lines(text: &str, mut at: usize) -> usize {
    let mut rest = text.get(at..).unwrap_or("");
    loop {
        let line = rest.trim_start_matches(is_space);
        match line.strip_prefix('\n') {
            Some(next) => {
                at += rest.len() - next.len();
                rest = next;
            }
            None if line.is_empty() => return text.len(),
            None => return at,
        }
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{3000}' | '\u{a0}' | '\r')
}

fn is_mark(c: char) -> bool {
    matches!(c, '。' | '．' | '！' | '？' | '!' | '?' | '｡' | '…' | '‥' | '‼' | '⁇' | '⁈' | '⁉')
}

fn is_closer(c: char) -> bool {
    matches!(c, '」' | '』' | '）' | ')' | '】' | '〉' | '》' | '〕' | '］' | '｝' | '”' | '’' | '"' | '｣')
}

fn is_alphanumeric(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ')
}

fn opening(c: char) -> Option<u8> {
    match c {
        '「' | '｢' => Some(0),
        '『' => Some(1),
        '（' => Some(2),
        '(' => Some(3),
        _ => None,
    }
}

fn closing(c: char) -> Option<u8> {
    match c {
        '」' | '｣' => Some(0),
        '』' => Some(1),
        '）' => Some(2),
        ')' => Some(3),
        _ => None,
    }
}

/// The stage: adds `sentence_ends`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sentences;

impl Stage for Sentences {
    fn name(&self) -> &'static str {
        "sentences"
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn contract(&self) -> Contract {
        Contract { reads: vec![TEXT], adds: vec![SENTENCE_ENDS] }
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(SentencesWorker::default())
    }
}

#[derive(Default)]
struct SentencesWorker {
    splitter: Splitter,
    ends: ListBuilder<UInt32Type>,
}

impl Worker for SentencesWorker {
    fn apply(&mut self, batch: Batch) -> Result<Batch> {
        let texts = strings(&batch, &TEXT)?;
        for row in 0..texts.len() {
            self.splitter.sentence_ends(texts.value(row), &mut self.ends.values);
            self.ends.end_row()?;
        }
        with_column(&batch, &SENTENCE_ENDS, self.ends.finish()?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &str) -> Vec<&str> {
        let mut ends = vec![text.len() as u32];
        sentence_ends(text, &mut ends);
        ends[1..]
            .iter()
            .scan(0, |start, end| {
                let sentence = text.get(*start..*end as usize);
                *start = *end as usize;
                sentence
            })
            .collect()
    }

    #[track_caller]
    fn check(cases: &[&str]) {
        for case in cases {
            let sentences: Vec<&str> = case.split('|').collect();
            assert_eq!(split(&case.replace('|', "")), sentences);
        }
    }

    #[test]
    fn marks_and_line_ends_end_sentences() {
        check(&[
            "今日は晴れ。|明日は雨！？|本当｡",
            "見出し\n|本文です。\n|次",
            "えっ！！？|まさか…。|そう…\n|はい",
            "です。　|次です。 \n|次の次",
        ]);
        check(&["\n", "　\n \n", "\n\n始め\n\n　\n|次\n\n"]);
    }

    #[test]
    fn nothing_ends_inside_a_pair_of_brackets() {
        check(
            &["「はい。」と答えた。|次", "「はい。」|彼は答えた。", "「はい。」|「いいえ。」|", "彼は「行く。帰る。」って言う。|次"]
                .map(|c| c.trim_end_matches('|')),
        );
        check(&["（注。）|次。", "『「え？」と彼。』|終わり。", "これは（例。例。）です。|次。", "「はい」。|次"]);
    }

    #[test]
    fn stray_brackets_hold_nothing() {
        check(&["「開いたまま。|次の文。\n|次。", "閉じただけ。」|次。", "（あ「い）う。|え」お。"]);
        let long = format!("「{}。|次。」|後。", "あ".repeat(400));
        check(&[&long]);
    }

    #[test]
    fn numbers_names_and_latin() {
        check(&["円周率は３．１４です．|次", "Node.jsとNo.5を使う。|次", "This is one. |That is e.g. two. |日本語. です"]);
        check(&["式 a != b と /?q=1 を見る。|はい!|OK?|はい"]);
    }

    #[test]
    fn hostile_lengths_take_linear_time() {
        for unit in ["「", "」", "「」", "？", "。」", "？」と", "a. ", "\n", "　", "（「", "）」。"] {
            let text = unit.repeat(1_000_000 / unit.len());
            let mut ends = Vec::new();
            sentence_ends(&text, &mut ends);
            assert_eq!(ends.last().copied(), Some(text.len() as u32));
        }
    }

    proptest! {
        #[test]
        fn ends_tile_any_text(text in "[あ。．.！?「」『（）()\n 　a1…と]{0,60}|\\PC{0,40}") {
            let mut ends = Vec::new();
            sentence_ends(&text, &mut ends);
            prop_assert!(ends.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(ends.iter().all(|end| text.is_char_boundary(*end as usize)));
            prop_assert_eq!(ends.last().map_or(0, |end| *end as usize), text.len());
        }
    }
}
