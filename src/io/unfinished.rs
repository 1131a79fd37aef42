//! What exists while something is being made: directories and files that go with their process, however it ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Error, Result};

/// Everything of this process that has no final name yet.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Makes `path`, which is to go with the process. Nothing is made any more once [`remove_unfinished`] has begun.
pub(super) fn make<T>(path: &Path, make: impl FnOnce() -> std::io::Result<T>) -> std::io::Result<T> {
    let mut all = UNFINISHED.lock().map_err(|_| std::io::Error::other("another thread panicked"))?;
    let made = make()?;
    all.push(path.to_path_buf());
    Ok(made)
}

/// Notes that `path` has its final name, or is gone.
pub(super) fn forget(path: &Path) {
    if let Ok(mut all) = UNFINISHED.lock()
        && let Some(at) = all.iter().rposition(|known| known == path)
    {
        all.swap_remove(at);
    }
}

/// Removes everything that has no final name yet: for a process that ends now, without unwinding. A thread that would make something is held
/// up until then.
pub fn remove_unfinished() {
    let Ok(mut all) = UNFINISHED.lock() else { return };
    for path in std::mem::take(&mut *all) {
        // Best effort: what stays is removed by the next process that writes there. Another thread may be making files in it.
        let removed = |path: &Path| fs::remove_file(path).is_ok() || fs::remove_dir_all(path).is_ok();
        let _ = (0..3).any(|_| removed(&path) || fs::symlink_metadata(&path).is_err());
    }
    std::mem::forget(all);
}

/// A temporary directory, which is removed when the value is dropped. It is locked as long as it is used. What a killed process left
/// behind has no lock; the next process that makes such a directory in the same parent removes it.
#[derive(Debug)]
pub struct TemporaryDir {
    path: PathBuf,
    _lock: Option<fs::File>,
}

impl TemporaryDir {
    /// Makes a new directory in `parent`, whose name begins with `prefix`.
    ///
    /// # Errors
    /// I/O.
    pub fn new(parent: &Path, prefix: &str) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        remove_left_overs(parent, prefix, fs::FileType::is_dir);
        loop {
            let n = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("{prefix}{}-{n}", std::process::id()));
            match make(&path, || fs::create_dir(&path)) {
                Ok(()) => {
                    let lock = lock(&path);
                    // Another process may have removed it before it was locked.
                    if is_at(lock.as_ref(), &path) {
                        return Ok(Self { _lock: lock, path });
                    }
                    forget(&path);
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

impl Drop for TemporaryDir {
    fn drop(&mut self) {
        // Best effort; a renamed directory is no longer here.
        let _ = fs::remove_dir_all(&self.path);
        forget(&self.path);
    }
}

/// Locks a directory or file; `None` if another process holds the lock or the file system has no locks.
fn lock(path: &Path) -> Option<fs::File> {
    let opened = fs::File::open(path).ok()?;
    rustix::fs::flock(&opened, rustix::fs::FlockOperation::NonBlockingLockExclusive).ok()?;
    Some(opened)
}

/// Is what is locked still the one of that name? On a file system without locks: is there one of that name?
pub(super) fn is_at(lock: Option<&fs::File>, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(there) = fs::symlink_metadata(path) else { return false };
    let same = |held: fs::Metadata| held.dev() == there.dev() && held.ino() == there.ino();
    lock.is_none_or(|lock| lock.metadata().is_ok_and(same))
}

/// Removes what killed processes left in `parent` under names that begin with `prefix`: what nobody has locked.
pub(super) fn remove_left_overs(parent: &Path, prefix: &str, kind: fn(&fs::FileType) -> bool) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry.file_name().as_encoded_bytes().starts_with(prefix.as_bytes());
        if ours && entry.file_type().is_ok_and(|found| kind(&found)) && lock(&entry.path()).is_some() {
            // Best effort: what belongs to somebody else stays.
            let _ = fs::remove_file(entry.path()).or_else(|_| fs::remove_dir_all(entry.path()));
        }
    }
}
