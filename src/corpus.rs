//! Raw files → records: the door through which text comes in.
//!
//! [`expand`] lists the input files of a plan, [`Framer`] cuts them into shards, [`RawShard::decode`] parses a shard into
//! [`Record`]s and quarantine, and [`BatchBuilder`] puts records into batches of columns. Every record that is read is either
//! given on or quarantined with file, place and reason.

pub mod charset;
mod compression;
mod decoding;
mod fence;
mod format;
mod framing;
pub mod html;
pub mod http;
mod inputs;
pub mod jsonl;
mod parquet;
mod warc;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use arrow::datatypes::Schema;

pub use self::fence::is_fenced;
pub use self::framing::{Cut, Framer, RawShard};
pub use self::inputs::{escape_name, expand, expand_paths, is_of_the_machine, unescape_name};
use crate::error::Result;
use crate::quarantine::Quarantined;
use crate::schema::{Column, DATE, DOC_ID, LICENSE, META, SOURCE, TEXT, URL};
use crate::stage::Batch;

/// `[input]`: which files are read, and what is known of them.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Files, directories and patterns (`*`, `?`, `[…]`, `{a,b}`, `**`), relative to the plan; a run reads files only, not standard input (`-`). JSON Lines, Parquet, WARC, HTML or plain text, also as .gz and .zst; told apart by content.
    pub paths: Vec<String>,
    /// What holds for records that say nothing of it themselves.
    pub source: SourceDefaults,
    /// Longest record in decoded bytes, at most 1 GiB; a longer one is quarantined.
    pub record_max: u64,
    /// Read links that lead out of an input directory (caches of dataset hubs consist of them).
    pub follow_links: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { paths: Vec::new(), source: SourceDefaults::default(), record_max: 16 << 20, follow_links: false }
    }
}

impl Options {
    /// One sentence for a value that is out of range.
    pub fn check(&self) -> std::result::Result<(), String> {
        if self.paths.is_empty() {
            return Err("input.paths is empty; name at least one file, directory or pattern".to_owned());
        }
        if self.paths.iter().any(|path| path.is_empty() || path.contains('\0')) {
            return Err("input.paths holds an empty path or one with a NUL".to_owned());
        }
        if !(1..=1 << 30).contains(&self.record_max) {
            return Err(format!("input.record_max is {}; it must lie between 1 and 1073741824", self.record_max));
        }
        Ok(())
    }
}

/// `input.source`: provenance of records that carry none.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SourceDefaults {
    /// Name of the corpus; without it, the name of the file.
    pub name: Option<String>,
    /// Licence, best as an SPDX expression.
    pub license: Option<String>,
    /// Country in which the data has to stay; noted in the manifest.
    pub residency: Option<String>,
}

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// How to open it.
    pub path: PathBuf,
    /// How the manifest names it: relative, escaped reversibly, unique in the run.
    pub name: String,
    /// Its size when it was listed.
    pub bytes: u64,
    /// Its time of change when it was listed, in nanoseconds since 1970.
    pub mtime_ns: i128,
}

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
    /// Anything else, as JSON.
    pub meta: Option<String>,
    /// Index of the input file.
    pub input: u32,
    /// Number in the file from 1, bad records counted; 0 for a document that is the whole file.
    pub ordinal_in_file: u64,
}

/// What a shard held beside its records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// In the order of input and offset.
    pub quarantined: Vec<Quarantined>,
    /// Per input index, ascending; the parts of a file that several shards share are added up with [`InputTally::add`].
    pub tallies: Vec<(u32, InputTally)>,
}

/// What was read from an input file; `records + quarantined` is what the conservation law calls read.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputTally {
    /// Records given on.
    pub records: u64,
    /// Lines of quarantine.
    pub quarantined: u64,
    /// Decoded bytes.
    pub decoded_bytes: u64,
    /// The charset found, for text and WARC files; `mixed` if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// Places without meaning in that charset, now U+FFFD.
    pub replaced: u64,
}

