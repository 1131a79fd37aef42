//! The output directory while a run is under way: lock, state, and one entry a finished unit of work.
//!
//! ```text
//! OUT/.work/lock                    held with flock while running
//! OUT/.work/state.json              plan fingerprint, inputs, versions: what this directory belongs to
//! OUT/.work/<pass>/entries/<unit>   the commit point of a unit: its files, its counts, its own checksum
//! OUT/.work/<pass>/…                tables between the passes
//! OUT/.work/tmp                     files without a final name; cleared at every start
//! ```
//! A unit's files are durable before its entry is. What holds at a resume is used, anything else is done again.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::{Error, Result};
use crate::io::{FileEntry, Staging, create_dir, read_limited};

/// Version of the layout under `.work/`.
const WORK_VERSION: u32 = 1;
/// An entry or state file larger than this is not ours.
const ENTRY_BYTES_MAX: u64 = 1 << 30;
/// What a run may leave in its output directory; nothing else is ever removed.
pub(super) const OUTPUTS: &[&str] = &[
    "plan.toml",
    "manifest.json",
    "documents",
    "rejected",
    "quarantine.jsonl",
    "counts.parquet",
    "tokenizer",
    "tokens",
    "pack",
    "run.json",
    "_SUCCESS",
    ".work",
];

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
    /// Bytes on disk.
    pub(super) bytes: u64,
    /// Modification time, nanoseconds since 1970, as text (JSON numbers are too short).
    pub(super) mtime: String,
    /// BLAKE3 of the file; empty if it could not be read.
    pub blake3: String,
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
pub(super) struct Entry<T> {
    /// Layout version.
    version: u32,
    /// Files made, durable before this entry.
    pub(super) files: Vec<FileEntry>,
    /// Counts and facts.
    pub(super) payload: T,
}

impl<T> Entry<T> {
    /// An entry to be committed.
    pub(super) fn new(files: Vec<FileEntry>, payload: T) -> Self {
        Self { version: WORK_VERSION, files, payload }
    }
}

/// An output directory that this process has locked.
#[derive(Debug)]
pub(super) struct WorkDir {
    out: PathBuf,
    work: PathBuf,
    staging: Staging,
    _lock: File,
}

impl WorkDir {
    /// Locks `out`, which must be new, empty, or of a run of ours; `fresh` removes what an earlier run left.
    pub(super) fn open(out: &Path, fresh: bool) -> Result<Self> {
        check_ours(out)?;
        create_dir(out).map_err(refuse_unwritable)?;
        let work = out.join(".work");
        let lock = lock(out, &work)?;
        if fresh {
            clear(out)?;
        }
        let staging = Staging::new(work.join("tmp"))?;
        staging.clear()?;
        Ok(Self { out: out.to_path_buf(), work, staging, _lock: lock })
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
        self.out.join("_SUCCESS").exists()
    }

    /// The state file, if a run has begun here.
    pub(super) fn state(&self) -> Result<Option<State>> {
        let path = self.work.join("state.json");
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
        let line = checked(&bytes).ok_or_else(|| unreadable("the state of the run is damaged".into()))?;
        serde_json::from_slice(line).map(Some).map_err(|e| unreadable(format!("the state of the run cannot be read ({e})")))
    }

    /// Writes the state file.
    pub(super) fn write_state(&self, state: &State) -> Result<()> {
        self.write_checked(&self.work.join("state.json"), state)
    }

    /// The entry of a unit, if it is committed and its files are still what it says (by size; `verify` checks bytes).
    pub(super) fn entry<T: DeserializeOwned>(&self, pass: &str, unit: &str) -> Option<Entry<T>> {
        let bytes = read_limited(&self.entry_path(pass, unit), ENTRY_BYTES_MAX).ok()?;
        let entry: Entry<T> = serde_json::from_slice(checked(&bytes)?).ok()?;
        let holds = |file: &FileEntry| fs::metadata(self.out.join(&file.path)).is_ok_and(|found| found.len() == file.bytes);
        (entry.version == WORK_VERSION && entry.files.iter().all(holds)).then_some(entry)
    }

    /// Commits a unit.
    pub(super) fn commit<T: Serialize>(&self, pass: &str, unit: &str, entry: &Entry<T>) -> Result<()> {
        let path = self.entry_path(pass, unit);
        if let Some(parent) = path.parent() {
            create_dir(parent)?;
        }
        self.write_checked(&path, entry)
    }

    /// Writes a file under its final name in OUT.
    pub(super) fn write_output(&self, path: &str, bytes: &[u8], rows: u64) -> Result<FileEntry> {
        let (bytes, blake3) = self.staging.write(&self.output(path)?, bytes)?;
        Ok(FileEntry { path: path.to_owned(), rows, bytes, blake3 })
    }

    /// Removes `.work/` after the run is complete.
    pub(super) fn remove_work(&self) -> Result<()> {
        fs::remove_dir_all(&self.work).map_err(|e| Error::io(&self.work, "remove", e))
    }

    fn entry_path(&self, pass: &str, unit: &str) -> PathBuf {
        self.work.join(pass).join("entries").join(format!("{unit}.json"))
    }

    fn write_checked<T: Serialize>(&self, path: &Path, value: &T) -> Result<()> {
        let mut bytes = serde_json::to_vec(value).map_err(|e| Error::internal(format!("{}: {e}", path.display())))?;
        let hash = blake3::hash(&bytes).to_hex();
        bytes.push(b'\n');
        bytes.extend_from_slice(hash.as_bytes());
        bytes.push(b'\n');
        self.staging.write(path, &bytes).map(|_| ())
    }
}

