//! The figures of FineWeb2's filters for `jpn_Jpan` (Penedo and others 2025; datatrove's Gopher and FineWeb filters), for
//! comparison only.
//!
//! Definitions are the peer's. Its words come from a Sudachi splitter, ours are the morphemes of the plan's dictionary; on
//! equal words the figures are equal. Its language score, and its changes to the text, are left out.

use rustc_hash::{FxHashMap, FxHashSet};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// Name and meaning of each figure: the name of the reason the peer gives, in the order in which it looks.
pub const FIELDS: [(&str, &str); 21] = [
    ("dup_line_frac", "Lines equal to an earlier one / lines, split at runs of line breaks."),
    ("top_2_gram", "Characters of the most frequent 2-gram of words, joined with spaces, times its count / characters."),
    ("top_3_gram", "Characters of the most frequent 3-gram of words, joined with spaces, times its count / characters."),
    ("top_4_gram", "Characters of the most frequent 4-gram of words, joined with spaces, times its count / characters."),
    ("duplicated_5_n_grams", "Characters in repeated 5-grams of words, taken greedily / characters."),
    ("duplicated_6_n_grams", "Characters in repeated 6-grams of words, taken greedily / characters."),
    ("duplicated_7_n_grams", "Characters in repeated 7-grams of words, taken greedily / characters."),
    ("duplicated_8_n_grams", "Characters in repeated 8-grams of words, taken greedily / characters."),
    ("duplicated_9_n_grams", "Characters in repeated 9-grams of words, taken greedily / characters."),
    ("duplicated_10_n_grams", "Characters in repeated 10-grams of words, taken greedily / characters."),
    ("line_punct_ratio", "Lines that end in a terminal mark / lines that are not blank."),
    ("char_dup_ratio", "Characters of lines equal to an earlier one / characters without line breaks."),
    ("list_ratio", "Line breaks / words."),
    ("gopher_doc_words", "Words that hold something other than punctuation."),
    ("gopher_avg_word_length", "Mean length of words that hold something other than punctuation."),
    ("gopher_too_many_hashes", "# / words."),
    ("gopher_too_many_ellipsis", "Ellipses / words."),
    ("gopher_too_many_bullets", "Lines that begin with a bullet / lines."),
    ("gopher_too_many_end_ellipsis", "Lines that end in an ellipsis / lines."),
    ("gopher_below_alpha_threshold", "Words with a letter / words."),
    ("gopher_enough_stop_words", "How many of の に を は た て が と で 年 し ・ 月 れ さ are words of the text."),
];

const STOP_WORDS: [&str; 15] = ["の", "に", "を", "は", "た", "て", "が", "と", "で", "年", "し", "・", "月", "れ", "さ"];

