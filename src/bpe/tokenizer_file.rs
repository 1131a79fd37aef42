//! The file `tokenizer.json` on disk.

use std::path::Path;

use crate::bpe::huggingface;
use crate::bpe::vocabulary::Tokenizer;
use crate::error::{Error, Result};

/// Reads a `tokenizer.json`.
///
/// # Errors
/// [`Error::Io`] or [`Error::Refused`], which names the file and its first fault.
pub fn read_tokenizer(path: &Path) -> Result<Tokenizer> {
    let bytes = crate::io::read_limited(path, huggingface::FILE_MAX)?;
    huggingface::parse(&bytes).map_err(|fault| Error::refused(format!("{}: {fault}", path.display())))
}
