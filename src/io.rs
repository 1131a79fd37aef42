//! The only code that creates files.
//!
//! Every file is made in one way: temporary name → finish → fsync → rename to the final name → fsync of the directory.
//! So a file either carries its final name and is complete, or it does not carry that name (but for locks, and for logs, which grow: [`LineFile`]). An fsync that fails is a
//! failed write: nothing is retried on pages that may be gone.
//!
//! Both names are places below directories that are held open ([`Dir`]), so that no link leads what is written elsewhere.

mod beneath;
#[cfg(feature = "cloud")]
mod cloud;
mod finished;
mod input;
mod line_file;
mod mapped_cells;
mod objects;
mod panic_guard;
mod parquet;
mod place;
mod scratch;
mod sealed;
mod sha256;
mod sorted_runs;
mod table_file;
mod table_rows;
mod unfinished;
#[cfg(not(feature = "cloud"))]
mod without_stores;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

#[cfg(feature = "cloud")]
pub use self::cloud::{Prefix, find_object, keep_ranges, list_objects};
pub use self::finished::{Finished, hash_file, open_file, read_limited};
pub use self::input::{Input, stat};
pub use self::line_file::LineFile;
pub use self::mapped_cells::MappedCells;
pub use self::objects::{Sent, Stat, is_object, memory_of_ranges};
pub use self::panic_guard::{guard, is_guarded};
pub(crate) use self::parquet::created_by;
pub use self::parquet::{
    TableReader, TableWriter, open_table, open_table_rows, open_table_within, read_table, table_metadata, work_properties,
};
pub use self::place::{Dir, Found, Located, Place, unsynced_directory};
pub use self::scratch::{Buckets, Chunk, Scratch, put_number, take_number};
pub use self::sealed::{seal, unseal};
pub use self::sha256::{hex, sha256_of_bytes, sha256_of_file};
pub(crate) use self::sorted_runs::{Ascending, Item, Reader, Sorted, SortedRuns};
pub use self::table_file::TableFile;
pub(crate) use self::table_file::library_message;
pub use self::table_rows::TableRows;
pub use self::unfinished::{TemporaryDir, remove_unfinished};
#[cfg(not(feature = "cloud"))]
pub use self::without_stores::{Prefix, find_object, keep_ranges, list_objects};
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
    dir: Dir,
    /// Finished files, and those of others, lie in it too.
    shared: bool,
    /// Files are for their owner alone, from the moment they are made.
    private: bool,
}

/// How unfinished files are called where finished ones lie too.
const UNFINISHED: &str = ".seimai-";

/// Is a file of that name an unfinished one, which lies where finished ones lie?
pub fn is_unfinished(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes())
}

impl Staging {
    /// The directory that the user names so, made if need be.
    pub fn new(dir: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::within(Dir::create(dir.as_ref())?))
    }

    /// A directory for nothing else.
    pub fn within(dir: Dir) -> Self {
        Self { dir, shared: false, private: false }
    }

    /// A directory in which finished files lie too, or those of others: names of unfinished ones begin with `.seimai-`, each is locked, and
    /// those that killed processes left are removed.
    pub fn beside(dir: Dir) -> Self {
        unfinished::remove_left_overs(&dir, UNFINISHED, Found::is_file);
        Self { dir, shared: true, private: false }
    }

    /// The same for the file that the user names so; its directory is made if need be.
    ///
    /// # Errors
    /// Refused where it has no name of a file; I/O.
    pub fn for_file(path: &Path) -> Result<(Self, Place)> {
        let place = Place::named(path)?;
        Ok((Self::beside(place.root().clone()), place))
    }

    /// The same for a file that nobody but its owner may read or write, whatever the mask of the process.
    ///
    /// # Errors
    /// As [`Staging::for_file`].
    pub fn for_secret(path: &Path) -> Result<(Self, Place)> {
        let (staging, place) = Self::for_file(path)?;
        Ok((Self { private: true, ..staging }, place))
    }

    /// Starts a file. Where another one of this name is being written, perhaps by another process, it gets a number.
    pub fn create(&self, name: &str) -> Result<StagedFile> {
        let (file, place) = self.unused(name, |place| self.create_locked(place))?;
        let file = BufWriter::with_capacity(1 << 18, file);
        Ok(StagedFile { place, file, hasher: Some(blake3::Hasher::new()), bytes: 0, committed: false })
    }

    /// A new file, locked where others may look for what nobody is at work on. File systems without locks have none.
    fn create_locked(&self, place: &Place) -> Result<File> {
        let file = create_new(place, self.private)?;
        if self.shared {
            let _ = rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive);
            // Another process may have removed it before it was locked: then it is as if the name were taken.
            if !unfinished::is_at(Some(&file), place) {
                unfinished::forget(place);
                return Err(place.failed("create", std::io::ErrorKind::AlreadyExists.into()));
            }
        }
        Ok(file)
    }

    /// What `create` makes under this name, or where that is taken, under this name and a number.
    fn unused<T>(&self, name: &str, create: impl Fn(&Place) -> Result<T>) -> Result<(T, Place)> {
        let name = if self.shared { format!("{UNFINISHED}{name}") } else { name.to_owned() };
        let mut place = self.dir.at(&name);
        for number in 1..SAME_NAME_MAX {
            match create(&place) {
                Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists => {}
                created => return Ok((created?, place)),
            }
            place = self.dir.at(format!("{name}.{number}"));
        }
        Err(Error::Resources(format!("{}: {SAME_NAME_MAX} unfinished files named {name}", self.dir.path().display())))
    }

    /// The directory itself.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Where a file of this name lies.
    pub fn at(&self, name: impl AsRef<Path>) -> Place {
        self.dir.at(name)
    }

    /// Writes `bytes` as the complete file at `target`.
    pub fn write(&self, target: &Place, bytes: &[u8]) -> Result<(u64, String)> {
        let name = target.name().to_string_lossy();
        let mut file = self.create(&format!("{name}.{}", blake3::hash(target.path().as_os_str().as_encoded_bytes()).to_hex()))?;
        file.write_all(bytes).map_err(|e| file.failed(e))?;
        file.commit(target)
    }

    /// Deletes everything in it.
    pub fn clear(&self) -> Result<()> {
        self.dir.at("").list()?.into_iter().try_for_each(|name| self.dir.at(name).remove_all())
    }
}

