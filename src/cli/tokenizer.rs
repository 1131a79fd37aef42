//! `seimai tokenizer …`: what a vocabulary does, and whether all programs agree on it.

mod check;

use super::common::Outcome;

/// What a vocabulary does to Japanese, beside others; whether every program reads it as we do
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Does a tokenizer give the same ids in every program?
    Check(check::Arguments),
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    match &arguments.command {
        Command::Check(arguments) => check::run(arguments),
    }
}
