//! Names of members: labels, which become no path.

use encoding_rs::{EUC_JP, Encoding, SHIFT_JIS};

use crate::corpus::charset;

/// Bytes of names that their charset is guessed from.
const SAMPLE: usize = 1 << 16;

/// A name as it stands in an archive.
#[derive(Debug)]
pub(super) struct RawName {
    pub(super) bytes: Vec<u8>,
    /// The archive says that it is UTF-8.
    pub(super) is_utf8: bool,
    /// Written by a system that separates directories by a backslash.
    pub(super) is_dos: bool,
}

/// What systems and tools put beside the files of people, and hidden files: as in a directory.
pub(super) fn is_passed_over(name: &[u8]) -> bool {
    name.split(|byte| matches!(byte, b'/')).any(|part| part == b"__MACOSX" || (part.starts_with(b".") && part != b"." && part != b".."))
}

/// The charset of the names that are not UTF-8, if one fits them all: archives do not say it.
pub(super) fn charset<'a>(names: impl Iterator<Item = &'a RawName>) -> Option<&'static Encoding> {
    let mut all = Vec::new();
    for name in names.filter(|name| !name.is_utf8 && std::str::from_utf8(&name.bytes).is_err()) {
        if all.len() < SAMPLE {
            all.extend_from_slice(&name.bytes);
            all.push(b'\n');
        }
    }
    if all.is_empty() {
        return None;
    }
    let found = charset::decode(&all, None).map_or_else(|refused| refused.charset, |decoded| Some(decoded.charset));
    let guessed = found.and_then(|charset| Encoding::for_label(charset.as_bytes()));
    let fits = |encoding: &&'static Encoding| encoding.decode_without_bom_handling_and_without_replacement(&all).is_some();
    guessed.into_iter().filter(|encoding| !encoding.is_single_byte()).chain([SHIFT_JIS, EUC_JP]).find(fits)
}

/// The name in UTF-8 (bytes of no known charset stay as they are), tidied; and is it a name inside of the archive?
pub(super) fn label(name: RawName, charset: Option<&'static Encoding>) -> (Vec<u8>, bool) {
    let is_known = name.is_utf8 || std::str::from_utf8(&name.bytes).is_ok();
    let decoded =
        charset.filter(|_| !is_known).and_then(|charset| charset.decode_without_bom_handling_and_without_replacement(&name.bytes));
    let decoded = decoded.map(|text| text.into_owned().into_bytes());
    let mut bytes = decoded.unwrap_or(name.bytes);
    if name.is_dos && !bytes.contains(&b'/') {
        bytes.iter_mut().filter(|byte| **byte == b'\\').for_each(|byte| *byte = b'/');
    }
    let parts = || bytes.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    let is_drive = matches!(bytes[..], [letter, b':', ..] if letter.is_ascii_alphabetic());
    let leads_up = bytes.split(|byte| matches!(byte, b'/' | b'\\')).any(|part| part == b"..");
    let is_safe =
        !bytes.starts_with(b"/") && !bytes.starts_with(b"\\") && !is_drive && !leads_up && !bytes.contains(&0) && parts().next().is_some();
    if is_safe { (parts().collect::<Vec<_>>().join(&b'/'), true) } else { (bytes, false) }
}
