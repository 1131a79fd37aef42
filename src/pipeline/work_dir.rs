//! The output directory while a run is under way: lock, state, entries, and files that get their final names. Its names: `layout.rs`.
//!
//! A unit's files are durable before its entry is. What holds at a resume is used, anything else is done again.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Mutex;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::layout::{ENTRIES, LOCK, STATE, SUCCESS, TMP, USED, WORK};
use super::output_directory::{self, Entered, Standing};
use super::waits::Stopwatch;
use crate::corpus::Part;
use crate::error::{Error, Result, Subject};
use crate::io::{Dir, FileEntry, Found, Located, Place, StagedFile, Staging, TemporaryDir, hash_file, read_limited, seal, unseal};

/// Version of the layout under `.work/`.
const WORK_VERSION: u32 = 3;
/// An entry or state file larger than this is not ours.
const ENTRY_BYTES_MAX: u64 = 1 << 30;

/// What the directory belongs to. Another plan, dictionary, tool version or input makes it another run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// Layout version.
    pub(super) version: u32,
    /// Version of Seimai.
    pub(super) seimai: String,
    /// Fingerprint of plan, dictionary and stages.
    pub(super) fingerprint: String,
    /// The inputs, in order.
    pub(super) inputs: Vec<InputState>,
}

/// An input as it was when the run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InputState {
    /// Manifest name.
    pub(super) path: String,
    /// Where the file is: an absolute path, escaped. Not part of what makes it the same input.
    pub(super) file: String,
    /// Bytes on disk.
    pub(super) bytes: u64,
    /// Modification time, nanoseconds since 1970, as text (JSON numbers are too short).
    pub(super) mtime: String,
    /// BLAKE3 of the file; empty if it could not be read.
    pub blake3: String,
    /// Which part of the file, if it is an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) part: Option<Part>,
}

impl State {
    /// The state of a new run.
    pub(super) fn new(fingerprint: String, inputs: Vec<InputState>) -> Self {
        Self { version: WORK_VERSION, seimai: env!("CARGO_PKG_VERSION").to_owned(), fingerprint, inputs }
    }
}

/// A finished unit: outputs (relative to OUT) and what the later passes want to know of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry<T> {
    /// Layout version.
    version: u32,
    /// Files made, durable before this entry.
    pub files: Vec<FileEntry>,
    /// Counts and facts.
    pub facts: T,
}

impl<T> Entry<T> {
    /// An entry to be committed.
    pub(super) fn new(files: Vec<FileEntry>, facts: T) -> Self {
        Self { version: WORK_VERSION, files, facts }
    }
}

/// An output directory that this process has locked.
#[derive(Debug)]
pub(super) struct WorkDir {
    /// Held open: everything of the run is found below it.
    out: Dir,
    staging: Staging,
    /// Units whose files were compared with their entry, or made, by this process, `pass/unit`.
    trusted: Mutex<BTreeSet<String>>,
    /// Entries that this run is made of, `pass/unit`.
    used: Mutex<BTreeSet<String>>,
    lock: Option<File>,
    /// How long workers brought files to their end.
    pub(super) writing: Stopwatch,
    /// Where files are born, of this process alone, if others work here too.
    shared: Option<TemporaryDir>,
}

/// How a process that shares a run finds its directory.
pub(super) enum Entrance {
    /// Nobody else is there: it may begin the run, and then lets others in ([`WorkDir::let_others_in`]).
    First(WorkDir),
    /// Others are at work.
    Among(WorkDir),
    /// Another one is beginning the run.
    Wait,
}

impl WorkDir {
    /// Locks `out`, which must be new, empty, or of a run of ours; `fresh` removes what an earlier run left.
    pub(super) fn open(out: &Path, fresh: bool) -> Result<Self> {
        Self::open_after(out, fresh, || {})
    }

