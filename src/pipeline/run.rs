//! A run from plan to `_SUCCESS`: the passes in order, each resumed where it stopped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::fingerprint;
use super::manifest::Manifest;
use super::observer::{Event, Observer, Stop};
use super::pass::{Gate, Pool};
use super::plan::{LoadedPlan, Plan};
use super::registry::Stages;
use super::work::{InputState, State, WorkDir};
use super::{annotate, claim, duplicates, finish, packing, select, tokens, vocabulary};
use crate::corpus::{self, Cut, InputFile};
use crate::error::{Error, Result};
use crate::io::hash_file;

/// Memory one worker of the first pass may hold: a raw shard, its batches, and an open table.
const WORKER_BYTES: u64 = 160 << 20;
/// Memory for the program, its tables and the dictionary's touched pages.
const BASE_BYTES: u64 = 128 << 20;

/// How to run; nothing here changes a byte of the output.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Output directory.
    pub out: PathBuf,
    /// Worker threads.
    pub threads: usize,
    /// Ceiling of memory in bytes.
    pub memory: u64,
    /// Remove what an earlier run left and start over.
    pub fresh: bool,
}

/// What a finished run tells.
#[derive(Debug, Clone)]
pub struct Report {
    /// The passport of the output.
    pub manifest: Manifest,
    /// Seconds a pass took in this attempt, in order; passes finished earlier are missing.
    pub seconds: Vec<(&'static str, f64)>,
    /// Wall-clock seconds of this attempt.
    pub wall: f64,
    /// The run had finished before; nothing was done.
    pub already_done: bool,
}

/// What every pass needs.
pub(super) struct Context<'a> {
    pub plan: &'a Plan,
    pub stages: &'a Stages,
    pub work: &'a WorkDir,
    pub pool: &'a Pool,
    /// Huge texts pass one at a time.
    pub gate: Gate,
    pub stop: &'a Stop,
    pub observer: &'a dyn Observer,
    pub memory: u64,
    pub fingerprint: &'a str,
    pub inputs: &'a Arc<[InputFile]>,
    pub input_states: &'a [InputState],
    seconds: Mutex<Vec<(&'static str, f64)>>,
}

impl Context<'_> {
    /// Shards are cut by data only, never by threads or memory.
    pub(super) fn cut(&self) -> Cut {
        Cut { shard_bytes: 16 << 20, shard_rows: u64::from(self.plan.shards.rows_max) }
    }

    /// Notes how long a pass took.
    pub(super) fn took(&self, pass: &'static str, seconds: f64) {
        if let Ok(mut all) = self.seconds.lock() {
            all.push((pass, seconds));
        }
    }

    /// An input that changed while it was read must not get into an entry: say which. A write always moves the time of
    /// change, so that entries of an earlier process hold what the state says even if the file was restored since.
    pub(super) fn check_unchanged(&self, inputs: impl Iterator<Item = u32>) -> Result<()> {
        let listed = inputs.map(|i| i as usize).filter_map(|i| Some((self.inputs.get(i)?, self.input_states.get(i)?)));
        for (input, state) in listed {
            // What could not be read when the run began must not have been read since.
            let untouched = !state.blake3.is_empty() && stat(input) == Some((state.bytes, state.mtime.clone()));
            if !untouched && hash(input)? != state.blake3 {
                return Err(changed(&state.path));
            }
        }
        Ok(())
    }
}

fn changed(name: &str) -> Error {
    Error::refused_with_hint(format!("input {name} changed since this run began"), "restore it, or start over with --fresh")
}

/// Size and modification time as they are now.
fn stat(input: &InputFile) -> Option<(u64, String)> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(&input.path).ok()?;
    let mtime = i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec());
    Some((found.len(), mtime.to_string()))
}

