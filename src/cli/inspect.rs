//! `seimai inspect RUN_DIR ID…`: the life of a document. `seimai inspect RUN_DIR --rule RULE`: documents that a rule cost. `seimai inspect --input
//! FILE`: what a file is, and how it would be read.

mod cluster_page;
mod json;
mod lever;
mod life;
mod page;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use self::life::Amount;
use super::common::{Common, Outcome};
use super::fold::{Folder, Tone};
use super::text_diff::{self, Marks};
use super::{highlight, input_report, ui};
use crate::error::Error;
use crate::io::Staging;
use crate::pipeline::clusters::{self, Cluster};
use crate::pipeline::inspect::{Found, OfRule, inspect, of_rule};
use crate::quarantine::escape;

/// Characters of a text of a cluster that are shown.
const SHOWN: usize = 400;

/// The life of a document, stage by stage: where it came from, what was measured beside what is asked, why it was kept or dropped, its duplicates and tokens; documents that a rule cost; or a look at an input
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai inspect out corpora-samples/essays.jsonl#3
  seimai inspect out --rule min_chars --sample 5
  seimai inspect out bad.jsonl:7                      # a record that could not be read, by file and line or FILE@OFFSET
  seimai inspect out ID --json | jq .measures         # docs/formats/inspect.md
  seimai inspect unique --cluster essays.jsonl#3      # --html cluster.html: as a page
  seimai inspect --input crawl.warc.gz
  seimai inspect --input posts.csv --set input.fields.text=body")]
pub(super) struct Arguments {
    /// The --out directory of a finished run; with --cluster also the directory that seimai dedup wrote
    #[arg(required_unless_present = "input")]
    run_dir: Option<PathBuf>,
    /// doc_id of a document, as in documents/ or rejected/; of an unreadable record FILE:LINE or FILE@OFFSET
    #[arg(required_unless_present_any = ["input", "cluster", "rule"], value_name = "ID")]
    ids: Vec<String>,
    /// Show documents that a rule cost instead, what it speaks of marked: min_chars, quality/min_chars, near, quarantine, …
    #[arg(long, value_name = "RULE", conflicts_with_all = ["ids", "input", "cluster"])]
    rule: Option<String>,
    /// With --rule: so many documents, always the same ones
    #[arg(long, value_name = "N", default_value_t = 10, requires = "rule", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    sample: u32,
    /// Show the cluster of a document instead: the one that stayed, and what each of the others has or lacks beside it
    #[arg(long, value_name = "ID", conflicts_with_all = ["ids", "input"])]
    cluster: Option<String>,
    /// Show whole texts, all morphemes, sentences and tokens
    #[arg(long, conflicts_with_all = ["input", "cluster"])]
    full: bool,
    /// JSON Lines, an object a document
    #[arg(long, conflicts_with_all = ["input", "cluster"])]
    json: bool,
    /// Write a page instead; a file of that name is replaced
    #[arg(long, value_name = "FILE", conflicts_with_all = ["input", "json"])]
    html: Option<PathBuf>,
    /// Look at files instead: format, compression, charset, first records, damage, and what a plan had better say
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["run_dir", "ids"])]
    input: Vec<OsString>,
    /// With --input: read as a plan with this key would, e.g. --set input.fields.text=content
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "input")]
    settings: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let mut out = std::io::stdout().lock();
    let Some(run_dir) = &arguments.run_dir else {
        return input_report::files(&arguments.input, &arguments.settings, &mut out);
    };
    if let Some(id) = &arguments.cluster {
        let Some(found) = clusters::cluster(run_dir, id)? else {
            let hint =
                "the column dup_cluster of documents/ names the document that stands for a cluster, duplicate_of that of a rejected one";
            return Err(Error::refused_with_hint(format!("{}: no duplicates of {}", run_dir.display(), escape(id, 100)), hint).into());
        };
        if let Some(path) = &arguments.html {
            return write_page(path, &cluster_page::html(&format!("{}.", called(run_dir)), &found), common);
        }
        show_cluster(&found, &mut out)?;
        return Ok(Outcome::Done);
    }
    let of_rule = arguments.rule.as_deref().map(|rule| of_rule(run_dir, rule, arguments.sample as usize)).transpose()?;
    let mut found = Found::default();
    for id in &arguments.ids {
        let of_id = inspect(run_dir, id)?;
        if of_id.documents.is_empty() && of_id.quarantined.is_empty() {
            let hint = "ids are the column doc_id of documents/ and rejected/; unreadable records, in quarantine.jsonl, are FILE:LINE or FILE@OFFSET";
            return Err(Error::refused_with_hint(format!("{}: no document {}", run_dir.display(), escape(id, 100)), hint).into());
        }
        found.documents.extend(of_id.documents);
        found.quarantined.extend(of_id.quarantined);
    }
    let lever = of_rule.as_ref().map(|of_rule| lever::told(of_rule, &run_dir.display().to_string())).unwrap_or_default();
    let (lede, found) = match of_rule {
        Some(OfRule { rule, total, found, .. }) => (lede(&rule, total, &found), found),
        None => (String::new(), found),
    };
    if let Some(path) = &arguments.html {
        return write_page(path, &lives(run_dir, &lede, &found), common);
    }
    if arguments.json {
        for object in found.documents.iter().map(json::document).chain(found.quarantined.iter().map(json::quarantined)) {
            writeln!(out, "{object}")?;
        }
        return Ok(Outcome::Done);
    }
    out.write_all(shown(&lede, &lever, &found, arguments.full).as_bytes())?;
    Ok(Outcome::Done)
}

