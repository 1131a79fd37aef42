//! Bytes that are read by place: a file, or what lies in memory. Nothing is allocated from a size that the bytes themselves declare.

use std::io;

use crate::io::Input;

/// Bytes that are read at a time.
const BLOCK: usize = 1 << 16;

/// Something that is read by place.
pub trait Bytes {
    /// How many there are.
    fn size(&self) -> u64;
    /// Fills `buffer` from `offset` on; less where they end.
    ///
    /// # Errors
    /// Those of the system.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl Bytes for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }
}

impl Bytes for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.as_slice().read_at(buffer, offset)
    }
}

/// An open file, of the size that it had when it was opened.
pub struct Opened {
    input: Input,
    size: u64,
}

impl Opened {
    /// Of an input.
    ///
    /// # Errors
    /// Those of the system.
    pub fn new(input: Input) -> io::Result<Self> {
        Ok(Self { size: input.size()?, input })
    }
}

impl Bytes for Opened {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.input.read_at(buffer, offset)
    }
}

/// A part of other bytes.
pub struct Section<'a> {
    bytes: &'a dyn Bytes,
    start: u64,
    length: u64,
}

impl<'a> Section<'a> {
    /// `length` bytes from `start` on; as many as there are.
    pub fn new(bytes: &'a dyn Bytes, start: u64, length: u64) -> Self {
        let start = start.min(bytes.size());
        Self { bytes, start, length: length.min(bytes.size() - start) }
    }
}

impl Bytes for Section<'_> {
    fn size(&self) -> u64 {
        self.length
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let n = left.min(buffer.len());
        if n == 0 { Ok(0) } else { self.bytes.read_at(&mut buffer[..n], self.start + offset) }
    }
}

/// Why bytes are not what they should be, or were not looked at.
#[derive(Debug)]
pub enum Fault {
    /// A promise of the format is broken.
    Broken {
        /// The byte at which it shows.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// More than is looked at.
    Beyond {
        /// The byte at which the looking ended.
        offset: u64,
        /// Which limit.
        what: String,
    },
    /// The system could not read it.
    Unread(io::Error),
}

impl Fault {
    /// A broken promise.
    pub fn broken(offset: u64, what: impl Into<String>) -> Self {
        Self::Broken { offset, what: what.into() }
    }

    /// A limit.
    pub fn beyond(offset: u64, what: impl Into<String>) -> Self {
        Self::Beyond { offset, what: what.into() }
    }
}

/// What a reader of bytes gives.
pub type Looked<T> = Result<T, Fault>;

/// As many bytes as there are, up to `length`.
///
/// # Errors
/// Those of the system.
pub fn head(bytes: &dyn Bytes, offset: u64, length: usize) -> Looked<Vec<u8>> {
    let left = usize::try_from(bytes.size().saturating_sub(offset)).unwrap_or(usize::MAX);
    let mut buffer = vec![0; length.min(left)];
    let mut done = 0;
    while done < buffer.len() {
        match bytes.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Fault::Unread(e)),
        }
    }
    buffer.truncate(done);
    Ok(buffer)
}

/// Reads forward.
pub struct Cursor<'a> {
    bytes: &'a dyn Bytes,
    at: u64,
    block: Vec<u8>,
    block_at: u64,
}

impl<'a> Cursor<'a> {
    /// From a byte on.
    pub fn new(bytes: &'a dyn Bytes, at: u64) -> Self {
        Self { bytes, at, block: Vec::new(), block_at: 0 }
    }

    /// The next byte's place.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Bytes that are left.
    pub fn left(&self) -> u64 {
        self.bytes.size().saturating_sub(self.at)
    }

