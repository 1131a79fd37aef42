//! Some bytes of a file.

use std::io::Read;

use super::decoded::Walk;
use crate::corpus::compression::{Damage, Entry};
use crate::io::Input;

/// Bytes of a file from one place to another. A file that ends before is a damaged archive.
pub(super) struct Section {
    file: Input,
    at: u64,
    left: u64,
    /// What is wrong if the file ends before.
    cut: Damage,
}

impl Section {
    pub(super) fn new(file: Input, at: u64, length: u64, cut: Damage) -> Self {
        Self { file, at, left: length, cut }
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let read = self.file.read_at(&mut buffer[..wanted], self.at)?;
        if read == 0 {
            return Err(self.cut.into());
        }
        self.at += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

impl Walk for Section {
    fn position(&self) -> u64 {
        self.at
    }

    fn skip(&mut self, bytes: u64) -> std::io::Result<bool> {
        let skipped = bytes.min(self.left);
        self.at += skipped;
        self.left -= skipped;
        Ok(skipped == bytes)
    }

    fn entry(&mut self) -> Option<Entry> {
        None
    }
}
