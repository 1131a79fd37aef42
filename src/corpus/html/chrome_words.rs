//! Lines that say by their words that they are chrome: menus, breadcrumbs, notices, buttons written as text. The words: `dicts/html/chrome.tsv`.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::letters::{is_letter, letters};

/// Longest line that is looked at, in characters; chrome is short.
const CHARACTERS_MAX: usize = 120;
/// Longest line that is chrome for its beginning alone.
const START_MAX: usize = 60;
/// Share of the letters of a line that has to be words of chrome; of one with a full stop, which is a sentence, nearly all.
const COVERED: f32 = 0.8;
const COVERED_IN_SENTENCE: f32 = 0.92;

/// What stands between the entries of a menu.
const SEPARATORS: &str = "|/><»«›‹ \t[]()【】■▲▼●│┃";
/// What is counted and dated with digits.
const COUNTERS: &str = "年月日時分秒位件回円人個点頁";

/// What the words of a line say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// Nothing.
    Text,
    /// Nothing but words that fill, as on a button.
    Filler,
    /// It may be one entry of a menu.
    Item,
    /// It is a menu, or a breadcrumb.
    Menu,
    /// It is other chrome.
    Chrome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Item,
    Sure,
    Start,
    Filler,
}

struct Table {
    automaton: AhoCorasick,
    kinds: Vec<Kind>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let (mut words, mut kinds) = (Vec::new(), Vec::new());
    for (word, kind) in entries() {
        words.push(word.chars().map(folded).collect::<String>());
        kinds.push(kind);
    }
    let automaton = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).match_kind(MatchKind::LeftmostLongest).build(words);
    // Some hundred short words are far below every limit of the builder, and a test builds them.
    #[expect(clippy::expect_used, reason = "the words are part of the program")]
    let automaton = automaton.expect("the words of chrome can be looked for");
    Table { automaton, kinds }
});

/// The lines of the table; the first without `#` names the columns.
fn entries() -> impl Iterator<Item = (&'static str, Kind)> {
    let lines = include_str!("../../../dicts/html/chrome.tsv").lines().filter(|line| !line.starts_with('#'));
    lines.skip(1).filter_map(|line| {
        let (word, kind) = line.split_once('\t')?;
        let kind = match kind {
            "item" => Kind::Item,
            "sure" => Kind::Sure,
            "start" => Kind::Start,
            "filler" => Kind::Filler,
            _ => return None,
        };
        Some((word, kind))
    })
}

/// What the words of a line say. What `scratch` holds is replaced.
pub(super) fn words(line: &str, scratch: &mut String) -> Words {
    let line = line.trim();
    // What somebody says is text. No character is longer than four bytes, so that few lines have to be counted.
    if line.starts_with(['「', '『', '“']) || line.len() > CHARACTERS_MAX && line.chars().nth(CHARACTERS_MAX).is_some() {
        return Words::Text;
    }
    scratch.clear();
    scratch.extend(line.chars().map(folded));
    let line = scratch.as_str();
    let is_sentence = line.contains('。');
    if !is_sentence && (is_breadcrumb(line) || begins_as_chrome(line)) {
        return Words::Menu;
    }
    if !is_sentence && is_copyright(line) {
        return Words::Chrome;
    }
    match Found::count(line, if is_sentence { COVERED_IN_SENTENCE } else { COVERED }) {
        Some(found) if found.covered == 0 => Words::Text,
        Some(found) if found.segments > 1 && !is_sentence => Words::Menu,
        Some(found) if found.sure => Words::Chrome,
        Some(found) if found.other > 0 => Words::Text,
        Some(found) if found.segments == 1 => Words::Item,
        Some(_) => Words::Filler,
        None => Words::Text,
    }
}

/// In lower case and without wide forms of ASCII.
fn folded(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c).to_ascii_lowercase(),
        '\u{3000}' | '\u{a0}' => ' ',
        _ => c.to_ascii_lowercase(),
    }
}

