//! A file that grows by whole lines, in one attempt after the other; several processes may write to it at the same time.
//!
//! It is the one kind of file that is not made under a temporary name: what it says so far must stand there whenever a process ends.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;

use super::place::{Found, Place};
use crate::error::{Error, Result};

/// A file that lines are put at the end of.
#[derive(Debug)]
pub struct LineFile {
    file: File,
    place: Place,
}

impl LineFile {
    /// Opens the file, made if need be. A last line that a crash has cut is ended, so that the next one stands by itself.
    ///
    /// # Errors
    /// Refused where a link or something else than a file is here, or a file that has another name too: that may be somebody else's. I/O.
    pub fn open(place: &Place) -> Result<Self> {
        let file = place.open_to_append().map_err(|e| place.failed("open", e))?;
        let found = Found::open(&file).map_err(|e| place.failed("inspect", e))?;
        if !found.is_file() || found.names != 1 {
            let what = if found.is_file() { "a file that has another name too" } else { "no regular file" };
            let message = format!("{}: {what}, which is not written to", place.path().display());
            return Err(Error::refused_with_hint(message, "remove it: a new one is made"));
        }
        let lines = Self { file, place: place.clone() };
        let mut last = [0];
        if found.bytes > 0 {
            lines.file.read_exact_at(&mut last, found.bytes - 1).map_err(|e| lines.place.failed("read", e))?;
            if last != *b"\n" {
                lines.put(b"\n")?;
            }
        }
        Ok(lines)
    }

    /// Puts a line at the end, whole: what others write at the same time stands before or behind it.
    ///
    /// # Errors
    /// I/O; where the disk is full, a piece of the line may stand there.
    pub fn write_line(&self, line: &str) -> Result<()> {
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend(line.bytes().filter(|&byte| byte != b'\n'));
        bytes.push(b'\n');
        self.put(&bytes)
    }

    /// One call of the system: the kernel puts what one call writes to a file of this kind behind everything that is there.
    fn put(&self, bytes: &[u8]) -> Result<()> {
        let written = loop {
            match (&self.file).write(bytes) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                written => break written,
            }
        };
        match written {
            Ok(written) if written == bytes.len() => Ok(()),
            Ok(_) => Err(self.place.failed("write", ErrorKind::StorageFull.into())),
            Err(e) => Err(self.place.failed("write", e)),
        }
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// I/O.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|e| self.place.failed("sync", e))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::place::Dir;
    use super::*;

    #[test]
    fn a_cut_line_is_ended_and_what_is_not_ours_alone_is_left_alone() {
        let made = tempfile::tempdir().unwrap();
        let dir = Dir::open(made.path()).unwrap();
        let read = || fs::read_to_string(made.path().join("log")).unwrap();
        let log = LineFile::open(&dir.at("log")).unwrap();
        log.write_line("a").unwrap();
        log.write_line("b\nc").unwrap();
        log.sync().unwrap();
        assert_eq!(read(), "a\nbc\n");
        LineFile::open(&dir.at("log")).unwrap();
        assert_eq!(read(), "a\nbc\n", "a whole line is not ended again");
        log.put(b"{\"cut").unwrap();
        LineFile::open(&dir.at("log")).unwrap().write_line("d").unwrap();
        assert_eq!(read(), "a\nbc\n{\"cut\nd\n");

        fs::hard_link(made.path().join("log"), made.path().join("other")).unwrap();
        fs::create_dir(made.path().join("directory")).unwrap();
        std::os::unix::fs::symlink("log", made.path().join("link")).unwrap();
        for name in ["other", "directory", "link"] {
            LineFile::open(&dir.at(name)).unwrap_err();
        }
        assert_eq!(read(), "a\nbc\n{\"cut\nd\n");
    }
}
