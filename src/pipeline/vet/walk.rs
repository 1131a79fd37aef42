//! The files below a path, in the order of their names. Links are looked at and not followed.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::quarantine::escape;

/// Directories in each other.
const DEPTH_MAX: usize = 64;

/// Something below a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where it is.
    pub(super) path: PathBuf,
    /// How it is called in findings: the path that was named, and its place there.
    pub(super) name: String,
    /// Its place below the path that was named; empty for that itself.
    pub(super) below: PathBuf,
    /// What it is.
    pub(super) kind: Kind,
}

/// What something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file of so many bytes.
    File(u64),
    /// A link; where it leads, and whether that is out of what was named, or nowhere.
    Link {
        /// As it says.
        to: String,
        /// Does it leave?
        leads_out: bool,
    },
    /// A pipe, a socket, a device.
    Special,
    /// It cannot be listed or looked at.
    Unseen(String),
}

/// Everything below a path, at most `max` entries; `true` where there are more.
///
/// # Errors
/// `Refused`: nothing is there.
pub(super) fn walk(named: &Path, max: u64) -> Result<(Vec<Entry>, bool)> {
    let shown = escape(&named.display().to_string(), 1000);
    let found = std::fs::metadata(named).map_err(|e| {
        let message =
            format!("{shown}: {}", if e.kind() == std::io::ErrorKind::NotFound { "is not there".to_owned() } else { e.to_string() });
        Error::refused_with_hint(message, "name a file, or a directory of a run, a data set or a model")
    })?;
    if !found.is_dir() {
        let kind = if found.is_file() { Kind::File(found.len()) } else { Kind::Special };
        return Ok((vec![Entry { path: named.to_path_buf(), name: shown, below: PathBuf::new(), kind }], false));
    }
    let root = named.canonicalize().map_err(|e| Error::io(named, "look at", e))?;
    let (mut all, mut open) = (Vec::new(), VecDeque::from([(PathBuf::new(), 0)]));
    while let Some((dir, depth)) = open.pop_front() {
        let unseen =
            |why: String| Entry { path: named.join(&dir), name: called(&shown, &dir), below: dir.clone(), kind: Kind::Unseen(why) };
        if depth > DEPTH_MAX {
            all.push(unseen(format!("more than {DEPTH_MAX} directories in each other")));
            continue;
        }
        let listed = match std::fs::read_dir(named.join(&dir)) {
            Ok(listed) => listed,
            Err(e) => {
                all.push(unseen(format!("cannot be listed: {e}")));
                continue;
            }
        };
        for entry in listed {
            if all.len() as u64 >= max {
                all.sort_by(|a, b| a.below.cmp(&b.below));
                return Ok((all, true));
            }
            match entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?))) {
                Ok((file, kind)) if kind.is_dir() => open.push_back((dir.join(file), depth + 1)),
                Ok((file, _)) => {
                    let below = dir.join(file);
                    let (path, name) = (named.join(&below), called(&shown, &below));
                    let kind = look(&path, &root);
                    all.push(Entry { path, name, below, kind });
                }
                Err(e) => all.push(unseen(format!("cannot be listed: {e}"))),
            }
        }
    }
    all.sort_by(|a, b| a.below.cmp(&b.below));
    Ok((all, false))
}

fn called(named: &str, below: &Path) -> String {
    let below = escape(&below.to_string_lossy(), 1000);
    if below.is_empty() { named.to_owned() } else { format!("{}/{below}", named.trim_end_matches('/')) }
}

fn look(path: &Path, root: &Path) -> Kind {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Kind::File(found.len()),
        Ok(found) if found.is_symlink() => {
            let to = std::fs::read_link(path).map_or_else(|_| String::new(), |to| escape(&to.to_string_lossy(), 300));
            let leads_out = !path.canonicalize().is_ok_and(|end| end.starts_with(root));
            Kind::Link { to, leads_out }
        }
        Ok(_) => Kind::Special,
        Err(e) => Kind::Unseen(e.to_string()),
    }
}

/// Would a member of an archive that is called so be written outside of its folder?
pub(super) fn climbs(name: &str) -> bool {
    let is_drive = name.as_bytes().get(1) == Some(&b':') && name.as_bytes()[0].is_ascii_alphabetic();
    name.starts_with(['/', '\\']) || is_drive || name.contains('\0') || name.split(['/', '\\']).any(|part| part == "..")
}

/// Does a link at that place in an archive lead out of it?
pub(super) fn leads_out(name: &str, to: &str) -> bool {
    if to.starts_with(['/', '\\']) || to.contains(':') {
        return true;
    }
    let mut depth = name.split('/').filter(|part| !part.is_empty() && *part != ".").count().saturating_sub(1);
    for part in to.split(['/', '\\']) {
        match part {
            ".." => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return true,
            },
            "" | "." => {}
            _ => depth += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_are_told() {
        for name in ["../a", "a/../../b", "/etc/passwd", "\\\\host\\a", "c:\\a", "a/..", "a\0b", "..\\x"] {
            assert!(climbs(name), "{name}");
        }
        for name in ["a", "a/b..c", "..a/b", "a/.b", "あ/い"] {
            assert!(!climbs(name), "{name}");
        }
        assert!(leads_out("a/b", "../../c") && leads_out("a", "/c") && leads_out("a", "x/../../c"));
        assert!(!leads_out("a/b", "../c") && !leads_out("a/b/c", "../../d") && !leads_out("a", "b"));
    }

    #[test]
    fn links_are_seen_and_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("in");
        std::fs::create_dir_all(root.join("d")).unwrap();
        for (name, to) in [("d/inside", "../d"), ("out", "../elsewhere"), ("nowhere", "gone"), ("etc", "/etc/hostname")] {
            std::os::unix::fs::symlink(to, root.join(name)).unwrap();
        }
        let (all, more) = walk(&root, 100).unwrap();
        let seen: Vec<(String, bool)> =
            all.iter().map(|entry| (entry.below.display().to_string(), matches!(entry.kind, Kind::Link { leads_out: true, .. }))).collect();
        assert!(!more);
        assert_eq!(
            seen,
            [("d/inside".to_owned(), false), ("etc".to_owned(), true), ("nowhere".to_owned(), true), ("out".to_owned(), true)]
        );
        assert!(walk(&root, 2).unwrap().1);
        assert!(walk(&root.join("none"), 2).unwrap_err().to_string().contains("is not there"));
    }
}
