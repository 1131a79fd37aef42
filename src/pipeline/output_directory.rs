//! Whose an output directory is: nothing that is not a run's own is written over, followed or removed.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::layout::{self, CLEARING, LOCK, MANIFEST, OUTPUTS, STATE, SUCCESS, TMP, TOKENIZER, VALIDATION, WORK};
use crate::error::{Error, Result, Subject};
use crate::io::{create_dir, sync_dir};

/// How a directory stands to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Absent, empty, or nothing in it but the lock of a run killed at its start.
    New,
    /// Of a run that has begun, or that has finished.
    Ours,
    /// An earlier run was being removed when the process ended.
    HalfCleared,
}

/// Looks without touching anything.
pub(super) fn standing(out: &Path) -> Result<Standing> {
    let Some(names) = names(out)? else { return Ok(Standing::New) };
    refuse_links(out, &names)?;
    let work = names_or_none(&out.join(WORK))?;
    refuse_links(&out.join(WORK), &work)?;
    let in_work = |name: &str| work.iter().any(|other| other == name);
    let only_ours = names.iter().all(|name| OUTPUTS.iter().any(|known| name == *known));
    let killed_at_start = names == [WORK] && work.iter().all(|name| name == LOCK || name == TMP);
    if names.is_empty() || killed_at_start {
        Ok(Standing::New)
    } else if only_ours && in_work(CLEARING) {
        Ok(Standing::HalfCleared)
    } else if only_ours && (in_work(STATE) || vouched(out)) {
        Ok(Standing::Ours)
    } else {
        Err(Error::refused_with_hint(
            format!("{}: not empty, and not the output of a run", out.display()),
            "name a new directory with --out",
        ))
    }
}

/// Does `_SUCCESS` have the shape a finished run gives it, with a manifest beside it?
fn vouched(out: &Path) -> bool {
    let line = crate::io::read_limited(&out.join(SUCCESS), 4096).unwrap_or_default();
    line.starts_with(b"blake3 ") && out.join(MANIFEST).is_file()
}

/// Names in a directory, sorted; `None` if it does not exist.
fn names(dir: &Path) -> Result<Option<Vec<std::ffi::OsString>>> {
    let listing = match fs::read_dir(dir) {
        Ok(listing) => listing,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && fs::symlink_metadata(dir).is_err() => return Ok(None),
        Err(e) => return Err(Error::refused(format!("{}: cannot be used as output directory: {e}", dir.display()))),
    };
    let mut names = listing
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(|e| Error::io(dir, "list", e))?;
    names.sort();
    Ok(Some(names))
}

fn names_or_none(dir: &Path) -> Result<Vec<std::ffi::OsString>> {
    if dir.is_dir() { Ok(names(dir)?.unwrap_or_default()) } else { Ok(Vec::new()) }
}

/// A link could lead what we write, or remove, out of the directory.
fn refuse_links(dir: &Path, names: &[std::ffi::OsString]) -> Result<()> {
    for name in names {
        let path = dir.join(name);
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) {
            return Err(Error::refused_with_hint(
                format!("{}: a link inside the output directory", path.display()),
                "name a new directory with --out",
            ));
        }
    }
    Ok(())
}

/// A directory that cannot be made or written is refused before any data is read.
pub(super) fn refuse_unwritable(error: Error) -> Error {
    match error {
        Error::Io { ref source, .. } if error.exit_code() == 4 || source.kind() == std::io::ErrorKind::Interrupted => error,
        Error::Io { path, source, .. } => {
            Error::refused_with_hint(format!("{}: cannot be written: {source}", path.display()), "name another directory with --out")
        }
        other => other,
    }
}

fn open_lock(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).custom_flags(no_follow()).open(path)
}

fn no_follow() -> i32 {
    rustix::fs::OFlags::NOFOLLOW.bits().cast_signed()
}

fn held(out: &Path, lock: &mut File) -> Error {
    let mut holder = String::new();
    let _ = lock.take(200).read_to_string(&mut holder);
    let holder = crate::quarantine::escape(holder.trim(), 80);
    let message = format!("{}: another run is writing here ({holder})", out.display());
    Error::refused_with_hint(message, "wait for it, or name another --out").about(Subject::Lock)
}

/// Refuses at once if another run holds the directory; touches nothing.
pub(super) fn refuse_held(out: &Path) -> Result<()> {
    let Ok(mut file) = File::open(out.join(WORK).join(LOCK)) else { return Ok(()) };
    match file.try_lock_shared() {
        Err(fs::TryLockError::WouldBlock) => Err(held(out, &mut file)),
        _ => Ok(()),
    }
}

