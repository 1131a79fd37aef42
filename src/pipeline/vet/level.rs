//! What follows from a finding.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a policy says follows where a key does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ask {
    /// Nothing: it is not looked at.
    #[default]
    Allow,
    /// It is told.
    Warn,
    /// It is told, and what is vetted does not pass.
    Refuse,
}

impl Ask {
    /// The level of a finding.
    pub fn level(self) -> Option<Level> {
        match self {
            Self::Allow => None,
            Self::Warn => Some(Level::Warn),
            Self::Refuse => Some(Level::Refuse),
        }
    }
}

/// The level of a finding, a check, or a verdict; what comes later is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It holds.
    Pass,
    /// It does not, and the policy asks only to be told.
    Warn,
    /// It could not be looked at.
    CannotTell,
    /// It does not hold.
    Refuse,
}

impl Level {
    /// As it stands in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::CannotTell => "cannot_tell",
            Self::Refuse => "refuse",
        }
    }
}
