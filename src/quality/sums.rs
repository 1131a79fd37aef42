//! What is summed over a document: characters by class, lines, sentences, words. The measures divide one by another.
//!
//! *Letters*: hiragana U+3041–309F, katakana U+30A0–30FF, 31F0–31FF and half-width FF66–FF9F (ー counts), kanji 々〇〻,
//! U+3400–9FFF, F900–FAFF, 20000–323AF. *Marks*: 、。「」『』・，．！？（）. *Japanese* means letters and marks. Lines and
//! sentences are trimmed; blank ones never count. Lengths are in code points.

use std::hash::Hasher;

use flate2::{Compress, Compression, FlushCompress};
use rustc_hash::{FxHashSet, FxHasher};

use super::garbling::garbled_chars;
use super::ngrams::{Ngrams, Repetition};
use super::simplified::SIMPLIFIED;
use crate::morpheme::PosTable;

/// Texts shorter than this do not compress in a way that says anything.
const COMPRESSED_BYTES_MIN: usize = 1_024;
/// zlib at level 6 is slow (20 MB/s measured on prose, a third of the speed of all other measures): the beginning tells
/// whether a document repeats itself; what repeats further apart is seen by the windows of n-grams.
const COMPRESSED_BYTES_MAX: usize = 4 << 10;
/// Lines of at most this many characters are short.
const SHORT_LINE: usize = 10;
/// Words that running text cannot do without.
const PARTICLES: [&str; 12] = ["の", "に", "を", "は", "た", "て", "が", "と", "で", "さ", "れ", "し"];

/// The sums of one document.
#[derive(Debug, Default)]
pub struct Sums<'a> {
    /// The document.
    pub text: &'a str,
    /// Its characters.
    pub chars: Chars,
    /// Its lines.
    pub lines: Lines,
    /// Its sentences.
    pub sentences: Sentences,
    /// Its morphemes.
    pub words: Words,
    /// Repetition of its n-grams of characters.
    pub repetition: Repetition,
    /// zlib-6 bytes / bytes of the first 4 KiB; `None` for short texts.
    pub compression: Option<f32>,
    /// Characters that bear a trace of a wrong charset; U+FFFD counts for three.
    pub garbled: u32,
}

/// What a character counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Class {
    /// Anything else: Latin letters, digits, symbols.
    Other,
    /// Hiragana.
    Hiragana,
    /// Katakana, ー and half-width forms included.
    Katakana,
    /// Kanji that Japanese writes.
    Kanji,
    /// Kanji of simplified Chinese.
    Simplified,
    /// Japanese punctuation marks.
    Mark,
    /// White space.
    Space,
    /// Hangul.
    Hangul,
    /// U+FFFD.
    Replaced,
    /// C1 control.
    Control,
}

const CLASSES: usize = Class::Control as usize + 1;

fn class_of(c: char) -> Class {
    match c {
        '、' | '。' | '「' | '」' | '『' | '』' | '・' | '，' | '．' | '！' | '？' | '（' | '）' => Class::Mark,
        '\u{3041}'..='\u{309f}' => Class::Hiragana,
        '\u{30a0}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9f}' => Class::Katakana,
        '々' | '〇' | '〻' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}' => Class::Kanji,
        '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}' => Class::Hangul,
        '\u{fffd}' => Class::Replaced,
        '\u{80}'..='\u{84}' | '\u{86}'..='\u{9f}' => Class::Control,
        _ if c.is_whitespace() => Class::Space,
        _ => Class::Other,
    }
}

/// What a part of speech counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PosClass {
    Gap,
    Noun,
    Other,
}

/// Measures documents; holds tables and scratch of one thread.
#[derive(Debug)]
pub struct Measurer {
    classes: Vec<Class>,
    pos: Vec<PosClass>,
    ngrams: Ngrams,
    seen: FxHashSet<u64>,
    zlib: Compress,
    compressed: Vec<u8>,
}

impl Measurer {
    /// Prepares the tables for one dictionary.
    pub fn new(table: &PosTable) -> Self {
        let mut classes: Vec<Class> = (0..0x1_0000).map(|code| char::from_u32(code).map_or(Class::Other, class_of)).collect();
        SIMPLIFIED.chars().for_each(|c| classes[c as usize] = Class::Simplified);
        let pos = (0..table.tuples.len()).map(|id| pos_class(table, id as u16)).collect();
        let zlib = Compress::new(Compression::new(6), true);
        Self { classes, pos, ngrams: Ngrams::default(), seen: FxHashSet::default(), zlib, compressed: vec![0; COMPRESSED_BYTES_MAX + 4096] }
    }

