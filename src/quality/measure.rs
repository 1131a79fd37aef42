//! The measures of a document: definitions with their denominators.
//!
//! *Letters*: hiragana U+3041–309F, katakana U+30A0–30FF, 31F0–31FF and half-width FF66–FF9F (ー counts), kanji 々〇〻,
//! U+3400–9FFF, F900–FAFF, 20000–323AF. *Marks*: 、。「」『』・，．！？（）. *Japanese* means letters and marks. Lines and
//! sentences are trimmed; blank ones never count. Lengths are in code points.

use std::hash::Hasher;

use flate2::{Compress, Compression, FlushCompress};
use rustc_hash::{FxHashSet, FxHasher};

use super::garbling::garbled_chars;
use super::ngrams::Ngrams;
use super::simplified::SIMPLIFIED;
use crate::morpheme::PosTable;
use crate::schema::{MEASURE_COUNTS, MEASURES};

/// Texts shorter than this do not compress in a way that says anything.
const COMPRESSED_BYTES_MIN: usize = 1_024;
/// zlib at level 6 is slow (20 MB/s measured on prose, a third of the speed of all other measures): the beginning tells
/// whether a document repeats itself; what repeats further apart is seen by the windows of n-grams.
const COMPRESSED_BYTES_MAX: usize = 4 << 10;
/// Lines of at most this many characters are short.
const SHORT_LINE: usize = 10;
/// Words that running text cannot do without.
const PARTICLES: [&str; 12] = ["の", "に", "を", "は", "た", "て", "が", "と", "で", "さ", "れ", "し"];

/// What is measured of one document; `None` where there is nothing to divide by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measures {
    /// Ratios and lengths, in the order of [`MEASURES`].
    pub values: [Option<f32>; MEASURES.len()],
    /// Counts, in the order of [`MEASURE_COUNTS`].
    pub counts: [u32; MEASURE_COUNTS.len()],
}