impl InputTally {
    /// Adds what another shard read from the same file.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.quarantined += other.quarantined;
        self.decoded_bytes += other.decoded_bytes;
        self.replaced += other.replaced;
        other.charset.iter().for_each(|charset| self.note_charset(charset));
    }

    /// A file of many pages may be in many charsets; then it is `mixed`.
    fn note_charset(&mut self, charset: &str) {
        match &self.charset {
            None => self.charset = Some(charset.to_owned()),
            Some(known) if known == charset => {}
            Some(_) => self.charset = Some("mixed".to_owned()),
        }
    }
}

/// The columns of [`BatchBuilder`].
pub const COLUMNS: [Column; 7] = [DOC_ID, TEXT, SOURCE, URL, LICENSE, DATE, META];
/// Rows of a batch, at most.
pub const BATCH_ROWS: usize = 1024;
/// Bytes of text after which a batch is full.
pub const BATCH_BYTES: usize = 2 << 20;

/// A batch of [`COLUMNS`] without rows.
pub fn empty_batch() -> Batch {
    RecordBatch::new_empty(Arc::new(Schema::new(COLUMNS.iter().map(Column::field).collect::<Vec<_>>())))
}

/// A file (or `-`, standard input) as decoded bytes: compression is undone, nothing else.
///
/// # Errors
/// The file cannot be opened.
pub fn open_decoded(path: &std::path::Path) -> Result<Box<dyn std::io::BufRead>> {
    let stream = framing::open_source(path).map_err(|e| crate::error::Error::io(path, "open", e))?;
    Ok(Box::new(std::io::BufReader::with_capacity(1 << 16, compression::Reader::new(stream))))
}

/// Records → batches of [`COLUMNS`].
pub struct BatchBuilder {
    inputs: Arc<[InputFile]>,
    defaults: SourceDefaults,
    schema: Arc<Schema>,
    columns: [StringBuilder; COLUMNS.len()],
    rows: usize,
    scratch: String,
}

impl BatchBuilder {
    /// Starts empty; `defaults` is what records inherit.
    pub fn new(inputs: Arc<[InputFile]>, defaults: &SourceDefaults) -> Self {
        let schema = Arc::new(Schema::new(COLUMNS.iter().map(Column::field).collect::<Vec<_>>()));
        let columns = std::array::from_fn(|_| StringBuilder::new());
        Self { inputs, defaults: defaults.clone(), schema, columns, rows: 0, scratch: String::new() }
    }

    /// Adds a record; gives a batch when it is full.
    pub fn push(&mut self, record: &Record) -> Result<Option<Batch>> {
        let file = &self.inputs[record.input as usize].name;
        let source = record.source.as_deref().or(self.defaults.name.as_deref()).unwrap_or_else(|| stem(file));
        let license = record.license.as_deref().or(self.defaults.license.as_deref());
        doc_id(&mut self.scratch, record, file);
        let [doc_id, text, sources, url, licenses, date, meta] = &mut self.columns;
        doc_id.append_value(&self.scratch);
        text.append_value(&record.text);
        sources.append_value(source);
        url.append_option(record.url.as_deref());
        licenses.append_option(license);
        date.append_option(record.date.as_deref());
        meta.append_option(record.meta.as_deref());
        self.rows += 1;
        let is_full = self.rows >= BATCH_ROWS || self.columns.iter().any(|column| column.values_slice().len() >= BATCH_BYTES);
        if is_full { self.finish() } else { Ok(None) }
    }

    /// The batch of the records since the last one, if there are any.
    pub fn finish(&mut self) -> Result<Option<Batch>> {
        if self.rows == 0 {
            return Ok(None);
        }
        self.rows = 0;
        let columns = self.columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }
}

/// The record's own id, else `<file>#<number>`, else (the whole file) the name of the file.
fn doc_id(id: &mut String, record: &Record, file: &str) {
    use std::fmt::Write as _;
    id.clear();
    match record.id.as_deref() {
        Some(own) if !own.is_empty() => id.push_str(own),
        _ => id.push_str(file),
    }
    if record.id.as_deref().is_none_or(str::is_empty) && record.ordinal_in_file > 0 {
        // Writing to a string cannot fail.
        let _ = write!(id, "#{}", record.ordinal_in_file);
    }
}

/// The file name up to its first dot (one in front does not count).
fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    let end = file.char_indices().skip(1).find(|(_, c)| *c == '.').map_or(file.len(), |(at, _)| at);
    file.get(..end).unwrap_or(file)
}

#[cfg(test)]
mod tests;
