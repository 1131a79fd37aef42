//! Objects of stores: read by ranges, listed, and sent. The only code of the program that opens sockets, behind the feature `cloud`, and only for
//! names that begin with `s3://`, `gs://` or `az://` (docs/adr/0052).
//!
//! The library of the stores is asynchronous; [`stores`] has its one thread, on which connections live, and everything that is asked here waits
//! for the answer. Nothing outside of this folder knows of it.

mod faults;
pub(super) mod object;
mod prefix;
mod ranges;
mod stores;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use object_store::path::Path as Key;

use self::object::Object;
pub use self::prefix::Prefix;
pub use self::ranges::keep_ranges;
use crate::error::Result;

/// Is there an object of this very name?
///
/// # Errors
/// Refused: the store refuses, or the name is none. Those of the store.
pub fn find_object(name: &Path) -> Result<bool> {
    if stores::resolve(name)?.key == Key::default() || name.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Ok(false);
    }
    match Object::open(name) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(faults::refusal(name, "show", error)),
    }
}

/// The objects below a place, in the order of their names. They are noted: opening one asks the store nothing more.
///
/// # Errors
/// As [`find_object`].
pub fn list_objects(place: &Path) -> Result<Vec<PathBuf>> {
    let listed = stores::resolve(place).and_then(|at| at.list().map_err(|error| faults::refusal(place, "list", error)))?;
    let root = stores::root(place)?;
    let mut found = Vec::with_capacity(listed.len());
    for meta in listed {
        let name = PathBuf::from(format!("{root}/{}", meta.location));
        let is_empty = meta.size == 0;
        object::note(&name, meta)?;
        found.push((name, is_empty));
    }
    found.sort_unstable_by(|(a, _), (b, _)| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    Ok(without_directories(found))
}

/// Empty objects that stand for directories go: others lie below a name of theirs.
fn without_directories(found: Vec<(PathBuf, bool)>) -> Vec<PathBuf> {
    let parents: std::collections::BTreeSet<PathBuf> =
        found.iter().flat_map(|(name, _)| name.ancestors().skip(1)).map(Path::to_path_buf).collect();
    found.into_iter().filter(|(name, is_empty)| !is_empty || !parents.contains(name)).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_object_that_others_lie_below_is_a_directory() {
        let found = [("s3://b/a", true), ("s3://b/a/x", false), ("s3://b/a/y", true), ("s3://b/empty", true)];
        let kept = without_directories(found.iter().map(|(name, is_empty)| (PathBuf::from(name), *is_empty)).collect());
        assert_eq!(kept, ["s3://b/a/x", "s3://b/a/y", "s3://b/empty"].map(PathBuf::from));
    }
}
