//! Evaluation sets: their files, read whole before anything is looked for, and the names of their items.
//!
//! What a field means is the room's to say ([`crate::dedup::evaluation`]); here files become records. They are few and small beside a corpus, and a
//! record that is left out would be one that nobody looks for: what cannot be read stops everything.

use std::io::Read;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::corpus::open_decoded;
use crate::dedup::decontaminate::{Added, Builder, Found, Probes};
use crate::dedup::evaluation::{Columns, Item, each_item, of_xml};
use crate::error::{Error, Result};
use crate::io::{hash_file, open_table};
use crate::quarantine::escape;
use crate::stage::Batch;

/// Bytes of a file once it is decoded.
const FILE_MAX: u64 = 1 << 30;
/// Directories in each other.
const DEPTH: usize = 16;
/// Endings of files that are read in a directory, beside those of compression.
const ENDINGS: [&str; 6] = ["json", "jsonl", "csv", "tsv", "parquet", "xml"];
const COMPRESSED: [&str; 7] = ["gz", "zst", "bz2", "xz", "lzma", "lz4", "zstd"];
/// The share of the memory that what is looked for may take.
const HELD: u64 = 4;

/// A file of evaluation items, for the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationFile {
    /// As it is named; in a directory, with its place there.
    pub path: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// BLAKE3 of the file.
    pub blake3: String,
    /// Items that are looked for.
    pub items: u64,
    /// Items that an earlier one repeats.
    pub repeated: u64,
    /// Items too short, or of too few different characters, to be told from other text.
    pub short: u64,
    /// Items without a question.
    pub empty: u64,
    /// Runs of characters that are looked for.
    pub grams: u64,
}

impl EvaluationFile {
    /// A search that cannot find anything must not look like one that did not.
    fn check(&self) -> Result<()> {
        let Self { path, items, repeated, short, empty, .. } = self;
        if items + repeated > 0 {
            return Ok(());
        }
        let message =
            format!("{}: none of its items is looked for: {short} too short, {empty} without a question (eval_too_short)", shown(path));
        Err(Error::refused_with_hint(message, "an item needs 8 characters or more; name a file of questions, or take this one out"))
    }
}

/// What was looked for of an evaluation set, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationSet {
    /// Its file.
    pub file: EvaluationFile,
    /// Documents in which one of its items stands, whatever became of them.
    pub documents: u64,
}

/// Evaluation sets, ready to be looked for.
#[derive(Default)]
pub struct Evaluation {
    /// What is looked for.
    pub probes: Probes,
    /// The files, in the order in which they are named.
    pub files: Vec<EvaluationFile>,
    /// Of each item its file and its name.
    names: Vec<(u32, Box<str>)>,
}

