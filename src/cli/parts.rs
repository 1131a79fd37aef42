//! Parts of a run as they are given to commands: finished runs, directories, files.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::shard::TokenShard;

/// The token shards of the arguments, in the order given, those of a directory in order of names.
pub(super) fn token_shards(given: &[PathBuf]) -> Result<Vec<TokenShard>> {
    let paths = all_files(given, TOKENS)?;
    let names = names(&paths)?;
    paths.iter().zip(names).map(|(path, name)| TokenShard::open(path, name)).collect()
}

/// Token shards in the directory of a run.
pub(super) const TOKENS: &str = "tokens";
/// Kept documents in the directory of a run.
pub(super) const DOCUMENTS: &str = "documents";

/// The files of all arguments, in order.
pub(super) fn all_files(given: &[PathBuf], kind: &str) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for given in given {
        paths.extend(files(&directory(given, kind))?);
    }
    Ok(paths)
}

/// Of the directory of a run only one of its directories is meant; it holds other Parquet files too.
pub(super) fn directory(given: &Path, kind: &str) -> PathBuf {
    let of_run = given.join(kind);
    if of_run.is_dir() { of_run } else { given.to_path_buf() }
}

/// The Parquet files of a directory in order of names, or the file itself.
pub(super) fn files(given: &Path) -> Result<Vec<PathBuf>> {
    if !given.is_dir() {
        return if given.exists() {
            Ok(vec![given.to_path_buf()])
        } else {
            Err(Error::refused(format!("{}: does not exist", given.display())))
        };
    }
    let listing = std::fs::read_dir(given).map_err(|e| Error::io(given, "list", e))?;
    let mut shards: Vec<PathBuf> = listing
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "parquet"))
        .collect();
    shards.sort();
    if shards.is_empty() {
        return Err(Error::refused(format!("{}: holds no parts (*.parquet)", given.display())));
    }
    Ok(shards)
}

/// The ends of the paths, so long that no two are equal: `tokens/part-00000.parquet` for the shards of one run, wherever it lies.
fn names(paths: &[PathBuf]) -> Result<Vec<String>> {
    let absolute =
        paths.iter().map(|path| std::path::absolute(path).map_err(|e| Error::io(path, "find", e))).collect::<Result<Vec<_>>>()?;
    let parts: Vec<Vec<&OsStr>> = absolute
        .iter()
        .map(|path| path.components().rev().filter(|part| matches!(part, Component::Normal(_))).map(Component::as_os_str).collect())
        .collect();
    let longest = parts.iter().map(Vec::len).max().unwrap_or(0);
    for length in 2..=longest.max(2) {
        let ends: Vec<String> = parts
            .iter()
            .map(|parts| parts.iter().take(length).rev().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/"))
            .collect();
        let mut sorted: Vec<&String> = ends.iter().collect();
        sorted.sort();
        if sorted.windows(2).all(|pair| pair[0] != pair[1]) {
            return Ok(ends);
        }
    }
    Err(Error::refused("a token shard is given twice"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_long_as_they_must_be() {
        let named = |paths: &[&str]| names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(named(&["out/tokens/part-0", "out/tokens/part-1"]).unwrap(), ["tokens/part-0", "tokens/part-1"]);
        assert_eq!(named(&["/a/tokens/part-0", "/b/./tokens/part-0"]).unwrap(), ["a/tokens/part-0", "b/tokens/part-0"]);
        assert_eq!(named(&["/x.parquet"]).unwrap(), ["x.parquet"]);
        assert!(named(&["/a/b", "/a/b"]).unwrap_err().to_string().contains("twice"));
    }
}
