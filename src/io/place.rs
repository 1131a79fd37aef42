//! Directories that are held open, and places below them: what is written, renamed and removed there is found by descriptor and never through
//! a link.
//!
//! A directory that the user names is looked up once, as named, links and all. Below it a link is refused, whoever put it there.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Error as SystemError;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::beneath::{self, DIRECTORY};
use super::objects::is_object;
use crate::error::{Error, Result, Subject};

/// What names a file that is read: a path as the user gives it, or a place below a directory that is held.
pub trait Located {
    /// For messages.
    fn path(&self) -> &Path;

    /// Opens it for reading; a pipe is not waited for.
    ///
    /// # Errors
    /// Those of the system.
    fn open(&self) -> std::io::Result<File>;

    /// The error for what the system refused to do with it.
    fn failed(&self, action: &'static str, source: SystemError) -> Error {
        Error::io(self.path(), action, source)
    }
}

/// How files are opened for reading.
const READING: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

impl Located for Path {
    fn path(&self) -> &Path {
        self
    }

    fn open(&self) -> std::io::Result<File> {
        Ok(rustix::io::retry_on_intr(|| rustix::fs::openat(CWD, self, READING, Mode::empty()))?.into())
    }
}

impl Located for PathBuf {
    fn path(&self) -> &Path {
        self
    }

    fn open(&self) -> std::io::Result<File> {
        Located::open(self.as_path())
    }
}

impl Located for Place {
    fn path(&self) -> &Path {
        &self.path
    }

    fn open(&self) -> std::io::Result<File> {
        Ok(self.open_with(READING)?)
    }

    fn failed(&self, action: &'static str, source: SystemError) -> Error {
        Place::failed(self, action, source)
    }
}

/// A directory that is held open, whatever becomes of its name.
#[derive(Debug, Clone)]
pub struct Dir(Arc<Held>);

#[derive(Debug)]
struct Held {
    fd: OwnedFd,
    /// As it was named; for messages.
    path: PathBuf,
}

impl Dir {
    /// Opens a directory as the user names it: links on the way are followed, this once.
    ///
    /// # Errors
    /// I/O.
    pub fn open(path: &Path) -> Result<Self> {
        Self::look_up(path).map_err(|e| Error::io(path, "open", e))
    }

    fn look_up(path: &Path) -> std::io::Result<Self> {
        let name = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let fd = rustix::io::retry_on_intr(|| rustix::fs::openat(CWD, name, DIRECTORY, Mode::empty()))?;
        Ok(Self::of(fd, path.to_path_buf()))
    }

    fn of(fd: OwnedFd, path: PathBuf) -> Self {
        Self(Arc::new(Held { fd, path }))
    }

    /// The same; nothing where there is none of that name. A link that leads nowhere is an error.
    ///
    /// # Errors
    /// I/O.
    pub fn find(path: &Path) -> Result<Option<Self>> {
        match Self::look_up(path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && std::fs::symlink_metadata(path).is_err() => Ok(None),
            found => found.map(Some).map_err(|e| Error::io(path, "open", e)),
        }
    }

    /// Opens a directory as the user names it, made if need be, with those above it.
    ///
    /// # Errors
    /// I/O.
    pub fn create(path: &Path) -> Result<Self> {
        if is_object(path) {
            let message = format!("{}: a place in a store, and a directory of this machine is wanted", path.display());
            return Err(Error::refused_with_hint(
                message,
                "only a run is sent to a store: seimai run PLAN --out s3://BUCKET/PLACE --work DIR",
            ));
        }
        if let Ok(found) = Self::look_up(path) {
            return Ok(found);
        }
        std::fs::create_dir_all(path).map_err(|e| Error::io(path, "create", e))?;
        Self::open(path)
    }

    /// As it was named; for messages, and for other programs.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// A place below it: names only. Empty is the directory itself.
    pub fn at(&self, below: impl AsRef<Path>) -> Place {
        let below = below.as_ref();
        let path = if below.as_os_str().is_empty() { self.path().to_path_buf() } else { self.path().join(below) };
        Place { root: self.clone(), below: below.to_path_buf(), path }
    }

