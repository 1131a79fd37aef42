//! `seimai export hf TOKENIZER -o DIR`.

use std::io::Write;
use std::path::PathBuf;

use crate::bpe::huggingface::{Roles, special_tokens_map_json, tokenizer_config_json};
use crate::cli::common::{Common, Outcome};
use crate::cli::vocabulary::Vocabulary;
use crate::error::Error;
use crate::io::{Dir, Staging};

/// A vocabulary as a directory that transformers loads
///
/// tokenizer.json as it is, byte for byte; tokenizer_config.json and special_tokens_map.json with the roles of special tokens. Roles that are
/// not given are those of a tokenizer_config.json beside the vocabulary.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai export hf out -o my-tokenizer --model-max-length 8192
  seimai export hf tokenizer.json -o my-tokenizer --eos '</s>' --pad '<pad>'")]
pub(in crate::cli) struct Arguments {
    /// A tokenizer.json, its directory, or a finished run
    #[arg(value_name = "TOKENIZER")]
    tokenizer: PathBuf,
    /// The directory
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// The special token that begins a text
    #[arg(long, value_name = "TOKEN")]
    bos: Option<String>,
    /// The special token that ends a document
    #[arg(long, value_name = "TOKEN")]
    eos: Option<String>,
    /// The special token that fills rows
    #[arg(long, value_name = "TOKEN")]
    pad: Option<String>,
    /// Tokens that the model takes: transformers warns of longer texts
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    model_max_length: Option<u64>,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let vocabulary = Vocabulary::read(&arguments.tokenizer)?;
    let (beside, length) = vocabulary.companion()?;
    let either = |given: &Option<String>, beside: Option<String>| given.clone().or(beside);
    let roles = Roles {
        bos: either(&arguments.bos, beside.bos),
        eos: either(&arguments.eos, beside.eos),
        pad: either(&arguments.pad, beside.pad),
        unk: beside.unk,
    };
    for token in [&roles.bos, &roles.eos, &roles.pad, &roles.unk].into_iter().flatten() {
        if vocabulary.tokenizer.special_id(token).is_none() {
            let have: Vec<&str> = vocabulary.tokenizer.specials().iter().map(|special| special.content.as_str()).collect();
            let why = format!("{}: has no special token {token:?}", vocabulary.path.display());
            return Err(Error::refused_with_hint(why, format!("it has {}", have.join(" "))).into());
        }
    }
    let staging = Staging::beside(Dir::create(&arguments.output)?);
    let config = tokenizer_config_json(&vocabulary.tokenizer, &roles, arguments.model_max_length.or(length));
    for (name, bytes) in [
        ("special_tokens_map.json", special_tokens_map_json(&roles).as_bytes()),
        ("tokenizer_config.json", config.as_bytes()),
        ("tokenizer.json", vocabulary.bytes.as_slice()),
    ] {
        staging.write(&staging.at(name), bytes)?;
    }
    if !common.quiet {
        let said = |token: &Option<String>| token.clone().unwrap_or_else(|| "none".to_owned());
        let _ = writeln!(
            std::io::stderr(),
            "{} tokens; BOS {}, EOS {}, PAD {}",
            vocabulary.tokenizer.len(),
            said(&roles.bos),
            said(&roles.eos),
            said(&roles.pad)
        );
    }
    Ok(Outcome::Done)
}
