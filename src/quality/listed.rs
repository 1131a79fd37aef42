//! Words of the user's lists in a document.
//!
//! A hit begins and ends where morphemes do, so that ガス is not found in アスパラガス, nor 死 in 死亡保険. Some cuts between morphemes are
//! no ends of words: inside a number with its prefix and counters and at its end before a noun (第二号, 二号店), inside a run of Latin letters and digits, and between katakana one
//! side of which the dictionary does not know. Of hits that overlap the leftmost counts, and of those the longest.

use std::fmt::Write as _;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use rustc_hash::FxHashMap;

use crate::morpheme::PosTable;

/// Suffixes of people: who is called by a number is not counted.
const PERSON: [&str; 8] = ["さん", "さま", "様", "ちゃん", "くん", "君", "氏", "殿"];
/// Suffixes that a number has, at most.
const SUFFIXES: usize = 3;
/// Words that are told of a document, at most.
const TOLD: usize = 20;

/// The words of the lists, ready to be looked for; immutable.
#[derive(Debug)]
pub struct WordList {
    automaton: AhoCorasick,
    words: Vec<String>,
    name: String,
}

impl WordList {
    /// Characters of the longest word or phrase.
    pub const CHARS_MAX: usize = 100;

    /// Takes words as normalised text has them. Upper and lower case of ASCII are the same, and what is the same counts once.
    ///
    /// # Errors
    /// One sentence: a word that is longer than [`WordList::CHARS_MAX`], or more words than can be searched for.
    pub fn new(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
        if let Some(word) = words.iter().find(|word| word.chars().count() > Self::CHARS_MAX) {
            let start: String = word.chars().take(20).collect();
            return Err(format!("{start}… has more than {} characters", Self::CHARS_MAX));
        }
        for word in &mut words {
            word.make_ascii_lowercase();
        }
        words.sort_unstable();
        words.dedup();
        let mut hasher = blake3::Hasher::new();
        for word in &words {
            hasher.update(&(word.len() as u64).to_le_bytes());
            hasher.update(word.as_bytes());
        }
        let automaton = AhoCorasickBuilder::new().match_kind(MatchKind::Standard).ascii_case_insensitive(true).build(&words);
        let automaton = automaton.map_err(|e| format!("{} words cannot be searched for: {e}", words.len()))?;
        Ok(Self { automaton, words, name: hasher.finalize().to_hex().to_string() })
    }

    /// BLAKE3 over the words: all that hits depend on beside the text and its morphemes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

/// The listed words of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Different words.
    pub types: u32,
    /// Hits.
    pub hits: u32,
    /// Characters of the hits.
    pub chars: u32,
    /// `女中 ×3, デリ ×1`: the most frequent first, then as they stand in the list's order; 20 at most.
    pub words: Option<String>,
}

impl Listed {
    /// Characters of the hits / `letters`, at most 1; `None` where there are no letters, and below two hits: one is no evidence.
    pub fn share(&self, letters: u32) -> Option<f32> {
        (letters > 0 && self.hits != 1).then(|| (self.chars as f32 / letters as f32).min(1.))
    }
}

/// What a part of speech means for the cut beside it: a sum of the bits below.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Kind(u8);

impl Kind {
    /// A number, or a digit of one.
    const NUMBER: u8 = 1;
    /// A prefix: 第, 前.
    const PREFIX: u8 = 2;
    /// A counter or another suffix of nouns: 号, 人, 室.
    const SUFFIX: u8 = 4;
    /// A noun, or a part of one.
    const NOUN: u8 = 8;
    /// Not in the dictionary.
    const UNKNOWN: u8 = 16;

