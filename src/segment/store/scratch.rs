//! Directories that exist while a dictionary is being built or fetched.

use std::path::Path;

use crate::error::Result;
use crate::io::Scratch;

/// A directory for a dictionary under way; see [`Scratch`].
///
/// # Errors
/// I/O.
pub fn scratch(parent: &Path) -> Result<Scratch> {
    Scratch::new(parent, ".seimai-dictionary-")
}
