//! Compressed bytes → decoded bytes, known by their magic numbers and never by a file name.
//!
//! All members, frames, blocks and streams are read, skippable frames and zero padding are skipped, nothing is allocated from a declared size.
//! What was decoded before damage stays. A codec is one file in `compression/` and one line in [`Kind`].

mod bzip2;
mod codec;
mod damage;
mod deflate;
mod entry;
mod frames;
mod gzip;
mod kind;
mod lz4;
mod lzma;
mod pieces;
mod raw;
#[cfg(test)]
mod tests;
mod xz;
mod zstandard;
mod zstd_dictionary;

use std::io::Read;
use std::sync::Arc;

use self::codec::Codec;
pub(super) use self::damage::{Damage, Stop};
pub use self::entry::Entry;
pub(super) use self::gzip::MAGIC as GZIP_MAGIC;
use self::kind::HEAD;
pub(super) use self::kind::Kind;
use self::pieces::Ahead;
pub use self::pieces::{DecodedPiece, Piece, Pieces, ReadAhead};
pub(super) use self::raw::Source;
use self::raw::{At, Raw};
pub(super) use self::zstandard::MAGIC as ZSTD_MAGIC;
use crate::io::Input;

/// Bytes of skippable frames that are looked past to know what they stand before.
const SKIPPED_MAX: usize = 1 << 20;

/// Decoded bytes of a file.
pub(super) struct Stream {
    raw: Raw,
    /// How the file is compressed, and what undoes it.
    codec: Option<(Kind, Box<dyn Codec>)>,
}

impl Stream {
    /// Looks at the first bytes and chooses the decoder.
    pub(super) fn new(source: Source) -> std::io::Result<Self> {
        let mut raw = Raw::new(source, Entry::default());
        let codec = kind_of(&mut raw)?.map(|kind| Ok::<_, std::io::Error>((kind, kind.codec()?))).transpose()?;
        Ok(Self { raw, codec })
    }

    /// What is known to be compressed so.
    pub(super) fn of_kind(source: Source, kind: Kind) -> std::io::Result<Self> {
        Ok(Self { raw: Raw::new(source, Entry::default()), codec: Some((kind, kind.codec()?)) })
    }

    /// A file from an entry on.
    pub(super) fn of_file(file: Input, entry: Entry) -> std::io::Result<Self> {
        if entry == Entry::default() {
            return Self::new(Box::new(file));
        }
        let file = Arc::new(file);
        let from = |at| Box::new(At::new(Arc::clone(&file), at, u64::MAX));
        Self::at(from(0), from(entry.file), entry)
    }

    /// Goes on at an entry. How the file is compressed is told by its first bytes: those at the entry may be anything.
    pub(super) fn at(start: Source, here: Source, entry: Entry) -> std::io::Result<Self> {
        let mut start = Raw::new(start, Entry::default());
        let kind = kind_of(&mut start)?;
        let mut raw = Raw::new(here, entry);
        let codec = kind.map(|kind| Ok::<_, std::io::Error>((kind, kind.codec_at(&mut start, entry, raw.ahead(HEAD)?)?))).transpose()?;
        Ok(Self { raw, codec })
    }

    /// A file that is compressed so, decoded elsewhere piece by piece.
    pub(super) fn ahead(file: Input, kind: Kind, source: Arc<dyn ReadAhead>) -> Self {
        let raw = Raw::new(Box::new(At::new(Arc::new(file), 0, u64::MAX)), Entry::default());
        Self { raw, codec: Some((kind, Box::new(Ahead::new(source)))) }
    }

    /// The last entry at or before a decoded byte that has been passed. Earlier ones are forgotten.
    pub(super) fn entry_before(&mut self, decoded: u64) -> Entry {
        if self.kind().is_none() { Entry { file: decoded, bits: 0, decoded } } else { self.raw.entry_before(decoded) }
    }

    /// How the file is compressed.
    pub(super) fn kind(&self) -> Option<Kind> {
        self.codec.as_ref().map(|(kind, _)| *kind)
    }

    /// Bytes of the file consumed so far; after the end, the size of the file.
    pub(super) fn consumed(&self) -> u64 {
        self.raw.total
    }

    /// Appends some bytes to `out`; `false` at the end. Bytes appended before an error are sound.
    pub(super) fn read(&mut self, out: &mut Vec<u8>) -> Result<bool, Stop> {
        match &mut self.codec {
            None => Ok(self.raw.copy(out)?),
            Some((_, codec)) => codec.read(&mut self.raw, out).map_err(|stop| match (stop, self.raw.failed()) {
                // It is not the compressed data that was cut.
                (Stop::Damage(damage), Some(cause)) if damage.reason.ends_with("_eof") => Stop::Damage(cause),
                (stop, _) => stop,
            }),
        }
    }
}

/// How what is about to be read is compressed. Frames that are skipped stand before frames of zstd or of lz4.
fn kind_of(raw: &mut Raw) -> std::io::Result<Option<Kind>> {
    let mut at = 0;
    loop {
        let head = raw.ahead(at + HEAD)?.get(at..).unwrap_or_default();
        if zstandard::is_skippable(head) && at < SKIPPED_MAX {
            let size = head.get(4..8).map_or(0, |size| size.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte)));
            at += 8 + size.min(SKIPPED_MAX);
        } else if at > 0 {
            return Ok(Some(if head.starts_with(lz4::MAGIC) { Kind::Lz4 } else { Kind::Zstd }));
        } else {
            return Ok(Kind::of(head));
        }
    }
}

/// Decoded bytes as [`Read`]; damage shows as [`std::io::ErrorKind::InvalidData`] after the bytes before it were read.
pub(super) struct Reader {
    stream: Stream,
    decoded: Vec<u8>,
    start: usize,
    stopped: Option<Stop>,
}

impl Reader {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, decoded: Vec::new(), start: 0, stopped: None }
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.start == self.decoded.len() {
            self.decoded.clear();
            self.start = 0;
            match self.stopped.take() {
                Some(Stop::Io(error)) => return Err(error),
                Some(Stop::Damage(damage)) => return Err(damage.into()),
                None => self.stopped = self.stream.read(&mut self.decoded).err(),
            }
        }
        let n = buffer.len().min(self.decoded.len() - self.start);
        buffer[..n].copy_from_slice(&self.decoded[self.start..self.start + n]);
        self.start += n;
        if n == 0 && self.stopped.is_some() { self.read(buffer) } else { Ok(n) }
    }
}
