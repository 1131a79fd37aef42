//! The only code that creates files.
//!
//! Every file is made in one way: temporary name → finish → fsync → rename to the final name → fsync of the directory.
//! So a file either carries its final name and is complete, or it does not carry that name. An fsync that fails is a
//! failed write: nothing is retried on pages that may be gone.

mod finished;
mod mapped_cells;
mod panic_guard;
mod parquet;
mod scratch;
mod sealed;
mod table_file;
mod unfinished;

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

pub use self::finished::{Finished, hash_file, open_file, read_limited};
pub use self::mapped_cells::MappedCells;
pub use self::panic_guard::{guard, is_guarded};
pub(crate) use self::parquet::created_by;
pub use self::parquet::{
    TableReader, TableWriter, open_table, open_table_rows, open_table_within, read_table, table_metadata, work_properties,
};
pub use self::scratch::{Buckets, Chunk, Scratch, put_number, take_number};
pub use self::sealed::{seal, unseal};
pub use self::table_file::TableFile;
pub(crate) use self::table_file::library_message;
pub use self::unfinished::{TemporaryDir, remove_unfinished};
use crate::error::{Error, Result};

/// What a manifest says of a finished file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Path relative to the output directory.
    pub path: String,
    /// Rows, for tables; documents or packed rows otherwise.
    pub rows: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// BLAKE3 of the bytes, hex.
    pub blake3: String,
}

/// Files of one name that may be unfinished at once.
const SAME_NAME_MAX: u32 = 10_000;

/// A directory for files that have no final name yet. Files in it may be deleted at any time between runs.
#[derive(Debug, Clone)]
pub struct Staging {
    dir: PathBuf,
    /// Finished files, and those of others, lie in it too.
    shared: bool,
}

/// How unfinished files are called where finished ones lie too.
const UNFINISHED: &str = ".seimai-";

impl Staging {
    /// Makes the directory if need be.
    pub fn new(dir: impl Into<PathBuf>) -> Result<Self> {
        let dir = dir.into();
        create_dir(&dir)?;
        Ok(Self { dir, shared: false })
    }

    /// The same for a directory in which finished files lie too, or those of others: names of unfinished ones begin with `.seimai-`, each is
    /// locked, and those that killed processes left are removed.
    pub fn beside(dir: impl Into<PathBuf>) -> Result<Self> {
        let staging = Self { shared: true, ..Self::new(dir)? };
        unfinished::remove_left_overs(&staging.dir, UNFINISHED, fs::FileType::is_file);
        Ok(staging)
    }

    /// Starts a file. Where another one of this name is being written, perhaps by another process, it gets a number.
    pub fn create(&self, name: &str) -> Result<StagedFile> {
        let (file, path) = self.unused(name, |path| self.create_locked(path))?;
        let file = BufWriter::with_capacity(1 << 18, file);
        Ok(StagedFile { path, file, hasher: Some(blake3::Hasher::new()), bytes: 0, committed: false })
    }

    /// A new file, locked where others may look for what nobody is at work on. File systems without locks have none.
    fn create_locked(&self, path: &Path) -> Result<File> {
        let file = create_new(path)?;
        if self.shared {
            let _ = rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive);
            // Another process may have removed it before it was locked: then it is as if the name were taken.
            if !unfinished::is_at(Some(&file), path) {
                unfinished::forget(path);
                return Err(Error::io(path, "create", std::io::ErrorKind::AlreadyExists.into()));
            }
        }
        Ok(file)
    }

    /// What `create` makes under this name, or where that is taken, under this name and a number.
    fn unused<T>(&self, name: &str, create: impl Fn(&Path) -> Result<T>) -> Result<(T, PathBuf)> {
        let name = if self.shared { format!("{UNFINISHED}{name}") } else { name.to_owned() };
        let mut path = self.dir.join(&name);
        for number in 1..SAME_NAME_MAX {
            match create(&path) {
                Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists => {}
                created => return Ok((created?, path)),
            }
            path = self.dir.join(format!("{name}.{number}"));
        }
        Err(Error::Resources(format!("{}: {SAME_NAME_MAX} unfinished files named {name}", self.dir.display())))
    }

    /// Where a file of this name lies.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Writes `bytes` as the complete file `path`.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<(u64, String)> {
        let name = path.file_name().map_or_else(|| "file".into(), |name| name.to_string_lossy().into_owned());
        let mut file = self.create(&format!("{name}.{}", blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex()))?;
        file.write_all(bytes).map_err(|e| file.failed(e))?;
        file.commit(path)
    }

    /// Deletes everything in it.
    pub fn clear(&self) -> Result<()> {
        for entry in fs::read_dir(&self.dir).map_err(|e| Error::io(&self.dir, "list", e))? {
            let path = entry.map_err(|e| Error::io(&self.dir, "list", e))?.path();
            fs::remove_file(&path).map_err(|e| Error::io(&path, "remove", e))?;
        }
        Ok(())
    }
}

