//! `seimai man DIR`: a page of the manual for each command.

use std::io::Write;
use std::path::PathBuf;

use super::common::{Common, Outcome};
use crate::error::Error;
use crate::io::{Dir, Staging};
use crate::quarantine::escape;

/// Write the pages of the manual, one a command, into a directory
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  seimai man ~/.local/share/man/man1 && man seimai-run")]
pub(super) struct Arguments {
    /// The directory; it is made if it is not there
    dir: PathBuf,
}

pub(super) fn run(arguments: &Arguments, mut command: clap::Command, common: &Common) -> anyhow::Result<Outcome> {
    command.build();
    let staging = Staging::beside(Dir::create(&arguments.dir)?);
    let mut pages = 0_u64;
    page(&command, &mut |name, page| {
        pages += 1;
        staging.write(&staging.at(name), page).map(|_| ())
    })?;
    if !common.quiet {
        let dir = escape(&arguments.dir.display().to_string(), 1000);
        let _ = writeln!(std::io::stderr(), "{dir}: {pages} pages; look at one: man -l {dir}/seimai.1");
    }
    Ok(Outcome::Done)
}

/// The page of a command, and of those below it.
fn page(command: &clap::Command, write: &mut dyn FnMut(&str, &[u8]) -> crate::error::Result<()>) -> crate::error::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let mut bytes = Vec::new();
    let failed = |e: std::io::Error| Error::internal(format!("the page {name} cannot be made: {e}"));
    clap_mangen::Man::new(command.clone()).render(&mut bytes).map_err(failed)?;
    write(&format!("{name}.1"), &bytes)?;
    command.get_subcommands().filter(|below| below.get_name() != "help").try_for_each(|below| page(below, write))
}