/// Takes the lock for this process alone, or names its holder. The kernel frees the lock of a killed run: there are no stale locks.
pub(super) fn lock(out: &Path) -> Result<File> {
    let work = out.join(WORK);
    create_dir(&work).map_err(refuse_unwritable)?;
    loop {
        match open_lock(&work.join(LOCK)) {
            // The run that held the lock finished and removed `.work/` in between.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => create_dir(&work).map_err(refuse_unwritable)?,
            Err(e) => return Err(refuse_unwritable(Error::io(work.join(LOCK), "create", e))),
            Ok(file) => {
                if let Some(file) = take_lock(out, file, File::try_lock)? {
                    return Ok(file);
                }
            }
        }
    }
}

/// Takes the lock together with others that work on shards of the same run; while they hold it, no run can begin or clear. `None`
/// where there is no lock: no run has begun, or it has finished. Nothing is made.
pub(super) fn lock_shared(out: &Path) -> Result<Option<File>> {
    let path = out.join(WORK).join(LOCK);
    match OpenOptions::new().read(true).write(true).custom_flags(no_follow()).open(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(refuse_unwritable(Error::io(&path, "open", e))),
        Ok(file) => take_lock(out, file, File::try_lock_shared),
    }
}

/// Locks an open lock file; `None` if it is no longer what the path names.
fn take_lock(out: &Path, mut file: File, take: fn(&File) -> std::result::Result<(), fs::TryLockError>) -> Result<Option<File>> {
    let path = out.join(WORK).join(LOCK);
    match take(&file) {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Err(held(out, &mut file)),
        Err(fs::TryLockError::Error(e)) => return Err(Error::io(&path, "lock", e)),
    }
    // A finished run removes `.work/` while it holds the lock: what we locked must still be what the path names.
    let same = match (file.metadata(), fs::symlink_metadata(&path)) {
        (Ok(ours), Ok(named)) => ours.ino() == named.ino() && ours.dev() == named.dev(),
        _ => false,
    };
    if !same {
        return Ok(None);
    }
    let _ = file.set_len(0);
    let _ = file.rewind();
    // Only for the message of a second starter: failing to say it is no reason to stop.
    let _ = writeln!(file, "process {}", std::process::id());
    Ok(Some(file))
}

/// Refuses to clear a directory into which somebody has put files of their own.
pub(super) fn refuse_foreign(out: &Path) -> Result<()> {
    for dir in layout::PART_DIRECTORIES.into_iter().chain([TOKENIZER, VALIDATION]) {
        for name in names_or_none(&out.join(dir))? {
            let path = out.join(dir).join(&name);
            let kind = fs::symlink_metadata(&path).map(|found| found.file_type());
            let known = |name: &str| {
                let path = layout::inside(dir, name);
                let is_directory = layout::PART_DIRECTORIES.contains(&path.as_str());
                kind.is_ok_and(|kind| if is_directory { kind.is_dir() } else { kind.is_file() && layout::is_made_by_runs(&path) })
            };
            if !name.to_str().is_some_and(known) {
                return Err(Error::refused_with_hint(
                    format!("{}: not made by a run, and it would be removed", crate::quarantine::escape(&path.to_string_lossy(), 300)),
                    "move it away, or name a new directory with --out",
                ));
            }
        }
    }
    Ok(())
}

/// Has a run finished in a directory that cannot be written? Nothing has to be written to say so.
pub(super) fn is_finished_for_good(out: &Path) -> bool {
    vouched(out) && rustix::fs::access(out, rustix::fs::Access::WRITE_OK).is_err()
}

/// Takes the outputs of a finished run away, so that another can be made here of what its work directory holds; with files of others inside,
/// nothing. It is no finished run any more after the first step, and a kill at any point leaves a run that goes on.
pub(super) fn retract(out: &Path) -> Result<()> {
    refuse_foreign(out)?;
    for name in OUTPUTS.iter().filter(|name| **name != WORK) {
        remove(&out.join(name))?;
        if *name == SUCCESS {
            sync_dir(out)?;
        }
    }
    sync_dir(out)
}

