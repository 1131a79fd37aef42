//! Finished files, opened for reading: measured, read, hashed and mapped by one descriptor, whatever becomes of the name.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Error, Result};

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 18;

/// Opens a file for reading. A pipe, a device or a directory in its place is refused: none of them can be read twice or in places, and
/// opening a pipe would wait for somebody to write.
///
/// # Errors
/// I/O; refused if there is something else than a regular file.
pub fn open_file(path: &Path) -> Result<File> {
    let open = OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed()).open(path);
    let file = open.map_err(|e| Error::io(path, "open", e))?;
    let kind = file.metadata().map_err(|e| Error::io(path, "open", e))?.file_type();
    if kind.is_file() {
        return Ok(file);
    }
    let (what, hint) = if kind.is_dir() {
        ("a directory where a file is wanted", "name a file in it")
    } else {
        ("no regular file (a pipe or a device)", "write it into a file first and name that")
    };
    Err(Error::refused_with_hint(format!("{}: {what}", path.display()), hint))
}

/// A finished file of our own making, opened.
#[derive(Debug)]
pub struct Finished {
    path: PathBuf,
    file: File,
}

impl Finished {
    /// Opens the file.
    ///
    /// # Errors
    /// See [`open_file`].
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_path_buf(), file: open_file(path)? })
    }

    /// A file of these bytes that has no name in `dir` or anywhere else: it goes with its last descriptor and map, however the process ends.
    ///
    /// # Errors
    /// I/O.
    pub fn unnamed(dir: &Path, bytes: &[u8]) -> Result<Self> {
        let mut file = unnamed(dir).map_err(|e| Error::io(dir, "create a file in", e))?;
        file.write_all(bytes).map_err(|e| Error::io(dir, "write a file in", e))?;
        Ok(Self { path: dir.to_path_buf(), file })
    }

    /// Where it was found.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Size, times and number of the file.
    ///
    /// # Errors
    /// I/O.
    pub fn metadata(&self) -> Result<Metadata> {
        self.file.metadata().map_err(|e| Error::io(&self.path, "inspect", e))
    }

    /// Size and BLAKE3 (hex), read chunk by chunk and not through a map: pages that fail are errors and no signals, and nothing of the file
    /// counts as memory of this process.
    ///
    /// # Errors
    /// I/O.
    pub fn hash(&self) -> Result<(u64, String)> {
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; CHUNK];
        let mut bytes = 0;
        loop {
            match self.file.read_at(&mut buffer, bytes) {
                Ok(0) => break,
                Ok(n) => {
                    hasher.update(&buffer[..n]);
                    bytes += n as u64;
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io(&self.path, "read", e)),
            }
        }
        Ok((bytes, hasher.finalize().to_hex().to_string()))
    }

    /// Maps the file for reading. For our own finished files only: input may be truncated under a map (SIGBUS).
    ///
    /// # Errors
    /// I/O.
    #[expect(unsafe_code, reason = "memory maps are unsafe by nature")]
    pub fn map(&self) -> Result<memmap2::Mmap> {
        // SAFETY: only files of our own making are mapped (dictionaries, packs). They are written under a temporary name
        // and renamed, never modified in place, so an open map stays valid even if the name is replaced.
        unsafe { memmap2::Mmap::map(&self.file) }.map_err(|e| Error::io(&self.path, "map", e))
    }
}

pub(super) fn unnamed(dir: &Path) -> std::io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    if let Ok(file) = rustix::fs::openat(rustix::fs::CWD, dir, flags | OFlags::TMPFILE, Mode::RUSR | Mode::WUSR) {
        return Ok(file.into());
    }
    // A file system without such files: the name is there for a moment.
    let path = dir.join(format!(".seimai-unnamed-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    let file =
        rustix::fs::openat(rustix::fs::CWD, &path, flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW, Mode::RUSR | Mode::WUSR)?;
    std::fs::remove_file(&path)?;
    Ok(file.into())
}

/// Size and BLAKE3 (hex) of a file.
///
/// # Errors
/// See [`Finished::open`] and [`Finished::hash`].
pub fn hash_file(path: &Path) -> Result<(u64, String)> {
    Finished::open(path)?.hash()
}

/// A whole file of at most `max` bytes.
///
/// # Errors
/// See [`open_file`]; refused if the file is larger.
pub fn read_limited(path: &Path, max: u64) -> Result<Vec<u8>> {
    let file = open_file(path)?;
    let larger = || Error::refused(format!("{}: larger than {max} bytes", path.display()));
    if file.metadata().map_err(|e| Error::io(path, "read", e))?.len() > max {
        return Err(larger());
    }
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes).map_err(|e| Error::io(path, "read", e))?;
    if bytes.len() as u64 > max {
        return Err(larger());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unnamed_file_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = Finished::unnamed(dir.path(), b"text").unwrap();
        assert_eq!((&file.map().unwrap()[..], file.hash().unwrap().0), (&b"text"[..], 4));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(Finished::unnamed(&dir.path().join("none"), b"").is_err());
    }

    #[test]
    fn a_pipe_and_a_directory_are_refused_without_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        for (path, said) in [(pipe.as_path(), "pipe"), (dir.path(), "directory")] {
            let Err(refused) = read_limited(path, 10) else { panic!("{said} was read") };
            assert!(refused.exit_code() == 2 && refused.to_string().contains(said) && refused.hint().is_some(), "{refused}");
            assert_eq!(hash_file(path).unwrap_err().exit_code(), 2);
        }
    }
}
