//! Imports a dictionary from a directory or a file of any kind that is supported.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::io;
use crate::quarantine::escape;
use crate::segment::about;
use crate::segment::archive;
use crate::segment::built_files::is_known;
use crate::segment::dictionary;
use crate::segment::store::install::{adopt, install_summed};
use crate::segment::store::mecab_dir::{MAX_FILE, read_dir};
use crate::segment::store::open::refuse;
use crate::segment::store::package::{find_package, install_locked};
use crate::segment::verify;

/// Imports a directory (MeCab source or compiled, or built by this program) or a file (our archive, or a package of the
/// lock file that is a tar) into the store.
///
/// # Errors
/// Refused if it is none of these, malformed or damaged.
pub fn import(store: &Path, path: &Path, name: Option<&str>) -> Result<PathBuf> {
    import_any(store, path, name).map_err(refuse)
}

fn import_any(store: &Path, path: &Path, name: Option<&str>) -> Result<PathBuf> {
    let failed = |e: std::io::Error| Error::io(path, "open", e);
    if path.try_exists().map_err(failed)? && path.is_dir() {
        if path.join(about::FILE).try_exists().map_err(failed)? {
            keeps_its_name(path, name)?;
            verify::verify(path)?;
            let about = dictionary::read_about(path)?;
            let names: Vec<String> = about.files.into_keys().chain([about::FILE.to_owned()]).collect();
            let read = |name: &String| io::read_limited(&path.join(name), MAX_FILE).map(|bytes| (name.clone(), bytes));
            return adopt(store, &names.iter().map(read).collect::<Result<Vec<_>>>()?);
        }
        let found = read_dir(path, name)?;
        return install_summed(store, &found.raw, &found.content, &found.identity, found.licence_text);
    }
    let file = io::open_file(path).map_err(|error| match error {
        Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Error::refused(format!("{}: no such file or directory", escape(&path.to_string_lossy(), 200)))
        }
        other => other,
    })?;
    if let Some((locked_name, locked, source)) = find_package(path)? {
        return install_locked(store, name.unwrap_or(&locked_name), &locked, &source, path);
    }
    keeps_its_name(path, name)?;
    let bytes = file.metadata().map_err(|e| Error::io(path, "open", e))?.len();
    let label = escape(&path.to_string_lossy(), 200);
    let files = archive::members(&label, (std::io::BufReader::new(file), bytes), "", &is_built_file)?;
    if !files.iter().any(|file| file.0 == about::FILE) {
        return Err(Error::refused(format!("{label}: neither an archive of a built dictionary nor a package of the lock file")));
    }
    adopt(store, &files)
}

/// Refuses a new name for a built dictionary: its name is protected by its seal.
fn keeps_its_name(path: &Path, name: Option<&str>) -> Result<()> {
    if name.is_none() {
        return Ok(());
    }
    let path = escape(&path.to_string_lossy(), 200);
    Err(Error::refused_with_hint(
        format!("{path}: a built dictionary keeps its name"),
        "leave --name out, or build it again from its source",
    ))
}

fn is_built_file(name: &str) -> bool {
    is_known(name) || name == about::FILE
}