    /// Makes the names in it durable. File systems that do not support that are noted, see [`unsynced_directory`].
    ///
    /// # Errors
    /// I/O.
    pub fn sync(&self) -> Result<()> {
        sync(self.fd(), self.path()).map_err(|e| Error::io(self.path(), "sync", e))
    }

    /// May this user write to it?
    pub fn is_writable(&self) -> bool {
        rustix::fs::accessat(self.fd(), ".", rustix::fs::Access::WRITE_OK, AtFlags::empty()).is_ok()
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.0.fd.as_fd()
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// fsync of a directory.
fn sync(dir: BorrowedFd<'_>, path: &Path) -> std::io::Result<()> {
    match rustix::io::retry_on_intr(|| rustix::fs::fsync(dir)) {
        Err(Errno::INVAL | Errno::OPNOTSUPP) => {
            let _ = UNSYNCED.set(path.to_path_buf());
            Ok(())
        }
        done => Ok(done?),
    }
}

/// The first directory whose file system does not support fsync of directories, if there was one: names of files in it may be lost where
/// the machine loses power.
pub fn unsynced_directory() -> Option<&'static Path> {
    UNSYNCED.get().map(PathBuf::as_path)
}

static UNSYNCED: OnceLock<PathBuf> = OnceLock::new();

/// What has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    kind: FileType,
    /// Size in bytes.
    pub bytes: u64,
    /// Names that it has.
    pub names: u64,
    /// When it was written to, in nanoseconds since 1970.
    pub written: i128,
    /// The file itself, by device and number.
    pub identity: (u64, u64),
}

impl Found {
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion, reason = "the types of these fields differ from system to system")]
    fn of(found: &rustix::fs::Stat) -> Self {
        Self {
            kind: FileType::from_raw_mode(found.st_mode),
            bytes: u64::try_from(found.st_size).unwrap_or(0),
            names: found.st_nlink as u64,
            written: i128::from(found.st_mtime) * 1_000_000_000 + i128::from(found.st_mtime_nsec),
            identity: (found.st_dev as u64, found.st_ino as u64),
        }
    }

    /// What an open file is.
    ///
    /// # Errors
    /// Those of the system.
    pub fn open(file: &File) -> std::io::Result<Self> {
        Ok(Self::of(&rustix::fs::fstat(file)?))
    }

    /// A regular file?
    pub fn is_file(&self) -> bool {
        self.kind == FileType::RegularFile
    }

    /// A directory?
    pub fn is_dir(&self) -> bool {
        self.kind == FileType::Directory
    }

    /// A link?
    pub fn is_link(&self) -> bool {
        self.kind == FileType::Symlink
    }
}

/// A name below a directory that is held.
#[derive(Debug, Clone)]
pub struct Place {
    root: Dir,
    below: PathBuf,
    /// For messages.
    path: PathBuf,
}

impl AsRef<Path> for Place {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.root.is(&other.root) && self.below == other.below
    }
}

impl Place {
    /// The file that the user names so: the directory that it is to lie in is looked up as named, this once, and made if need be.
    ///
    /// # Errors
    /// Refused where it has no name of a file; I/O.
    pub fn named(path: &Path) -> Result<Self> {
        let name = path.file_name().ok_or_else(|| Error::refused(format!("{}: no name of a file", path.display())))?;
        let root = Dir::create(path.parent().unwrap_or_else(|| Path::new("")))?;
        Ok(Self { root, below: name.into(), path: path.to_path_buf() })
    }

    /// As it is called in messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory that is held above it.
    pub fn root(&self) -> &Dir {
        &self.root
    }

    /// Its last name.
    pub fn name(&self) -> &OsStr {
        self.below.file_name().unwrap_or_default()
    }

    /// A place in it.
    pub fn at(&self, below: impl AsRef<Path>) -> Self {
        self.root.at(self.below.join(below))
    }

    /// The error for what the system refused to do here: a link in the way is told as such.
    pub fn failed(&self, action: &'static str, source: SystemError) -> Error {
        let is = |errno: Errno| source.raw_os_error() == Some(errno.raw_os_error());
        // Where there is a link, the system says that there are too many, or that it is no directory.
        let link = if is(Errno::LOOP) || is(Errno::NOTDIR) { self.link() } else { None };
        match link {
            Some(link) => link_refused(&link),
            None if is(Errno::LOOP) => link_refused(&self.path),
            None => Error::io(&self.path, action, source),
        }
    }

