//! Thresholds by name, and the presets: claims about kinds of text.
//!
//! Sources of the `web` column: Swallow v1, HojiChar, Uzushio, llm-jp; the others are our own, chosen on statutes, literature,
//! chat and manuals that the public presets throw away.

use serde::{Deserialize, Serialize};

/// On which side of a threshold a document fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Fails below it.
    Min,
    /// Fails above it.
    Max,
}

/// A threshold as it applies: rule name, measure, side, value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// Name of the rule, and of the key that sets it.
    pub rule: &'static str,
    /// The field of the `quality` column it looks at.
    pub measure: &'static str,
    /// Which side fails.
    pub side: Side,
    /// The value; `None` = off.
    pub value: Option<f32>,
}

macro_rules! thresholds {
    ($($(#[$doc:meta])* $key:ident = $measure:literal $side:ident;)*) => {
        /// Every threshold; a key that is not set keeps the preset's value.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct Thresholds {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $key: Option<f32>,)*
        }

        impl Thresholds {
            /// All thresholds in the fixed order in which rules are named.
            pub fn bounds(&self) -> Vec<Bound> {
                vec![$(Bound { rule: stringify!($key), measure: $measure, side: Side::$side, value: self.$key }),*]
            }

            /// These thresholds, with those of `other` in place of them where it has any.
            #[must_use]
            pub fn overridden_by(&self, other: &Self) -> Self {
                Self { $($key: other.$key.or(self.$key)),* }
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
    /// Mean length of sentences, at least.
    mean_sentence_min = "mean_sentence" Min;
    /// Mean length of sentences, at most.
    mean_sentence_max = "mean_sentence" Max;
    /// Longest sentence, at most.
    max_sentence = "max_sentence" Max;
    /// Lines of at most 10 characters / lines, at most.
    short_lines = "short_lines" Max;
    /// Lines ending in a mark or closing bracket / lines, at least.
    line_end_mark = "line_end_mark" Min;
    /// Repeated lines / lines, at most.
    dup_lines = "dup_lines" Max;
    /// Characters in repeated lines / characters in lines, at most.
    dup_line_chars = "dup_line_chars" Max;
    /// Repeated sentences / sentences, at most.
    dup_sentences = "dup_sentences" Max;
    /// Most frequent character 2-gram / 2-grams, at most.
    top_2 = "top_2" Max;
    /// Most frequent character 3-gram / 3-grams, at most.
    top_3 = "top_3" Max;
    /// Most frequent character 4-gram / 4-grams, at most.
    top_4 = "top_4" Max;
    /// Repeated 5-grams / distinct 5-grams, at most.
    dup_5 = "dup_5" Max;
    /// Repeated 6-grams / distinct 6-grams, at most.
    dup_6 = "dup_6" Max;
    /// Repeated 7-grams / distinct 7-grams, at most.
    dup_7 = "dup_7" Max;
    /// Repeated 8-grams / distinct 8-grams, at most.
    dup_8 = "dup_8" Max;
    /// Repeated 9-grams / distinct 9-grams, at most.
    dup_9 = "dup_9" Max;
    /// Repeated 10-grams / distinct 10-grams, at most.
    dup_10 = "dup_10" Max;
    /// Characters inside a repeated 10-gram / characters, at most.
    cover_10 = "cover_10" Max;
    /// Compressed bytes / bytes, at least.
    compression = "compression" Min;
    /// Sentences ending in an ellipsis / sentences, at most.
    ellipsis = "ellipsis" Max;
    /// Longest run of one character, at most.
    run_max = "run_max" Max;
    /// Nouns / morphemes, at most.
    noun_share = "noun_share" Max;
    /// Different particles and endings among の に を は た て が と で さ れ し, at least.
    particles = "particles" Min;
    /// U+FFFD, at most.
    replaced = "replaced" Max;
}

/// A set of thresholds for one kind of text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Prose of the web and encyclopaedias.
    #[default]
    Web,
    /// Statutes and gazettes.
    Legal,
    /// Novels, essays, poems; old orthography.
    Literature,
    /// Chat and transcripts.
    Dialogue,
    /// Manuals with code and tables.
    Technical,
    /// Keeps everything that has text.
    None,
    /// Reproduction of Swallow v1, for comparison.
    SwallowV1,
    /// Reproduction of FineWeb2 jpn_Jpan, for comparison.
    Fineweb2Ja,
}

/// Wholly garbled text is at .3 and above, whatever its kind.
const MOJIBAKE: Option<f32> = Some(0.30);

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 8] =
        [Self::Web, Self::Legal, Self::Literature, Self::Dialogue, Self::Technical, Self::None, Self::SwallowV1, Self::Fineweb2Ja];

    /// The name in plans.
    pub fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Legal => "legal",
            Self::Literature => "literature",
            Self::Dialogue => "dialogue",
            Self::Technical => "technical",
            Self::None => "none",
            Self::SwallowV1 => "swallow-v1",
            Self::Fineweb2Ja => "fineweb2-ja",
        }
    }

    /// Its thresholds.
    pub fn thresholds(self) -> Thresholds {
        match self {
            Self::Web => web(),
            Self::Legal => legal(),
            Self::Literature => literature(),
            Self::Dialogue => dialogue(),
            Self::Technical => technical(),
            Self::None | Self::SwallowV1 | Self::Fineweb2Ja => Thresholds::default(),
        }
    }
}

