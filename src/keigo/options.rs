//! The section `[keigo]` of the plan.

use crate::keigo::document::Thresholds;

/// What is done with the registers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Columns only.
    #[default]
    Tag,
    /// Drop documents by rules per register (not built yet).
    Filter,
    /// Bring the registers to given shares (not built yet).
    Rebalance,
}

/// Protection of polite formulae from other stages.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Protect {
    /// Mask letter and service formulae before duplicates and repetition are measured (not built yet: false).
    pub formulae: bool,
    /// Quality rules that polite documents are exempt from (not built yet: empty).
    pub exempt: Vec<String>,
}

/// The `[keigo]` section of a plan.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// `tag` adds columns; `filter` and `rebalance` are not built yet.
    pub policy: Policy,
    /// Rules of the `filter` policy (not built yet: empty).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rule: Vec<serde_json::Value>,
    /// Protection of formulae.
    pub protect: Protect,
    /// Targets of the `rebalance` policy (not built yet: leave it out).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebalance: Option<serde_json::Value>,
    /// Thresholds of the registers.
    pub register: Thresholds,
}

impl Options {
    /// Refuses what is out of range or not built yet, in one sentence.
    pub fn check(&self) -> std::result::Result<(), String> {
        let unbuilt = [
            (self.policy != Policy::Tag, "keigo.policy knows only \"tag\" yet; filter and rebalance are not built"),
            (!self.rule.is_empty(), "keigo.rule is not built yet; leave it out"),
            (self.protect.formulae, "keigo.protect.formulae is not built yet; set it to false"),
            (!self.protect.exempt.is_empty(), "keigo.protect.exempt is not built yet; leave it empty"),
            (self.rebalance.is_some(), "keigo.rebalance is not built yet; leave it out"),
        ];
        match unbuilt.iter().find(|(wanted, _)| *wanted) {
            Some((_, message)) => Err((*message).to_string()),
            None => self.register.check(),
        }
    }
}
