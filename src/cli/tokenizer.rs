//! `seimai tokenizer …`: what a vocabulary does, and whether all programs agree on it.

mod check;
mod measures;
mod page;
mod report;

use super::common::{Common, Outcome};

/// What a vocabulary does to Japanese, beside others; whether every program reads it as we do
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai tokenizer report out --input held-out.jsonl --html tokenizer.html
  seimai tokenizer check out")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// What vocabularies do to texts, side by side
    Report(report::Arguments),
    /// Does a tokenizer give the same ids in every program?
    Check(check::Arguments),
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    match &arguments.command {
        Command::Report(arguments) => report::run(arguments, common),
        Command::Check(arguments) => check::run(arguments),
    }
}
