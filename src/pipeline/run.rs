//! A run from plan to `_SUCCESS`, alone (several processes: `joint.rs`): it begins, or goes on where it stopped.

use std::sync::Mutex;
use std::time::Instant;

use super::context::Context;
use super::inputs::{self, Inputs};
use super::loaded_plan::LoadedPlan;
use super::observer::{Event, Observer, Stop};
use super::plan::Plan;
use super::pool::Pool;
use super::registry::Stages;
use super::report::{Report, RunOptions};
use super::run_log::{self, RunLog};
use super::share::{Halt, Progressed, Together};
use super::store::Store;
use super::way::Way;
use super::work_dir::{State, WorkDir};
use super::{disk, fingerprint, finish, frame, output_directory};
use crate::corpus::{Estimate, InputFile, ShardRef};
use crate::error::{Error, Result};
use crate::io::{is_object, memory_of_ranges};

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
    let log = RunLog::new(options, None);
    let ended = run_logged(loaded, options, stop, &log, &log.with(observer));
    log.ended(&ended, observer);
    ended
}

fn run_logged(loaded: &LoadedPlan, options: &RunOptions, stop: &Stop, log: &RunLog, observer: &dyn Observer) -> Result<Report> {
    let started = Instant::now();
    let begun = begin(loaded, options, stop, log, observer)?;
    let Begun::Going(going) = begun else { return finish::already_done(&options.out, started) };
    let context = going.context(options, stop, observer, Together::alone());
    let mut way = Way::default();
    whole(way.go(&context))?;
    let manifest = way.manifest(&context)?;
    let seconds = context.seconds.into_inner().unwrap_or_default();
    let report = Report { manifest, seconds, wall: started.elapsed().as_secs_f64(), already_done: false };
    finish::commit(&going.store.work, &report, going.pool.threads())?;
    finish::tidy(&going.store.work, options.store_limit, observer);
    Ok(report)
}

/// Begins a run and finds its work shards, so that other processes can work on them ([`Store::join`],
/// [`run_shard`](super::shard::run_shard)); `run` does what they leave. Gives the shards, none for a run that has finished.
///
/// # Errors
/// As [`run`].
pub fn prepare(loaded: &LoadedPlan, options: &RunOptions, stop: &Stop, observer: &dyn Observer) -> Result<Vec<ShardRef>> {
    let log = RunLog::new(options, None);
    let logged = log.with(observer);
    let framed = begin(loaded, options, stop, &log, &logged).and_then(|begun| match begun {
        Begun::Finished => Ok(Vec::new()),
        Begun::Going(going) => whole(frame::run(&going.context(options, stop, &logged, Together::alone()))),
    });
    framed.inspect_err(|error| log.failed(error, observer))
}

/// What a process that has the run alone brings to its end.
fn whole<T>(progressed: Progressed<T>) -> Result<T> {
    progressed.map_err(|halt| match halt {
        Halt::Failed(error) => error,
        Halt::Lacking(_) | Halt::Done(_) => Error::internal("a run that nobody shares waits for others"),
    })
}

/// A run that has begun, now or earlier.
pub(super) enum Begun {
    /// There is work to do.
    Going(Box<Going>),
    /// It had finished before.
    Finished,
}

/// A run with work to do: everything that a process of it has.
pub(super) struct Going {
    pub(super) stages: Stages,
    pub(super) fingerprint: String,
    pub(super) pool: Pool,
    pub(super) store: Store,
}

impl Going {
    pub(super) fn context<'a>(
        &'a self,
        options: &RunOptions,
        stop: &'a Stop,
        observer: &'a dyn Observer,
        together: Together,
    ) -> Context<'a> {
        Context {
            stages: &self.stages,
            store: &self.store,
            pool: &self.pool,
            stop,
            observer,
            memory: options.memory,
            fingerprint: &self.fingerprint,
            together,
            seconds: Mutex::default(),
        }
    }
}

/// What a run is made of, before it has a place.
pub(super) struct Wanted<'a> {
    loaded: &'a LoadedPlan,
    pub(super) options: &'a RunOptions,
    stop: &'a Stop,
    log: &'a RunLog,
    pub(super) observer: &'a dyn Observer,
    files: Vec<InputFile>,
    stages: Stages,
    pub(super) fingerprint: String,
    pool: Pool,
}

impl<'a> Wanted<'a> {
    /// `observer` is told, and hands on to the log.
    pub(super) fn new(
        loaded: &'a LoadedPlan,
        options: &'a RunOptions,
        stop: &'a Stop,
        log: &'a RunLog,
        observer: &'a dyn Observer,
    ) -> Result<Self> {
        let files = inputs::list(loaded, &options.out, observer)?;
        let stages = Stages::new(&loaded.plan, &loaded.base)?;
        stages.lists.evaluation.check_memory(options.memory)?;
        let fingerprint = fingerprint::of(&loaded.plan, &stages)?;
        let from_stores = files.iter().any(|file| is_object(&file.path));
        let pool = Pool::new(worker_threads(options, from_stores))?;
        Ok(Self { loaded, options, stop, log, observer, files, stages, fingerprint, pool })
    }

    /// The state that this run has if it begins now; what `known` says is unchanged is not read.
    pub(super) fn now(&self, known: &State) -> Result<State> {
        inputs::state_now(known, &self.fingerprint, &self.files, &self.pool, self.stop)
    }