    /// Sums over one document. `sentences` and `morphemes` are byte ends that tile `text`, `pos` the POS ids.
    pub fn sum<'a>(&mut self, text: &'a str, sentences: &[u32], morphemes: &[u32], pos: &[u16]) -> Sums<'a> {
        let chars = self.chars(text);
        let lines = self.lines(text);
        let sentences = self.sentences(text, sentences);
        let words = self.words(text, morphemes, pos);
        let classes = &self.classes;
        let visible = text.chars().filter(|c| class(classes, *c) != Class::Space);
        let repetition = self.ngrams.measure(chars.visible() as usize, visible);
        let compression = self.compression(text);
        Sums { text, chars, lines, sentences, words, repetition, compression, garbled: garbled_chars(text) as u32 }
    }

    fn chars(&self, text: &str) -> Chars {
        let mut chars = Chars::default();
        let (mut previous, mut run) = ('\0', 0);
        for c in text.chars() {
            let class = class(&self.classes, c);
            chars.histogram[class as usize] += 1;
            run = if c == previous && class != Class::Space { run + 1 } else { u32::from(class != Class::Space) };
            chars.run_max = chars.run_max.max(run);
            previous = c;
        }
        chars
    }

    fn lines(&mut self, text: &str) -> Lines {
        self.seen.clear();
        let mut lines = Lines::default();
        for line in text.split('\n').map(str::trim).filter(|line| !line.is_empty()) {
            let chars = count_chars(line);
            lines.n += 1;
            lines.chars += chars;
            lines.short += u32::from(chars as usize <= SHORT_LINE);
            lines.marked += u32::from(line.chars().next_back().is_some_and(ends_line));
            if !self.seen.insert(hash(line)) {
                lines.again += 1;
                lines.again_chars += chars;
            }
        }
        lines
    }

    fn sentences(&mut self, text: &str, ends: &[u32]) -> Sentences {
        self.seen.clear();
        let mut sentences = Sentences::default();
        for sentence in spans(text, ends).map(str::trim).filter(|sentence| !sentence.is_empty()) {
            let chars = count_chars(sentence);
            sentences.n += 1;
            sentences.chars += chars;
            sentences.longest = sentences.longest.max(chars);
            sentences.again += u32::from(!self.seen.insert(hash(sentence)));
            sentences.ellipses += u32::from(sentence.ends_with(['…', '・']) || sentence.ends_with("..."));
        }
        sentences
    }

    fn words(&self, text: &str, ends: &[u32], pos: &[u16]) -> Words {
        let mut words = Words::default();
        for (word, id) in spans(text, ends).zip(pos) {
            let class = self.pos.get(usize::from(*id)).copied().unwrap_or(PosClass::Other);
            words.n += u32::from(class != PosClass::Gap);
            words.nouns += u32::from(class == PosClass::Noun);
            // A particle is one kana of three bytes.
            if word.len() == 3
                && let Some(i) = PARTICLES.iter().position(|particle| *particle == word)
            {
                words.particles |= 1 << i;
            }
        }
        words
    }

    /// zlib-6 bytes / bytes of the first 4 KiB.
    fn compression(&mut self, text: &str) -> Option<f32> {
        let sample = &text.as_bytes()[..text.len().min(COMPRESSED_BYTES_MAX)];
        if sample.len() < COMPRESSED_BYTES_MIN {
            return None;
        }
        self.zlib.reset();
        self.zlib.compress(sample, &mut self.compressed, FlushCompress::Finish).ok()?;
        Some(self.zlib.total_out() as f32 / sample.len() as f32)
    }
}

/// Characters of a document.
#[derive(Debug, Default)]
pub struct Chars {
    histogram: [u32; CLASSES],
    /// The longest run of one character that is not white space.
    pub run_max: u32,
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

    /// Japanese letters and marks.
    pub fn japanese(&self) -> u32 {
        [Class::Hiragana, Class::Katakana, Class::Kanji, Class::Simplified, Class::Mark].map(|class| self.of(class)).iter().sum()
    }
}

/// Lines of a document that are not blank.
#[derive(Debug, Default)]
pub struct Lines {
    /// How many.
    pub n: u32,
    /// Their characters.
    pub chars: u32,
    /// Lines of at most [`SHORT_LINE`] characters.
    pub short: u32,
    /// Lines that end in a mark or a closing bracket.
    pub marked: u32,
    /// Lines equal to an earlier one.
    pub again: u32,
    /// Their characters.
    pub again_chars: u32,
}

/// Sentences of a document that are not blank.
#[derive(Debug, Default)]
pub struct Sentences {
    /// How many.
    pub n: u32,
    /// Their characters.
    pub chars: u32,
    /// Characters of the longest.
    pub longest: u32,
    /// Sentences equal to an earlier one.
    pub again: u32,
    /// Sentences that end in an ellipsis.
    pub ellipses: u32,
}

/// Morphemes of a document.
#[derive(Debug, Default)]
pub struct Words {
    /// How many, gaps not counted.
    pub n: u32,
    /// Nouns among them.
    pub nouns: u32,
    /// A bit for each of [`PARTICLES`] that occurs.
    pub particles: u16,
}

fn class(classes: &[Class], c: char) -> Class {
    match classes.get(c as usize) {
        Some(class) => *class,
        None => class_of(c),
    }
}

/// Unknown symbols are nouns to IPADIC (名詞,サ変接続), but not to us.
fn pos_class(table: &PosTable, id: u16) -> PosClass {
    match (id, table.field(id, 0), table.unknown_category(id)) {
        (PosTable::GAP, ..) => PosClass::Gap,
        (_, "名詞", unknown) if unknown != Some("SYMBOL") => PosClass::Noun,
        _ => PosClass::Other,
    }
}

/// The parts of `text` with these byte ends; what lies beyond the text is empty.
fn spans<'a>(text: &'a str, ends: &'a [u32]) -> impl Iterator<Item = &'a str> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends).map(|(start, end)| text.get(start as usize..*end as usize).unwrap_or(""))
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
