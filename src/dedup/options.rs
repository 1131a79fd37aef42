//! `[dedup]` of the plan.

use serde::{Deserialize, Serialize};

use crate::dedup::bands::Bands;

/// Stretches of fewer characters are common phrases.
const SUBSTRING_MIN: u32 = 20;
/// What is compared at once is some times as long.
const SUBSTRING_MAX: u32 = 10_000;

/// The section `[dedup]` of a plan.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Remove documents whose normalised text is that of an earlier document.
    pub exact: bool,
    /// Remove documents whose Jaccard similarity to an earlier kept document is at least this (0.8: some 2 % of scattered
    /// edits); the sets compared are the character 5-grams of the text without width, case and punctuation. `false`: off.
    pub near: Near,
    /// Cut lines that many kept documents share (site chrome, notices): all copies but that of the first document. `true`, or a table with
    /// the limits.
    pub lines: Lines,
    /// Cut stretches of at least this many characters (of the text without width, case and punctuation; 20 to 10000) that stand in the kept
    /// documents before: all copies but the first. Moved inward to ends of sentences where as many are left.
    pub substring: Option<u32>,
    /// Files or directories of evaluation items to keep out of the training data; relative paths start at the plan.
    pub decontaminate: Vec<String>,
    /// What becomes of documents that hold such an item.
    pub contaminated: Contaminated,
    /// Which of documents that are alike stays: the `first` in the order of the inputs, the `longest` (bytes of the normalised text), or by
    /// `quality` the one with the most text in whole sentences that are neither garbled nor repeated (in hundredths), and of those the
    /// longest. Of equal ones the first.
    pub keep: Keep,
    /// Find works in modern and old orthography (新字新仮名, 旧字旧仮名) too: documents of at least 100 kanji whose kanji alone, old forms
    /// written as today's, are alike by this; 0.4 is good. `false`: off.
    pub orthography: Near,
    /// How sketches are cut into bands (bands x slots) to find candidates: `25x5`, or `20x6` for a billion documents.
    pub bands: Bands,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            exact: true,
            near: Near::Threshold(0.8),
            lines: Lines::Switch(false),
            substring: None,
            decontaminate: Vec::new(),
            contaminated: Contaminated::Drop,
            keep: Keep::First,
            orthography: Near::Switch(false),
            bands: Bands::B25x5,
        }
    }
}

impl Near {
    fn threshold(self) -> Option<f64> {
        match self {
            Self::Threshold(threshold) => Some(threshold),
            Self::Switch(_) => None,
        }
    }
}

/// Which of documents that are alike stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// The first.
    First,
    /// The longest.
    Longest,
    /// The soundest, and of those the longest.
    Quality,
}

impl Keep {
    /// The rank of a document, above 0: the least stays. `bytes` are those of its text, at most 2³² − 1; `soundness` goes from 0 to 100.
    #[must_use]
    pub fn rank(self, bytes: u32, soundness: u8) -> u64 {
        let shorter = u64::from(u32::MAX - bytes);
        match self {
            Self::First => 1,
            Self::Longest => 1 + shorter,
            Self::Quality => 1 + (u64::from(100 - soundness.min(100)) << 32 | shorter),
        }
    }
}

/// What becomes of documents that hold an item of an evaluation set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Contaminated {
    /// They go.
    Drop,
    /// The item is cut out of their texts.
    Mask,
    /// They stay, and it is told what stands in them.
    Report,
}

/// A threshold of similarity, or `false`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Near {
    /// `false` switches the search for near-duplicates off.
    Switch(bool),
    /// The least Jaccard similarity of a near-duplicate, above 0 and at most 1.
    Threshold(f64),
}

/// Which lines are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Lines {
    /// `true`: with the limits below; `false`: none.
    Switch(bool),
    /// Those that at least so many documents share.
    Limits(LineLimits),
}

/// How many documents have a line that is cut. One of the two is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LineLimits {
    /// Documents of one site (the host of `url`; without one, of one source), at least.
    pub in_source: u32,
    /// Documents of the whole corpus, at least.
    pub in_all: u32,
}

impl LineLimits {
    /// What is held of one line is a number for each document below this limit.
    const IN_ALL_MAX: u32 = 1_000_000;
}

impl Default for LineLimits {
    fn default() -> Self {
        Self { in_source: 5, in_all: 100 }
    }
}

impl Options {
    /// What sketches depend on: whether near-duplicates are searched for, and with which bands, and whether in other orthographies. All
    /// else is set to its default.
    #[must_use]
    pub fn of_sketches(&self) -> Self {
        // Any threshold stands for all.
        let orthography = self.orthography_threshold().map_or(Near::Switch(false), |_| Near::Threshold(1.0));
        match self.threshold() {
            Some(_) => Self { bands: self.bands, orthography, ..Self::default() },
            None => Self { near: Near::Switch(false), orthography, ..Self::default() },
        }
    }

    /// What the search for duplicates among whole documents depends on: what cuts pieces is set to its default.
    #[must_use]
    pub fn of_comparisons(&self) -> Self {
        Self { lines: Lines::Switch(false), substring: None, decontaminate: Vec::new(), contaminated: Contaminated::Drop, ..self.clone() }
    }

    /// One sentence for the first value that cannot be followed.
    pub fn check(&self) -> std::result::Result<(), String> {
        for (key, near, good) in [("near", self.near, 0.8), ("orthography", self.orthography, 0.4)] {
            match near {
                Near::Switch(true) => return Err(format!("dedup.{key} is a similarity such as {good}, or false")),
                Near::Threshold(t) if !(t > 0.0 && t <= 1.0) => {
                    return Err(format!("dedup.{key} is {t}; it must be above 0 and at most 1, or false"));
                }
                _ => {}
            }
        }
        if let Some(limits) = self.line_limits() {
            for (key, value, most) in [("in_source", limits.in_source, u32::MAX), ("in_all", limits.in_all, LineLimits::IN_ALL_MAX)] {
                if !(2..=most).contains(&value) {
                    return Err(format!(
                        "dedup.lines.{key} is {value}; it must be a number from 2 to {most} of documents that share a line"
                    ));
                }
            }
        }
        if let Some(length) = self.substring.filter(|length| !(SUBSTRING_MIN..=SUBSTRING_MAX).contains(length)) {
            return Err(format!("dedup.substring is {length}; it must be a number of characters from {SUBSTRING_MIN} to {SUBSTRING_MAX}"));
        }
        Ok(())
    }

    /// How many documents share a line that is cut, if any is.
    pub fn line_limits(&self) -> Option<LineLimits> {
        match self.lines {
            Lines::Switch(on) => on.then(LineLimits::default),
            Lines::Limits(limits) => Some(limits),
        }
    }

    /// Are documents compared with each other?
    pub fn compares(&self) -> bool {
        self.exact || self.threshold().is_some() || self.orthography_threshold().is_some()
    }

    /// Are items of evaluation sets cut out of texts?
    pub fn masks(&self) -> bool {
        !self.decontaminate.is_empty() && self.contaminated == Contaminated::Mask
    }

    /// Is anything cut out of texts that stay?
    pub fn cuts(&self) -> bool {
        self.line_limits().is_some() || self.substring.is_some()
    }

    /// The least similarity of near-duplicates, if they are looked for.
    pub fn threshold(&self) -> Option<f64> {
        self.near.threshold()
    }

    /// The least similarity of works in two orthographies, if they are looked for.
    pub fn orthography_threshold(&self) -> Option<f64> {
        self.orthography.threshold()
    }
}
