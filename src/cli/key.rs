//! `seimai key …`.

use std::io::Write;
use std::path::PathBuf;

use super::common::{Common, Outcome};
use crate::pipeline::signature::key::{PublicKey, SecretKey};
use crate::quarantine::escape;

/// Keys to sign with: Ed25519, in files that openssl reads and writes too
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai key new ours.pem
  seimai key id ours.pem.pub")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a pair: FILE, for its owner alone, and FILE.pub for everybody
    #[command(after_help = "Examples:\n  seimai key new ours.pem")]
    New {
        /// Where the secret key goes; nothing is written over
        file: PathBuf,
    },
    /// What a public key is called in signatures
    #[command(after_help = "Examples:\n  seimai key id ours.pem.pub")]
    Id {
        /// The public key
        file: PathBuf,
    },
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let mut out = std::io::stdout().lock();
    match &arguments.command {
        Command::New { file } => {
            let key = SecretKey::generate()?;
            key.write_new(file)?;
            if !common.quiet {
                let shown = escape(&file.display().to_string(), 1000);
                let hint = "it has no password: keep it offline, and give away only the file .pub";
                let _ = writeln!(std::io::stderr(), "{shown}: a secret key; {hint}");
            }
            writeln!(out, "{}", key.public().id()?)?;
        }
        Command::Id { file } => writeln!(out, "{}", PublicKey::read(file)?.id()?)?,
    }
    Ok(Outcome::Done)
}
