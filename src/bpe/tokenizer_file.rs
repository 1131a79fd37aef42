//! The file `tokenizer.json` on disk.

use std::path::Path;

use crate::bpe::huggingface::read::{FILE_MAX, parse};
use crate::bpe::vocabulary::Tokenizer;
use crate::error::{Error, Result};

/// Reads a `tokenizer.json`.
///
/// # Errors
/// [`Error::Io`] or [`Error::Refused`], which names the file and its first fault.
pub fn read_tokenizer(path: &Path) -> Result<Tokenizer> {
    let bytes = crate::io::read_limited(path, FILE_MAX)?;
    parse(&bytes).map_err(|fault| Error::refused(format!("{}: {fault}", path.display())))
}
