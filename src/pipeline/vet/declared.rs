//! What documents, data sets, models and runs declare: licences, residencies, owners, consents, legal grounds, energy. Counted from every record;
//! a value is told once, with the first place where it stands.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::book::Book;
use super::place::Place;
use super::policy::Policy;
use super::spdx::{is_allowed, matches_any};
use crate::quarantine::escape;

/// Different values that are counted apart.
const VALUES_MAX: usize = 10_000;

const LICENSE_OTHER: &str = "license.other";
const LICENSE_NONE: &str = "license.undeclared";
const RESIDENCY_OTHER: &str = "residency.other";
const RESIDENCY_NONE: &str = "residency.undeclared";
const DOMESTIC: &str = "residency.domestic_share";

/// What a record declares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    /// Its file.
    pub(super) file: &'a str,
    /// Byte, or row of a table.
    pub(super) place: &'a Place,
    /// Its licence, or that of the card.
    pub(super) license: Option<&'a str>,
    /// The country in which it has to stay.
    pub(super) residency: Option<&'a str>,
    /// Where it comes from.
    pub(super) source: Option<&'a str>,
    /// Characters of its text.
    pub(super) chars: u64,
}

/// Documents that declare the same.
#[derive(Debug, Clone)]
struct Same {
    documents: u64,
    chars: u64,
    file: String,
    place: Place,
}

/// What all documents declare.
#[derive(Debug, Default)]
pub(super) struct Tally {
    licenses: BTreeMap<Option<String>, Same>,
    residencies: BTreeMap<Option<String>, Same>,
    documents: u64,
    chars: u64,
    domestic: u64,
    /// The first document that is not domestic.
    foreign: Option<(String, Place)>,
    is_cut: bool,
}

impl Tally {
    /// Counts a document.
    pub(super) fn add(&mut self, policy: &Policy, said: &Said<'_>) {
        self.documents += 1;
        self.chars += said.chars;
        let is_of = |value: Option<&str>, names: &[String]| value.is_some_and(|value| matches_any(names, value));
        if is_of(said.residency, &policy.residency.domestic) || is_of(said.source, &policy.residency.domestic_sources) {
            self.domestic += said.chars;
        } else if self.foreign.is_none() {
            self.foreign = Some((said.file.to_owned(), said.place.clone()));
        }
        for (counts, value) in [(&mut self.licenses, said.license), (&mut self.residencies, said.residency)] {
            let value = value.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned);
            if let Some(same) = counts.get_mut(&value) {
                same.documents += 1;
                same.chars += said.chars;
            } else if counts.len() >= VALUES_MAX {
                self.is_cut = true;
            } else {
                let same = Same { documents: 1, chars: said.chars, file: said.file.to_owned(), place: said.place.clone() };
                counts.insert(value, same);
            }
        }
    }

    /// Notes what does not hold.
    pub(super) fn tell(&self, book: &mut Book, policy: &Policy) {
        if self.documents == 0 {
            return;
        }
        for key in [LICENSE_OTHER, LICENSE_NONE, RESIDENCY_OTHER, RESIDENCY_NONE, DOMESTIC] {
            book.looked(key, self.documents);
            if self.is_cut {
                book.unseen(key, "", Place::default(), format!("more than {VALUES_MAX} different values"));
            }
        }
        for (value, same) in &self.licenses {
            match value {
                None => note(book, LICENSE_NONE, same, "without a licence", None),
                Some(license) if !is_allowed(license, &policy.license.allow, &policy.license.deny) => {
                    note(book, LICENSE_OTHER, same, "under a licence that is not allowed", Some(license));
                }
                Some(_) => {}
            }
        }
        let allowed = |country: &str| {
            let rules = &policy.residency;
            !matches_any(&rules.deny, country) && (rules.allow.is_empty() || matches_any(&rules.allow, country))
        };
        for (value, same) in &self.residencies {
            match value {
                None => note(book, RESIDENCY_NONE, same, "without a residency", None),
                Some(country) if !allowed(country) => note(book, RESIDENCY_OTHER, same, "of a country that is not allowed", Some(country)),
                Some(_) => {}
            }
        }
        self.domestic(book, policy);
    }

    fn domestic(&self, book: &mut Book, policy: &Policy) {
        let (domestic, chars) = (self.domestic, self.chars);
        if chars == 0 {
            return book.unseen(DOMESTIC, "", Place::default(), "the documents have no text");
        }
        let share = domestic as f64 / chars as f64;
        book.measured(DOMESTIC, "domestic", share);
        if share < policy.residency.domestic_min {
            let (file, place) = self.foreign.clone().unwrap_or_default();
            let what = format!("{domestic} of {chars} characters are domestic; the least share is {}", policy.residency.domestic_min);
            book.found(DOMESTIC, &file, place, what, Some(format!("{share:.4}")));
        }
    }
}

