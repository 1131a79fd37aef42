//! `seimai report RUN… -o report.html`: one page that shows what a run did, or two runs beside each other.

mod compare;
pub(super) mod examples;
mod facts;
mod frame;
mod keigo;
mod losses;
mod page;
mod repeats;
mod thresholds;
mod vocabulary;

use std::io::Write;
use std::path::{Path, PathBuf};

use super::common::{Common, Outcome};
use super::ui;
use crate::error::{Error, Result};
use crate::io::{Place, Staging};
use crate::pipeline::observer::{Event, Observer};
use crate::pipeline::overview::{PAGE, RunFacts, overview};

/// One page that shows what a run did: what was lost where and why, what another threshold would do, examples; or two runs side by side
///
/// The page is one file that needs no network. It shows the way from what was read to what was kept; what each rule took from each source; for
/// each threshold how its measure is spread, with documents beside it on either side, and what another threshold would keep; registers,
/// levels and honorific forms before and after; the largest clusters of duplicates with what differs; tokens, packing, provenance, speed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai report out -o report.html
  seimai report out out-of-another-plan -o both.html

`seimai run` leaves the same page as OUT/report.html, without the figures of speed, which differ from run to run.
Texts of documents are shown in it: who may not see these must not see the page.")]
pub(super) struct Arguments {
    /// The --out directory of a finished run; of two, what differs is shown
    #[arg(required = true, num_args = 1..=2, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The page; a file of that name is replaced
    #[arg(long, short, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let page = match arguments.runs.as_slice() {
        [first, second] => compare::html([(&name(first), &RunFacts::read(first)?), (&name(second), &RunFacts::read(second)?)]),
        [only] => page::html(&overview(only)?, Some(&name(only))),
        _ => return Err(Error::refused("one run, or two").into()),
    };
    write(&arguments.output, &page)?;
    if !common.quiet {
        let path = crate::quarantine::escape(&arguments.output.display().to_string(), 1000);
        let _ = writeln!(std::io::stderr(), "{path}: {}; open it in a browser", ui::bytes(page.len() as u64));
    }
    Ok(Outcome::Done)
}

/// Leaves the page that shows a finished run in its directory, unless the run had finished before and it is there. The run is complete whatever
/// comes of it, and the same call, or `seimai report`, makes the page at any time.
///
/// # Errors
/// What went wrong, if the run has finished just now; of one that had finished before, which may lie where nothing can be written, that is told
/// as an event.
pub fn leave_page(out: &Path, already_done: bool, observer: &dyn Observer) -> Result<()> {
    if already_done && Place::named(&out.join(PAGE)).is_ok_and(|page| page.exists()) {
        return Ok(());
    }
    let Err(e) = leave(out) else { return Ok(()) };
    observer.on_event(&Event::Note(format!("the run is complete, but {PAGE} could not be made: {e}; the same command tries again")));
    if already_done { Ok(()) } else { Err(e) }
}

/// The page of a finished run in its own directory: nothing in it but what follows from inputs and plan.
///
/// # Errors
/// As [`overview`]; those of the system.
fn leave(out: &Path) -> Result<()> {
    let mut overview = overview(out)?;
    overview.facts.timings = None;
    write(&out.join(PAGE), &page::html(&overview, None))
}

fn write(path: &Path, page: &str) -> Result<()> {
    let (staging, place) = Staging::for_file(path)?;
    staging.write(&place, page.as_bytes()).map(|_| ())
}

/// What a run is called: its directory.
fn name(run: &Path) -> String {
    let whole = run.canonicalize().unwrap_or_else(|_| run.to_path_buf());
    whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy().into_owned()
}