/// A file being written under a temporary name; dropped without [`StagedFile::commit`], it is removed.
#[derive(Debug)]
pub struct StagedFile {
    place: Place,
    file: BufWriter<File>,
    hasher: Option<blake3::Hasher>,
    bytes: u64,
    committed: bool,
}

impl StagedFile {
    /// Where it is being written; for messages.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// The error for a failed write to this file.
    pub fn failed(&self, source: std::io::Error) -> Error {
        self.place.failed("write", source)
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
        patch(&mut self.file).map_err(|e| self.place.failed("write", e))
    }

    /// Fills `buffer` with what was written from `offset` on, and flushed.
    pub fn read_back(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        self.file.get_ref().read_exact_at(buffer, offset).map_err(|e| self.place.failed("read", e))
    }

    /// Bytes written so far.
    pub fn position(&self) -> u64 {
        self.bytes
    }

    /// fsync, rename to `target`, fsync of its directory; gives size and BLAKE3.
    pub fn commit(mut self, target: &Place) -> Result<(u64, String)> {
        self.file.flush().map_err(|e| self.place.failed("write", e))?;
        self.file.get_ref().sync_all().map_err(|e| self.place.failed("sync", e))?;
        let hash = match self.hasher.take() {
            Some(hasher) => hasher.finalize().to_hex().to_string(),
            None => finished::hash(self.file.get_ref()).map_err(|e| self.place.failed("read", e))?.1,
        };
        let (renamed, synced) = target.take_name_of(&self.place);
        // From here on the temporary name may be another's.
        self.committed = renamed.is_ok();
        renamed?;
        unfinished::forget(&self.place);
        synced?;
        Ok((self.bytes, hash))
    }
}

/// A new file, which goes with the process; one that is there already is left alone.
fn create_new(place: &Place, private: bool) -> Result<File> {
    unfinished::make(place, || place.create_new(private)).map_err(|e| place.failed("create", e))
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
            let _ = self.place.remove_file();
            unfinished::forget(&self.place);
        }
    }
}

/// Gives a finished file the name `to` besides its own, or where the file system knows no second names, a copy of that name. What had the name
/// before loses it, in one step: at no moment there is nothing. Durable once the directory of `to` is synced.
pub fn second_name(staging: &Staging, from: &Place, to: &Place) -> Result<()> {
    let found = from.look()?.filter(Found::is_file);
    let found = found.ok_or_else(|| from.failed("inspect", std::io::ErrorKind::NotFound.into()))?;
    match to.look()? {
        Some(there) if there.identity == found.identity => return Ok(()),
        Some(_) => {
            let link = |place: &Place| unfinished::make(place, || Ok(place.link_from(from)?)).map_err(|e| place.failed("link to", e));
            if let Ok(((), place)) = staging.unused(&to.name().to_string_lossy(), link) {
                let renamed = to.rename_from(&place);
                // A name that another process has given to the same file meanwhile stays as it is, and this one too.
                let removed = place.remove_file();
                unfinished::forget(&place);
                return renamed.and(removed);
            }
        }
        None if to.link_from(from).is_ok() => return Ok(()),
        None => {}
    }
    let mut copy = staging.create(&to.name().to_string_lossy())?;
    let mut file = open_file(from)?;
    std::io::copy(&mut file, &mut copy).map_err(|e| copy.failed(e))?;
    copy.commit(to).map(|_| ())
}
