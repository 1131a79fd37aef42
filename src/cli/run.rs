//! `seimai run PLAN.toml`: the whole way, and a summary a person likes to read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;

use super::common::{Common, Outcome, ProgressStyle, Taken};
use super::limits::parse_size;
use super::{decontaminate, losses, report as page, signals, ui};
use crate::error::Error;
use crate::io::{Place, is_object};
use crate::pipeline::joint::{self, Ended};
use crate::pipeline::loaded_plan::LoadedPlan;
use crate::pipeline::manifest::Manifest;
use crate::pipeline::overview::PAGE;
use crate::pipeline::report::{Report, RunOptions};
use crate::pipeline::run;
use crate::pipeline::send::{Delivery, Destination};
use crate::pipeline::share::{Lacking, Share};
use crate::pipeline::usage::peak_memory;
use crate::quarantine::escape;
use crate::stage::Counts;

/// Losses that the summary tells, and reasons for which something was passed over.
const LOSSES: usize = 6;

/// The whole way: raw corpora to token shards and packed sequences
///
/// Interrupted or killed, the same command goes on where it stopped and ends with the same bytes. With another plan or other inputs, a finished
/// run is done again in place, and only what depends on the change: OUT/.work keeps the rest (`seimai gc`). Exit code 3 means finished, but some
/// input records could not be read: see quarantine.jsonl.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai run plan.toml --out out --set tokenizer.vocab_size=16000
  seimai run plan.toml --out trial --sample 1%
  seimai run plan.toml --out trial --limit 10000
  seimai run plan.toml --out out --shard 0/2 & seimai run plan.toml --out out --shard 1/2; wait
  seimai run plan.toml --out s3://bucket/corpus-v1 --work work    # of a build with stores: docs/guide/scale.md

Resources (docs/guide/trust.md):
  memory  --memory is a ceiling of anonymous memory; the dictionary and the array of a long
          training are mapped beside it. What does not fit lies in OUT/.work/tmp meanwhile.
          128 MiB and 160 more for each thread are used; less memory means fewer threads.
          One text that cannot fit ends the run: exit code 4, with the memory that would do,
          and the run goes on from there.
  disk    some 1.4 bytes a byte of text and 200 a document, as `seimai plan` reckons; a run
          says so at its start where there is less. A full disk ends it with exit code 4; it
          goes on when there is room.
  ends    0 done, 3 done and some inputs could not be read, 2 refused before the work, 1 the
          machine failed, 4 memory, disk or descriptors ran out, 129, 130, 143 a signal.
          After 1, 4 and a signal the same command goes on where it was.")]
pub(super) struct Arguments {
    /// The plan; `seimai init` writes one; - is standard input, and relative paths start at the working directory then
    plan: PathBuf,
    /// Output directory: new, empty, or of a run. Or a place in a store (s3://BUCKET/PLACE), which the finished run is sent to from --work
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
    /// Where a run works that is sent to a store: a directory of this machine, which keeps what the same command goes on with
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    /// Change a plan key, e.g. --set pack.sequence_length=2048
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    #[command(flatten)]
    taken: Taken,
    /// Remove what an earlier run left in the output directory and start over
    #[arg(long)]
    fresh: bool,
    /// Keep at most so much in OUT/.work for a next run with another plan or more inputs [default: all that this run is made of; 0: nothing]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    store_limit: Option<u64>,
    /// Do not write OUT/report.html, the page that shows the run; `seimai report OUT` writes it at any time
    #[arg(long)]
    no_report: bool,
    /// Be one of N processes that work on this run, on any machines that see DIR: number I, from 0 on. Each does its units of a pass, and the
    /// last to be ready goes on to the next; `seimai plan` says how often all have to be started
    #[arg(long, value_name = "I/N", allow_hyphen_values = true)]
    shard: Option<String>,
    /// How long a share looks again for what others may have finished: network file systems show new files late
    #[arg(long, value_name = "SECONDS", default_value_t = joint::PATIENCE.as_secs_f64(), value_parser = parse_seconds, requires = "shard")]
    patience: f64,
    /// Who divides the work: this process, or a Ray cluster, which needs the Python package
    #[arg(long, value_enum, default_value_t = Engine::Here, conflicts_with = "shard")]
    engine: Engine,
    /// The Ray cluster, e.g. auto or HOST:6379 [default: one that is started on this machine]
    #[arg(long)]
    address: Option<String>,
    /// Who has just done it, and how long it took: the Python package asks for what is said at the end of a run
    #[arg(long, hide = true)]
    done_by: Option<String>,
}

/// Who divides the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Engine {
    /// This process, or shares
    Here,
    /// A Ray cluster
    Ray,
}

