//! What exists while something is being made: directories and files that go with their process, however it ends.

use std::fs::File;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::place::{Dir, Found, Located, Place};
use crate::error::Result;

/// Everything of this process that has no final name yet.
static UNFINISHED: Mutex<Vec<Place>> = Mutex::new(Vec::new());

/// Makes what is to be at `place` and to go with the process. Nothing is made any more once [`remove_unfinished`] has begun.
pub(super) fn make<T>(place: &Place, make: impl FnOnce() -> std::io::Result<T>) -> std::io::Result<T> {
    let mut all = UNFINISHED.lock().map_err(|_| std::io::Error::other("another thread panicked"))?;
    let made = make()?;
    all.push(place.clone());
    Ok(made)
}

/// Notes that what is at `place` has its final name, or is gone.
pub(super) fn forget(place: &Place) {
    if let Ok(mut all) = UNFINISHED.lock()
        && let Some(at) = all.iter().rposition(|known| known == place)
    {
        all.swap_remove(at);
    }
}

/// Removes everything that has no final name yet: for a process that ends now, without unwinding. A thread that would make something is held
/// up until then.
pub fn remove_unfinished() {
    let Ok(mut all) = UNFINISHED.lock() else { return };
    for place in std::mem::take(&mut *all) {
        // Best effort: what stays is removed by the next process that writes there. Another thread may be making files in it.
        let _ = place.remove_all();
    }
    std::mem::forget(all);
}

/// A temporary directory, which is removed when the value is dropped. It is locked as long as it is used. What a killed process left
/// behind has no lock; the next process that makes such a directory in the same parent removes it.
#[derive(Debug)]
pub struct TemporaryDir {
    place: Place,
    dir: Dir,
    _lock: Option<File>,
}

impl TemporaryDir {
    /// Makes a new directory in `parent`, whose name begins with `prefix`.
    ///
    /// # Errors
    /// I/O.
    pub fn new(parent: &Dir, prefix: &str) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        remove_left_overs(parent, prefix, Found::is_dir);
        loop {
            let n = NEXT.fetch_add(1, Ordering::Relaxed);
            let place = parent.at(format!("{prefix}{}-{n}", std::process::id()));
            match make(&place, || Ok(place.create_new_dir()?)) {
                Ok(()) => {
                    let lock = lock(&place);
                    // Another process may have removed it before it was locked.
                    if is_at(lock.as_ref(), &place)
                        && let Ok(dir) = place.open_dir()
                    {
                        return Ok(Self { _lock: lock, dir, place });
                    }
                    forget(&place);
                }
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && n < 10_000 => {}
                Err(e) => return Err(place.failed("create", e)),
            }
        }
    }

    /// The directory as it is called: for other programs, and for what is read there.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// The directory.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Where it lies.
    pub fn place(&self) -> &Place {
        &self.place
    }
}

impl Drop for TemporaryDir {
    fn drop(&mut self) {
        // Best effort; a renamed directory is no longer here.
        let _ = self.place.remove_all();
        forget(&self.place);
    }
}

/// Locks a directory or file; `None` if another process holds the lock or the file system has no locks.
fn lock(place: &Place) -> Option<File> {
    let opened = Located::open(place).ok()?;
    rustix::fs::flock(&opened, rustix::fs::FlockOperation::NonBlockingLockExclusive).ok()?;
    Some(opened)
}

/// Is what is locked still the one of that name? On a file system without locks: is there one of that name?
pub(super) fn is_at(lock: Option<&File>, place: &Place) -> bool {
    let Ok(Some(there)) = place.look() else { return false };
    lock.is_none_or(|lock| Found::open(lock).is_ok_and(|held| held.identity == there.identity))
}

/// Removes what killed processes left in `parent` under names that begin with `prefix`: what nobody has locked.
pub(super) fn remove_left_overs(parent: &Dir, prefix: &str, kind: fn(&Found) -> bool) {
    for name in parent.at("").list().unwrap_or_default() {
        let place = parent.at(&name);
        let ours = || place.look().is_ok_and(|found| found.is_some_and(|found| kind(&found)));
        if name.as_encoded_bytes().starts_with(prefix.as_bytes()) && ours() && lock(&place).is_some() {
            // Best effort: what belongs to somebody else stays.
            let _ = place.remove_all();
        }
    }
}
