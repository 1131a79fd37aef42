//! Finished files, opened for reading: measured, read, hashed and mapped by one descriptor, whatever becomes of the name.

use std::fs::{File, Metadata};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::place::{Dir, Located};
use crate::error::{Error, Result};

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 18;

/// Opens a file for reading. A pipe, a device or a directory in its place is refused: none of them can be read twice or in places, and
/// opening a pipe would wait for somebody to write.
///
/// # Errors
/// I/O; refused if there is something else than a regular file.
pub fn open_file(at: &(impl Located + ?Sized)) -> Result<File> {
    let file = at.open().map_err(|e| at.failed("open", e))?;
    let kind = file.metadata().map_err(|e| at.failed("open", e))?.file_type();
    if kind.is_file() {
        return Ok(file);
    }
    let (what, hint) = if kind.is_dir() {
        ("a directory where a file is wanted", "name a file in it")
    } else {
        ("no regular file (a pipe or a device)", "write it into a file first and name that")
    };
    Err(Error::refused_with_hint(format!("{}: {what}", at.path().display()), hint))
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
    pub fn open(at: &(impl Located + ?Sized)) -> Result<Self> {
        Ok(Self { path: at.path().to_path_buf(), file: open_file(at)? })
    }

    /// A file of these bytes that has no name in `dir` or anywhere else: it goes with its last descriptor and map, however the process ends.
    ///
    /// # Errors
    /// I/O.
    pub fn unnamed(dir: &Dir, bytes: &[u8]) -> Result<Self> {
        let mut file = unnamed(dir).map_err(|e| Error::io(dir.path(), "create a file in", e))?;
        file.write_all(bytes).map_err(|e| Error::io(dir.path(), "write a file in", e))?;
        Ok(Self { path: dir.path().to_path_buf(), file })
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
        hash(&self.file).map_err(|e| Error::io(&self.path, "read", e))
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

/// Size and BLAKE3 (hex) of an open file, from its beginning.
pub(super) fn hash(file: &File) -> std::io::Result<(u64, String)> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; CHUNK];
    let mut bytes = 0;
    loop {
        match file.read_at(&mut buffer, bytes) {
            Ok(0) => break,
            Ok(n) => {
                hasher.update(&buffer[..n]);
                bytes += n as u64;
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok((bytes, hasher.finalize().to_hex().to_string()))
}

/// A file in `dir` that has no name.
pub(super) fn unnamed(dir: &Dir) -> std::io::Result<File> {
    use rustix::fs::{AtFlags, Mode, OFlags};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    if let Ok(file) = rustix::fs::openat(dir.fd(), ".", flags | OFlags::TMPFILE, Mode::RUSR | Mode::WUSR) {
        return Ok(file.into());
    }
    // A file system without such files: the name is there for a moment.
    let name = format!(".seimai-unnamed-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let new = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
    let file = rustix::fs::openat(dir.fd(), name.as_str(), new, Mode::RUSR | Mode::WUSR)?;
    rustix::fs::unlinkat(dir.fd(), name.as_str(), AtFlags::empty())?;
    Ok(file.into())
}

/// Size and BLAKE3 (hex) of a file.
///
/// # Errors
/// See [`Finished::open`] and [`Finished::hash`].
pub fn hash_file(at: &(impl Located + ?Sized)) -> Result<(u64, String)> {
    Finished::open(at)?.hash()
}

/// A whole file of at most `max` bytes.
///
/// # Errors
/// See [`open_file`]; refused if the file is larger.
pub fn read_limited(at: &(impl Located + ?Sized), max: u64) -> Result<Vec<u8>> {
    let file = open_file(at)?;
    let larger = || Error::refused(format!("{}: larger than {max} bytes", at.path().display()));
    if file.metadata().map_err(|e| at.failed("read", e))?.len() > max {
        return Err(larger());
    }
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes).map_err(|e| at.failed("read", e))?;
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
        let file = Finished::unnamed(&Dir::open(dir.path()).unwrap(), b"text").unwrap();
        assert_eq!((&file.map().unwrap()[..], file.hash().unwrap().0), (&b"text"[..], 4));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let gone = Dir::create(&dir.path().join("gone")).unwrap();
        std::fs::remove_dir(gone.path()).unwrap();
        assert!(Finished::unnamed(&gone, b"").is_err());
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
