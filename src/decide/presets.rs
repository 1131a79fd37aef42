//! Thresholds by name, and the presets: claims about kinds of text, each threshold with its reason.
//!
//! A rule fires on evidence that text is rubbish whatever its kind: other languages, wrong charsets, lists of keywords (no
//! grammar, few words), the same sentences again and again. Long or short sentences, short lines, refrains, formulae of
//! statutes and repeated identifiers are no such evidence. Figures in the reasons are from `docs/presets.md`.

use serde::{Deserialize, Serialize};

use crate::schema::{Column, FINEWEB2_JA, LISTED, QUALITY, SWALLOW_V1};

/// On which side of a threshold a document fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Fails below it.
    Min,
    /// Fails above it.
    Max,
    /// Fails above it, and at it.
    Under,
}

impl Side {
    /// Does the value fail?
    pub fn fails(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Min => value < limit,
            Self::Max => value > limit,
            Self::Under => value >= limit,
        }
    }

    /// The sign before a limit that is asked for.
    pub fn asked(self) -> &'static str {
        match self {
            Self::Min => "≥",
            Self::Max => "≤",
            Self::Under => "<",
        }
    }

    /// The sign between a value that fails and the limit.
    pub fn failed(self) -> &'static str {
        match self {
            Self::Min => "<",
            Self::Max => ">",
            Self::Under => ">=",
        }
    }
}

/// A threshold as it applies.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// Name of the rule, and of the key that sets it.
    pub rule: &'static str,
    /// The column of measures it looks at: `quality`, or that of a reproduced preset.
    pub column: &'static Column,
    /// The field of the column.
    pub measure: &'static str,
    /// Which side fails.
    pub side: Side,
    /// The value; `None` = off.
    pub value: Option<f64>,
    /// Why the preset has this value, in one line.
    pub reason: &'static str,
}

/// The reason of a value that the plan gives.
pub const SET_IN_PLAN: &str = "set in the plan";

macro_rules! thresholds {
    (@column) => { &QUALITY };
    (@column $column:ident) => { &$column };
    ($($(#[$doc:meta])* $key:ident = $measure:literal $side:ident $(in $column:ident)?;)*) => {
        /// Every threshold; a key that is not set keeps the preset's value.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct Thresholds {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $key: Option<f32>,)*
        }

        impl Thresholds {
            /// All thresholds in the fixed order in which rules are named.
            pub fn bounds(&self) -> Vec<Bound> {
                vec![$(Bound {
                    rule: stringify!($key),
                    column: thresholds!(@column $($column)?),
                    measure: $measure,
                    side: Side::$side,
                    value: self.$key.map(f64::from),
                    reason: SET_IN_PLAN,
                }),*]
            }
        }
    };
}

thresholds! {
    /// Garbled characters / characters, at most.
    mojibake = "mojibake" Max;
    /// Japanese letters and marks / characters, at least.
    ja_share = "ja_share" Min;
    /// Characters, at least.
    min_chars = "n_chars" Min;
    /// Hiragana and katakana / Japanese, at least.
    kana = "kana" Min;
    /// Hiragana / Japanese, at least; enough if `hiragana_of_all` holds.
    hiragana = "hiragana" Min;
    /// Hiragana / characters, at least; enough if `hiragana` holds.
    hiragana_of_all = "hiragana_of_all" Min;
    /// Katakana / Japanese, at most.
    katakana = "katakana" Max;
    /// Particles, verbs and adjectives / words, at least.
    grammar = "grammar" Min;
    /// Different content words / content words in a window of 200, at least.
    vocabulary = "vocabulary" Min;
    /// Character 10-grams that occurred before in their window / 10-grams, at most.
    repeated = "repeated" Max;
    /// Characters in repeated sentences / characters in sentences, at most.
    dup_sentence_chars = "dup_sentence_chars" Max;
    /// Repeated sentences / sentences, at most.
    dup_sentences = "dup_sentences" Max;
    /// Characters in repeated lines / characters in lines, at most.
    dup_line_chars = "dup_line_chars" Max;
    /// Repeated lines / lines, at most.
    dup_lines = "dup_lines" Max;
    /// Characters in sentences that end in a mark / characters in sentences, at least.
    ended = "ended" Min;
    /// Lines ending in a mark or closing bracket / lines, at least.
    line_end_mark = "line_end_mark" Min;
    /// Lines of at most 10 characters / lines, at most.
    short_lines = "short_lines" Max;
    /// Mean length of sentences, at least.
    mean_sentence_min = "mean_sentence" Min;
    /// Mean length of sentences, at most.
    mean_sentence_max = "mean_sentence" Max;
    /// Longest sentence, at most.
    max_sentence = "max_sentence" Max;
    /// Sentences ending in an ellipsis / sentences, at most.
    ellipsis = "ellipsis" Max;
    /// Longest run of one character, at most.
    run_max = "run_max" Max;
    /// Nouns / morphemes, at most.
    noun_share = "noun_share" Max;
    /// U+FFFD, at most.
    replaced = "replaced" Max;
    /// Different words of the lists `quality.words`, fewer than; asked only where there are lists.
    ng_types = "ng_types" Under in LISTED;
    /// Characters of words of the lists / hiragana, katakana and kanji, less than; one hit is never counted.
    ng_chars = "ng_chars" Under in LISTED;
}

/// A set of thresholds for one kind of text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Prose of the web and encyclopaedias.
    #[default]
    Web,
    /// Statutes, treaties and gazettes.
    Legal,
    /// Novels, essays, poems; old orthography.
    Literature,
    /// Chat, transcripts, speeches.
    Dialogue,
    /// Manuals with code and tables.
    Technical,
    /// Chosen for each document by its register and form.
    Auto,
    /// Keeps everything that has text.
    None,
    /// Reproduction of Swallow v1, for comparison.
    SwallowV1,
    /// Reproduction of FineWeb2 jpn_Jpan, for comparison.
    Fineweb2Ja,
}

