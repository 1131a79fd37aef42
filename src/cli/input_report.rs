//! What is said of inputs before they are read: by `seimai inspect --input` of a few, by `seimai plan` of all.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use super::common::Outcome;
use super::ui;
use crate::corpus::{self, InputFile, Kind, Options, Probe, Record, kind, likely_fields, probe};
use crate::pipeline::plan::Plan;
use crate::quarantine::{Quarantined, escape};

/// Records that are read of a file.
const RECORDS: u64 = 1000;
/// Records that are shown, and characters of each.
const SHOWN: usize = 3;
const SHOWN_TEXT: usize = 160;
/// Bad records that are told.
const TOLD: usize = 5;
/// Files of which a plan looks at the first bytes, and files of each format that it reads from.
const FILES_LOOKED_AT: usize = 256;
const FILES_READ: usize = 3;

/// What helps against a reason of quarantine, where something does.
pub(super) fn remedy(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "text_missing" => "name the field of the text: input.fields.text = \"…\"",
        "text_type" => "the text has to be a string; name another field with input.fields.text",
        "json_records" => "name the path of the list of records: input.fields.records = \"…\"",
        "not_object" => "a record is a JSON object; a file that is one list is read as .json",
        "utf8" => "JSON is UTF-8: convert the file",
        "utf16" => "convert the file to UTF-8",
        "csv_columns" => "a delimiter or line end in a column has to stand in quotes; another delimiter: input.delimiter",
        "csv_quote" => "close the quote, or set input.quotes = false where quotes are ordinary characters",
        "csv_no_rows" => "a file without names of columns is read with input.header = false",
        "record_too_long" => "input.record_max is the limit",
        "duplicate_key" => "programs do not agree on which of two equal keys counts: rename one",
        "unsupported_container" => "unpack or convert it",
        "io_not_found" | "io_permission" => "see that the file is there and may be read",
        _ => return None,
    })
}

/// The report of `seimai inspect --input`.
pub(super) fn files(files: &[OsString], settings: &[String], out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let plan = Plan::from_toml("[input]\npaths = [\"-\"]\n", settings, "--set")?;
    let mut outcome = Outcome::Done;
    for (number, named) in files.iter().enumerate() {
        let inputs = corpus::expand_paths(std::slice::from_ref(named), &plan.input, Path::new("."))?;
        for input in inputs {
            if number > 0 {
                writeln!(out)?;
            }
            if one(&input, &plan.input, out)? {
                outcome = Outcome::Damaged;
            }
        }
    }
    Ok(outcome)
}

/// A file; true if something of it cannot be read.
fn one(input: &InputFile, options: &Options, out: &mut dyn Write) -> anyhow::Result<bool> {
    let found = probe(input, options, RECORDS)?;
    writeln!(out, "{}", escape(&input.name, 1000))?;
    writeln!(out, "  size         {}", ui::bytes(input.bytes))?;
    let format = match &found.kind {
        Kind::Read(name) => (*name).to_owned(),
        Kind::Refused(name) => format!("{name}: no input format (unsupported_container)"),
        Kind::Unreadable(reason) => format!("cannot be opened ({reason})"),
    };
    writeln!(out, "  format       {format}")?;
    writeln!(out, "  compression  {}", compression(&found))?;
    if !matches!(found.kind, Kind::Read(_)) {
        return Ok(true);
    }
    if let Some(charset) = &found.tally.charset {
        writeln!(out, "  charset      {charset}, {} places without meaning", ui::thousands(found.tally.replaced))?;
    }
    let of = if found.is_whole { "the whole file" } else { "the beginning of the file" };
    let (records, bad) = (ui::thousands(found.tally.records), ui::thousands(found.tally.quarantined));
    writeln!(out, "  records      {records} read, {bad} not readable, in {of}")?;
    if !found.tally.passed_over.is_empty() {
        let each: Vec<String> = found.tally.passed_over.iter().map(|(reason, n)| format!("{reason} {}", ui::thousands(*n))).collect();
        writeln!(out, "  passed over  {}", escape(&each.join(", "), 300))?;
    }
    if !found.tally.dropped.is_empty() {
        let each: Vec<String> = found.tally.dropped.iter().map(|(kind, n)| format!("{kind} {}", ui::thousands(*n))).collect();
        writeln!(out, "  notation     {}", escape(&each.join(", "), 600))?;
    }
    fields(&found, options, out)?;
    for record in found.records.iter().take(SHOWN) {
        show(record, out)?;
    }
    for bad in found.quarantined.iter().take(TOLD) {
        writeln!(out, "  damage       {}", place(bad))?;
        if let Some(remedy) = remedy(&bad.reason) {
            writeln!(out, "               {remedy}")?;
        }
    }
    if found.quarantined.len() > TOLD {
        writeln!(out, "               … and {} more", found.quarantined.len() - TOLD)?;
    }
    suggest(input, &found, options, out)?;
    Ok(found.tally.quarantined > 0)
}

