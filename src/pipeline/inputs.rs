//! The inputs of a run: what they were when it began, and whether they still are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::loaded_plan::LoadedPlan;
use super::observer::{Event, Observer, Stop};
use super::pool::Pool;
use super::work_dir::{InputState, State};
use crate::corpus::{self, InputFile, escape_name, unescape_name};
use crate::error::{Error, Result, Subject, is_of_the_machine};
use crate::io::{Input, hash_file, is_object};

/// The inputs, in order.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) files: Arc<[InputFile]>,
    pub(super) states: Vec<InputState>,
    /// Size and time of inputs that were hashed since the run began and found to be the same.
    same: Mutex<BTreeMap<u32, Stat>>,
}

/// Size and modification time.
type Stat = Option<(u64, String)>;

impl Inputs {
    pub(super) fn new(files: Arc<[InputFile]>, states: Vec<InputState>) -> Self {
        Self { files, states, same: Mutex::default() }
    }

    /// The inputs that a state tells of.
    pub(super) fn of_state(state: State) -> Result<Self> {
        let file = |state: &InputState| {
            let lost = || Error::internal(format!("the state of the run does not say where {} is", state.path));
            let path = unescape_name(&state.file).filter(|path| !path.is_empty()).map(PathBuf::from).ok_or_else(lost)?;
            Ok(InputFile {
                path,
                name: state.path.clone(),
                bytes: state.bytes,
                mtime_ns: state.mtime.parse().unwrap_or(0),
                part: state.part.clone(),
            })
        };
        let files = state.inputs.iter().map(file).collect::<Result<Vec<_>>>()?;
        Ok(Self::new(files.into(), state.inputs))
    }

    /// An input that changed while it was read must not get into an entry: say which. A write always moves the time of
    /// change, so that entries of an earlier process hold what the state says even if the file was restored since.
    pub(super) fn check_unchanged(&self, inputs: impl Iterator<Item = u32>) -> Result<()> {
        let mut looked_at = None;
        for i in inputs {
            let Some((input, state)) = self.files.get(i as usize).zip(self.states.get(i as usize)) else { continue };
            // The members of an archive stand together.
            if input.part.is_some() && looked_at.replace(&input.path) == Some(&input.path) {
                continue;
            }
            let now = stat(input);
            // What could not be read when the run began must not have been read since.
            let is_untouched = !state.blake3.is_empty() && now == Some((input.size_on_disk(), state.mtime.clone()));
            if is_untouched || now.is_some() && self.same.lock().is_ok_and(|same| same.get(&i) == Some(&now)) {
                continue;
            }
            if hash(input)? != state.blake3 {
                return Err(changed(&state.path));
            }
            if let (Some(_), Ok(mut same)) = (&now, self.same.lock()) {
                same.insert(i, now);
            }
        }
        Ok(())
    }
}

/// The inputs of the plan. A run that read what it writes would never be the same twice: OUT is left out.
pub(super) fn list(loaded: &LoadedPlan, out: &Path, observer: &dyn Observer) -> Result<Vec<InputFile>> {
    let mut inputs = corpus::expand(&loaded.plan.input, &loaded.base)?;
    if let Ok(out) = out.canonicalize() {
        let before = inputs.len();
        let mut last = None;
        inputs.retain(|input| {
            let known = last.take().filter(|(path, _)| *path == input.path);
            let (path, is_ours) =
                known.unwrap_or_else(|| (input.path.clone(), input.path.canonicalize().is_ok_and(|path| path.starts_with(&out))));
            last = Some((path, is_ours));
            !is_ours
        });
        if inputs.is_empty() {
            return Err(Error::refused_with_hint("all inputs lie inside the output directory", "name another --out"));
        }
        if inputs.len() < before {
            observer.on_event(&Event::Note(format!("{} files inside the output directory are not read", before - inputs.len())));
        }
    }
    Ok(inputs)
}

/// The state of this run, if it is the one that the directory belongs to. What can be told without reading inputs is told first.
pub(super) fn state(known: Option<&State>, fingerprint: &str, inputs: &[InputFile], pool: &Pool, stop: &Stop) -> Result<State> {
    if let Some(known) = known {
        let unhashed = inputs.iter().map(|input| input_state(input, String::new())).collect();
        same_run(known, &State::new(fingerprint.to_owned(), unhashed))?;
    }
    let state = State::new(fingerprint.to_owned(), input_states(inputs, known, pool, stop)?);
    let same = |(then, now): (&InputState, &InputState)| if then.blake3 == now.blake3 { Ok(()) } else { Err(changed(&now.path)) };
    known.map_or(Ok(()), |known| known.inputs.iter().zip(&state.inputs).try_for_each(same))?;
    Ok(state)
}