/// What `auto` looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Form<'a> {
    /// The register of the document.
    pub register: &'a str,
    /// Japanese / visible characters.
    pub ja_share: Option<f64>,
    /// Characters of sentences that end in a mark / characters of sentences.
    pub ended: Option<f64>,
}

/// Below it a document holds code, markup or tables.
const JAPANESE: f64 = 0.70;
/// Below it a document is no running text: lists, tables, verse.
const RUNNING: f64 = 0.60;

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 9] = [
        Self::Web,
        Self::Legal,
        Self::Literature,
        Self::Dialogue,
        Self::Technical,
        Self::Auto,
        Self::None,
        Self::SwallowV1,
        Self::Fineweb2Ja,
    ];

    /// What [`Preset::Auto`] chooses among.
    pub const CHOICES: [Self; 4] = [Self::Legal, Self::Technical, Self::Dialogue, Self::Literature];

    /// The name in plans.
    pub fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Legal => "legal",
            Self::Literature => "literature",
            Self::Dialogue => "dialogue",
            Self::Technical => "technical",
            Self::Auto => "auto",
            Self::None => "none",
            Self::SwallowV1 => "swallow-v1",
            Self::Fineweb2Ja => "fineweb2-ja",
        }
    }

    /// The preset that `auto` takes for a document: by register where that says it, otherwise the form decides. In doubt the
    /// choice asks for less: what is no running Japanese text is judged like a manual.
    pub fn chosen_by(form: Form<'_>) -> Self {
        let below = |value: Option<f64>, limit| value.is_none_or(|value| value < limit);
        match form.register {
            "legal" => Self::Legal,
            _ if below(form.ja_share, JAPANESE) || below(form.ended, RUNNING) => Self::Technical,
            "plain-casual" | "role" => Self::Dialogue,
            _ => Self::Literature,
        }
    }

    /// Its thresholds that are set, with those of the plan in place of them or beside them, in the order of the rules. That of
    /// `auto` is empty but for the plan's: see [`Preset::CHOICES`].
    pub fn bounds(self, plan: &Thresholds) -> Vec<Bound> {
        let limits = match self {
            Self::Web => WEB,
            Self::Legal => LEGAL,
            Self::Literature => LITERATURE,
            Self::Dialogue => DIALOGUE,
            Self::Technical => TECHNICAL,
            Self::Auto | Self::None | Self::SwallowV1 | Self::Fineweb2Ja => &[],
        };
        let always: &[Limit] = if limits.is_empty() { &[] } else { ALWAYS };
        let mut bounds = plan.bounds();
        for bound in bounds.iter_mut().filter(|bound| bound.value.is_none()) {
            if let Some((_, value, reason)) = limits.iter().chain(always).find(|limit| limit.0 == bound.rule) {
                (bound.value, bound.reason) = (Some(f64::from(*value)), reason);
            }
        }
        bounds.retain(|bound| bound.value.is_some());
        match self {
            Self::SwallowV1 => bounds.extend(reproduced(&SWALLOW_V1, SWALLOW, "Swallow v1 (Okazaki and others 2024)")),
            Self::Fineweb2Ja => {
                bounds.extend(reproduced(&FINEWEB2_JA, FINEWEB2, "FineWeb2, configuration jpn_Jpan (Penedo and others 2025)"));
            }
            _ => {}
        }
        bounds
    }
}

