//! Below a directory that is held open: no link leads out of it, whoever puts one there and whenever.
//!
//! A path is resolved by the kernel in one call, which refuses every link (`openat2`), or where it has none or may not be asked (before Linux
//! 5.6, other systems, filters of system calls), directory by directory, each opened in the one before and none through a link.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::{Errno, Result};

/// How a directory is opened that is held.
pub(super) const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// Somebody who changes a tree while it is being removed is given up on after so many looks.
const LOOKS_MAX: usize = 16;

/// Opens `below` (names only, no `..`; empty is the directory itself).
pub(super) fn open(root: BorrowedFd<'_>, below: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    if below.components().nth(1).is_some()
        && let Some(opened) = at_once(root, below, flags, mode)
    {
        return opened;
    }
    by_steps(root, below, flags, mode)
}

/// In one call; nothing where the kernel has none, or is not allowed to say so. One name needs no such call.
#[cfg(target_os = "linux")]
fn at_once(root: BorrowedFd<'_>, below: &Path, flags: OFlags, mode: Mode) -> Option<Result<OwnedFd>> {
    use std::sync::atomic::{AtomicBool, Ordering};
    static HAS_NONE: AtomicBool = AtomicBool::new(false);
    use rustix::fs::{ResolveFlags, openat2};
    if HAS_NONE.load(Ordering::Relaxed) {
        return None;
    }
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let opened = names(below).and_then(|_| rustix::io::retry_on_intr(|| openat2(root, below, flags | OFlags::CLOEXEC, mode, resolve)));
    match opened {
        Err(Errno::NOSYS) => {
            HAS_NONE.store(true, Ordering::Relaxed);
            None
        }
        // A filter of system calls says it so, and a file system too: step by step it shows which.
        Err(Errno::PERM) => None,
        opened => Some(opened),
    }
}

/// Directory by directory.
fn by_steps(root: BorrowedFd<'_>, below: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
    let names = names(below)?;
    let Some((last, above)) = names.split_last() else { return openat(root, OsStr::new("."), flags, mode) };
    let mut held: Option<OwnedFd> = None;
    for name in above {
        held = Some(openat(held.as_ref().map_or(root, AsFd::as_fd), name, DIRECTORY, Mode::empty())?);
    }
    openat(held.as_ref().map_or(root, AsFd::as_fd), last, flags, mode)
}

fn openat(dir: BorrowedFd<'_>, name: &OsStr, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
    rustix::io::retry_on_intr(|| rustix::fs::openat(dir, name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, mode))
}

/// The names of a path that leads nowhere but down.
fn names(below: &Path) -> Result<Vec<&OsStr>> {
    let name = |part| match part {
        Component::Normal(name) => Ok(name),
        _ => Err(Errno::INVAL),
    };
    below.components().map(name).collect()
}

/// Makes the directory `below` and those above it, as far as they are not there.
pub(super) fn create_dir(root: BorrowedFd<'_>, below: &Path) -> Result<OwnedFd> {
    match open(root, below, DIRECTORY, Mode::empty()) {
        Err(Errno::NOENT) => {}
        opened => return opened,
    }
    let mut held: Option<OwnedFd> = None;
    for name in names(below)? {
        let dir = held.as_ref().map_or(root, AsFd::as_fd);
        match rustix::fs::mkdirat(dir, name, Mode::RWXU | Mode::RWXG | Mode::RWXO) {
            Err(Errno::EXIST) | Ok(()) => {}
            Err(e) => return Err(e),
        }
        held = Some(openat(dir, name, DIRECTORY, Mode::empty())?);
    }
    held.map_or_else(|| openat(root, OsStr::new("."), DIRECTORY, Mode::empty()), Ok)
}

/// The names in a directory, in order.
pub(super) fn list(dir: BorrowedFd<'_>) -> Result<Vec<OsString>> {
    Ok(entries(dir)?.into_iter().map(|(name, _)| name).collect())
}

/// The same, each with whether it is a directory.
fn entries(dir: BorrowedFd<'_>) -> Result<Vec<(OsString, bool)>> {
    let mut found = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        let is_dir = match entry.file_type() {
            FileType::Unknown => is_dir(dir, name)?,
            kind => kind == FileType::Directory,
        };
        found.push((name.to_owned(), is_dir));
    }
    found.sort_unstable();
    Ok(found)
}

