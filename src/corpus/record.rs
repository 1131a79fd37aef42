//! What reading gives: records, quarantine, and a tally of each input.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::quarantine::{Quarantined, escape};

/// A record that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Its own id.
    pub id: Option<String>,
    /// The document.
    pub text: String,
    /// Where it comes from.
    pub source: Option<String>,
    /// Address.
    pub url: Option<String>,
    /// Licence.
    pub license: Option<String>,
    /// Date, in the spelling of the record.
    pub date: Option<String>,
    /// Country in which it has to stay.
    pub residency: Option<String>,
    /// Anything else, as JSON.
    pub meta: Option<String>,
    /// Index of the input file.
    pub input: u32,
    /// Number in the file from 1, bad records counted; 0 for a document that is the whole file.
    pub ordinal_in_file: u64,
    /// Decoded byte of the file at which it begins; for tables the row.
    pub offset: u64,
}

impl Record {
    /// What the document is called: its own id, else `<file>#<number>`, else (the whole file) the name of the file. Replaces what `into` holds.
    pub fn doc_id(&self, file: &str, into: &mut String) {
        into.clear();
        match self.id.as_deref() {
            Some(own) if !own.is_empty() => into.push_str(own),
            _ => into.push_str(file),
        }
        if self.id.as_deref().is_none_or(str::is_empty) && self.ordinal_in_file > 0 {
            // Writing to a string cannot fail.
            let _ = write!(into, "#{}", self.ordinal_in_file);
        }
    }
}

/// What a shard held beside its records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// In the order of input and offset.
    pub quarantined: Vec<Quarantined>,
    /// Per input index, ascending; the parts of a file that several shards share are added up with [`InputTally::add`].
    pub tallies: Vec<(u32, InputTally)>,
}

/// What was read from an input file; `records + quarantined` is what the conservation law calls read, and what a sample leaves out is counted apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputTally {
    /// Records given on.
    pub records: u64,
    /// Lines of quarantine.
    pub quarantined: u64,
    /// Records that the sample leaves out, bad ones among them, and those that are forgotten.
    pub left_out: u64,
    /// What was read and is no document in its own right (a request, a picture, a server's error …), by reason. Not among the records.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub passed_over: BTreeMap<String, u64>,
    /// Decoded bytes, also of those.
    pub decoded_bytes: u64,
    /// The charset found, for text and WARC files; `mixed` if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// Places without meaning in that charset, now U+FFFD.
    pub replaced: u64,
    /// Notation that was taken out of texts, by kind: readings, notes, tables of contents and the like.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dropped: BTreeMap<String, u64>,
    /// Documents by name of a field that they have and that is not kept; what is beyond 32 names is under `…`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields_not_kept: BTreeMap<String, u64>,
}

/// Names of fields of an input that are counted apart.
const FIELD_NAMES: usize = 32;
/// Characters of such a name.
const FIELD_NAME_MAX: usize = 100;
/// What all others are counted under.
pub(super) const OTHER_FIELDS: &str = "…";

impl InputTally {
    /// Adds what another shard read from the same file.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.quarantined += other.quarantined;
        self.left_out += other.left_out;
        for (reason, count) in &other.passed_over {
            *self.passed_over.entry(reason.clone()).or_default() += count;
        }
        for (kind, count) in &other.dropped {
            *self.dropped.entry(kind.clone()).or_default() += count;
        }
        self.decoded_bytes += other.decoded_bytes;
        self.replaced += other.replaced;
        other.charset.iter().for_each(|charset| self.note_charset(charset));
        other.fields_not_kept.iter().for_each(|(name, records)| self.note_not_kept(name, *records));
    }

    /// Counts a field that is not kept. The names that come first are counted apart.
    pub(super) fn note_not_kept(&mut self, name: &str, records: u64) {
        if let Some(count) = self.fields_not_kept.get_mut(name) {
            *count += records;
            return;
        }
        let name = if self.fields_not_kept.len() < FIELD_NAMES { escape(name, FIELD_NAME_MAX) } else { OTHER_FIELDS.to_owned() };
        *self.fields_not_kept.entry(name).or_default() += records;
    }

    /// A file of many pages may be in many charsets; then it is `mixed`.
    pub(super) fn note_charset(&mut self, charset: &str) {
        match &self.charset {
            None => self.charset = Some(charset.to_owned()),
            Some(known) if known == charset => {}
            Some(_) => self.charset = Some("mixed".to_owned()),
        }
    }
}