/// A run that another engine is asked for: what its driver has to know.
#[derive(Debug, Clone)]
pub struct EngineRequest {
    /// The plan file.
    pub plan: PathBuf,
    /// Settings on top of it, those of `--sample` and `--limit` among them.
    pub settings: Vec<String>,
    /// The output directory.
    pub out: PathBuf,
    /// The cluster.
    pub address: Option<String>,
    /// Threads of one task, where they are given.
    pub threads: Option<usize>,
    /// Bytes of memory of one task, where they are given.
    pub memory: Option<u64>,
    /// Bytes that the work directory may keep.
    pub store_limit: Option<u64>,
    /// Remove what an earlier run left.
    pub fresh: bool,
    /// Nothing is to be said on the way.
    pub is_quiet: bool,
    /// What is said is to be JSON.
    pub is_json: bool,
}

impl Arguments {
    /// What is asked of an engine that this program has not.
    pub(super) fn engine_request(&self, common: &Common) -> Option<EngineRequest> {
        (self.engine == Engine::Ray).then(|| EngineRequest {
            plan: self.plan.clone(),
            settings: self.taken.and(&self.settings),
            out: self.out.clone(),
            address: self.address.clone(),
            threads: common.given_threads(),
            memory: common.given_memory(),
            store_limit: self.store_limit,
            fresh: self.fresh,
            is_quiet: common.quiet || common.progress == ProgressStyle::None,
            is_json: common.progress == ProgressStyle::Json,
        })
    }
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if (0.0..=86400.0).contains(&seconds) { Ok(seconds) } else { Err("not between 0 and 86400 seconds".into()) }
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    if arguments.engine == Engine::Ray {
        let hint = "pip install 'seimai[ray]', and then: python -m seimai run PLAN --out DIR --engine ray";
        return Err(Error::refused_with_hint("--engine ray: Ray is driven by the Python package", hint).into());
    }
    if arguments.address.is_some() {
        return Err(Error::refused_with_hint("--address: names a Ray cluster", "give it with --engine ray").into());
    }
    let share = arguments.shard.as_deref().map(str::parse::<Share>).transpose()?;
    let out = directory(arguments)?;
    let loaded = LoadedPlan::read(&arguments.plan, &arguments.taken.and(&arguments.settings))?;
    // Before any work: whoever may not write there is told now.
    let destination = is_object(&arguments.out).then(|| Destination::open(&arguments.out, &loaded.plan.input.paths)).transpose()?;
    let options = RunOptions {
        out: out.to_path_buf(),
        threads: common.threads(),
        memory: common.memory(),
        fresh: arguments.fresh,
        store_limit: arguments.store_limit,
    };
    let observer = ui::observer(common);
    let report = match &share {
        None => run::run(&loaded, &options, signals::stop(), observer.as_ref()).map_err(|error| loaded.all_refusals(error))?,
        Some(share) => {
            let patience = Duration::from_secs_f64(arguments.patience);
            let ended = joint::run_share(&loaded, &options, *share, patience, signals::stop(), observer.as_ref());
            match ended.map_err(|error| loaded.all_refusals(error))? {
                Ended::Finished(report) => *report,
                Ended::Waiting(lacking) => {
                    if !common.quiet {
                        let _ = writeln!(std::io::stderr(), "{}", share_done(*share, &lacking, common.progress == ProgressStyle::Json));
                    }
                    return Ok(Outcome::Done);
                }
            }
        }
    };
    if !arguments.no_report {
        page::leave_page(out, report.already_done, observer.as_ref())?;
    }
    let delivery = destination.map(|destination| destination.send(out, signals::stop(), observer.as_ref())).transpose()?;
    let page = Place::named(&out.join(PAGE)).is_ok_and(|page| page.exists());
    if !common.quiet && common.progress == ProgressStyle::Json {
        if let Some(Delivery { sent, bytes, kept, removed }) = delivery {
            let event = serde_json::json!({"event": "run_sent", "to": arguments.out, "sent": sent, "bytes": bytes, "kept": kept, "removed": removed});
            let _ = writeln!(std::io::stderr(), "{event}");
        }
        let _ = writeln!(std::io::stderr(), "{}", report.to_json());
    } else if !common.quiet {
        if common.verbose {
            let _ = std::io::stderr().write_all(details(&report).as_bytes());
        }
        // To stderr: the data of a run are its files.
        let _ = std::io::stderr().write_all(summary(&report, &out.display().to_string(), page, arguments.done_by.as_deref()).as_bytes());
        if let Some(delivery) = delivery {
            let _ = writeln!(std::io::stderr(), "  {}", delivered(&delivery, &arguments.out.display().to_string()));
        }
    }
    Ok(if report.manifest.totals.quarantined > 0 { Outcome::Damaged } else { Outcome::Done })
}

