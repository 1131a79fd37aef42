//! The measures: name, meaning and value of each, in the order in which they are stored.
//!
//! A new measure is one entry here. Its value is computed from the [`Sums`] of the document, or from its text
//! (`|sums| my_kernel(sums.text)`). A rule about it is one line in `decide/presets.rs`.

use super::class::Class;
use super::sums::Sums;

/// A measure of a document.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// Name of the field in the `quality` column.
    pub name: &'static str,
    /// One line for documentation.
    pub about: &'static str,
    /// How it is computed.
    pub value: Value,
}

/// The value of a measure.
#[derive(Debug, Clone, Copy)]
pub enum Value {
    /// A share or mean (f32); null where there is nothing to divide by.
    Ratio(fn(&Sums<'_>) -> Option<f32>),
    /// A number of things (u32).
    Count(fn(&Sums<'_>) -> u32),
}

/// Fewer words are no evidence: a heading, a name called out, 「異議なし」.
const FEW_WORDS: u32 = 20;

/// Every measure, in the order of the fields.
pub const MEASURES: &[Measure] = &[
    ratio("ja_share", "Japanese letters and marks / visible characters.", |s| share(s.chars.japanese(), s.chars.visible())),
    ratio("hiragana", "Hiragana / Japanese.", |s| share(s.chars.of(Class::Hiragana), s.chars.japanese())),
    ratio("hiragana_of_all", "Hiragana / visible characters.", |s| share(s.chars.of(Class::Hiragana), s.chars.visible())),
    ratio("katakana", "Katakana / Japanese.", |s| share(s.chars.of(Class::Katakana), s.chars.japanese())),
    ratio("kana", "Hiragana and katakana / Japanese.", |s| share(s.chars.kana(), s.chars.japanese())),
    ratio("mean_sentence", "Mean length of sentences in characters.", |s| share(s.sentences.chars, s.sentences.n)),
    ratio("max_sentence", "Characters of the longest sentence.", |s| (s.sentences.n > 0).then_some(s.sentences.longest as f32)),
    ratio("short_lines", "Lines of at most 10 characters / lines.", |s| share(s.lines.short, s.lines.n)),
    ratio("line_end_mark", "Lines that end in a mark or closing bracket / lines.", |s| share(s.lines.marked, s.lines.n)),
    ratio("ended", "Characters of sentences that end in a mark or the 」 behind it / characters of sentences.", |s| {
        share(s.sentences.ended_chars, s.sentences.chars)
    }),
    ratio("dup_lines", "Lines equal to an earlier one / lines.", |s| share(s.lines.again, s.lines.n)),
    ratio("dup_line_chars", "Characters of lines equal to an earlier one / characters of lines.", |s| {
        share(s.lines.again_chars, s.lines.chars)
    }),
    ratio("dup_sentences", "Sentences equal to an earlier one / sentences.", |s| share(s.sentences.again, s.sentences.n)),
    ratio("dup_sentence_chars", "Characters of sentences equal to an earlier one / characters of sentences.", |s| {
        share(s.sentences.again_chars, s.sentences.chars)
    }),
    ratio("repeated", "Character 10-grams that occurred before in their window of 2,000 characters / 10-grams.", |s| s.repeated),
    ratio("vocabulary", "Different content words in their window of 200 / content words.", |s| s.words.vocabulary),
    ratio("grammar", "Particles, verbs and adjectives / words, symbols and numbers not counted; null below 20 words.", |s| {
        share(s.words.grammar, s.words.real).filter(|_| s.words.real >= FEW_WORDS)
    }),
    ratio("noun_share", "Nouns / morphemes.", |s| share(s.words.nouns, s.words.n)),
    ratio("ellipsis", "Sentences that end in an ellipsis / sentences.", |s| share(s.sentences.ellipses, s.sentences.n)),
    ratio("mojibake", "Garbled characters / visible characters, at most 1.", |s| Some(share(s.chars.garbled, s.chars.visible())?.min(1.))),
    count("n_chars", "Characters, white space included.", |s| s.chars.all()),
    count("n_lines", "Lines that hold a letter.", |s| s.lines.n),
    count("n_sentences", "Sentences that hold a letter.", |s| s.sentences.n),
    count("run_max", "Longest run of one visible character.", |s| s.chars.run_max),
    count("hangul", "Hangul.", |s| s.chars.of(Class::Hangul)),
    count("simplified", "Kanji of simplified Chinese that Japanese does not write.", |s| s.chars.of(Class::Simplified)),
    count("replaced", "U+FFFD, which stands for bytes that could not be decoded.", |s| s.chars.of(Class::Replaced)),
    count("c1", "C1 controls.", |s| s.chars.of(Class::Control)),
];

const fn ratio(name: &'static str, about: &'static str, value: fn(&Sums<'_>) -> Option<f32>) -> Measure {
    Measure { name, about, value: Value::Ratio(value) }
}

const fn count(name: &'static str, about: &'static str, value: fn(&Sums<'_>) -> u32) -> Measure {
    Measure { name, about, value: Value::Count(value) }
}

fn share(part: u32, whole: u32) -> Option<f32> {
    (whole > 0).then(|| part as f32 / whole as f32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sums::Measurer;
    use super::*;
    use crate::morpheme::PosTable;

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

    fn sum(text: &str) -> Sums<'_> {
        sum_sparing(text, &[])
    }

    fn sum_sparing<'a>(text: &'a str, spared: &[u32]) -> Sums<'a> {
        Measurer::new(&table()).sum(text, &ends(text), spared, &[], &[])
    }

    /// The value of a measure, count or ratio.
    fn value(measure: &Measure, sums: &Sums<'_>) -> Option<f32> {
        match measure.value {
            Value::Ratio(value) => value(sums),
            Value::Count(value) => Some(value(sums) as f32),
        }
    }

    #[track_caller]
    fn check(sums: &Sums<'_>, name: &str, wanted: impl Into<Option<f32>>) {
        let wanted = wanted.into();
        let found = value(MEASURES.iter().find(|measure| measure.name == name).unwrap(), sums);
        assert!(found == wanted || (found.unwrap_or(-1.) - wanted.unwrap_or(-2.)).abs() < 1e-6, "{name}: {found:?}, not {wanted:?}");
    }

    #[test]
    fn every_measure_has_a_name_of_its_own_and_a_meaning() {
        let names: std::collections::BTreeSet<_> = MEASURES.iter().map(|measure| measure.name).collect();
        assert_eq!(names.len(), MEASURES.len());
        assert!(MEASURES.iter().all(|measure| measure.about.ends_with('.') && measure.about.len() > 5));
    }

    #[test]
    fn shares_of_letters() {
        let sums = sum("漢字かなカナー、 abc");
        for (name, wanted) in
            [("n_chars", 12.), ("ja_share", 8. / 11.), ("hiragana", 0.25), ("hiragana_of_all", 2. / 11.), ("katakana", 0.375)]
        {
            check(&sums, name, wanted);
        }
        check(&sums, "kana", 0.625);
        let others = sum("한국어 们 \u{fffd}\u{91}𠮷ｱ");
        for (name, wanted) in
            [("hangul", 3.), ("simplified", 1.), ("replaced", 1.), ("c1", 1.), ("ja_share", 3. / 8.), ("katakana", 1. / 3.)]
        {
            check(&others, name, wanted);
        }
    }

    #[test]
    fn lines_and_sentences() {
        let sums = sum("見出し\n\n　これは十一文字の行です。\n見出し\n終わり…\n");
        for (name, wanted) in [("n_lines", 4.), ("n_sentences", 4.), ("short_lines", 0.75), ("line_end_mark", 0.25), ("dup_lines", 0.25)] {
            check(&sums, name, wanted);
        }
        for (name, wanted) in
            [("dup_line_chars", 3. / 22.), ("dup_sentences", 0.25), ("mean_sentence", 5.5), ("max_sentence", 12.), ("ellipsis", 0.25)]
        {
            check(&sums, name, wanted);
        }
        check(&sum("ーーーー　　　あ"), "run_max", 4.);
    }

    #[test]
    fn lines_without_letters_are_none() {
        let verse = "春の海\n×\n＊＊＊\n―――\n　　\n1 2 3\nひねもすのたり";
        let sums = sum(verse);
        for (name, wanted) in [("n_lines", 2.), ("n_sentences", 2.), ("dup_lines", 0.), ("short_lines", 1.), ("ended", 0.)] {
            check(&sums, name, wanted);
        }
        check(&sum("はい。\nはい。\n×\n×\n×"), "dup_lines", 0.5);
        check(&sum("短い。\n終わりのない行"), "ended", 0.3);
    }

    #[test]
    fn what_is_spared_is_no_repetition() {
        let line = "ごゆっくりどうぞ、お気軽に。\n";
        let text = format!("{line}{line}米を研ぐ。\n{line}米を研ぐ。");
        let spans: Vec<u32> = text.match_indices("ごゆっくり").flat_map(|(at, _)| [at as u32, at as u32 + 39]).collect();
        let (whole, sparing) = (sum(&text), sum_sparing(&text, &spans));
        for (name, all, rest) in [("dup_lines", 0.6, 0.2), ("dup_sentences", 0.6, 0.2), ("dup_line_chars", 33. / 52., 5. / 52.)] {
            check(&whole, name, all);
            check(&sparing, name, rest);
        }
        // 5 characters and 。 a line of rice, 。 of the others: あ。。い。あ。い。 and so on.
        let rest: String = text.replace("ごゆっくりどうぞ、お気軽に", "");
        assert_eq!(sparing.repeated, sum(&rest).repeated);
        assert!(whole.repeated > sparing.repeated);
        for measure in MEASURES.iter().filter(|measure| !measure.name.starts_with("dup_") && measure.name != "repeated") {
            assert_eq!(value(measure, &whole), value(measure, &sparing), "{}", measure.name);
        }
    }

    #[test]
    fn words_and_symbols() {
        let text = "猫が(鳥を が";
        let word_ends: Vec<u32> = text.char_indices().map(|(at, c)| (at + c.len_utf8()) as u32).collect();
        let sums = Measurer::new(&table()).sum(text, &ends(text), &[], &word_ends, &[1, 2, 3, 1, 2, 0, 2]);
        check(&sums, "noun_share", 2. / 6.);
        check(&sums, "grammar", None);
        check(&sums, "vocabulary", 1.);
        let (words, pos) = ("猫が".repeat(10), [1, 2].repeat(10));
        let word_ends: Vec<u32> = (1..=20).map(|i| 3 * i).collect();
        check(&Measurer::new(&table()).sum(&words, &[60], &[], &word_ends, &pos), "grammar", 0.5);
    }

    #[test]
    fn what_has_no_denominator_is_undefined() {
        let sums = sum(" \n");
        for measure in MEASURES {
            let wanted = match measure.value {
                Value::Ratio(_) => None,
                Value::Count(_) => Some(if measure.name == "n_chars" { 2. } else { 0. }),
            };
            check(&sums, measure.name, wanted);
        }
    }

    #[test]
    fn hostile_lengths_take_linear_time() {
        for unit in ["あ", "\n", "あ。\n", "\0", "\u{3099}", "ab ", "?あ$B"] {
            let text = unit.repeat(300_000 / unit.len());
            let sums = sum(&text);
            check(&sums, "n_chars", text.chars().count() as f32);
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_shares(text in "[あ漢ア。a?\n 　$B、]{0,80}|\\PC{0,60}") {
            let sums = sum(&text);
            for Measure { name, value, .. } in MEASURES.iter().filter(|m| !m.name.contains("sentence") || m.name.starts_with("dup")) {
                let Value::Ratio(value) = value else { continue };
                let share = value(&sums);
                prop_assert!(share.is_none_or(|share| (0. ..=1.).contains(&share)), "{name} {share:?}");
            }
        }
    }
}
