//! The rules that need a character's neighbours or the whole document: ，． → 、。, dashes in katakana words, symbols
//! beside Latin letters.
//!
//! They run on text that is otherwise normalised, over the few positions whose first byte is that of a symbol, and
//! replace symbols by symbols, so they cannot undo what came before.

use super::options::{Form, Options, Symbols};
use super::rules::{Rule, RuleCounts, is_katakana, joins_latin, to_ascii};

/// An edit: the character at this byte becomes another.
type Edit = (usize, char);

/// The second half of the normaliser.
pub(super) struct Punctuation<'a> {
    options: &'a Options,
    edits: Vec<Edit>,
    /// ，and ． that may be Japanese marks, with "follows Japanese".
    commas: Candidates,
    stops: Candidates,
}

#[derive(Default)]
struct Candidates {
    edits: Vec<Edit>,
    after_japanese: usize,
}

impl<'a> Punctuation<'a> {
    /// Scratch for one document; nothing is allocated until there is something to edit.
    pub(super) fn new(options: &'a Options) -> Self {
        Self { options, edits: Vec::new(), commas: Candidates::default(), stops: Candidates::default() }
    }

    /// Edits `text` in place.
    pub(super) fn apply(mut self, text: &mut String, counts: &mut RuleCounts) {
        self.collect(text, counts);
        self.judge(text, '、', counts);
        self.judge(text, '。', counts);
        if !self.edits.is_empty() {
            self.edits.sort_unstable_by_key(|edit| edit.0);
            *text = rewrite(text, &self.edits);
        }
    }

    /// Finds the symbols (they start with E2 or EF, letters and kana do not) and decides what their neighbours decide.
    fn collect(&mut self, text: &str, counts: &mut RuleCounts) {
        let mut done = 0;
        while let Some(at) = memchr::memchr2(0xe2, 0xef, &text.as_bytes()[done..]).map(|found| done + found) {
            let c = char_at(text, at).unwrap_or(' ');
            done = match c {
                '—' | '―' if self.options.katakana_dash => self.dash(text, at, c, counts),
                '：' if is_scheme(text, at) => self.run(text, done, at, counts),
                _ if joins_latin(c) => self.run(text, done, at, counts),
                _ => at + c.len_utf8(),
            };
        }
    }

    fn dash(&mut self, text: &str, at: usize, c: char, counts: &mut RuleCounts) -> usize {
        let end = at + c.len_utf8();
        if char_before(text, at).is_some_and(is_katakana) && char_at(text, end).is_some_and(is_katakana) {
            counts.add(Rule::KatakanaDashes);
            self.edits.push((at, 'ー'));
        }
        end
    }

    /// A run of symbols, full-width or ASCII: ASCII if Latin letters or digits stand on both sides. Gives its end.
    fn run(&mut self, text: &str, done: usize, at: usize, counts: &mut RuleCounts) -> usize {
        let head = text.as_bytes()[done..at].iter().rev().take_while(|b| b.is_ascii_punctuation()).count();
        let before = char_before(text, at - head);
        let tail = text.get(at..).unwrap_or("");
        let scheme = if tail.starts_with('：') { SCHEME.len() } else { 0 };
        let joins = |c: char| c.is_ascii_punctuation() || joins_latin(c);
        let length = tail.get(scheme..).and_then(|tail| tail.find(|c| !joins(c))).map_or(tail.len(), |found| scheme + found);
        let both = is_latin(before) && is_latin(char_at(text, at + length));
        let folded = if self.options.form != Form::Nfkc {
            0
        } else if both {
            length
        } else {
            scheme
        };
        for (i, c) in tail.get(..folded).unwrap_or("").char_indices().filter(|(_, c)| !c.is_ascii()) {
            counts.add(Rule::Symbols);
            self.edits.push((at + i, to_ascii(c)));
        }
        self.candidates(text, at + folded, at + length, counts);
        at + length
    }

    /// ，and ．in `from..to`: as in Swallow's rule, a run after a Latin letter or digit is no Japanese mark. Of ．it is the mark of a
    /// number or an abbreviation then, whatever follows: ３．１４, １．はじめに.
    fn candidates(&mut self, text: &str, from: usize, to: usize, counts: &mut RuleCounts) {
        let mut previous = char_before(text, from);
        let mut after_latin = false;
        for (i, c) in text.get(from..to).unwrap_or("").char_indices() {
            if previous != Some(c) {
                after_latin = previous.is_some_and(|p| p.is_ascii_alphanumeric() || is_wide_alphanumeric(p));
            }
            let (kind, japanese) = match c {
                '，' => (&mut self.commas, '、'),
                '．' => (&mut self.stops, '。'),
                _ => {
                    previous = Some(c);
                    continue;
                }
            };
            kind.after_japanese += usize::from(previous.is_some_and(precedes_mark));
            if !after_latin {
                kind.edits.push((from + i, japanese));
            } else if self.options.form == Form::Nfkc && (c == '．' || self.options.symbols == Symbols::Fold) {
                counts.add(Rule::Symbols);
                self.edits.push((from + i, to_ascii(c)));
            }
            previous = Some(c);
        }
    }

    /// ，is the comma of this document if it follows Japanese more often than 、 does; the same for ．and 。.
    fn judge(&mut self, text: &str, japanese: char, counts: &mut RuleCounts) {
        let fold = self.options.symbols == Symbols::Fold && self.options.form == Form::Nfkc;
        let kind = std::mem::take(if japanese == '、' { &mut self.commas } else { &mut self.stops });
        if self.options.kuten && kind.after_japanese > 0 && kind.after_japanese > count_after_japanese(text, japanese) {
            counts.add_many(Rule::Kuten, kind.edits.len() as u64);
            self.edits.extend(kind.edits);
        } else if fold {
            let ascii = if japanese == '、' { ',' } else { '.' };
            self.edits.extend(kind.edits.iter().map(|(at, _)| (*at, ascii)));
        }
    }
}

/// How often `mark` follows a Japanese letter or closing bracket.
fn count_after_japanese(text: &str, mark: char) -> usize {
    text.match_indices(mark).filter(|(at, _)| char_before(text, *at).is_some_and(precedes_mark)).count()
}

fn precedes_mark(c: char) -> bool {
    let letter = matches!(c, 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー' | '々' | '〇' | '〻' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}');
    letter || matches!(c, '）' | ')' | '」' | '』' | '］' | '〕' | '】' | '〉' | '》' | '\u{20000}'..='\u{323af}')
}

fn is_wide_alphanumeric(c: char) -> bool {
    matches!(c, '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ')
}

/// The colon and slashes of an address.
const SCHEME: &str = "：／／";

/// Does a full-width `：／／` after a Latin letter begin at `at`? Any other ：stays, whatever stands beside it.
fn is_scheme(text: &str, at: usize) -> bool {
    is_latin(char_before(text, at)) && text.get(at..).is_some_and(|tail| tail.starts_with(SCHEME))
}

fn is_latin(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_ascii_alphanumeric())
}

fn char_at(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

fn char_before(text: &str, at: usize) -> Option<char> {
    text.get(..at)?.chars().next_back()
}

fn rewrite(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (at, new) in edits {
        out.push_str(text.get(done..*at).unwrap_or(""));
        out.push(*new);
        done = at + char_at(text, *at).map_or(0, char::len_utf8);
    }
    out.push_str(text.get(done..).unwrap_or(""));
    out
}
