//! Lists the installed dictionaries with their states.

use std::path::PathBuf;

use crate::error::Result;
use crate::quarantine::escape;
use crate::segment::about::About;
use crate::segment::dictionary::{self, Dictionary};
use crate::segment::exact;
use crate::segment::store::search::{children, search_path};

/// A dictionary found in the store.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Listed {
    /// Its directory.
    pub path: PathBuf,
    /// Name; of the directory, if the dictionary is damaged.
    pub name: String,
    /// Version.
    pub version: String,
    /// Licence.
    pub licence: String,
    /// Number of entries.
    pub entries: u32,
    /// Fingerprint, hex.
    pub fingerprint: String,
    /// `ready`, or what is wrong.
    pub state: String,
}

/// All dictionaries of the searched directories, by directory and name. Headers and sizes are checked, hashes are not.
///
/// # Errors
/// I/O: a directory that is there cannot be listed.
pub fn list() -> Result<Vec<Listed>> {
    let mut all = Vec::new();
    for dir in search_path() {
        for path in children(&dir)? {
            all.push(describe(path));
        }
    }
    Ok(all)
}

fn describe(path: PathBuf) -> Listed {
    let state =
        Dictionary::open(&path).and_then(|dictionary| exact::check(&dictionary)).map_or_else(|e| e.to_string(), |()| "ready".into());
    if let Ok(About { identity, entries, fingerprint, .. }) = dictionary::read_about(&path) {
        return Listed { path, name: identity.name, version: identity.version, licence: identity.licence, entries, fingerprint, state };
    }
    let name = path.file_name().map(|name| escape(&name.to_string_lossy(), 100)).unwrap_or_default();
    Listed { path, name, version: String::new(), licence: String::new(), entries: 0, fingerprint: String::new(), state }
}
