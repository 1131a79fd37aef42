//! The section `[pii]` of the plan: what is done with personal data, by kind.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kind::Kind;

/// What happens to personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Leave it, and do not look for it.
    Keep,
    /// Leave it, and count it.
    Count,
    /// Put the placeholder of its kind in its place.
    #[default]
    Mask,
    /// Drop the document.
    Drop,
}

/// The plan's `[pii]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// keep | count | mask | drop, for every kind that `kinds` does not name.
    pub action: Action,
    /// Another action for a kind: PHONE, EMAIL, POSTAL_CODE, ADDRESS, MY_NUMBER, CREDIT_CARD, DRIVER_LICENSE, PASSPORT, PENSION_NUMBER,
    /// BANK_ACCOUNT, DATE_OF_BIRTH, IP_ADDRESS, PERSON. Names of people are counted only, unless this says otherwise or the action is `keep`.
    pub kinds: BTreeMap<Kind, Action>,
}

impl Options {
    /// What happens to a kind.
    pub fn action(&self, kind: Kind) -> Action {
        match self.kinds.get(&kind) {
            Some(&action) => action,
            None if kind == Kind::Person && self.action != Action::Keep => Action::Count,
            None => self.action,
        }
    }

    /// The kinds that are looked for. The columns that the stage makes depend on these and on nothing else of the section.
    pub fn wanted(&self) -> Vec<Kind> {
        Kind::ALL.into_iter().filter(|&kind| self.action(kind) != Action::Keep).collect()
    }

    /// What the stage reads of the section: other options with the same result make the same columns.
    #[must_use]
    pub fn of_annotation(&self) -> Self {
        Self { action: Action::Keep, kinds: self.wanted().into_iter().map(|kind| (kind, Action::Count)).collect() }
    }

    /// The kinds whose placeholders stand in texts: a dropped document is kept in `rejected/` without what it was dropped for.
    pub fn masked(&self) -> Vec<Kind> {
        Kind::ALL.into_iter().filter(|&kind| matches!(self.action(kind), Action::Mask | Action::Drop)).collect()
    }

    /// The kinds that a document is dropped for.
    pub fn dropped(&self) -> Vec<Kind> {
        Kind::ALL.into_iter().filter(|&kind| self.action(kind) == Action::Drop).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(toml: &str) -> Options {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn a_kind_follows_its_own_action_else_that_of_all() {
        let given = options("action = \"mask\"\nkinds = { EMAIL = \"drop\", IP_ADDRESS = \"keep\" }");
        let of = |kind| given.action(kind);
        assert_eq!(
            (of(Kind::Phone), of(Kind::Email), of(Kind::IpAddress), of(Kind::Person)),
            (Action::Mask, Action::Drop, Action::Keep, Action::Count)
        );
        assert_eq!((given.wanted().len(), given.masked().len(), given.dropped()), (12, 11, vec![Kind::Email]));
        assert!(options("action = \"keep\"").wanted().is_empty());
        assert_eq!(options("action = \"keep\"\nkinds = { PERSON = \"count\" }").wanted(), [Kind::Person]);
        assert_eq!(options("kinds = { PERSON = \"mask\" }").masked().len(), 13);
    }

    #[test]
    fn options_survive_writing_and_reading() {
        let before = options("action = \"drop\"\nkinds = { PERSON = \"mask\", PHONE = \"keep\" }");
        assert_eq!(options(&toml::to_string(&before).unwrap()), before);
        assert!(toml::from_str::<Options>("kinds = { TELEPHONE = \"mask\" }").is_err());
        assert!(toml::from_str::<Options>("action = \"hide\"").is_err());
    }
}
