//! Opens a dictionary by name or directory, with user dictionaries or without.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Result};
use crate::io::{self, Dir, Finished};
use crate::quarantine::escape;
use crate::segment::about::{self, Identity, StoredFile};
use crate::segment::contents::Summary;
use crate::segment::dictionary::{Dictionary, Files};
use crate::segment::exact;
use crate::segment::source::RawDictionary;
use crate::segment::store::mecab_dir::read_dir;
use crate::segment::store::note::{self, Check};
use crate::segment::store::search::{Location, find};
use crate::segment::user::{self, UserRows};
use crate::segment::writer;

/// Largest user dictionary.
const MAX_USER_FILE: u64 = 256 << 20;

/// Opens what the plan or the command line names: an installed dictionary, the directory of a built one, or a MeCab dictionary
/// directory (source or compiled; built for this process alone).
///
/// # Errors
/// Refused: not there, not a dictionary, malformed, damaged.
pub fn open(name_or_dir: &str) -> Result<Dictionary> {
    open_any(name_or_dir, Check::EachTime).map_err(refuse)
}

/// Turns damage, and files that may not be read, into a refusal: a command that needs the dictionary does not begin.
pub(crate) fn refuse(error: Error) -> Error {
    match error {
        Error::Io { path, action, source } if source.kind() == std::io::ErrorKind::PermissionDenied => Error::refused_with_hint(
            format!("{}: cannot {action}: {source}", path.display()),
            "a dictionary has to be readable for whoever uses it",
        ),
        Error::Damaged { path, message } => Error::refused_with_hint(
            format!("{}: damaged: {message}", path.display()),
            "fetch, build or import the dictionary again; it replaces the damaged one",
        ),
        other => other,
    }
}

fn open_any(name_or_dir: &str, when: Check) -> Result<Dictionary> {
    match find(name_or_dir)? {
        Location::Store(found) => Dictionary::open_after(&found, |about, files| note::check(&found, about, files, when)),
        Location::Directory(dir) => open_dir(&dir),
    }
}

/// [`open`], with user dictionaries ([`user`]), its bytes being compared whenever `when` says: UTF-8 files of full rows in MeCab's format or of three columns. The result is
/// a dictionary of its own, with its own word ids and fingerprint, built for this process alone.
/// What three-column rows became is in [`Dictionary::resolved_user_rows`].
///
/// # Errors
/// See [`open`]; refused with file, line and hint if a user dictionary is malformed.
pub fn open_with(name_or_dir: &str, user: &[String], when: Check) -> Result<Dictionary> {
    open_with_any(name_or_dir, user, when).map_err(refuse)
}

fn open_with_any(name_or_dir: &str, user: &[String], when: Check) -> Result<Dictionary> {
    let system = open_any(name_or_dir, when)?;
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
    let bytes = io::read_limited(path, MAX_USER_FILE).map_err(|error| match error {
        Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Error::refused(format!("{label}: no such user dictionary"))
        }
        other => other,
    })?;
    user::read(raw, &label, &bytes)
}

fn open_dir(dir: &Path) -> Result<Dictionary> {
    let about = dir.join(about::FILE);
    if about.try_exists().map_err(|e| Error::io(&about, "open", e))? {
        let dictionary = Dictionary::open_after(dir, |_, files| files.check())?;
        // A dictionary of the store was verified when it was installed; this one may not have been.
        exact::check_tree(&dictionary)?;
        return Ok(dictionary);
    }
    let found = read_dir(dir, None)?;
    open_temporarily(&found.raw, &found.content, &found.identity)
}

/// Builds a dictionary for this process alone, of files without names.
fn open_temporarily(raw: &RawDictionary, content: &Summary, identity: &Identity) -> Result<Dictionary> {
    let temporary = std::env::temp_dir();
    let dir = Dir::open(&temporary)?;
    let mut files = BTreeMap::new();
    let about = writer::write(raw, content, identity, &[], &mut |name, bytes| {
        let file = Finished::unnamed(&dir, bytes)?;
        let (bytes, blake3) = (bytes.len() as u64, blake3::hash(bytes).to_hex().to_string());
        files.insert(name.to_owned(), (file, StoredFile { bytes, blake3: blake3.clone() }));
        Ok((bytes, blake3))
    })?;
    Dictionary::of(&temporary, about, &Files::made(files))
}
