//! `seimai verify RUN_DIR`.

use std::io::Write;
use std::path::PathBuf;

use serde_json::json;

use super::common::{Common, Outcome};
use super::{signals, ui};
use crate::error::Error;
use crate::pipeline::verify;

/// Layout of the object.
const VERSION: u32 = 1;

/// Re-check every checksum, every count and the conservation law of a finished run
///
/// Exit code 0: sound. 3: damage found, each place listed. 2: no finished run there, or a version this Seimai does not know.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai verify out
  seimai verify out --json | jq .sound                # docs/formats/commands.md")]
pub(super) struct Arguments {
    /// The --out directory of a finished run
    run_dir: PathBuf,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let observer = ui::observer(common);
    let mut out = std::io::stdout().lock();
    let findings = match verify::verify(&arguments.run_dir, common.threads(), signals::stop(), observer.as_ref()) {
        Err(e @ Error::Damaged { .. }) if arguments.json => {
            writeln!(out, "{}", json!({"verify_version": VERSION, "sound": false, "damage": [e.to_string()]}))?;
            return Ok(Outcome::Damaged);
        }
        Err(e @ Error::Damaged { .. }) => {
            writeln!(out, "damaged: {}", crate::quarantine::escape(&e.to_string(), 500))?;
            return Ok(Outcome::Damaged);
        }
        other => other?,
    };
    let outcome = if findings.damage.is_empty() { Outcome::Done } else { Outcome::Damaged };
    if arguments.json {
        let totals = &findings.totals;
        let told = json!({
            "verify_version": VERSION,
            "sound": findings.damage.is_empty(),
            "files": findings.files,
            "bytes": findings.bytes,
            "read": totals.read,
            "kept": totals.kept,
            "rejected": totals.rejected,
            "quarantined": totals.quarantined,
            "balanced": totals.balanced(),
            "damage": findings.damage,
        });
        writeln!(out, "{told}")?;
        return Ok(outcome);
    }
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
    } else {
        writeln!(out, "{} places damaged", findings.damage.len())?;
    }
    Ok(outcome)
}
