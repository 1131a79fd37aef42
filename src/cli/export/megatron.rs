//! `seimai export megatron TOKENS… -o PATH`.

use std::cell::Cell;
use std::io::Write;
use std::path::PathBuf;

use crate::cli::common::{Common, Outcome};
use crate::cli::{parts, signals, ui};
use crate::error::Error;
use crate::pipeline::observer::{Progress, Quantity};
use crate::quarantine::escape;
use crate::shard::megatron::TokenType;
use crate::shard::{MegatronTarget, common_meta, export_megatron};

/// Token shards as .bin and .idx of Megatron-LM, byte for byte as its own tool writes them
///
/// Each document is followed by its EOS; documents without a token are left out and counted. One pair for each source, called by its name,
/// because Megatron gives weights to pairs; PATH is then a directory. With --together one pair PATH.bin, PATH.idx. Beside each pair,
/// PATH.meta.parquet says of each document number which document of which token shard it is. Standard output: prefix, documents, tokens.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai export megatron out -o megatron
  seimai export megatron out/tokens other/tokens/part-00003.parquet --together -o megatron/all")]
pub(in crate::cli) struct Arguments {
    /// Finished runs, directories of token shards, or token shards
    #[arg(required = true, value_name = "TOKENS")]
    tokens: Vec<PathBuf>,
    /// A directory; with --together the path of the pair without .bin and .idx
    #[arg(long, short, value_name = "PATH")]
    output: PathBuf,
    /// One pair for all sources
    #[arg(long)]
    together: bool,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let shards = parts::token_shards(&arguments.tokens)?;
    let target = target(arguments)?;
    let observer = ui::observer(common);
    let token_bytes = TokenType::for_vocabulary(common_meta(&shards)?.vocab_size).bytes();
    let total = shards.iter().map(|shard| shard.rows).sum();
    let progress = Progress::start(observer.as_ref(), "export", Quantity::Documents, total);
    let written = Cell::new(0_u64);
    let exported = export_megatron(&shards, &target, &|documents, tokens| {
        written.set(written.get() + tokens);
        progress.add(documents, documents, tokens * token_bytes);
        signals::stop().check()
    })?;
    progress.finish();
    let mut out = std::io::stdout().lock();
    for pair in &exported.pairs {
        writeln!(out, "{}\t{}\t{}", escape(&pair.prefix.display().to_string(), 1000), pair.documents, pair.tokens)?;
    }
    out.flush()?;
    if !common.quiet {
        let n = ui::thousands;
        let (pairs, tokens) = (n(exported.pairs.len() as u64), n(written.get()));
        let documents = n(exported.pairs.iter().map(|pair| pair.documents).sum());
        let left_out = if exported.empty > 0 { format!("; {} without a token left out", n(exported.empty)) } else { String::new() };
        let _ = writeln!(
            std::io::stderr(),
            "{documents} documents, {tokens} tokens with EOS, {}, {pairs} pairs{left_out}",
            exported.token_type.name()
        );
    }
    Ok(Outcome::Done)
}

fn target(arguments: &Arguments) -> Result<MegatronTarget, Error> {
    let path = &arguments.output;
    if !arguments.together {
        if path.exists() && !path.is_dir() {
            let why = format!("{}: a file stands where the directory of the pairs is to be", path.display());
            return Err(Error::refused_with_hint(why, "--together writes one pair, PATH.bin and PATH.idx"));
        }
        return Ok(MegatronTarget::BySource(path.clone()));
    }
    if path.is_dir() || path.file_name().is_none() {
        let why = format!("{}: a directory; --together needs the path of the pair without .bin and .idx", path.display());
        return Err(Error::refused_with_hint(why, format!("write -o {}", path.join("all").display())));
    }
    Ok(MegatronTarget::Together(path.clone()))
}
