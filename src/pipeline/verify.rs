//! Is a finished run still what its manifest says? Every checksum, and every figure of the manifest that the files can give
//! again: counted anew from the tables (`tables`), the vocabulary and the pack (`packed`), the plan (`settings`).
//!
//! What no output holds any more is listed in `docs/formats/run.md`; for those figures `_SUCCESS` vouches alone.

mod packed;
mod passport;
mod settings;
mod tables;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::layout::{self, NEEDED, SUCCESS, UNLISTED, WORK};
use super::manifest::{Manifest, Totals, success_line};
use super::observer::{Observer, Progress, Quantity, Stop};
use super::pool::Pool;
use crate::error::{Error, Result};
use crate::io::{FileEntry, hash_file, read_limited};

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// One sentence for each finding.
    pub damage: Vec<String>,
    /// The totals of the manifest.
    pub totals: Totals,
    /// Files checked.
    pub files: usize,
    /// Bytes checked.
    pub bytes: u64,
}

/// A check under way.
struct Check<'a> {
    run: &'a Path,
    manifest: &'a Manifest,
    pool: &'a Pool,
    stop: &'a Stop,
    /// Files whose bytes are not those of the manifest; nothing is concluded from them.
    broken: BTreeSet<String>,
    damage: Vec<String>,
}

impl Check<'_> {
    /// Are the bytes of a listed file those that were written?
    fn is_whole(&self, path: &str) -> bool {
        !self.broken.contains(path)
    }

    fn all_whole(&self) -> bool {
        self.broken.is_empty()
    }

    /// The whole files of a directory of the run.
    fn files_in(&self, directory: &str) -> Vec<&FileEntry> {
        self.manifest.files.iter().filter(|file| layout::is_in(directory, &file.path) && self.is_whole(&file.path)).collect()
    }

    fn entry(&self, path: &str) -> Option<&FileEntry> {
        self.manifest.files.iter().find(|file| file.path == path)
    }

    fn found(&mut self, damage: impl Into<String>) {
        self.damage.push(damage.into());
    }

    /// Compares what the manifest says under `key` with what the files say.
    fn compare<T: PartialEq + Display + Copy>(&mut self, key: &str, said: T, found: T, by: &str) {
        if said != found {
            self.damage.push(format!("manifest.json: says {key} {said}, {by} {found}"));
        }
    }

    /// Notes what a check could not go on after; gives on what says nothing about the run: a signal, a ceiling.
    fn note<T>(&mut self, path: &str, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(e @ (Error::Interrupted(_) | Error::Resources(_) | Error::Io { .. })) => Err(e),
            Err(e) => {
                self.damage.push(format!("{path}: {e}"));
                Ok(None)
            }
        }
    }
}

/// Checks a finished run, its passport too; `Err` only where there is none, or one of a version this Seimai does not know.
pub fn verify(run: &Path, threads: usize, stop: &Stop, observer: &dyn Observer) -> Result<Findings> {
    check_run(run, threads, stop, observer, true)
}

/// The same without the passport, which is made anew of a run that is sound.
pub(super) fn verify_outputs(run: &Path, threads: usize, stop: &Stop, observer: &dyn Observer) -> Result<Findings> {
    check_run(run, threads, stop, observer, false)
}

fn check_run(run: &Path, threads: usize, stop: &Stop, observer: &dyn Observer, with_passport: bool) -> Result<Findings> {
    let success = run.join(SUCCESS);
    if !success.exists() {
        let hint = "name the --out directory of a `seimai run` that has finished; run it again to resume it";
        return Err(Error::refused_with_hint(format!("{}: no finished run (_SUCCESS is missing)", run.display()), hint));
    }
    let (manifest, hash) = Manifest::read(run)?;
    let progress = Progress::start(observer, "verify", Quantity::Bytes, manifest.files.iter().map(|file| file.bytes).sum());
    let pool = Pool::new(threads)?;
    let broken = check_files(run, &manifest, &pool, stop, &progress)?;
    let mut damage: Vec<String> = broken.iter().map(|(file, what)| format!("{file}: {what}")).collect();
    if read_limited(&success, 4096)? != success_line(&hash).into_bytes() {
        damage.push("manifest.json: is not the file that _SUCCESS vouches for".into());
    }
    let broken = broken.into_iter().map(|(file, _)| file).collect();
    let mut check = Check { run, manifest: &manifest, pool: &pool, stop, broken, damage };
    check.list();
    check.tables()?;
    check.settings()?;
    check.vocabulary_and_pack()?;
    if with_passport {
        check.passport()?;
    }
    let mut damage = check.damage;
    damage.extend(unlisted(run, &manifest)?);
    progress.finish();
    let bytes = manifest.files.iter().map(|file| file.bytes).sum();
    Ok(Findings { damage, totals: manifest.totals, files: manifest.files.len(), bytes })
}

