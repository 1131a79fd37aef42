//! `seimai tokenizer …`: what a vocabulary does, whether all programs agree on it, and what it was trained on.

mod check;
mod measures;
mod mixture;
mod page;
mod report;

use super::common::{Common, Outcome};

/// What a vocabulary does to Japanese, beside others; whether every program reads it as we do
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai tokenizer report out --input held-out.jsonl --html tokenizer.html
  seimai tokenizer check out
  seimai tokenizer mixture other/tokenizer.json --source law=law.jsonl --source web=web.jsonl")]
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
    /// Which kinds of text a vocabulary was trained on, and in which proportions
    Mixture(mixture::Arguments),
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    match &arguments.command {
        Command::Report(arguments) => report::run(arguments, common),
        Command::Check(arguments) => check::run(arguments),
        Command::Mixture(arguments) => mixture::run(arguments, common),
    }
}