/// Code points of the peer's set of terminal marks: Unicode's Sentence_Terminal and a few more, first and last of each run.
const TERMINAL: &[(u32, u32)] = &[
    (0x21, 0x21),
    (0x2e, 0x2e),
    (0x3f, 0x3f),
    (0x589, 0x589),
    (0x61d, 0x61f),
    (0x6d4, 0x6d4),
    (0x700, 0x702),
    (0x7f9, 0x7f9),
    (0x837, 0x837),
    (0x839, 0x839),
    (0x83d, 0x83e),
    (0x964, 0x965),
    (0x104a, 0x104b),
    (0x1362, 0x1362),
    (0x1367, 0x1368),
    (0x166e, 0x166e),
    (0x1735, 0x1736),
    (0x17d4, 0x17d6),
    (0x17d9, 0x17da),
    (0x1803, 0x1803),
    (0x1809, 0x1809),
    (0x1944, 0x1945),
    (0x1aa8, 0x1aab),
    (0x1b5a, 0x1b5b),
    (0x1b5e, 0x1b5f),
    (0x1b7d, 0x1b7e),
    (0x1c3b, 0x1c3c),
    (0x1c7e, 0x1c7f),
    (0x203c, 0x203d),
    (0x2047, 0x2049),
    (0x2e2e, 0x2e2e),
    (0x2e3c, 0x2e3c),
    (0x2e53, 0x2e54),
    (0x3002, 0x3002),
    (0xa4ff, 0xa4ff),
    (0xa60e, 0xa60f),
    (0xa6f3, 0xa6f3),
    (0xa6f7, 0xa6f7),
    (0xa876, 0xa877),
    (0xa8ce, 0xa8cf),
    (0xa92f, 0xa92f),
    (0xa9c8, 0xa9c9),
    (0xaa5d, 0xaa5f),
    (0xaaf0, 0xaaf1),
    (0xabeb, 0xabeb),
    (0xfe52, 0xfe52),
    (0xfe56, 0xfe57),
    (0xff01, 0xff01),
    (0xff0e, 0xff0e),
    (0xff1f, 0xff1f),
    (0xff61, 0xff61),
    (0x10a56, 0x10a57),
    (0x10f55, 0x10f59),
    (0x10f86, 0x10f89),
    (0x11047, 0x11048),
    (0x110be, 0x110c1),
    (0x11141, 0x11143),
    (0x111c5, 0x111c6),
    (0x111cd, 0x111cd),
    (0x111de, 0x111df),
    (0x11238, 0x11239),
    (0x1123b, 0x1123c),
    (0x112a9, 0x112a9),
    (0x1144b, 0x1144c),
    (0x115c2, 0x115c3),
    (0x115c9, 0x115d7),
    (0x11641, 0x11642),
    (0x1173c, 0x1173e),
    (0x11944, 0x11944),
    (0x11946, 0x11946),
    (0x11a42, 0x11a43),
    (0x11a9b, 0x11a9c),
    (0x11c41, 0x11c42),
    (0x11ef7, 0x11ef8),
    (0x11f43, 0x11f44),
    (0x16a6e, 0x16a6f),
    (0x16af5, 0x16af5),
    (0x16b37, 0x16b38),
    (0x16b44, 0x16b44),
    (0x16e98, 0x16e98),
    (0x1bc9f, 0x1bc9f),
    (0x1da88, 0x1da88),
];

/// The other code points that the peer takes for punctuation, among them １.
const PUNCTUATION: &[(u32, u32)] = &[
    (0x0, 0x8),
    (0xb, 0x1f),
    (0x22, 0x2d),
    (0x2f, 0x2f),
    (0x3a, 0x3e),
    (0x40, 0x40),
    (0x5b, 0x60),
    (0x7b, 0x9f),
    (0xab, 0xab),
    (0xb4, 0xb4),
    (0xbb, 0xbb),
    (0x2013, 0x2014),
    (0x2019, 0x2019),
    (0x201c, 0x201e),
    (0x2026, 0x2026),
    (0x2236, 0x2236),
    (0x2501, 0x2501),
    (0x25ba, 0x25ba),
    (0x3001, 0x3001),
    (0x3008, 0x300d),
    (0x3010, 0x3011),
    (0xff05, 0xff05),
    (0xff08, 0xff09),
    (0xff0c, 0xff0c),
    (0xff11, 0xff11),
    (0xff1a, 0xff1b),
    (0xff5e, 0xff5e),
];

