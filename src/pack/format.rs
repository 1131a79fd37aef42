//! The pack file, version 1: header, section table and writer (see `docs/formats/pack.md`).
//!
//! Reading the header checks all of it, and that every section lies inside of the file, in O(1). What the sections hold is checked
//! when it is read ([`super::view`]), and all at once by [`super::unpack::verify`].

pub(crate) mod error;
pub(crate) mod header;
pub(crate) mod items;
pub(crate) mod writer;

pub use self::error::FormatError;
pub use self::header::{Header, shards_hash};
pub use self::items::{EOS_APPENDED, HEADER_BYTES, MAGIC, MAJOR, MINOR, SEQUENCE_LENGTH_MAX, Section, TokenType, has_narrow_ends, kind};
pub use self::writer::SectionWriter;
