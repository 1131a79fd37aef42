//! The files of a built dictionary, each opened once: what was checked is what is mapped.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

use crate::error::{Error, Result};
use crate::io::Finished;
use crate::quarantine::escape;
use crate::segment::about::{self, About, StoredFile};
use crate::segment::built_files::is_known;

/// The files that a `seimai.json` lists, opened.
#[derive(Debug)]
pub(crate) struct Files {
    files: BTreeMap<String, (Finished, StoredFile)>,
}

/// When a file was changed last, of its bytes or of anything else: seconds and nanoseconds. No program can set it.
type Time = (i64, i64);

impl Files {
    /// Files that were made by this process a moment ago.
    pub(crate) fn made(files: BTreeMap<String, (Finished, StoredFile)>) -> Self {
        Self { files }
    }

    /// Opens every file and compares its size.
    ///
    /// # Errors
    /// Damaged: a file is missing, has another size or a name that no dictionary has. I/O.
    pub(crate) fn open(dir: &Path, about: &About) -> Result<Self> {
        let mut files = BTreeMap::new();
        for (name, stored) in &about.files {
            if !is_known(name) {
                return Err(Error::damaged(dir.join(about::FILE), format!("lists an unknown file {}", escape(name, 60))));
            }
            let path = dir.join(name);
            let file = Finished::open(&path).map_err(|error| match error {
                Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Error::damaged(&path, "missing"),
                Error::Refused { .. } => Error::damaged(&path, "not a file"),
                other => other,
            })?;
            let bytes = file.metadata()?.len();
            if bytes != stored.bytes {
                return Err(Error::damaged(&path, format!("{bytes} bytes instead of {}", stored.bytes)));
            }
            files.insert(name.clone(), (file, stored.clone()));
        }
        Ok(Self { files })
    }

    /// Maps a file, if there is one of that name.
    ///
    /// # Errors
    /// I/O.
    pub(crate) fn map(&self, name: &str) -> Result<Option<Arc<Mmap>>> {
        self.files.get(name).map(|(file, _)| file.map().map(Arc::new)).transpose()
    }

    /// Reads every byte of every file and compares the hashes.
    ///
    /// # Errors
    /// Damaged: the bytes are not those that `seimai.json` names. I/O.
    pub(crate) fn check(&self) -> Result<()> {
        for (file, stored) in self.files.values() {
            let (bytes, blake3) = file.hash()?;
            if bytes != stored.bytes || blake3 != stored.blake3 {
                let said = format!("{bytes} bytes with BLAKE3 {blake3} instead of {} bytes with {}", stored.bytes, stored.blake3);
                return Err(Error::damaged(file.path(), said));
            }
        }
        Ok(())
    }

    /// A line for each file that is another one as soon as the file is replaced or written to; and the time of the last change.
    ///
    /// # Errors
    /// I/O.
    pub(crate) fn state(&self) -> Result<(String, Time)> {
        let (mut lines, mut last) = (String::new(), (i64::MIN, 0));
        for (name, (file, _)) in &self.files {
            let found = file.metadata()?;
            let changed = (found.ctime(), found.ctime_nsec());
            last = last.max(changed);
            let (device, inode, bytes) = (found.dev(), found.ino(), found.len());
            let _ = writeln!(
                lines,
                "{name} device {device} inode {inode} bytes {bytes} modified {}.{:09} changed {}.{:09}",
                found.mtime(),
                found.mtime_nsec(),
                changed.0,
                changed.1
            );
        }
        Ok((lines, last))
    }
}
