//! `[dedup]` of the plan.

use serde::{Deserialize, Serialize};

use crate::dedup::bands::Bands;

/// The section `[dedup]` of a plan.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Remove documents whose normalised text is that of an earlier document.
    pub exact: bool,
    /// Remove documents whose Jaccard similarity to an earlier kept document is at least this (0.8: some 2 % of scattered
    /// edits); the sets compared are the character 5-grams of the text without width, case and punctuation. `false`: off.
    pub near: Near,
    /// Cut lines that many documents share.
    pub lines: bool,
    /// Cut repeated spans of at least this many characters.
    pub substring: Option<u32>,
    /// Files or directories of evaluation items to keep out of the training data; relative paths start at the plan.
    pub decontaminate: Vec<String>,
    /// What becomes of documents that hold such an item.
    pub contaminated: Contaminated,
    /// Which of documents that are alike stays: the `first` in the order of the inputs, the `longest` (bytes of the normalised text), or by
    /// `quality` the one with the most text in whole sentences that are neither garbled nor repeated (in hundredths), and of those the
    /// longest. Of equal ones the first.
    pub keep: Keep,
    /// How sketches are cut into bands (bands x slots) to find candidates: `25x5`, or `20x6` for a billion documents.
    pub bands: Bands,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            exact: true,
            near: Near::Threshold(0.8),
            lines: false,
            substring: None,
            decontaminate: Vec::new(),
            contaminated: Contaminated::Drop,
            keep: Keep::First,
            bands: Bands::B25x5,
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

impl Options {
    /// What sketches depend on: whether near-duplicates are searched for, and with which bands. All else is set to its default.
    #[must_use]
    pub fn of_sketches(&self) -> Self {
        match self.threshold() {
            Some(_) => Self { bands: self.bands, ..Self::default() },
            None => Self { near: Near::Switch(false), ..Self::default() },
        }
    }

    /// One sentence for the first value that cannot be followed.
    pub fn check(&self) -> std::result::Result<(), String> {
        match self.near {
            Near::Switch(true) => return Err("dedup.near is a similarity such as 0.8, or false".into()),
            Near::Threshold(t) if !(t > 0.0 && t <= 1.0) => {
                return Err(format!("dedup.near is {t}; it must be above 0 and at most 1, or false"));
            }
            _ => {}
        }
        if self.lines {
            return Err("dedup.lines is not built yet; set it to false".into());
        }
        if self.substring.is_some() {
            return Err("dedup.substring is not built yet; remove it".into());
        }
        Ok(())
    }

    /// Are documents compared with each other?
    pub fn compares(&self) -> bool {
        self.exact || self.threshold().is_some()
    }

    /// The least similarity of near-duplicates, if they are looked for.
    pub fn threshold(&self) -> Option<f64> {
        match self.near {
            Near::Threshold(threshold) => Some(threshold),
            Near::Switch(_) => None,
        }
    }
}
