//! Writes an installed dictionary as one archive.

use std::path::Path;

use crate::error::Result;
use crate::io::{self, Staging};
use crate::segment::about;
use crate::segment::archive;
use crate::segment::source_reader::SourceFile;
use crate::segment::store::mecab_dir::MAX_FILE;
use crate::segment::verify;

/// Writes a built dictionary as `.tar.zst`, for sites without network.
///
/// # Errors
/// Damaged if the dictionary does not verify; I/O.
pub fn write_archive(dir: &Path, out: &Path) -> Result<()> {
    let about = verify::verify(dir)?;
    let root = format!("{}-{}-{}", about.identity.name, about.identity.version, about.short_fingerprint());
    let names: Vec<String> = about.files.into_keys().chain([about::FILE.to_owned()]).collect();
    let read = |name: &String| io::read_limited(&dir.join(name), MAX_FILE).map(|bytes| (name.clone(), bytes));
    let files: Vec<SourceFile> = names.iter().map(read).collect::<Result<_>>()?;
    let (staging, place) = Staging::for_file(out)?;
    let mut file = staging.create(&format!("archive-{}", std::process::id()))?;
    archive::write(&root, &files, &mut file).map_err(|e| file.failed(e))?;
    file.commit(&place).map(|_| ())
}
