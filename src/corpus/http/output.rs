//! Decoded bytes up to a limit.

use super::fault::Fault;

/// Bytes made room for at first.
const FIRST: usize = 1 << 16;

/// What a decoder has written; never more than a byte above the limit.
pub(super) struct Output {
    bytes: Vec<u8>,
    written: usize,
    limit: usize,
}

impl Output {
    pub(super) fn new(limit: u64) -> Self {
        Self { bytes: Vec::new(), written: 0, limit: usize::try_from(limit).unwrap_or(usize::MAX).min(usize::MAX - 1) }
    }

    /// Room for at least one more byte.
    pub(super) fn room(&mut self) -> Result<&mut [u8], Fault> {
        if self.written > self.limit {
            return Err(Fault::TOO_LONG);
        }
        if self.written == self.bytes.len() {
            self.bytes.resize(self.written.saturating_mul(2).max(FIRST).min(self.limit + 1), 0);
        }
        Ok(&mut self.bytes[self.written..])
    }

    /// Counts bytes written into the room.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.written += bytes;
    }

    pub(super) fn written(&self) -> &[u8] {
        &self.bytes[..self.written]
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>, Fault> {
        if self.written > self.limit {
            return Err(Fault::TOO_LONG);
        }
        self.bytes.truncate(self.written);
        Ok(self.bytes)
    }
}
