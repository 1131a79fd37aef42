//! What a look at the data says that a plan had better say: which field holds the text, where lists of records are, which preset fits, and what
//! will not be read. Bounded whatever the data: some files of each kind, the first records of each.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use crate::cli::input_report::field_lines;
use crate::corpus::{self, BatchBuilder, InputFile, Kind, Options, Record, kind, probe};
use crate::error::{Error, Result};
use crate::pipeline::plan::Plan;
use crate::pipeline::registry::Stages;
use crate::quarantine::escape;

/// Files whose first bytes are looked at.
const FILES_LOOKED_AT: usize = 256;
/// Files of one kind and ending whose records are read, and records of each.
const FILES_READ: usize = 4;
const RECORDS: u64 = 200;
/// Records that are judged, and bytes of text of them.
const JUDGED: usize = 400;
const JUDGED_BYTES: usize = 1 << 20;
/// A preset that this share of the records would choose is taken for all of them.
const MOST: f64 = 0.9;
/// Names that are listed.
const NAMED: usize = 3;
/// Formats whose documents are pages: thresholds of the web.
const PAGES: [&str; 3] = ["html", "warc", "mediawiki"];

/// Lines of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Proposal {
    /// Comments about the inputs.
    pub(super) about: Vec<String>,
    /// `[input.fields]` and `[[input.rules]]`, with comments.
    pub(super) fields: Vec<String>,
    /// Name of a preset.
    pub(super) preset: &'static str,
    /// Comments that say why.
    pub(super) why: Vec<String>,
}

/// Files of one format and ending.
#[derive(Default)]
struct Group {
    names: Vec<String>,
    /// Lines of `[input.fields]` by the files that need them.
    fields: BTreeMap<Vec<String>, Vec<String>>,
    read_from: usize,
    records: u64,
    bad: u64,
}

