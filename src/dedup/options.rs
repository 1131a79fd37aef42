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
    /// Files of evaluation items to keep out of the training data.
    pub decontaminate: Vec<String>,
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
            lines: false,
            substring: None,
            decontaminate: Vec::new(),
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
        if self.lines {
            return Err("dedup.lines is not built yet; set it to false".into());
        }
        if self.substring.is_some() {
            return Err("dedup.substring is not built yet; remove it".into());
        }
        if !self.decontaminate.is_empty() {
            return Err("dedup.decontaminate is not built yet; set it to []".into());
        }
        Ok(())
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
