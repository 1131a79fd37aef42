//! The book in which findings are noted, under the key of the policy that asks for them.

use std::collections::BTreeMap;

use super::bytes::Fault;
use super::level::{Ask, Level};
use super::place::Place;
use super::verdict::{Check, Finding};

/// Findings of a key that are told one by one.
const FINDINGS_MAX: usize = 100;

/// Findings while they are gathered.
#[derive(Debug, Default)]
pub(super) struct Book {
    asked: BTreeMap<&'static str, Ask>,
    looked_at: BTreeMap<&'static str, u64>,
    counts: BTreeMap<&'static str, (u64, Option<Level>)>,
    measured: BTreeMap<&'static str, BTreeMap<String, f64>>,
    findings: Vec<Finding>,
}

impl Book {
    /// For what a policy asks.
    pub(super) fn new(asked: BTreeMap<&'static str, Ask>) -> Self {
        Self { asked, ..Self::default() }
    }

    /// Does the policy ask this?
    pub(super) fn asks(&self, key: &'static str) -> bool {
        self.asked.get(key).is_some_and(|ask| *ask != Ask::Allow)
    }

    /// So much more was looked at for a key.
    pub(super) fn looked(&mut self, key: &'static str, n: u64) {
        *self.looked_at.entry(key).or_default() += n;
    }

    /// A figure that a key is measured by.
    pub(super) fn measured(&mut self, key: &'static str, name: impl Into<String>, value: f64) {
        self.measured.entry(key).or_default().insert(name.into(), value);
    }

    /// A key does not hold here.
    pub(super) fn found(&mut self, key: &'static str, file: &str, place: Place, what: impl Into<String>, value: Option<String>) {
        let level = self.asked.get(key).and_then(|ask| ask.level());
        self.note(key, level, file, place, what.into(), value);
    }

    /// Whether a key holds here could not be told.
    pub(super) fn unseen(&mut self, key: &'static str, file: &str, place: Place, what: impl Into<String>) {
        let level = self.asks(key).then_some(Level::CannotTell);
        self.note(key, level, file, place, what.into(), None);
    }

    /// What a reader of bytes ended with: broken is found under `key`, the rest could not be told.
    pub(super) fn fault(&mut self, key: &'static str, file: &str, start: u64, fault: Fault) {
        match fault {
            Fault::Broken { offset, what } => self.found(key, file, Place::byte(start + offset), what, None),
            Fault::Beyond { offset, what } => self.unseen(key, file, Place::byte(start + offset), what),
            Fault::Unread(error) => self.unseen(key, file, Place::default(), format!("cannot be read: {error}")),
        }
    }

    fn note(&mut self, key: &'static str, level: Option<Level>, file: &str, place: Place, what: String, value: Option<String>) {
        let Some(level) = level else { return };
        let (count, worst) = self.counts.entry(key).or_default();
        // The worst is told, however many there are before it.
        let is_news = worst.is_none_or(|worst| level > worst);
        *worst = Some(worst.map_or(level, |worst| worst.max(level)));
        *count += 1;
        if *count <= FINDINGS_MAX as u64 || is_news {
            self.findings.push(Finding { key, level, file: file.to_owned(), place, what, value });
        }
    }

    /// Every check, and the findings in the order of the keys.
    pub(super) fn finish(mut self, keys: &[&'static str]) -> (Vec<Check>, Vec<Finding>) {
        let rank = |key: &str| keys.iter().position(|known| *known == key).unwrap_or(usize::MAX);
        self.findings.sort_by(|a, b| rank(a.key).cmp(&rank(b.key)).then_with(|| b.level.cmp(&a.level)));
        let check = |key: &&'static str| {
            let asked = *self.asked.get(*key).filter(|ask| **ask != Ask::Allow)?;
            let looked_at = self.looked_at.get(*key).copied().unwrap_or(0);
            let (findings, worst) = self.counts.get(*key).copied().unwrap_or_default();
            let verdict = worst.or((looked_at > 0).then_some(Level::Pass));
            Some(Check { key, asked, verdict, looked_at, findings, measured: self.measured.remove(*key).unwrap_or_default() })
        };
        (keys.iter().filter_map(check).collect(), self.findings)
    }
}
