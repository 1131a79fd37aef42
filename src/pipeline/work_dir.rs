//! The output directory while a run is under way: lock, state, entries, and files that get their final names. Its names: `layout.rs`.
//!
//! A unit's files are durable before its entry is. What holds at a resume is used, anything else is done again.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::layout::{ENTRIES, LOCK, STATE, SUCCESS, TMP, USED, WORK};
use super::output_directory::{self, Standing};
use crate::corpus::Part;
use crate::error::{Error, Result};
use crate::io::{FileEntry, StagedFile, Staging, create_dir, hash_file, read_limited, seal, sync_dir, unseal};

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
    out: PathBuf,
    work: PathBuf,
    staging: Staging,
    /// Units whose files were compared with their entry, or made, by this process.
    trusted: Mutex<BTreeSet<PathBuf>>,
    /// Entries that this run is made of, `pass/unit`.
    used: Mutex<BTreeSet<String>>,
    lock: File,
}

impl WorkDir {
    /// Locks `out`, which must be new, empty, or of a run of ours; `fresh` removes what an earlier run left.
    pub(super) fn open(out: &Path, fresh: bool) -> Result<Self> {
        Self::open_after(out, fresh, || {})
    }

    /// [`WorkDir::open`]; `meanwhile` is what others may do before the lock is ours.
    fn open_after(out: &Path, fresh: bool, meanwhile: impl FnOnce()) -> Result<Self> {
        // Before the first write: a directory of others is not touched.
        output_directory::standing(out)?;
        create_dir(out).map_err(output_directory::refuse_unwritable)?;
        sync_dir(out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new(".")))?;
        let work = out.join(WORK);
        meanwhile();
        let lock = output_directory::lock(out)?;
        // What is cleared is decided under the lock: another run may have begun and finished since.
        let standing = output_directory::standing(out)?;
        if fresh || matches!(standing, Standing::New | Standing::HalfCleared) {
            output_directory::clear(out)?;
        }
        let staging = Staging::new(work.join(TMP))?;
        staging.clear()?;
        Ok(Self { out: out.to_path_buf(), work, staging, trusted: Mutex::default(), used: Mutex::default(), lock })
    }

    /// Joins others in working on a run that has begun in `out`.
    pub(super) fn join(out: &Path) -> Result<Self> {
        let work = out.join(WORK);
        let begun = || work.join(STATE).is_file() && !out.join(SUCCESS).exists();
        let nothing = || {
            let message = format!("{}: no run has begun here that could be worked on", out.display());
            Error::refused_with_hint(message, "begin it first, or finish it with `seimai run`")
        };
        if !begun() || output_directory::standing(out)? != Standing::Ours {
            return Err(nothing());
        }
        let lock = output_directory::lock_shared(out)?.filter(|_| begun()).ok_or_else(nothing)?;
        let staging = Staging::new(work.join(TMP))?;
        Ok(Self { out: out.to_path_buf(), work, staging, trusted: Mutex::default(), used: Mutex::default(), lock })
    }

    /// The output directory.
    pub(super) fn out(&self) -> &Path {
        &self.out
    }

    /// Where files are born.
    pub(super) fn staging(&self) -> &Staging {
        &self.staging
    }

    /// `OUT/<path>`, its directory made.
    pub(super) fn output(&self, path: &str) -> Result<PathBuf> {
        let target = self.out.join(path);
        if let Some(parent) = target.parent() {
            create_dir(parent)?;
        }
        Ok(target)
    }

    /// Has a run finished here?
    pub(super) fn is_complete(&self) -> bool {
        self.out.join(SUCCESS).exists()
    }

    /// The state file, if a run has begun here.
    pub(super) fn state(&self) -> Result<Option<State>> {
        let path = self.work.join(STATE);
        if !path.exists() {
            return Ok(None);
        }
        let unreadable = |what: String| {
            Error::refused_with_hint(
                format!("{}: {what}", path.display()),
                "use the Seimai that began this run, another --out, or --fresh to start over",
            )
        };
        let bytes = read_limited(&path, ENTRY_BYTES_MAX)?;
        let line = unseal(&bytes).ok_or_else(|| unreadable("the state of the run is damaged".into()))?;
        serde_json::from_slice(line).map(Some).map_err(|e| unreadable(format!("the state of the run cannot be read ({e})")))
    }

    /// Writes the state file.
    pub(super) fn write_state(&self, state: &State) -> Result<()> {
        self.write_sealed(&self.work.join(STATE), state)
    }

    /// The entry of a unit that must be there by now.
    pub(super) fn required<T: DeserializeOwned>(&self, pass: &str, unit: &str) -> Result<Entry<T>> {
        self.committed(pass, unit)?.ok_or_else(|| Error::internal(format!("{pass}: unit {unit} is not committed")))
    }

    /// The entry of a unit, if it is committed and its files are what it says. The first time a process meets an entry of an
    /// earlier one it compares their bytes; what does not hold is done again.
    ///
    /// # Errors
    /// What is there and cannot be read: a failing machine must not make a finished unit look like one that never was.
    pub(super) fn committed<T: DeserializeOwned>(&self, pass: &str, unit: &str) -> Result<Option<Entry<T>>> {
        let path = self.entry_path(pass, unit);
        let Some(bytes) = if_there(read_limited(&path, ENTRY_BYTES_MAX))? else { return Ok(None) };
        let parsed = unseal(&bytes).and_then(|line| serde_json::from_slice::<Entry<T>>(line).ok());
        let Some(entry) = parsed.filter(|entry| entry.version == WORK_VERSION) else { return Ok(None) };
        let is_trusted = self.trusted.lock().is_ok_and(|trusted| trusted.contains(&path));
        self.uses(pass, unit);
        if !is_trusted {
            for file in &entry.files {
                if if_there(hash_file(&self.out.join(&file.path)))? != Some((file.bytes, file.blake3.clone())) {
                    return Ok(None);
                }
            }
            self.trust(path);
        }
        Ok(Some(entry))
    }

    fn uses(&self, pass: &str, unit: &str) {
        if let Ok(mut used) = self.used.lock() {
            used.insert(format!("{pass}/{unit}"));
        }
    }

    /// Writes down which entries this run is made of.
    pub(super) fn write_used(&self) -> Result<()> {
        let used = self.used.lock().map(|used| used.clone()).unwrap_or_default();
        self.write_sealed(&self.work.join(USED), &used)
    }

    /// The entries that the finished run here is made of; `None` where it does not say.
    pub(super) fn used_by_the_finished_run(&self) -> Result<Option<BTreeSet<String>>> {
        let bytes = if_there(read_limited(&self.work.join(USED), ENTRY_BYTES_MAX))?;
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
        self.lock.set_len(0).map_err(|e| Error::io(self.work.join(LOCK), "write", e))
    }

    /// Makes the finished run here one that begins again with this state: what it is made of stays where it depends on nothing that changed.
    pub(super) fn begin_again(&self, state: &State) -> Result<()> {
        output_directory::refuse_foreign(&self.out)?;
        // First of all: killed from now on, the same command goes on.
        self.write_state(state)?;
        output_directory::retract(&self.out)
    }

    fn trust(&self, entry: PathBuf) {
        if let Ok(mut trusted) = self.trusted.lock() {
            trusted.insert(entry);
        }
    }

    /// Commits a unit.
    pub(super) fn commit<T: Serialize>(&self, pass: &str, unit: &str, entry: &Entry<T>) -> Result<()> {
        let path = self.entry_path(pass, unit);
        if let Some(parent) = path.parent() {
            create_dir(parent)?;
        }
        self.write_sealed(&path, entry)?;
        self.trust(path);
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
        self.used.lock().unwrap().remove(&format!("{pass}/{unit}"));
    }

    /// Removes `.work/` after the run is complete.
    pub(super) fn remove_work(&self) -> Result<()> {
        fs::remove_dir_all(&self.work).map_err(|e| Error::io(&self.work, "remove", e))
    }

    fn entry_path(&self, pass: &str, unit: &str) -> PathBuf {
        self.work.join(pass).join(ENTRIES).join(format!("{unit}.json"))
    }

    fn write_sealed<T: Serialize>(&self, path: &Path, value: &T) -> Result<()> {
        self.staging.write(path, &seal(value)?).map(|_| ())
    }
}

