//! `seimai tokenizer mixture TOKENIZER --source NAME=FILE…`.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::report::table;
use crate::cli::common::{Common, Outcome, Taken};
use crate::cli::records::{self, Lost};
use crate::cli::ui;
use crate::cli::vocabulary::Vocabulary;
use crate::error::{Error, Result};
use crate::pipeline::plan::Plan;
use crate::pipeline::pool::Pool;
use crate::pipeline::tokenizer_mixture::{Job, MERGES, Mixture, Source};
use crate::quarantine::escape;

/// Which kinds of text a vocabulary was trained on, and in which proportions
///
/// Give a sample of each kind that the training text may have held, some megabytes each. Every merge joined the pair that was most frequent in the
/// training text; the shares are those under which the merges contradict the samples least, by a linear programme (data mixture inference,
/// arXiv 2407.16607). What no sample is of cannot be found: it is told where the merges fit badly.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai tokenizer mixture other/tokenizer.json --source law=law/*.jsonl --source web=web.jsonl.zst --source chat=chat.parquet
  seimai tokenizer mixture out --source law=law.jsonl --source prose=prose.jsonl --boundaries morpheme --merges 8000 --json")]
pub(in crate::cli) struct Arguments {
    /// A tokenizer.json, its directory, or a finished run
    #[arg(value_name = "TOKENIZER")]
    tokenizer: PathBuf,
    /// A kind of text and its sample: a file, a directory, a glob, or a histogram of `seimai count`; a name may be given several files
    #[arg(long, required = true, value_name = "NAME=FILE", num_args = 1..)]
    source: Vec<String>,
    /// Use the first merges only: with superwords, those before the second stage
    #[arg(long, value_name = "N", default_value_t = MERGES as u32, value_parser = clap::value_parser!(u32).range(1..))]
    merges: u32,
    /// What tokens did not cross in training, beside the pattern: none, script or morpheme
    #[arg(long, value_name = "WHAT", default_value = "none")]
    boundaries: String,
    /// Name of an installed dictionary, or a directory, for --boundaries morpheme
    #[arg(long, default_value = "ipadic")]
    dictionary: String,
    /// How text was normalised before training: nfkc (as `seimai run` does), nfc or none
    #[arg(long, default_value = "nfkc")]
    form: String,
    /// JSON
    #[arg(long)]
    json: bool,
    /// Change a plan key, e.g. --set input.fields.text=body
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    #[command(flatten)]
    taken: Taken,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let value = |text: &str| toml::Value::String(text.to_owned());
    let text = format!(
        "[input]\npaths = [\"-\"]\n[normalize]\nform = {}\n[segment]\ndictionary = {}\n[tokenizer]\nboundaries = {}\n",
        value(&arguments.form),
        value(&arguments.dictionary),
        value(&arguments.boundaries)
    );
    let plan = Plan::from_toml(&text, &arguments.taken.and(&arguments.settings), "--form, --dictionary, --boundaries")?;
    let (path, json) = Vocabulary::bytes(&arguments.tokenizer)?;
    let sources = sources(&arguments.source)?;
    let job = Job { plan: &plan, path: &path, json: &json, sources: &sources, merges: arguments.merges as usize };
    let observer = ui::observer(common);
    let (mixture, read) = job.run(Path::new("."), &Pool::new(common.threads())?, ui::watch(&*observer))?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        writeln!(out, "{:#}", serde_json::to_value(&mixture)?)?;
    } else {
        tell(&mixture, &mut out)?;
    }
    out.flush()?;
    if !common.quiet {
        for doubt in &mixture.doubts {
            let _ = writeln!(std::io::stderr(), "warning: {doubt}");
        }
    }
    Ok(records::report(&Lost::of(read.quarantined, read.left_out)))
}

/// Sources in the order of their names on the command line; a name that comes again gets more files.
fn sources(given: &[String]) -> Result<Vec<Source>> {
    let mut sources: Vec<Source> = Vec::new();
    for text in given {
        let Some((name, path)) = text.split_once('=').filter(|(name, path)| !name.is_empty() && !path.is_empty()) else {
            return Err(Error::refused_with_hint(
                format!("--source {text:?} names no kind of text"),
                "write NAME=FILE, as in --source law=law.jsonl",
            ));
        };
        match sources.iter_mut().find(|source| source.name == name) {
            Some(source) => source.files.push(path.into()),
            None => sources.push(Source { name: name.to_owned(), files: vec![path.into()] }),
        }
    }
    Ok(sources)
}

fn tell(mixture: &Mixture, out: &mut dyn Write) -> std::io::Result<()> {
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    let mut rows = vec![["source", "share", "±", "sample"].map(str::to_owned).to_vec()];
    for source in &mixture.sources {
        let spread = source.spread_of_samples.max(source.spread_of_merges);
        rows.push(vec![escape(&source.name, 40), percent(source.share), percent(spread), ui::bytes(source.bytes)]);
    }
    table(&rows, out)?;
    let n = |number: usize| ui::thousands(number as u64);
    writeln!(out, "\n{} of {} merges; {} explained", n(mixture.merges), n(mixture.merges_of_tokenizer), percent(mixture.explained))?;
    writeln!(
        out,
        "shortfall {}; {} of the merges rarer than half of those around; {} in no sample",
        percent(mixture.shortfall),
        percent(mixture.rare),
        n(mixture.unseen)
    )
}
