//! Finds dictionaries: the directories of the store, and the dictionary of a name.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::quarantine::escape;
use crate::segment::dictionary;
use crate::segment::lock;

/// Environment variable that names the store.
pub const VARIABLE: &str = "SEIMAI_DICTIONARIES";

/// The directories that are searched, in order: `$SEIMAI_DICTIONARIES` (alone, if set), the user's data directory, the system's.
pub fn search_path() -> Vec<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(dir) = set(VARIABLE) {
        return vec![dir];
    }
    let user = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")));
    let system = ["/usr/local/share", "/usr/share"].map(PathBuf::from);
    user.into_iter().chain(system).map(|dir| dir.join("seimai/dictionaries")).collect()
}

/// The directory that `fetch`, `build` and `import` install into.
///
/// # Errors
/// Refused if neither the variable nor a home directory is set.
pub fn store_dir() -> Result<PathBuf> {
    let first = search_path().into_iter().next().filter(|dir| !dir.starts_with("/usr"));
    first.ok_or_else(|| Error::refused_with_hint("there is no directory for dictionaries", format!("set {VARIABLE} to a directory")))
}

/// Directories in `dir` that have the name of a dictionary, sorted; none if `dir` is not there.
pub(crate) fn children(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(e) => return Err(Error::io(dir, "list", e)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Error::io(dir, "list", e))?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        match fs::metadata(entry.path()) {
            Ok(found) if found.is_dir() => paths.push(entry.path()),
            Ok(_) => {}
            // A link that leads nowhere, or a directory that was removed a moment ago.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(Error::io(entry.path(), "inspect", e)),
        }
    }
    paths.sort();
    Ok(paths)
}

/// The directory of an installed dictionary of that name. If there are several, the one with the lock file's fingerprint, else
/// the last in name order.
///
/// # Errors
/// Refused with the commands that would bring it, if it is not installed; damaged or I/O if it may be there but cannot be read.
pub fn locate(name: &str) -> Result<PathBuf> {
    locate_in(&search_path(), name)
}

/// [`locate`] in the given directories.
///
/// # Errors
/// See [`locate`].
pub fn locate_in(path: &[PathBuf], name: &str) -> Result<PathBuf> {
    let locked = lock::all()?.remove(name).map(|locked| locked.fingerprint);
    let mut failed = None;
    for dir in path {
        let (mut found, mut unsound) = (None, None);
        let mut all = children(dir)?;
        // A directory that somebody renamed is found too, if none has the right name.
        let named = |child: &PathBuf| child.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&format!("{name}-")));
        all.sort_by_key(|child| !named(child));
        for child in all {
            if found.is_some() && !named(&child) {
                break;
            }
            match dictionary::read_about(&child) {
                Ok(about) if about.identity.name == name => {
                    if locked.as_ref() == Some(&about.fingerprint) {
                        return Ok(child);
                    }
                    found = found.max(Some(child));
                }
                // What cannot be read may be the one that is meant: to take another or none would be a guess.
                Err(e @ (Error::Damaged { .. } | Error::Io { .. })) if named(&child) => drop(unsound.get_or_insert(e)),
                Err(e @ Error::Io { .. }) => drop(failed.get_or_insert(e)),
                _ => {}
            }
        }
        if let Some(unsound) = unsound {
            return Err(unsound);
        }
        if let Some(found) = found {
            return Ok(found);
        }
    }
    if let Some(failed) = failed {
        return Err(failed);
    }
    let shown = escape(name, 60);
    let bring = if locked.is_some() {
        format!(
            "seimai dictionary fetch {name}\n      or, without network: seimai dictionary import PATH (a package file, an archive of a built dictionary, or a MeCab dictionary)"
        )
    } else {
        format!("seimai dictionary import PATH --name {shown}")
    };
    Err(Error::refused_with_hint(format!("the dictionary {shown} is not installed"), bring))
}

/// Where a dictionary is.
#[derive(Debug)]
pub enum Location {
    /// Installed, in this directory.
    Store(PathBuf),
    /// Any directory.
    Directory(PathBuf),
}

/// Finds the dictionary that a user named, in the same way for every command: a plain name is that of an installed dictionary, and
/// only if there is none, a directory.
///
/// # Errors
/// See [`locate`].
pub fn find(name_or_dir: &str) -> Result<Location> {
    let plain = !name_or_dir.contains(['/', '\\']) && name_or_dir != "." && name_or_dir != "..";
    let dir = Path::new(name_or_dir);
    let located = if plain { Some(locate(name_or_dir)) } else { None };
    match located {
        Some(Ok(found)) => Ok(Location::Store(found)),
        Some(Err(Error::Refused { .. })) if dir.is_dir() => Ok(Location::Directory(dir.to_path_buf())),
        Some(Err(missing)) => Err(missing),
        None => Ok(Location::Directory(dir.to_path_buf())),
    }
}
