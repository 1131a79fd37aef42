//! One pass over the characters of a document: classes, lines, repetition, garbling.
//!
//! Lines and sentences are trimmed; those without a letter (blank ones, × and ＊＊＊, ―――, rows of numbers) are none.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use super::class::{CLASSES, Class, Classes};
use super::garbling;
use super::repetition::Repetition;
use super::seen::Seen;
use super::spared::Spared;

/// Lines of at most this many characters are short.
const SHORT_LINE: u32 = 10;
/// A bit for each class of letters.
const LETTERS: u32 =
    bit(Class::Hiragana) | bit(Class::Katakana) | bit(Class::Kanji) | bit(Class::Simplified) | bit(Class::Hangul) | bit(Class::Letter);

const fn bit(class: Class) -> u32 {
    1 << class as u32
}

/// Characters of a document.
#[derive(Debug, Default)]
pub struct Chars {
    histogram: [u32; CLASSES],
    /// The longest run of one character that is not white space.
    pub run_max: u32,
    /// Characters that bear a trace of a wrong charset; U+FFFD counts for three.
    pub garbled: u32,
}

impl Chars {
    /// Characters of a class.
    pub fn of(&self, class: Class) -> u32 {
        self.histogram[class as usize]
    }

    /// All characters.
    pub fn all(&self) -> u32 {
        self.histogram.iter().sum()
    }

    /// Characters that are not white space.
    pub fn visible(&self) -> u32 {
        self.all() - self.of(Class::Space)
    }

    /// Hiragana and katakana.
    pub fn kana(&self) -> u32 {
        self.of(Class::Hiragana) + self.of(Class::Katakana)
    }

    /// Hiragana, katakana and kanji.
    pub fn letters(&self) -> u32 {
        self.japanese() - self.of(Class::Mark)
    }

    /// Japanese letters and marks.
    pub fn japanese(&self) -> u32 {
        [Class::Hiragana, Class::Katakana, Class::Kanji, Class::Simplified, Class::Mark].map(|class| self.of(class)).iter().sum()
    }
}

/// Lines of a document that hold a letter.
#[derive(Debug, Default)]
pub struct Lines {
    /// How many.
    pub n: u32,
    /// Their characters.
    pub chars: u32,
    /// Lines of at most 10 characters.
    pub short: u32,
    /// Lines that end in a mark or a closing bracket.
    pub marked: u32,
    /// Lines equal to an earlier one; those that are spared whole do not count.
    pub again: u32,
    /// Their characters.
    pub again_chars: u32,
}

/// Sentences of a document that hold a letter.
#[derive(Debug, Default)]
pub struct Sentences {
    /// How many.
    pub n: u32,
    /// Their characters.
    pub chars: u32,
    /// Characters of the longest.
    pub longest: u32,
    /// Sentences equal to an earlier one; those that are spared whole do not count.
    pub again: u32,
    /// Their characters.
    pub again_chars: u32,
    /// Characters of sentences that end in a mark, or in the bracket behind one.
    pub ended_chars: u32,
    /// Sentences that end in an ellipsis.
    pub ellipses: u32,
}

/// Reads documents; one a thread.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    classes: Classes,
    repetition: Repetition,
    seen: Seen,
}

impl Scanner {
    /// Characters, lines, and the share of repeated n-grams.
    pub(super) fn scan(&mut self, text: &str, mut spared: Spared<'_>) -> (Chars, Lines, Option<f32>) {
        let (mut chars, mut lines) = (Chars::default(), Lines::default());
        self.repetition.begin();
        self.seen.clear();
        let (mut breaks, mut next) = (0, 0);
        for line in lines_of(text) {
            breaks += 1;
            let start = next;
            next += line.len() + 1;
            let found = if spared.is_empty() {
                self.scan_line(line, |_| false, &mut chars)
            } else {
                self.scan_line(line, |at| spared.passes(start + at), &mut chars)
            };
            if found.suspicious {
                chars.garbled += garbling::garbled_in_line(line) as u32;
            }
            if !found.lettered {
                continue;
            }
            let start = start + line.len() - line.trim_start().len();
            let line = line.trim();
            let length = count_chars(line);
            lines.n += 1;
            lines.chars += length;
            lines.short += u32::from(length <= SHORT_LINE);
            lines.marked += u32::from(line.ends_with(ends_line));
            if !self.seen.insert(hash(line)) && !spared.holds(line, start) {
                lines.again += 1;
                lines.again_chars += length;
            }
        }
        chars.histogram[Class::Space as usize] += breaks - 1;
        (chars, lines, self.repetition.end())
    }

