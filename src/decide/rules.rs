//! One document against its thresholds: which rules it fails, with figures.

use std::fmt::Write;

use super::presets::Bound;
use super::urls::Found;
use crate::schema::LISTED;

/// Hangul / characters above which a text is Korean.
const HANGUL_MAX: f32 = 0.30;
/// Kana / Japanese below which a text with simplified characters is Chinese.
const CHINESE_KANA_MAX: f32 = 0.02;

/// What the rules look at besides thresholds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Language {
    /// Characters; 0 also where there is nothing but white space.
    pub(super) chars: u32,
    /// Hangul among them.
    pub(super) hangul: u32,
    /// Kanji of simplified Chinese among them.
    pub(super) simplified: u32,
    /// Kana / Japanese.
    pub(super) kana: Option<f32>,
}

/// What lists of the user say of a document.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lists<'a> {
    /// Its address is on a list.
    pub(super) url: Option<Found<'a>>,
    /// The listed words in its text, as evidence.
    pub(super) words: Option<&'a str>,
}

/// The rule of documents whose address is on a list.
const URL_RULE: &str = "url_list";

/// The rules a document failed: the first by fixed order, and the figures of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Failures {
    /// The first rule; empty while the document holds.
    pub(super) rule: String,
    /// `mean_sentence 14.2 < 20; ja_share 0.31 < 0.5`.
    pub(super) evidence: String,
}

impl Language {
    fn is_chinese(&self) -> bool {
        self.simplified > 0 && self.kana.is_some_and(|kana| kana < CHINESE_KANA_MAX)
    }

    fn hangul_share(&self) -> f32 {
        self.hangul as f32 / self.chars as f32
    }

    fn is_korean(&self) -> bool {
        self.hangul_share() > HANGUL_MAX
    }
}

impl Failures {
    fn add(&mut self, rule: &str, evidence: std::fmt::Arguments<'_>) {
        if self.rule.is_empty() {
            rule.clone_into(&mut self.rule);
        } else {
            self.evidence.push_str("; ");
        }
        // Writing to a string cannot fail.
        let _ = self.evidence.write_fmt(evidence);
    }
}

/// Judges one document. `measures` holds the value for each of `bounds`; an undefined one fails nothing.
///
/// Order: `empty`, `url_list`, `mojibake`, `lang:zh`, `lang:ko`, `lang:other` (too little Japanese), then the thresholds in their order.
pub(super) fn judge(language: Language, lists: Lists<'_>, bounds: &[Bound], measures: &[Option<f64>]) -> Option<Failures> {
    let mut failures = Failures::default();
    if language.chars == 0 {
        failures.add("empty", format_args!("no visible character"));
        return Some(failures);
    }
    // Nearly all documents end here: a comparison for each threshold, and no text.
    let holds = bounds.iter().zip(measures).all(|(bound, value)| !fails(bound, *value));
    if holds && lists.url.is_none() && !language.is_chinese() && !language.is_korean() {
        return None;
    }
    if let Some(Found { category, entry }) = lists.url {
        failures.add(URL_RULE, format_args!("{category}: {entry}"));
    }
    let failed = |bound: &Bound, value: Option<f64>| fails(bound, value).then_some(value).flatten();
    let pairs = || bounds.iter().zip(measures.iter().copied());
    let early = |bound: &Bound| matches!(bound.rule, "mojibake" | "ja_share");
    for (bound, value) in pairs().filter(|(bound, _)| bound.rule == "mojibake") {
        add_failure(&mut failures, bound.rule, bound, failed(bound, value));
    }
    // Who asks for no share of Japanese (preset `none`) takes any language.
    let asks_for_japanese = bounds.iter().any(|bound| bound.rule == "ja_share" && bound.value.is_some());
    let foreign = asks_for_japanese && foreign(&language, &mut failures);
    for (bound, value) in pairs().filter(|(bound, _)| bound.rule == "ja_share") {
        add_failure(&mut failures, if foreign { bound.rule } else { "lang:other" }, bound, failed(bound, value));
    }
    let hiragana_holds = either_holds(pairs());
    for (bound, value) in pairs().filter(|(bound, _)| !early(bound)) {
        if !(hiragana_holds && matches!(bound.rule, "hiragana" | "hiragana_of_all")) {
            add_failure(&mut failures, bound.rule, bound, failed(bound, value));
        }
    }
    let by_words = pairs().any(|(bound, value)| bound.column.name == LISTED.name && fails(bound, value));
    if let Some(words) = lists.words.filter(|_| by_words) {
        failures.add(LISTED.name, format_args!("words {words}"));
    }
    (!failures.rule.is_empty()).then_some(failures)
}

