//! `--decontaminate` of `seimai dedup`, and what is told of evaluation sets.

use std::fmt::Write as _;
use std::slice;

use super::ui;
use crate::pipeline::contamination::Contamination;
use crate::pipeline::evaluation::EvaluationSet;
use crate::pipeline::fates::Fate;
use crate::quarantine::escape;

/// What becomes of a document that holds an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Mode {
    /// It goes
    Drop,
    /// The item is cut out of its text
    Mask,
    /// It stays; duplicates.jsonl says what stands where
    Report,
}

/// The keys of `[dedup]`.
pub(super) fn of_plan(files: &[String], mode: Mode) -> String {
    if files.is_empty() {
        return String::new();
    }
    let files = toml::Value::from(files.to_vec());
    let mode = match mode {
        Mode::Drop => "drop",
        Mode::Mask => "mask",
        Mode::Report => "report",
    };
    format!("decontaminate = {files}\ncontaminated = \"{mode}\"\n")
}

/// The items that stand in a document.
pub(super) fn of_fate(fate: &Fate) -> &[Contamination] {
    match fate {
        Fate::Kept { contaminated, .. } | Fate::Emptied { contaminated, .. } | Fate::Duplicate { contaminated, .. } => contaminated,
        Fate::Contaminated { by } => slice::from_ref(by),
    }
}

/// A line for each evaluation set.
pub(super) fn summary(sets: &[EvaluationSet]) -> String {
    sets.iter().map(line).collect()
}

fn line(set: &EvaluationSet) -> String {
    let EvaluationSet { file, documents } = set;
    let n = ui::thousands;
    let mut line =
        format!("  evaluation   {:>12}  documents hold one of {} items of {}", n(*documents), n(file.items), escape(&file.path, 200));
    for (count, why) in [(file.repeated, "repeat others"), (file.short, "are too short"), (file.empty, "ask nothing")] {
        if count > 0 {
            // Writing to a string cannot fail.
            let _ = write!(line, "; {} {why}", n(count));
        }
    }
    let _ = writeln!(line, " ({} grams)", n(file.grams));
    line
}
