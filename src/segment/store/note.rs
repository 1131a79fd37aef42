//! How often every byte of a dictionary is read and compared: each time, or once after the machine has started.
//!
//! A note in the store, `.checked/<directory>`, says which files were compared: device, inode, size and times of each, and the start of
//! the machine. It holds only as long as all of that is the same to the last character, so what it says was true of these very files;
//! whoever writes to one of them, replaces or copies it changes a time that no program can set.

use std::path::Path;

use crate::error::Result;
use crate::io::{self, Dir, Place, Staging};
use crate::segment::about::About;
use crate::segment::dictionary::Files;

/// Directory of the notes, in the store.
const NOTES: &str = ".checked";
/// A file must have been left alone for this long when a note is written, in seconds: two changes within one tick of the file
/// system's clock look like one.
const AT_REST: i64 = 2;
/// Longest note.
const MAX: u64 = 1 << 16;
/// A name that the machine has from one start to the next.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// When are the bytes of a dictionary compared with the hashes in `seimai.json`?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Whenever it is opened.
    EachTime,
    /// When it is opened for the first time after the machine has started or one of its files has been changed.
    Once,
}

/// Compares all bytes, unless a note of the store says that this was done. `dir` lies in a store.
///
/// # Errors
/// Damaged; I/O.
pub(crate) fn check(dir: &Path, about: &About, files: &Files, when: Check) -> Result<()> {
    if when == Check::EachTime {
        return files.check();
    }
    let (Some(note), Ok(boot)) = (place(dir), io::read_limited(Path::new(BOOT), MAX)) else { return files.check() };
    let (state, changed) = files.state()?;
    let text = format!("every byte of these files was compared\nboot {}seal {}\n{state}", String::from_utf8_lossy(&boot), about.seal);
    if stands(&note, &text, changed.0) {
        return Ok(());
    }
    files.check()?;
    // The note saves time and nothing else: a store that cannot be written to is compared each time.
    if let Ok(notes) = note.root().at(NOTES).create_dir() {
        let _ = Staging::beside(notes).write(&note, text.as_bytes());
    }
    Ok(())
}

/// Where the note of a dictionary is.
fn place(dir: &Path) -> Option<Place> {
    Some(Dir::open(dir.parent()?).ok()?.at(NOTES).at(dir.file_name()?))
}

/// Is there this very note, written when the last change (in seconds) was past? The clock that is asked is that of the file system.
fn stands(note: &Place, text: &str, changed: i64) -> bool {
    let written = note.look().ok().flatten().map(|found| found.written.div_euclid(1_000_000_000));
    written.is_some_and(|written| changed.checked_add(AT_REST).is_some_and(|rest| i128::from(rest) < written))
        && io::read_limited(note, MAX).is_ok_and(|found| found == text.as_bytes())
}
