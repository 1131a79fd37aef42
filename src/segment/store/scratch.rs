//! Directories that exist while something is being built or fetched.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Error, Result};

/// Prefix of directories into which something is being written.
const SCRATCH: &str = ".seimai-dictionary-";

/// A temporary directory, which is removed when the value is dropped. It is locked as long as it is used. What a killed process left
/// behind has no lock; the next process that makes such a directory in the same parent removes it.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _lock: Option<fs::File>,
}

impl Scratch {
    /// Makes a new directory in `parent`.
    ///
    /// # Errors
    /// I/O.
    pub fn new(parent: &Path) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        remove_left_overs(parent);
        loop {
            let n = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("{SCRATCH}{}-{n}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => {
                    let lock = lock_dir(&path);
                    // Another process may have removed it before it was locked.
                    if is_at(lock.as_ref(), &path) {
                        return Ok(Self { _lock: lock, path });
                    }
                }
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && n < 10_000 => {}
                Err(e) => return Err(Error::io(path, "create", e)),
            }
        }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Best effort; a renamed directory is no longer here.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Locks a directory; `None` if another process holds the lock or the file system has no locks.
fn lock_dir(path: &Path) -> Option<fs::File> {
    let dir = fs::File::open(path).ok()?;
    rustix::fs::flock(&dir, rustix::fs::FlockOperation::NonBlockingLockExclusive).ok()?;
    Some(dir)
}

/// Is the locked directory still the one of that name? On a file system without locks: is there one of that name?
fn is_at(lock: Option<&fs::File>, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(there) = fs::symlink_metadata(path) else { return false };
    let same = |held: fs::Metadata| held.dev() == there.dev() && held.ino() == there.ino();
    lock.is_none_or(|lock| lock.metadata().is_ok_and(same))
}

fn remove_left_overs(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry.file_name().as_encoded_bytes().starts_with(SCRATCH.as_bytes());
        if ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) && lock_dir(&entry.path()).is_some() {
            // Best effort: the directory of somebody else stays.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
