//! The figures of Swallow v1 (Okazaki and others 2024, `quality.py` of swallow-corpus), for comparison only.
//!
//! Definitions are the peer's, also where ours differ: blank lines are lines, sentences end at 。．！？!? wherever those
//! stand, ー and half-width kana and kanji beyond U+FFFF are no Japanese letters, n-grams run over the whole text with its
//! line breaks. Its word and host lists, and its changes to the text, are left out. The peer raises an error for texts of
//! fewer than four characters; they have fewer than 400, so they fail here.

use std::hash::Hash;

use rustc_hash::{FxHashMap, FxHashSet};

/// Name and meaning of each figure, in the order in which the peer looks at them.
pub const FIELDS: [(&str, &str); 21] = [
    ("num_letters", "Characters, white space included."),
    ("duplicate_paragraph_fraction", "Lines equal to an earlier one / lines; blank ones count."),
    ("duplicate_sentence_fraction", "Sentences equal to an earlier one / sentences."),
    ("duplicate_paragraph_fraction_in_character", "Characters of lines equal to an earlier one / characters of lines."),
    ("duplicate_sentence_fraction_in_character", "Characters of sentences equal to an earlier one / characters of sentences."),
    ("top_2gram_character_fraction", "Occurrences of the most frequent 2-gram / 2-grams."),
    ("top_3gram_character_fraction", "Occurrences of the most frequent 3-gram / 3-grams."),
    ("top_4gram_character_fraction", "Occurrences of the most frequent 4-gram / 4-grams."),
    ("duplicate_5gram_character_fraction", "Distinct 5-grams that occur again / distinct 5-grams, over the whole text."),
    ("duplicate_6gram_character_fraction", "Distinct 6-grams that occur again / distinct 6-grams, over the whole text."),
    ("duplicate_7gram_character_fraction", "Distinct 7-grams that occur again / distinct 7-grams, over the whole text."),
    ("duplicate_8gram_character_fraction", "Distinct 8-grams that occur again / distinct 8-grams, over the whole text."),
    ("duplicate_9gram_character_fraction", "Distinct 9-grams that occur again / distinct 9-grams, over the whole text."),
    ("duplicate_10gram_character_fraction", "Distinct 10-grams that occur again / distinct 10-grams, over the whole text."),
    ("hiragana_fraction", "Hiragana / Japanese."),
    ("katakana_fraction", "Katakana / Japanese."),
    ("japanese_fraction", "Hiragana, katakana, kanji and 、，。．！？ / characters."),
    ("num_japanese_letters", "Hiragana, katakana, kanji and 、，。．！？."),
    ("avg_sentence_length", "Mean length of sentences."),
    ("max_sentence_length", "Length of the longest sentence."),
    ("ellipsis_fraction", "Sentences that end in ・ or … / sentences."),
];

/// Odd multiplier of the polynomial hash (2^64 / golden ratio).
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// The figures of `text`, in the order of [`FIELDS`]. Linear in time and memory.
pub fn swallow_v1(text: &str) -> [f64; FIELDS.len()] {
    let mut lines = Repeats::default();
    let mut sentences = Repeats::default();
    let (mut longest, mut ellipses) = (0, 0_u64);
    for line in text.split('\n') {
        let parts = line.split_inclusive(ends_sentence).filter(|part| !part.starts_with(ends_sentence));
        // Marks that follow a mark belong to no sentence, so they are no part of the line either.
        let whole: String = parts.clone().collect();
        lines.see(whole.clone(), whole.chars().count() as u64);
        for sentence in parts {
            let chars = sentence.chars().count() as u64;
            longest = longest.max(chars);
            ellipses += u64::from(strip(sentence).ends_with(['・', '…']));
            sentences.see(sentence, chars);
        }
    }
    let chars: Vec<char> = text.chars().collect();
    let n = chars.len() as u64;
    let [hiragana, katakana, japanese] = letters(&chars);
    let [top_2, top_3, top_4] = [2, 3, 4].map(|n| top(&chars, n));
    let prefix = prefixes(&chars);
    let [dup_5, dup_6, dup_7, dup_8, dup_9, dup_10] = [5, 6, 7, 8, 9, 10].map(|n| again(&prefix, n));
    [
        n as f64,
        share(lines.again, lines.n),
        share(sentences.again, sentences.n),
        share(lines.again_chars, lines.chars),
        share(sentences.again_chars, sentences.chars),
        top_2,
        top_3,
        top_4,
        dup_5,
        dup_6,
        dup_7,
        dup_8,
        dup_9,
        dup_10,
        share(hiragana, japanese),
        share(katakana, japanese),
        share(japanese, n),
        japanese as f64,
        share(sentences.chars, sentences.n),
        longest as f64,
        share(ellipses, sentences.n),
    ]
}

