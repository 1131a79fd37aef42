//! Directories that exist while a dictionary is being built or fetched.

use crate::error::Result;
use crate::io::{Dir, TemporaryDir};

/// A directory for a dictionary under way; see [`TemporaryDir`].
///
/// # Errors
/// I/O.
pub fn scratch(parent: &Dir) -> Result<TemporaryDir> {
    TemporaryDir::new(parent, ".seimai-dictionary-")
}
