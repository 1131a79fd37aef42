//! What the work directory keeps for the next run, and what goes: entries that no finished run is made of, files that no entry names, and
//! what is beyond a limit, least useful first.
//!
//! Files of OUT are second names of files here. Those cost nothing as long as OUT has them, and are not counted.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::layout::{self, ENTRIES, pass};
use super::output_directory;
use super::work_dir::{WorkDir, parse_entry};
use crate::error::{Error, Result};
use crate::io::{Dir, Found, Place};

/// What was found and done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Units that stay.
    pub kept_units: usize,
    /// Their bytes on disk, without those that OUT holds too.
    pub kept_bytes: u64,
    /// Units that went.
    pub removed_units: usize,
    /// Bytes on disk that were freed.
    pub removed_bytes: u64,
}

/// A finished unit as it lies on disk.
#[derive(Debug)]
struct Unit {
    pass: usize,
    name: String,
    /// Under OUT, as those of its files.
    entry: PathBuf,
    /// When its entry was written, in nanoseconds since 1970.
    written: i128,
    files: Vec<PathBuf>,
    is_used: bool,
}

/// Removes from the work directory of a finished run what that run is not made of, and then so much that at most `limit` bytes stay. With
/// `dry_run` only says what would go.
///
/// # Errors
/// `Refused`: no finished run in `out`, or another run is writing there.
pub fn collect(out: &Path, limit: Option<u64>, dry_run: bool) -> Result<Collected> {
    let unfinished = || {
        let message = format!("{}: no finished run (_SUCCESS is missing)", out.display());
        Error::refused_with_hint(message, "an unfinished run needs all of its work directory: finish it with `seimai run`")
    };
    let there = output_directory::find(out)?.ok_or_else(unfinished)?;
    if !there.at(layout::SUCCESS).exists() || output_directory::standing(&there)? != output_directory::Standing::Ours {
        return Err(unfinished());
    }
    if !there.at(layout::WORK).exists() {
        return Ok(Collected::default());
    }
    let work = WorkDir::open(out, false)?;
    let collected = collect_in(&work, limit, dry_run)?;
    work.forget_holder()?;
    Ok(collected)
}

/// The same for a directory that is locked. Without a limit, and for runs that say nothing of what they used, every unit stays.
pub(super) fn collect_in(work: &WorkDir, limit: Option<u64>, dry_run: bool) -> Result<Collected> {
    let used = work.used_by_the_finished_run()?;
    let (mut units, files) = scan(work.out(), used.as_ref())?;
    // Least useful last: what is used, and what took longest to make, stays longest.
    units.sort_by(|a, b| {
        let rank = |unit: &Unit| (!unit.is_used, if unit.is_used { unit.pass } else { 0 }, std::cmp::Reverse(unit.written));
        rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name))
    });
    let own =
        |file: &PathBuf, files: &BTreeMap<PathBuf, Found>| files.get(file).map_or(0, |found| if found.names > 1 { 0 } else { found.bytes });
    let size =
        |unit: &Unit, files: &BTreeMap<PathBuf, Found>| unit.files.iter().chain([&unit.entry]).map(|file| own(file, files)).sum::<u64>();
    let mut done = Collected::default();
    let mut total: u64 = units.iter().map(|unit| size(unit, &files)).sum();
    let mut stays = Vec::new();
    while let Some(unit) = units.pop() {
        let bytes = size(&unit, &files);
        let is_in_the_way = limit.is_some_and(|limit| total > limit) && (bytes > 0 || limit == Some(0));
        if unit.is_used && !is_in_the_way {
            (done.kept_units, done.kept_bytes) = (done.kept_units + 1, done.kept_bytes + bytes);
            stays.push(unit);
            continue;
        }
        total -= bytes;
        (done.removed_units, done.removed_bytes) = (done.removed_units + 1, done.removed_bytes + bytes);
        if !dry_run {
            // The entry first: a kill in between leaves files that nobody names.
            work.out().at(&unit.entry).remove_file()?;
        }
    }
    // Files of the units that went, and those of nobody.
    let named: BTreeSet<&PathBuf> = stays.iter().flat_map(|unit| unit.files.iter().chain([&unit.entry])).collect();
    for (file, _) in files.iter().filter(|(file, _)| !dry_run && !named.contains(file)) {
        work.out().at(file).remove_file()?;
    }
    if limit == Some(0) && !dry_run {
        work.remove_work()?;
    }
    Ok(done)
}