/// A file being written under a temporary name; dropped without [`StagedFile::commit`], it is removed.
#[derive(Debug)]
pub struct StagedFile {
    path: PathBuf,
    file: BufWriter<File>,
    hasher: Option<blake3::Hasher>,
    bytes: u64,
    committed: bool,
}

impl StagedFile {
    /// Where it is being written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The error for a failed write to this file.
    pub fn failed(&self, source: std::io::Error) -> Error {
        Error::io(&self.path, "write", source)
    }

    /// For a file that will be patched: hashing what is written would be in vain.
    #[must_use]
    pub fn hashed_at_the_end(mut self) -> Self {
        self.hasher = None;
        self
    }

    /// Overwrites `bytes` at `offset` (headers that are known last); the content hash is then taken by reading back.
    pub fn patch(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let patch = |file: &mut BufWriter<File>| {
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(bytes)?;
            file.seek(SeekFrom::End(0)).map(|_| ())
        };
        self.hasher = None;
        patch(&mut self.file).map_err(|e| Error::io(&self.path, "write", e))
    }

    /// Bytes written so far.
    pub fn position(&self) -> u64 {
        self.bytes
    }

    /// fsync, rename to `target`, fsync of its directory; gives size and BLAKE3.
    pub fn commit(mut self, target: &Path) -> Result<(u64, String)> {
        self.file.flush().map_err(|e| Error::io(&self.path, "write", e))?;
        self.file.get_ref().sync_all().map_err(|e| Error::io(&self.path, "sync", e))?;
        let hash = match self.hasher.take() {
            Some(hasher) => hasher.finalize().to_hex().to_string(),
            None => hash_file(&self.path)?.1,
        };
        fs::rename(&self.path, target).map_err(|e| Error::io(target, "rename to", e))?;
        // From here on the temporary name may be another's.
        self.committed = true;
        unfinished::forget(&self.path);
        sync_dir(parent(target))?;
        Ok((self.bytes, hash))
    }
}

/// A new file, which goes with the process; one that is there already is left alone.
fn create_new(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).read(true).create_new(true).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    unfinished::make(path, || options.open(path)).map_err(|e| Error::io(path, "create", e))
}

impl Write for StagedFile {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        let n = self.file.write(buf)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buf[..n]);
        }
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.committed {
            // Best effort: what stays in the staging directory is cleared at the next start.
            let _ = fs::remove_file(&self.path);
            unfinished::forget(&self.path);
        }
    }
}

/// Renames within a file system and makes the new name durable.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| Error::io(to, "rename to", e))?;
    sync_dir(parent(to))
}

/// Gives a finished file the name `to` besides its own, or where the file system knows no second names, a copy of that name. What had the name
/// before loses it. Durable once the directory of `to` is synced.
pub fn second_name(staging: &Staging, from: &Path, to: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let found = fs::symlink_metadata(from).map_err(|e| Error::io(from, "inspect", e))?;
    match fs::symlink_metadata(to) {
        Ok(there) if (there.dev(), there.ino()) == (found.dev(), found.ino()) => return Ok(()),
        Ok(_) => fs::remove_file(to).map_err(|e| Error::io(to, "remove", e))?,
        Err(_) => {}
    }
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    let name = to.file_name().map_or_else(|| "copy".into(), |name| name.to_string_lossy().into_owned());
    let mut copy = staging.create(&name)?;
    let mut file = File::open(from).map_err(|e| Error::io(from, "open", e))?;
    std::io::copy(&mut file, &mut copy).map_err(|e| copy.failed(e))?;
    copy.commit(to).map(|_| ())
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// fsync of a directory. File systems that do not support it are noted, see [`unsynced_directory`].
pub fn sync_dir(dir: &Path) -> Result<()> {
    use rustix::io::Errno;
    let handle = File::open(dir).map_err(|e| Error::io(dir, "open", e))?;
    match handle.sync_all() {
        Err(e) if [Errno::INVAL, Errno::OPNOTSUPP].iter().any(|errno| e.raw_os_error() == Some(errno.raw_os_error())) => {
            let _ = UNSYNCED.set(dir.to_path_buf());
            Ok(())
        }
        other => other.map_err(|e| Error::io(dir, "sync", e)),
    }
}

/// The first directory whose file system does not support fsync of directories, if there was one: names of files in it may be lost where
/// the machine loses power.
pub fn unsynced_directory() -> Option<&'static Path> {
    UNSYNCED.get().map(PathBuf::as_path)
}

static UNSYNCED: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();

/// Makes a directory and its parents.
pub fn create_dir(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).map_err(|e| Error::io(dir, "create", e))
}