/// The files that an entry names; `None` for what is no entry.
pub(super) fn parse_entry(path: &Path) -> Result<Option<Vec<FileEntry>>> {
    let Some(bytes) = if_there(read_limited(path, ENTRY_BYTES_MAX))? else { return Ok(None) };
    let entry = unseal(&bytes).and_then(|line| serde_json::from_slice::<Entry<serde_json::Value>>(line).ok());
    Ok(entry.filter(|entry| entry.version == WORK_VERSION).map(|entry| entry.files))
}

/// `None` for a file that is not there, or is none of ours.
fn if_there<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(Error::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn an_entry_cut_at_any_byte_is_no_entry() {
        let dir = tempfile::tempdir().unwrap();
        let work = WorkDir::open(&dir.path().join("out"), false).unwrap();
        work.commit("annotate", "0", &Entry::new(vec![], 7_u32)).unwrap();
        assert_eq!(work.committed::<u32>("annotate", "0").unwrap().unwrap().facts, 7);
        let path = work.entry_path("annotate", "0");
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
        // A link to itself leads nowhere.
        let entry = work.entry_path("p", "0");
        fs::create_dir_all(entry.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&entry, &entry).unwrap();
        assert_eq!(work.committed::<u32>("p", "0").unwrap_err().exit_code(), 1);
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
}
