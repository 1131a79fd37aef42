//! The bytes of a zip member, whose length and checksum are known.

use std::io::Read;

use flate2::Crc;

use crate::corpus::compression::Damage;

/// Bytes that must be so many and have this CRC-32. What is wrong is told when they end.
pub(super) struct Checked<R> {
    inner: R,
    left: u64,
    expected: u32,
    crc: Crc,
}

impl<R: Read> Checked<R> {
    pub(super) fn new(inner: R, size: u64, crc: u32) -> Self {
        Self { inner, left: size, expected: crc, crc: Crc::new() }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        // One byte more than announced is asked for: there must be none.
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).max(1).min(buffer.len());
        let read = self.inner.read(&mut buffer[..most])?;
        let wrong_size = || Damage::new("zip_size", "the zip member has another size than announced");
        match (read as u64, self.left) {
            (0, 0) if self.crc.sum() == self.expected => {}
            (0, 0) => return Err(Damage::new("zip_crc", "the checksum of the zip member is wrong").into()),
            (0, _) | (_, 0) => return Err(wrong_size().into()),
            (read, _) => self.left -= read,
        }
        self.crc.update(&buffer[..read]);
        Ok(read)
    }
}
