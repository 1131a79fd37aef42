//! `seimai export sentencepiece TOKENIZER -o FILE`.

use std::io::Write;

use crate::bpe::sentencepiece::sentencepiece;
use crate::cli::common::{Common, Outcome};
use crate::cli::export::given::Given;
use crate::error::Error;

/// A vocabulary without a pattern as a model of SentencePiece
///
/// SentencePiece has no pattern, and no tokens inside a character: a vocabulary with a pattern is refused (exit code 2), and so is one that
/// makes something else than single bytes of a character without a token of its own. With --known-characters that is accepted: texts whose
/// characters all have tokens get the ids that they have here, other characters become single bytes; texts are decoded to themselves, but for ▁,
/// which SentencePiece decodes as a blank where it is part of a token.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  seimai export sentencepiece out -o vocab.model --known-characters")]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    given: Given,
    /// Characters without a token of their own may get other ids
    #[arg(long)]
    known_characters: bool,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let otherwise = "train it with tokenizer.pattern = \"none\", or export it with `seimai export tiktoken` or `hf`, which hold patterns";
    let (vocabulary, hint) = arguments.given.read(otherwise)?;
    let (roles, _) = vocabulary.companion()?;
    arguments.given.stem()?;
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
    let (staging, place) = arguments.given.staging()?;
    staging.write(&place, &made.model)?;
    if !common.quiet {
        let _ = writeln!(std::io::stderr(), "{} pieces for {} tokens", made.pieces, vocabulary.tokenizer.len());
    }
    Ok(Outcome::Done)
}