fn compression(found: &Probe) -> String {
    match (found.compression, found.is_split) {
        (None, _) => "none".to_owned(),
        (Some(name), Some(true)) => format!("{name}, in parts that can be read side by side"),
        (Some(name), Some(false)) => format!("{name}, in one part: decompressed from its start by one thread"),
        (Some(name), None) => name.to_owned(),
    }
}

fn place(bad: &Quarantined) -> String {
    let line = bad.line.map_or_else(String::new, |line| format!("line {line}, "));
    format!("{line}byte {}: {} {}", bad.offset, bad.reason, escape(&bad.detail, 200))
}

/// Which fields there are, and where each goes.
fn fields(found: &Probe, options: &Options, out: &mut dyn Write) -> std::io::Result<()> {
    let given = |value: fn(&Record) -> bool| found.records.iter().filter(|record| value(record)).count();
    let texts = options.fields.texts().join(" + ");
    let all = [
        ("text", texts.as_str(), given(|record| !record.text.is_empty())),
        ("id", options.fields.id.as_deref().unwrap_or("id"), given(|record| record.id.is_some())),
        ("source", options.fields.source.as_deref().unwrap_or("source"), given(|record| record.source.is_some())),
        ("url", options.fields.url.as_deref().unwrap_or("url"), given(|record| record.url.is_some())),
        ("license", options.fields.license.as_deref().unwrap_or("license"), given(|record| record.license.is_some())),
        ("date", options.fields.date.as_deref().unwrap_or("date"), given(|record| record.date.is_some())),
        ("residency", options.fields.residency.as_deref().unwrap_or("residency"), given(|record| record.residency.is_some())),
        ("meta", options.fields.meta.as_deref().unwrap_or("meta"), given(|record| record.meta.is_some())),
    ];
    for (name, path, count) in all.iter().filter(|(.., count)| *count > 0) {
        writeln!(out, "  field        {name:<10} from {}, in {} records", escape(path, 200), ui::thousands(*count as u64))?;
    }
    for (name, count) in &found.tally.fields_not_kept {
        writeln!(
            out,
            "  not kept     {}, in {} records (input.fields.rest = \"meta\" keeps it)",
            escape(name, 100),
            ui::thousands(*count)
        )?;
    }
    Ok(())
}

/// A record as a reader sees it.
fn show(record: &Record, out: &mut dyn Write) -> std::io::Result<()> {
    let id = record.id.as_deref().map_or_else(String::new, |id| format!(", id {}", escape(id, 60)));
    let url = record.url.as_deref().filter(|url| !url.is_empty()).map_or_else(String::new, |url| format!(", {}", escape(url, 100)));
    let characters = ui::thousands(record.text.chars().count() as u64);
    writeln!(out, "  record       at {}{id}{url}, {characters} characters", ui::thousands(record.offset))?;
    writeln!(out, "               {}", escape(&record.text, SHOWN_TEXT))
}

/// Names under which other programs keep ids and addresses.
const KNOWN_AS: [(&str, &[&str]); 4] = [
    ("id", &["doc_id", "_id", "docid", "document_id", "uuid", "key", "identifier"]),
    ("url", &["uri", "link", "href", "permalink", "source_url"]),
    ("date", &["timestamp", "created_at", "published", "published_at", "crawl_date", "datetime"]),
    ("license", &["licence", "rights", "copyright"]),
];

/// Lines of `[input.fields]` that the plan had better have for a file, and what is read of it with them.
pub(super) fn field_lines(input: &InputFile, found: &Probe, options: &Options) -> crate::error::Result<(Vec<String>, Probe)> {
    let likely = if found.records.is_empty() { likely_fields(input, options, found, RECORDS)? } else { None };
    let settled = match &likely {
        Some(fields) => probe(input, &Options { fields: fields.clone(), ..options.clone() }, RECORDS)?,
        None => found.clone(),
    };
    let fields = likely.as_ref().unwrap_or(&options.fields);
    let mut lines = Vec::new();
    let texts: Vec<String> = fields.texts().into_iter().map(quoted).collect();
    match &texts[..] {
        [text] if text != "\"text\"" => lines.push(format!("text = {text}")),
        [_] => {}
        several => lines.push(format!("text = [{}]", several.join(", "))),
    }
    lines.extend(fields.records.as_deref().map(|path| format!("records = {}", quoted(path))));
    let left_over = &settled.tally.fields_not_kept;
    for (name, others) in KNOWN_AS {
        lines.extend(others.iter().find(|other| left_over.contains_key(**other)).map(|other| format!("{name} = {}", quoted(other))));
    }
    if !left_over.is_empty() {
        lines.push("rest = \"meta\"".to_owned());
    }
    Ok((lines, settled))
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// What the plan had better say of the file.
fn suggest(input: &InputFile, found: &Probe, options: &Options, out: &mut dyn Write) -> anyhow::Result<()> {
    let (lines, _) = field_lines(input, found, options)?;
    writeln!(out, "  plan")?;
    // A plan names an archive, and gets all its members.
    let named = if input.part.is_some() { corpus::escape_name(input.path.as_os_str()) } else { input.name.clone() };
    writeln!(out, "    [input]\n    paths = [{}]", quoted(&named))?;
    if !lines.is_empty() {
        writeln!(out, "    [input.fields]")?;
    }
    for line in lines {
        writeln!(out, "    {}", escape(&line, 300))?;
    }
    Ok(())
}

/// What was found out of a format.
#[derive(Default)]
struct OfFormat {
    files: usize,
    read_from: usize,
    records: u64,
    bad: u64,
    not_kept: BTreeMap<String, u64>,
    /// The first bad records.
    first: Vec<Quarantined>,
    one_part: Vec<String>,
}

/// Formats of the inputs and what was found out of each, files that are none, and of how many files one was looked at.
struct Looked<'i> {
    formats: BTreeMap<&'static str, OfFormat>,
    refused: Vec<(&'i InputFile, String)>,
    step: usize,
}

fn look<'i>(options: &Options, inputs: &'i [InputFile]) -> anyhow::Result<Looked<'i>> {
    let step = inputs.len().div_ceil(FILES_LOOKED_AT).max(1);
    let (mut formats, mut refused) = (BTreeMap::<&'static str, OfFormat>::new(), Vec::new());
    for input in inputs.iter().step_by(step) {
        match kind(input)?.0 {
            Kind::Read(name) => {
                let of = formats.entry(name).or_default();
                of.files += 1;
                if of.read_from < FILES_READ {
                    of.look_into(input, options)?;
                }
            }
            Kind::Refused(what) => refused.push((input, format!("{what} is no input format (unsupported_container)"))),
            Kind::Unreadable(reason) => refused.push((input, format!("cannot be opened ({reason})"))),
        }
    }
    Ok(Looked { formats, refused, step })
}