/// Is there a directory of that name? A link to one is none.
fn is_dir(dir: BorrowedFd<'_>, name: &OsStr) -> Result<bool> {
    match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok(FileType::from_raw_mode(found.st_mode) == FileType::Directory),
        Err(Errno::NOENT) => Ok(false),
        Err(e) => Err(e),
    }
}

/// A directory that is being emptied.
struct Open {
    dir: OwnedFd,
    name: OsString,
    /// Directories in it that are still to be emptied.
    inside: Vec<OsString>,
    looks: usize,
}

impl Open {
    fn at(parent: BorrowedFd<'_>, name: OsString) -> Result<Self> {
        let dir = openat(parent, &name, DIRECTORY, Mode::empty())?;
        Ok(Self { dir, name, inside: Vec::new(), looks: 0 })
    }

    /// Removes what is no directory, and notes what is one.
    fn look(&mut self) -> Result<()> {
        self.looks += 1;
        for (name, is_dir) in entries(self.dir.as_fd())? {
            if is_dir {
                self.inside.push(name);
            } else {
                unlink(self.dir.as_fd(), &name)?;
            }
        }
        Ok(())
    }
}

fn unlink(dir: BorrowedFd<'_>, name: &OsStr) -> Result<()> {
    match rustix::fs::unlinkat(dir, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        done => done,
    }
}