/// Who has the rights in the page.
fn is_copyright(line: &str) -> bool {
    let year = |rest: &str| rest.trim_start_matches([' ', ',', '.', ':', '©']).starts_with(|c: char| c.is_ascii_digit());
    line.starts_with('©')
        || line.trim_end_matches(['.', ' ']).ends_with("reserved") && line.contains("all rights reserved")
        || line.strip_prefix("(c)").is_some_and(year)
        || line.strip_prefix("copyright").is_some_and(|rest| year(rest) || rest.trim_start().starts_with(['©', '(']))
}

/// `ホーム > 製品 > 米`
fn is_breadcrumb(line: &str) -> bool {
    ["ホーム", "トップページ", "トップ", "home", "top"].iter().any(|home| {
        let rest = line.strip_prefix(home).map(str::trim_start);
        rest.is_some_and(|rest| rest.starts_with(['>', '»', '›', '≫', '▸']) && !rest.starts_with(">=") || rest.matches("/ ").count() > 1)
    })
}

fn begins_as_chrome(line: &str) -> bool {
    if line.len() > START_MAX && line.chars().nth(START_MAX).is_some() {
        return false;
    }
    let first = TABLE.automaton.find_iter(line).next().filter(|found| found.start() == 0 && TABLE.kinds[found.pattern()] == Kind::Start);
    let rest = first.and_then(|found| line.get(found.end()..));
    rest.is_some_and(|rest| rest.trim_start().starts_with([':', '>', '»', '›', '/', '】', ']']) || rest.starts_with(' '))
}

/// What was found in a line.
#[derive(Default)]
struct Found {
    /// Letters of words of chrome, and other letters.
    covered: usize,
    other: usize,
    sure: bool,
    /// Parts between signs and blanks that hold an item.
    segments: usize,
}

impl Found {
    /// Counts; `None` as soon as too much of the line is other text.
    fn count(line: &str, covered: f32) -> Option<Self> {
        let mut found = Self::default();
        let other_max = letters(line) as f32 * (1.0 - covered);
        let (mut at, mut segment_has_item) = (0, false);
        for word in TABLE.automaton.find_iter(line) {
            if !stands_alone(line, word.start(), word.end()) {
                continue;
            }
            segment_has_item &= !found.between(line, at, word.start());
            if found.other as f32 > other_max {
                return None;
            }
            found.covered += letters(line.get(word.start()..word.end()).unwrap_or_default());
            at = word.end();
            let kind = TABLE.kinds[word.pattern()];
            if kind != Kind::Filler {
                found.sure |= kind != Kind::Item;
                found.segments += usize::from(!segment_has_item);
                segment_has_item = true;
            }
        }
        found.between(line, at, line.len());
        (found.other as f32 <= other_max).then_some(found)
    }

    /// Counts what stands between two words of chrome; does a sign or a blank separate them? Digits, and what counts or dates with them, are
    /// neither chrome nor text.
    fn between(&mut self, line: &str, start: usize, end: usize) -> bool {
        let mut before = line.get(..start).and_then(|before| before.chars().next_back());
        let mut is_separated = false;
        for c in line.get(start..end).unwrap_or_default().chars() {
            is_separated |= SEPARATORS.contains(c);
            let counts = before.is_some_and(|before| before.is_ascii_digit()) && COUNTERS.contains(c);
            self.other += usize::from(is_letter(c) && !c.is_ascii_digit() && !counts);
            before = Some(c);
        }
        is_separated
    }
}

/// A Latin word has no Latin letter beside it.
fn stands_alone(line: &str, start: usize, end: usize) -> bool {
    let word = line.get(start..end).unwrap_or_default();
    let is_latin = |c: char| c.is_ascii_alphanumeric();
    let before = line.get(..start).and_then(|before| before.chars().next_back());
    let behind = line.get(end..).and_then(|behind| behind.chars().next());
    !(word.starts_with(is_latin) && before.is_some_and(is_latin) || word.ends_with(is_latin) && behind.is_some_and(is_latin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_a_kind_and_stands_once() {
        let lines = include_str!("../../../dicts/html/chrome.tsv").lines().filter(|line| !line.starts_with('#')).count();
        let mut all: Vec<String> = entries().map(|(word, _)| word.chars().map(folded).collect()).collect();
        assert_eq!(all.len() + 1, lines);
        all.sort();
        let unique = all.len();
        all.dedup();
        assert_eq!(all.len(), unique);
    }
}
