//! The files of a run get their names in OUT: second names of what the passes made, so that a part keeps its content when its number changes,
//! and the next run finds it again.

use std::collections::BTreeSet;
use std::path::Path;

use super::layout;
use super::work_dir::WorkDir;
use crate::error::Result;
use crate::io::{FileEntry, second_name};

/// A file that a pass made, and its name in OUT.
#[derive(Debug)]
pub(super) struct Published {
    /// As it is in the work directory.
    pub(super) made: FileEntry,
    /// Under OUT.
    pub(super) path: String,
}

impl Published {
    /// As the manifest lists it.
    pub(super) fn entry(&self) -> FileEntry {
        FileEntry { path: self.path.clone(), ..self.made.clone() }
    }
}

/// Gives all files their names, and takes away what an earlier run left under names of that kind. Durable when it returns.
pub(super) fn publish(work: &WorkDir, files: &[Published]) -> Result<()> {
    let named: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    for dir in layout::PART_DIRECTORIES.into_iter().chain([layout::TOKENIZER]) {
        for name in work.at(dir).list()? {
            let ours = name.to_str().map(|name| layout::inside(dir, name));
            if ours.is_some_and(|ours| layout::is_made_by_runs(&ours) && !named.contains(ours.as_str())) {
                work.at(dir).at(&name).remove_file()?;
            }
        }
    }
    for file in files {
        second_name(work.staging(), &work.at(&file.made.path), &work.output(&file.path)?)?;
    }
    // With the directories around them, and OUT last (an empty path).
    let dirs: BTreeSet<&Path> = named.iter().flat_map(|path| Path::new(*path).ancestors().skip(1)).collect();
    dirs.into_iter().rev().try_for_each(|dir| work.out().at(dir).sync_dir())
}