    /// The first link on the way here.
    fn link(&self) -> Option<PathBuf> {
        let mut below = PathBuf::new();
        for part in self.below.components() {
            below.push(part);
            let place = self.root.at(&below);
            if place.look().ok()??.is_link() {
                return Some(place.path);
            }
        }
        None
    }

    /// What is here, itself and not what it leads to.
    ///
    /// # Errors
    /// Refused where a link leads here; I/O.
    pub fn look(&self) -> Result<Option<Found>> {
        let found = self.in_parent(|dir, name| match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(None),
            found => found.map(|found| Some(Found::of(&found))),
        });
        match found {
            Err(Errno::NOENT) => Ok(None),
            found => found.map_err(|e| self.failed("inspect", e.into())),
        }
    }

    /// Is something here?
    pub fn exists(&self) -> bool {
        self.look().is_ok_and(|found| found.is_some())
    }

    /// Is a regular file here?
    pub fn is_file(&self) -> bool {
        self.look().is_ok_and(|found| found.is_some_and(|found| found.is_file()))
    }

    /// Is a directory here?
    pub fn is_dir(&self) -> bool {
        self.look().is_ok_and(|found| found.is_some_and(|found| found.is_dir()))
    }

    /// Opens the directory here.
    ///
    /// # Errors
    /// Refused where a link leads here; I/O.
    pub fn open_dir(&self) -> Result<Dir> {
        let fd = beneath::open(self.root.fd(), &self.below, DIRECTORY, Mode::empty()).map_err(|e| self.failed("open", e.into()))?;
        Ok(Dir::of(fd, self.path.clone()))
    }

    /// Makes the directory, with those above it, as far as they are not there.
    ///
    /// # Errors
    /// Refused where a link leads here; I/O.
    pub fn create_dir(&self) -> Result<Dir> {
        let fd = beneath::create_dir(self.root.fd(), &self.below).map_err(|e| self.failed("create", e.into()))?;
        Ok(Dir::of(fd, self.path.clone()))
    }

    /// Makes the directory that it is to lie in.
    ///
    /// # Errors
    /// Refused where a link leads here; I/O.
    pub fn create_parent(&self) -> Result<()> {
        match self.below.parent() {
            Some(above) if !above.as_os_str().is_empty() => self.root.at(above).create_dir().map(|_| ()),
            _ => Ok(()),
        }
    }

    /// The names in the directory, in order; nothing where there is none.
    ///
    /// # Errors
    /// Refused where a link leads here; I/O.
    pub fn list(&self) -> Result<Vec<OsString>> {
        let listed = beneath::open(self.root.fd(), &self.below, DIRECTORY, Mode::empty()).and_then(|dir| beneath::list(dir.as_fd()));
        match listed {
            Err(Errno::NOENT) => Ok(Vec::new()),
            listed => listed.map_err(|e| self.failed("list", e.into())),
        }
    }

    /// Removes a file, or the link that is here; what is not there is gone.
    ///
    /// # Errors
    /// Refused where a link leads here; I/O.
    pub fn remove_file(&self) -> Result<()> {
        self.gone(self.in_parent(|dir, name| rustix::fs::unlinkat(dir, name, AtFlags::empty())))
    }

    /// Removes an empty directory; what is not there is gone.
    ///
    /// # Errors
    /// Refused where a link leads here; I/O.
    pub fn remove_dir(&self) -> Result<()> {
        self.gone(self.in_parent(|dir, name| rustix::fs::unlinkat(dir, name, AtFlags::REMOVEDIR)))
    }

    /// Removes what is here and everything in it; of a link the link itself, here and below. What is not there is gone.
    ///
    /// # Errors
    /// Refused where a link leads here; I/O.
    pub fn remove_all(&self) -> Result<()> {
        self.gone(self.in_parent(beneath::remove_all))
    }

    fn gone(&self, removed: rustix::io::Result<()>) -> Result<()> {
        match removed {
            Err(Errno::NOENT) => Ok(()),
            removed => removed.map_err(|e| self.failed("remove", e.into())),
        }
    }

    /// Makes the names in the directory durable.
    ///
    /// # Errors
    /// Refused where a link leads here; I/O.
    pub fn sync_dir(&self) -> Result<()> {
        if self.below.as_os_str().is_empty() { self.root.sync() } else { self.open_dir()?.sync() }
    }

    /// Gives what is at `from` this name, durably: what had it before is replaced, a link itself.
    ///
    /// # Errors
    /// Refused where a link leads here or there; I/O.
    pub fn rename_from(&self, from: &Self) -> Result<()> {
        let (renamed, synced) = self.take_name_of(from);
        renamed.and(synced)
    }

    /// The same; says by itself whether the name has changed, and whether that is durable.
    pub(super) fn take_name_of(&self, from: &Self) -> (Result<()>, Result<()>) {
        let mut synced = Ok(());
        let renamed = self.in_parent(|dir, name| {
            from.in_parent(|source, old| rustix::fs::renameat(source, old, dir, name))?;
            let above = self.path.parent().unwrap_or(Path::new(""));
            synced = sync(dir, above).map_err(|e| Error::io(above, "sync", e));
            Ok(())
        });
        (renamed.map_err(|e| self.failed("rename to", e.into())), synced)
    }

    /// Gives the file at `from` this name besides its own; not durable yet.
    pub(super) fn link_from(&self, from: &Self) -> rustix::io::Result<()> {
        self.in_parent(|dir, name| from.in_parent(|source, old| rustix::fs::linkat(source, old, dir, name, AtFlags::empty())))
    }

    pub(super) fn open_with(&self, flags: OFlags) -> rustix::io::Result<File> {
        beneath::open(self.root.fd(), &self.below, flags, Mode::empty()).map(File::from)
    }

    /// Opens the file for reading and writing, made if need be; what it holds stays. For what no other file replaces: a lock.
    ///
    /// # Errors
    /// Those of the system.
    pub fn open_in_place(&self, create: bool) -> std::io::Result<File> {
        let (flags, mode) = if create { (OFlags::CREATE, FILE_MODE) } else { (OFlags::empty(), Mode::empty()) };
        Ok(beneath::open(self.root.fd(), &self.below, OFlags::RDWR | OFlags::NONBLOCK | flags, mode)?.into())
    }

    /// Opens the file for reading it and for writing at its end, made if need be. A pipe is not waited for.
    pub(super) fn open_to_append(&self) -> std::io::Result<File> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::NONBLOCK;
        Ok(beneath::open(self.root.fd(), &self.below, flags, FILE_MODE)?.into())
    }

    /// A new file here; one that is there already is left alone. A private one is for its owner alone.
    pub(super) fn create_new(&self, private: bool) -> std::io::Result<File> {
        let mode = if private { Mode::RUSR | Mode::WUSR } else { FILE_MODE };
        Ok(beneath::open(self.root.fd(), &self.below, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL, mode)?.into())
    }

    /// A new directory here.
    pub(super) fn create_new_dir(&self) -> rustix::io::Result<()> {
        self.in_parent(|dir, name| rustix::fs::mkdirat(dir, name, Mode::RWXU | Mode::RWXG | Mode::RWXO))
    }

    fn in_parent<T>(&self, act: impl FnOnce(BorrowedFd<'_>, &OsStr) -> rustix::io::Result<T>) -> rustix::io::Result<T> {
        match self.below.parent() {
            Some(above) if !above.as_os_str().is_empty() => {
                act(beneath::open(self.root.fd(), above, DIRECTORY, Mode::empty())?.as_fd(), self.name())
            }
            // The directory that is held, itself.
            None => act(self.root.fd(), OsStr::new(".")),
            _ => act(self.root.fd(), self.name()),
        }
    }
}

/// Reading and writing for all, as far as the mask of the process lets them.
const FILE_MODE: Mode = Mode::from_raw_mode(0o666);

fn link_refused(link: &Path) -> Error {
    Error::refused_with_hint(
        format!("{}: a link inside the output directory, which is not followed", link.display()),
        "remove the link, or name a new directory; where the whole directory is to lie elsewhere, name that",
    )
    .about(Subject::Link)
}
