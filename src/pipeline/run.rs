//! A run from plan to `_SUCCESS`: the passes in order, each resumed where it stopped.

use std::sync::Mutex;
use std::time::Instant;

use super::context::Context;
use super::inputs::{self, Inputs};
use super::manifest::Manifest;
use super::observer::{Event, Observer, Stop};
use super::plan::{LoadedPlan, Plan};
use super::pool::Pool;
use super::registry::Stages;
use super::report::{Report, RunOptions};
use super::store::Store;
use super::work_dir::WorkDir;
use super::{annotate, count, cut, decide, dedup, disk, encode, fingerprint, finish, frame, output_directory, pack, rebalance, train};
use crate::corpus::{Estimate, InputFile, ShardRef};
use crate::error::{Error, Result};

/// Memory one worker of the annotate pass may hold: a raw shard, its batches, and an open table.
const WORKER_BYTES: u64 = 160 << 20;
/// Memory for the program, its tables and the dictionary's touched pages.
const BASE_BYTES: u64 = 128 << 20;

/// Executes a plan. Started again after an interruption it goes on where it stopped; the bytes are the same. A finished run of another plan,
/// or over other inputs, is done again in place as far as it depends on what changed.
///
/// # Errors
/// `Refused` for a plan, input or output directory that cannot be worked with; those of the system.
pub fn run(loaded: &LoadedPlan, options: &RunOptions, stop: &Stop, observer: &dyn Observer) -> Result<Report> {
    let started = Instant::now();
    let begun = begin(loaded, options, stop, observer)?;
    let Begun::Going(going) = begun else { return finish::already_done(&options.out, started) };
    let context = going.context(options, stop, observer);
    let manifest = passes(&context)?;
    let seconds = context.seconds.into_inner().unwrap_or_default();
    let report = Report { manifest, seconds, wall: started.elapsed().as_secs_f64(), already_done: false };
    finish::commit(&going.store.work, &report, going.pool.threads(), options.store_limit, observer)?;
    Ok(report)
}

/// Begins a run and finds its work shards, so that other processes can work on them ([`Store::join`],
/// [`run_shard`](super::shard::run_shard)); `run` does what they leave. Gives the shards, none for a run that has finished.
///
/// # Errors
/// As [`run`].
pub fn prepare(loaded: &LoadedPlan, options: &RunOptions, stop: &Stop, observer: &dyn Observer) -> Result<Vec<ShardRef>> {
    match begin(loaded, options, stop, observer)? {
        Begun::Finished => Ok(Vec::new()),
        Begun::Going(going) => frame::run(&going.context(options, stop, observer)),
    }
}

/// The way the text goes, from fold to fold.
fn passes(context: &Context<'_>) -> Result<Manifest> {
    let shards = frame::run(context)?; // where the work shards begin
    let annotated = annotate::run(context, &shards)?; // read ─ decode ─ normalise ─ segment ─ annotate
    let mut duplicates = dedup::run(context, &annotated)?; // ▣ which documents the rules reject, and which repeat which
    duplicates.cuts = cut::run(context, &annotated, &duplicates)?; // ▣ which pieces of the others repeat
    duplicates.mixture = rebalance::run(context, &annotated, &duplicates)?; // ▣ how much of each register stays
    let parts = decide::run(context, &annotated, &duplicates)?; // keep or drop
    let counted = count::run(context, &annotated, &duplicates, &parts)?; // the pre-tokens of what stays
    let vocabulary = train::run(context, &counted)?; // ▣ train BPE
    let tokens = encode::run(context, &parts, &vocabulary)?; // encode ─ shard
    let packed = pack::run(context, &parts, &tokens, &vocabulary)?; // ▣ pack, also what is held out
    let contaminated = duplicates.contaminated(context);
    let mixture = duplicates.mixture.map(|rebalanced| rebalanced.mixture);
    finish::manifest(
        context,
        &finish::Finished { annotated, mixture, contaminated, parts, vocabulary, learned_from: counted.sample, tokens, packed },
    )
}

/// A run that has begun, now or earlier.
enum Begun {
    /// There is work to do.
    Going(Box<Going>),
    /// It had finished before.
    Finished,
}

struct Going {
    stages: Stages,
    fingerprint: String,
    pool: Pool,
    store: Store,
}

impl Going {
    fn context<'a>(&'a self, options: &RunOptions, stop: &'a Stop, observer: &'a dyn Observer) -> Context<'a> {
        Context {
            stages: &self.stages,
            store: &self.store,
            pool: &self.pool,
            stop,
            observer,
            memory: options.memory,
            fingerprint: &self.fingerprint,
            seconds: Mutex::default(),
        }
    }
}

