//! What a reader of whole files makes of one.

use std::collections::BTreeMap;

/// A document, before it is known where it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// Its own id.
    pub id: Option<String>,
    /// Its text.
    pub text: String,
    /// Address.
    pub url: Option<String>,
    /// Licence.
    pub license: Option<String>,
    /// Date.
    pub date: Option<String>,
    /// Bytes of the file before it, where the file holds several.
    pub offset: u64,
    /// Anything else, as JSON.
    pub meta: Option<String>,
    /// What of the notation was taken out of the text.
    pub dropped: Dropped,
}

/// Notation that was taken out of a text, by kind: readings, notes and the like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dropped(BTreeMap<&'static str, u64>);

impl Dropped {
    /// One more of a kind.
    pub fn add(&mut self, kind: &'static str) {
        *self.0.entry(kind).or_default() += 1;
    }

    /// Adds what was taken out elsewhere.
    pub fn join(&mut self, other: &Self) {
        for (kind, count) in other.iter() {
            *self.0.entry(kind).or_default() += count;
        }
    }

    /// How many of a kind.
    pub fn count(&self, kind: &str) -> u64 {
        self.0.get(kind).copied().unwrap_or_default()
    }

    /// Kinds and how many of each.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(kind, count)| (*kind, *count))
    }
}