/// Removes what an earlier run left, and nothing else: with files of others inside, nothing at all. A kill at any point leaves a
/// directory that is cleared at the next start.
pub(super) fn clear(out: &Path) -> Result<()> {
    refuse_foreign(out)?;
    let work = out.join(WORK);
    let marker = work.join(CLEARING);
    open_lock(&marker).map_err(|e| Error::io(&marker, "create", e))?;
    sync_dir(&work)?;
    for name in OUTPUTS.iter().filter(|name| **name != WORK) {
        remove(&out.join(name))?;
        if *name == SUCCESS {
            sync_dir(out)?;
        }
    }
    for name in names_or_none(&work)? {
        if name != LOCK && name != CLEARING {
            remove(&work.join(name))?;
        }
    }
    sync_dir(&work)?;
    remove(&marker)?;
    sync_dir(&work)
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

    fn dir_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join("out").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            File::options().write(true).create_new(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
        }
        dir
    }

    fn standing_of(files: &[(&str, &str)]) -> Option<Standing> {
        standing(&dir_with(files).path().join("out")).ok()
    }

    #[test]
    fn only_what_is_known_to_be_ours_is_ours() {
        assert_eq!(standing_of(&[]), Some(Standing::New));
        assert_eq!(standing_of(&[(".work/lock", "")]), Some(Standing::New));
        assert_eq!(standing_of(&[(".work/state.json", "{}"), ("documents/part-00000.parquet", "")]), Some(Standing::Ours));
        assert_eq!(standing_of(&[("_SUCCESS", "blake3 0\n"), ("manifest.json", "{}")]), Some(Standing::Ours));
        assert_eq!(standing_of(&[(".work/clearing", ""), ("documents/part-00000.parquet", "")]), Some(Standing::HalfCleared));
        for strange in [
            &[("notes.txt", "")][..],
            &[("manifest.json", "{}"), ("documents/thesis.txt", "")],
            &[(".work/state.json", "{}"), ("notes.txt", "")],
            &[(".work/secrets", "")],
            &[("_SUCCESS", ""), ("manifest.json", "{}")],
        ] {
            assert_eq!(standing_of(strange), None, "{strange:?}");
        }
    }

    #[test]
    fn files_of_others_are_not_cleared_away() {
        for strange in ["documents/thesis.txt", "documents/part-1.parquet", "pack/part-00000.parquet", "tokenizer/x/y", "tokens/merges.txt"]
        {
            let ours = [("_SUCCESS", "blake3 0\n"), ("manifest.json", "{}"), ("documents/part-00000.parquet", ""), (strange, "mine")];
            let dir = dir_with(&ours);
            let out = dir.path().join("out");
            let _lock = lock(&out).unwrap();
            let refused = clear(&out).unwrap_err();
            assert!(refused.exit_code() == 2 && refused.to_string().contains(strange.split('/').nth(1).unwrap()), "{refused}");
            assert!(ours.iter().all(|(name, _)| out.join(name).exists()), "nothing is removed");
        }
        let dir = dir_with(&[
            ("pack/pack.json", ""),
            ("tokenizer/merges.txt", ""),
            ("tokens/part-123456.parquet", ""),
            ("pack/part-00001.pack", ""),
        ]);
        let _lock = lock(&dir.path().join("out")).unwrap();
        clear(&dir.path().join("out")).unwrap();
        assert!(!dir.path().join("out/pack").exists());
    }

    #[test]
    fn workers_share_the_lock_and_keep_runs_out() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        assert!(lock_shared(&out).unwrap().is_none() && !out.exists(), "nothing is made where no run has begun");
        drop(lock(&out).unwrap());
        let workers = [lock_shared(&out).unwrap().unwrap(), lock_shared(&out).unwrap().unwrap()];
        assert!(lock(&out).unwrap_err().to_string().contains("another run"));
        drop(workers);
        let _run = lock(&out).unwrap();
        assert!(lock_shared(&out).unwrap_err().to_string().contains("another run"));
    }

    #[test]
    fn links_are_refused() {
        for name in ["documents", ".work/lock", ".work/tmp"] {
            let dir = dir_with(&[(".work/state.json", "{}")]);
            std::os::unix::fs::symlink(dir.path(), dir.path().join("out").join(name)).unwrap();
            let refused = standing(&dir.path().join("out")).unwrap_err();
            assert!(refused.exit_code() == 2 && refused.to_string().contains("link"), "{refused}");
        }
    }

    #[test]
    fn a_held_directory_is_refused_and_a_freed_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let first = lock(&out).unwrap();
        for refused in [lock(&out).map(|_| ()), refuse_held(&out)] {
            let refused = refused.unwrap_err();
            assert!(refused.exit_code() == 2 && refused.to_string().contains("another run"), "{refused}");
        }
        drop(first);
        assert!(refuse_held(&out).is_ok() && lock(&out).is_ok());
    }
}
