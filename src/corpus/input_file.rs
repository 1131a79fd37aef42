//! A file that is read.

use std::path::PathBuf;

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// How to open it.
    pub path: PathBuf,
    /// How the manifest names it: relative, escaped reversibly, unique in the run.
    pub name: String,
    /// Its size when it was listed.
    pub bytes: u64,
    /// Its time of change when it was listed, in nanoseconds since 1970.
    pub mtime_ns: i128,
}