/// Looks at the files of some patterns.
///
/// # Errors
/// `Refused` for a path that is missing, a pattern that matches nothing, and what is no input: a plan, a PDF file. Those of the machine.
pub(super) fn propose(patterns: &[OsString]) -> Result<Proposal> {
    let options = Options { paths: vec!["-".to_owned()], ..Options::default() };
    let inputs = corpus::expand_paths(patterns, &options, Path::new("."))?;
    let step = inputs.len().div_ceil(FILES_LOOKED_AT).max(1);
    let (mut groups, mut refused) = (BTreeMap::<(&'static str, String), Group>::new(), Vec::new());
    let mut texts: Vec<(InputFile, Vec<Record>)> = Vec::new();
    for input in inputs.iter().step_by(step) {
        match kind(input)?.0 {
            Kind::Read(format) => {
                let group = groups.entry((format, ending(&input.name))).or_default();
                group.names.push(input.name.clone());
                if group.read_from < FILES_READ {
                    texts.push((input.clone(), group.look_into(input, &options)?));
                }
            }
            Kind::Refused(what) => refused.push(format!("{}: {what}, which is no input format", escape(&input.name, 200))),
            Kind::Unreadable(reason) => refused.push(format!("{}: cannot be opened ({reason})", escape(&input.name, 200))),
        }
    }
    if groups.is_empty() {
        let first = refused.first().cloned().unwrap_or_else(|| "no file".to_owned());
        return Err(Error::refused_with_hint(
            format!("--input: nothing there can be read: {first}"),
            "docs/guide has a page for each format that is read",
        ));
    }
    let mut proposal = Proposal { about: about(&groups, inputs.len(), step, &refused), fields: fields(&groups), ..Proposal::default() };
    (proposal.preset, proposal.why) = preset(&groups, &texts)?;
    Ok(proposal)
}

impl Group {
    fn look_into(&mut self, input: &InputFile, options: &Options) -> Result<Vec<Record>> {
        let found = probe(input, options, RECORDS)?;
        let (lines, settled) = field_lines(input, &found, options)?;
        self.read_from += 1;
        self.records += settled.tally.records;
        self.bad += settled.tally.quarantined;
        self.fields.entry(lines).or_default().push(input.name.clone());
        Ok(settled.records)
    }
}

/// The end of a name, from the first dot of the file on: `.csv.gz`.
fn ending(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.char_indices().skip(1).find(|(_, c)| *c == '.').map_or_else(String::new, |(at, _)| file.get(at..).unwrap_or_default().to_owned())
}

fn about(groups: &BTreeMap<(&'static str, String), Group>, files: usize, step: usize, refused: &[String]) -> Vec<String> {
    let some = if step > 1 { format!(", of which one in {step} was looked at") } else { String::new() };
    let mut lines = vec![format!("What was found: {files} files{some}.")];
    for ((format, _), group) in groups {
        let names = group.names.iter().take(NAMED).map(|name| escape(name, 80)).collect::<Vec<_>>().join(", ");
        let more = if group.names.len() > NAMED { ", …" } else { "" };
        let bad = if group.bad > 0 { format!(", {} not readable", group.bad) } else { String::new() };
        lines.push(format!("  {format}: {} files ({names}{more}); {} records looked at{bad}", group.names.len(), group.records));
    }
    lines.extend(refused.iter().take(NAMED).map(|why| format!("  not read: {why}")));
    if refused.len() > NAMED {
        lines.push(format!("  … and {} files more that are not read", refused.len() - NAMED));
    }
    lines
}

/// The fields: of all inputs, where all of them need the same, else rule by rule.
fn fields(groups: &BTreeMap<(&'static str, String), Group>) -> Vec<String> {
    let needed: BTreeSet<&Vec<String>> = groups.values().flat_map(|group| group.fields.keys()).collect();
    let mut lines = Vec::new();
    if needed.len() == 1 {
        let only = needed.into_iter().next().into_iter().flatten();
        lines.extend(only.cloned());
        if !lines.is_empty() {
            lines.insert(0, "[input.fields]                   # where records keep what a document has".to_owned());
        }
        return lines;
    }
    for ((_, ending), group) in groups {
        for (of_files, names) in group.fields.iter().filter(|(of_files, _)| !of_files.is_empty()) {
            // Where all files of an ending are alike, the rule is of the ending: others of them have not been looked at.
            let is_shared = groups.iter().any(|((_, other), others)| other == ending && !std::ptr::eq(others, group));
            let patterns: Vec<String> = if group.fields.len() == 1 && !is_shared && !ending.is_empty() {
                vec![format!("**/*{}", globset::escape(ending))]
            } else {
                names.iter().map(|name| globset::escape(name)).collect()
            };
            let quoted: Vec<String> = patterns.iter().map(|pattern| toml::Value::String(pattern.clone()).to_string()).collect();
            lines.push("[[input.rules]]                  # where records of these files keep what a document has".to_owned());
            lines.push(format!("files = [{}]", quoted.join(", ")));
            lines.push(format!("fields = {{ {} }}", of_files.iter().map(|line| without_comment(line)).collect::<Vec<_>>().join(", ")));
        }
    }
    lines
}

fn without_comment(line: &str) -> &str {
    line.split("  #").next().unwrap_or(line).trim_end()
}

/// The preset, and why.
fn preset(groups: &BTreeMap<(&'static str, String), Group>, texts: &[(InputFile, Vec<Record>)]) -> Result<(&'static str, Vec<String>)> {
    let formats: BTreeSet<&str> = groups.keys().map(|(format, _)| *format).collect();
    if formats.iter().all(|format| PAGES.contains(format)) {
        return Ok(("web", vec!["pages of the web".to_owned()]));
    }
    let Some(chosen) = chosen(texts)? else {
        let why = "chosen for each document: the data could not be judged, for the dictionary ipadic is not installed";
        return Ok(("auto", vec![why.to_owned()]));
    };
    let all: u64 = chosen.values().sum();
    let mut ranked: Vec<(&'static str, u64)> = chosen.into_iter().collect();
    ranked.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let counts: Vec<String> = ranked.iter().map(|(name, count)| format!("{name} {count}")).collect();
    let of = format!("of {all} documents that were looked at, by their form: {}", counts.join(", "));
    match ranked.first() {
        Some((name, count)) if *count as f64 >= MOST * all as f64 && !formats.iter().any(|format| PAGES.contains(format)) => {
            Ok((*name, vec![of]))
        }
        Some(_) => Ok(("auto", vec![of, "auto chooses for each document".to_owned()])),
        None => Ok(("auto", vec!["chosen for each document".to_owned()])),
    }
}

/// The presets that `auto` would choose for some records; `None` without a dictionary.
fn chosen(texts: &[(InputFile, Vec<Record>)]) -> Result<Option<BTreeMap<&'static str, u64>>> {
    let plan = Plan::from_toml("[input]\npaths = [\"-\"]\n[quality]\npreset = \"auto\"\n", &[], "--input")?;
    let stages = match Stages::new(&plan, Path::new(".")) {
        Err(Error::Refused { .. }) => return Ok(None),
        other => other?,
    };
    let inputs: Arc<[InputFile]> = texts.iter().map(|(input, _)| input.clone()).collect();
    let mut builder = BatchBuilder::new(inputs, &plan.input.source);
    let mut batches = Vec::new();
    let a_file = JUDGED.div_ceil(texts.len().max(1));
    let a_file_bytes = JUDGED_BYTES / texts.len().max(1);
    for (number, (_, records)) in (0_u32..).zip(texts) {
        let mut bytes = 0;
        for record in records.iter().take(a_file) {
            bytes += record.text.len();
            batches.extend(builder.push(&Record { input: number, ..record.clone() })?);
            if bytes > a_file_bytes {
                break;
            }
        }
    }
    batches.extend(builder.finish()?);
    let mut chosen = BTreeMap::new();
    for batch in batches {
        let mut batch = batch;
        for stage in &stages.annotate {
            batch = stage.worker().apply(batch)?;
        }
        stages.decider.explain_rows(&batch, &mut |_, preset, _| *chosen.entry(preset.name()).or_default() += 1)?;
    }
    Ok(Some(chosen))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(of: &[(&'static str, &str, &str, &[&str])]) -> BTreeMap<(&'static str, String), Group> {
        let mut groups = BTreeMap::<(&'static str, String), Group>::new();
        for (format, ending, name, lines) in of {
            let group = groups.entry((format, (*ending).to_owned())).or_default();
            group.names.push((*name).to_owned());
            group.fields.entry(lines.iter().map(ToString::to_string).collect()).or_default().push((*name).to_owned());
        }
        groups
    }

    #[test]
    fn fields_are_those_of_all_or_of_some() {
        let body = &["text = \"body\""][..];
        assert!(fields(&groups(&[("jsonl", ".jsonl", "a.jsonl", &[])])).is_empty());
        assert_eq!(fields(&groups(&[("jsonl", ".jsonl", "a.jsonl", body), ("jsonl", ".jsonl", "b.jsonl", body)]))[1], "text = \"body\"");
        let mixed = fields(&groups(&[("jsonl", ".jsonl", "a.jsonl", &[]), ("csv", ".csv", "x/b.csv", body)]));
        assert_eq!(mixed[1..], ["files = [\"**/*.csv\"]", "fields = { text = \"body\" }"]);
        let unlike = fields(&groups(&[("jsonl", ".jsonl", "a[1].jsonl", body), ("jsonl", ".jsonl", "b.jsonl", &[])]));
        assert_eq!(unlike[1], "files = [\"a[[]1[]].jsonl\"]");
    }

    #[test]
    fn endings() {
        for (name, end) in [("a/b.csv.gz", ".csv.gz"), (".hidden", ""), ("x", ""), ("a.b/c", "")] {
            assert_eq!(ending(name), end, "{name}");
        }
    }
}