/// Takes the output directory, if it is new or of this very run.
fn begin(loaded: &LoadedPlan, options: &RunOptions, stop: &Stop, observer: &dyn Observer) -> Result<Begun> {
    refuse_early(&loaded.plan, options)?;
    let files = inputs::list(loaded, &options.out, observer)?;
    let stages = Stages::new(&loaded.plan, &loaded.base)?;
    stages.lists.evaluation.check_memory(options.memory)?;
    let fingerprint = fingerprint::of(&loaded.plan, &stages)?;
    let pool = Pool::new(worker_threads(options))?;
    let now = |known: &_| inputs::state_now(known, &fingerprint, &files, &pool, stop);
    let work = match WorkDir::open(&options.out, options.fresh) {
        Err(refused) if !options.fresh => {
            let Some(out) = output_directory::find(&options.out)?.filter(output_directory::is_finished_for_good) else {
                return Err(refused);
            };
            let known = finish::finished_state(&out, None)?;
            return if inputs::is_same_run(&known, &now(&known)?) { Ok(Begun::Finished) } else { Err(refused) };
        }
        other => other?,
    };
    if work.is_complete() {
        let known = finish::finished_state(work.out(), work.state().ok().flatten().as_ref())?;
        let state = now(&known)?;
        let same = inputs::is_same_run(&known, &state);
        if same && finish::outputs_are_there(work.out())? {
            finish::tidy(&work, options.store_limit, observer);
            return Ok(Begun::Finished);
        }
        let why = if same {
            "lacks outputs: they are made again"
        } else {
            "had another plan, other lists or other inputs: what depends on them is done again"
        };
        observer.on_event(&Event::Note(format!("the finished run here {why}")));
        work.begin_again(&state)?;
        let store = Store::new(work, Inputs::new(files.into(), state.inputs), &stages, Some(options.memory))?;
        return Ok(Begun::Going(Box::new(Going { stages, fingerprint, pool, store })));
    }
    let known = work.state()?;
    let state = inputs::state(known.as_ref(), &fingerprint, &files, &pool, stop)?;
    if known.is_some() {
        observer.on_event(&Event::Note("resuming the run found in the output directory".into()));
    } else {
        foretell_disk(loaded, options, &files, observer);
    }
    if known.as_ref() != Some(&state) {
        // Also where the same inputs have moved, or have other times: workers look them up there.
        work.write_state(&state)?;
    }
    let store = Store::new(work, Inputs::new(files.into(), state.inputs), &stages, Some(options.memory))?;
    Ok(Begun::Going(Box::new(Going { stages, fingerprint, pool, store })))
}

/// Says so where the file system has less room than the run will take, roughly: it stops there, and goes on when there is room.
fn foretell_disk(loaded: &LoadedPlan, options: &RunOptions, files: &[InputFile], observer: &dyn Observer) {
    let needed = disk::needed(&loaded.plan, Estimate::of(files, &loaded.plan.input));
    let Some(free) = disk::free(&options.out).filter(|free| *free < needed) else { return };
    let [needed, free] = [needed, free].map(|bytes| bytes >> 20);
    let message = format!(
        "{}: the run takes about {needed} MiB of disk, and {free} MiB are free: it will stop when the disk is full",
        options.out.display()
    );
    observer.on_event(&Event::Note(message));
}

/// As many workers as the memory ceiling allows, at least one.
fn worker_threads(options: &RunOptions) -> usize {
    let affordable = options.memory.saturating_sub(BASE_BYTES) / WORKER_BYTES;
    options.threads.min(usize::try_from(affordable).unwrap_or(usize::MAX)).max(1)
}

/// What needs no look at the data.
fn refuse_early(plan: &Plan, options: &RunOptions) -> Result<()> {
    check_request(plan, options.memory)?;
    if options.out.exists() && !options.out.is_dir() {
        let message = format!("{}: a file stands where the output directory is to be", options.out.display());
        return Err(Error::refused_with_hint(message, "name a new directory with --out"));
    }
    output_directory::refuse_held(&options.out)
}

/// Refuses what no run of the plan can do, wherever it writes.
///
/// # Errors
/// `Refused`: standard input among the inputs, or less memory than a run needs.
pub fn check_request(plan: &Plan, memory: u64) -> Result<()> {
    if plan.input.paths.iter().any(|path| path == "-") {
        let hint = "a run reads its inputs again when it resumes: write them to a file first";
        return Err(Error::refused_with_hint("input.paths: standard input cannot be the input of a run", hint));
    }
    if memory < BASE_BYTES + WORKER_BYTES / 2 {
        let needed = (BASE_BYTES + WORKER_BYTES / 2) >> 20;
        return Err(Error::refused(format!("--memory: a run needs at least {needed} MiB")));
    }
    Ok(())
}
