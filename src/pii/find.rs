//! Finds personal data in a text: one look for digits and @, one for a few words, one over the morphemes.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

use super::address::{address, begins, may_be_block};
use super::bank::account;
use super::dates::{date_before, date_behind, date_of_birth, may_be_year};
use super::email::{at_sign, spelled};
use super::fold::{is_kanji, kanji_digit, previous, starts};
use super::identifiers::identifier;
use super::ip::{version_4, version_6};
use super::kind::{Kind, Span};
use super::number::{Join, Run};
use super::person::{self, Names};
use super::phone::{phone, phone_in_kanji};
use super::postal::{postal, postal_in_kanji};
use crate::morpheme::{Morphemes, PosTable};

/// What a word in a text may lead to.
#[derive(Debug, Clone, Copy)]
enum Word {
    /// 丁目, 番地: a block number ends or goes on before it.
    Block,
    /// A spelled-out "at".
    At,
    /// 日生: a date of birth in kanji digits before it.
    Born,
    /// 生年月日: one behind it.
    Birthday,
    /// 〒
    PostalMark,
    /// 〇三: a telephone number in kanji digits.
    Zero,
    /// A label of names.
    Label,
    /// お問い合わせは
    Contact,
}

/// The words, in all notations that are not folded.
const WORDS: &[(&str, Word)] = &[
    ("丁目", Word::Block),
    ("番地", Word::Block),
    ("アット", Word::At),
    ("あっと", Word::At),
    ("[at", Word::At),
    ("(at", Word::At),
    ("[AT", Word::At),
    ("[ａｔ", Word::At),
    ("(ａｔ", Word::At),
    ("(AT", Word::At),
    ("[ at", Word::At),
    ("( at", Word::At),
    ("（ａｔ", Word::At),
    ("（at", Word::At),
    ("（AT", Word::At),
    ("［at", Word::At),
    ("［ａｔ", Word::At),
    ("【at", Word::At),
    ("<at", Word::At),
    ("{at", Word::At),
    ("日生", Word::Born),
    ("生年月日", Word::Birthday),
    ("誕生日", Word::Birthday),
    ("〒", Word::PostalMark),
    ("〇三", Word::Zero),
    ("〇六", Word::Zero),
    ("〇九〇", Word::Zero),
    ("〇八〇", Word::Zero),
    ("〇七〇", Word::Zero),
    ("〇五〇", Word::Zero),
    ("〇一二〇", Word::Zero),
];

/// Searches for all words at once.
struct Vocabulary {
    automaton: AhoCorasick,
    words: Vec<Word>,
}

impl Vocabulary {
    fn get() -> Option<&'static Self> {
        static VOCABULARY: OnceLock<Option<Vocabulary>> = OnceLock::new();
        VOCABULARY.get_or_init(Self::new).as_ref()
    }

    fn new() -> Option<Self> {
        let labels = person::LABELS.iter().map(|word| (*word, Word::Label));
        let contacts = person::CONTACTS.iter().map(|word| (*word, Word::Contact));
        let (texts, words): (Vec<&str>, Vec<Word>) = WORDS.iter().copied().chain(labels).chain(contacts).unzip();
        let automaton = AhoCorasickBuilder::new().match_kind(MatchKind::LeftmostFirst).build(texts).ok()?;
        Some(Self { automaton, words })
    }
}

/// Finds personal data; holds what a dictionary says about names, and memory that is used again for each text.
#[derive(Debug, Clone)]
pub struct Finder {
    names: Names,
    wanted: [bool; Kind::ALL.len()],
}

/// Memory of one thread.
#[derive(Debug, Default)]
pub struct Scratch {
    run: Run,
    window: String,
    found: Vec<Span>,
}

impl Finder {
    /// Looks for the kinds `wanted` in texts whose `morpheme_pos` indexes `table`.
    pub fn new(table: &PosTable, wanted: &[Kind]) -> Self {
        Self { names: Names::new(table), wanted: Kind::ALL.map(|kind| wanted.contains(&kind)) }
    }

    /// Appends the personal data of a text to `spans`: in order, without overlaps, on character boundaries. `morphemes` tile the text;
    /// where they are empty, no names are found. Linear in the length of the text, whatever it holds.
    pub fn find(&self, text: &str, morphemes: Morphemes<'_>, scratch: &mut Scratch, spans: &mut Vec<Span>) {
        scratch.found.clear();
        around_digits(text, scratch);
        around_words(text, &self.names, morphemes, scratch);
        if self.wanted[Kind::Person as usize] && !morphemes.is_empty() {
            self.names.before_honorifics(text, morphemes, &mut |span| scratch.found.push(span));
        }
        // Of two that overlap the longer one is meant, then the earlier, then the one named first among the kinds.
        scratch.found.sort_unstable_by_key(|span| (span.start, usize::MAX - span.end, span.kind));
        let from = spans.len();
        for &span in &scratch.found {
            match spans.get(from..).and_then(<[Span]>::last).copied() {
                Some(last) if span.start < last.end => {
                    if span.end - span.start > last.end - last.start {
                        spans.pop();
                        spans.push(span);
                    }
                }
                _ => spans.push(span),
            }
        }
        let mut kept = from;
        for i in from..spans.len() {
            let span = spans[i];
            if self.wanted[span.kind as usize] {
                spans[kept] = span;
                kept += 1;
            }
        }
        spans.truncate(kept);
    }
}