fn reproduced(column: &'static Column, limits: &'static [PeerLimit], reason: &'static str) -> impl Iterator<Item = Bound> {
    limits.iter().map(move |(rule, measure, side, value)| Bound { rule, column, measure, side: *side, value: Some(*value), reason })
}

/// Rule, value, reason.
type Limit = (&'static str, f32, &'static str);

/// What every preset but `none` and the reproductions asks.
const ALWAYS: &[Limit] = &[
    ("mojibake", 0.30, "wholly garbled text is at .3 and above, clean text at 0, whatever its kind"),
    ("kana", 0.02, "Japanese needs kana, be it katakana as in Meiji statutes; Chinese has none"),
];

const WEB: &[Limit] = &[
    ("min_chars", 100., "fewer characters are a caption or a notice; 200 would cost 6 % of the encyclopaedia's articles"),
    ("ja_share", 0.40, "one of a thousand articles is below .7; foreign pages with some Japanese are below"),
    ("grammar", 0.10, "keyword lists are below .08; one of a thousand articles is below .1, lists of names"),
    ("vocabulary", 0.25, "texts made of a few dozen keywords are below, one of a thousand articles is below .35"),
    ("repeated", 0.50, "repeated sentences reach .8 and more, one of a thousand articles .14"),
    ("dup_sentence_chars", 0.40, "one of a thousand articles reaches .09"),
    ("mean_sentence_min", 6., "menus are lines of a word; of ten thousand articles two are lists as short"),
    ("ellipsis", 0.50, "a list of teasers is cut short at every line; no article is"),
    ("ng_types", 6., NG_TYPES),
    ("ng_chars", 0.05, NG_CHARS),
];

/// A word alone condemns no text: statutes, novels and news have all of them.
const NG_TYPES: &str = "one listed word is in any text that speaks of its subject, six are a list of them (Uzushio)";
const NG_CHARS: &str = "a twentieth of the letters is what the text is about (Swallow)";

const LEGAL: &[Limit] = &[
    ("min_chars", 20., "a notice may be one sentence"),
    ("ja_share", 0.50, "one of a thousand statutes is below .82; treaties quote other languages"),
    ("grammar", 0.09, "tables of numbers and names are at .1 and above but for one in four hundred; keyword lists are below .08"),
    ("vocabulary", 0.10, "statutes repeat their terms: pieces of tables go down to .11"),
    ("repeated", 0.75, "formulae of statutes reach .66, repeated sentences .85 and more"),
    ("dup_sentence_chars", 0.75, "amendments and tables reach .54"),
];

const LITERATURE: &[Limit] = &[
    ("min_chars", 10., "a poem may be one line"),
    ("ja_share", 0.40, "one of a thousand works is below .46"),
    ("grammar", 0.10, "one of a thousand works is below, where it is Chinese; keyword lists are below .08"),
    ("vocabulary", 0.20, "one of a thousand works is below .39; old hands and refrains repeat less than keywords do"),
    ("repeated", 0.60, "verse with refrains stays below, one of a thousand works is above .13"),
    ("dup_sentence_chars", 0.60, "refrains may be half of a song; one of a thousand works reaches .25"),
];

