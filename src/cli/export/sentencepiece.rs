//! `seimai export sentencepiece TOKENIZER -o FILE`.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::bpe::sentencepiece::sentencepiece;
use crate::cli::common::{Common, Outcome};
use crate::cli::vocabulary::Vocabulary;
use crate::error::Error;
use crate::io::{Staging, create_dir};

/// A vocabulary without a pattern as a model of SentencePiece
///
/// SentencePiece has no pattern, and no tokens inside a character: a vocabulary with a pattern is refused (exit code 2), and so is one that
/// makes something else than single bytes of a character without a token of its own. With --known-characters that is accepted: texts whose
/// characters all have tokens get the ids that they have here, other characters become single bytes; texts are decoded to themselves, but for ▁,
/// which SentencePiece decodes as a blank where it is part of a token.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  seimai export sentencepiece out -o vocab.model --known-characters")]
pub(in crate::cli) struct Arguments {
    /// A tokenizer.json, its directory, or a finished run
    #[arg(value_name = "TOKENIZER")]
    tokenizer: PathBuf,
    /// The model
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Characters without a token of their own may get other ids
    #[arg(long)]
    known_characters: bool,
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
        "train it with tokenizer.pattern = \"none\", or export it with `seimai export tiktoken` or `hf`, which hold patterns"
    };
    if arguments.without_normalizer {
        vocabulary.tokenizer = vocabulary.tokenizer.without_normalizer();
    }
    if arguments.output.is_dir() {
        return Err(Error::refused(format!("{}: a directory, not a file", arguments.output.display())).into());
    }
    let made = sentencepiece(&vocabulary.tokenizer, roles.eos.as_deref(), roles.pad.as_deref())
        .map_err(|why| Error::refused_with_hint(format!("{}: not for SentencePiece: {why}", vocabulary.path.display()), hint))?;
    if let Some(other) = made.other.filter(|_| !arguments.known_characters) {
        let why = format!(
            "{}: not for SentencePiece: some characters have no token, and tokens that lie inside a character, which it cannot hold; the first is U+{:04X}",
            vocabulary.path.display(),
            u32::from(other)
        );
        return Err(Error::refused_with_hint(why, "--known-characters accepts that such characters become single bytes there").into());
    }
    let dir = arguments.output.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    create_dir(dir)?;
    Staging::new(dir)?.write(&arguments.output, &made.model)?;
    if !common.quiet {
        let _ = writeln!(std::io::stderr(), "{} pieces for {} tokens", made.pieces, vocabulary.tokenizer.len());
    }
    Ok(Outcome::Done)
}