    /// What is at hand from here on, read anew where nothing is.
    fn block(&mut self) -> Looked<&[u8]> {
        let in_block = |at: u64, from: u64, length: usize| at >= from && at < from + length as u64;
        if !in_block(self.at, self.block_at, self.block.len()) {
            self.block = head(self.bytes, self.at, BLOCK)?;
            self.block_at = self.at;
        }
        let from = usize::try_from(self.at - self.block_at).unwrap_or(usize::MAX);
        match self.block.get(from..) {
            Some(rest) if !rest.is_empty() => Ok(rest),
            _ => Err(Fault::broken(self.at, "ends here, in the middle")),
        }
    }

    /// One byte.
    ///
    /// # Errors
    /// There is none.
    pub fn u8(&mut self) -> Looked<u8> {
        let byte = self.block()?[0];
        self.at += 1;
        Ok(byte)
    }

    /// So many bytes.
    ///
    /// # Errors
    /// There are fewer.
    pub fn array<const N: usize>(&mut self) -> Looked<[u8; N]> {
        let mut all = [0; N];
        for byte in &mut all {
            *byte = self.u8()?;
        }
        Ok(all)
    }

    /// A number of two bytes, the small end first.
    ///
    /// # Errors
    /// There are fewer.
    pub fn u16(&mut self) -> Looked<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// Of four bytes.
    ///
    /// # Errors
    /// There are fewer.
    pub fn u32(&mut self) -> Looked<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Of eight bytes.
    ///
    /// # Errors
    /// There are fewer.
    pub fn u64(&mut self) -> Looked<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A declared number of bytes, `max` at most.
    ///
    /// # Errors
    /// There are fewer, or it is more than `max`.
    pub fn take(&mut self, length: u64, max: u64) -> Looked<Vec<u8>> {
        self.check(length)?;
        if length > max {
            return Err(Fault::beyond(self.at, format!("{length} bytes where {max} are the most that is read")));
        }
        let taken = head(self.bytes, self.at, usize::try_from(length).unwrap_or(usize::MAX))?;
        if (taken.len() as u64) < length {
            return Err(Fault::broken(self.at + taken.len() as u64, "ends here, in the middle"));
        }
        self.at += length;
        Ok(taken)
    }

    /// Steps over a declared number of bytes.
    ///
    /// # Errors
    /// There are fewer.
    pub fn skip(&mut self, length: u64) -> Looked<()> {
        self.check(length)?;
        self.at += length;
        Ok(())
    }

    fn check(&self, length: u64) -> Looked<()> {
        if length > self.left() {
            return Err(Fault::broken(self.at, format!("{length} bytes are declared and {} are there", self.left())));
        }
        Ok(())
    }

    /// The first `kept` bytes up to the next end of line, and how many there are up to there; the line is stepped over, however long.
    ///
    /// # Errors
    /// There is no end of line.
    pub fn line(&mut self, kept: usize) -> Looked<(Vec<u8>, u64)> {
        let (mut line, from) = (Vec::new(), self.at);
        loop {
            match self.u8()? {
                b'\n' => return Ok((line, self.at - 1 - from)),
                byte if line.len() < kept => line.push(byte),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_beyond_the_end() {
        let bytes: &[u8] = b"\x01\x02\x00\x03\x00\x00\x00line\nrest";
        let mut cursor = Cursor::new(&bytes, 0);
        assert_eq!((cursor.u8().unwrap(), cursor.u16().unwrap(), cursor.u32().unwrap()), (1, 2, 3));
        assert_eq!(cursor.line(2).unwrap(), (b"li".to_vec(), 4));
        assert!(matches!(cursor.take(u64::MAX, 10), Err(Fault::Broken { offset: 12, .. })));
        assert!(matches!(cursor.take(4, 3), Err(Fault::Beyond { offset: 12, .. })));
        assert_eq!(cursor.take(4, 4).unwrap(), b"rest");
        assert!(cursor.u8().is_err() && cursor.skip(1).is_err() && cursor.skip(0).is_ok());
        let section = Section::new(&bytes, 7, 4);
        assert_eq!(head(&section, 0, 100).unwrap(), b"line");
        assert_eq!(head(&Section::new(&bytes, 100, 4), 0, 100).unwrap(), b"");
    }
}
