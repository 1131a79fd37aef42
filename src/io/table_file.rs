//! A file as the Parquet library reads it.

use std::fs::File;
use std::io::{BufReader, Error, ErrorKind, Read, Result};
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::input::Input;
use super::objects::is_object;
use super::place::Located;

/// Reads by position, so that no page costs a descriptor, and keeps what the system said: the library turns its errors into text,
/// and then a disk that fails could no longer be told from a file that is damaged.
#[derive(Debug, Clone)]
pub struct TableFile {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    file: Input,
    bytes: u64,
    failure: Mutex<Option<Error>>,
}

impl TableFile {
    /// Opens a file and notes its size. A pipe in its place does not block: it is a file without a footer.
    pub fn open(path: &Path) -> Result<Self> {
        if is_object(path) {
            return Self::of_input(Input::open(path)?);
        }
        Self::new(Located::open(path)?)
    }

    /// A file that is open already.
    pub fn new(file: File) -> Result<Self> {
        Self::of_input(Input::of_file(file))
    }

    fn of_input(file: Input) -> Result<Self> {
        let bytes = file.size()?;
        Ok(Self { shared: Arc::new(Shared { file, bytes, failure: Mutex::default() }) })
    }

    /// Its size when it was opened.
    pub fn bytes(&self) -> u64 {
        self.shared.bytes
    }

    /// The first error of the system since the last call: whatever the library said then, it was no damage.
    pub fn take_failure(&self) -> Option<Error> {
        self.shared.failure.lock().ok().and_then(|mut failure| failure.take())
    }

    /// Fills `buffer` from `offset` on.
    ///
    /// # Errors
    /// `UnexpectedEof` where the file is too short.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        let mut done = 0;
        while done < buffer.len() {
            match self.read_at(&mut buffer[done..], offset.saturating_add(done as u64))? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                n => done += n,
            }
        }
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        // Offsets are taken from files: the system is not asked for one that it cannot have.
        if offset >= self.shared.bytes {
            return Ok(0);
        }
        loop {
            match self.shared.file.read_at(buffer, offset) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => {
                    let said = e.to_string();
                    if let Ok(mut failure) = self.shared.failure.lock() {
                        failure.get_or_insert(e);
                    }
                    return Err(Error::other(said));
                }
                read => return read,
            }
        }
    }
}

impl Length for TableFile {
    fn len(&self) -> u64 {
        self.shared.bytes
    }
}

impl ChunkReader for TableFile {
    type T = BufReader<Rest>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::new(Rest { file: self.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        // Not believed before it is known to be there: nothing is allocated for a length that lies.
        if start.checked_add(length as u64).is_none_or(|end| end > self.shared.bytes) {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} in a file of {}", self.shared.bytes)));
        }
        let mut buffer = vec![0; length];
        self.read_exact_at(&mut buffer, start)?;
        Ok(buffer.into())
    }
}

/// The bytes of a file from an offset on.
#[derive(Debug)]
pub struct Rest {
    file: TableFile,
    at: u64,
}

impl Read for Rest {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// What the library says, without the names of its layers in front.
pub(crate) fn library_message(error: &dyn std::error::Error) -> String {
    let said = error.to_string();
    let mut message = said.as_str();
    while let Some(rest) =
        ["Parquet argument error: ", "Parquet error: ", "Arrow: ", "External: "].iter().find_map(|p| message.strip_prefix(p))
    {
        message = rest;
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_not_there_is_no_failure_of_the_system() {
        let mut written = tempfile::NamedTempFile::new().unwrap();
        written.write_all(b"0123456789").unwrap();
        let file = TableFile::open(written.path()).unwrap();
        assert_eq!(&file.get_bytes(2, 3).unwrap()[..], b"234");
        let mut rest = String::new();
        file.get_read(7).unwrap().read_to_string(&mut rest).unwrap();
        assert_eq!((rest.as_str(), file.len()), ("789", 10));
        for (start, length) in [(8, 3), (11, 0), (u64::MAX, 1), (0, usize::MAX)] {
            assert!(file.get_bytes(start, length).is_err());
        }
        assert_eq!(file.get_read(u64::MAX).unwrap().read_to_string(&mut rest).unwrap(), 0);
        assert!(file.take_failure().is_none());
    }

    #[test]
    fn the_layers_of_the_library_are_not_named() {
        let error = arrow::error::ArrowError::from(ParquetError::General("no such page".into()));
        assert_eq!(library_message(&error), "no such page");
    }

    #[test]
    fn a_failing_read_is_remembered() {
        let mut written = tempfile::NamedTempFile::new().unwrap();
        written.write_all(b"0123456789").unwrap();
        // A descriptor that cannot be read from stands for a disk that cannot.
        let file = TableFile::new(File::options().write(true).open(written.path()).unwrap()).unwrap();
        assert!(file.get_bytes(0, 8).is_err());
        assert_eq!(file.take_failure().unwrap().raw_os_error(), Some(rustix::io::Errno::BADF.raw_os_error()));
        assert!(file.take_failure().is_none());
    }
}
