//! `seimai export …`: tokens, documents and vocabularies in the formats of other programs.

mod gguf;
mod given;
mod hf;
mod jsonl;
mod megatron;
mod sentencepiece;
mod tiktoken;

use super::common::{Common, Outcome};

/// Tokens, documents and vocabularies in the formats of other programs
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai export hf out -o my-tokenizer
  seimai export megatron out -o megatron")]
pub(super) struct Arguments {
    #[command(subcommand)]
    format: Format,
}

#[derive(Debug, clap::Subcommand)]
enum Format {
    /// Token shards as .bin and .idx of Megatron-LM, a pair for each source
    Megatron(megatron::Arguments),
    /// Kept documents as JSON Lines, the records that this program reads
    Jsonl(jsonl::Arguments),
    /// A vocabulary as a directory that transformers loads
    Hf(hf::Arguments),
    /// A vocabulary without a pattern as a model of SentencePiece
    Sentencepiece(sentencepiece::Arguments),
    /// A vocabulary for tiktoken
    Tiktoken(tiktoken::Arguments),
    /// A vocabulary as GGUF, without a model, for llama.cpp
    Gguf(gguf::Arguments),
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    match &arguments.format {
        Format::Megatron(arguments) => megatron::run(arguments, common),
        Format::Jsonl(arguments) => jsonl::run(arguments, common),
        Format::Hf(arguments) => hf::run(arguments, common),
        Format::Sentencepiece(arguments) => sentencepiece::run(arguments, common),
        Format::Tiktoken(arguments) => tiktoken::run(arguments, common),
        Format::Gguf(arguments) => gguf::run(arguments, common),
    }
}
