//! How to run, and what a finished run tells.

use std::path::PathBuf;

use super::manifest::Manifest;

/// How to run; nothing here changes a byte of the output.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Output directory.
    pub out: PathBuf,
    /// Worker threads.
    pub threads: usize,
    /// Ceiling of memory in bytes.
    pub memory: u64,
    /// Remove what an earlier run left and start over.
    pub fresh: bool,
    /// Bytes that the work directory may keep for the next run beside what the outputs hold; `None`: all that this run is made of.
    pub store_limit: Option<u64>,
}

/// What a finished run tells.
#[derive(Debug, Clone)]
pub struct Report {
    /// The manifest of the output.
    pub manifest: Manifest,
    /// Seconds a pass took in this attempt, in order; passes finished earlier are missing.
    pub seconds: Vec<(&'static str, f64)>,
    /// Wall-clock seconds of this attempt.
    pub wall: f64,
    /// The run had finished before; nothing was done.
    pub already_done: bool,
}

impl Report {
    /// What a program is told at the end of a run, on the terminal and in the log.
    pub fn to_json(&self) -> serde_json::Value {
        let (totals, pack) = (&self.manifest.totals, &self.manifest.pack);
        serde_json::json!({
            "event": "run_finished",
            "already_done": self.already_done,
            "seconds": self.wall,
            "read": totals.read,
            "kept": totals.kept,
            "rejected": totals.rejected,
            "quarantined": totals.quarantined,
            "left_out": totals.left_out,
            "passed_over": totals.passed_over,
            "tokens": totals.tokens,
            "packed": pack.rows,
            "validation": self.manifest.validation.as_ref().map_or(0, |held_out| held_out.kept),
            "warnings": self.manifest.warnings,
            "evaluation": self.manifest.evaluation,
        })
    }
}
