//! `seimai passport RUN`.

use std::io::Write;
use std::path::PathBuf;

use super::common::{Common, Outcome};
use super::{signals, ui};
use crate::pipeline::sign::{Work, write_passport};
use crate::quarantine::escape;

/// What a run is made of, on what grounds, and what became of it: evidence and standard forms
///
/// Writes RUN/passport/: passport.json (what the plan declares of each source, what was kept and rejected of it), cyclonedx.json (a bill of
/// materials) and statement.json (in-toto, with the provenance of SLSA); and RUN/croissant.json (MLCommons), by which the tables are loaded. The run is verified first; the same run has the
/// same passport.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai passport out                                 # docs/guide/passport.md
  seimai passport out && jq .sources out/passport/passport.json")]
pub(super) struct Arguments {
    /// The --out directory of a finished run
    run_dir: PathBuf,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let observer = ui::observer(common);
    let work = Work { threads: common.threads(), stop: signals::stop(), observer: observer.as_ref() };
    let files = write_passport(&arguments.run_dir, &work)?;
    let mut out = std::io::stdout().lock();
    for file in files {
        let path = arguments.run_dir.join(&file.path);
        writeln!(out, "{}: {}", escape(&path.display().to_string(), 1000), ui::bytes(file.bytes.len() as u64))?;
    }
    Ok(Outcome::Done)
}
