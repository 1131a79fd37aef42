//! What a histogram of pre-tokens was made with: histograms of one recipe add up, others mean different things.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bpe::options::{Boundaries, Digits, PatternName};

/// How text became the pre-tokens of a histogram.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The published pattern.
    pub pattern: PatternName,
    /// How digits are grouped.
    pub digits: Digits,
    /// What pre-tokens of level 0 are cut at.
    pub boundaries: Boundaries,
    /// Fingerprint of the dictionary, where pre-tokens are cut at its morphemes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dictionary: Option<String>,
    /// Is there a level 1: pre-tokens of the pattern alone, for superwords?
    pub superwords: bool,
    /// `[normalize]` of the plan.
    pub normalize: serde_json::Value,
    /// Kinds of personal data with placeholders in their place.
    pub masked: Vec<String>,
    /// Pre-tokens seen less often were left out.
    pub min_count: u64,
    /// Versions of the steps that the text went through.
    pub versions: BTreeMap<String, u32>,
}

impl Recipe {
    /// The first thing in which another recipe differs: its name, and what stands here and there.
    pub fn differs_from(&self, other: &Self) -> Option<(String, String, String)> {
        let fields = |recipe: &Self| match serde_json::to_value(recipe) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (ours, theirs) = (fields(self), fields(other));
        let text = |value: Option<&serde_json::Value>| value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
        let names = ours.keys().chain(theirs.keys());
        let differing = names.into_iter().find(|name| ours.get(*name) != theirs.get(*name))?;
        Some((differing.clone(), text(ours.get(differing)), text(theirs.get(differing))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> Recipe {
        Recipe {
            pattern: PatternName::DeepseekV3,
            digits: Digits::UpTo3,
            boundaries: Boundaries::Morpheme,
            dictionary: Some("a".to_owned()),
            superwords: false,
            normalize: serde_json::json!({"form": "nfkc"}),
            masked: vec![],
            min_count: 1,
            versions: BTreeMap::from([("count".to_owned(), 1)]),
        }
    }

    #[test]
    fn the_first_difference_is_named() {
        assert_eq!(recipe().differs_from(&recipe()), None);
        let other = Recipe { dictionary: None, ..recipe() };
        assert_eq!(recipe().differs_from(&other), Some(("dictionary".to_owned(), "\"a\"".to_owned(), "nothing".to_owned())));
        assert_eq!(other.differs_from(&recipe()), Some(("dictionary".to_owned(), "nothing".to_owned(), "\"a\"".to_owned())));
        let other = Recipe { min_count: 5, ..recipe() };
        assert_eq!(recipe().differs_from(&other), Some(("min_count".to_owned(), "1".to_owned(), "5".to_owned())));
    }
}
