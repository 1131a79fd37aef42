//! `seimai train COUNTS… --vocab-size N -o DIR`: a vocabulary from histograms.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::common::{Common, Outcome};
use super::{signals, ui};
use crate::bpe::{self, NormalizerName, huggingface};
use crate::error::{Error, Result};
use crate::io::{Dir, Staging};
use crate::normalize;
use crate::pipeline::crew::PoolCrew;
use crate::pipeline::histogram::{Histogram, dir_beside};
use crate::pipeline::observer::{Progress, Quantity};
use crate::pipeline::plan::Plan;
use crate::pipeline::pool::Pool;

/// Train a vocabulary from histograms of pre-tokens
///
/// Adds histograms of `seimai count` up, refuses those that were made with different settings, and learns byte-pair merges. Pattern, boundaries
/// and digits are those of the histograms; the other settings are those of `[tokenizer]` of a plan. DIR gets the files that transformers,
/// tokenizers and `seimai export` read; with several sizes, a directory for each. What is learned is kept beside DIR every five seconds: the same
/// command goes on from there if it was interrupted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai train counts.parquet --vocab-size 32000 -o tokenizer
  seimai train site-a.parquet site-b.parquet --vocab-size 8000,16000,64000 -o sizes
  seimai train counts.parquet --vocab-size 32000 --set 'tokenizer.special_tokens=[\"<s>\",\"</s>\",\"<pad>\"]' --set tokenizer.eos_token=\"</s>\" --set tokenizer.pad_token=\"<pad>\" -o t")]
pub(super) struct Arguments {
    /// Histograms
    #[arg(required = true, value_name = "COUNTS")]
    counts: Vec<PathBuf>,
    /// Tokens in the vocabulary, special tokens and 256 bytes among them; several sizes with commas
    #[arg(long, value_name = "N", value_delimiter = ',', required = true)]
    vocab_size: Vec<u32>,
    /// The directory of the vocabulary
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// Change a key of [tokenizer] or [normalize], e.g. --set tokenizer.superwords=0.5
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let plan = Plan::from_toml("[input]\npaths = [\"-\"]\n", &arguments.settings, "--set")?;
    let (pool, stop, memory) = (Pool::new(common.threads())?, signals::stop(), common.memory());
    let parts = arguments.counts.iter().map(|path| Histogram::read(path)).collect::<Result<_>>()?;
    let observer = ui::observer(common);
    let progress = Progress::start(&*observer, "train", Quantity::Steps, 1);
    let histogram = Histogram::sum(parts, &arguments.output, memory, &pool, stop)?;
    let options = histogram.tokenizer(plan.tokenizer.clone());
    let checkpoint = histogram.checkpoint(&arguments.output, &options, &arguments.vocab_size)?;
    let crew = PoolCrew::new(&pool, stop, &*observer, memory).with(checkpoint).aside(dir_beside(&arguments.output)?);
    let all = crew.train(&|| histogram.rows(), &options, &arguments.vocab_size)?;
    progress.add(1, 0, 0);
    progress.finish();
    for (&vocab_size, mut trained) in arguments.vocab_size.iter().zip(all) {
        if options.normalizer == NormalizerName::Seimai {
            let normalizer = normalize::huggingface::normalizer(&normalized(&histogram)?).map_err(Error::refused)?;
            trained.tokenizer = trained.tokenizer.with_normalizer(normalizer);
        }
        let several = arguments.vocab_size.len() > 1;
        let dir = if several { arguments.output.join(vocab_size.to_string()) } else { arguments.output.clone() };
        write(&dir, &trained, &options)?;
        if !common.quiet {
            let n = ui::thousands;
            let last = trained.merges.last().map_or(0, |merge| merge.count);
            let found = u64::from(vocab_size) - trained.tokenizer.len() as u64;
            let short = if found > 0 { format!(", {} fewer than wanted: no pair was left", n(found)) } else { String::new() };
            let _ = writeln!(
                std::io::stderr(),
                "{}: {} tokens{short}; the last merge was seen {} times",
                dir.display(),
                n(trained.tokenizer.len() as u64),
                n(last)
            );
            if common.verbose {
                // The certificate that rare pairs, which were not looked at, would have changed nothing.
                let _ = writeln!(
                    std::io::stderr(),
                    "no merge was below the count floor, {}; scans with a lower one: {}",
                    n(trained.floor),
                    trained.rescans
                );
            }
        }
    }
    crew.forget()?;
    Ok(Outcome::Done)
}

/// What the texts of the histogram were normalised by.
fn normalized(histogram: &Histogram) -> Result<normalize::Options> {
    serde_json::from_value(histogram.recipe.normalize.clone())
        .map_err(|e| Error::refused(format!("the normalisation that the histogram was counted with is not known here: {e}")))
}

/// The files of a vocabulary; `tokenizer.json` comes last.
fn write(dir: &Path, trained: &bpe::Trained, options: &bpe::Options) -> Result<()> {
    let staging = Staging::beside(Dir::create(dir)?);
    let config = huggingface::tokenizer_config_json(&trained.tokenizer, &options.roles(), None);
    let mut files = trained.files();
    files.push(("tokenizer_config.json", config));
    files.sort_by_key(|(name, _)| *name == "tokenizer.json");
    files.into_iter().try_for_each(|(name, content)| staging.write(&staging.at(name), content.as_bytes()).map(|_| ()))
}
