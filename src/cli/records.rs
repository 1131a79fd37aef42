//! For commands that take records one by one: every record of some files, and what could not be read.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::common::Outcome;
use super::input_report::remedy;
use super::ui;
use crate::corpus::{self, Framer, InputFile, Record, ShardLimits};
use crate::error::Result;
use crate::quarantine::{Quarantined, escape};

/// What was not given on. What could not be read: how much, and the first few.
#[derive(Default)]
pub(super) struct Lost {
    count: u64,
    /// Records that the sample left out.
    pub(super) left_out: u64,
    first: Vec<Quarantined>,
}

impl Lost {
    /// What somebody else found.
    pub(super) fn of(quarantined: Vec<Quarantined>, left_out: u64) -> Self {
        Self { count: quarantined.len() as u64, left_out, first: quarantined.into_iter().take(TOLD).collect() }
    }

    /// Adds what was not given on of other files.
    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.left_out += other.left_out;
        self.first.extend(other.first.into_iter().take(TOLD - self.first.len().min(TOLD)));
    }
}

/// Records that are told one by one.
const TOLD: usize = 5;

/// Some files of records.
pub(super) struct Records {
    inputs: Arc<[InputFile]>,
    options: corpus::Options,
    framer: Framer,
}

impl Records {
    /// The paths of the options do not count.
    pub(super) fn open(files: &[OsString], options: corpus::Options) -> Result<Self> {
        Ok(Self::of(corpus::expand_paths(files, &options, Path::new("."))?, options))
    }

    /// The records of files that have been listed.
    pub(super) fn of(inputs: Vec<InputFile>, options: corpus::Options) -> Self {
        let inputs: Arc<[InputFile]> = inputs.into();
        let framer = Framer::new(inputs.clone(), &options, ShardLimits::default());
        Self { inputs, options, framer }
    }

    /// The files.
    pub(super) fn inputs(&self) -> Arc<[InputFile]> {
        self.inputs.clone()
    }

    /// Gives every record, in order.
    pub(super) fn each(&mut self, sink: &mut dyn FnMut(Record) -> Result<()>) -> Result<Lost> {
        let mut lost = Lost::default();
        while let Some(shard) = self.framer.next_shard()? {
            let outcome = shard.decode(&self.options, sink)?;
            let quarantined = outcome.quarantined;
            lost.left_out += outcome.tallies.iter().map(|(_, tally)| tally.left_out).sum::<u64>();
            lost.count += quarantined.len() as u64;
            lost.first.extend(quarantined.into_iter().take(TOLD - lost.first.len()));
        }
        Ok(lost)
    }
}

/// Every record of the files, in order.
pub(super) fn each_record(files: &[OsString], sink: &mut dyn FnMut(Record) -> Result<()>) -> Result<Lost> {
    Records::open(files, corpus::Options::default())?.each(sink)
}

/// Tells how much could not be read: the count and the first five.
pub(super) fn report(lost: &Lost) -> Outcome {
    if lost.count == 0 {
        return Outcome::Done;
    }
    let mut err = std::io::stderr();
    let _ = writeln!(err, "{} records could not be read:", ui::thousands(lost.count));
    for record in &lost.first {
        let line = record.line.map_or_else(String::new, |line| format!(" line {line}"));
        let _ = writeln!(
            err,
            "  {}{line} (byte {}): {} {}",
            escape(&record.file, 200),
            record.offset,
            record.reason,
            escape(&record.detail, 200)
        );
    }
    for reason in lost.first.iter().map(|record| record.reason.as_str()).collect::<BTreeSet<_>>() {
        if let Some(remedy) = remedy(reason) {
            let _ = writeln!(err, "  {reason}: {remedy}");
        }
    }
    Outcome::Damaged
}
