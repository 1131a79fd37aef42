//! What is read and never written: a file on disk, or an object of a store. Read by position, whatever holds it.

use std::fs::File;
use std::io::{Error, Read, Result};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

#[cfg(feature = "cloud")]
use super::cloud::object::Object;
use super::objects::{self, Stat};
use super::place::Located;
#[cfg(not(feature = "cloud"))]
use super::without_stores;

/// Bytes that are hashed at a time.
const CHUNK: usize = 1 << 18;

/// An input that is open. Clones share what holds it, and go on from where they were made, each by itself.
#[derive(Debug, Clone)]
pub struct Input {
    holder: Holder,
    /// Where [`Read`] goes on.
    next: u64,
}

#[derive(Debug, Clone)]
enum Holder {
    File(Arc<File>),
    #[cfg(feature = "cloud")]
    Object(Arc<Object>),
}

impl Input {
    /// Opens a file or an object. A pipe that took its name meanwhile does not block.
    ///
    /// # Errors
    /// Those of the system or of the store; there is something else than a regular file.
    pub fn open(path: &Path) -> Result<Self> {
        if objects::is_object(path) {
            return Self::of_object(path);
        }
        let file = Located::open(path)?;
        if file.metadata()?.is_file() { Ok(Self::of_file(file)) } else { Err(Error::other("not a regular file")) }
    }

    /// A file that is open, read from its start.
    pub fn of_file(file: File) -> Self {
        Self { holder: Holder::File(Arc::new(file)), next: 0 }
    }

    #[cfg(feature = "cloud")]
    fn of_object(path: &Path) -> Result<Self> {
        Ok(Self { holder: Holder::Object(Object::open(path)?), next: 0 })
    }

    #[cfg(not(feature = "cloud"))]
    fn of_object(_: &Path) -> Result<Self> {
        Err(without_stores::unsupported())
    }

    /// Bytes it holds.
    ///
    /// # Errors
    /// Those of the system.
    pub fn size(&self) -> Result<u64> {
        match &self.holder {
            Holder::File(file) => Ok(file.metadata()?.len()),
            #[cfg(feature = "cloud")]
            Holder::Object(object) => Ok(object.bytes()),
        }
    }

    /// Fills `buffer` from `offset` on; less only where it ends, or as a file gives less.
    ///
    /// # Errors
    /// Those of the system or of the store.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        match &self.holder {
            Holder::File(file) => file.read_at(buffer, offset),
            #[cfg(feature = "cloud")]
            Holder::Object(object) => object.read_at(buffer, offset),
        }
    }

    /// The same, to the last byte of `buffer`.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at); `UnexpectedEof` where there are fewer.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        let mut done = 0;
        while done < buffer.len() {
            match self.read_at(&mut buffer[done..], offset.saturating_add(done as u64)) {
                Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => done += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// BLAKE3 (hex) of all of it.
    ///
    /// # Errors
    /// Those of the system or of the store.
    pub fn hash(mut self) -> Result<String> {
        let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; CHUNK]);
        self.next = 0;
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finalize().to_hex().to_string()),
                Ok(n) => {
                    hasher.update(&buffer[..n]);
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.read_at(buffer, self.next)?;
        self.next += read as u64;
        Ok(read)
    }
}

/// What can be told of an input without reading it. An object is looked up once in the life of a process: what is read later is that object, or
/// an error.
///
/// # Errors
/// Those of the system or of the store; `NotFound` for an object that is not there.
pub fn stat(path: &Path) -> Result<Stat> {
    if objects::is_object(path) {
        return stat_of_object(path);
    }
    let meta = std::fs::metadata(path)?;
    Ok(Stat { bytes: meta.len(), changed: i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec()) })
}

#[cfg(feature = "cloud")]
fn stat_of_object(path: &Path) -> Result<Stat> {
    Ok(Object::open(path)?.stat())
}

#[cfg(not(feature = "cloud"))]
fn stat_of_object(_: &Path) -> Result<Stat> {
    Err(without_stores::unsupported())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn clones_go_on_by_themselves() {
        let mut written = tempfile::NamedTempFile::new().unwrap();
        written.write_all(b"0123456789").unwrap();
        let mut input = Input::open(written.path()).unwrap();
        let mut two = [0; 2];
        input.read_exact(&mut two).unwrap();
        let (mut clone, mut rest) = (input.clone(), String::new());
        assert_eq!(clone.read_to_string(&mut rest).unwrap(), 8);
        input.read_exact(&mut two).unwrap();
        assert_eq!((&two, rest.as_str(), input.size().unwrap()), (b"23", "23456789", 10));
        input.read_exact_at(&mut two, 8).unwrap();
        assert_eq!(&two, b"89");
        assert_eq!(input.read_exact_at(&mut two, 9).unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
        assert_eq!(clone.hash().unwrap(), blake3::hash(b"0123456789").to_hex().to_string());
    }

    #[test]
    fn a_directory_is_no_input() {
        assert!(Input::open(Path::new(".")).unwrap_err().to_string().contains("not a regular file"));
    }
}
