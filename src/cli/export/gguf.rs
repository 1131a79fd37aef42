//! `seimai export gguf TOKENIZER -o FILE`.

use std::io::Write;

use crate::bpe::gguf::gguf;
use crate::cli::common::{Common, Outcome};
use crate::cli::export::given::Given;
use crate::error::Error;

/// A vocabulary as GGUF, without a model, for llama.cpp
///
/// FILE holds the keys tokenizer.ggml.* that belong into the file of a model: llama.cpp's converter knows vocabularies by a hash and refuses every
/// new one. llama.cpp names patterns; a vocabulary whose pattern has no name there is refused (exit code 2).
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  seimai export gguf out -o vocab.gguf")]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    given: Given,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let otherwise = "train it with tokenizer.pattern = \"deepseek-v3\", \"cl100k\", \"o200k\" or \"gpt2\", the first and third with digits = \"up-to-3\"";
    let (vocabulary, hint) = arguments.given.read(otherwise)?;
    let (roles, _) = vocabulary.companion()?;
    let stem = arguments.given.stem()?;
    let made = gguf(&vocabulary.tokenizer, &stem, &roles)
        .map_err(|why| Error::refused_with_hint(format!("{}: not for llama.cpp: {why}", vocabulary.path.display()), hint))?;
    let (staging, place) = arguments.given.staging()?;
    staging.write(&place, &made)?;
    if !common.quiet {
        let _ = writeln!(std::io::stderr(), "{} tokens", vocabulary.tokenizer.len());
    }
    Ok(Outcome::Done)
}