    /// `spared` says of places in the line, one after the other, whether the character there may repeat.
    fn scan_line(&mut self, line: &str, mut spared: impl FnMut(usize) -> bool, chars: &mut Chars) -> Line {
        // Two histograms in turn, so that a run of one class does not wait for its own last store.
        let mut histograms = [[0; CLASSES]; 2];
        let (mut previous, mut run) = ('\0', 0);
        let (mut odd, mut commas, mut n, mut classes) = (false, 0, 0_u32, 0_u32);
        for (at, c) in line.char_indices() {
            let traits = self.classes.of(c);
            let class = traits.class();
            histograms[n as usize % 2][class] += 1;
            n += 1;
            classes |= 1 << class;
            odd |= traits.is_odd();
            commas += traits.comma();
            if class == Class::Space as usize {
                (previous, run) = ('\0', 0);
                continue;
            }
            run = if c == previous { run + 1 } else { 1 };
            previous = c;
            chars.run_max = chars.run_max.max(run);
            if !spared(at) {
                self.repetition.push(c);
            }
        }
        for (class, sum) in chars.histogram.iter_mut().enumerate() {
            *sum += histograms[0][class] + histograms[1][class];
        }
        Line { lettered: classes & LETTERS != 0, suspicious: garbling::is_suspicious(odd, commas, n) }
    }

    /// Sentences, by byte ends that tile the text.
    pub(super) fn sentences(&mut self, text: &str, ends: &[u32], spared: Spared<'_>) -> Sentences {
        self.seen.clear();
        let mut sentences = Sentences::default();
        let mut start = 0;
        for end in ends {
            let sentence = text.get(start..*end as usize).unwrap_or("");
            let first = start + sentence.len() - sentence.trim_start().len();
            let sentence = sentence.trim();
            start = *end as usize;
            if !sentence.chars().any(|c| LETTERS >> self.classes.of(c).class() & 1 == 1) {
                continue;
            }
            let chars = count_chars(sentence);
            sentences.n += 1;
            sentences.chars += chars;
            sentences.longest = sentences.longest.max(chars);
            sentences.ended_chars += if sentence.ends_with(ends_sentence) { chars } else { 0 };
            sentences.ellipses += u32::from(sentence.ends_with(['…', '・']) || sentence.ends_with("..."));
            if !self.seen.insert(hash(sentence)) && !spared.holds(sentence, first) {
                sentences.again += 1;
                sentences.again_chars += chars;
            }
        }
        sentences
    }
}

/// The parts between line breaks; one more than there are breaks.
fn lines_of(text: &str) -> impl Iterator<Item = &str> {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]);
    let mut start = 0;
    ends.map(move |end| text.get(std::mem::replace(&mut start, end + 1)..end).unwrap_or(""))
}

/// What a line showed beside its characters.
struct Line {
    lettered: bool,
    suspicious: bool,
}

fn ends_sentence(c: char) -> bool {
    matches!(c, '。' | '．' | '！' | '？' | '!' | '?' | '」' | '』' | '…')
}

fn ends_line(c: char) -> bool {
    matches!(c, '。' | '．' | '！' | '？' | '!' | '?' | '」' | '』' | '）' | ')' | '】' | '〉' | '》' | '〕' | '］' | ']' | '｝' | '}')
}

fn count_chars(text: &str) -> u32 {
    text.bytes().filter(|b| b & 0xc0 != 0x80).count() as u32
}

fn hash(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(text.as_bytes());
    hasher.finish()
}
