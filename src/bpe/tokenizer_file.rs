//! The file `tokenizer.json` on disk.

use std::path::Path;

use crate::bpe::huggingface::content::content_blake3;
use crate::bpe::huggingface::read::{FILE_MAX, parse};
use crate::bpe::vocabulary::Tokenizer;
use crate::error::{Error, Result};
use crate::io::Located;

/// Reads a `tokenizer.json`.
///
/// # Errors
/// [`Error::Io`] or [`Error::Refused`], which names the file and its first fault.
pub fn read_tokenizer(path: &Path) -> Result<Tokenizer> {
    Ok(read_tokenizer_and_content(path)?.0)
}

/// The same with the digest of what it means: [`content_blake3`].
///
/// # Errors
/// As [`read_tokenizer`].
pub fn read_tokenizer_and_content(at: &(impl Located + ?Sized)) -> Result<(Tokenizer, String)> {
    let bytes = crate::io::read_limited(at, FILE_MAX)?;
    let both = parse(&bytes).and_then(|tokenizer| Ok((tokenizer, content_blake3(&bytes)?)));
    both.map_err(|fault| Error::refused(format!("{}: {fault}", at.path().display())))
}