/// The shares of the most frequent n-grams in Swallow v1, used wherever text is no table.
fn prose() -> Thresholds {
    Thresholds { mojibake: MOJIBAKE, top_2: Some(0.20), top_3: Some(0.18), top_4: Some(0.16), ..Thresholds::default() }
}

fn web() -> Thresholds {
    Thresholds {
        min_chars: Some(200.),
        ja_share: Some(0.50),
        // With .20 of Japanese alone 5 % of Wikipedia would be lost (lists of names).
        hiragana: Some(0.20),
        hiragana_of_all: Some(0.10),
        katakana: Some(0.50),
        mean_sentence_min: Some(12.),
        mean_sentence_max: Some(120.),
        short_lines: Some(0.67),
        dup_lines: Some(0.30),
        dup_line_chars: Some(0.20),
        dup_sentences: Some(0.30),
        dup_5: Some(0.15),
        dup_6: Some(0.14),
        dup_7: Some(0.13),
        dup_8: Some(0.12),
        dup_9: Some(0.11),
        dup_10: Some(0.10),
        ellipsis: Some(0.20),
        compression: Some(0.10),
        noun_share: Some(0.80),
        particles: Some(2.),
        ..prose()
    }
}

fn legal() -> Thresholds {
    Thresholds {
        min_chars: Some(20.),
        ja_share: Some(0.50),
        // Laws of the Meiji era are written in katakana, heads in kanji alone.
        kana: Some(0.02),
        mean_sentence_min: Some(9.),
        mean_sentence_max: Some(200.),
        dup_lines: Some(0.60),
        dup_sentences: Some(0.60),
        cover_10: Some(0.80),
        ..prose()
    }
}

fn literature() -> Thresholds {
    Thresholds {
        min_chars: Some(100.),
        ja_share: Some(0.50),
        kana: Some(0.02),
        mean_sentence_min: Some(8.),
        mean_sentence_max: Some(300.),
        dup_lines: Some(0.40),
        dup_10: Some(0.30),
        compression: Some(0.10),
        ..prose()
    }
}

fn dialogue() -> Thresholds {
    Thresholds {
        min_chars: Some(20.),
        ja_share: Some(0.40),
        hiragana: Some(0.20),
        katakana: Some(0.50),
        mean_sentence_min: Some(4.),
        mean_sentence_max: Some(60.),
        dup_lines: Some(0.30),
        dup_10: Some(0.20),
        noun_share: Some(0.80),
        particles: Some(2.),
        ..prose()
    }
}

fn technical() -> Thresholds {
    Thresholds {
        min_chars: Some(100.),
        ja_share: Some(0.15),
        hiragana: Some(0.10),
        katakana: Some(0.70),
        mean_sentence_min: Some(8.),
        mean_sentence_max: Some(200.),
        dup_lines: Some(0.50),
        top_2: Some(0.50),
        top_3: Some(0.50),
        top_4: Some(0.50),
        cover_10: Some(0.85),
        ..prose()
    }
}
