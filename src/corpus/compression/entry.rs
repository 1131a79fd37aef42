//! Where decoding can begin.

/// A point at which decoding can begin: the start of a file, member, frame, block or stream, or any byte of a plain file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Bytes of the file before it, as they are on disk.
    pub file: u64,
    /// Bits of the next byte before it: blocks of bzip2 begin anywhere in a byte.
    pub bits: u8,
    /// Decoded bytes before it.
    pub decoded: u64,
}
