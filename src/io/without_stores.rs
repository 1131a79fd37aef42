//! What takes the place of stores in a program that was built without them: every name of an object is refused, with what would do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::objects::Sent;
use super::place::Place;
use crate::error::{Error, Result};

/// The refusal of a program that was built without it.
fn not_built(what: &Path) -> Error {
    Error::refused_with_hint(
        format!("{}: this program was built without object stores", what.display()),
        "build it with them: cargo install --path . --features cloud; or copy the data to a disk first",
    )
}

/// The same for a reader.
pub(super) fn unsupported() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::Unsupported, "this program was built without object stores (the feature cloud)")
}

/// Is there an object of this very name?
///
/// # Errors
/// Refused: the store refuses, or the program was built without stores. Those of the store.
pub fn find_object(name: &Path) -> Result<bool> {
    Err(not_built(name))
}

/// The objects below a place, in the order of their names.
///
/// # Errors
/// As [`find_object`].
pub fn list_objects(place: &Path) -> Result<Vec<PathBuf>> {
    Err(not_built(place))
}

/// Lets the ranges that are kept take so much memory.
pub fn keep_ranges(_: u64) {}

/// A place in a store below which objects are sent: there is none in a program that was built without stores.
#[derive(Debug, Clone)]
pub enum Prefix {}

impl Prefix {
    /// Refuses.
    ///
    /// # Errors
    /// Those of a build without stores.
    pub fn open(name: &Path) -> Result<Self> {
        Err(not_built(name))
    }

    /// The name of an object below it.
    pub fn name_of(&self, _: &str) -> PathBuf {
        match *self {}
    }

    /// What lies below it, by path: bytes of each.
    ///
    /// # Errors
    /// None.
    pub fn list(&self) -> Result<BTreeMap<String, u64>> {
        match *self {}
    }

    /// What is there under a name.
    ///
    /// # Errors
    /// None.
    pub fn sent(&self, _: &str) -> Result<Option<Sent>> {
        match *self {}
    }

    /// Sends a finished file.
    ///
    /// # Errors
    /// None.
    pub fn send(&self, _: &str, _: &Place, _: &Sent, _: &dyn Fn() -> Result<()>) -> Result<()> {
        match *self {}
    }

    /// Removes an object.
    ///
    /// # Errors
    /// None.
    pub fn remove(&self, _: &str) -> Result<()> {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_feature_the_remedy_is_told() {
        let refused = list_objects(Path::new("s3://bucket/x")).unwrap_err();
        assert!(refused.exit_code() == 2 && refused.hint().unwrap().contains("--features cloud"), "{refused}");
    }
}
