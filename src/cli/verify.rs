//! `seimai verify RUN_DIR`.

use std::io::Write;
use std::path::PathBuf;

use serde_json::json;

use super::common::{Common, Outcome};
use super::{signals, ui};
use crate::error::Error;
use crate::pipeline::sign::{self, Checked};
use crate::pipeline::signature::key::PublicKey;
use crate::pipeline::verify;

/// Layout of the object.
const VERSION: u32 = 1;

/// Re-check every checksum, every count and the conservation law of a finished run
///
/// With --key, whether the owner of that key signed the run, and whether every file is the one that was signed. Exit code 0: sound. 3: damage found, each place listed. 2: no finished run there, or a version this Seimai does not know.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai verify out
  seimai verify out --key ours.pub                    # and signed by us: docs/guide/passport.md
  seimai verify out --json | jq .sound                # docs/formats/commands.md")]
pub(super) struct Arguments {
    /// The --out directory of a finished run
    run_dir: PathBuf,
    /// Public key (PEM) of whoever has to have signed the run
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let observer = ui::observer(common);
    let mut out = std::io::stdout().lock();
    // The signature first: what nobody vouches for is not looked into further.
    let signature = match &arguments.key {
        Some(path) => Some(sign::check(&arguments.run_dir, &PublicKey::read(path)?, signals::stop())?),
        None => None,
    };
    if let Some(checked) = signature.as_ref().filter(|checked| !checked.refused.is_empty()) {
        if arguments.json {
            writeln!(
                out,
                "{}",
                json!({"verify_version": VERSION, "sound": false, "damage": refusals(checked), "signature": told(checked)})
            )?;
        } else {
            for refusal in &checked.refused {
                writeln!(out, "refused: {}", crate::quarantine::escape(&refusal.to_string(), 500))?;
            }
        }
        return Ok(Outcome::Damaged);
    }
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
        let mut object = json!({
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
        if let (Some(object), Some(checked)) = (object.as_object_mut(), &signature) {
            object.insert("signature".to_owned(), told(checked));
        }
        writeln!(out, "{object}")?;
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
    if let Some(checked) = &signature {
        writeln!(out, "signed: {} files by key {}", checked.files, checked.keyid)?;
    }
    if findings.damage.is_empty() {
        writeln!(out, "sound: {} files, {}", findings.files, ui::bytes(findings.bytes))?;
    } else {
        writeln!(out, "{} places damaged", findings.damage.len())?;
    }
    Ok(outcome)
}

fn refusals(checked: &Checked) -> Vec<String> {
    checked.refused.iter().map(ToString::to_string).collect()
}

/// The key `signature` of the object.
fn told(checked: &Checked) -> serde_json::Value {
    json!({"keyid": checked.keyid, "valid": checked.refused.is_empty(), "files": checked.files, "refused": checked.refused})
}