const DIALOGUE: &[Limit] = &[
    ("min_chars", 10., "a speech in parliament may be one sentence"),
    ("ja_share", 0.40, "one of a thousand chats is below .64, with emoticons and speakers' codes"),
    ("grammar", 0.10, "one of a thousand chats is below .24; keyword lists are below .08"),
    ("vocabulary", 0.20, "one of a thousand chats is below .43"),
    ("repeated", 0.50, "one of a thousand chats is above .04, speeches .08"),
    ("dup_sentence_chars", 0.50, "greetings and assent come again: one of a thousand chats reaches .08"),
    ("ng_types", 6., NG_TYPES),
    ("ng_chars", 0.05, NG_CHARS),
];

const TECHNICAL: &[Limit] = &[
    ("min_chars", 20., "an entry of a reference may be one sentence"),
    ("ja_share", 0.12, "pages of functions and commands go down to .16; English ones have none"),
    ("grammar", 0.09, "lists of functions go down to .1, keyword lists are below .08"),
    ("vocabulary", 0.10, "references repeat identifiers: one of a thousand is below .2, pieces of them go down to .14"),
    ("repeated", 0.75, "one of a thousand references reaches .67, repeated sentences .85 and more"),
    ("dup_sentence_chars", 0.75, "one of a thousand references reaches .69"),
];

/// Rule, figure, side, value.
type PeerLimit = (&'static str, &'static str, Side, f64);

/// Swallow v1 in its order.
const SWALLOW: &[PeerLimit] = &[
    ("swallow:num_letters", "num_letters", Side::Min, 400.),
    ("swallow:duplicate_paragraph", "duplicate_paragraph_fraction", Side::Max, 0.30),
    ("swallow:duplicate_sentence", "duplicate_sentence_fraction", Side::Max, 0.30),
    ("swallow:duplicate_paragraph_chars", "duplicate_paragraph_fraction_in_character", Side::Max, 0.20),
    ("swallow:duplicate_sentence_chars", "duplicate_sentence_fraction_in_character", Side::Max, 0.20),
    ("swallow:top_2gram", "top_2gram_character_fraction", Side::Max, 0.20),
    ("swallow:top_3gram", "top_3gram_character_fraction", Side::Max, 0.18),
    ("swallow:top_4gram", "top_4gram_character_fraction", Side::Max, 0.16),
    ("swallow:duplicate_5gram", "duplicate_5gram_character_fraction", Side::Max, 0.15),
    ("swallow:duplicate_6gram", "duplicate_6gram_character_fraction", Side::Max, 0.14),
    ("swallow:duplicate_7gram", "duplicate_7gram_character_fraction", Side::Max, 0.13),
    ("swallow:duplicate_8gram", "duplicate_8gram_character_fraction", Side::Max, 0.12),
    ("swallow:duplicate_9gram", "duplicate_9gram_character_fraction", Side::Max, 0.11),
    ("swallow:duplicate_10gram", "duplicate_10gram_character_fraction", Side::Max, 0.10),
    ("swallow:hiragana", "hiragana_fraction", Side::Min, 0.2),
    ("swallow:katakana", "katakana_fraction", Side::Max, 0.5),
    ("swallow:japanese", "japanese_fraction", Side::Min, 0.5),
    ("swallow:num_japanese_letters", "num_japanese_letters", Side::Min, 400.),
    ("swallow:avg_sentence_min", "avg_sentence_length", Side::Min, 20.),
    ("swallow:avg_sentence_max", "avg_sentence_length", Side::Max, 90.),
    ("swallow:max_sentence", "max_sentence_length", Side::Max, 200.),
    ("swallow:ellipsis", "ellipsis_fraction", Side::Max, 0.2),
];

