//! A compressed archive as decoded bytes that are walked over from front to back.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::corpus::compression::{Damage, Entry, Stop, Stream};
use crate::io::Input;

/// Bytes that are walked over.
pub(super) trait Walk: Read {
    /// Bytes before the next one.
    fn position(&self) -> u64;

    /// Steps over bytes; `false` if there are less.
    fn skip(&mut self, bytes: u64) -> std::io::Result<bool>;

    /// Where decoding can begin to reach the next byte, if the archive is compressed.
    fn entry(&mut self) -> Option<Entry>;
}

/// Decoded bytes, where the walk stands, and what it ended with.
pub(super) struct Decoded {
    stream: Stream,
    pending: Vec<u8>,
    start: usize,
    position: u64,
    ended: bool,
    damage: Option<Damage>,
}

impl Decoded {
    /// A stream that begins at such an entry.
    pub(super) fn new(stream: Stream, entry: Entry) -> Self {
        Self { stream, pending: Vec::new(), start: 0, position: entry.decoded, ended: false, damage: None }
    }

    /// Goes on at an entry of a file.
    pub(super) fn at(file: Input, entry: Entry) -> std::io::Result<Self> {
        Ok(Self::new(Stream::of_file(file, entry)?, entry))
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.stream.kind().is_some()
    }

    /// Are the first bytes such? They stay to be read. Damage so early tells nothing of an archive.
    pub(super) fn begins(&mut self, bytes: usize, such: fn(&[u8]) -> bool) -> std::io::Result<bool> {
        while self.pending.len() < bytes && !self.ended {
            self.more()?;
        }
        Ok(such(&self.pending))
    }

    /// Decodes on. What is damaged stays so.
    fn more(&mut self) -> std::io::Result<()> {
        match self.stream.read(&mut self.pending) {
            Ok(goes_on) => self.ended = !goes_on,
            Err(Stop::Damage(damage)) => (self.ended, self.damage) = (true, Some(damage)),
            Err(Stop::Io(error)) => return Err(error),
        }
        Ok(())
    }

    /// Pending bytes, at least one unless nothing follows.
    fn fill(&mut self) -> std::io::Result<usize> {
        while self.start == self.pending.len() {
            if self.ended {
                return self.damage.map_or(Ok(0), |damage| Err(damage.into()));
            }
            self.pending.clear();
            self.start = 0;
            self.more()?;
        }
        Ok(self.pending.len() - self.start)
    }

    fn advance(&mut self, bytes: usize) {
        self.start += bytes;
        self.position += bytes as u64;
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = buffer.len().min(self.fill()?);
        buffer[..n].copy_from_slice(&self.pending[self.start..self.start + n]);
        self.advance(n);
        Ok(n)
    }
}

impl Walk for Decoded {
    fn position(&self) -> u64 {
        self.position
    }

    fn skip(&mut self, mut bytes: u64) -> std::io::Result<bool> {
        while bytes > 0 {
            let n = self.fill()?.min(usize::try_from(bytes).unwrap_or(usize::MAX));
            if n == 0 {
                return Ok(false);
            }
            self.advance(n);
            bytes -= n as u64;
        }
        Ok(true)
    }

    fn entry(&mut self) -> Option<Entry> {
        Some(self.stream.entry_before(self.position))
    }
}

/// A member of a compressed tar that others are read from too.
pub(super) struct TarMember {
    shared: Arc<Mutex<Decoded>>,
    path: PathBuf,
    entry: Entry,
    next: u64,
    left: u64,
}

impl TarMember {
    /// The member at such a decoded byte, of so many.
    pub(super) fn new(shared: Arc<Mutex<Decoded>>, path: PathBuf, entry: Entry, at: u64, size: u64) -> Self {
        Self { shared, path, entry, next: at, left: size }
    }

    /// Moves the walk to the next byte of this member: on, if it is not past it and cannot enter the archive nearer to it.
    fn go_there(decoded: &mut Decoded, path: &Path, entry: Entry, next: u64) -> std::io::Result<bool> {
        if decoded.position > next || decoded.position < entry.decoded {
            *decoded = Decoded::at(Input::open(path)?, entry)?;
        }
        decoded.skip(next - decoded.position)
    }
}

impl Read for TarMember {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let mut decoded = self.shared.lock().map_err(|_| std::io::Error::other("another reader of the archive panicked"))?;
        let is_there = Self::go_there(&mut decoded, &self.path, self.entry, self.next)?;
        let read = if is_there { decoded.read(&mut buffer[..wanted])? } else { 0 };
        if read == 0 {
            return Err(Damage::new("tar_eof", "the tar ends inside of the member").into());
        }
        self.next += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}
