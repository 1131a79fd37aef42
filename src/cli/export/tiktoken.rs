//! `seimai export tiktoken TOKENIZER -o FILE`.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::bpe::tiktoken::tiktoken;
use crate::cli::common::{Common, Outcome};
use crate::cli::vocabulary::Vocabulary;
use crate::error::Error;
use crate::io::{Staging, create_dir};

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
    /// A tokenizer.json, its directory, or a finished run
    #[arg(value_name = "TOKENIZER")]
    tokenizer: PathBuf,
    /// The file of ranks
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Export a vocabulary with a normaliser too: its ids are those of texts that went through `seimai normalize`
    #[arg(long)]
    without_normalizer: bool,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let mut vocabulary = Vocabulary::read(&arguments.tokenizer)?;
    let hint = if vocabulary.tokenizer.normalizer().is_some() {
        "--without-normalizer exports it for texts that went through `seimai normalize`"
    } else {
        "tokenizer.json loads in Hugging Face's library as it is"
    };
    if arguments.without_normalizer {
        vocabulary.tokenizer = vocabulary.tokenizer.without_normalizer();
    }
    let Some(stem) = arguments.output.file_stem().filter(|_| !arguments.output.is_dir()) else {
        return Err(Error::refused(format!("{}: a directory, not a file", arguments.output.display())).into());
    };
    let made = tiktoken(&vocabulary.tokenizer, &stem.to_string_lossy())
        .map_err(|why| Error::refused_with_hint(format!("{}: not for tiktoken: {why}", vocabulary.path.display()), hint))?;
    let dir = arguments.output.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    create_dir(dir)?;
    let staging = Staging::new(dir)?;
    let mut about = arguments.output.clone().into_os_string();
    about.push(".json");
    staging.write(Path::new(&about), format!("{:#}\n", made.about).as_bytes())?;
    staging.write(&arguments.output, made.ranks.as_bytes())?;
    if !common.quiet {
        let left_out = if made.left_out > 0 { format!("; {} tokens that no text has left out", made.left_out) } else { String::new() };
        let _ = writeln!(std::io::stderr(), "{} tokens{left_out}", made.ranks.lines().count());
    }
    Ok(Outcome::Done)
}