/// Odd multiplier of the polynomial hash (2^64 / golden ratio).
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// The figures of `text` and its words, in the order of [`FIELDS`]; `None` where there is nothing to divide by.
///
/// Words are stripped of white space; those that are empty then are left out. Linear in time and memory.
pub fn fineweb2_ja<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> [Option<f64>; FIELDS.len()] {
    let words: Vec<&str> = words.map(strip).filter(|word| !word.is_empty()).collect();
    let chars = text.chars().count() as u64;
    let joined = Joined::new(&words);
    let [top_2, top_3, top_4] = [2, 3, 4].map(|n| share(joined.top(n)?, chars));
    let [dup_5, dup_6, dup_7, dup_8, dup_9, dup_10] = [5, 6, 7, 8, 9, 10].map(|n| share(joined.duplicated(n), chars));
    let last = text.matches('\n').count();
    // Split at runs of breaks: empty lines only at both ends.
    let (split, split_again, _) =
        repeats(text.split('\n').enumerate().filter(|(i, line)| [0, last].contains(i) || !line.is_empty()).map(|(_, line)| line));
    let (lines, _, again_chars) = repeats(text.split('\n').filter(|line| !strip(line).is_empty()));
    let ended = text.split('\n').filter(|line| !strip(line).is_empty() && line.ends_with(|c| among(TERMINAL, c))).count() as u64;
    let breaks = last as u64;
    let n = words.len() as u64;
    let real = || words.iter().filter(|word| !word.chars().all(|c| among(TERMINAL, c) || among(PUNCTUATION, c)));
    let real_chars: u64 = real().map(|word| word.chars().count() as u64).sum();
    let python: Vec<&str> = python_lines(text);
    let bullets = python.iter().filter(|line| lstrip(line).starts_with(['•', '-'])).count() as u64;
    let dotted = python.iter().filter(|line| rstrip(line).ends_with("...") || rstrip(line).ends_with('…')).count() as u64;
    let lettered = words.iter().filter(|word| word.chars().any(|c| c.general_category_group() == GeneralCategoryGroup::Letter)).count();
    let found = STOP_WORDS.iter().filter(|stop| words.contains(stop)).count();
    [
        share(split_again, split),
        top_2,
        top_3,
        top_4,
        dup_5,
        dup_6,
        dup_7,
        dup_8,
        dup_9,
        dup_10,
        share(ended, lines),
        share(again_chars, chars - breaks),
        share(breaks, n),
        Some(real().count() as f64),
        share(real_chars, real().count() as u64),
        share(text.matches('#').count() as u64, n),
        share((text.matches("...").count() + text.matches('…').count()) as u64, n),
        share(bullets, python.len() as u64),
        share(dotted, python.len() as u64),
        share(lettered as u64, n),
        Some(found as f64),
    ]
}

/// Items, those equal to an earlier one, and the characters of the latter.
fn repeats<'a>(items: impl Iterator<Item = &'a str>) -> (u64, u64, u64) {
    let mut seen = FxHashSet::default();
    items.fold(
        (0, 0, 0),
        |(n, again, chars), item| {
            if seen.insert(item) { (n + 1, again, chars) } else { (n + 1, again + 1, chars + item.chars().count() as u64) }
        },
    )
}

/// Words one behind the other, with hashes of every run of them.
struct Joined {
    /// Hash and characters before each word, and behind the last: without and with a space behind every word.
    glued: Vec<(u64, u64)>,
    spaced: Vec<(u64, u64)>,
    /// Powers of [`BASE`] by bytes.
    powers: Vec<u64>,
    bytes: Vec<usize>,
}

impl Joined {
    fn new(words: &[&str]) -> Self {
        let add = |hash: u64, byte: u8| {
            hash.wrapping_mul(BASE).wrapping_add((u64::from(byte) + 1).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29))
        };
        let (mut glued, mut spaced, mut bytes) = (vec![(0, 0)], vec![(0, 0)], vec![0]);
        let (mut a, mut b, mut length) = ((0, 0), (0, 0), 0);
        for word in words {
            let chars = word.chars().count() as u64;
            a = (word.bytes().fold(a.0, add), a.1 + chars);
            b = (add(word.bytes().fold(b.0, add), b' '), b.1 + chars + 1);
            length += word.len();
            glued.push(a);
            spaced.push(b);
            bytes.push(length);
        }
        let mut power = 1_u64;
        let powers = std::iter::once(1).chain((0..length + words.len()).map(|_| {
            power = power.wrapping_mul(BASE);
            power
        }));
        Self { powers: powers.collect(), glued, spaced, bytes }
    }

    /// Hash and characters of words `i..i + n`, with a space behind each.
    fn spaced(&self, i: usize, n: usize) -> Option<(u64, u64)> {
        let ((before, start), (behind, end)) = (self.spaced[i], *self.spaced.get(i + n)?);
        let bytes = self.bytes[i + n] - self.bytes[i] + n;
        Some((behind.wrapping_sub(before.wrapping_mul(self.powers[bytes])), end - start))
    }

    fn glued(&self, i: usize, n: usize) -> Option<(u64, u64)> {
        let ((before, start), (behind, end)) = (self.glued[i], *self.glued.get(i + n)?);
        let bytes = self.bytes[i + n] - self.bytes[i];
        Some((behind.wrapping_sub(before.wrapping_mul(self.powers[bytes])), end - start))
    }

    /// Characters of the most frequent n-gram, the first of equals, times its count.
    fn top(&self, n: usize) -> Option<u64> {
        let mut counts = FxHashMap::<u64, (u64, usize)>::default();
        let mut top = (0, std::cmp::Reverse(0), 0);
        for i in 0.. {
            let Some((hash, chars)) = self.spaced(i, n) else { break };
            let (count, first) = counts.entry(hash ^ hash >> 32).or_insert((0, i));
            *count += 1;
            top = top.max((*count, std::cmp::Reverse(*first), chars - 1));
        }
        (top.0 > 0).then_some(top.0 * top.2)
    }

    /// Characters of n-grams that occurred before; behind one the next n-gram begins, otherwise the next word.
    fn duplicated(&self, n: usize) -> u64 {
        let mut seen = FxHashSet::default();
        let (mut i, mut repeated) = (0, 0);
        while let Some((hash, chars)) = self.glued(i, n) {
            if seen.insert(hash ^ hash >> 32) {
                i += 1;
            } else {
                repeated += chars;
                i += n;
            }
        }
        repeated
    }
}

