//! `seimai verify RUN_DIR`.

use std::io::Write;
use std::path::PathBuf;

use super::common::{Common, Outcome};
use super::{signals, ui};
use crate::error::Error;
use crate::pipeline::verify;

/// Re-check every checksum, every count and the conservation law of a finished run
///
/// Exit code 0: sound. 3: damage found, each place listed. 2: no finished run there, or a version this Seimai does not know.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The --out directory of a finished run
    run_dir: PathBuf,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let observer = ui::observer(common);
    let mut out = std::io::stdout().lock();
    let findings = match verify::verify(&arguments.run_dir, common.threads(), signals::stop(), observer.as_ref()) {
        Err(e @ Error::Damaged { .. }) => {
            writeln!(out, "damaged: {}", crate::quarantine::escape(&e.to_string(), 500))?;
            return Ok(Outcome::Damaged);
        }
        other => other?,
    };
    for damage in &findings.damage {
        writeln!(out, "damaged: {}", crate::quarantine::escape(damage, 500))?;
    }
    let totals = &findings.totals;
    writeln!(
        out,
        "read {} = kept {} + rejected {} + quarantined {}: {}",
        ui::thousands(totals.read),
        ui::thousands(totals.kept),
        ui::thousands(totals.rejected),
        ui::thousands(totals.quarantined),
        if totals.balanced() { "holds" } else { "DOES NOT HOLD" }
    )?;
    if findings.damage.is_empty() {
        writeln!(out, "sound: {} files, {}", findings.files, ui::bytes(findings.bytes))?;
        return Ok(Outcome::Done);
    }
    writeln!(out, "{} places damaged", findings.damage.len())?;
    Ok(Outcome::Damaged)
}
