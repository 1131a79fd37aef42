//! Directories that exist while a dictionary is being built or fetched.

use std::path::Path;

use crate::error::Result;
use crate::io::TemporaryDir;

/// A directory for a dictionary under way; see [`TemporaryDir`].
///
/// # Errors
/// I/O.
pub fn scratch(parent: &Path) -> Result<TemporaryDir> {
    TemporaryDir::new(parent, ".seimai-dictionary-")
}
