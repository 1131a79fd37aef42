//! A path that leads nowhere: where it breaks, and what was meant instead.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::nearby;
use crate::quarantine::escape;

/// Names of a directory that are looked at.
const NAMES_MAX: usize = 10_000;
/// Characters of a path that are told.
const SHOWN: usize = 300;

/// What is to be done about a path that is not there; nothing where there is nothing to tell.
pub(super) fn remedy(path: &Path) -> Option<String> {
    // What stands is the longest beginning of the path.
    let (stands, broken) = path.ancestors().skip(1).zip(path.ancestors()).find(|(above, _)| at(above).exists())?;
    let wanted = broken.file_name()?.to_string_lossy();
    if at(stands).is_file() {
        return Some(format!("{} is a file, and nothing lies below it", shown(stands)));
    }
    let names = names(at(stands), wanted.starts_with('.'), |_| true);
    let breaks = if broken == path { String::new() } else { format!("there is no {}; ", shown(broken)) };
    Some(match nearby::nearest(&wanted, &names) {
        Some(near) => format!("{breaks}the nearest name is {}", shown(&stands.join(near))),
        None => format!("{breaks}{} holds {}", called(stands), escape(&nearby::holds(&names), SHOWN)),
    })
}

/// The same for a pattern that matches nothing below a directory which is there.
pub(super) fn remedy_for_pattern(pattern: &Path, root: &Path) -> Option<String> {
    let last = pattern.file_name()?;
    let tail = last.as_bytes().rsplit(|byte| b"*?[]{}".contains(byte)).next().unwrap_or_default();
    let tail = OsStr::from_bytes(tail).to_string_lossy();
    let files = names(at(root), false, Path::is_file);
    if let Some((ending, count)) = nearby::ending(&tail, &files).filter(|(ending, _)| *ending != tail) {
        let files = if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
        return Some(format!("{} matches {files}", shown(&root.join(format!("*{ending}")))));
    }
    let all = names(at(root), false, |_| true);
    Some(format!("{} holds {}", called(root), escape(&nearby::holds(&all), SHOWN)))
}

/// The empty path is this directory.
fn at(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

fn shown(path: &Path) -> String {
    escape(&path.strip_prefix(".").unwrap_or(path).display().to_string(), SHOWN)
}

fn called(dir: &Path) -> String {
    let name = shown(dir);
    if name.is_empty() { "this directory".to_owned() } else { name }
}

/// Names in a directory, in order; what cannot be listed has none.
fn names(dir: &Path, hidden: bool, wanted: fn(&Path) -> bool) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().take(NAMES_MAX);
    let paths = entries.map(|entry| entry.path()).filter(|path| wanted(path));
    let mut names: Vec<String> = paths.filter_map(|path: PathBuf| path.file_name()?.to_str().map(str::to_owned)).collect();
    names.retain(|name| hidden || !name.starts_with('.'));
    names.sort_unstable();
    names
}