/// FineWeb2 jpn_Jpan in its order; the rules bear the peer's names of reasons.
const FINEWEB2: &[PeerLimit] = &[
    ("dup_line_frac", "dup_line_frac", Side::Max, 0.328),
    ("top_2_gram", "top_2_gram", Side::Max, 0.239),
    ("top_3_gram", "top_3_gram", Side::Max, 0.196),
    ("top_4_gram", "top_4_gram", Side::Max, 0.172),
    ("duplicated_5_n_grams", "duplicated_5_n_grams", Side::Max, 0.243),
    ("duplicated_6_n_grams", "duplicated_6_n_grams", Side::Max, 0.225),
    ("duplicated_7_n_grams", "duplicated_7_n_grams", Side::Max, 0.207),
    ("duplicated_8_n_grams", "duplicated_8_n_grams", Side::Max, 0.19),
    ("duplicated_9_n_grams", "duplicated_9_n_grams", Side::Max, 0.175),
    ("duplicated_10_n_grams", "duplicated_10_n_grams", Side::Max, 0.159),
    ("line_punct_ratio", "line_punct_ratio", Side::Min, 0.096),
    ("char_dup_ratio", "char_dup_ratio", Side::Max, 0.1),
    ("list_ratio", "list_ratio", Side::Max, 0.13),
    ("gopher_short_doc", "gopher_doc_words", Side::Min, 50.),
    ("gopher_long_doc", "gopher_doc_words", Side::Max, 100_000.),
    ("gopher_below_avg_threshold", "gopher_avg_word_length", Side::Min, 1.),
    ("gopher_above_avg_threshold", "gopher_avg_word_length", Side::Max, 6.),
    ("gopher_too_many_hashes", "gopher_too_many_hashes", Side::Max, 0.1),
    ("gopher_too_many_ellipsis", "gopher_too_many_ellipsis", Side::Max, 0.1),
    ("gopher_too_many_bullets", "gopher_too_many_bullets", Side::Max, 0.9),
    ("gopher_too_many_end_ellipsis", "gopher_too_many_end_ellipsis", Side::Max, 0.3),
    ("gopher_below_alpha_threshold", "gopher_below_alpha_threshold", Side::Min, 0.759),
    ("gopher_enough_stop_words", "gopher_enough_stop_words", Side::Min, 2.),
];

/// The figures of a reproduced preset that its thresholds name.
pub(super) fn peer_figures(preset: Preset) -> Vec<&'static str> {
    let mut figures: Vec<_> = preset.bounds(&Thresholds::default()).iter().map(|bound| bound.measure).collect();
    figures.dedup();
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(register: &str, ja_share: f64, ended: impl Into<Option<f64>>) -> Preset {
        Preset::chosen_by(Form { register, ja_share: Some(ja_share), ended: ended.into() })
    }

    #[test]
    fn auto_goes_by_register_and_form() {
        assert_eq!(chosen("legal", 1., 0.1), Preset::Legal);
        assert_eq!(chosen("plain-written", 1., 0.9), Preset::Literature);
        assert_eq!(chosen("classical", 1., 0.9), Preset::Literature);
        assert_eq!(chosen("plain-casual", 0.9, 0.9), Preset::Dialogue);
        assert_eq!(chosen("polite", 0.3, 0.9), Preset::Technical);
        assert_eq!(chosen("plain-written", 1., 0.1), Preset::Technical, "verse, lists and tables");
        assert_eq!(chosen("none", 1., None), Preset::Technical);
    }

    #[test]
    fn every_threshold_has_a_reason() {
        for preset in Preset::ALL {
            for bound in preset.bounds(&Thresholds::default()) {
                assert!(bound.reason.len() > 15 && bound.reason != SET_IN_PLAN && bound.value.is_some(), "{preset:?} {}", bound.rule);
            }
        }
        let known: Vec<_> = Thresholds::default().bounds().iter().map(|bound| bound.rule).collect();
        for (rule, ..) in [WEB, LEGAL, LITERATURE, DIALOGUE, TECHNICAL, ALWAYS].concat() {
            assert!(known.contains(&rule), "{rule}");
        }
        let set = Thresholds { grammar: Some(0.5), max_sentence: Some(90.), ..Thresholds::default() };
        let bounds = Preset::Legal.bounds(&set);
        let reason = |rule| bounds.iter().find(|bound| bound.rule == rule).map(|bound| (bound.value, bound.reason == SET_IN_PLAN));
        assert_eq!((reason("grammar"), reason("max_sentence")), (Some((Some(0.5), true)), Some((Some(90.), true))));
        assert_eq!(reason("min_chars"), Some((Some(20.), false)));
        assert!(Preset::None.bounds(&Thresholds::default()).is_empty() && Preset::Auto.bounds(&Thresholds::default()).is_empty());
    }
}
