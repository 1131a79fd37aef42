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
    /// How sketches are cut into bands (bands x slots) to find candidates: `25x5`, or `20x6` for a billion documents.
    pub bands: Bands,
}

impl Default for Options {
    fn default() -> Self {
        Self { exact: true, near: Near::Threshold(0.8), lines: false, substring: None, decontaminate: Vec::new(), bands: Bands::B25x5 }
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
        if !self.decontaminate.is_empty() {
            return Err("dedup.decontaminate is not built yet; set it to []".into());
        }
        Ok(())
    }

    /// The least similarity of near-duplicates, if they are looked for.
    pub fn threshold(&self) -> Option<f64> {
        match self.near {
            Near::Threshold(threshold) => Some(threshold),
            Near::Switch(_) => None,
        }
    }
}
