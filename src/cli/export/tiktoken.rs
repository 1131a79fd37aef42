//! `seimai export tiktoken TOKENIZER -o FILE`.

use std::io::Write;

use crate::bpe::tiktoken::tiktoken;
use crate::cli::common::{Common, Outcome};
use crate::cli::export::given::Given;
use crate::error::Error;

/// A vocabulary for tiktoken
///
/// FILE holds the tokens with their ids as ranks, FILE.json the other arguments of tiktoken.Encoding: name, pat_str, special_tokens. Every text
/// gets the ids that it has here; a vocabulary that tiktoken would encode otherwise is refused (exit code 2). In Python:
///
///   about = json.load(open("vocab.tiktoken.json"))
///   tiktoken.Encoding(**about, mergeable_ranks=tiktoken.load.load_tiktoken_bpe("vocab.tiktoken"))
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, after_help = "Example:\n  seimai export tiktoken out -o vocab.tiktoken")]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    given: Given,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let otherwise = "tokenizer.json loads in Hugging Face's library as it is";
    let (vocabulary, hint) = arguments.given.read(otherwise)?;
    let stem = arguments.given.stem()?;
    let made = tiktoken(&vocabulary.tokenizer, &stem)
        .map_err(|why| Error::refused_with_hint(format!("{}: not for tiktoken: {why}", vocabulary.path.display()), hint))?;
    let (staging, place) = arguments.given.staging()?;
    let mut about = place.name().to_os_string();
    about.push(".json");
    staging.write(&staging.at(about), format!("{:#}\n", made.about).as_bytes())?;
    staging.write(&place, made.ranks.as_bytes())?;
    if !common.quiet {
        let left_out = if made.left_out > 0 { format!("; {} tokens that no text has left out", made.left_out) } else { String::new() };
        let _ = writeln!(std::io::stderr(), "{} tokens{left_out}", made.ranks.lines().count());
    }
    Ok(Outcome::Done)
}