    fn of(table: &PosTable, id: u16) -> Self {
        let [first, second, third] = [0, 1, 2].map(|field| table.field(id, field));
        let kind = match (first, second, third) {
            ("名詞", "数" | "数詞", _) => Self::NUMBER | Self::NOUN,
            ("接頭詞" | "接頭辞", ..) => Self::PREFIX | Self::NOUN,
            ("名詞", "接尾", _) | ("接尾辞", "名詞的", _) | ("名詞", "普通名詞", "助数詞可能") => {
                Self::SUFFIX | Self::NOUN
            }
            ("名詞", ..) => Self::NOUN,
            _ => 0,
        };
        Self(kind | if table.unknown_category(id).is_some() { Self::UNKNOWN } else { 0 })
    }

    fn is(self, bits: u8) -> bool {
        self.0 & bits != 0
    }
}

/// Finds listed words; one a thread.
#[derive(Debug)]
pub(super) struct Finder {
    kinds: Vec<Kind>,
    /// Start, end and word of what stands between cuts.
    found: Vec<(usize, usize, usize)>,
    counts: FxHashMap<usize, u32>,
}

impl Finder {
    /// For the parts of speech of one dictionary.
    pub(super) fn new(table: &PosTable) -> Self {
        let kinds = (0..table.tuples.len()).map(|id| Kind::of(table, id as u16)).collect();
        Self { kinds, found: Vec::new(), counts: FxHashMap::default() }
    }

    /// The words of `list` in a text whose morphemes have these byte ends and POS ids.
    pub(super) fn find(&mut self, list: &WordList, text: &str, ends: &[u32], pos: &[u16]) -> Listed {
        self.found.clear();
        for hit in list.automaton.find_overlapping_iter(text) {
            if self.is_cut(text, hit.start(), ends, pos, Border::Begin) && self.is_cut(text, hit.end(), ends, pos, Border::End) {
                self.found.push((hit.start(), hit.end(), hit.pattern().as_usize()));
            }
        }
        if self.found.is_empty() {
            return Listed::default();
        }
        self.found.sort_unstable_by_key(|&(start, end, _)| (start, usize::MAX - end));
        self.counts.clear();
        let (mut listed, mut behind) = (Listed::default(), 0);
        for &(start, end, word) in &self.found {
            if start < behind {
                continue;
            }
            behind = end;
            listed.hits += 1;
            listed.chars += text.get(start..end).map_or(0, |hit| hit.chars().count() as u32);
            *self.counts.entry(word).or_default() += 1;
        }
        listed.types = self.counts.len() as u32;
        let mut counts: Vec<(usize, u32)> = self.counts.drain().collect();
        counts.sort_unstable_by_key(|&(word, n)| (u32::MAX - n, word));
        listed.words = Some(told(list, &counts));
        listed
    }

    /// May a word begin here, or end?
    fn is_cut(&self, text: &str, at: usize, ends: &[u32], pos: &[u16], side: Border) -> bool {
        let (Some(before), Some(after)) = (text.get(..at), text.get(at..)) else { return false };
        let (Some(last), Some(first)) = (before.chars().next_back(), after.chars().next()) else { return true };
        let Ok(i) = ends.binary_search(&(at as u32)) else { return false };
        let kind = |i: usize| pos.get(i).and_then(|id| self.kinds.get(usize::from(*id))).copied().unwrap_or_default();
        let (left, right) = (kind(i), kind(i + 1));
        let behind_a_number = || {
            let mut kinds = (0..=i).rev().take(SUFFIXES + 1).map(kind);
            kinds.find(|kind| !kind.is(Kind::SUFFIX)).is_some_and(|kind| kind.is(Kind::NUMBER))
        };
        let goes_on = match side {
            Border::Begin => right.is(Kind::SUFFIX),
            Border::End => right.is(Kind::NOUN) && !PERSON.iter().any(|suffix| after.starts_with(suffix)),
        };
        let in_a_number = left.is(Kind::NUMBER | Kind::PREFIX) && right.is(Kind::NUMBER)
            || is_numeral(last) && is_numeral(first)
            || goes_on && behind_a_number();
        let in_a_foreign_word = is_foreign(last) && is_foreign(first);
        let in_an_unknown_word = is_katakana(last) && is_katakana(first) && (left.is(Kind::UNKNOWN) || right.is(Kind::UNKNOWN));
        !in_a_number && !in_a_foreign_word && !in_an_unknown_word
    }
}