fn among(runs: &[(u32, u32)], c: char) -> bool {
    let code = u32::from(c);
    runs.get(runs.partition_point(|(_, last)| *last < code)).is_some_and(|(first, _)| *first <= code)
}

fn is_python_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

fn strip(text: &str) -> &str {
    text.trim_matches(is_python_space)
}

fn lstrip(text: &str) -> &str {
    text.trim_start_matches(is_python_space)
}

fn rstrip(text: &str) -> &str {
    text.trim_end_matches(is_python_space)
}

/// Python's `str.splitlines`.
fn python_lines(text: &str) -> Vec<&str> {
    let breaks = ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.find(breaks).unwrap_or(rest.len());
        let (line, behind) = rest.split_at(at);
        lines.push(line);
        rest = behind.strip_prefix("\r\n").or_else(|| behind.strip_prefix(breaks)).unwrap_or(behind);
    }
    lines
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, words: &[&str], wanted: &[(&str, Option<f64>)]) {
        let figures = fineweb2_ja(text, words.iter().copied());
        for (name, wanted) in wanted {
            let at = FIELDS.iter().position(|(field, _)| field == name).unwrap();
            let near = figures[at].zip(*wanted).is_some_and(|(found, wanted)| (found - wanted).abs() < 1e-9);
            assert!(near || figures[at] == *wanted, "{name}: {:?} and not {wanted:?}", figures[at]);
        }
    }

    #[test]
    fn lines_as_the_peer_splits_them() {
        check("\n\n", &[], &[("dup_line_frac", Some(0.5)), ("line_punct_ratio", None), ("list_ratio", None)]);
        check("あ\n\nあ\n", &["あ", "あ"], &[("dup_line_frac", Some(1. / 3.)), ("char_dup_ratio", Some(0.5)), ("list_ratio", Some(1.5))]);
        check("はい。\n「はい」\n ", &["はい"], &[("line_punct_ratio", Some(0.5))]);
        check(
            "- 一\r\n• 二\u{85}三…\n",
            &["一"],
            &[("gopher_too_many_bullets", Some(2. / 3.)), ("gopher_too_many_end_ellipsis", Some(1. / 3.))],
        );
    }

    #[test]
    fn words_as_the_peer_joins_them() {
        let text = "赤い花と赤い花と赤い";
        let words = ["赤い", "花", "と", "赤い", "花", "と", "赤い", " "];
        // 赤い 花 comes first of the pairs that occur twice: four characters with the space.
        check(text, &words, &[("top_2_gram", Some(0.8)), ("top_3_gram", Some(1.2)), ("duplicated_5_n_grams", Some(0.))]);
        check(
            text,
            &words,
            &[("gopher_doc_words", Some(7.)), ("gopher_enough_stop_words", Some(1.)), ("gopher_avg_word_length", Some(10. / 7.))],
        );
        let twice = ["い", "ろ", "は", "に", "ほ", "い", "ろ", "は", "に", "ほ", "い"];
        check(
            &twice.concat(),
            &twice,
            &[("duplicated_5_n_grams", Some(5. / 11.)), ("duplicated_6_n_grams", Some(6. / 11.)), ("duplicated_7_n_grams", Some(0.))],
        );
        check("１#々", &["１", "#", "々"], &[("gopher_doc_words", Some(1.)), ("gopher_below_alpha_threshold", Some(1. / 3.))]);
    }
}