/// The directory that the run works in: `--out`, or what `--work` names where that is a place in a store.
fn directory(arguments: &Arguments) -> Result<&Path, Error> {
    let out = escape(&arguments.out.display().to_string(), 300);
    match (&arguments.work, is_object(&arguments.out)) {
        (None, false) => Ok(&arguments.out),
        (Some(_), false) => {
            let hint = "leave it out, or name a place in a store with --out s3://BUCKET/PLACE";
            Err(Error::refused_with_hint(format!("--work: a run works in its output directory, {out}"), hint))
        }
        (None, true) => {
            let hint = "--work DIR, on a disk with the room that `seimai plan` tells: it keeps what the same command goes on with";
            Err(Error::refused_with_hint(format!("--out {out}: a run works in a directory of this machine before it is sent"), hint))
        }
        (Some(_), true) if arguments.shard.is_some() => {
            let hint = "let the shares work with --out DIR; when they are done, the same plan with --out s3://… --work DIR sends it";
            Err(Error::refused_with_hint(format!("--out {out}: one share does not send a run"), hint))
        }
        (Some(work), true) => Ok(work),
    }
}

/// What was sent.
fn delivered(delivery: &Delivery, to: &str) -> String {
    let (sent, kept) = (ui::thousands(delivery.sent), ui::thousands(delivery.kept));
    let to = escape(to, 300);
    let removed =
        if delivery.removed > 0 { format!(", {} of an earlier run removed", ui::thousands(delivery.removed)) } else { String::new() };
    format!("sent to {to}: {sent} files, {}; {kept} were there{removed}", ui::bytes(delivery.bytes))
}

/// What a share says that has come to its end before the run has.
fn share_done(share: Share, lacking: &Lacking, json: bool) -> String {
    if json {
        return lacking.to_json().to_string();
    }
    let (pass, missing, of) = (lacking.pass, lacking.units.len(), lacking.of);
    if lacking.in_other_hands {
        return format!("share {share} done: another process is at {pass}; start all shares again when they have ended");
    }
    format!("share {share} done: {pass} lacks {missing} of {of} units of other shares; start all shares again when they have ended")
}

/// Why something was passed over, the most frequent reasons first.
fn passed_over(manifest: &Manifest) -> String {
    let mut by_reason = Counts::new();
    for (reason, count) in manifest.inputs.iter().flat_map(|input| &input.passed_over) {
        *by_reason.entry(reason.clone()).or_default() += count;
    }
    let reasons = ui::ranked(&by_reason).into_iter().take(LOSSES);
    reasons.map(|(reason, count)| format!("{} {}", escape(reason, 60), ui::thousands(count))).collect::<Vec<_>>().join(" · ")
}

/// The funnel, the vocabulary, the pack, the speed.
fn summary(report: &Report, out: &str, page: bool, done_by: Option<&str>) -> String {
    let manifest = &report.manifest;
    let totals = &manifest.totals;
    let mut text = String::new();
    let out = escape(out, 1000);
    if report.already_done {
        let done = done_by.map_or("done before: nothing left to do".into(), |engine| format!("done by {}", escape(engine, 100)));
        let _ = writeln!(text, "{done}");
    }
    let n = ui::thousands;
    let _ = writeln!(text, "\n  read         {:>12}  {}", n(totals.read), ui::bytes(totals.text_bytes));
    if let Some(share) = manifest.taken.and_then(|taken| taken.sample) {
        let _ = writeln!(text, "  left out     {:>12}  not in the sample of {}", n(totals.left_out), ui::share(share));
    }
    if let Some(limit) = manifest.taken.and_then(|taken| taken.limit).filter(|limit| totals.read + totals.left_out >= *limit) {
        let _ = writeln!(text, "  limit        {:>12}  records: what stands behind them was not read", n(limit));
    }
    if totals.passed_over > 0 {
        let _ = writeln!(text, "  passed over  {:>12}  {}", n(totals.passed_over), passed_over(manifest));
    }
    for (rule, count) in ui::ranked(&manifest.rejected) {
        let _ = writeln!(text, "    − {:<32} {:>9}", escape(rule, 100), n(count));
    }
    text.push_str(&decontaminate::summary(&manifest.evaluation));
    text.push_str(&losses::largest(&manifest.losses, LOSSES));
    text.push_str(&losses::why(&manifest.losses, &out));
    text.push_str(&unreadable(manifest));
    if totals.same_ids > 0 {
        let _ = writeln!(text, "  same ids     {:>12}  documents whose id another had before: <id>~<file>@<offset>", n(totals.same_ids));
    }
    text.push_str(&dropped(manifest));
    text.push_str(&fields_not_kept(manifest));
    let share = losses::percent(totals.kept, totals.read);
    let _ = writeln!(text, "  kept         {:>12}  {} ({share})", n(totals.kept), ui::bytes(totals.kept_bytes));
    for (what, pieces, characters) in manifest.cut.by_kind() {
        let _ = writeln!(text, "  cut          {:>12}  {what} of {} characters", n(pieces), n(characters));
    }
    let registers: Vec<String> =
        ui::ranked(&manifest.registers).into_iter().map(|(name, count)| format!("{} {}", escape(name, 60), n(count))).collect();
    if !registers.is_empty() {
        let _ = writeln!(text, "  registers    {}", registers.join(" · "));
    }
    let per_token = totals.kept_characters as f64 / (totals.tokens.max(1)) as f64;
    let _ = writeln!(
        text,
        "  tokens       {:>12}  {per_token:.2} characters a token, vocabulary {}",
        n(totals.tokens),
        n(manifest.tokenizer.vocab_size)
    );
    let pack = &manifest.pack;
    let padding = 100.0 * pack.padding as f64 / (pack.tokens + pack.padding).max(1) as f64;
    let _ = writeln!(text, "  packed       {:>12}  sequences of {}, padding {padding:.3} %", n(pack.rows), n(pack.sequence_length));
    if let Some(held_out) = &manifest.validation {
        let of_kept = losses::percent(held_out.kept, totals.kept);
        let _ = writeln!(text, "  validation   {:>12}  held out of it ({of_kept} of the kept), see {out}/validation", n(held_out.kept));
    }
    if !report.already_done {
        let speed = totals.text_bytes as f64 / 1e6 / report.wall.max(1e-3);
        let _ = writeln!(text, "  took         {:>10.1} s  {speed:.1} MB/s, peak memory {}", report.wall, ui::bytes(peak_memory()));
    }
    for warning in &manifest.warnings {
        let _ = writeln!(text, "\n  warning: {}", escape(warning, 500));
    }
    let look = if page { format!("  look at it: {out}/{PAGE}\n") } else { String::new() };
    let parts = ["documents", "rejected", "tokens", "tokenizer", "pack"].map(|name| format!("  {out}/{name}")).concat();
    let _ = writeln!(text, "\n{parts}\n{look}  check it: seimai verify {out}");
    text
}

