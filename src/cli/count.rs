//! `seimai count FILE… -o COUNTS.parquet`: the histogram that a vocabulary is trained on.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::common::{Common, Outcome, Taken};
use super::records::Lost;
use super::{records, ui};
use crate::corpus::{self, InputFile};
use crate::pipeline::histogram;
use crate::pipeline::plan::Plan;
use crate::pipeline::pool::Pool;

/// Count pre-tokens: the histogram that a vocabulary is trained on
///
/// Reads what `seimai run` reads, normalises and segments it as a run would, puts placeholders for personal data, cuts it into pre-tokens and
/// counts them. Histograms of the same settings add up exactly: `seimai train` takes several, of several corpora or sites, and gives the
/// vocabulary that all the text together would have given.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai count corpus/*.jsonl.zst -o counts.parquet
  seimai count site-a/*.parquet -o site-a.parquet --min-count 5
  seimai count corpus/ -o scripts.parquet --set tokenizer.boundaries=script --set tokenizer.pattern=gpt2
  seimai train counts.parquet --vocab-size 32000 -o tokenizer")]
pub(super) struct Arguments {
    /// Files, directories, globs, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<OsString>,
    /// The histogram
    #[arg(long, short, value_name = "COUNTS")]
    output: PathBuf,
    /// Leave out pre-tokens seen less often, as a histogram has to that is given away; what it costs is told
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    min_count: u64,
    /// Name of an installed dictionary, or a directory
    #[arg(long, default_value = "ipadic")]
    dictionary: String,
    /// Change a plan key, e.g. --set tokenizer.superwords=0.25
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    #[command(flatten)]
    taken: Taken,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let dictionary = toml::Value::String(arguments.dictionary.clone());
    let text = format!("[input]\npaths = [\"-\"]\n[segment]\ndictionary = {dictionary}\n");
    let plan = Plan::from_toml(&text, &arguments.taken.and(&arguments.settings), "--dictionary")?;
    let inputs: Arc<[InputFile]> = corpus::expand_paths(&arguments.files, &plan.input, Path::new("."))?.into();
    let (pool, observer) = (Pool::new(common.threads())?, ui::observer(common));
    let output = (arguments.output.as_path(), arguments.min_count);
    let counted = histogram::count(&plan, Path::new("."), &inputs, output, common.memory(), &pool, ui::watch(&*observer))?;
    if !common.quiet {
        tell(&counted);
    }
    Ok(records::report(&Lost::of(counted.quarantined, counted.left_out)))
}

fn tell(counted: &histogram::Counted) {
    let n = ui::thousands;
    let mut err = std::io::stderr();
    let _ = writeln!(
        err,
        "{} documents, {} of text, {} different pre-tokens",
        n(counted.documents),
        ui::bytes(counted.bytes),
        n(counted.unique)
    );
    if counted.left_out > 0 {
        let _ = writeln!(err, "{} records are not in the sample", n(counted.left_out));
    }
    let cut = counted.cut;
    if cut.unique > 0 {
        let share = 100.0 * cut.bytes as f64 / counted.bytes.max(1) as f64;
        let _ = writeln!(
            err,
            "--min-count leaves out {} pre-tokens, seen {} times in all: {share:.2} % of the text",
            n(cut.unique),
            n(cut.occurrences)
        );
    }
}
