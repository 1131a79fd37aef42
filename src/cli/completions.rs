//! `seimai completions SHELL`: what a shell needs to complete commands and options.

use std::io::Write;

use clap_complete::Shell;

use super::common::Outcome;

/// Write what a shell needs to complete commands and options to standard output
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai completions bash > ~/.local/share/bash-completion/completions/seimai
  seimai completions zsh > ~/.zfunc/_seimai        # with fpath+=~/.zfunc before compinit in ~/.zshrc
  seimai completions fish > ~/.config/fish/completions/seimai.fish")]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments, command: &mut clap::Command) -> anyhow::Result<Outcome> {
    // Written at once: a pipe that closes early is no panic.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, command, "seimai", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(Outcome::Done)
}