impl std::fmt::Debug for Evaluation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evaluation").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Evaluation {
    /// Is there nothing to look for?
    pub fn is_empty(&self) -> bool {
        self.probes.is_empty()
    }

    /// Reads files and directories; relative paths start at `base`.
    ///
    /// # Errors
    /// `Refused`, with file, place and remedy: what is missing, cannot be read, or holds nothing that is asked.
    pub fn read(named: &[String], base: &Path) -> Result<Self> {
        let mut reading = Reading { builder: Builder::default(), all: Self::default() };
        for name in named {
            let path = base.join(name);
            if path.is_dir() {
                let mut files = Vec::new();
                files_in(&path, name.trim_end_matches('/'), DEPTH, &mut files)?;
                if files.is_empty() {
                    let message = format!("{}: no evaluation set in this directory", shown(name));
                    return Err(Error::refused_with_hint(message, format!("files that are read there end in .{}", ENDINGS.join(", ."))));
                }
                files.sort();
                files.iter().try_for_each(|(name, path)| reading.read(name, path))?;
            } else {
                reading.read(name, &path)?;
            }
        }
        let Reading { builder, mut all } = reading;
        all.files.iter().try_for_each(EvaluationFile::check)?;
        all.probes = builder.finish();
        for (item, grams) in all.probes.grams_of_items() {
            if let Some(file) = all.names.get(item as usize).and_then(|(file, _)| all.files.get_mut(*file as usize)) {
                file.grams += u64::from(grams);
            }
        }
        Ok(all)
    }

    /// Refuses what would not leave enough of the memory.
    ///
    /// # Errors
    /// `Refused`, with the figures.
    pub fn check_memory(&self, memory: u64) -> Result<()> {
        let needed = self.probes.bytes() as u64;
        if needed <= memory / HELD {
            return Ok(());
        }
        let [needed, memory, enough] = [needed, memory, needed * HELD].map(|bytes| bytes.div_ceil(1 << 20));
        let message =
            format!("--memory: what is looked for of the evaluation sets takes {needed} MiB, more than a quarter of {memory} MiB");
        Err(Error::refused_with_hint(message, format!("give --memory {enough}MiB, or name fewer files in dedup.decontaminate")))
    }

    /// The name of an item, and its file.
    pub fn name(&self, item: u32) -> (&str, &str) {
        let found = self.names.get(item as usize).and_then(|(file, name)| Some((name, self.files.get(*file as usize)?)));
        found.map_or(("", ""), |(name, file)| (&**name, file.path.as_str()))
    }

    /// The number of an item's file.
    fn file_of(&self, item: u32) -> usize {
        self.names.get(item as usize).map_or(0, |(file, _)| *file as usize)
    }

    /// Of what was found in a document, what says most: the largest share, then the first place.
    pub fn best(found: &[Found]) -> Option<Found> {
        found.iter().copied().reduce(|best, other| if other.share > best.share { other } else { best })
    }

    /// The sets, each with the number of documents in which something of it stands.
    pub fn with_documents(&self, documents: &[u64]) -> Vec<EvaluationSet> {
        let sets = self.files.iter().cloned().zip(documents);
        sets.map(|(file, documents)| EvaluationSet { file, documents: *documents }).collect()
    }

    /// Counts a document once for each file of which it holds something.
    pub fn count(&self, found: &[Found], documents: &mut [u64]) {
        let mut files: Vec<usize> = found.iter().map(|found| self.file_of(found.item)).collect();
        files.sort_unstable();
        files.dedup();
        for file in files {
            documents.get_mut(file).into_iter().for_each(|count| *count += 1);
        }
    }
}

/// Files of a directory that may be evaluation sets, with the names they are called by.
fn files_in(directory: &Path, name: &str, depth: usize, out: &mut Vec<(String, PathBuf)>) -> Result<()> {
    let failed = |e: std::io::Error| Error::refused(format!("{}: cannot be read: {e}", shown(name)));
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let file = entry.file_name().to_string_lossy().into_owned();
        let (path, called) = (entry.path(), format!("{name}/{file}"));
        if file.starts_with('.') || depth == 0 {
            continue;
        }
        if path.is_dir() {
            files_in(&path, &called, depth - 1, out)?;
        } else if ENDINGS.contains(&ending(&file).as_str()) {
            out.push((called, path));
        }
    }
    Ok(())
}

/// The ending of a name that says what is inside, without that of compression.
fn ending(name: &str) -> String {
    let lower = name.to_lowercase();
    let mut parts = lower.rsplit('.').peekable();
    parts.next_if(|part| COMPRESSED.contains(part));
    parts.next().filter(|_| lower.contains('.')).unwrap_or_default().to_owned()
}

/// Sets while they are read.
struct Reading {
    builder: Builder,
    all: Evaluation,
}