    /// [`WorkDir::open`]; `meanwhile` is what others may do before the lock is ours.
    fn open_after(out: &Path, fresh: bool, meanwhile: impl FnOnce()) -> Result<Self> {
        // Before the first write: a directory of others is not touched.
        let there = output_directory::find(out)?;
        there.as_ref().map_or(Ok(Standing::New), output_directory::standing)?;
        let out = there.map_or_else(|| Dir::create(out), Ok).map_err(output_directory::refuse_unwritable)?;
        // What the user calls it may be the last of several names: where it lies, its name is made durable.
        Dir::open(above(out.path()))?.sync()?;
        meanwhile();
        let lock = output_directory::lock(&out)?;
        // What is cleared is decided under the lock: another run may have begun and finished since.
        let standing = output_directory::standing(&out)?;
        if fresh || matches!(standing, Standing::New | Standing::HalfCleared) {
            output_directory::clear(&out)?;
        }
        let staging = Staging::within(out.at(WORK).at(TMP).create_dir()?);
        staging.clear()?;
        // What is unfinished beside the outputs, and nobody's, goes too.
        drop(Staging::beside(out.clone()));
        Ok(Self::of(out, staging, Some(lock), None))
    }

    fn of(out: Dir, staging: Staging, lock: Option<File>, shared: Option<TemporaryDir>) -> Self {
        Self { out, staging, trusted: Mutex::default(), used: Mutex::default(), lock, writing: Stopwatch::default(), shared }
    }

    /// Opens `out` for one of several processes. Nothing that another may be at work on is removed: each has a directory for what is unfinished,
    /// and on a file system whose locks are those of one machine, one machine leaves those of others alone.
    pub(super) fn open_shared(out: &Path) -> Result<Entrance> {
        let there = output_directory::find(out)?;
        there.as_ref().map_or(Ok(Standing::New), output_directory::standing)?;
        let out = there.map_or_else(|| Dir::create(out), Ok).map_err(output_directory::refuse_unwritable)?;
        Dir::open(above(out.path()))?.sync()?;
        let (lock, is_first) = match output_directory::enter(&out)? {
            Entered::First(lock) => (lock, true),
            Entered::Among(lock) => (Some(lock), false),
            Entered::Wait => return Ok(Entrance::Wait),
        };
        if output_directory::standing(&out)? == Standing::HalfCleared {
            let message = format!("{}: an earlier run was being removed here", out.path().display());
            return Err(Error::refused_with_hint(
                message,
                "remove the directory, or have it removed by `seimai run --fresh` without --shard",
            ));
        }
        let own = TemporaryDir::new(&out.at(WORK).at(TMP).create_dir()?, &format!("of-{}-", this_boot()))?;
        let work = Self::of(out, Staging::within(own.dir().clone()), lock, Some(own));
        Ok(if is_first { Entrance::First(work) } else { Entrance::Among(work) })
    }

    /// What had to be done alone is done: others may come. Says whether nothing came in between.
    pub(super) fn let_others_in(&self) -> Result<bool> {
        self.lock.as_ref().map_or(Ok(true), |lock| output_directory::let_others_in(&self.out, lock))
    }

    /// Gives up its place among others.
    pub(super) fn unlock(&self) -> Result<()> {
        self.lock.as_ref().map_or(Ok(()), |lock| lock.unlock().map_err(|e| self.in_work(LOCK).failed("unlock", e)))
    }

    /// Gives up its place among others, and has the directory alone if it was the last: then what killed processes left is removed.
    pub(super) fn outlast_others(&mut self) -> Result<bool> {
        if let Some(lock) = self.lock.as_ref()
            && !output_directory::outlast_others(&self.out, lock)?
        {
            return Ok(false);
        }
        self.shared = None;
        Staging::within(self.out.at(WORK).at(TMP).create_dir()?).clear()?;
        Ok(true)
    }

