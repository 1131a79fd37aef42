//! How bytes are compressed.

use super::codec::Codec;
use super::entry::Entry;
use super::raw::Raw;
use super::{bzip2, deflate, gzip, lz4, lzma, xz, zstandard};

/// First bytes of a file that [`Kind::of`] wants to see.
pub(super) const HEAD: usize = 16;

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::corpus) enum Kind {
    Bzip2,
    /// Of a zip member; not known by its first bytes.
    Deflate,
    Gzip,
    Lz4,
    Lzma,
    Xz,
    Zstd,
}

impl Kind {
    /// How a file is compressed that begins so.
    pub(in crate::corpus) fn of(head: &[u8]) -> Option<Self> {
        Some(if head.starts_with(gzip::MAGIC) {
            Self::Gzip
        } else if head.starts_with(zstandard::MAGIC) || zstandard::is_skippable(head) {
            Self::Zstd
        } else if head.starts_with(xz::MAGIC) {
            Self::Xz
        } else if head.starts_with(lz4::MAGIC) {
            Self::Lz4
        } else if bzip2::is_bzip2(head) {
            Self::Bzip2
        } else if lzma::is_lzma(head) {
            Self::Lzma
        } else {
            return None;
        })
    }

    /// What people call it.
    pub(in crate::corpus) fn name(self) -> &'static str {
        match self {
            Self::Bzip2 => "bzip2",
            Self::Deflate => "deflate",
            Self::Gzip => "gzip",
            Self::Lz4 => "lz4",
            Self::Lzma => "LZMA",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        }
    }

    /// The decoder at the start of such data.
    pub(super) fn codec(self) -> std::io::Result<Box<dyn Codec>> {
        Ok(match self {
            Self::Bzip2 => Box::new(bzip2::Bzip2::at(Entry::default(), b"BZh")),
            Self::Deflate => Box::new(deflate::Deflate::new()),
            Self::Gzip => Box::new(gzip::Gzip::new()),
            Self::Lz4 => Box::new(lz4::Lz4::new()),
            Self::Lzma => Box::new(lzma::Lzma::new()?),
            Self::Xz => Box::new(xz::Xz::new()),
            Self::Zstd => Box::new(zstandard::Zstd::new()?),
        })
    }

    /// The decoder at an entry of a file, of which `start` is the start; `next` are the bytes at the entry.
    pub(super) fn codec_at(self, start: &mut Raw, entry: Entry, next: &[u8]) -> std::io::Result<Box<dyn Codec>> {
        Ok(match self {
            Self::Bzip2 => Box::new(bzip2::Bzip2::at(entry, next)),
            Self::Xz => Box::new(xz::Xz::inside(start.ahead(HEAD)?, !next.starts_with(xz::MAGIC))),
            Self::Zstd => Box::new(zstandard::Zstd::inside(start)?),
            other => other.codec()?,
        })
    }
}
