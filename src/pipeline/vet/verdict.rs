//! What a vetting says: of every key of the policy whether it holds, and of everything that it does not hold for where that is.

use std::collections::BTreeMap;

use serde::Serialize;

use super::level::{Ask, Level};
use super::place::Place;

/// Layout of the object.
pub const VERSION: u32 = 1;

/// What was found, and where.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The key of the policy that asks for it.
    pub key: &'static str,
    /// What follows from it.
    pub level: Level,
    /// The file; of an archive with `!` and the member.
    pub file: String,
    /// Where in it.
    #[serde(flatten)]
    pub place: Place,
    /// One sentence.
    pub what: String,
    /// What stands there, as far as that may be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// What became of a key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// The key.
    pub key: &'static str,
    /// What the policy says follows where it does not hold.
    pub asked: Ask,
    /// `None`: nothing of the kind was there to look at.
    pub verdict: Option<Level>,
    /// Files, or documents, that were looked at for it.
    pub looked_at: u64,
    /// Findings, those that are not told one by one among them.
    pub findings: u64,
    /// Figures that it was measured by.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub measured: BTreeMap<String, f64>,
}

/// A path that was named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// As it was named.
    pub path: String,
    /// `run`, `pack`, `model`, `dataset`, `tokenizer`, `file`, `folder`.
    pub kind: &'static str,
    /// Files in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many files of each format, by content.
    pub formats: BTreeMap<&'static str, u64>,
}

/// Which policy was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// What it calls itself.
    pub name: String,
    /// Its file; `None` for one that ships.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// BLAKE3 of its text.
    pub blake3: String,
}

/// The verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// 1.
    pub vet_version: u32,
    /// Version of Seimai.
    pub seimai: &'static str,
    /// The policy.
    pub policy: Asked,
    /// The worst of all checks.
    pub verdict: Level,
    /// What was named.
    pub targets: Vec<Target>,
    /// Every key of the policy that asks for something.
    pub checks: Vec<Check>,
    /// What was found, in the order of the keys; 100 of each key at most.
    pub findings: Vec<Finding>,
}
