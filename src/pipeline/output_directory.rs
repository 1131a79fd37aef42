//! Whose an output directory is: nothing that is not a run's own is written over, followed or removed.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::layout::{self, CLEARING, LOCK, MANIFEST, OUTPUTS, PASSPORT, STATE, SUCCESS, TMP, TOKENIZER, VALIDATION, WORK};
use crate::error::{Error, Result, Subject};
use crate::io::{Dir, Found, Place, is_unfinished};

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

/// The output directory as the user names it, if it is there: links on the way to it are the user's, and followed this once.
pub(super) fn find(out: &Path) -> Result<Option<Dir>> {
    Dir::find(out).map_err(|error| error.refused_if_of_the_name(|error| unusable(out, error)))
}

/// Looks without touching anything.
pub(super) fn standing(out: &Dir) -> Result<Standing> {
    let mut names = names(&out.at(""))?;
    refuse_links(&out.at(""), &names)?;
    // What a killed process left of the page that shows the run.
    names.retain(|name| !is_unfinished(name));
    let work = names_or_none(&out.at(WORK))?;
    refuse_links(&out.at(WORK), &work)?;
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
            format!("{}: not empty, and not the output of a run", out.path().display()),
            "name a new directory with --out",
        ))
    }
}

/// Does `_SUCCESS` have the shape a finished run gives it, with a manifest beside it?
fn vouched(out: &Dir) -> bool {
    let line = crate::io::read_limited(&out.at(SUCCESS), 4096).unwrap_or_default();
    line.starts_with(b"blake3 ") && out.at(MANIFEST).is_file()
}

/// Names in a directory, sorted.
fn names(dir: &Place) -> Result<Vec<OsString>> {
    dir.list().map_err(|error| error.refused_if_of_the_name(|error| unusable(dir.path(), error)))
}

fn unusable(out: &Path, error: &Error) -> Error {
    Error::refused(format!("{}: cannot be used as output directory: {}", out.display(), error.without_path()))
}

fn names_or_none(dir: &Place) -> Result<Vec<OsString>> {
    if dir.is_dir() { names(dir) } else { Ok(Vec::new()) }
}

/// A link could lead what we write, or remove, out of the directory.
fn refuse_links(dir: &Place, names: &[OsString]) -> Result<()> {
    for name in names {
        let place = dir.at(name);
        refuse_link(&place, place.look()?)?;
    }
    Ok(())
}

fn refuse_link(place: &Place, found: Option<Found>) -> Result<()> {
    if !found.is_some_and(|found| found.is_link()) {
        return Ok(());
    }
    let message = format!("{}: a link inside the output directory", place.path().display());
    Err(Error::refused_with_hint(message, "remove the link, or name a new directory with --out").about(Subject::Link))
}

/// A directory that cannot be made or written is refused before any data is read; not so if it is the machine that failed.
pub(super) fn refuse_unwritable(error: Error) -> Error {
    use rustix::io::Errno;
    let failed = |code| [Errno::IO, Errno::STALE, Errno::INTR].iter().any(|errno| errno.raw_os_error() == code);
    match error {
        Error::Io { ref source, .. } if error.exit_code() == 4 || source.raw_os_error().is_some_and(failed) => error,
        Error::Io { path, source, .. } => {
            Error::refused_with_hint(format!("{}: cannot be written: {source}", path.display()), "name another directory with --out")
        }
        other => other,
    }
}

fn held(out: &Dir, lock: &mut File) -> Error {
    let mut holder = String::new();
    let _ = lock.take(200).read_to_string(&mut holder);
    held_by(out, &holder)
}

fn held_by(out: &Dir, holder: &str) -> Error {
    let holder = crate::quarantine::escape(holder.trim(), 80);
    let message = format!("{}: another run is writing here ({holder})", out.path().display());
    Error::refused_with_hint(message, "wait for it, or name another --out").about(Subject::Lock)
}

fn lock_of(out: &Dir) -> Place {
    out.at(WORK).at(LOCK)
}

/// Refuses at once if another run holds the directory; touches nothing.
pub(super) fn refuse_held(out: &Path) -> Result<()> {
    let Ok(Some(out)) = Dir::find(out) else { return Ok(()) };
    let Ok(mut file) = crate::io::open_file(&lock_of(&out)) else { return Ok(()) };
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Err(held(&out, &mut file)),
        _ => Ok(()),
    }
}

