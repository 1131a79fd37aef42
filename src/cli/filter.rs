//! `seimai filter FILE…`: annotate and decide, and nothing else: no duplicates, no vocabulary.
//!
//! Records are read one by one and judged in batches, on all threads; the output keeps the order of the input.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::common::{Common, Outcome, Taken, output_failed};
use super::json_line::JsonLine;
use super::record_columns::RecordColumns;
use super::records::{Records, report};
use super::{losses, signals, ui};
use crate::corpus::BatchBuilder;
use crate::decide::losses::Losses;
use crate::decide::{Policy, Rejection};
use crate::error::{Error, Result};
use crate::io::{Dir, StagedFile, Staging};
use crate::pipeline::plan::Plan;
use crate::pipeline::pool::Pool;
use crate::pipeline::registry::Stages;
use crate::schema;
use crate::stage::{Batch, Worker, strings};

/// Losses that the summary tells.
const LOSSES: usize = 6;
/// Files of `--output`.
const KEPT: &str = "kept.jsonl";
const REJECTED: &str = "rejected.jsonl";

/// Annotate and decide: which records are kept, which are not, and why
///
/// Reads every format that `seimai run` reads (docs/guide; `-` is standard input), normalises and segments it as a run would, measures it,
/// and compares the measures with the thresholds of a preset. Kept records go to standard output as JSON Lines, with their normalised text
/// and register. With --output both kinds go to files; with --explain, standard output says of every record what was found.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  zcat pages.jsonl.gz | seimai filter - --preset web > kept.jsonl
  seimai filter corpus/*.jsonl --preset auto --output out
  seimai filter odd.txt --preset literature --explain | jq .
  seimai filter pages/*.warc.gz --preset web --words ng.txt --urls blacklists --categories adult,malware > kept.jsonl
  seimai filter in.jsonl --set quality.thresholds.min_chars=50 --set pii.action=mask
  seimai filter huge/*.parquet --sample 0.1% --explain > sample.jsonl
  zcat pages.jsonl.gz | seimai filter - --limit 1000 > kept.jsonl")]
pub(super) struct Arguments {
    /// Files, directories, globs, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<OsString>,
    /// web, legal, literature, dialogue, technical, auto, none, or a reproduction: swallow-v1, fineweb2-ja
    #[arg(long, default_value = "auto")]
    preset: String,
    /// Write kept.jsonl and rejected.jsonl into this directory
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Say of every record, on standard output, whether it is kept, by which rule it is not, and every measure beside its threshold
    #[arg(long)]
    explain: bool,
    /// Words that speak against a text: a text file, a word or phrase a line; may be given again. The presets web and dialogue ask about them (quality.words)
    #[arg(long, value_name = "FILE")]
    words: Vec<String>,
    /// Addresses whose documents go: a directory with one for each category, the files `domains` and `urls` in it; may be given again (quality.url_lists)
    #[arg(long, value_name = "DIR")]
    urls: Vec<String>,
    /// Categories of --urls that count, e.g. adult,malware [default: all of them] (quality.url_categories)
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "urls")]
    categories: Vec<String>,
    /// Name of an installed dictionary, or a directory
    #[arg(long, default_value = "ipadic")]
    dictionary: String,
    /// Change a plan key, e.g. --set quality.thresholds.min_chars=50
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    #[command(flatten)]
    taken: Taken,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let plan = plan(arguments)?;
    let stages = Stages::new(&plan, Path::new("."))?;
    let pool = Pool::new(common.threads())?;
    let mut records = Records::open(&arguments.files, plan.input.clone())?;
    refuse_own_output(arguments, &records)?;
    let mut out = Output::open(arguments)?;
    let mut builder = BatchBuilder::new(records.inputs(), &plan.input.source);
    let mut waiting = Vec::new();
    let judge = |waiting: &mut Vec<Batch>, least: usize, out: &mut Output| -> Result<()> {
        if waiting.len() < least {
            return Ok(());
        }
        judge(&pool, &stages, std::mem::take(waiting), arguments.explain)?.into_iter().try_for_each(|judged| out.take(judged))
    };
    let lost = records.each(&mut |record| {
        waiting.extend(builder.push(&record)?);
        judge(&mut waiting, pool.threads(), &mut out)
    })?;
    waiting.extend(builder.finish()?);
    judge(&mut waiting, 1, &mut out)?;
    let losses = out.finish()?;
    if !common.quiet {
        let _ = std::io::stderr().write_all(summary(&losses, lost.left_out).as_bytes());
    }
    Ok(report(&lost))
}

/// The plan of the command line: everything that is not said is as in a run.
fn plan(arguments: &Arguments) -> Result<Plan> {
    let string = |text: &String| toml::Value::String(text.clone());
    let all = |texts: &[String]| toml::Value::Array(texts.iter().map(string).collect());
    let text = format!(
        "[input]\npaths = [\"-\"]\n[quality]\npreset = {}\nwords = {}\nurl_lists = {}\nurl_categories = {}\n[segment]\ndictionary = {}\n",
        string(&arguments.preset),
        all(&arguments.words),
        all(&arguments.urls),
        all(&arguments.categories),
        string(&arguments.dictionary)
    );
    let blamed = "--preset, --words, --urls, --categories, --dictionary";
    let plan = Plan::from_toml(&text, &arguments.taken.and(&arguments.settings), blamed)?;
    if plan.keigo.policy == Policy::Rebalance {
        let hint = "`seimai run` does; here keigo.policy may be \"tag\" or \"filter\"";
        return Err(Error::refused_with_hint("keigo.policy: a mixture needs the whole corpus", hint));
    }
    Ok(plan)
}

/// Output beside the inputs would be an input of the next call, or of this one.
fn refuse_own_output(arguments: &Arguments, records: &Records) -> Result<()> {
    let Some(dir) = &arguments.output else { return Ok(()) };
    if dir.exists() && !dir.is_dir() {
        let message = format!("{}: a file stands where the output directory is to be", dir.display());
        return Err(Error::refused_with_hint(message, "name a new directory with --output"));
    }
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    // What is there already may be a link; what is not there yet lies where its nearest parent does.
    let there = |path: &Path| path.ancestors().find_map(|parent| Some(parent.canonicalize().ok()?.join(path.strip_prefix(parent).ok()?)));
    let out = there(&whole(dir)).unwrap_or_else(|| whole(dir));
    let holds_out = |file: &&OsString| Path::new(file).is_dir() && Path::new(file).canonicalize().is_ok_and(|input| out.starts_with(input));
    let written = [KEPT, REJECTED].map(|name| out.join(name));
    let is_written = |path: &Path| path.canonicalize().is_ok_and(|path| written.contains(&path));
    let inputs = records.inputs();
    let input = arguments.files.iter().find(holds_out).map(Path::new);
    match input.or_else(|| inputs.iter().map(|input| input.path.as_path()).find(|path| is_written(path))) {
        Some(input) => {
            let message = format!("--output {}: lies inside the input {}, or is one", dir.display(), input.display());
            Err(Error::refused_with_hint(message, "name a directory outside of the inputs"))
        }
        None => Ok(()),
    }
}

/// What became of a batch.
struct Judged {
    kept: String,
    rejected: String,
    explained: String,
    losses: Losses,
}

/// Annotates and judges batches on all threads; the results in order.
fn judge(pool: &Pool, stages: &Stages, batches: Vec<Batch>, explain: bool) -> Result<Vec<Judged>> {
    let slots: Vec<Mutex<Option<Judged>>> = batches.iter().map(|_| Mutex::new(None)).collect();
    let mut waiting = batches.into_iter().zip(&slots);
    let workers = || stages.annotate.iter().map(|stage| stage.worker()).collect::<Vec<_>>();
    pool.for_each(signals::stop(), &mut || Ok(waiting.next()), &workers, &|workers, (batch, slot)| {
        let annotated = workers.iter_mut().try_fold(batch, |batch, worker: &mut Box<dyn Worker + '_>| worker.apply(batch))?;
        let judged = judge_batch(stages, &annotated, explain)?;
        if let Ok(mut slot) = slot.lock() {
            *slot = Some(judged);
        }
        Ok(())
    })?;
    let judged = slots.into_iter().map(|slot| slot.into_inner().ok().flatten());
    judged.map(|judged| judged.ok_or_else(|| Error::internal("a batch was left out"))).collect()
}

fn judge_batch(stages: &Stages, batch: &Batch, explain: bool) -> Result<Judged> {
    let personal = stages.pii.judge(batch, 0)?;
    let personal = personal.iter().map(|found| (found.row, Rejection { stage: "pii", rule: found.rule, evidence: &found.evidence }));
    let rejections = stages.decider.judge(batch)?.with(personal);
    let masked = stages.pii.mask(batch)?;
    let columns = RecordColumns::of(&masked)?;
    let registers = strings(&masked, &schema::REGISTER)?;
    let mut judged = Judged { kept: String::new(), rejected: String::new(), explained: String::new(), losses: Losses::default() };
    for row in 0..batch.num_rows() {
        let rejection = rejections.of(row as u32);
        let rule = rejection.map(|rejection| format!("{}/{}", rejection.stage, rejection.rule));
        let text = columns.texts.value(row);
        judged.losses.count(columns.sources.value(row), registers.value(row), text.chars().count() as u64, rule.as_deref());
        let mut line = columns.line(row);
        line.text("register", Some(registers.value(row)));
        let target = match rejection {
            None => &mut judged.kept,
            Some(rejection) => {
                line.text("stage", Some(rejection.stage));
                line.text("rule", Some(rejection.rule));
                line.text("evidence", Some(rejection.evidence));
                &mut judged.rejected
            }
        };
        target.push_str(&line.finish());
        target.push('\n');
        if explain {
            let mut line = JsonLine::with_capacity(1024);
            line.text("id", Some(columns.ids.value(row)));
            line.raw("kept", if rejection.is_none() { "true" } else { "false" });
            line.text("register", Some(registers.value(row)));
            if let Some(rejection) = rejection {
                line.text("stage", Some(rejection.stage));
                line.text("rule", Some(rejection.rule));
                line.text("evidence", Some(rejection.evidence));
            }
            let (preset, measures) = stages.decider.explain_row(batch, row)?;
            line.text("preset", Some(preset.name()));
            line.raw("measures", &explained(&measures));
            judged.explained.push_str(&line.finish());
            judged.explained.push('\n');
        }
    }
    Ok(judged)
}

/// Every measure beside its threshold, as a JSON array.
fn explained(measures: &[crate::decide::Explained]) -> String {
    // Measures are f32: the shortest digits that give the same.
    let digits = |value: f64| (value as f32).to_string().parse::<f64>().unwrap_or(value);
    let one = |measure: &crate::decide::Explained| {
        serde_json::json!({
            "rule": measure.rule,
            "measure": measure.measure,
            "value": measure.value.map(digits),
            "asked": format!("{} {}", measure.side.asked(), measure.limit as f32),
            "holds": measure.holds,
            "exempt": measure.exempt,
            "reason": measure.reason,
        })
    };
    measures.iter().map(one).collect::<serde_json::Value>().to_string()
}

/// Where the lines go.
struct Output {
    explain: bool,
    /// The directory and the files of both kinds.
    files: Option<(Staging, StagedFile, StagedFile)>,
    stdout: BufWriter<std::io::StdoutLock<'static>>,
    losses: Losses,
}

impl Output {
    fn open(arguments: &Arguments) -> Result<Self> {
        let files = match &arguments.output {
            None => None,
            Some(dir) => {
                let staging = Staging::beside(Dir::create(dir)?);
                // Whatever ends the program, nothing half-written has a final name.
                let staged = |name: &str| staging.create(&format!("{name}-{}", std::process::id()));
                let (kept, rejected) = (staged(KEPT)?, staged(REJECTED)?);
                Some((staging, kept, rejected))
            }
        };
        Ok(Self { explain: arguments.explain, files, stdout: BufWriter::new(std::io::stdout().lock()), losses: Losses::default() })
    }

    fn take(&mut self, judged: Judged) -> Result<()> {
        if let Some((_, kept, rejected)) = &mut self.files {
            kept.write_all(judged.kept.as_bytes()).map_err(|e| kept.failed(e))?;
            rejected.write_all(judged.rejected.as_bytes()).map_err(|e| rejected.failed(e))?;
        }
        let to_stdout = match (self.explain, &self.files) {
            (true, _) => &judged.explained,
            (false, None) => &judged.kept,
            (false, Some(_)) => "",
        };
        self.stdout.write_all(to_stdout.as_bytes()).map_err(output_failed)?;
        self.losses.absorb(&judged.losses.of_part());
        Ok(())
    }

    /// Gives the files their names; who lost what.
    fn finish(mut self) -> Result<Losses> {
        self.stdout.flush().map_err(output_failed)?;
        if let Some((staging, kept, rejected)) = self.files {
            kept.commit(&staging.at(KEPT))?;
            rejected.commit(&staging.at(REJECTED))?;
        }
        Ok(self.losses.finished())
    }
}

/// How much stayed, and why the rest went.
fn summary(all: &Losses, left_out: u64) -> String {
    let (kept, rules) = (all.kept_by_register(), all.by_rule());
    let (stayed, went): (u64, u64) = (kept.values().sum(), rules.values().sum());
    let n = ui::thousands;
    let mut text = String::new();
    let _ = writeln!(text, "  read         {:>12}", n(stayed + went));
    if left_out > 0 {
        let _ = writeln!(text, "  left out     {:>12}  not in the sample", n(left_out));
    }
    for (rule, count) in ui::ranked(&rules) {
        let _ = writeln!(text, "    − {:<32} {:>9}", crate::quarantine::escape(rule, 100), n(count));
    }
    text.push_str(&losses::largest(all, LOSSES));
    let _ = writeln!(text, "  kept         {:>12}  ({})", n(stayed), losses::percent(stayed, stayed + went));
    for warning in all.warnings() {
        let _ = writeln!(text, "  warning: {}", crate::quarantine::escape(&warning, 500));
    }
    text
}