/// `quality/min_chars cost 16 documents; 10 of them:`
fn lede(rule: &str, total: u64, found: &Found) -> String {
    let shown = (found.documents.len() + found.quarantined.len()) as u64;
    let what = if found.quarantined.is_empty() { "documents" } else { "records" };
    let some = if shown < total { format!("; {} of them:", ui::thousands(shown)) } else { ":".to_owned() };
    format!("{rule} cost {} {what}{some}", ui::thousands(total))
}

/// For the terminal. Of a rule, each document in a few lines; by id, its whole life.
fn shown(lede: &str, lever: &[String], found: &Found, full: bool) -> String {
    let mut folder = Folder::for_stdout();
    let amount = if full { Amount::ALL } else { Amount::SOME };
    if !lede.is_empty() {
        folder.line("", 0, &[(lede, Tone::Strong)]);
        for line in lever {
            folder.line("", 2, &[(line, Tone::Plain)]);
        }
        folder.blank();
    }
    for history in &found.documents {
        if lede.is_empty() || full {
            life::show(history, amount, &mut folder);
        } else {
            life::show_example(history, &mut folder);
            folder.blank();
        }
    }
    for record in &found.quarantined {
        life::show_quarantined(record, &mut folder);
    }
    let explained = folder.has_colours() && found.documents.iter().any(|history| history.parts.is_some()) && lede.is_empty();
    if explained {
        let mut words: Vec<[(String, Tone); 2]> = highlight::CLASSES
            .iter()
            .map(|(class, colour, about)| [((*class).to_owned(), Tone::Colour(colour)), (format!(" {about}"), Tone::Plain)])
            .collect();
        words.push([("misuse".to_owned(), Tone::Underlined("39")), (String::new(), Tone::Plain)]);
        folder.words(0, &words);
    }
    folder.finish()
}

/// `Run out`.
fn called(run_dir: &Path) -> String {
    let whole = run_dir.canonicalize().unwrap_or_else(|_| run_dir.to_path_buf());
    format!("Run {}", whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy())
}

fn lives(run_dir: &Path, lede: &str, found: &Found) -> String {
    let title = match found.documents.as_slice() {
        [only] if lede.is_empty() => format!("The life of {}", only.doc_id),
        _ if lede.is_empty() => "The lives of documents".to_owned(),
        _ => "What a rule cost".to_owned(),
    };
    page::html(&title, &format!("{}. {lede}", called(run_dir)), found)
}

fn write_page(path: &Path, page: &str, common: &Common) -> anyhow::Result<Outcome> {
    let (staging, place) = Staging::for_file(path)?;
    staging.write(&place, page.as_bytes())?;
    if !common.quiet {
        let path = escape(&path.display().to_string(), 1000);
        let _ = writeln!(std::io::stderr(), "{path}: {}; open it in a browser", ui::bytes(page.len() as u64));
    }
    Ok(Outcome::Done)
}

fn show_cluster(cluster: &Cluster, out: &mut dyn Write) -> std::io::Result<()> {
    let marks = if ui::has_colours() { Marks::Colours } else { Marks::Brackets };
    let size = 1 + cluster.members.len() as u64;
    writeln!(out, "cluster {}\n  documents    {}", escape(&cluster.anchor, 200), ui::thousands(size))?;
    match &cluster.text {
        Some(text) => {
            let characters = ui::thousands(text.chars().count() as u64);
            writeln!(out, "  stays        {characters} characters: {}", text_diff::visible(text, SHOWN))?;
        }
        None => writeln!(out, "  stays        in the index that was searched; its text is not here")?,
    }
    for member in &cluster.members {
        writeln!(out, "\n  {}  {} {}", escape(&member.doc_id, 200), escape(&member.kind, 40), escape(&member.evidence, 200))?;
        match (&cluster.text, &member.text) {
            (Some(stays), Some(text)) if stays == text => writeln!(out, "    the same text")?,
            (Some(stays), Some(text)) => {
                let [both, less, more] = text_diff::counts(stays, text).map(|n| ui::thousands(n as u64));
                writeln!(out, "    {both} characters are those of the one that stays, which has {less} more; {more} are its own")?;
                writeln!(out, "    {}", text_diff::differences(stays, text, marks))?;
            }
            (_, None) => writeln!(out, "    its text was not written; seimai dedup --texts does")?,
            (None, Some(text)) => writeln!(out, "    {}", text_diff::visible(text, SHOWN))?,
        }
    }
    Ok(())
}