/// The JSON line of a checked file, if the checksum in its second line holds.
fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let mut lines = bytes.split(|&b| b == b'\n');
    let (json, hash) = (lines.next()?, lines.next()?);
    (blake3::hash(json).to_hex().as_bytes() == hash && lines.next() == Some(b"") && lines.next().is_none()).then_some(json)
}

/// An output directory must be absent, empty, or of a run of ours.
fn check_ours(out: &Path) -> Result<()> {
    let listing = match fs::read_dir(out) {
        Ok(listing) => listing,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::refused(format!("{}: cannot be used as output directory: {e}", out.display()))),
    };
    let (mut empty, mut ours, mut strange) = (true, false, false);
    for entry in listing {
        let name = entry.map_err(|e| Error::io(out, "list", e))?.file_name();
        empty = false;
        ours |= name == ".work" || name == "manifest.json";
        strange |= !OUTPUTS.iter().any(|known| name == *known);
    }
    if empty || (ours && !strange) {
        return Ok(());
    }
    Err(Error::refused_with_hint(format!("{}: not empty, and not the output of a run", out.display()), "name a new directory with --out"))
}

/// A directory that cannot be made or written is refused before any data is read.
fn refuse_unwritable(error: Error) -> Error {
    match error {
        Error::Io { path, source, .. }
            if matches!(
                source.kind(),
                std::io::ErrorKind::PermissionDenied
                    | std::io::ErrorKind::ReadOnlyFilesystem
                    | std::io::ErrorKind::NotADirectory
                    | std::io::ErrorKind::AlreadyExists
            ) =>
        {
            Error::refused_with_hint(format!("{}: cannot be written: {source}", path.display()), "name another directory with --out")
        }
        other => other,
    }
}

/// Takes the lock, or names its holder. The kernel frees the lock of a killed run: there are no stale locks.
fn lock(out: &Path, work: &Path) -> Result<File> {
    let path = work.join("lock");
    loop {
        create_dir(work).map_err(refuse_unwritable)?;
        let mut file = match File::options().read(true).write(true).create(true).truncate(false).open(&path) {
            Ok(file) => file,
            // The run that held the lock finished and removed `.work/` in between.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => return Err(refuse_unwritable(Error::io(&path, "create", e))),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = crate::quarantine::escape(holder.trim(), 80);
                return Err(Error::refused_with_hint(
                    format!("{}: another run is writing here ({holder})", out.display()),
                    "wait for it, or name another --out",
                ));
            }
            Err(fs::TryLockError::Error(e)) => return Err(Error::io(&path, "lock", e)),
        }
        // A finished run removes `.work/` while it holds the lock: what we locked must still be what the path names.
        let same = match (file.metadata(), fs::metadata(&path)) {
            (Ok(ours), Ok(named)) => ours.ino() == named.ino() && ours.dev() == named.dev(),
            _ => false,
        };
        if same {
            let _ = file.set_len(0);
            let _ = file.rewind();
            // Only for the message of a second starter: failing to say it is no reason to stop.
            let _ = writeln!(file, "process {}", std::process::id());
            return Ok(file);
        }
    }
}

/// Removes what an earlier run left, and nothing else.
fn clear(out: &Path) -> Result<()> {
    for name in OUTPUTS {
        let path = out.join(name);
        if *name == ".work" {
            for entry in fs::read_dir(&path).map_err(|e| Error::io(&path, "list", e))? {
                let entry = entry.map_err(|e| Error::io(&path, "list", e))?;
                if entry.file_name() != "lock" {
                    remove(&entry.path())?;
                }
            }
        } else {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => Err(e),
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    removed.map_err(|e| Error::io(path, "remove", e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_cut_at_any_byte_is_no_entry() {
        let dir = tempfile::tempdir().unwrap();
        let work = WorkDir::open(&dir.path().join("out"), false).unwrap();
        work.commit("annotate", "0", &Entry::new(vec![], 7_u32)).unwrap();
        assert_eq!(work.entry::<u32>("annotate", "0").unwrap().payload, 7);
        let path = work.entry_path("annotate", "0");
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            let mut file = File::options().write(true).truncate(true).open(&path).unwrap();
            file.write_all(&whole[..cut]).unwrap();
            assert!(work.entry::<u32>("annotate", "0").is_none(), "cut at {cut}");
        }
    }

    #[test]
    fn an_entry_whose_file_is_gone_or_short_is_no_entry() {
        let dir = tempfile::tempdir().unwrap();
        let work = WorkDir::open(&dir.path().join("out"), false).unwrap();
        let file = work.write_output("documents/x", b"abc", 1).unwrap();
        work.commit("p", "0", &Entry::new(vec![file], ())).unwrap();
        assert!(work.entry::<()>("p", "0").is_some());
        File::options().write(true).open(dir.path().join("out/documents/x")).unwrap().set_len(2).unwrap();
        assert!(work.entry::<()>("p", "0").is_none());
    }

    #[test]
    fn a_second_run_and_a_strange_directory_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let first = WorkDir::open(&out, false).unwrap();
        let refused = WorkDir::open(&out, false).unwrap_err();
        assert_eq!(refused.exit_code(), 2);
        assert!(refused.to_string().contains("another run"), "{refused}");
        drop(first);
        WorkDir::open(&out, false).unwrap();
        fs::create_dir(dir.path().join("mine")).unwrap();
        File::options().write(true).create_new(true).open(dir.path().join("mine/notes")).unwrap();
        assert_eq!(WorkDir::open(&dir.path().join("mine"), true).unwrap_err().exit_code(), 2);
    }
}
