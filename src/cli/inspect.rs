//! `seimai inspect RUN_DIR ID…`: the history of a document. `seimai inspect --input FILE`: what a file is, and how it would be read.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use super::common::Outcome;
use super::text_diff::{self, Marks};
use super::{input_report, ui};
use crate::error::Error;
use crate::pipeline::clusters::{self, Cluster};
use crate::pipeline::inspect::{Decision, History, inspect};
use crate::quarantine::escape;

/// Characters of the text and of the tokens that are shown.
const SHOWN: usize = 400;

/// The history of a document: where it came from, what was measured, why it was kept or dropped; its duplicates, and how they differ; or a look at an input
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai inspect out corpora-samples/essays.jsonl#3
  seimai inspect unique --cluster essays.jsonl#3
  seimai inspect --input crawl.warc.gz
  seimai inspect --input posts.csv --set input.fields.text=body")]
pub(super) struct Arguments {
    /// The --out directory of a finished run; with --cluster also the directory that seimai dedup wrote
    #[arg(required_unless_present = "input")]
    run_dir: Option<PathBuf>,
    /// doc_id of a document, as in documents/ or rejected/
    #[arg(required_unless_present_any = ["input", "cluster"], value_name = "ID")]
    ids: Vec<String>,
    /// Show the cluster of a document instead: the one that stayed, and what each of the others has or lacks beside it
    #[arg(long, value_name = "ID", conflicts_with_all = ["ids", "input"])]
    cluster: Option<String>,
    /// Look at files instead: format, compression, charset, first records, damage, and what a plan had better say
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["run_dir", "ids"])]
    input: Vec<OsString>,
    /// With --input: read as a plan with this key would, e.g. --set input.fields.text=content
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "input")]
    settings: Vec<String>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
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
        show_cluster(&found, &mut out)?;
    }
    for id in &arguments.ids {
        let histories = inspect(run_dir, id)?;
        if histories.is_empty() {
            let hint = "ids are the column doc_id of documents/ and rejected/; unreadable records are in quarantine.jsonl";
            return Err(Error::refused_with_hint(format!("{}: no document {}", run_dir.display(), escape(id, 100)), hint).into());
        }
        for history in &histories {
            show(history, &mut out)?;
        }
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

fn show(history: &History, out: &mut dyn Write) -> std::io::Result<()> {
    let (path, row) = &history.position;
    writeln!(out, "{}\n  in           {path}, row {row}", escape(&history.doc_id, 200))?;
    match &history.decision {
        Decision::Kept { .. } => writeln!(out, "  decision     kept")?,
        Decision::Rejected { stage, rule, evidence, duplicate_of } => {
            writeln!(out, "  decision     rejected by {stage}/{rule}: {}", escape(evidence, 500))?;
            if let Some(of) = duplicate_of {
                writeln!(out, "  duplicate of {}", escape(of, 200))?;
            }
        }
    }
    let shown = escape(&history.text, SHOWN);
    writeln!(out, "  text         {} characters: {shown}", ui::thousands(history.text.chars().count() as u64))?;
    for (name, value) in &history.columns {
        writeln!(out, "  {name:<24} {}", escape(value, 200))?;
    }
    for measure in &history.measures {
        writeln!(out, "  measure      {measure}")?;
    }
    if let Decision::Kept { input_ids, tokens, duplicates } = &history.decision {
        if !duplicates.is_empty() {
            writeln!(out, "  stands for   {}", escape(&duplicates.join(", "), 500))?;
        }
        let words = escape(&tokens.join("|"), SHOWN);
        writeln!(out, "  tokens       {}: {words}", ui::thousands(input_ids.len() as u64))?;
    }
    Ok(())
}