/// Takes the lock for this process alone, or names its holder. The kernel frees the lock of a killed run: there are no stale locks.
pub(super) fn lock(out: &Dir) -> Result<File> {
    let lock = lock_of(out);
    lock.create_parent().map_err(refuse_unwritable)?;
    loop {
        match lock.open_in_place(true) {
            // The run that held the lock finished and removed `.work/` in between.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => lock.create_parent().map_err(refuse_unwritable)?,
            Err(e) => return Err(refuse_unwritable(lock.failed("create", e))),
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
pub(super) fn lock_shared(out: &Dir) -> Result<Option<File>> {
    let lock = lock_of(out);
    match lock.open_in_place(false) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(refuse_unwritable(lock.failed("open", e))),
        Ok(file) => take_lock(out, file, File::try_lock_shared),
    }
}

/// How a process that shares a run comes in.
pub(super) enum Entered {
    /// Alone, as far as can be told: a file system without locks has none to give.
    First(Option<File>),
    /// Beside others.
    Among(File),
    /// Another one is beginning.
    Wait,
}

/// What the lock says while one of several processes begins a run: the others wait for it, as nobody would for a run.
const BEGINNING: &str = "share, process";

/// Takes the lock for this process alone if nobody is there, else together with the others.
///
/// # Errors
/// `Refused` while a run that shares with nobody has it.
pub(super) fn enter(out: &Dir) -> Result<Entered> {
    let place = lock_of(out);
    place.create_parent().map_err(refuse_unwritable)?;
    let mut file = match place.open_in_place(true) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Entered::Wait),
        Err(e) => return Err(refuse_unwritable(place.failed("create", e))),
        Ok(file) => file,
    };
    let is_first = match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => match file.try_lock_shared() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = (&mut file).take(200).read_to_string(&mut holder);
                // Who has just taken it has not said yet who it is.
                return if holder.is_empty() || holder.starts_with(BEGINNING) { Ok(Entered::Wait) } else { Err(held_by(out, &holder)) };
            }
            Err(TryLockError::Error(e)) => return Err(place.failed("lock", e)),
        },
        Err(TryLockError::Error(e)) if has_no_locks(&e) => return Ok(Entered::First(None)),
        Err(TryLockError::Error(e)) => return Err(place.failed("lock", e)),
    };
    if !is_in_place(&place, &file)? {
        return Ok(Entered::Wait);
    }
    if is_first {
        say(&mut file, BEGINNING);
        Ok(Entered::First(Some(file)))
    } else {
        Ok(Entered::Among(file))
    }
}

/// The system's ways to say that a file system has no locks.
fn has_no_locks(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::OPNOTSUPP, Errno::NOSYS, Errno::NOLCK].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Shares a lock that was this process's alone. For a moment nobody has it: says whether no other took it alone meanwhile.
pub(super) fn let_others_in(out: &Dir, lock: &File) -> Result<bool> {
    match lock.try_lock_shared() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) => Err(lock_of(out).failed("lock", e)),
    }
}

/// Gives a shared lock up, and takes it alone if nobody else has it. Of several that do so at once the last succeeds.
pub(super) fn outlast_others(out: &Dir, lock: &File) -> Result<bool> {
    let place = lock_of(out);
    lock.unlock().map_err(|e| place.failed("unlock", e))?;
    match lock.try_lock() {
        Ok(()) => is_in_place(&place, lock),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) => Err(place.failed("lock", e)),
    }
}

/// A finished run removes `.work/` while it holds the lock: what we locked must still be what the path names.
fn is_in_place(place: &Place, file: &File) -> Result<bool> {
    let ours = Found::open(file).map_err(|e| place.failed("inspect", e))?;
    Ok(place.look()?.is_some_and(|named| named.identity == ours.identity))
}

/// Only for the message of a second starter: failing to say it is no reason to stop.
fn say(file: &mut File, who: &str) {
    if is_ours_alone(file) {
        let _ = file.set_len(0);
        let _ = file.rewind();
        let _ = writeln!(file, "{who} {}", std::process::id());
    }
}

/// Locks an open lock file; `None` if it is no longer what the path names.
fn take_lock(out: &Dir, mut file: File, take: fn(&File) -> std::result::Result<(), TryLockError>) -> Result<Option<File>> {
    let place = lock_of(out);
    match take(&file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(held(out, &mut file)),
        Err(TryLockError::Error(e)) => return Err(place.failed("lock", e)),
    }
    if !is_in_place(&place, &file)? {
        return Ok(None);
    }
    say(&mut file, "process");
    Ok(Some(file))
}

/// Takes our name out of the lock.
pub(super) fn forget_holder(out: &Dir, lock: &File) -> Result<()> {
    if is_ours_alone(lock) { lock.set_len(0).map_err(|e| lock_of(out).failed("write", e)) } else { Ok(()) }
}

/// The lock is the one file that is written to in place: with another name it may be a file of somebody else's.
fn is_ours_alone(lock: &File) -> bool {
    Found::open(lock).is_ok_and(|found| found.is_file() && found.names == 1)
}

/// Refuses to clear a directory into which somebody has put files of their own.
pub(super) fn refuse_foreign(out: &Dir) -> Result<()> {
    for dir in layout::PART_DIRECTORIES.into_iter().chain([TOKENIZER, VALIDATION, PASSPORT]) {
        for name in names_or_none(&out.at(dir))? {
            let place = out.at(dir).at(&name);
            let kind = place.look()?;
            refuse_link(&place, kind)?;
            let known = |name: &str| {
                let path = layout::inside(dir, name);
                let is_directory = layout::PART_DIRECTORIES.contains(&path.as_str());
                kind.is_some_and(|kind| if is_directory { kind.is_dir() } else { kind.is_file() && layout::is_made_by_runs(&path) })
            };
            if !name.to_str().is_some_and(known) {
                let path = crate::quarantine::escape(&place.path().to_string_lossy(), 300);
                return Err(Error::refused_with_hint(
                    format!("{path}: not made by a run, and it would be removed"),
                    "move it away, or name a new directory with --out",
                ));
            }
        }
    }
    Ok(())
}