/// How many records could not be read, and files of which none could.
fn unreadable(manifest: &Manifest) -> String {
    let mut text = String::new();
    if manifest.totals.quarantined > 0 {
        let count = ui::thousands(manifest.totals.quarantined);
        let _ = writeln!(text, "    − {:<32} {count:>9}  see quarantine.jsonl", "unreadable");
        for input in manifest.inputs.iter().filter(|input| input.quarantined > 0 && input.quarantined == input.read) {
            let _ = writeln!(text, "      nothing readable in {}", escape(&input.path, 300));
        }
    }
    text
}

/// Notation that was taken out of texts, the most frequent kinds first.
fn dropped(manifest: &Manifest) -> String {
    let mut by_kind = Counts::new();
    for (kind, count) in manifest.inputs.iter().flat_map(|input| &input.dropped) {
        *by_kind.entry(kind.clone()).or_default() += count;
    }
    let ranked = ui::ranked(&by_kind);
    let shown: Vec<String> = ranked.iter().take(6).map(|(kind, count)| format!("{} {}", escape(kind, 60), ui::thousands(*count))).collect();
    if shown.is_empty() {
        return String::new();
    }
    let more = if ranked.len() > shown.len() { " …" } else { "" };
    format!("  notation     {}{more} (taken out of texts; each kind: manifest.json)\n", shown.join(" · "))
}

/// Fields that no path of the plan leads to.
fn fields_not_kept(manifest: &Manifest) -> String {
    let mut names: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, documents) in manifest.inputs.iter().flat_map(|input| &input.fields_not_kept) {
        *names.entry(name).or_default() += documents;
    }
    let mut ranked: Vec<(&str, u64)> = names.into_iter().collect();
    ranked.sort_by_key(|(_, documents)| std::cmp::Reverse(*documents));
    let shown: Vec<String> =
        ranked.iter().take(6).map(|(name, documents)| format!("{} {}", escape(name, 60), ui::thousands(*documents))).collect();
    if shown.is_empty() {
        return String::new();
    }
    let more = if ranked.len() > shown.len() { " …" } else { "" };
    format!("  not kept     {}{more} (fields; input.fields.rest = \"meta\" keeps them)\n", shown.join(" · "))
}

/// What the stages counted, and how long the passes took: for `-v`.
fn details(report: &Report) -> String {
    let mut text = String::from("\n");
    for (name, n) in &report.manifest.stages {
        let _ = writeln!(text, "  {:<36} {:>14}", escape(name, 80), ui::thousands(*n));
    }
    for (pass, seconds) in &report.seconds {
        let _ = writeln!(text, "  {pass:<36} {seconds:>12.1} s");
    }
    text
}
