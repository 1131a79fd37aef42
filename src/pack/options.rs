//! `[pack]` of the plan.

use crate::pack::format::items::SEQUENCE_LENGTH_MAX;

/// The section `[pack]` of the plan.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Tokens a row (1 to 16777216).
    pub sequence_length: u32,
    /// Documents that are packed together: whole token shards, closed at this many (1 to 67108864).
    pub window: u64,
    /// A file holds consecutive windows up to this many bytes of tokens (at least one window).
    pub part_bytes: u64,
    /// Are the rows of a file put in a mixed order? Without, long documents come first in each window.
    pub shuffle: bool,
    /// Seed of that order, and of the choice of documents where a number of epochs is not whole.
    pub seed: u64,
    /// How much of each source is packed; the first entry whose `source` fits decides, and what fits none is packed once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mixture: Vec<SourceMix>,
    /// No weight brings a document into the pack more often than this on average (1 to 64).
    pub max_epochs: f64,
}

/// An entry of `[[pack.mixture]]`: either `epochs` or `weight`.
#[derive(Debug, Clone, PartialEq, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SourceMix {
    /// Glob over the column `source`.
    pub source: String,
    /// How often each document is packed (0 to 64): 2.5 packs each twice, and half of them, chosen by `doc_id`, a third time; 0 leaves them out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<f64>,
    /// The share that these sources get of all tokens of sources with a weight, in proportion to the other weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

/// Documents come into a pack this often at most, times `keigo.repeat`.
const EPOCHS_MAX: f64 = 64.0;

impl Default for Options {
    fn default() -> Self {
        Self { sequence_length: 4_096, window: 131_072, part_bytes: 4 << 30, shuffle: true, seed: 0, mixture: Vec::new(), max_epochs: 4.0 }
    }
}

impl Options {
    /// One sentence for a value out of range.
    pub fn check(&self) -> std::result::Result<(), String> {
        if !(1..=SEQUENCE_LENGTH_MAX).contains(&self.sequence_length) {
            return Err(format!("pack.sequence_length must be 1 to {SEQUENCE_LENGTH_MAX}, not {}", self.sequence_length));
        }
        if !(1..=1 << 26).contains(&self.window) {
            return Err(format!("pack.window must be 1 to 67108864, not {}", self.window));
        }
        if !(1..=1 << 40).contains(&self.part_bytes) {
            return Err(format!("pack.part_bytes must be 1 to 1099511627776, not {}", self.part_bytes));
        }
        if !(1.0..=EPOCHS_MAX).contains(&self.max_epochs) {
            return Err(format!("pack.max_epochs must be 1 to {EPOCHS_MAX}, not {}", self.max_epochs));
        }
        self.mixture.iter().try_for_each(SourceMix::check)
    }
}

impl SourceMix {
    fn check(&self) -> std::result::Result<(), String> {
        let source = &self.source;
        if source.is_empty() {
            return Err("pack.mixture: an entry names no source; write source = \"wikipedia*\", or \"*\" for the rest".into());
        }
        if let Err(e) = globset::Glob::new(source) {
            return Err(format!("pack.mixture: source is no glob: {e}"));
        }
        match (self.epochs, self.weight) {
            (Some(epochs), None) if (0.0..=EPOCHS_MAX).contains(&epochs) => Ok(()),
            (Some(epochs), None) => Err(format!("pack.mixture: {source}: epochs must be 0 to {EPOCHS_MAX}, not {epochs}")),
            (None, Some(weight)) if weight > 0.0 && weight.is_finite() => Ok(()),
            (None, Some(weight)) => {
                Err(format!("pack.mixture: {source}: a weight is above 0, not {weight}; epochs = 0 leaves a source out"))
            }
            _ => Err(format!("pack.mixture: {source}: give either epochs or weight")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixture_says_one_thing_of_a_source() {
        let mix = |source: &str, epochs, weight| Options {
            mixture: vec![SourceMix { source: source.into(), epochs, weight }],
            ..Options::default()
        };
        for sound in [mix("a*", Some(0.0), None), mix("*", Some(2.5), None), mix("b", None, Some(30.0))] {
            assert_eq!(sound.check(), Ok(()));
        }
        for (wrong, words) in [
            (mix("", Some(1.0), None), "names no source"),
            (mix("a[", Some(1.0), None), "no glob"),
            (mix("a", Some(-1.0), None), "0 to 64"),
            (mix("a", Some(f64::NAN), None), "0 to 64"),
            (mix("a", None, Some(0.0)), "above 0"),
            (mix("a", None, Some(f64::INFINITY)), "above 0"),
            (mix("a", None, None), "either"),
            (mix("a", Some(1.0), Some(1.0)), "either"),
            (Options { max_epochs: 0.5, ..Options::default() }, "max_epochs"),
        ] {
            assert!(wrong.check().is_err_and(|said| said.contains(words)), "{wrong:?}");
        }
    }
}