impl Check<'_> {
    /// Nothing that every run has is left out of the list, and nothing stands in it twice.
    fn list(&mut self) {
        let paths: BTreeSet<&str> = self.manifest.files.iter().map(|file| file.path.as_str()).collect();
        let parts = paths.iter().filter_map(|path| path.strip_prefix(layout::DOCUMENTS)?.strip_prefix('/'));
        let twins = parts.flat_map(|part| [layout::inside(layout::REJECTED, part), layout::inside(layout::TOKENS, part)]);
        let needed = NEEDED.iter().map(|path| (*path).to_owned()).chain(twins);
        let missing: Vec<String> = needed.filter(|path| !paths.contains(path.as_str())).collect();
        let twice = self.manifest.files.len() - paths.len();
        for path in missing {
            self.found(format!("manifest.json: does not list {path}"));
        }
        if twice > 0 {
            self.found(format!("manifest.json: lists {twice} files twice"));
        }
    }
}

/// Size and BLAKE3 of every listed file; what is broken, by path.
fn check_files(run: &Path, manifest: &Manifest, pool: &Pool, stop: &Stop, progress: &Progress<'_>) -> Result<Vec<(String, String)>> {
    let broken = Mutex::new(Vec::new());
    let mut files = manifest.files.iter();
    let check = |(): &mut (), file: &FileEntry| -> Result<()> {
        let path = run.join(&file.path);
        let what = match std::fs::symlink_metadata(&path) {
            Ok(found) if !found.is_file() => Err(Error::damaged(&path, "not a regular file")),
            _ => hash_file(&path),
        };
        let what = match what {
            Err(e) => Some(e.to_string()),
            Ok((bytes, _)) if bytes != file.bytes => Some(format!("{bytes} bytes instead of {}", file.bytes)),
            Ok((_, hash)) if hash != file.blake3 => Some("its bytes are not those that were written (BLAKE3 differs)".into()),
            Ok(_) => None,
        };
        progress.add(file.bytes, 0, file.bytes);
        if let (Some(what), Ok(mut broken)) = (what, broken.lock()) {
            broken.push((file.path.clone(), what));
        }
        Ok(())
    };
    pool.for_each(stop, &mut || Ok(files.next()), &|| (), &check)?;
    let mut broken = broken.into_inner().unwrap_or_default();
    broken.sort();
    Ok(broken)
}

/// Files that nothing vouches for, and directories that hold none that something vouches for.
fn unlisted(run: &Path, manifest: &Manifest) -> Result<Vec<String>> {
    let listed: BTreeSet<PathBuf> = manifest.files.iter().map(|file| run.join(&file.path)).collect();
    let needed: BTreeSet<&Path> = listed.iter().flat_map(|file| file.ancestors().skip(1)).collect();
    let mut found = Vec::new();
    let mut open = vec![run.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).map_err(|e| Error::io(&dir, "list", e))? {
            let path = entry.map_err(|e| Error::io(&dir, "list", e))?.path();
            let top = path.parent() == Some(run);
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if top && (UNLISTED.contains(&name) || name == WORK) {
                continue;
            }
            let is_dir = path.is_dir() && !path.is_symlink();
            let is_passport = layout::passport::ALL.iter().any(|name| path == run.join(name)) && path.is_file() && !path.is_symlink();
            if is_dir && (needed.contains(path.as_path()) || top && name == layout::PASSPORT) {
                open.push(path);
            } else if !listed.contains(&path) && !is_passport {
                let what = if is_dir { "a directory that the manifest lists no file in" } else { "not listed in the manifest" };
                found.push(format!("{}: {what}", path.strip_prefix(run).unwrap_or(&path).display()));
            }
        }
    }
    found.sort();
    Ok(found)
}
