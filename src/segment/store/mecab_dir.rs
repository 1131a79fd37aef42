//! Reads a MeCab dictionary directory, compiled or source.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};
use crate::io;
use crate::segment::about::{self, Identity, check_name};
use crate::segment::compiled_reader::{self, CompiledFiles};
use crate::segment::contents::Summary;
use crate::segment::lock;
use crate::segment::source::RawDictionary;
use crate::segment::source_reader::{self, SourceFile};

/// Largest file of a dictionary that is read into memory.
pub(crate) const MAX_FILE: u64 = 1 << 30;
/// Files of a compiled dictionary.
pub(crate) const COMPILED: [&str; 6] = ["sys.dic", "unk.dic", "matrix.bin", "char.bin", "dicrc", "version"];

/// A dictionary read from a MeCab directory.
#[derive(Debug)]
pub struct MecabDictionary {
    /// Its content.
    pub raw: RawDictionary,
    /// Digests and fingerprint of the content.
    pub content: Summary,
    /// Name, version and licence: the lock file's where it knows the content.
    pub identity: Identity,
    /// The notices that travel with the data, where the lock file knows it.
    pub licence_text: Option<&'static str>,
}

/// Reads a MeCab dictionary directory, compiled or source. Order and labels stay as they are; a content that the lock file
/// knows gets its name, version and licence.
///
/// # Errors
/// Refused, naming the directory: no dictionary, or a malformed one.
pub fn read_dir(dir: &Path, name: Option<&str>) -> Result<MecabDictionary> {
    let compiled = dir.join("sys.dic").exists();
    if !compiled && dir.join("dict.trie").exists() {
        return Err(Error::refused_with_hint(
            format!("{}: built by lindera itself, whose builder trims and normalises words", dir.display()),
            "import the MeCab dictionary it was made from",
        ));
    }
    if !compiled && !dir.join("matrix.def").exists() {
        return Err(Error::refused_with_hint(
            format!("{}: no dictionary (neither {}, sys.dic nor matrix.def is there)", dir.display(), about::FILE),
            "name an installed dictionary (`seimai dictionary list`) or a directory with a MeCab dictionary",
        ));
    }
    let wanted: fn(&str) -> bool = if compiled { |name| COMPILED.contains(&name) } else { is_source_file };
    let files = files_of(dir, wanted)?;
    let raw = if compiled { read_compiled(&files) } else { source_reader::read(&files, None) };
    let raw = raw.map_err(|e| Error::refused(format!("{}: {e}", dir.display())))?;
    let version = files.iter().find(|file| file.0 == "version").and_then(|file| std::str::from_utf8(&file.1).ok()).map(str::trim);
    let content = raw.summary();
    let source = if compiled { "a compiled MeCab directory" } else { "a MeCab source directory" };
    if let Some((known, locked)) = lock::all()?.into_iter().find(|(_, locked)| locked.digests == content.digests) {
        let name = name.map_or(known, str::to_owned);
        let identity = Identity { name, version: locked.version, licence: locked.licence, source: source.into() };
        return Ok(MecabDictionary { raw, content, identity, licence_text: lock::licence_text(&locked.licence_file) });
    }
    let version = version.filter(|text| check_name("version", text).is_ok()).unwrap_or("imported");
    let name = name.map_or_else(|| name_of(dir), str::to_owned);
    let identity = Identity { name, version: version.into(), licence: String::new(), source: source.into() };
    Ok(MecabDictionary { raw, content, identity, licence_text: None })
}

/// A name for what a directory holds, from the directory's.
fn name_of(dir: &Path) -> String {
    let base = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain: String = base.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(40).collect();
    if plain.is_empty() { "imported".into() } else { plain }
}

/// Regular files of a directory by name, in name order.
fn files_of(dir: &Path, wanted: fn(&str) -> bool) -> Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(|e| Error::io(dir, "list", e))? {
        let entry = entry.map_err(|e| Error::io(dir, "list", e))?;
        let (path, name) = (entry.path(), entry.file_name());
        let Some(name) = name.to_str().filter(|name| wanted(name)) else { continue };
        match fs::metadata(&path) {
            Ok(found) if found.is_file() => files.push((name.to_owned(), io::read_limited(&path, MAX_FILE)?)),
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            // A list of words that cannot be read is not left out.
            Err(e) => return Err(Error::io(path, "inspect", e)),
        }
    }
    files.sort();
    Ok(files)
}

pub(crate) fn is_source_file(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| e == "csv") || ["matrix.def", "char.def", "unk.def", "dicrc", "version"].contains(&name)
}

pub(crate) fn read_compiled(files: &[SourceFile]) -> Result<RawDictionary> {
    let find = |name: &str| files.iter().find(|file| file.0 == name).map(|file| &file.1[..]);
    let required = |name: &str| find(name).ok_or_else(|| Error::refused(format!("{name} is missing")));
    compiled_reader::read(&CompiledFiles {
        sys: required("sys.dic")?,
        unk: required("unk.dic")?,
        matrix: required("matrix.bin")?,
        chars: required("char.bin")?,
        dicrc: find("dicrc").unwrap_or_default(),
    })
}
