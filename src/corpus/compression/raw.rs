//! Compressed bytes as they come from a file.

use std::io::Read;
use std::sync::Arc;

use super::damage::{Damage, Stop};
use super::entry::Entry;
use crate::io::Input;

/// Bytes that are read at a time.
pub(super) const CHUNK: usize = 1 << 18;
/// Bytes that are read first: many files are small.
const FIRST: usize = 1 << 14;
/// Entries that are remembered, at most; beyond, every second one is forgotten.
const ENTRIES_MAX: usize = 1024;

/// Where compressed bytes come from.
pub(in crate::corpus) type Source = Box<dyn Read + Send>;

/// A buffered reader that can look ahead.
pub(super) struct Raw {
    source: Source,
    buffer: Vec<u8>,
    start: usize,
    /// Bytes of the file consumed.
    pub(super) total: u64,
    /// Bytes decoded so far.
    pub(super) decoded: u64,
    /// Where decoding can begin, in order.
    entries: Vec<Entry>,
    /// Bytes that are read next.
    step: usize,
    /// The bytes come out of something damaged, and end here.
    failed: Option<Damage>,
    /// Every entry is remembered, however near to the last.
    all: bool,
}

/// Bytes of a file from a place on, up to another, wherever else it is read.
pub(super) struct At {
    file: Arc<Input>,
    next: u64,
    end: u64,
}

impl At {
    pub(super) fn new(file: Arc<Input>, next: u64, end: u64) -> Self {
        Self { file, next, end }
    }
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.end - self.next).unwrap_or(usize::MAX));
        let read = self.file.read_at(&mut buffer[..wanted], self.next)?;
        self.next += read as u64;
        Ok(read)
    }
}

impl Raw {
    pub(super) fn new(source: Source, entry: Entry) -> Self {
        let (total, decoded) = (entry.file, entry.decoded);
        Self { source, buffer: Vec::new(), start: 0, total, decoded, entries: vec![entry], step: FIRST, failed: None, all: false }
    }

    /// Remembers every entry from now on.
    pub(super) fn note_all(&mut self) {
        self.all = true;
        self.entries.clear();
    }

    /// The entries.
    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    /// Goes on with other bytes of the same file. What is known of entries stays.
    pub(super) fn go_on_with(&mut self, other: Self) {
        let entries = std::mem::take(&mut self.entries);
        *self = Self { entries, ..other };
    }

    /// The last entry at or before a decoded byte that has been passed. Earlier ones are forgotten.
    pub(super) fn entry_before(&mut self, decoded: u64) -> Entry {
        let behind = self.entries.partition_point(|entry| entry.decoded <= decoded);
        self.entries.drain(..behind.saturating_sub(1));
        self.entries.first().copied().unwrap_or_default()
    }

    /// What the bytes ended with, if it was no proper end.
    pub(super) fn failed(&self) -> Option<Damage> {
        self.failed
    }

    /// Remembers that decoding can begin here, behind so many bits of the next byte. Tiny members are not worth remembering each.
    pub(super) fn note_entry(&mut self, bits: u8) {
        let entry = Entry { file: self.total, bits, decoded: self.decoded };
        if !self.all && self.entries.last().is_some_and(|last| entry.decoded < last.decoded + CHUNK as u64) {
            return;
        }
        if !self.all && self.entries.len() == ENTRIES_MAX {
            let mut n = 0;
            self.entries.retain(|_| {
                n += 1;
                n % 2 == 1
            });
        }
        self.entries.push(entry);
    }

    /// The bytes at hand, at least one unless the file ends.
    pub(super) fn fill(&mut self) -> std::io::Result<&[u8]> {
        self.peek(1)
    }

    /// The bytes at hand, at least `wanted` unless the file ends.
    pub(super) fn peek(&mut self, wanted: usize) -> std::io::Result<&[u8]> {
        self.ahead(wanted)?;
        match self.failed {
            Some(damage) if self.start == self.buffer.len() && wanted > 0 => Err(damage.into()),
            _ => Ok(&self.buffer[self.start..]),
        }
    }

    /// The same for a look that nothing is read by: where there is damage, there are no more bytes.
    pub(super) fn ahead(&mut self, wanted: usize) -> std::io::Result<&[u8]> {
        while self.buffer.len() - self.start < wanted && self.failed.is_none() && self.more()? > 0 {}
        Ok(&self.buffer[self.start..])
    }

    fn more(&mut self) -> std::io::Result<usize> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let held = self.buffer.len();
        self.buffer.resize(held + self.step, 0);
        self.step = (2 * self.step).min(CHUNK);
        let read = loop {
            match self.source.read(&mut self.buffer[held..]) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(held + read.as_ref().copied().unwrap_or(0));
        match read.map_err(Stop::from) {
            Ok(read) => Ok(read),
            Err(Stop::Io(error)) => Err(error),
            // What came before it can still be decoded.
            Err(Stop::Damage(damage)) => {
                self.failed = Some(damage);
                Ok(0)
            }
        }
    }

    pub(super) fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.total += bytes as u64;
    }

    pub(super) fn copy(&mut self, out: &mut Vec<u8>) -> std::io::Result<bool> {
        let bytes = self.fill()?;
        out.extend_from_slice(bytes);
        let n = bytes.len();
        self.decoded += n as u64;
        self.consume(n);
        Ok(n > 0)
    }

    /// Skips zero padding; `false` at the end of the file.
    pub(super) fn skip_zeros(&mut self) -> std::io::Result<bool> {
        loop {
            let bytes = self.fill()?;
            let zeros = bytes.iter().take_while(|b| **b == 0).count();
            let (more, all) = (!bytes.is_empty(), zeros == bytes.len());
            self.consume(zeros);
            if !more || !all {
                return Ok(more);
            }
        }
    }

    /// Skips `count` bytes; `false` if the file ends before.
    pub(super) fn skip(&mut self, mut count: u64) -> std::io::Result<bool> {
        while count > 0 {
            let n = self.fill()?.len().min(usize::try_from(count).unwrap_or(usize::MAX));
            if n == 0 {
                return Ok(false);
            }
            self.consume(n);
            count -= n as u64;
        }
        Ok(true)
    }

    /// Skips a text that ends with NUL; `false` if the file ends before.
    pub(super) fn skip_text(&mut self) -> std::io::Result<bool> {
        loop {
            let bytes = self.fill()?;
            let (found, length) = (memchr::memchr(0, bytes), bytes.len());
            self.consume(found.map_or(length, |at| at + 1));
            if found.is_some() || length == 0 {
                return Ok(found.is_some());
            }
        }
    }
}
