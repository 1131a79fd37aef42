//! `seimai inspect RUN_DIR ID…`: the history of a document.

use std::io::Write;
use std::path::PathBuf;

use super::common::Outcome;
use super::ui;
use crate::error::Error;
use crate::pipeline::inspect::{Decision, History, inspect};
use crate::quarantine::escape;

/// Characters of the text and of the tokens that are shown.
const SHOWN: usize = 400;

/// The history of a document: where it came from, what was measured, why it was kept or dropped
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The --out directory of a finished run
    run_dir: PathBuf,
    /// doc_id of a document, as in documents/ or rejected/
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let mut out = std::io::stdout().lock();
    for id in &arguments.ids {
        let histories = inspect(&arguments.run_dir, id)?;
        if histories.is_empty() {
            let hint = "ids are the column doc_id of documents/ and rejected/; unreadable records are in quarantine.jsonl";
            return Err(Error::refused_with_hint(format!("{}: no document {}", arguments.run_dir.display(), escape(id, 100)), hint).into());
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
