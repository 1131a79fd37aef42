//! `seimai pack TOKENS… --sequence-length S -o DIR`.

use std::io::Write;
use std::path::PathBuf;

use super::common::{Common, Outcome};
use super::limits::parse_size;
use super::{parts, signals, ui};
use crate::pack::Options;
use crate::pipeline::repack::Repack;

/// Token shards into packed sequences of one length, without the rest of a run
///
/// The settings that are not given are those of the run whose token shards these are, else the defaults of a plan. All token shards of a run
/// give the pack, byte for byte, that `seimai run` makes with these settings. DIR is written anew; pack.json comes last.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai pack out --sequence-length 8192 -o out-8192
  seimai pack site-a/tokens site-b/tokens --sequence-length 2048 --seed 7 -o both")]
pub(super) struct Arguments {
    /// Finished runs, directories of token shards, or token shards
    #[arg(required = true, value_name = "TOKENS")]
    tokens: Vec<PathBuf>,
    /// Tokens a row (pack.sequence_length of a plan)
    #[arg(long, value_name = "S")]
    sequence_length: u32,
    /// The directory of the pack
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// Documents that are packed together (pack.window)
    #[arg(long, value_name = "N")]
    window: Option<u64>,
    /// A file holds windows up to so many bytes of tokens, e.g. 4GiB (pack.part_bytes)
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    part_bytes: Option<u64>,
    /// Seed of the order of rows (pack.seed)
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Long documents first in each window (pack.shuffle = false)
    #[arg(long)]
    no_shuffle: bool,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let shards = parts::token_shards(&arguments.tokens)?;
    let observer = ui::observer(common);
    let repack = Repack { shards: &shards, out: &arguments.output, memory: common.memory(), threads: common.threads() };
    let settings = |options: Options| Options {
        sequence_length: arguments.sequence_length,
        window: arguments.window.unwrap_or(options.window),
        part_bytes: arguments.part_bytes.unwrap_or(options.part_bytes),
        seed: arguments.seed.unwrap_or(options.seed),
        shuffle: options.shuffle && !arguments.no_shuffle,
        ..options
    };
    let info = repack.run(&settings, signals::stop(), observer.as_ref())?;
    if !common.quiet {
        let n = ui::thousands;
        let totals = &info.totals;
        let padding = 100.0 * info.padding as f64 / (totals.tokens + info.padding).max(1) as f64;
        let _ = writeln!(
            std::io::stderr(),
            "{} documents in {} sequences of {}, {} of them cut, {} empty; padding {padding:.3} %",
            n(totals.documents),
            n(totals.rows),
            n(u64::from(info.sequence_length)),
            n(totals.cut),
            n(totals.empty)
        );
    }
    Ok(Outcome::Done)
}
