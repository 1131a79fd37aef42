//! Checks a built dictionary: that its files are sound, and made from its content.

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::quarantine::escape;
use crate::segment::about::{self, About};
use crate::segment::built_files::LICENCE;
use crate::segment::dictionary::Dictionary;
use crate::segment::store::mecab_dir::read_dir;
use crate::segment::{exact, lindera, writer};

/// Verifies a built dictionary: its seal, the hash of every file, every index, fingerprint and digests of the content, and that this
/// version makes the same files of that content.
///
/// # Errors
/// Damaged, naming the file; refused if `dir` holds no built dictionary.
pub fn verify(dir: &Path) -> Result<About> {
    let about = check(dir)?;
    let dictionary = Dictionary::open(dir)?;
    let raw = dictionary.to_raw()?;
    let content = raw.summary();
    if content.fingerprint != about.fingerprint || content.digests != about.digests {
        return Err(Error::damaged(dir, "the content does not have the fingerprint of seimai.json"));
    }
    lindera::Lindera::new(Arc::new(dictionary))?;
    let hash = |_: &str, bytes: &[u8]| Ok((bytes.len() as u64, blake3::hash(bytes).to_hex().to_string()));
    let mut again = writer::write(&raw, &content, &about.identity, &[], &mut { hash })?;
    if let Some(licence) = about.files.get(LICENCE) {
        again.files.insert(LICENCE.into(), licence.clone());
    }
    let other = again.files.iter().find(|(name, file)| about.files.get(*name) != Some(file));
    if let Some((name, _)) = other {
        return Err(Error::damaged(dir.join(name), "not what this version makes of the dictionary; build it again"));
    }
    if (About { seal: about.seal.clone(), ..again }) != about {
        return Err(Error::damaged(dir.join(about::FILE), "not what this version says of the dictionary; build it again"));
    }
    Ok(about)
}

/// The checks of [`verify`] that are quick: the seal, the hash of every file, every index.
///
/// # Errors
/// Refused if there is no built dictionary, damaged if a promise is broken.
pub fn check(dir: &Path) -> Result<About> {
    let dictionary = Dictionary::open_after(dir, |_, files| files.check())?;
    exact::check(&dictionary)?;
    Ok(dictionary.about().clone())
}

/// The first differences (at most `max`, as sentences) between a built dictionary and a MeCab directory, entry by entry.
///
/// # Errors
/// See [`Dictionary::open`] and [`read_dir`].
pub fn compare(dir: &Path, mecab: &Path, max: usize) -> Result<Vec<String>> {
    let ours = Dictionary::open(dir)?.to_raw()?;
    let theirs = read_dir(mecab, None)?.raw;
    let mut differences = Vec::new();
    if ours.entries.len() != theirs.entries.len() {
        differences.push(format!("{} entries instead of {}", ours.entries.len(), theirs.entries.len()));
    }
    for (what, same) in [
        ("matrix", ours.matrix == theirs.matrix),
        ("character table", ours.chars == theirs.chars),
        ("list of unknown rows", ours.unknown == theirs.unknown),
        ("max-grouping-size", ours.max_grouping == theirs.max_grouping),
    ] {
        if !same {
            differences.push(format!("the {what} differs"));
        }
    }
    let show = |e: &crate::segment::source::Entry| escape(&format!("{},{},{},{},{}", e.surface, e.left, e.right, e.cost, e.feature), 200);
    let pairs = ours.entries.iter().zip(&theirs.entries).enumerate().filter(|(_, (a, b))| a != b);
    differences.extend(pairs.take(max).map(|(id, (a, b))| format!("entry {id}: {} instead of {}", show(a), show(b))));
    differences.truncate(max);
    Ok(differences)
}
