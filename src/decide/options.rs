//! The section `[quality]` of the plan: presets and thresholds, by source.

use globset::Glob;
use serde::{Deserialize, Serialize};

use super::presets::{Preset, Thresholds};
use crate::schema::LISTED;

/// The preset of the sources that match a pattern.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PresetRule {
    /// Glob over the document's source, such as `e-gov-*`.
    pub source: String,
    /// web, legal, literature, dialogue, technical, auto, none, or for comparison swallow-v1, fineweb2-ja.
    pub preset: Preset,
    /// Thresholds in place of the preset's, by name.
    pub thresholds: Thresholds,
}

/// The plan's `[quality]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QualityOptions {
    /// Which kind of text the corpus holds: web, legal, literature, dialogue, technical, auto (chosen for each document by register
    /// and form), none; or, for comparison, swallow-v1, fineweb2-ja.
    pub preset: Preset,
    /// Word lists: text files in UTF-8 (also .gz and .zst), a word or phrase a line, `#` begins a comment; relative to the plan. Words are normalised as the
    /// text is and found on boundaries of morphemes only. The presets web and dialogue ask for fewer than six of them (`ng_types`) and less
    /// than a twentieth of the letters (`ng_chars`); the others ask for nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// Lists of addresses: directories that hold one for each category, with the files `domains` and `urls` (also .gz and .zst), a host or an address
    /// a line; relative to the plan. A document whose `url` is on one is dropped by the rule `url_list`, whatever its preset.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub url_lists: Vec<String>,
    /// The categories of `url_lists` that count; all of them where none is named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub url_categories: Vec<String>,
    /// Presets by source; the first that matches wins.
    pub rule: Vec<PresetRule>,
    /// Thresholds in place of the preset's, by name.
    pub thresholds: Thresholds,
}

impl QualityOptions {
    /// Is this the preset of any document?
    pub fn asks_for(&self, preset: Preset) -> bool {
        self.preset == preset || self.rule.iter().any(|rule| rule.preset == preset)
    }

    /// What annotating reads of the section: which reproductions are asked for, whose figures are measured only then. Of word lists it is the
    /// words that count, not their files.
    #[must_use]
    pub fn of_annotation(&self) -> Self {
        let reproduced = [Preset::SwallowV1, Preset::Fineweb2Ja].into_iter().filter(|&preset| self.asks_for(preset));
        let rule = reproduced.map(|preset| PresetRule { source: "*".into(), preset, ..PresetRule::default() });
        Self { preset: Preset::None, rule: rule.collect(), ..Self::default() }
    }

    /// One sentence about the first value that cannot be used.
    pub fn check(&self) -> std::result::Result<(), String> {
        if [&self.words, &self.url_lists, &self.url_categories].into_iter().flatten().any(|name| name.is_empty() || name.contains('\0')) {
            return Err("quality.words, url_lists and url_categories may hold no empty name".to_owned());
        }
        if self.url_lists.is_empty() && !self.url_categories.is_empty() {
            return Err("quality.url_categories names categories, but quality.url_lists no directory".to_owned());
        }
        check_part("quality", &self.thresholds, &self.words)?;
        for rule in &self.rule {
            Glob::new(&rule.source).map_err(|e| format!("quality.rule.source is no glob: {e}"))?;
            if rule.source.is_empty() {
                return Err("quality.rule.source is empty; give a source or a glob such as \"e-gov-*\"".to_owned());
            }
            check_part("quality.rule", &rule.thresholds, &self.words)?;
        }
        Ok(())
    }
}

fn check_part(section: &str, thresholds: &Thresholds, words: &[String]) -> std::result::Result<(), String> {
    let bounds = thresholds.bounds();
    if let Some(bound) = bounds.iter().find(|bound| words.is_empty() && bound.column.name == LISTED.name && bound.value.is_some()) {
        return Err(format!("{section}.thresholds.{} asks for listed words, but quality.words names no list", bound.rule));
    }
    match bounds.iter().find(|bound| bound.value.is_some_and(|value| !value.is_finite() || value < 0.)) {
        Some(bound) => Err(format!("{section}.thresholds.{} must be a number of at least 0", bound.rule)),
        None => Ok(()),
    }
}