/// What [`formats`] tells, for programs.
pub(super) fn formats_json(options: &Options, inputs: &[InputFile]) -> anyhow::Result<serde_json::Value> {
    let Looked { formats, refused, step } = look(options, inputs)?;
    let each = |(name, of): (&&'static str, &OfFormat)| {
        serde_json::json!({
            "format": name,
            "files": of.files,
            "read_from": of.read_from,
            "records": of.records,
            "bad": of.bad,
            "fields_not_kept": of.not_kept,
        })
    };
    let refused: Vec<&str> = refused.iter().map(|(input, _)| input.name.as_str()).collect();
    Ok(serde_json::json!({"one_file_in": step, "known": formats.iter().map(each).collect::<Vec<_>>(), "refused": refused}))
}

/// The part of `seimai plan` about the inputs: formats, a sample of each, and what will be refused.
pub(super) fn formats(options: &Options, inputs: &[InputFile], out: &mut dyn Write) -> anyhow::Result<()> {
    let Looked { formats, refused, step } = look(options, inputs)?;
    if step > 1 {
        writeln!(out, "# formats     of one file in {step}:")?;
    }
    for (name, of) in &formats {
        of.tell(name, out)?;
    }
    for (input, why) in refused.iter().take(TOLD) {
        writeln!(out, "# refused     {}: {why}", escape(&input.name, 300))?;
    }
    if refused.len() > TOLD {
        writeln!(out, "#   … and {} more", refused.len() - TOLD)?;
    }
    Ok(())
}

impl OfFormat {
    fn look_into(&mut self, input: &InputFile, options: &Options) -> anyhow::Result<()> {
        let found = probe(input, options, RECORDS)?;
        self.read_from += 1;
        self.records += found.tally.records;
        self.bad += found.tally.quarantined;
        found.tally.fields_not_kept.iter().for_each(|(name, n)| *self.not_kept.entry(name.clone()).or_default() += n);
        if found.is_split == Some(false) && found.compression.is_some() {
            self.one_part.push(input.name.clone());
        }
        let room = TOLD - self.first.len().min(TOLD);
        self.first.extend(found.quarantined.into_iter().take(room));
        Ok(())
    }

    fn tell(&self, name: &str, out: &mut dyn Write) -> std::io::Result<()> {
        let (files, read_from) = (ui::thousands(self.files as u64), self.read_from);
        let (records, bad) = (ui::thousands(self.records), ui::thousands(self.bad));
        writeln!(out, "# format      {name:<8} {files} files; {records} records read from the first {read_from}, {bad} not readable")?;
        let names: Vec<String> = self.not_kept.keys().take(8).map(|name| escape(name, 60)).collect();
        if !names.is_empty() {
            writeln!(out, "#   not kept  {} (input.fields.rest = \"meta\" keeps them)", names.join(", "))?;
        }
        for bad in &self.first {
            writeln!(out, "#   refused   {} {}", escape(&bad.file, 200), place(bad))?;
        }
        if let Some(remedy) = self.first.iter().find_map(|bad| remedy(&bad.reason)) {
            writeln!(out, "#             {remedy}")?;
        }
        for file in &self.one_part {
            writeln!(out, "#   one part  {}: decompressed from its start by one thread", escape(file, 300))?;
        }
        Ok(())
    }
}
