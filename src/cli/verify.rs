//! `seimai verify RUN_DIR`.

use std::io::Write;
use std::path::PathBuf;

use serde_json::json;

use super::common::{Common, Outcome};
use super::{signals, ui};
use crate::error::Error;
use crate::pipeline::receipt::{self, CheckedReceipt};
use crate::pipeline::sign::{self, Checked};
use crate::pipeline::signature::Refusal;
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
  seimai verify out --key ours.pem.pub                # and signed by us: docs/guide/passport.md
  seimai verify new --receipt new.receipt.json        # and without what was forgotten
  seimai verify out --json | jq .sound                # docs/formats/commands.md")]
pub(super) struct Arguments {
    /// The --out directory of a finished run
    run_dir: PathBuf,
    /// Public key (PEM) of whoever has to have signed the run
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Receipt of `seimai forget`: is it that of this run, and is none of the documents in it? With --key, signed with that key, which
    /// the run itself need not be then
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let observer = ui::observer(common);
    let mut out = std::io::stdout().lock();
    // The signature first: what nobody vouches for is not looked into further.
    let key = arguments.key.as_deref().map(PublicKey::read).transpose()?;
    let vouched = match (&arguments.receipt, &key) {
        (Some(path), key) => Some(Vouched::Receipt(receipt::check(&arguments.run_dir, path, key.as_ref())?)),
        (None, Some(key)) => Some(Vouched::Run(sign::check(&arguments.run_dir, key, signals::stop())?)),
        (None, None) => None,
    };
    if let Some(vouched) = vouched.as_ref().filter(|vouched| !vouched.refused().is_empty()) {
        tell_refused(vouched, arguments.json, &mut out)?;
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
        if let Some(vouched) = &vouched {
            vouched.add_to(&mut object);
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
    if let Some(vouched) = &vouched {
        writeln!(out, "{}", vouched.line())?;
    }
    if findings.damage.is_empty() {
        writeln!(out, "sound: {} files, {}", findings.files, ui::bytes(findings.bytes))?;
    } else {
        writeln!(out, "{} places damaged", findings.damage.len())?;
    }
    Ok(outcome)
}

fn tell_refused(vouched: &Vouched, as_json: bool, out: &mut impl Write) -> std::io::Result<()> {
    let refusals: Vec<String> = vouched.refused().iter().map(ToString::to_string).collect();
    if as_json {
        let mut object = json!({"verify_version": VERSION, "sound": false, "damage": refusals});
        vouched.add_to(&mut object);
        return writeln!(out, "{object}");
    }
    refusals.iter().try_for_each(|refusal| writeln!(out, "refused: {}", crate::quarantine::escape(refusal, 500)))
}

/// What somebody vouches for beside the manifest.
enum Vouched {
    Run(Checked),
    Receipt(CheckedReceipt),
}

impl Vouched {
    fn refused(&self) -> &[Refusal] {
        match self {
            Self::Run(checked) => &checked.refused,
            Self::Receipt(checked) => &checked.refused,
        }
    }

    /// The key `signature`, or `receipt`, of the object.
    fn add_to(&self, object: &mut serde_json::Value) {
        let (name, value) = match self {
            Self::Run(Checked { keyid, files, refused }) => {
                ("signature", json!({"keyid": keyid, "valid": refused.is_empty(), "files": files, "refused": refused}))
            }
            Self::Receipt(CheckedReceipt { keyid, removed, rows, refused }) => {
                ("receipt", json!({"keyid": keyid, "valid": refused.is_empty(), "documents": removed, "rows": rows, "refused": refused}))
            }
        };
        if let Some(object) = object.as_object_mut() {
            object.insert(name.to_owned(), value);
        }
    }

    fn line(&self) -> String {
        match self {
            Self::Run(checked) => format!("signed: {} files by key {}", checked.files, checked.keyid),
            Self::Receipt(checked) => {
                let signed = checked.keyid.as_ref().map_or_else(String::new, |keyid| format!(", signed by key {keyid}"));
                let (removed, rows) = (ui::thousands(checked.removed as u64), ui::thousands(checked.rows));
                format!("receipt: none of {removed} documents in {rows} rows{signed}")
            }
        }
    }
}