    /// Begins, or goes on, in a directory that this process has alone.
    pub(super) fn begin(self, work: WorkDir) -> Result<Begun> {
        if work.is_complete() {
            let known = finish::finished_state(work.out(), work.state().ok().flatten().as_ref())?;
            let state = self.now(&known)?;
            let same = inputs::is_same_run(&known, &state);
            if same && finish::outputs_are_there(work.out())? {
                finish::tidy(&work, self.options.store_limit, self.observer);
                return Ok(Begun::Finished);
            }
            let why = if same {
                "lacks outputs: they are made again"
            } else {
                "had another plan, other lists or other inputs: what depends on them is done again"
            };
            self.observer.on_event(&Event::Note(format!("the finished run here {why}")));
            work.begin_again(&state)?;
            return self.go(work, state);
        }
        let known = work.state()?;
        let state = self.state(known.as_ref())?;
        if known.is_some() {
            self.observer.on_event(&Event::Note("resuming the run found in the output directory".into()));
        } else {
            foretell_disk(self.loaded, self.options, &self.files, self.observer);
        }
        if known.as_ref() != Some(&state) {
            // Also where the same inputs have moved, or have other times: workers look them up there.
            work.write_state(&state)?;
        }
        self.go(work, state)
    }

    /// The state of this run, if it is the one that the directory belongs to.
    pub(super) fn state(&self, known: Option<&State>) -> Result<State> {
        inputs::state(known, &self.fingerprint, &self.files, &self.pool, self.stop)
    }

    /// Everything is settled.
    pub(super) fn go(self, work: WorkDir, state: State) -> Result<Begun> {
        let Self { options, files, stages, fingerprint, pool, log, observer, .. } = self;
        let from_stores = files.iter().any(|file| is_object(&file.path));
        if let Some(what) = held_back(options, pool.threads(), from_stores) {
            observer.on_event(&Event::Note(what));
        }
        // Not before: a directory in which nothing but a log stands is not known for that of a run.
        log.start(work.out(), &run_log::Begun { fingerprint: &fingerprint, workers: pool.threads(), inputs: files.len() }, observer);
        let store = Store::new(work, Inputs::new(files.into(), state.inputs), &stages, Some(options.memory))?;
        Ok(Begun::Going(Box::new(Going { stages, fingerprint, pool, store })))
    }
}

/// Takes the output directory, if it is new or of this very run.
fn begin(loaded: &LoadedPlan, options: &RunOptions, stop: &Stop, log: &RunLog, observer: &dyn Observer) -> Result<Begun> {
    refuse_early(&loaded.plan, options)?;
    output_directory::refuse_held(&options.out)?;
    let wanted = Wanted::new(loaded, options, stop, log, observer)?;
    match WorkDir::open(&options.out, options.fresh) {
        Err(refused) if !options.fresh => {
            let Some(out) = output_directory::find(&options.out)?.filter(output_directory::is_finished_for_good) else {
                return Err(refused);
            };
            let known = finish::finished_state(&out, None)?;
            if inputs::is_same_run(&known, &wanted.now(&known)?) { Ok(Begun::Finished) } else { Err(refused) }
        }
        work => wanted.begin(work?),
    }
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

/// As many workers as the memory ceiling allows, at least one. Each that reads objects of a store holds ranges of them too.
fn worker_threads(options: &RunOptions, from_stores: bool) -> usize {
    let of_ranges = if from_stores { memory_of_ranges(1) } else { 0 };
    let affordable = options.memory.saturating_sub(BASE_BYTES) / (WORKER_BYTES + of_ranges);
    options.threads.min(usize::try_from(affordable).unwrap_or(usize::MAX)).max(1)
}

/// Says what memory would let all threads work.
fn held_back(options: &RunOptions, workers: usize, from_stores: bool) -> Option<String> {
    let needed = memory_for(options.threads, from_stores).div_ceil(1 << 20);
    let threads = options.threads;
    (workers < threads).then(|| format!("this memory lets {workers} of {threads} threads work: --memory {needed}MiB would let all of them"))
}

/// Memory with which so many workers work.
fn memory_for(workers: usize, from_stores: bool) -> u64 {
    let of_ranges = if from_stores { memory_of_ranges(1) } else { 0 };
    BASE_BYTES + workers as u64 * (WORKER_BYTES + of_ranges)
}

/// What needs no look at the data.
pub(super) fn refuse_early(plan: &Plan, options: &RunOptions) -> Result<()> {
    check_request(plan, options.memory)?;
    if is_object(&options.out) {
        let message = format!("{}: a run works in a directory of this machine, and is sent to a store from there", options.out.display());
        return Err(Error::refused_with_hint(message, "seimai run PLAN --out s3://BUCKET/PLACE --work DIR"));
    }
    if options.out.exists() && !options.out.is_dir() {
        let message = format!("{}: a file stands where the output directory is to be", options.out.display());
        return Err(Error::refused_with_hint(message, "name a new directory with --out"));
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_that_is_named_lets_all_threads_work() {
        for (threads, from_stores) in [(2, false), (6, false), (64, true)] {
            let with = |memory| RunOptions { out: "out".into(), threads, memory, fresh: false, store_limit: None };
            let little = with(300 << 20);
            let workers = worker_threads(&little, from_stores);
            let said = held_back(&little, workers, from_stores).unwrap();
            let needed: u64 = said.split("--memory ").nth(1).unwrap().split("MiB").next().unwrap().parse().unwrap();
            assert_eq!(worker_threads(&with(needed << 20), from_stores), threads, "{said}");
            assert!(worker_threads(&with((needed - 1) << 20), from_stores) < threads, "no less would do: {said}");
            assert_eq!(held_back(&with(needed << 20), threads, from_stores), None);
        }
    }
}
