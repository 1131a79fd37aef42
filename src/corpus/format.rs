//! What a format is: how its files are recognised, and how the decoded bytes of one fall into records.
//!
//! A format is one file in `formats/` and one line in `formats.rs`. Its [`Format`] recognises and opens a file; its [`Framing`] walks it
//! and finds where records begin and end, nothing more, so that it can feed many workers from behind a lock; its
//! [`Content`](super::sink::Content) parses what was framed, outside the lock.

use super::compression::Entry;
use super::input_file::InputFile;
use super::shard::RawShard;
use super::source::ByteSource;
use crate::error::Result;

/// A format of input files.
pub(super) trait Format: Sync {
    /// Its name in the table of shards. Never changed.
    fn name(&self) -> &'static str;

    /// First bytes that prove it, whatever the file is called.
    fn magic(&self) -> &'static [&'static [u8]] {
        &[]
    }

    /// Do the first bytes prove it? Where the proof does not stand at the beginning, a format looks itself.
    fn proves(&self, head: &[u8]) -> bool {
        self.magic().iter().any(|magic| head.starts_with(magic))
    }

    /// Extensions that mean it, in lower case, below those of compression.
    fn extensions(&self) -> &'static [&'static str] {
        &[]
    }

    /// Is a file of such an extension this format? Several may share one.
    fn accepts(&self, _head: &[u8]) -> bool {
        true
    }

    /// For files whose name says nothing: do they begin like this format?
    fn looks_like(&self, _head: &[u8]) -> bool {
        false
    }

    /// Can it be read as a stream of decoded bytes? A format that needs the file itself cannot be compressed.
    fn is_streamed(&self) -> bool {
        true
    }

    /// Does reading go on at the next member or frame behind a damaged one? Then a file is not decoded in pieces elsewhere.
    fn goes_on_behind_damage(&self) -> bool {
        false
    }

    /// Begins to walk a file at a record; damage is the inner result.
    ///
    /// # Errors
    /// Those of the machine.
    fn open(&self, source: ByteSource, at: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>>;
}

/// A walk over a file.
pub(super) trait Framing: Send {
    /// Moves records into the shard until it is full (`true`) or the file ends (`false`). Records longer than `record_max` bytes are lost.
    ///
    /// # Errors
    /// The file cannot be read on, or is no longer what it was.
    fn advance(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool>;

    /// Where the next record begins, and where decoding can begin to reach it.
    fn place(&mut self) -> (Boundary, Entry);

    /// Bytes of the file, as it is on disk, that were read so far.
    fn consumed(&self) -> u64;
}

/// A boundary between records of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Boundary {
    /// Decoded bytes before it; for tables the rows.
    pub(super) offset: u64,
    /// Number of the next line, from 1.
    pub(super) line: u64,
    /// Number of the next record, from 1.
    pub(super) record: u64,
}

impl Boundary {
    /// The start of a file.
    pub(super) const START: Self = Self { offset: 0, line: 1, record: 1 };
}

/// Why something cannot be read.
#[derive(Debug)]
pub(super) struct Fault {
    /// Reason code of `quarantine.jsonl`.
    pub(super) reason: &'static str,
    /// What is wrong.
    pub(super) detail: String,
}

impl Fault {
    pub(super) fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    /// A container or binary format that is no input format.
    pub(super) fn unsupported(detail: impl Into<String>) -> Self {
        Self::new("unsupported_container", detail)
    }
}

/// Extensions of compressed files: what stands before them says what is in the file.
const COMPRESSED: &[&str] = &["gz", "gzip", "zst", "zstd", "bz2", "xz", "lzma", "lz4"];

/// The extension of a file in lower case, below `.gz`, `.zst` and the like.
pub(super) fn extension(file: &InputFile) -> Option<String> {
    extension_of(file.label())
}

/// The same for a path.
pub(super) fn extension_of(path: &std::path::Path) -> Option<String> {
    let lower = |path: &std::path::Path| Some(path.extension()?.to_string_lossy().to_ascii_lowercase());
    let last = lower(path)?;
    if COMPRESSED.contains(&last.as_str()) { lower(std::path::Path::new(path.file_stem()?)) } else { Some(last) }
}