impl Reading {
    fn read(&mut self, name: &str, path: &Path) -> Result<()> {
        let there = "name a file of evaluation items (docs/guide/dedup.md lists the layouts), or a directory of them";
        let (bytes, blake3) = hash_file(path).map_err(|e| refused(name, "", &format!("cannot be read: {}", e.without_path()), there))?;
        let path_shown = name.to_owned();
        let file = EvaluationFile { path: path_shown, bytes, blake3, items: 0, repeated: 0, short: 0, empty: 0, grams: 0 };
        self.all.files.push(file);
        if ending(name) == "parquet" {
            self.read_table(name, path)?;
        } else {
            self.read_text(name, &decoded(name, path)?)?;
        }
        let Some(file) = self.all.files.last() else { return Ok(()) };
        if file.items + file.repeated + file.short + file.empty == 0 {
            let hint = "items are JSON, JSON Lines, CSV, TSV, Parquet or XML with fields such as question, sentence1, prompt or input; docs/guide/dedup.md lists them";
            return Err(refused(name, "", "no field of it is known as a question, and none is a text of 30 characters or more", hint));
        }
        if hash_file(path).is_ok_and(|(_, now)| now == file.blake3) {
            return Ok(());
        }
        Err(refused(name, "", "the file changed while it was read", "start again once it is at rest"))
    }

    fn take(&mut self, item: Item) {
        let (number, Some(file)) = (self.all.files.len().saturating_sub(1), self.all.files.last_mut()) else { return };
        let of_file = file.items + file.repeated + file.short + file.empty + 1;
        let count = match self.builder.add(&item.texts) {
            Added::Loaded => &mut file.items,
            Added::Repeated => &mut file.repeated,
            Added::Short => &mut file.short,
            Added::Empty => &mut file.empty,
        };
        *count += 1;
        let name = item.id.unwrap_or_else(|| format!("{}#{of_file}", file.path));
        self.all.names.push((number as u32, name.into()));
    }

    fn read_text(&mut self, name: &str, text: &str) -> Result<()> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match (ending(name).as_str(), text.trim_start().chars().next()) {
            ("csv", _) => self.read_rows(text, b','),
            ("tsv", _) => self.read_rows(text, b'\t'),
            ("txt", Some(c)) if c != '{' && c != '[' => {
                let lines = text.lines().filter(|line| !line.trim().is_empty());
                lines.for_each(|line| each_item(&Value::String(line.to_owned()), &mut |item| self.take(item)));
            }
            (_, Some('<')) => of_xml(text, &mut |item| self.take(item)),
            (_, Some('{' | '[' | '"')) => {
                for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
                    let value = value.map_err(|e| {
                        let hint = "an item that is left out is one that nobody looks for: mend the file, or get it again";
                        refused(name, &format!(":{}", e.line()), &format!("no JSON: {}", without_place(&e.to_string())), hint)
                    })?;
                    each_item(&value, &mut |item| self.take(item));
                }
            }
            (_, None) => return Err(refused(name, "", "the file is empty", "get it again, or take it out of the list")),
            _ => {
                let hint = "write .json, .jsonl, .csv, .tsv, .xml or .txt (an item a line) at the end of its name";
                return Err(refused(name, "", "no layout that is known", hint));
            }
        }
        Ok(())
    }

    fn read_rows(&mut self, text: &str, delimiter: u8) {
        let mut rows = rows(text, delimiter).into_iter();
        let Some(first) = rows.next() else { return };
        let cells = |row: &[String]| row.iter().map(String::as_str).collect::<Vec<_>>().join("\u{0}");
        let borrowed: Vec<&str> = first.iter().map(String::as_str).collect();
        let columns = Columns::of(&borrowed);
        let is_named = columns == Columns::Named;
        let names = if is_named { first.clone() } else { Vec::new() };
        for row in (!is_named).then_some(first).into_iter().chain(rows) {
            if cells(&row).trim_matches('\u{0}').trim().is_empty() {
                continue;
            }
            let row: Vec<&str> = row.iter().map(String::as_str).collect();
            if let Some(item) = columns.item(&names, &row) {
                self.take(item);
            }
        }
    }

    fn read_table(&mut self, name: &str, path: &Path) -> Result<()> {
        let damaged = |e: &Error| refused(name, "", &format!("no Parquet file that can be read: {}", e.without_path()), "get it again");
        for batch in open_table(path, None, 1024).map_err(|e| damaged(&e))? {
            let batch = batch.map_err(|e| damaged(&e))?;
            for row in 0..batch.num_rows() {
                each_item(&Value::Object(record(&batch, row)?), &mut |item| self.take(item));
            }
        }
        Ok(())
    }
}

