//! `seimai gc OUT…`: what finished runs keep for their next one.

use std::io::Write;
use std::path::PathBuf;

use super::common::Outcome;
use super::limits::parse_size;
use super::ui;
use crate::pipeline::gc;
use crate::quarantine::escape;

/// Remove from OUT/.work what a finished run is not made of, and what is beyond a limit
///
/// A run keeps what it made in OUT/.work, so that another threshold, policy, vocabulary or input file costs only what depends on it. That is
/// safe to remove: the next run makes it again. Files that OUT holds too take no room and are not counted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seimai gc out\n  seimai gc out --limit 20GB\n  seimai gc out --limit 0 --dry-run")]
pub(super) struct Arguments {
    /// The --out directories of finished runs
    #[arg(required = true, value_name = "OUT")]
    outs: Vec<PathBuf>,
    /// Keep at most so much in each, the least useful goes first; 0: nothing
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    limit: Option<u64>,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let mut to = std::io::stdout().lock();
    for out in &arguments.outs {
        let gc::Collected { kept_units, kept_bytes, removed_units, removed_bytes } = gc::collect(out, arguments.limit, arguments.dry_run)?;
        let went = if arguments.dry_run { "would go" } else { "removed" };
        let (kept, removed) = (ui::bytes(kept_bytes), ui::bytes(removed_bytes));
        writeln!(
            to,
            "{}: {removed} in {} units {went}, {kept} in {} units kept",
            escape(&out.display().to_string(), 1000),
            ui::thousands(removed_units as u64),
            ui::thousands(kept_units as u64)
        )?;
    }
    Ok(Outcome::Done)
}