    /// Marks that this process works on what only one needs to do: the fold of a pass. `None` while another does. It saves work and no more:
    /// where a file system has no locks, or those of one machine only, several do it, with the same bytes.
    pub(super) fn claim(&self, pass: &str) -> Result<Option<Claim>> {
        let dir = self.in_work(pass);
        dir.create_dir()?;
        let file = Located::open(&dir).map_err(|e| dir.failed("open", e))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(Claim(file))),
        }
    }

    /// The names of the entries of a pass.
    pub(super) fn entries(&self, pass: &str) -> Result<Vec<OsString>> {
        self.in_work(pass).at(ENTRIES).list()
    }

    /// Joins others in working on a run that has begun in `out`.
    pub(super) fn join(out: &Path) -> Result<Self> {
        let nothing = || {
            let message = format!("{}: no run has begun here that could be worked on", out.display());
            Error::refused_with_hint(message, "begin it first, or finish it with `seimai run`")
        };
        let out = output_directory::find(out)?.ok_or_else(nothing)?;
        let begun = || out.at(WORK).at(STATE).is_file() && !out.at(SUCCESS).exists();
        if !begun() || output_directory::standing(&out)? != Standing::Ours {
            return Err(nothing());
        }
        let lock = output_directory::lock_shared(&out)?.filter(|_| begun()).ok_or_else(nothing)?;
        let staging = Staging::within(out.at(WORK).at(TMP).create_dir()?);
        Ok(Self::of(out, staging, Some(lock), None))
    }

    /// The output directory.
    pub(super) fn out(&self) -> &Dir {
        &self.out
    }

    /// A place in it.
    pub(super) fn at(&self, path: &str) -> Place {
        self.out.at(path)
    }

    /// Where files are born.
    pub(super) fn staging(&self) -> &Staging {
        &self.staging
    }

    /// `OUT/<path>`, its directory made.
    pub(super) fn output(&self, path: &str) -> Result<Place> {
        let target = self.at(path);
        target.create_parent()?;
        Ok(target)
    }

    /// Has a run finished here?
    pub(super) fn is_complete(&self) -> bool {
        self.out.at(SUCCESS).exists()
    }

    /// The state file, if a run has begun here.
    pub(super) fn state(&self) -> Result<Option<State>> {
        let place = self.in_work(STATE);
        if place.look()?.is_none() {
            return Ok(None);
        }
        let unreadable = |what: String| {
            Error::refused_with_hint(
                format!("{}: {what}", place.path().display()),
                "use the Seimai that began this run, another --out, or --fresh to start over",
            )
        };
        let bytes = read_limited(&place, ENTRY_BYTES_MAX)?;
        let line = unseal(&bytes).ok_or_else(|| unreadable("the state of the run is damaged".into()))?;
        serde_json::from_slice(line).map(Some).map_err(|e| unreadable(format!("the state of the run cannot be read ({e})")))
    }

    /// Writes the state file.
    pub(super) fn write_state(&self, state: &State) -> Result<()> {
        self.write_sealed(&self.in_work(STATE), state)
    }

    /// The entry of a unit that must be there by now.
    pub(super) fn required<T: DeserializeOwned>(&self, pass: &str, unit: &str) -> Result<Entry<T>> {
        self.committed(pass, unit)?.ok_or_else(|| Error::internal(format!("{pass}: unit {unit} is not committed")))
    }

    /// The entry of a unit, if it is committed and its files are what it says. The first time a process meets an entry of an
    /// earlier one it compares their bytes; what does not hold is done again. Where several processes share a run, each unit's bytes are
    /// compared by one ([`WorkDir::committed_to_the_byte`]), and the others look at sizes.
    ///
    /// # Errors
    /// What is there and cannot be read: a failing machine must not make a finished unit look like one that never was.
    pub(super) fn committed<T: DeserializeOwned>(&self, pass: &str, unit: &str) -> Result<Option<Entry<T>>> {
        self.look_up(pass, unit, self.shared.is_none())
    }

    /// The same; bytes are compared in any case.
    pub(super) fn committed_to_the_byte<T: DeserializeOwned>(&self, pass: &str, unit: &str) -> Result<Option<Entry<T>>> {
        self.look_up(pass, unit, true)
    }

    fn look_up<T: DeserializeOwned>(&self, pass: &str, unit: &str, to_the_byte: bool) -> Result<Option<Entry<T>>> {
        let Some(bytes) = if_there(read_limited(&self.entry_place(pass, unit), ENTRY_BYTES_MAX))? else { return Ok(None) };
        let parsed = unseal(&bytes).and_then(|line| serde_json::from_slice::<Entry<T>>(line).ok());
        let Some(entry) = parsed.filter(|entry| entry.version == WORK_VERSION) else { return Ok(None) };
        let is_trusted = self.trusted.lock().is_ok_and(|trusted| trusted.contains(&called(pass, unit)));
        self.uses(pass, unit);
        if !is_trusted {
            for file in &entry.files {
                let place = self.at(&file.path);
                let holds = if to_the_byte {
                    if_there(hash_file(&place))? == Some((file.bytes, file.blake3.clone()))
                } else {
                    place.look()?.is_some_and(|there: Found| there.is_file() && there.bytes == file.bytes)
                };
                if !holds {
                    return Ok(None);
                }
            }
            if to_the_byte {
                self.trust(pass, unit);
            }
        }
        Ok(Some(entry))
    }

    fn uses(&self, pass: &str, unit: &str) {
        if let Ok(mut used) = self.used.lock() {
            used.insert(called(pass, unit));
        }
    }

    /// Writes down which entries this run is made of.
    pub(super) fn write_used(&self) -> Result<()> {
        let used = self.used.lock().map(|used| used.clone()).unwrap_or_default();
        self.write_sealed(&self.in_work(USED), &used)
    }

    /// The entries that the finished run here is made of; `None` where it does not say.
    pub(super) fn used_by_the_finished_run(&self) -> Result<Option<BTreeSet<String>>> {
        let bytes = if_there(read_limited(&self.in_work(USED), ENTRY_BYTES_MAX))?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(unseal(&bytes)?).ok()))
    }

    /// The run here has finished before: leaves the work directory as that run left it.
    pub(super) fn leave(&self) -> Result<()> {
        if self.used_by_the_finished_run()?.is_none() {
            return self.remove_work();
        }
        self.forget_holder()
    }

    /// Takes our name out of the lock: that of a holder who is gone would be the one thing that differs from run to run.
    pub(super) fn forget_holder(&self) -> Result<()> {
        self.lock.as_ref().map_or(Ok(()), |lock| output_directory::forget_holder(&self.out, lock))
    }

    /// Makes the finished run here one that begins again with this state: what it is made of stays where it depends on nothing that changed.
    pub(super) fn begin_again(&self, state: &State) -> Result<()> {
        output_directory::refuse_foreign(&self.out)?;
        // First of all: killed from now on, the same command goes on.
        self.write_state(state)?;
        output_directory::retract(&self.out)
    }

    fn trust(&self, pass: &str, unit: &str) {
        if let Ok(mut trusted) = self.trusted.lock() {
            trusted.insert(called(pass, unit));
        }
    }

    /// Commits a unit.
    pub(super) fn commit<T: Serialize>(&self, pass: &str, unit: &str, entry: &Entry<T>) -> Result<()> {
        let place = self.entry_place(pass, unit);
        self.writing.time(|| place.create_parent().and_then(|()| self.write_sealed(&place, entry)))?;
        self.trust(pass, unit);
        self.uses(pass, unit);
        Ok(())
    }

    /// Writes a file under its final name in OUT.
    pub(super) fn write_output(&self, path: &str, bytes: &[u8], rows: u64) -> Result<FileEntry> {
        let (bytes, blake3) = self.staging.write(&self.output(path)?, bytes)?;
        Ok(FileEntry { path: path.to_owned(), rows, bytes, blake3 })
    }

    /// Starts a file that will get its final name in OUT by [`WorkDir::finish_output`]; for files too large to hold.
    pub(super) fn start_output(&self, path: &str) -> Result<StagedFile> {
        self.staging.create(&path.replace('/', "-"))
    }

    /// Gives a started file its final name.
    pub(super) fn finish_output(&self, file: StagedFile, path: &str, rows: u64) -> Result<FileEntry> {
        let (bytes, blake3) = file.commit(&self.output(path)?)?;
        Ok(FileEntry { path: path.to_owned(), rows, bytes, blake3 })
    }

    /// Commits a unit that this run is not made of.
    #[cfg(test)]
    pub(super) fn commit_of_another_run<T: Serialize>(&self, pass: &str, unit: &str, entry: &Entry<T>) {
        self.commit(pass, unit, entry).unwrap();
        self.used.lock().unwrap().remove(&called(pass, unit));
    }

    /// Removes `.work/` after the run is complete.
    pub(super) fn remove_work(&self) -> Result<()> {
        self.at(WORK).remove_all()
    }

    fn in_work(&self, name: &str) -> Place {
        self.out.at(WORK).at(name)
    }

    fn entry_place(&self, pass: &str, unit: &str) -> Place {
        self.in_work(pass).at(ENTRIES).at(format!("{unit}.json"))
    }

    fn write_sealed<T: Serialize>(&self, place: &Place, value: &T) -> Result<()> {
        self.staging.write(place, &seal(value)?).map(|_| ())
    }
}