/// Items, and those equal to an earlier one.
#[derive(Debug)]
struct Repeats<T> {
    seen: FxHashSet<T>,
    n: u64,
    chars: u64,
    again: u64,
    again_chars: u64,
}

impl<T> Default for Repeats<T> {
    fn default() -> Self {
        Self { seen: FxHashSet::default(), n: 0, chars: 0, again: 0, again_chars: 0 }
    }
}

impl<T: Hash + Eq> Repeats<T> {
    fn see(&mut self, item: T, chars: u64) {
        self.n += 1;
        self.chars += chars;
        if !self.seen.insert(item) {
            self.again += 1;
            self.again_chars += chars;
        }
    }
}

fn ends_sentence(c: char) -> bool {
    matches!(c, '。' | '．' | '！' | '？' | '!' | '?')
}

/// Python's `str.strip`, which also strips the four separators of ASCII.
fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}'))
}

/// Hiragana, katakana, and all that counts as Japanese.
fn letters(chars: &[char]) -> [u64; 3] {
    let (mut hiragana, mut katakana, mut others) = (0, 0, 0);
    for c in chars {
        match c {
            '\u{3041}'..='\u{3096}' => hiragana += 1,
            '\u{30a1}'..='\u{30fa}' => katakana += 1,
            '、' | '，' | '。' | '．' | '！' | '？' | '々' | '〇' | '〻' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' => {
                others += 1;
            }
            _ => {}
        }
    }
    [hiragana, katakana, hiragana + katakana + others]
}

/// Occurrences of the most frequent n-gram / n-grams, n ≤ 6.
fn top(chars: &[char], n: usize) -> f64 {
    let mut counts = FxHashMap::<u128, u64>::default();
    let mut most = 0;
    for gram in chars.windows(n) {
        // A code point has 21 bits.
        let count = counts.entry(gram.iter().fold(0, |key, c| key << 21 | u128::from(u32::from(*c)))).or_default();
        *count += 1;
        most = most.max(*count);
    }
    share(most, (chars.len() + 1).saturating_sub(n) as u64)
}

fn prefixes(chars: &[char]) -> Vec<u64> {
    let scramble = |c: &char| (u64::from(u32::from(*c)) + 1).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29);
    let mut hash = 0_u64;
    let hashes = chars.iter().map(|c| {
        hash = hash.wrapping_mul(BASE).wrapping_add(scramble(c));
        hash
    });
    std::iter::once(0).chain(hashes).collect()
}

/// Distinct n-grams that occur again / distinct n-grams, by hashes of 64 bits.
fn again(prefix: &[u64], n: usize) -> f64 {
    let power = (0..n).fold(1_u64, |power, _| power.wrapping_mul(BASE));
    let mut seen = FxHashMap::<u64, bool>::default();
    let mut again = 0;
    for (from, to) in prefix.iter().zip(prefix.get(n..).unwrap_or_default()) {
        let hash = to.wrapping_sub(from.wrapping_mul(power));
        seen.entry(hash ^ hash >> 32).and_modify(|more| again += u64::from(!std::mem::replace(more, true))).or_insert(false);
    }
    share(again, seen.len() as u64)
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0. } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, wanted: &[(&str, f64)]) {
        let figures = swallow_v1(text);
        for (name, wanted) in wanted {
            let at = FIELDS.iter().position(|(field, _)| field == name).unwrap();
            assert!((figures[at] - wanted).abs() < 1e-9, "{name}: {} and not {wanted}", figures[at]);
        }
    }

    #[test]
    fn the_peers_definitions() {
        // Blank lines are lines; the second mark of ！？ belongs to no sentence; 「」 and digits do not keep a sentence together.
        check(
            "はい！？\n\n「はい。」と３．１４だ\n",
            &[
                ("num_letters", 18.),
                ("duplicate_paragraph_fraction", 0.25),
                ("duplicate_sentence_fraction", 0.),
                ("avg_sentence_length", 14. / 4.),
                ("max_sentence_length", 4.),
            ],
        );
        // ー, half-width kana and kanji beyond U+FFFF are no letters.
        check("カー𠮷ｱあ漢、", &[("num_japanese_letters", 4.), ("katakana_fraction", 0.25), ("hiragana_fraction", 0.25)]);
        check("終わり… \n続く・\n以上", &[("ellipsis_fraction", 2. / 3.)]);
        check("ababa", &[("top_2gram_character_fraction", 0.5), ("top_4gram_character_fraction", 0.5)]);
        check(
            "あいうえおかあいうえおかき",
            &[("duplicate_5gram_character_fraction", 2. / 7.), ("duplicate_10gram_character_fraction", 0.)],
        );
    }

    #[test]
    fn where_the_peer_raises_an_error_there_are_figures() {
        check("", &[("num_letters", 0.), ("top_4gram_character_fraction", 0.), ("max_sentence_length", 0.)]);
        check("。", &[("num_letters", 1.), ("avg_sentence_length", 0.)]);
    }
}
