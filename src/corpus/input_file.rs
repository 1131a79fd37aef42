//! A file that is read.

use std::path::{Path, PathBuf};

use super::archive::{Part, Place};

/// A file to read, or a member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// How to open it: a path, or the name of an object (`s3://…`); of a member, the archive.
    pub path: PathBuf,
    /// How the manifest names it: relative, escaped reversibly, unique in the run. Members are called `archive.zip/member.jsonl`.
    pub name: String,
    /// Its size when it was listed; of a member, what it takes in its archive (in a compressed tar: unpacked).
    pub bytes: u64,
    /// Its time of change when it was listed, in nanoseconds since 1970; of an object, a hash of its tag (`io::Stat`).
    pub mtime_ns: i128,
    /// Where in an archive it is; `None` for a file of its own.
    pub part: Option<Part>,
}

impl InputFile {
    /// Must what stands before it be decoded to reach it? Members of a compressed tar are read one after the other, then.
    pub fn is_behind_others(&self) -> bool {
        matches!(self.part, Some(Part { place: Place::Tar { entry: Some(_), .. }, .. }))
    }

    /// What its extension is looked for in: the path, or the name of a member.
    pub(super) fn label(&self) -> &Path {
        if self.part.is_some() { Path::new(&self.name) } else { &self.path }
    }

    /// Size that the file at its path had when it was listed.
    pub fn size_on_disk(&self) -> u64 {
        self.part.as_ref().map_or(self.bytes, |part| part.archive)
    }
}
