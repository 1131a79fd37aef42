//! `seimai sign RUN --key FILE`.

use std::io::Write;
use std::path::PathBuf;

use super::common::{Common, Outcome};
use super::{signals, ui};
use crate::pipeline::sign::{Work, sign};
use crate::pipeline::signature::key::SecretKey;
use crate::quarantine::escape;

/// Sign a finished run with a key of one's own
///
/// Verifies the run, writes its passport, and puts the statement of what was made of what into RUN/passport/statement.dsse.json, an envelope of DSSE
/// with a signature of Ed25519. Another key signs beside the first. `seimai verify RUN --key PUB` checks it, on any machine and without a network.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai key new ours.pem
  seimai sign out --key ours.pem
  seimai verify out --key ours.pem.pub                # docs/guide/passport.md")]
pub(super) struct Arguments {
    /// The --out directory of a finished run
    run_dir: PathBuf,
    /// Secret key: PKCS#8 in PEM, in a file that its owner alone may read
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let key = SecretKey::read(&arguments.key)?;
    let observer = ui::observer(common);
    let work = Work { threads: common.threads(), stop: signals::stop(), observer: observer.as_ref() };
    let envelope = sign(&arguments.run_dir, &key, &work)?;
    let mut out = std::io::stdout().lock();
    let run = escape(&arguments.run_dir.display().to_string(), 1000);
    writeln!(out, "{run}: signed by key {}", key.public().id()?)?;
    if envelope.signatures.len() > 1 {
        writeln!(out, "{} keys have signed it", envelope.signatures.len())?;
    }
    Ok(Outcome::Done)
}
