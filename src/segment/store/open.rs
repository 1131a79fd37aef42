//! Opens a dictionary by name or directory, with user dictionaries or without.

use std::path::Path;

use crate::error::{Error, Result};
use crate::io;
use crate::quarantine::escape;
use crate::segment::about::{self, Identity};
use crate::segment::contents::Summary;
use crate::segment::dictionary::Dictionary;
use crate::segment::exact;
use crate::segment::source::RawDictionary;
use crate::segment::store::install::write_into;
use crate::segment::store::mecab_dir::read_dir;
use crate::segment::store::scratch::Scratch;
use crate::segment::store::search::{Location, find};
use crate::segment::user::{self, UserRows};

/// Largest user dictionary.
const MAX_USER_FILE: u64 = 256 << 20;

/// Opens what the plan or the command line names: an installed dictionary, the directory of a built one, or a MeCab dictionary
/// directory (source or compiled; built in a temporary directory for this process alone).
///
/// # Errors
/// Refused: not there, not a dictionary, malformed, damaged.
pub fn open(name_or_dir: &str) -> Result<Dictionary> {
    open_any(name_or_dir).map_err(refuse)
}

/// Turns damage into a refusal: a command that needs the dictionary does not begin.
pub(crate) fn refuse(error: Error) -> Error {
    match error {
        Error::Damaged { path, message } => Error::refused_with_hint(
            format!("{}: damaged: {message}", path.display()),
            "fetch, build or import the dictionary again; it replaces the damaged one",
        ),
        other => other,
    }
}

fn open_any(name_or_dir: &str) -> Result<Dictionary> {
    match find(name_or_dir)? {
        Location::Store(found) => Dictionary::open(&found),
        Location::Directory(dir) => open_dir(&dir),
    }
}

/// [`open`], with user dictionaries ([`user`]): UTF-8 files of full rows in MeCab's format or of three columns. The result is
/// a dictionary of its own, with its own word ids and fingerprint, built in a temporary directory for this process alone.
/// What three-column rows became is in [`Dictionary::resolved_user_rows`].
///
/// # Errors
/// See [`open`]; refused with file, line and hint if a user dictionary is malformed.
pub fn open_with(name_or_dir: &str, user: &[String]) -> Result<Dictionary> {
    open_with_any(name_or_dir, user).map_err(refuse)
}

fn open_with_any(name_or_dir: &str, user: &[String]) -> Result<Dictionary> {
    let system = open_any(name_or_dir)?;
    if user.is_empty() {
        return Ok(system);
    }
    let mut raw = system.to_raw()?;
    // All rows are resolved before any is added, so that a row depends on the dictionary alone and not on other rows.
    let files = user.iter().map(|path| read_user(&raw, Path::new(path))).collect::<Result<Vec<_>>>()?;
    let mut resolved = Vec::new();
    for (path, rows) in user.iter().zip(files) {
        raw.add_user_rows(rows.entries).map_err(|e| Error::refused(format!("{}: {e}", escape(path, 200))))?;
        resolved.extend(rows.resolved);
    }
    let identity = Identity { name: format!("{}+user", system.about().identity.name), ..system.about().identity.clone() };
    Ok(open_temporarily(&raw, &raw.summary(), &identity)?.with_resolved(resolved))
}

fn read_user(raw: &RawDictionary, path: &Path) -> Result<UserRows> {
    let label = escape(&path.to_string_lossy(), 200);
    if !path.is_file() {
        return Err(Error::refused(format!("{label}: no such user dictionary")));
    }
    user::read(raw, &label, &io::read_limited(path, MAX_USER_FILE)?)
}

fn open_dir(dir: &Path) -> Result<Dictionary> {
    if dir.join(about::FILE).exists() {
        let dictionary = Dictionary::open(dir)?;
        // A dictionary of the store was verified when it was installed; this one may not have been.
        exact::check_tree(&dictionary)?;
        return Ok(dictionary);
    }
    let found = read_dir(dir, None)?;
    open_temporarily(&found.raw, &found.content, &found.identity)
}

fn open_temporarily(raw: &RawDictionary, content: &Summary, identity: &Identity) -> Result<Dictionary> {
    let temporary = Scratch::new(&std::env::temp_dir())?;
    write_into(temporary.path(), raw, content, identity, None)?;
    // The maps stay valid after the files are removed.
    Dictionary::open(temporary.path())
}