/// What a character counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Class {
    Other,
    Hiragana,
    Katakana,
    Kanji,
    /// Kanji of simplified Chinese.
    Simplified,
    Mark,
    Space,
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

    /// Measures one document. `sentences` and `morphemes` are byte ends that tile `text`, `pos` the POS ids.
    pub fn measure(&mut self, text: &str, sentences: &[u32], morphemes: &[u32], pos: &[u16]) -> Measures {
        let chars = self.chars(text);
        let lines = self.lines(text);
        let sentences = self.sentences(text, sentences);
        let words = self.words(text, morphemes, pos);
        let visible = chars.visible();
        let classes = &self.classes;
        let grams = self.ngrams.measure(visible as usize, text.chars().filter(|c| class(classes, *c) != Class::Space));
        let japanese = chars.japanese();
        let of_japanese = |n| ratio(n, japanese);
        let kana = chars.of(Class::Hiragana) + chars.of(Class::Katakana);
        let [top_2, top_3, top_4] = grams.top;
        let [dup_5, dup_6, dup_7, dup_8, dup_9, dup_10] = grams.dup;
        Measures {
            values: [
                ratio(japanese, visible),
                of_japanese(chars.of(Class::Hiragana)),
                ratio(chars.of(Class::Hiragana), visible),
                of_japanese(chars.of(Class::Katakana)),
                of_japanese(kana),
                ratio(sentences.chars, sentences.n),
                (sentences.n > 0).then_some(sentences.longest as f32),
                ratio(lines.short, lines.n),
                ratio(lines.marked, lines.n),
                ratio(lines.again, lines.n),
                ratio(lines.again_chars, lines.chars),
                ratio(sentences.again, sentences.n),
                top_2,
                top_3,
                top_4,
                dup_5,
                dup_6,
                dup_7,
                dup_8,
                dup_9,
                dup_10,
                grams.cover_10,
                self.compression(text),
                ratio(sentences.ellipses, sentences.n),
                ratio(words.nouns, words.n),
                (visible > 0).then(|| (garbled_chars(text) as f32 / visible as f32).min(1.)),
            ],
            counts: [
                chars.histogram.iter().sum(),
                lines.n,
                sentences.n,
                chars.run_max,
                words.particles.count_ones(),
                chars.of(Class::Hangul),
                chars.of(Class::Simplified),
                chars.of(Class::Replaced),
                chars.of(Class::Control),
            ],
        }
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
        for sentence in pieces(text, ends).map(str::trim).filter(|sentence| !sentence.is_empty()) {
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
        for (word, id) in pieces(text, ends).zip(pos) {
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

#[derive(Default)]
struct Chars {
    histogram: [u32; CLASSES],
    run_max: u32,
}

impl Chars {
    fn of(&self, class: Class) -> u32 {
        self.histogram[class as usize]
    }

    /// Characters that are not white space.
    fn visible(&self) -> u32 {
        self.histogram.iter().sum::<u32>() - self.of(Class::Space)
    }

    fn japanese(&self) -> u32 {
        [Class::Hiragana, Class::Katakana, Class::Kanji, Class::Simplified, Class::Mark].map(|class| self.of(class)).iter().sum()
    }
}

/// `again`: lines equal to an earlier one, Σ(f − 1).
#[derive(Default)]
struct Lines {
    n: u32,
    chars: u32,
    short: u32,
    marked: u32,
    again: u32,
    again_chars: u32,
}

#[derive(Default)]
struct Sentences {
    n: u32,
    chars: u32,
    longest: u32,
    again: u32,
    ellipses: u32,
}

/// `particles`: a bit for each of [`PARTICLES`] that occurs.
#[derive(Default)]
struct Words {
    n: u32,
    nouns: u32,
    particles: u16,
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

/// The pieces of `text` with these byte ends; what lies beyond the text is empty.
fn pieces<'a>(text: &'a str, ends: &'a [u32]) -> impl Iterator<Item = &'a str> {
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

fn ratio(part: u32, whole: u32) -> Option<f32> {
    (whole > 0).then(|| part as f32 / whole as f32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table() -> PosTable {
        let tuple = |pos: &str| vec![pos.to_owned()];
        let tuples = vec![vec![], tuple("名詞"), tuple("助詞"), tuple("名詞")];
        PosTable { tuples, unknown: vec![None, None, None, Some("SYMBOL".to_owned())] }
    }

    /// Sentences end after 。 and LF here.
    fn ends(text: &str) -> Vec<u32> {
        let mut ends: Vec<u32> = text.match_indices(['。', '\n']).map(|(at, c)| (at + c.len()) as u32).collect();
        if ends.last().is_none_or(|last| (*last as usize) < text.len()) {
            ends.push(text.len() as u32);
        }
        ends
    }

    fn measure(text: &str) -> Measures {
        Measurer::new(&table()).measure(text, &ends(text), &[], &[])
    }

    #[track_caller]
    fn check(measures: &Measures, name: &str, wanted: impl Into<Option<f32>>) {
        let wanted = wanted.into();
        let value = MEASURES.iter().position(|measure| *measure == name).map(|i| measures.values[i]);
        let found = value.unwrap_or_else(|| Some(measures.counts[MEASURE_COUNTS.iter().position(|count| *count == name).unwrap()] as f32));
        assert!(found == wanted || (found.unwrap_or(-1.) - wanted.unwrap_or(-2.)).abs() < 1e-6, "{name}: {found:?}, not {wanted:?}");
    }

    #[test]
    fn shares_of_letters() {
        let measures = measure("漢字かなカナー、 abc");
        for (name, wanted) in
            [("n_chars", 12.), ("ja_share", 8. / 11.), ("hiragana", 0.25), ("hiragana_of_all", 2. / 11.), ("katakana", 0.375)]
        {
            check(&measures, name, wanted);
        }
        check(&measures, "kana", 0.625);
        let others = measure("한국어 们 \u{fffd}\u{91}𠮷ｱ");
        for (name, wanted) in
            [("hangul", 3.), ("simplified", 1.), ("replaced", 1.), ("c1", 1.), ("ja_share", 3. / 8.), ("katakana", 1. / 3.)]
        {
            check(&others, name, wanted);
        }
    }

    #[test]
    fn lines_and_sentences() {
        let measures = measure("見出し\n\n　これは十一文字の行です。\n見出し\n終わり…\n");
        for (name, wanted) in [("n_lines", 4.), ("n_sentences", 4.), ("short_lines", 0.75), ("line_end_mark", 0.25), ("dup_lines", 0.25)] {
            check(&measures, name, wanted);
        }
        for (name, wanted) in
            [("dup_line_chars", 3. / 22.), ("dup_sentences", 0.25), ("mean_sentence", 5.5), ("max_sentence", 12.), ("ellipsis", 0.25)]
        {
            check(&measures, name, wanted);
        }
        check(&measure("ーーーー　　　あ"), "run_max", 4.);
    }

    #[test]
    fn words_and_symbols() {
        let text = "猫が(鳥を が";
        let word_ends: Vec<u32> = text.char_indices().map(|(at, c)| (at + c.len_utf8()) as u32).collect();
        let measures = Measurer::new(&table()).measure(text, &ends(text), &word_ends, &[1, 2, 3, 1, 2, 0, 2]);
        check(&measures, "noun_share", 2. / 6.);
        check(&measures, "particles", 2.);
    }

    #[test]
    fn compression_of_texts_of_a_kilobyte() {
        check(&measure(&"あ".repeat(341)), "compression", None);
        let value = measure(&"同じ文が続く。".repeat(100)).values[22];
        assert!(value.is_some_and(|ratio| ratio > 0. && ratio < 0.1), "{value:?}");
        assert_eq!(MEASURES[22], "compression");
    }

    #[test]
    fn what_has_no_denominator_is_undefined() {
        let measures = measure(" \n");
        assert!(measures.values.iter().all(Option::is_none), "{measures:?}");
        check(&measures, "n_chars", 2.);
        assert!(measures.counts[1..].iter().all(|count| *count == 0));
    }

    #[test]
    fn hostile_lengths_take_linear_time() {
        for unit in ["あ", "\n", "あ。\n", "\0", "\u{3099}", "ab ", "?あ$B"] {
            let text = unit.repeat(300_000 / unit.len());
            let measures = measure(&text);
            check(&measures, "n_chars", text.chars().count() as f32);
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_shares(text in "[あ漢ア。a?\n 　$B、]{0,80}|\\PC{0,60}") {
            let measures = measure(&text);
            for (name, value) in MEASURES.iter().zip(measures.values).filter(|(name, _)| !name.contains("sentence") || name.starts_with("dup")) {
                prop_assert!(value.is_none_or(|value| (0. ..=1.).contains(&value)), "{name} {value:?}");
            }
        }
    }
}
