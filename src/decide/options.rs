//! The section `[quality]` of the plan: presets and thresholds, by source.

use globset::Glob;
use serde::{Deserialize, Serialize};

use super::presets::{Preset, Thresholds};

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

    /// What annotating reads of the section: which reproductions are asked for, whose figures are measured only then.
    #[must_use]
    pub fn of_annotation(&self) -> Self {
        let reproduced = [Preset::SwallowV1, Preset::Fineweb2Ja].into_iter().filter(|&preset| self.asks_for(preset));
        let rule = reproduced.map(|preset| PresetRule { source: "*".into(), preset, ..PresetRule::default() });
        Self { preset: Preset::None, rule: rule.collect(), thresholds: Thresholds::default() }
    }

    /// One sentence about the first value that cannot be used.
    pub fn check(&self) -> std::result::Result<(), String> {
        check_part("quality", &self.thresholds)?;
        for rule in &self.rule {
            Glob::new(&rule.source).map_err(|e| format!("quality.rule.source is no glob: {e}"))?;
            if rule.source.is_empty() {
                return Err("quality.rule.source is empty; give a source or a glob such as \"e-gov-*\"".to_owned());
            }
            check_part("quality.rule", &rule.thresholds)?;
        }
        Ok(())
    }
}

fn check_part(section: &str, thresholds: &Thresholds) -> std::result::Result<(), String> {
    match thresholds.bounds().iter().find(|bound| bound.value.is_some_and(|value| !value.is_finite() || value < 0.)) {
        Some(bound) => Err(format!("{section}.thresholds.{} must be a number of at least 0", bound.rule)),
        None => Ok(()),
    }
}
