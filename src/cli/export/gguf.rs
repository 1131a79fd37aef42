//! `seimai export gguf TOKENIZER -o FILE`.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::bpe::gguf::gguf;
use crate::cli::common::{Common, Outcome};
use crate::cli::vocabulary::Vocabulary;
use crate::error::Error;
use crate::io::{Staging, create_dir};

/// A vocabulary as GGUF, without a model, for llama.cpp
///
/// FILE holds the keys tokenizer.ggml.* that belong into the file of a model: llama.cpp's converter knows vocabularies by a hash and refuses every
/// new one. llama.cpp names patterns; a vocabulary whose pattern has no name there is refused (exit code 2).
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  seimai export gguf out -o vocab.gguf")]
pub(in crate::cli) struct Arguments {
    /// A tokenizer.json, its directory, or a finished run
    #[arg(value_name = "TOKENIZER")]
    tokenizer: PathBuf,
    /// The file
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Export a vocabulary with a normaliser too: its ids are those of texts that went through `seimai normalize`
    #[arg(long)]
    without_normalizer: bool,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let mut vocabulary = Vocabulary::read(&arguments.tokenizer)?;
    let (roles, _) = vocabulary.companion()?;
    let hint = if vocabulary.tokenizer.normalizer().is_some() && !arguments.without_normalizer {
        "--without-normalizer exports it for texts that went through `seimai normalize`"
    } else {
        "train it with tokenizer.pattern = \"deepseek-v3\", \"cl100k\", \"o200k\" or \"gpt2\", the first and third with digits = \"up-to-3\""
    };
    if arguments.without_normalizer {
        vocabulary.tokenizer = vocabulary.tokenizer.without_normalizer();
    }
    let Some(stem) = arguments.output.file_stem().filter(|_| !arguments.output.is_dir()) else {
        return Err(Error::refused(format!("{}: a directory, not a file", arguments.output.display())).into());
    };
    let made = gguf(&vocabulary.tokenizer, &stem.to_string_lossy(), &roles)
        .map_err(|why| Error::refused_with_hint(format!("{}: not for llama.cpp: {why}", vocabulary.path.display()), hint))?;
    let dir = arguments.output.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    create_dir(dir)?;
    Staging::new(dir)?.write(&arguments.output, &made)?;
    if !common.quiet {
        let _ = writeln!(std::io::stderr(), "{} tokens", vocabulary.tokenizer.len());
    }
    Ok(Outcome::Done)
}