/// Notes the licence of what has no documents: a model, a card.
pub(super) fn license(book: &mut Book, policy: &Policy, file: &str, license: Option<&str>) {
    book.looked(LICENSE_NONE, 1);
    let Some(license) = license else {
        return book.found(LICENSE_NONE, file, Place::default(), "no licence is declared: neither in the card nor in the files", None);
    };
    book.looked(LICENSE_OTHER, 1);
    if !is_allowed(license, &policy.license.allow, &policy.license.deny) {
        book.found(LICENSE_OTHER, file, Place::default(), "a licence that is not allowed", Some(escape(license, 100)));
    }
}

fn note(book: &mut Book, key: &'static str, same: &Same, what: &str, value: Option<&String>) {
    let what = format!("{} {} ({} characters) {what}", same.documents, plural(same.documents), same.chars);
    book.found(key, &same.file, same.place.clone(), what, value.map(|value| escape(value, 100)));
}

fn plural(n: u64) -> &'static str {
    if n == 1 { "document" } else { "documents" }
}

/// What `passport.json` says of owners, consents, legal grounds and energy.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Evidence {
    sources: BTreeMap<String, OfSource>,
    energy: Energy,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OfSource {
    owners: BTreeMap<String, u64>,
    consents: BTreeMap<String, u64>,
    legal_bases: BTreeMap<String, u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Energy {
    source: Option<String>,
}

/// What stands for documents of a source that declare nothing.
const NONE: &str = crate::pipeline::provenance::NONE;

impl Evidence {
    /// Notes sources whose documents declare nothing.
    pub(super) fn tell(&self, book: &mut Book, file: &str) {
        for (name, source) in &self.sources {
            for (key, counts, what) in [
                ("declared.owner", &source.owners, "without an owner"),
                ("declared.consent", &source.consents, "without a consent"),
                ("declared.legal_basis", &source.legal_bases, "without a legal ground"),
            ] {
                book.looked(key, counts.values().sum());
                if let Some(n) = counts.get(NONE) {
                    let place = Place::json(format!("sources.{}", escape(name, 200)));
                    book.found(key, file, place, format!("{n} {} {what}", plural(*n)), Some(escape(name, 200)));
                }
            }
        }
    }

    /// The energy that the passport declares.
    pub(super) fn energy(&self) -> Option<&str> {
        self.energy.source.as_deref()
    }
}

/// Notes where the energy of a run, data set or model is said to come from.
pub(super) fn energy(book: &mut Book, policy: &Policy, file: &str, declared: &[String]) {
    const KEY: &str = "declared.energy";
    book.looked(KEY, 1);
    if declared.is_empty() {
        let what = "no source of energy is declared: `energy_source` in the card, or `energy.source` in the passport";
        return book.found(KEY, file, Place::default(), what, None);
    }
    let allowed = &policy.declared.energy_allowed;
    for source in declared.iter().filter(|source| !allowed.is_empty() && !matches_any(allowed, source)) {
        book.found(KEY, file, Place::default(), "a source of energy that is not allowed", Some(escape(source, 100)));
    }
}
