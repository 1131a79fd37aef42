//! For commands that take records one by one: every record of some files, and what could not be read.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use super::common::Outcome;
use super::ui;
use crate::corpus::{self, Framer, Record, ShardLimits};
use crate::error::Result;
use crate::quarantine::{Quarantined, escape};

/// What could not be read: how much, and the first few.
#[derive(Default)]
pub(super) struct Lost {
    count: u64,
    first: Vec<Quarantined>,
}

/// Records that are told one by one.
const TOLD: usize = 5;

/// Every record of the files, in order.
pub(super) fn each_record(files: &[OsString], sink: &mut dyn FnMut(Record) -> Result<()>) -> Result<Lost> {
    let options = corpus::Options::default();
    let inputs = corpus::expand_paths(files, &options, Path::new("."))?;
    let mut framer = Framer::new(inputs.into(), &options, ShardLimits::default());
    let mut lost = Lost::default();
    while let Some(shard) = framer.next_shard()? {
        let quarantined = shard.decode(&options, sink)?.quarantined;
        lost.count += quarantined.len() as u64;
        lost.first.extend(quarantined.into_iter().take(TOLD - lost.first.len()));
    }
    Ok(lost)
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
    Outcome::Damaged
}