/// BLAKE3 of an input; empty for one that is out of reach, as its quarantine will say. A machine that fails is no property of it.
fn hash(input: &InputFile) -> Result<String> {
    match hash_file(&input.path) {
        Ok((_, hash)) => Ok(hash),
        Err(Error::Io { source, .. }) if !corpus::is_of_the_machine(&source) => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// Executes a plan. Started again after an interruption it goes on where it stopped; the bytes are the same.
pub fn run(loaded: &LoadedPlan, options: &RunOptions, stop: &Stop, observer: &dyn Observer) -> Result<Report> {
    let started = Instant::now();
    let plan = &loaded.plan;
    refuse_early(plan, options)?;
    let inputs: Arc<[InputFile]> = inputs(loaded, &options.out, observer)?.into();
    let stages = Stages::new(plan, &loaded.base)?;
    let fingerprint = fingerprint::of(plan, &stages)?;
    let pool = Pool::new(worker_threads(options))?;
    let work = match WorkDir::open(&options.out, options.fresh) {
        Err(_) if !options.fresh && claim::is_finished_for_good(&options.out) => {
            belongs(finish::finished_state(&options.out)?.as_ref(), &fingerprint, &inputs, &pool, stop)?;
            return finish::already_done(&options.out, started);
        }
        other => other?,
    };
    let complete = work.is_complete();
    let known = if complete { finish::finished_state(work.out())? } else { work.state()? };
    let belongs = belongs(known.as_ref(), &fingerprint, &inputs, &pool, stop);
    if complete {
        // A finished run is left as it was, whether it is this one or another.
        if let Err(e) = work.remove_work() {
            observer.on_event(&Event::Note(format!("the work directory could not be removed: {e}")));
        }
        belongs?;
        return finish::already_done(work.out(), started);
    }
    let state = belongs?;
    if known.is_none() {
        work.write_state(&state)?;
    } else {
        observer.on_event(&Event::Note("resuming the run found in the output directory".into()));
    }
    let context = Context {
        plan,
        stages: &stages,
        work: &work,
        pool: &pool,
        gate: Gate::default(),
        stop,
        observer,
        memory: options.memory,
        fingerprint: &fingerprint,
        inputs: &inputs,
        input_states: &state.inputs,
        seconds: Mutex::default(),
    };
    let manifest = passes(&context, &inputs)?;
    let seconds = context.seconds.into_inner().unwrap_or_default();
    let report = Report { manifest, seconds, wall: started.elapsed().as_secs_f64(), already_done: false };
    finish::commit(&work, &report, pool.threads(), observer)?;
    Ok(report)
}

/// The way the text goes, from fold to fold.
fn passes(context: &Context<'_>, inputs: &Arc<[InputFile]>) -> Result<Manifest> {
    let shards = annotate::run(context, inputs)?; // read ─ decode ─ normalise ─ segment ─ annotate
    let verdicts = duplicates::run(context, shards)?; // ▣ which documents repeat which
    let selected = select::run(context, &verdicts)?; // decide, and count the pieces of what stays
    let vocabulary = vocabulary::run(context, selected.len())?; // ▣ train BPE
    let tokens = tokens::run(context, &selected, &vocabulary)?; // encode ─ shard
    let packed = packing::run(context, &tokens, &vocabulary)?; // ▣ pack
    finish::manifest(context, shards, &selected, &vocabulary, &tokens, &packed)
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
    claim::refuse_held(&options.out)
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

/// The inputs of the plan. A run that read what it writes would never be the same twice: OUT is left out.
fn inputs(loaded: &LoadedPlan, out: &Path, observer: &dyn Observer) -> Result<Vec<InputFile>> {
    let mut inputs = corpus::expand(&loaded.plan.input, &loaded.base)?;
    if let Ok(out) = out.canonicalize() {
        let before = inputs.len();
        inputs.retain(|input| !input.path.canonicalize().is_ok_and(|path| path.starts_with(&out)));
        if inputs.is_empty() {
            return Err(Error::refused_with_hint("all inputs lie inside the output directory", "name another --out"));
        }
        if inputs.len() < before {
            observer.on_event(&Event::Note(format!("{} files inside the output directory are not read", before - inputs.len())));
        }
    }
    Ok(inputs)
}

/// The inputs as they are now. What size and time say is unchanged keeps the hash known from before.
fn input_states(inputs: &[InputFile], known: Option<&State>, pool: &Pool, stop: &Stop) -> Result<Vec<InputState>> {
    let known: BTreeMap<&str, &InputState> =
        known.iter().flat_map(|state| &state.inputs).map(|input| (input.path.as_str(), input)).collect();
    let states: Vec<Mutex<Option<Result<InputState>>>> = inputs.iter().map(|_| Mutex::new(None)).collect();
    pool.parallel(inputs.len(), &|i| {
        let input = &inputs[i];
        let mtime = input.mtime_ns.to_string();
        let before =
            known.get(input.name.as_str()).filter(|before| before.bytes == input.bytes && before.mtime == mtime && !mtime.is_empty());
        let blake3 = match before {
            Some(before) => Ok(before.blake3.clone()),
            None if stop.check().is_err() => Ok(String::new()),
            None => hash(input),
        };
        if let Ok(mut slot) = states[i].lock() {
            *slot = Some(blake3.map(|blake3| input_state(input, blake3)));
        }
    });
    stop.check()?;
    states
        .into_iter()
        .map(|slot| slot.into_inner().ok().flatten().unwrap_or_else(|| Err(Error::internal("an input was not looked at"))))
        .collect()
}

/// The state of this run, if it is the one that the directory belongs to. What can be told without reading inputs is told first.
fn belongs(known: Option<&State>, fingerprint: &str, inputs: &[InputFile], pool: &Pool, stop: &Stop) -> Result<State> {
    if let Some(known) = known {
        let unhashed = inputs.iter().map(|input| input_state(input, String::new())).collect();
        same_run(known, &State::new(fingerprint.to_owned(), unhashed))?;
    }
    let state = State::new(fingerprint.to_owned(), input_states(inputs, known, pool, stop)?);
    let same = |(then, now): (&InputState, &InputState)| if then.blake3 == now.blake3 { Ok(()) } else { Err(changed(&now.path)) };
    known.map_or(Ok(()), |known| known.inputs.iter().zip(&state.inputs).try_for_each(same))?;
    Ok(state)
}

fn input_state(input: &InputFile, blake3: String) -> InputState {
    InputState { path: input.name.clone(), bytes: input.bytes, mtime: input.mtime_ns.to_string(), blake3 }
}

/// The directory must belong to the same plan, dictionary, tool and inputs (hashes aside).
fn same_run(known: &State, now: &State) -> Result<()> {
    let differs = |what: String| Err(Error::refused_with_hint(what, "start over with --fresh, or name another --out"));
    if known.version != now.version || known.seimai != now.seimai {
        return differs(format!("the run in the output directory was begun by Seimai {} (this is {})", known.seimai, now.seimai));
    }
    if known.fingerprint != now.fingerprint {
        return differs("the run in the output directory has another plan or dictionary".into());
    }
    for (then, input) in known.inputs.iter().zip(&now.inputs) {
        if then.path != input.path {
            return differs(format!("the run in the output directory read {} where this one reads {}", then.path, input.path));
        }
        if then.bytes != input.bytes {
            return Err(changed(&input.path));
        }
    }
    if known.inputs.len() != now.inputs.len() {
        return differs(format!("the run in the output directory has {} inputs, this one {}", known.inputs.len(), now.inputs.len()));
    }
    Ok(())
}

/// Largest resident memory of this process so far, in bytes; 0 where the system does not tell.
pub fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse::<u64>().ok()).map_or(0, |kib| kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_out_of_reach_has_no_hash() {
        let dir = tempfile::tempdir().unwrap();
        let input = |path: PathBuf| InputFile { path, name: "x".into(), bytes: 0, mtime_ns: 0 };
        assert_eq!(hash(&input(dir.path().join("gone"))).unwrap(), "");
        assert_eq!(hash(&input(dir.path().to_path_buf())).unwrap(), "", "a directory that could not be listed");
        // Nothing is mapped at address 0: reading there is EIO, as of a bad disk.
        let broken = PathBuf::from("/proc/self/mem");
        if std::fs::File::open(&broken).is_ok() {
            let error = hash(&input(broken)).unwrap_err();
            assert_eq!(error.exit_code(), 1, "{error}");
            assert!(error.to_string().contains("/proc/self/mem"), "{error}");
        }
    }
}
