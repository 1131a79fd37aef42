//! Which promise of the format a file breaks.

/// Which promise of the format a file breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Too short, or another magic.
    #[error("not a pack file")]
    NotAPack,
    /// Another major version.
    #[error("pack format {major}.{minor} cannot be read: this version reads 1.x")]
    Version {
        /// Major version of the file.
        major: u16,
        /// Minor version of the file.
        minor: u16,
    },
    /// The hash of the header, or one of its fields.
    #[error("the header is damaged: {0}")]
    Header(&'static str),
    /// The file is shorter or longer than it was.
    #[error("the file has {actual} bytes, not {expected}")]
    Size {
        /// Bytes there are.
        actual: u64,
        /// Bytes there should be.
        expected: u64,
    },
    /// The position or the content of a section.
    #[error("section {kind}: {message}")]
    Section {
        /// Its kind.
        kind: u32,
        /// What is wrong.
        message: &'static str,
    },
    /// The pieces or the padding of a row.
    #[error("row {row}: {message}")]
    Row {
        /// Row of the part.
        row: u64,
        /// What is wrong.
        message: &'static str,
    },
    /// The pieces of a document.
    #[error("document in row {row} of token shard {shard}: {message}")]
    Document {
        /// Index of the token shard.
        shard: u32,
        /// Row in it.
        row: u32,
        /// What is wrong.
        message: &'static str,
    },
}

/// A result whose error is a broken promise of the format.
pub(super) type Result<T> = std::result::Result<T, FormatError>;