/// What this process works on, as long as the value lives.
#[derive(Debug)]
pub(super) struct Claim(#[expect(dead_code, reason = "the lock goes with the open file")] File);

/// Tells machines apart whose locks may not be seen by others: a name of the time since this one was started.
fn this_boot() -> String {
    let id = std::fs::read("/proc/sys/kernel/random/boot_id").or_else(|_| std::fs::read("/proc/sys/kernel/hostname")).unwrap_or_default();
    blake3::hash(&id).to_hex().chars().take(12).collect()
}

/// How an entry is called in the list of those that a run is made of.
fn called(pass: &str, unit: &str) -> String {
    format!("{pass}/{unit}")
}

/// The directory in which one of that name lies.
fn above(dir: &Path) -> &Path {
    dir.parent().unwrap_or_else(|| Path::new("."))
}

/// The files that an entry names; `None` for what is no entry.
pub(super) fn parse_entry(at: &impl Located) -> Result<Option<Vec<FileEntry>>> {
    let Some(bytes) = if_there(read_limited(at, ENTRY_BYTES_MAX))? else { return Ok(None) };
    let entry = unseal(&bytes).and_then(|line| serde_json::from_slice::<Entry<serde_json::Value>>(line).ok());
    Ok(entry.filter(|entry| entry.version == WORK_VERSION).map(|entry| entry.files))
}

/// `None` for a file that is not there, or is none of ours.
fn if_there<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        // A link is somebody's, and no file that is made again in its place.
        Err(Error::Refused { subject, .. }) if subject != Subject::Link => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::super::gc;
    use super::super::publish::{Published, publish};
    use super::*;

    #[test]
    fn an_entry_cut_at_any_byte_is_no_entry() {
        let dir = tempfile::tempdir().unwrap();
        let work = WorkDir::open(&dir.path().join("out"), false).unwrap();
        work.commit("annotate", "0", &Entry::new(vec![], 7_u32)).unwrap();
        assert_eq!(work.committed::<u32>("annotate", "0").unwrap().unwrap().facts, 7);
        let path = work.entry_place("annotate", "0").path().to_path_buf();
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            let mut file = File::options().write(true).truncate(true).open(&path).unwrap();
            file.write_all(&whole[..cut]).unwrap();
            assert!(work.committed::<u32>("annotate", "0").unwrap().is_none(), "cut at {cut}");
        }
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_not_taken_for_missing() {
        let dir = tempfile::tempdir().unwrap();
        let work = WorkDir::open(&dir.path().join("out"), false).unwrap();
        assert!(work.committed::<u32>("p", "0").unwrap().is_none());
        // No file system has names that long.
        assert_eq!(work.committed::<u32>("p", &"0".repeat(5000)).unwrap_err().exit_code(), 1);
        let entry = work.entry_place("p", "0");
        entry.create_parent().unwrap();
        std::os::unix::fs::symlink(entry.path(), entry.path()).unwrap();
        assert_eq!(work.committed::<u32>("p", "0").unwrap_err().exit_code(), 2);
        assert!(work.required::<u32>("p", "0").is_err());
    }

    #[test]
    fn an_entry_whose_file_is_gone_or_short_is_no_entry() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let work = WorkDir::open(&out, false).unwrap();
        work.write_state(&State::new("f".into(), vec![])).unwrap();
        let file = work.write_output("documents/x", b"abc", 1).unwrap();
        work.commit("p", "0", &Entry::new(vec![file], ())).unwrap();
        assert!(work.committed::<()>("p", "0").unwrap().is_some());
        drop(work);
        File::options().write(true).open(out.join("documents/x")).unwrap().set_len(2).unwrap();
        assert!(WorkDir::open(&out, false).unwrap().committed::<()>("p", "0").unwrap().is_none());
    }

    #[test]
    fn a_flipped_bit_in_a_file_of_an_earlier_process_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let work = WorkDir::open(&out, false).unwrap();
        work.write_state(&State::new("f".into(), vec![])).unwrap();
        let file = work.write_output("documents/x", b"abc", 1).unwrap();
        work.commit("p", "0", &Entry::new(vec![file], ())).unwrap();
        drop(work);
        assert!(WorkDir::open(&out, false).unwrap().committed::<()>("p", "0").unwrap().is_some());
        let mut flipped = File::options().write(true).open(out.join("documents/x")).unwrap();
        flipped.write_all(b"abd").unwrap();
        assert!(WorkDir::open(&out, false).unwrap().committed::<()>("p", "0").unwrap().is_none());
    }

    #[test]
    fn a_run_that_finishes_before_the_lock_is_ours_is_not_cleared() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let finish = || {
            let other = WorkDir::open(&out, false).unwrap();
            other.write_output("manifest.json", b"{}", 0).unwrap();
            other.write_output("_SUCCESS", b"blake3 0 manifest.json\n", 0).unwrap();
            other.remove_work().unwrap();
        };
        let work = WorkDir::open_after(&out, false, finish).unwrap();
        assert!(work.is_complete() && out.join("manifest.json").exists());
    }

    #[test]
    fn without_its_state_nothing_of_a_run_is_trusted() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let work = WorkDir::open(&out, false).unwrap();
        work.commit("p", "0", &Entry::new(vec![], ())).unwrap();
        drop(work);
        // Only `.work/` with something of ours in it, but nothing that says what it belongs to.
        assert_eq!(WorkDir::open(&out, false).unwrap_err().exit_code(), 2);
    }

    /// Every file below a directory with its content, links by where they lead; and every directory.
    fn tree(root: &Path) -> BTreeSet<String> {
        let (mut open, mut all) = (vec![root.to_path_buf()], BTreeSet::new());
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                let what = match fs::symlink_metadata(&path).unwrap() {
                    found if found.is_dir() => "a directory".to_owned(),
                    found if found.is_symlink() => format!("{:?}", fs::read_link(&path)),
                    _ => blake3::hash(&fs::read(&path).unwrap()).to_string(),
                };
                all.insert(format!("{}: {what}", path.strip_prefix(root).unwrap().display()));
                if what == "a directory" {
                    open.push(path);
                }
            }
        }
        all
    }

    /// The run of a unit and of a file in every directory, finished; and a second unit that it is not made of.
    fn finished(out: &Path) -> WorkDir {
        let work = WorkDir::open(out, false).unwrap();
        work.write_state(&State::new("f".into(), vec![])).unwrap();
        for unit in ["0", "1"] {
            let file = work.write_output(&format!(".work/annotate/documents/{unit}.parquet"), b"table", 1).unwrap();
            if unit == "0" {
                work.commit("annotate", unit, &Entry::new(vec![file], ())).unwrap();
            } else {
                work.commit_of_another_run("annotate", unit, &Entry::new(vec![file], ()));
            }
        }
        for path in ["documents/part-00000.parquet", "tokenizer/tokenizer.json", "validation/documents/part-00000.parquet", "manifest.json"]
        {
            work.write_output(path, b"made by a run", 1).unwrap();
        }
        work.write_used().unwrap();
        work.write_output("_SUCCESS", b"blake3 0 manifest.json\n", 0).unwrap();
        work
    }

    /// What a run does below OUT, step by step.
    type Step = (&'static str, fn(&WorkDir) -> Result<()>);
    const STEPS: [Step; 13] = [
        ("state", |work| work.write_state(&State::new("g".into(), vec![]))),
        ("read the state", |work| work.state().map(|_| ())),
        ("output", |work| work.write_output("documents/part-00001.parquet", b"new", 1).map(|_| ())),
        ("table", |work| work.write_output(".work/annotate/documents/2.parquet", b"new", 1).map(|_| ())),
        ("large output", |work| {
            let file = work.start_output("validation/documents/part-00001.parquet")?;
            work.finish_output(file, "validation/documents/part-00001.parquet", 1).map(|_| ())
        }),
        ("commit", |work| work.commit("annotate", "3", &Entry::new(vec![], ()))),
        ("read an entry", |work| work.required::<()>("annotate", "0").map(|_| ())),
        ("publish", |work| {
            let made = FileEntry { path: ".work/annotate/documents/0.parquet".into(), rows: 1, bytes: 5, blake3: String::new() };
            let files =
                ["documents/part-00002.parquet", "tokenizer/merges.txt"].map(|path| Published { made: made.clone(), path: path.into() });
            publish(work, &files)
        }),
        ("used", |work| work.write_used()),
        ("collect", |work| gc::collect_in(work, None, false).map(|_| ())),
        ("begin again", |work| work.begin_again(&State::new("h".into(), vec![]))),
        ("clear", |work| output_directory::clear(work.out())),
        ("remove", |work| work.remove_work()),
    ];

    /// Before each step, one directory after the other is exchanged for a link to one outside that holds the same: nothing changes there,
    /// and a step that would have gone there is refused with the place of the link.
    #[test]
    fn links_swapped_in_before_any_step_lead_nowhere() {
        let dirs = [
            ".work",
            ".work/tmp",
            ".work/annotate",
            ".work/annotate/entries",
            ".work/annotate/documents",
            "documents",
            "tokenizer",
            "validation",
            "validation/documents",
        ];
        let (mut refused, mut done) = (BTreeSet::new(), BTreeSet::new());
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        drop(finished(&outside));
        let before = tree(&outside);
        for swapped in dirs {
            for (name, step) in STEPS {
                let dir = tempfile::tempdir().unwrap();
                let out = dir.path().join("out");
                let work = finished(&out);
                fs::rename(out.join(swapped), dir.path().join("aside")).unwrap();
                std::os::unix::fs::symlink(outside.join(swapped), out.join(swapped)).unwrap();
                let step = step(&work);
                assert_eq!(tree(&outside), before, "{name} with a link as {swapped}");
                match step {
                    Ok(()) => drop(done.insert(name)),
                    Err(error) => {
                        let said = error.to_string();
                        assert!(error.exit_code() == 2 && error.hint().is_some() && said.contains("link"), "{name}, {swapped}: {said}");
                        assert!(said.starts_with(&out.join(swapped).display().to_string()), "{name}, {swapped}: {said}");
                        refused.insert(name);
                    }
                }
            }
        }
        assert_eq!(
            (refused.len(), done.len()),
            (STEPS.len() - 1, STEPS.len()),
            "refused {refused:?}, done {done:?}: `remove` takes links away"
        );
    }
}