/// A border of a hit.
#[derive(Debug, Clone, Copy)]
enum Border {
    Begin,
    End,
}

fn told(list: &WordList, counts: &[(usize, u32)]) -> String {
    let mut text = String::new();
    for (i, (word, n)) in counts.iter().take(TOLD).enumerate() {
        let word = list.words.get(*word).map_or("", String::as_str);
        // Writing to a string cannot fail.
        let _ = write!(text, "{}{word} ×{n}", if i == 0 { "" } else { ", " });
    }
    if let Some(more) = counts.len().checked_sub(TOLD).filter(|more| *more > 0) {
        let _ = write!(text, " and {more} more");
    }
    text
}

/// Letters and digits of scripts that put blanks between words.
fn is_foreign(c: char) -> bool {
    c.is_alphanumeric()
        && !is_katakana(c)
        && !matches!(c, '\u{3005}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// Of a number in kanji, whatever the dictionary takes it for: 〇 is a sign to IPADIC.
fn is_numeral(c: char) -> bool {
    matches!(c, '〇' | '一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九' | '十' | '百' | '千' | '万')
}

fn is_katakana(c: char) -> bool {
    matches!(c, '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// IPADIC's tuples; the last is an unknown word.
    const POS: [(&str, &[&str]); 9] = [
        ("n", &["名詞", "一般"]),
        ("p", &["助詞"]),
        ("v", &["動詞"]),
        ("d", &["名詞", "数"]),
        ("x", &["接頭詞", "名詞接続"]),
        ("c", &["名詞", "普通名詞", "助数詞可能"]),
        ("s", &["名詞", "接尾", "一般"]),
        ("h", &["接尾辞", "名詞的", "一般"]),
        ("u", &["名詞", "一般"]),
    ];

    fn table() -> PosTable {
        let tuples = POS.iter().map(|(_, tuple)| tuple.iter().map(|field| (*field).to_owned()).collect());
        let tuples: Vec<Vec<String>> = std::iter::once(Vec::new()).chain(tuples).collect();
        let unknown = (0..tuples.len()).map(|id| (id == POS.len()).then(|| "KATAKANA".to_owned())).collect();
        PosTable { tuples, unknown }
    }

    fn list(words: &str) -> WordList {
        WordList::new(words.split(' ').map(str::to_owned)).unwrap()
    }

    /// Words given as `surface/pos`; `_` is a gap.
    fn find(words: &str, tagged: &str) -> Listed {
        let (mut text, mut ends, mut pos) = (String::new(), Vec::new(), Vec::new());
        for morpheme in tagged.split(' ') {
            let (surface, tag) = morpheme.split_once('/').unwrap_or((" ", ""));
            text.push_str(surface);
            ends.push(text.len() as u32);
            pos.push(POS.iter().position(|(name, _)| *name == tag).map_or(0, |i| i as u16 + 1));
        }
        Finder::new(&table()).find(&list(words), &text, &ends, &pos)
    }

    fn words(words: &str, tagged: &str) -> String {
        find(words, tagged).words.unwrap_or_default()
    }

    #[test]
    fn a_hit_begins_and_ends_where_morphemes_do() {
        let listed = "ガス 死 二号 ちつ リュ";
        for tagged in ["アスパラガス/n を/p", "死亡/n 保険/n", "第/x 二/d 号/c", "気/n が/p 落ちつく/v", "リュックサック/n"]
        {
            assert_eq!(find(listed, tagged), Listed::default(), "{tagged}");
        }
        assert_eq!(words(listed, "ガス/n と/p 死/n と/p 死/n"), "死 ×2, ガス ×1");
    }

    #[test]
    fn numbers_are_whole() {
        assert_eq!(words("二号", "二/d 号/c さん/h"), "二号 ×1");
        assert_eq!(words("二号", "二/d 号/s の/p 家/n"), "二号 ×1");
        for tagged in
            ["十/d 二/d 号/c", "二/d 号/s 店/s", "二/d 号/c 線/n", "第/x 二/d 号/c", "第/x 二/d 号/s 被/x 保険/n", "一/d 〇/p 二/d 号/s"]
        {
            assert_eq!(words("二号 二 号 店", tagged), "", "{tagged}");
        }
        assert_eq!(words("人妻", "三/d 十/d 代/c 人妻/n"), "人妻 ×1", "a noun behind a number is a word");
    }

    #[test]
    fn foreign_words_are_whole_and_of_any_case() {
        assert_eq!(words("sex Sex", "SEX/n と/p _ Sex/n"), "sex ×2");
        assert_eq!(words("sex", "Es/n sex/n 州/n"), "");
        assert_eq!(words("av", "AV/n 1/d"), "");
        assert_eq!(words("av", "AV/n 機器/n"), "av ×1");
    }

    #[test]
    fn an_unknown_neighbour_is_no_end_of_a_katakana_word() {
        assert_eq!(words("ガス", "ガス/n パチョ/u"), "");
        assert_eq!(words("ガス", "ガス/n ストーブ/n"), "ガス ×1");
        assert_eq!(words("パチョ", "新/n パチョ/u だ/p"), "パチョ ×1");
    }

    #[test]
    fn phrases_and_overlaps() {
        assert_eq!(words("の花", "庭/n の/p 花/n"), "の花 ×1");
        assert_eq!(words("庭 庭の花 花", "庭/n の/p 花/n 花/n"), "庭の花 ×1, 花 ×1");
        // The longer one does not stand between cuts: the shorter does.
        assert_eq!(words("庭 庭の花", "庭/n の/p 花見/n"), "庭 ×1");
        let phrase = WordList::new(["hot dog".to_owned()]).unwrap();
        let found = Finder::new(&table()).find(&phrase, "a hot dog", &[1, 2, 5, 6, 9], &[1, 0, 1, 0, 1]);
        assert_eq!((found.types, found.hits, found.chars), (1, 1, 7));
    }

    #[test]
    fn shares_need_two_hits_and_letters() {
        let of = |hits, chars| Listed { types: 1, hits, chars, words: None };
        assert_eq!(of(1, 2).share(10), None);
        assert_eq!(of(2, 4).share(80), Some(0.05));
        assert_eq!(of(0, 0).share(80), Some(0.));
        assert_eq!((of(3, 90).share(80), of(3, 90).share(0)), (Some(1.), None));
    }

    #[test]
    fn many_words_are_not_all_told() {
        let listed: Vec<String> = (0..30).map(|i| format!("語{}", char::from_u32(0x4e00 + i).unwrap())).collect();
        let tagged: Vec<String> = listed.iter().map(|word| format!("{word}/n")).collect();
        let found = find(&listed.join(" "), &tagged.join(" を/p "));
        assert!(found.types == 30 && found.words.unwrap().ends_with(" and 10 more"));
    }

    #[test]
    fn the_name_follows_the_words() {
        assert_eq!(list("死 Ab").name(), list("ab 死 AB").name());
        assert_ne!(list("死 a").name(), list("死a").name());
        assert!(WordList::new(["長".repeat(101)]).unwrap_err().contains("more than 100 characters"));
        assert!(list("").is_empty() && list("a b").len() == 2);
    }

    #[test]
    fn text_that_its_morphemes_do_not_tile_gives_nothing() {
        assert_eq!(Finder::new(&table()).find(&list("死"), "死死死", &[], &[]), Listed::default());
        assert_eq!(Finder::new(&table()).find(&list("死"), "", &[], &[]), Listed::default());
    }
}