/// Removes `name` and everything in it. A link is removed itself, here and below. What is not there is gone.
pub(super) fn remove_all(parent: BorrowedFd<'_>, name: &OsStr) -> Result<()> {
    if !is_dir(parent, name)? {
        return unlink(parent, name);
    }
    let mut stack = vec![Open::at(parent, name.to_owned())?];
    while let Some(open) = stack.last_mut() {
        if open.looks == 0 {
            open.look()?;
        }
        if let Some(next) = open.inside.pop() {
            match Open::at(open.dir.as_fd(), next.clone()) {
                Ok(inside) => stack.push(inside),
                Err(Errno::NOENT) => {}
                // Something else has its name by now.
                Err(Errno::NOTDIR | Errno::LOOP) => unlink(open.dir.as_fd(), &next)?,
                Err(e) => return Err(e),
            }
            continue;
        }
        let Some(emptied) = stack.pop() else { break };
        let above = stack.last().map_or(parent, |open| open.dir.as_fd());
        match rustix::fs::unlinkat(above, &emptied.name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::NOTDIR) => unlink(above, &emptied.name)?,
            Err(Errno::NOTEMPTY | Errno::EXIST) if emptied.looks < LOOKS_MAX => {
                let mut again = Open { inside: Vec::new(), ..emptied };
                again.look()?;
                stack.push(again);
            }
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    type Opening = fn(BorrowedFd<'_>, &Path, OFlags, Mode) -> Result<OwnedFd>;

    fn held(path: &Path) -> OwnedFd {
        rustix::fs::open(path, DIRECTORY, Mode::empty()).unwrap()
    }

    #[cfg(target_os = "linux")]
    fn by_the_kernel(root: BorrowedFd<'_>, below: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
        let at_once = at_once(root, below, flags, mode).filter(|_| !below.as_os_str().is_empty());
        at_once.unwrap_or_else(|| by_steps(root, below, flags, mode))
    }
    #[cfg(not(target_os = "linux"))]
    use by_steps as by_the_kernel;

    #[test]
    fn every_way_of_opening_goes_down_and_through_no_link() {
        let dir = tempfile::tempdir().unwrap();
        let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::create_dir(&outside).unwrap();
        let put = |path: &Path| drop(fs::File::options().create(true).truncate(true).write(true).open(path).unwrap());
        put(&root.join("a/b/file"));
        put(&outside.join("file"));
        symlink(&outside, root.join("away")).unwrap();
        symlink("b", root.join("a/inside")).unwrap();
        symlink(outside.join("file"), root.join("a/b/link")).unwrap();
        symlink(outside.join("new"), root.join("a/b/dangling")).unwrap();
        let held = held(&root);
        for opening in [open as Opening, by_steps, by_the_kernel] {
            let at = |below: &str, flags| {
                opening(
                    held.as_fd(),
                    Path::new(below),
                    flags,
                    if flags.contains(OFlags::CREATE) { Mode::RUSR | Mode::WUSR } else { Mode::empty() },
                )
            };
            for there in ["a", "a/b", "a/b/file", ""] {
                assert!(at(there, OFlags::RDONLY).is_ok(), "{there}");
            }
            for (link, flags) in [
                ("away", OFlags::RDONLY),
                ("away/file", OFlags::RDONLY),
                ("away/new", OFlags::WRONLY | OFlags::CREATE),
                ("a/inside/file", OFlags::RDONLY),
                ("a/b/link", OFlags::WRONLY),
                ("a/b/dangling", OFlags::WRONLY | OFlags::CREATE),
                ("away", DIRECTORY),
            ] {
                let refused = at(link, flags).unwrap_err();
                assert!([Errno::LOOP, Errno::NOTDIR].contains(&refused), "{link}: {refused}");
            }
            for up in ["..", "../outside", "a/../..", "/etc", "a/../a"] {
                assert_eq!(at(up, OFlags::RDONLY).unwrap_err(), Errno::INVAL, "{up}");
            }
            assert_eq!(at("a/none/x", OFlags::RDONLY).unwrap_err(), Errno::NOENT);
            assert_eq!(at("a/b/file/x", OFlags::RDONLY).unwrap_err(), Errno::NOTDIR);
        }
        assert!(
            [create_dir(held.as_fd(), Path::new("away/x")), create_dir(held.as_fd(), Path::new("a/b/dangling/x"))]
                .iter()
                .all(Result::is_err)
        );
        create_dir(held.as_fd(), Path::new("a/c/d")).unwrap();
        create_dir(held.as_fd(), Path::new("a/c/d")).unwrap();
        assert!(root.join("a/c/d").is_dir());
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    }

    #[test]
    fn a_tree_is_removed_and_what_its_links_lead_to_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
        fs::create_dir_all(outside.join("deep")).unwrap();
        let held = held(dir.path());
        for depth in ["root", "root/a", "root/a/b/c/d"] {
            fs::create_dir_all(dir.path().join(depth)).unwrap();
            symlink(&outside, dir.path().join(depth).join("away")).unwrap();
            symlink("nowhere", dir.path().join(depth).join("dangling")).unwrap();
            for n in 0..3 {
                fs::create_dir(dir.path().join(depth).join(format!("empty-{n}"))).unwrap();
            }
        }
        remove_all(held.as_fd(), OsStr::new("root")).unwrap();
        assert!(!root.exists() && outside.join("deep").is_dir());
        symlink(&outside, &root).unwrap();
        remove_all(held.as_fd(), OsStr::new("root")).unwrap();
        assert!(fs::symlink_metadata(&root).is_err() && outside.join("deep").is_dir());
        remove_all(held.as_fd(), OsStr::new("root")).unwrap();
    }

    /// Somebody exchanges the directories of a tree for links while it is removed: no link is ever followed.
    #[test]
    fn links_put_in_while_a_tree_is_removed_are_not_followed() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        for n in 0..50 {
            fs::create_dir_all(outside.join(format!("kept-{n}"))).unwrap();
        }
        let (held, stop) = (held(dir.path()), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    for n in 0..8 {
                        let (at, aside) = (dir.path().join(format!("root/d{n}")), dir.path().join(format!("root/aside{n}")));
                        let _ = fs::rename(&at, &aside);
                        let _ = symlink(&outside, &at);
                    }
                }
            });
            for _ in 0..200 {
                let _ = fs::create_dir(dir.path().join("root"));
                for n in 0..8 {
                    // Made elsewhere: by its path it could be made behind a link.
                    fs::create_dir_all(dir.path().join(format!("new-{n}/x/y"))).unwrap();
                    if fs::rename(dir.path().join(format!("new-{n}")), dir.path().join(format!("root/d{n}"))).is_err() {
                        fs::remove_dir_all(dir.path().join(format!("new-{n}"))).unwrap();
                    }
                }
                // It may find no end while somebody adds to it; that is an error and no more.
                let _ = remove_all(held.as_fd(), OsStr::new("root"));
            }
            stop.store(true, Ordering::Relaxed);
        });
        remove_all(held.as_fd(), OsStr::new("root")).unwrap();
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 50);
    }
}