/// Has a run finished in a directory that cannot be written? Nothing has to be written to say so.
pub(super) fn is_finished_for_good(out: &Dir) -> bool {
    vouched(out) && !out.is_writable()
}

/// Takes the outputs of a finished run away, so that another can be made here of what its work directory holds; with files of others inside,
/// nothing. It is no finished run any more after the first step, and a kill at any point leaves a run that goes on.
pub(super) fn retract(out: &Dir) -> Result<()> {
    refuse_foreign(out)?;
    remove_outputs(out)?;
    out.sync()
}

fn remove_outputs(out: &Dir) -> Result<()> {
    for name in OUTPUTS.iter().filter(|name| **name != WORK) {
        out.at(name).remove_all()?;
        if *name == SUCCESS {
            out.sync()?;
        }
    }
    Ok(())
}

/// Removes what an earlier run left, and nothing else: with files of others inside, nothing at all. A kill at any point leaves a
/// directory that is cleared at the next start.
pub(super) fn clear(out: &Dir) -> Result<()> {
    refuse_foreign(out)?;
    let work = out.at(WORK);
    let marker = work.at(CLEARING);
    marker.open_in_place(true).map_err(|e| marker.failed("create", e))?;
    work.sync_dir()?;
    remove_outputs(out)?;
    for name in names_or_none(&work)? {
        if name != LOCK && name != CLEARING {
            work.at(name).remove_all()?;
        }
    }
    work.sync_dir()?;
    marker.remove_all()?;
    work.sync_dir()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn dir(path: &Path) -> Dir {
        Dir::create(path).unwrap()
    }

    #[test]
    fn a_disk_that_fails_is_no_property_of_the_directory() {
        use rustix::io::Errno;
        let code = |errno: Errno| refuse_unwritable(Error::io(Path::new("out"), "open", errno.into())).exit_code();
        assert_eq!([Errno::ACCESS, Errno::ROFS, Errno::NOTDIR].map(code), [2; 3]);
        assert_eq!([Errno::IO, Errno::STALE, Errno::NOSPC, Errno::MFILE].map(code), [1, 1, 4, 4]);
    }

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
        find(&dir_with(files).path().join("out")).unwrap().map_or(Some(Standing::New), |out| standing(&out).ok())
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
            let made = dir_with(&ours);
            let out = made.path().join("out");
            let _lock = lock(&dir(&out)).unwrap();
            let refused = clear(&dir(&out)).unwrap_err();
            assert!(refused.exit_code() == 2 && refused.to_string().contains(strange.split('/').nth(1).unwrap()), "{refused}");
            assert!(ours.iter().all(|(name, _)| out.join(name).exists()), "nothing is removed");
        }
        let made = dir_with(&[
            ("pack/pack.json", ""),
            ("tokenizer/merges.txt", ""),
            ("tokens/part-123456.parquet", ""),
            ("pack/part-00001.pack", ""),
        ]);
        let out = dir(&made.path().join("out"));
        let _lock = lock(&out).unwrap();
        clear(&out).unwrap();
        assert!(!out.at("pack").exists());
    }

    #[test]
    fn workers_share_the_lock_and_keep_runs_out() {
        let made = tempfile::tempdir().unwrap();
        let out = dir(made.path());
        assert!(lock_shared(&out).unwrap().is_none() && out.at("").list().unwrap().is_empty(), "nothing is made where no run has begun");
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
            let made = dir_with(&[(".work/state.json", "{}")]);
            std::os::unix::fs::symlink(made.path(), made.path().join("out").join(name)).unwrap();
            let refused = standing(&dir(&made.path().join("out"))).unwrap_err();
            assert!(refused.exit_code() == 2 && refused.to_string().contains("link"), "{refused}");
        }
    }

    #[test]
    fn a_held_directory_is_refused_and_a_freed_one_is_not() {
        let made = tempfile::tempdir().unwrap();
        let out = dir(&made.path().join("out"));
        let first = lock(&out).unwrap();
        for refused in [lock(&out).map(|_| ()), refuse_held(out.path())] {
            let refused = refused.unwrap_err();
            assert!(refused.exit_code() == 2 && refused.to_string().contains("another run"), "{refused}");
        }
        drop(first);
        assert!(refuse_held(out.path()).is_ok() && lock(&out).is_ok());
    }

    #[test]
    fn a_lock_with_another_name_is_not_written_to() {
        let made = dir_with(&[("theirs", "text of somebody else")]);
        let out = dir(&made.path().join("out"));
        out.at(WORK).create_dir().unwrap();
        fs::hard_link(out.path().join("theirs"), out.path().join(".work/lock")).unwrap();
        let held = lock(&out).unwrap();
        forget_holder(&out, &held).unwrap();
        assert!(lock(&out).unwrap_err().to_string().contains("another run"));
        assert_eq!(fs::read(out.path().join("theirs")).unwrap(), b"text of somebody else");
    }
}
