//! Objects of stores by their names: `s3://BUCKET/KEY`, `gs://BUCKET/KEY`, `az://CONTAINER/KEY`. A program that was built
//! without the feature `cloud` knows such names when it sees them too, and says that it cannot follow them (`without_stores.rs`).

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How names of objects begin.
const SCHEMES: [&[u8]; 3] = [b"s3://", b"gs://", b"az://"];

/// Bytes of one range, and of what is kept of an object at a time.
pub(super) const RANGE: u64 = 8 << 20;
/// Ranges that a worker may hold: the one it reads, the next that is on its way, and one that it shares with a neighbour.
const RANGES_A_WORKER: u64 = 3;

/// What can be told of an input without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Its size.
    pub bytes: u64,
    /// Another number once it has been written again: of a file the time of change in nanoseconds since 1970, of an object a hash of the tag and
    /// version that its store gives it.
    pub changed: i128,
}

/// An object that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its size.
    pub bytes: u64,
    /// BLAKE3 of its bytes (hex), as it was sent with it.
    pub blake3: Option<String>,
}

/// Is it the name of an object, or of a place of objects, and no path of this machine?
pub fn is_object(path: &Path) -> bool {
    let name = path.as_os_str().as_bytes();
    SCHEMES.iter().any(|scheme| name.starts_with(scheme))
}

/// Bytes of memory that ranges of objects take while so many workers read them.
pub fn memory_of_ranges(workers: usize) -> u64 {
    RANGE * RANGES_A_WORKER * workers.max(1) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_objects_are_known() {
        for name in ["s3://bucket/a.jsonl", "gs://b", "az://container/x/**"] {
            assert!(is_object(Path::new(name)), "{name}");
        }
        for name in ["s3/a", "/s3://b/k", "./s3://b/k", "s3:/b/k", "file:///x", "-", ""] {
            assert!(!is_object(Path::new(name)), "{name}");
        }
        assert_eq!(memory_of_ranges(0), memory_of_ranges(1));
    }
}
