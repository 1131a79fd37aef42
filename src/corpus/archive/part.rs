//! Where a member is, as a value.

use serde::{Deserialize, Serialize};

use crate::corpus::compression::{Entry, Kind};

/// A part of an archive that is an input of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Bytes of the archive.
    pub archive: u64,
    /// Which part.
    pub place: Place,
}

/// Where a member is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Place {
    /// A member of a zip.
    Zip {
        /// Bytes of the archive before its data.
        at: u64,
        /// Bytes of its data.
        bytes: u64,
        /// How they are compressed.
        method: Method,
        /// Bytes they decode to, as announced.
        size: u64,
        /// Their CRC-32, as announced.
        crc: u32,
    },
    /// A member of a tar.
    Tar {
        /// Bytes before it: of the archive, or of what it decodes to if it is compressed.
        at: u64,
        /// Its bytes.
        size: u64,
        /// If the tar is compressed: where decoding can begin to reach it.
        entry: Option<Entry>,
    },
    /// A text that is not read because another revision of the same work is; the name of that one. It need be in no archive.
    Revision {
        /// What is read instead.
        of: String,
    },
    /// A member that is not read, or what is left of an archive that cannot be read on.
    Fault {
        /// Reason code of `quarantine.jsonl`.
        reason: String,
        /// What is wrong.
        detail: String,
    },
}

/// How members of a zip are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Not at all.
    Stored,
    /// Deflate.
    Deflate,
    /// bzip2.
    Bzip2,
    /// zstd.
    Zstd,
    /// xz.
    Xz,
}

impl Method {
    /// The method of that number; the name of one that is not read.
    pub(super) fn of(number: u16) -> Result<Self, String> {
        Ok(match number {
            0 => Self::Stored,
            8 => Self::Deflate,
            12 => Self::Bzip2,
            93 => Self::Zstd,
            95 => Self::Xz,
            9 => return Err("Deflate64".to_owned()),
            14 => return Err("LZMA".to_owned()),
            98 => return Err("PPMd".to_owned()),
            other => return Err(format!("method {other}")),
        })
    }

    pub(in crate::corpus) fn codec(self) -> Option<Kind> {
        match self {
            Self::Stored => None,
            Self::Deflate => Some(Kind::Deflate),
            Self::Bzip2 => Some(Kind::Bzip2),
            Self::Zstd => Some(Kind::Zstd),
            Self::Xz => Some(Kind::Xz),
        }
    }
}