/// Adds `lang:zh` and `lang:ko`; is it one of them?
fn foreign(language: &Language, failures: &mut Failures) -> bool {
    let (chinese, korean) = (language.is_chinese(), language.is_korean());
    if chinese {
        let kana = Figure(language.kana.unwrap_or(0.), CHINESE_KANA_MAX);
        failures.add("lang:zh", format_args!("kana {kana} < {CHINESE_KANA_MAX} and simplified {} > 0", language.simplified));
    }
    if korean {
        failures.add("lang:ko", format_args!("hangul {} > {HANGUL_MAX}", Figure(language.hangul_share(), HANGUL_MAX)));
    }
    chinese || korean
}

fn add_failure(failures: &mut Failures, rule: &str, bound: &Bound, value: Option<f64>) {
    if let (Some(value), Some(limit)) = (value, bound.value) {
        let sign = bound.side.failed();
        // Thresholds have few digits, so they are shown in single precision, in which ours are set.
        let (value, limit) = (value as f32, limit as f32);
        failures.add(rule, format_args!("{} {} {sign} {limit}", bound.measure, Figure(value, limit)));
    }
}

fn fails(bound: &Bound, value: Option<f64>) -> bool {
    value.zip(bound.value).is_some_and(|(value, limit)| bound.side.fails(value, limit))
}

/// Two thresholds for hiragana are alternatives: one that holds is enough.
fn either_holds<'a>(pairs: impl Iterator<Item = (&'a Bound, Option<f64>)>) -> bool {
    pairs
        .filter(|(bound, value)| matches!(bound.rule, "hiragana" | "hiragana_of_all") && bound.value.is_some() && value.is_some())
        .any(|(bound, value)| !fails(bound, value))
}