/// A row of a table as a JSON object.
fn record(batch: &Batch, row: usize) -> Result<Map<String, Value>> {
    let fields = batch.schema_ref().fields().iter().zip(batch.columns());
    fields.map(|(field, column)| Ok((field.name().clone(), cell(column, row)?))).collect()
}

fn cell(array: &dyn Array, row: usize) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    let list = |values: &dyn Array| (0..values.len()).map(|row| cell(values, row)).collect::<Result<Vec<_>>>().map(Value::Array);
    Ok(match array.data_type() {
        DataType::Utf8 => Value::from(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Value::from(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Value::from(array.as_string_view().value(row)),
        DataType::List(_) => list(&array.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row))?,
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row))?,
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(array.as_struct().columns());
            Value::Object(columns.map(|(field, column)| Ok((field.name().clone(), cell(column, row)?))).collect::<Result<_>>()?)
        }
        DataType::Dictionary(_, values) if matches!(**values, DataType::Utf8 | DataType::LargeUtf8) => {
            Value::from(array_value_to_string(array, row)?)
        }
        other if other.is_integer() => serde_json::from_str(&array_value_to_string(array, row)?).unwrap_or(Value::Null),
        _ => Value::Null,
    })
}

/// The rows of a table of lines.
fn rows(text: &str, delimiter: u8) -> Vec<Vec<String>> {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let (mut input, mut rows) = (text.as_bytes(), Vec::new());
    let (mut cells, mut ends) = (vec![0; 1 << 12], vec![0; 32]);
    let (mut written, mut ended) = (0, 0);
    loop {
        let (result, read, wrote, ends_more) = reader.read_record(input, &mut cells[written..], &mut ends[ended..]);
        input = input.get(read..).unwrap_or_default();
        (written, ended) = (written + wrote, ended + ends_more);
        match result {
            csv_core::ReadRecordResult::OutputFull => cells.resize(cells.len() * 2, 0),
            csv_core::ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
            csv_core::ReadRecordResult::InputEmpty => {}
            csv_core::ReadRecordResult::Record => {
                let begins = std::iter::once(0).chain(ends[..ended].iter().copied());
                let of = |(from, to): (usize, &usize)| String::from_utf8_lossy(&cells[from..*to]).into_owned();
                rows.push(begins.zip(&ends[..ended]).map(of).collect());
                (written, ended) = (0, 0);
            }
            csv_core::ReadRecordResult::End => return rows,
        }
    }
}

/// The text of a file.
fn decoded(name: &str, path: &Path) -> Result<String> {
    let damaged = "the file is damaged: get it again";
    let reader = open_decoded(path).map_err(|e| refused(name, "", &format!("cannot be read: {}", e.without_path()), damaged))?;
    let mut bytes = Vec::new();
    reader.take(FILE_MAX + 1).read_to_end(&mut bytes).map_err(|e| refused(name, "", &format!("cannot be read: {e}"), damaged))?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(refused(name, "", "more than 1 GiB of text", "a set of evaluation items is smaller; divide it"));
    }
    String::from_utf8(bytes).map_err(|e| {
        let before = e.as_bytes().get(..e.utf8_error().valid_up_to()).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        refused(name, &format!(":{line}"), "not UTF-8", "convert it, e.g. iconv -f CP932 -t UTF-8")
    })
}

fn refused(name: &str, place: &str, why: &str, hint: &str) -> Error {
    Error::refused_with_hint(format!("{}{place}: {why}", shown(name)), hint)
}

/// What the parser said, without the place.
fn without_place(said: &str) -> &str {
    said.split(" at line ").next().unwrap_or(said)
}

fn shown(text: &str) -> String {
    escape(text, 500)
}
