//! Dictionaries of the lock file: from a package file to an installed dictionary.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::io;
use crate::segment::about::Identity;
use crate::segment::archive;
use crate::segment::charset::Charset;
use crate::segment::contents::Summary;
use crate::segment::lock::{self, Kind, Locked, PackageSource};
use crate::segment::source::RawDictionary;
use crate::segment::source_reader;
use crate::segment::store::install::install_summed;
use crate::segment::store::mecab_dir::{COMPILED, is_source_file, read_compiled};

/// Builds a locked dictionary from a package file (already checked by [`check_package`]) or the tar within it.
///
/// # Errors
/// Refused: damaged archive, malformed dictionary, digests that differ from the lock file's.
pub fn build_locked(name: &str, locked: &Locked, source: &PackageSource, archive: &Path) -> Result<(RawDictionary, Summary)> {
    let file = io::open_file(archive)?;
    let bytes = file.metadata().map_err(|e| Error::io(archive, "open", e))?.len();
    let wanted: fn(&str) -> bool = match source.content.kind {
        Kind::Source => is_source_file,
        Kind::Compiled => |name| COMPILED.contains(&name),
    };
    let label = archive.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let files = archive::members(&label, (std::io::BufReader::new(file), bytes), &source.content.root, &wanted)?;
    let mut raw = match source.content.kind {
        Kind::Source => {
            let charset = source.content.charset.as_deref().and_then(Charset::from_name);
            source_reader::read_with(&files, charset, &source.add)?
        }
        Kind::Compiled => with_rows(read_compiled(&files)?, &source.add)?,
    };
    locked.finish(source, &mut raw);
    let content = raw.summary();
    locked.check(name, &content)?;
    Ok((raw, content))
}

/// Identity of a locked dictionary.
pub fn locked_identity(name: &str, locked: &Locked, source: &PackageSource) -> Identity {
    let package = &source.package;
    Identity {
        name: name.into(),
        version: locked.version.clone(),
        licence: locked.licence.clone(),
        source: format!("{} package {} {}", package.client.name(), package.name, package.version),
    }
}

/// Builds and installs a locked dictionary.
///
/// # Errors
/// See [`build_locked`] and [`super::install()`].
pub fn install_locked(store: &Path, name: &str, locked: &Locked, source: &PackageSource, archive: &Path) -> Result<PathBuf> {
    let (raw, content) = build_locked(name, locked, source, archive)?;
    install_summed(store, &raw, &content, &locked_identity(name, locked, source), lock::licence_text(&locked.licence_file))
}

/// Checks a package file against the lock file.
///
/// # Errors
/// Refused if size or sha256 differ.
pub fn check_package(source: &PackageSource, file: &Path) -> Result<()> {
    let bytes = fs::metadata(file).map_err(|e| Error::io(file, "read", e))?.len();
    let found = if bytes == source.package.bytes { io::sha256_of_file(file)? } else { format!("{bytes} bytes") };
    if found != source.package.sha256 {
        let package = &source.package;
        return Err(Error::refused(format!(
            "{}: not {} {} of the lock file ({found} instead of {} bytes, sha256 {})",
            file.display(),
            package.name,
            package.version,
            package.bytes,
            package.sha256
        )));
    }
    Ok(())
}

/// The package of the lock file that `path` is, by size and sha256.
///
/// # Errors
/// I/O.
pub fn find_package(path: &Path) -> Result<Option<(String, Locked, PackageSource)>> {
    for (name, locked) in lock::all()? {
        for source in locked.source.clone() {
            if check_package(&source, path).is_ok() {
                return Ok(Some((name, locked, source)));
            }
        }
    }
    Ok(None)
}

fn with_rows(raw: RawDictionary, rows: &[String]) -> Result<RawDictionary> {
    if rows.is_empty() {
        return Ok(raw);
    }
    let mut entries = raw.entries;
    source_reader::lexicon("", "the added rows", &rows.join("\n"), &mut entries)?;
    RawDictionary::assemble(entries, raw.unknown, raw.chars, raw.matrix, raw.max_grouping)
}
