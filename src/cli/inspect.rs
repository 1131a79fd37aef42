//! `seimai inspect RUN_DIR ID…`: the history of a document. `seimai inspect --input FILE`: what a file is, and how it would be read.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use super::common::Outcome;
use super::{input_report, ui};
use crate::error::Error;
use crate::pipeline::inspect::{Decision, History, inspect};
use crate::quarantine::escape;

/// Characters of the text and of the tokens that are shown.
const SHOWN: usize = 400;

/// The history of a document: where it came from, what was measured, why it was kept or dropped; or a look at an input
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai inspect out corpora-samples/essays.jsonl#3
  seimai inspect --input crawl.warc.gz
  seimai inspect --input posts.csv --set input.fields.text=body")]
pub(super) struct Arguments {
    /// The --out directory of a finished run
    #[arg(required_unless_present = "input")]
    run_dir: Option<PathBuf>,
    /// doc_id of a document, as in documents/ or rejected/
    #[arg(required_unless_present = "input", value_name = "ID")]
    ids: Vec<String>,
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