/// The state of a run that would begin now; what `known` says is unchanged is not read.
pub(super) fn state_now(known: &State, fingerprint: &str, inputs: &[InputFile], pool: &Pool, stop: &Stop) -> Result<State> {
    Ok(State::new(fingerprint.to_owned(), input_states(inputs, Some(known), pool, stop)?))
}

/// Is it a run of the same plan over the same inputs?
pub(super) fn is_same_run(known: &State, now: &State) -> bool {
    same_run(known, now).is_ok() && known.inputs.iter().zip(&now.inputs).all(|(then, now)| then.blake3 == now.blake3)
}

/// The inputs as they are now. What size and time say is unchanged keeps the hash known from before.
fn input_states(inputs: &[InputFile], known: Option<&State>, pool: &Pool, stop: &Stop) -> Result<Vec<InputState>> {
    let known: BTreeMap<&str, &InputState> =
        known.iter().flat_map(|state| &state.inputs).map(|input| (input.path.as_str(), input)).collect();
    // The members of an archive stand together, and are hashed as one file.
    let mut files: Vec<std::ops::Range<usize>> = Vec::new();
    for (i, input) in inputs.iter().enumerate() {
        match files.last_mut() {
            Some(file) if input.part.is_some() && inputs[file.start].path == input.path => file.end = i + 1,
            _ => files.push(i..i + 1),
        }
    }
    let hashes: Vec<Mutex<Option<Result<String>>>> = files.iter().map(|_| Mutex::new(None)).collect();
    pool.parallel(files.len(), &|i| {
        let input = &inputs[files[i].start];
        let mtime = input.mtime_ns.to_string();
        let is_same =
            |before: &&&InputState| before.bytes == input.bytes && before.part == input.part && before.mtime == mtime && !mtime.is_empty();
        let blake3 = match known.get(input.name.as_str()).filter(is_same) {
            Some(before) => Ok(before.blake3.clone()),
            None if stop.check().is_err() => Ok(String::new()),
            None => hash(input),
        };
        if let Ok(mut slot) = hashes[i].lock() {
            *slot = Some(blake3);
        }
    });
    stop.check()?;
    let mut states = Vec::with_capacity(inputs.len());
    for (file, slot) in files.into_iter().zip(hashes) {
        let blake3 = slot.into_inner().ok().flatten().unwrap_or_else(|| Err(Error::internal("an input was not looked at")))?;
        states.extend(inputs[file].iter().map(|input| input_state(input, blake3.clone())));
    }
    Ok(states)
}

fn input_state(input: &InputFile, blake3: String) -> InputState {
    let absolute = if is_object(&input.path) { None } else { std::path::absolute(&input.path).ok() };
    let absolute = absolute.unwrap_or_else(|| input.path.clone());
    let file = escape_name(absolute.as_os_str());
    InputState { path: input.name.clone(), file, bytes: input.bytes, mtime: input.mtime_ns.to_string(), blake3, part: input.part.clone() }
}

/// The directory must belong to the same plan, dictionary, tool and inputs (hashes aside).
fn same_run(known: &State, now: &State) -> Result<()> {
    let differs =
        |what: String| Err(Error::refused_with_hint(what, "start over with --fresh, or name another --out").about(Subject::Fingerprint));
    if known.version != now.version || known.seimai != now.seimai {
        return differs(format!("the run in the output directory was begun by Seimai {} (this is {})", known.seimai, now.seimai));
    }
    if known.fingerprint != now.fingerprint {
        return differs("the run in the output directory has another plan, dictionary or list".into());
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

fn changed(name: &str) -> Error {
    Error::refused_with_hint(format!("input {name} changed since this run began"), "restore it, or start over with --fresh")
}

/// Size and modification time as they are now.
fn stat(input: &InputFile) -> Option<(u64, String)> {
    let found = crate::io::stat(&input.path).ok()?;
    Some((found.bytes, found.changed.to_string()))
}

/// BLAKE3 of an input; empty for one that is out of reach, as its quarantine will say. A machine that fails is no property of it.
fn hash(input: &InputFile) -> Result<String> {
    if is_object(&input.path) {
        return match Input::open(&input.path).and_then(Input::hash) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            hashed => hashed.map_err(|error| Error::io(&input.path, "read", error)),
        };
    }
    match hash_file(&input.path) {
        Ok((_, hash)) => Ok(hash),
        Err(Error::Io { source, .. }) if !is_of_the_machine(&source) => Ok(String::new()),
        Err(Error::Refused { .. }) => Ok(String::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_out_of_reach_has_no_hash() {
        let dir = tempfile::tempdir().unwrap();
        let input = |path: PathBuf| InputFile { path, name: "x".into(), bytes: 0, mtime_ns: 0, part: None };
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