/// All units, and all files that lie where units have theirs, by their paths under OUT.
fn scan(out: &Dir, used: Option<&BTreeSet<String>>) -> Result<(Vec<Unit>, BTreeMap<PathBuf, Found>)> {
    let (mut units, mut files) = (Vec::new(), BTreeMap::new());
    for (number, pass) in pass::ALL.into_iter().enumerate() {
        let of_pass = Path::new(layout::WORK).join(pass);
        for (kind, found) in list(&out.at(&of_pass))? {
            // A link is listed, which refuses it: were it passed over, files of entries behind it would be nobody's.
            if !found.is_dir() && !found.is_link() {
                continue;
            }
            let of_kind = of_pass.join(&kind);
            for (name, found) in list(&out.at(&of_kind))? {
                let path = of_kind.join(&name);
                if kind == ENTRIES {
                    // An entry that cannot be understood is no entry; it goes as a file that nobody names.
                    if let (Some(of_it), Some(name)) = (parse_entry(&out.at(&path))?, path.file_stem().and_then(|name| name.to_str())) {
                        units.push(Unit {
                            pass: number,
                            name: name.to_owned(),
                            written: found.written,
                            files: of_it.into_iter().map(|file| file.path.into()).collect(),
                            is_used: used.is_none_or(|used| used.contains(&format!("{pass}/{name}"))),
                            entry: path.clone(),
                        });
                    }
                }
                if found.is_file() {
                    files.insert(path, found);
                }
            }
        }
    }
    Ok((units, files))
}

/// What a directory holds; nothing where there is none.
fn list(dir: &Place) -> Result<Vec<(OsString, Found)>> {
    let held = match dir.open_dir() {
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        held => held?,
    };
    let mut all = Vec::new();
    for name in held.at("").list()? {
        if let Some(found) = held.at(&name).look()? {
            all.push((name, found));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::work_dir::Entry;
    use super::*;

    /// Three used units of 1000 bytes, the file of the last with a second name in OUT; one that is not used; a file of nobody.
    fn finished(out: &Path) -> WorkDir {
        let work = WorkDir::open(out, false).unwrap();
        for (pass, unit) in [(pass::ANNOTATE, "a"), (pass::COUNT, "c"), (pass::DECIDE, "d"), (pass::ANNOTATE, "old")] {
            let file = work.write_output(&layout::made(pass, "kind", unit), &[0; 1000], 1).unwrap();
            if pass == pass::DECIDE {
                fs::hard_link(out.join(&file.path), out.join("counts.parquet")).unwrap();
            }
            if unit == "old" {
                work.commit_of_another_run(pass, unit, &Entry::new(vec![file], ()));
            } else {
                work.commit(pass, unit, &Entry::new(vec![file], ())).unwrap();
            }
        }
        work.write_output(&layout::made(pass::COUNT, "kind", "nobody"), &[0; 10], 1).unwrap();
        work.write_used().unwrap();
        work.write_output("manifest.json", b"{}", 0).unwrap();
        work.write_output("_SUCCESS", b"blake3 0 manifest.json\n", 0).unwrap();
        work
    }

    fn is_there(out: &Path, pass: &str, unit: &str) -> bool {
        let of_it =
            [out.join(layout::made(pass, "kind", unit)), out.join(format!(".work/{pass}/entries/{unit}.json"))].map(|path| path.exists());
        assert_eq!(of_it[0], of_it[1], "a file and its entry");
        of_it[0]
    }

    #[test]
    fn what_the_finished_run_is_not_made_of_goes() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        drop(finished(&out));
        let said = collect(&out, None, true).unwrap();
        assert!(is_there(&out, "annotate", "old"), "a dry run");
        assert_eq!((said.kept_units, said.removed_units), (3, 1));
        assert_eq!(collect(&out, None, false).unwrap(), said);
        assert!(!is_there(&out, "annotate", "old") && !out.join(layout::made("count", "kind", "nobody")).exists());
        assert!(is_there(&out, "annotate", "a") && is_there(&out, "decide", "d"));
        let again = collect(&out, None, false).unwrap();
        assert_eq!((again.kept_units, again.kept_bytes, again.removed_units), (3, said.kept_bytes, 0));
    }

    #[test]
    fn beyond_a_limit_the_least_useful_goes_and_what_frees_nothing_stays() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        drop(finished(&out));
        let said = collect(&out, Some(2000), false).unwrap();
        assert!(is_there(&out, "annotate", "a") && !is_there(&out, "count", "c"), "{said:?}");
        assert!(said.kept_bytes <= 2000 && said.removed_units >= 2, "{said:?}");
        collect(&out, Some(0), false).unwrap();
        assert!(!out.join(".work").exists() && out.join("counts.parquet").exists());
        assert_eq!(collect(&out, None, false).unwrap(), Collected::default());
    }

    #[test]
    fn an_unfinished_run_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        drop(finished(&out));
        fs::remove_file(out.join("_SUCCESS")).unwrap();
        assert_eq!(collect(&out, None, false).unwrap_err().exit_code(), 2);
        assert!(is_there(&out, "annotate", "old"));
    }
}
