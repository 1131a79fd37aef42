//! Directories that exist while a dictionary is being built or fetched.

use std::path::Path;

use crate::error::Result;
use crate::io::TemporaryDirectory;

/// A directory for a dictionary under way; see [`TemporaryDirectory`].
///
/// # Errors
/// I/O.
pub fn scratch(parent: &Path) -> Result<TemporaryDirectory> {
    TemporaryDirectory::new(parent, ".seimai-dictionary-")
}
