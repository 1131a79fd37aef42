//! Archives: zip and tar, the latter compressed or not. Each member is an input of its own.
//!
//! [`list`] finds the members, [`Members::open`] reads one. Nothing is unpacked to disk, names are labels and never paths, nothing is allocated from a
//! declared size, and what is wrong with a member or with the rest of an archive is an input too, whose turn ends in quarantine. Archives are
//! known by their first bytes, never by a name; one inside of another is bytes.

mod checked;
mod decoded;
mod listing;
mod names;
mod part;
mod section;
mod tar;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) mod written;
mod zip;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use self::checked::Checked;
use self::decoded::{Decoded, TarMember};
pub(super) use self::listing::{Listed, Listing};
pub use self::part::{Part, Place};
use self::section::Section;
use super::compression::{Damage, Entry, Reader, Source, Stream};
use super::epub;
use crate::io::Input;

/// Bytes of the beginning of a file that tell a tar.
const HEAD: usize = 512;
/// What is wrong where an archive ends inside of a member.
const TAR_CUT: Damage = Damage::new("tar_eof", "the tar ends inside of the member");
const ZIP_CUT: Damage = Damage::new("zip_eof", "the zip ends inside of the member");

/// The members of a file, if it is an archive. A compressed tar is decoded once from end to end, anything else is read in places.
///
/// # Errors
/// The file cannot be read.
pub(super) fn list(file: Input) -> std::io::Result<Option<Listing>> {
    let length = file.size()?;
    let mut head = Vec::with_capacity(HEAD);
    file.clone().take(HEAD as u64).read_to_end(&mut head)?;
    // A book is a document, whatever holds its files.
    if epub::is_epub(&head) {
        return Ok(None);
    }
    if zip::is_zip(&head) {
        return zip::list(&file, length, false).map(Some);
    }
    if tar::is_tar(&head) {
        return tar::list(&mut Section::new(file, 0, length, TAR_CUT)).map(Some);
    }
    let mut decoded = Decoded::new(Stream::new(Box::new(file))?, Entry::default());
    if !decoded.is_compressed() || !decoded.begins(HEAD, tar::is_tar)? {
        return Ok(None);
    }
    tar::list(&mut decoded).map(Some)
}

/// The members of a book.
///
/// # Errors
/// The file cannot be read.
pub(super) fn list_book(file: &Input) -> std::io::Result<Listing> {
    zip::list(file, file.size()?, true)
}

/// What kind of archive begins so?
pub(super) fn kind_of(head: &[u8]) -> Option<&'static str> {
    if zip::is_zip(head) { Some("zip") } else { tar::is_tar(head).then_some("tar") }
}

/// Reads members of archives. A compressed tar stays open, so that members that follow each other are read without a step back.
#[derive(Default)]
pub(super) struct Members {
    open: Option<(PathBuf, Arc<Mutex<Decoded>>)>,
}

impl Members {
    /// The bytes of a member, from such an entry of it on. `file` is the archive. `None`: it cannot be read, and [`Place::Fault`] says why.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub(super) fn open(&mut self, path: &Path, file: Input, place: &Place, entry: Entry) -> std::io::Result<Option<Source>> {
        Ok(Some(match *place {
            Place::Fault { .. } | Place::Revision { .. } => return Ok(None),
            Place::Zip { at, bytes, method, size, crc } => {
                let section = Section::new(file, at, bytes, ZIP_CUT);
                match method.codec() {
                    None => Box::new(Checked::new(section, size, crc)),
                    Some(kind) => Box::new(Checked::new(Reader::new(Stream::of_kind(Box::new(section), kind)?), size, crc)),
                }
            }
            Place::Tar { at, size, entry: None } => {
                Box::new(Section::new(file, at.saturating_add(entry.file), size.saturating_sub(entry.file), TAR_CUT))
            }
            Place::Tar { at, size, entry: Some(start) } => {
                let shared = match &self.open {
                    Some((open, shared)) if open == path => Arc::clone(shared),
                    _ => {
                        let shared = Arc::new(Mutex::new(Decoded::at(file, start)?));
                        self.open = Some((path.to_path_buf(), Arc::clone(&shared)));
                        shared
                    }
                };
                Box::new(TarMember::new(shared, path.to_path_buf(), start, at, size))
            }
        }))
    }
}
