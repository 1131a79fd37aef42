//! Installs a dictionary: writes it under a temporary name and then moves it to its own.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::io::{Dir, Staging, TemporaryDir};
use crate::segment::about::{About, Identity, check_name};
use crate::segment::built_files::LICENCE;
use crate::segment::contents::Summary;
use crate::segment::source::RawDictionary;
use crate::segment::source_reader::SourceFile;
use crate::segment::store::scratch::scratch;
use crate::segment::{verify, writer};

pub(crate) fn write_into(dir: &Dir, raw: &RawDictionary, content: &Summary, identity: &Identity, licence: Option<&str>) -> Result<About> {
    let staging = Staging::within(dir.clone());
    let extra: Vec<(&str, &[u8])> = licence.map(|text| (LICENCE, text.as_bytes())).into_iter().collect();
    writer::write(raw, content, identity, &extra, &mut |name, content| staging.write(&dir.at(name), content))
}

/// Writes a dictionary into the store directory `store` and returns its directory.
///
/// # Errors
/// Refused if the name cannot be a file name; I/O. Whatever fails, nothing is left behind.
pub fn install(store: &Path, raw: &RawDictionary, identity: &Identity, licence: Option<&str>) -> Result<PathBuf> {
    install_summed(store, raw, &raw.summary(), identity, licence)
}

pub(crate) fn install_summed(
    store: &Path,
    raw: &RawDictionary,
    content: &Summary,
    identity: &Identity,
    licence: Option<&str>,
) -> Result<PathBuf> {
    check_name("name", &identity.name)?;
    check_name("version", &identity.version)?;
    let store = Dir::create(store)?;
    let temporary = scratch(&store)?;
    let about = write_into(temporary.dir(), raw, content, identity, licence)?;
    settle(&store, &temporary, &about)
}

/// Moves a written directory to its final name.
fn settle(store: &Dir, temporary: &TemporaryDir, about: &About) -> Result<PathBuf> {
    let target = store.at(format!("{}-{}-{}", about.identity.name, about.identity.version, about.short_fingerprint()));
    if target.look()?.is_some() {
        // It is damaged, or another version built it with other files, so it is replaced. A process that has it mapped keeps its maps.
        if verify::check(target.path()).is_ok_and(|there| there.files == about.files) {
            return Ok(target.path().to_path_buf());
        }
        let aside = scratch(store)?;
        aside.dir().at("replaced").rename_from(&target)?;
    }
    target.rename_from(temporary.place())?;
    Ok(target.path().to_path_buf())
}

/// Installs the files of a built dictionary after verifying them.
pub(crate) fn adopt(store: &Path, files: &[SourceFile]) -> Result<PathBuf> {
    let store = Dir::create(store)?;
    let temporary = scratch(&store)?;
    let staging = Staging::within(temporary.dir().clone());
    for (name, bytes) in files {
        staging.write(&staging.at(name), bytes)?;
    }
    let about = verify::verify(temporary.path())?;
    check_name("name", &about.identity.name)?;
    check_name("version", &about.identity.version)?;
    settle(&store, &temporary, &about)
}