/// A measure beside its limit: three significant digits, more where they are needed to tell it from the limit.
struct Figure(f32, f32);

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(value, limit) = *self;
        let decimals = if value.abs() >= 100. { 0 } else { 1 + usize::from(value.abs() < 10.) };
        let scale = 10_f32.powi(decimals as i32);
        let rounded = (value * scale).round() / scale;
        let shown = if (value < limit) == (rounded < limit) && (value > limit) == (rounded > limit) { rounded } else { value };
        write!(f, "{shown}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::presets::{Preset, Side, Thresholds};
    use super::*;

    /// Judges clean Japanese prose, but for the measures given.
    fn judge_set(preset: Preset, set: &Thresholds, language: Language, changed: &[(&str, f32)]) -> Option<(String, String)> {
        let prose =
            [("ja_share", 1.), ("n_chars", 900.), ("kana", 0.6), ("hiragana", 0.5), ("hiragana_of_all", 0.5), ("mean_sentence", 40.)];
        let bounds = preset.bounds(set);
        let value = |bound: &Bound| {
            let set = changed.iter().chain(&prose).find(|(measure, _)| *measure == bound.measure);
            Some(f64::from(set.map_or(if bound.side == Side::Min { 1. } else { 0. }, |(_, value)| *value)))
        };
        let measures: Vec<_> = bounds.iter().map(value).collect();
        judge(language, Lists::default(), &bounds, &measures).map(|failures| (failures.rule, failures.evidence))
    }

    fn judge_with(preset: Preset, language: Language, changed: &[(&str, f32)]) -> Option<(String, String)> {
        judge_set(preset, &Thresholds::default(), language, changed)
    }

    fn prose() -> Language {
        Language { chars: 900, hangul: 0, simplified: 0, kana: Some(0.6) }
    }

    #[track_caller]
    fn check(found: Option<(String, String)>, rule: &str, evidence: &str) {
        let (found_rule, found_evidence) = found.unwrap_or_default();
        assert_eq!((found_rule.as_str(), found_evidence.as_str()), (rule, evidence));
    }

    #[test]
    fn prose_passes_every_preset() {
        for preset in Preset::CHOICES.into_iter().chain([Preset::Web, Preset::None]) {
            assert_eq!(judge_with(preset, prose(), &[]), None, "{preset:?}");
        }
    }

    /// Long and short sentences, short lines, headings without marks: no evidence of anything.
    #[test]
    fn the_shape_of_a_text_is_no_evidence() {
        for preset in Preset::CHOICES {
            for shape in [
                ("mean_sentence", 400.),
                ("mean_sentence", 4.),
                ("max_sentence", 9_000.),
                ("short_lines", 1.),
                ("line_end_mark", 0.),
                ("ended", 0.),
            ] {
                assert_eq!(judge_with(preset, prose(), &[shape]), None, "{preset:?} {shape:?}");
            }
        }
    }

    #[test]
    fn all_failures_are_told_and_the_first_names_the_rule() {
        let found = judge_with(Preset::Web, prose(), &[("grammar", 0.0425), ("n_chars", 50.), ("repeated", 0.75)]);
        check(found, "min_chars", "n_chars 50 < 100; grammar 0.04 < 0.1; repeated 0.75 > 0.5");
    }

    #[test]
    fn languages() {
        let chinese = Language { simplified: 40, kana: Some(0.), ..prose() };
        check(judge_with(Preset::Legal, chinese, &[("kana", 0.)]), "lang:zh", "kana 0 < 0.02 and simplified 40 > 0; kana 0 < 0.02");
        let korean = Language { hangul: 800, ..prose() };
        check(judge_with(Preset::Web, korean, &[("ja_share", 0.1)]), "lang:ko", "hangul 0.89 > 0.3; ja_share 0.1 < 0.4");
        check(judge_with(Preset::Web, prose(), &[("ja_share", 0.31)]), "lang:other", "ja_share 0.31 < 0.4");
        check(
            judge_with(Preset::Web, prose(), &[("ja_share", 0.1), ("mojibake", 0.9)]),
            "mojibake",
            "mojibake 0.9 > 0.3; ja_share 0.1 < 0.4",
        );
    }

    #[test]
    fn empty_text_fails_everywhere() {
        check(judge_with(Preset::None, Language::default(), &[]), "empty", "no visible character");
    }

    #[test]
    fn one_of_the_hiragana_thresholds_is_enough() {
        let set = Thresholds { hiragana: Some(0.2), hiragana_of_all: Some(0.1), ..Thresholds::default() };
        assert_eq!(judge_set(Preset::None, &set, prose(), &[("hiragana", 0.15), ("hiragana_of_all", 0.12)]), None);
        let found = judge_set(Preset::None, &set, prose(), &[("hiragana", 0.15), ("hiragana_of_all", 0.05)]);
        check(found, "hiragana", "hiragana 0.15 < 0.2; hiragana_of_all 0.05 < 0.1");
        let alone = Thresholds { hiragana: Some(0.2), ..Thresholds::default() };
        check(judge_set(Preset::None, &alone, prose(), &[("hiragana", 0.15)]), "hiragana", "hiragana 0.15 < 0.2");
    }

    #[test]
    fn reproduced_presets_ask_for_nothing_of_ours() {
        let korean = Language { hangul: 800, ..prose() };
        let kept = [("num_letters", 400.), ("num_japanese_letters", 400.), ("avg_sentence_length", 20.), ("max_sentence_length", 200.)];
        assert_eq!(judge_with(Preset::SwallowV1, korean, &kept), None);
        let found = judge_with(Preset::SwallowV1, korean, &[&[("num_letters", 399.), ("ellipsis_fraction", 0.25)], &kept[..]].concat());
        check(found, "swallow:num_letters", "num_letters 399 < 400; ellipsis_fraction 0.25 > 0.2");
        let words = [("gopher_doc_words", 900.), ("gopher_avg_word_length", 2.), ("gopher_enough_stop_words", 9.)];
        let found = judge_with(Preset::Fineweb2Ja, prose(), &[&words[..], &[("list_ratio", 0.2)]].concat());
        check(found, "list_ratio", "list_ratio 0.2 > 0.13");
    }

    #[test]
    fn figures_are_short_but_never_equal_to_the_limit() {
        assert_eq!(
            format!("{} {} {} {}", Figure(14.23, 20.), Figure(0.31234, 0.5), Figure(0.1501, 0.15), Figure(1234.5, 9.)),
            "14.2 0.31 0.1501 1235"
        );
    }

    #[test]
    fn words_and_addresses_on_lists() {
        let found = judge_with(Preset::Web, prose(), &[("ng_types", 5.), ("ng_chars", 0.049)]);
        assert_eq!(found, None);
        check(judge_with(Preset::Web, prose(), &[("ng_chars", 0.05)]), "ng_chars", "ng_chars 0.05 >= 0.05");
        let bounds = Preset::Dialogue.bounds(&Thresholds::default());
        let types: Vec<_> = bounds.iter().map(|bound| (bound.rule == "ng_types").then_some(6.)).collect();
        let url = Some(Found { category: "adult", entry: "example.org" });
        let judged = |lists, measures: &[Option<f64>]| judge(prose(), lists, &bounds, measures).map(|f| (f.rule, f.evidence));
        let words = Some("死 ×9");
        check(judged(Lists { url: None, words }, &types), "ng_types", "ng_types 6 >= 6; words 死 ×9");
        check(judged(Lists { url, words }, &types), "url_list", "adult: example.org; ng_types 6 >= 6; words 死 ×9");
        check(judged(Lists { url, words }, &vec![None; bounds.len()]), "url_list", "adult: example.org");
    }

    #[test]
    fn what_is_undefined_fails_nothing() {
        let bounds = Preset::Web.bounds(&Thresholds { ellipsis: Some(0.1), ..Thresholds::default() });
        assert_eq!(judge(prose(), Lists::default(), &bounds, &vec![None; bounds.len()]), None);
    }
}