/// Everything that begins with a digit or an @.
fn around_digits(text: &str, scratch: &mut Scratch) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(anchor) = next_anchor(bytes, at) {
        let is_at = bytes[anchor] == b'@' || bytes.get(anchor + 2) == Some(&0xa0);
        at = if is_at {
            scratch.found.extend(at_sign(text, anchor));
            anchor + if bytes[anchor] == b'@' { 1 } else { 3 }
        } else {
            run_at(text, anchor, scratch)
        };
    }
}

/// Everything in the run of digits that begins at byte `start`; the byte behind the run.
fn run_at(text: &str, start: usize, scratch: &mut Scratch) -> usize {
    let Scratch { run, window, found } = scratch;
    let end = run.read(text, start);
    let mut i = 0;
    while i < run.groups.len() {
        if let Some((span, behind)) = numbered(text, run, i, window) {
            found.push(span);
            i = behind;
        } else {
            found.extend(placed(text, run, i, window));
            i += 1;
        }
    }
    end
}

/// A number that begins with group `i`, and the group behind it.
fn numbered(text: &str, run: &Run, i: usize, window: &mut String) -> Option<(Span, usize)> {
    let group = run.groups.get(i)?;
    let following = run.groups.get(i + 1);
    let mut found = None;
    if matches!(group.len, 3 | 7..) {
        found = postal(text, run, i, window, &begins);
    }
    let lead = run.digits(i, i + 1).first().copied();
    let local = following.is_some_and(|next| next.len == 4 && next.join == Some(Join::Dash));
    if found.is_none() && (lead == Some(0) || local || previous(text, group.start).is_some_and(|(c, _)| c == '+')) {
        found = phone(text, run, i, window);
    }
    if found.is_none() && matches!(group.len, 4 | 7 | 10 | 12 | 14..=16) {
        found = identifier(text, run, i, window);
    }
    if found.is_none() && matches!(group.len, 5..=8) {
        found = account(text, run, i);
    }
    if found.is_none() && group.len <= 3 && following.is_some_and(|next| next.join == Some(Join::Dot)) {
        found = version_4(text, run, i, window);
    }
    found
}

/// What begins at group `i` and is no number alone: an address of version 6, a date, a street address.
fn placed(text: &str, run: &Run, i: usize, window: &mut String) -> Option<Span> {
    let group = run.groups.get(i)?;
    if group.len == 4
        && let Some(span) = version_6(text, group.start)
    {
        return Some(span);
    }
    if matches!(group.len, 1 | 2 | 4 | 8)
        && may_be_year(text, group.len, group.end)
        && let Some(span) = date_of_birth(text, group.start, window)
    {
        return Some(span);
    }
    (group.len <= 5 && may_be_block(text, group.start, group.end)).then(|| address(text, group.start, window)).flatten()
}

/// Everything around the words of the vocabulary.
fn around_words(text: &str, names: &Names, morphemes: Morphemes<'_>, scratch: &mut Scratch) {
    let Some(vocabulary) = Vocabulary::get() else { return };
    let Scratch { window, found, .. } = scratch;
    for hit in vocabulary.automaton.find_iter(text) {
        let (start, end) = (hit.start(), hit.end());
        found.extend(match vocabulary.words[hit.pattern().as_usize()] {
            Word::Block => kanji_number_before(text, start).and_then(|number| address(text, number, window)),
            Word::At => spelled(text, word_in(text, start)),
            Word::Born => starts(text, start, "日").and_then(|day| date_before(text, day, window)),
            Word::Birthday => date_behind(text, end, window),
            Word::PostalMark => postal_in_kanji(text, start),
            Word::Zero => phone_in_kanji(text, start),
            Word::Label if !morphemes.is_empty() => names.behind_label(text, morphemes, end),
            Word::Contact if !morphemes.is_empty() => names.contact(text, morphemes, end),
            Word::Label | Word::Contact => None,
        });
    }
}

/// The first byte of the word in a bracket that begins at byte `at`.
fn word_in(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.find(|c: char| c.is_alphanumeric()).unwrap_or(0)
}

/// Where the number in kanji digits that ends at byte `end` begins.
fn kanji_number_before(text: &str, end: usize) -> Option<usize> {
    let mut here = end;
    for _ in 0..5 {
        match previous(text, here) {
            Some((c, before)) if is_kanji(c) && (kanji_digit(c).is_some() || matches!(c, '十' | '百')) => here = before,
            _ => break,
        }
    }
    (here < end).then_some(here)
}

/// The next digit or @, of either width, at byte `from` or behind it.
fn next_anchor(bytes: &[u8], from: usize) -> Option<usize> {
    const STRIDE: usize = 32;
    let first = |byte: u8| byte.wrapping_sub(b'0') < 10 || byte == b'@' || byte == 0xef;
    let mut at = from;
    while let Some(chunk) = bytes.get(at..at + STRIDE) {
        // Without an early end, so that the compiler can take all bytes at once.
        if !chunk.iter().fold(false, |any, &byte| any | first(byte)) {
            at += STRIDE;
            continue;
        }
        match chunk.iter().enumerate().position(|(i, &byte)| is_anchor(bytes, at + i, byte)) {
            Some(i) => return Some(at + i),
            None => at += STRIDE,
        }
    }
    let rest = bytes.get(at..)?;
    rest.iter().enumerate().position(|(i, &byte)| is_anchor(bytes, at + i, byte)).map(|i| at + i)
}

/// Does a digit or @ stand at `at`? Full-width ones are EF BC 90 … 99 and EF BC A0.
fn is_anchor(bytes: &[u8], at: usize, byte: u8) -> bool {
    match byte {
        b'0'..=b'9' | b'@' => true,
        0xef => bytes.get(at + 1) == Some(&0xbc) && matches!(bytes.get(at + 2), Some(0x90..=0x99 | 0xa0)),
        _ => false,
    }
}
