//! Where built dictionaries live, and what the `dictionary` commands do: install, locate, list, verify, archive.
//!
//! One directory per build, `<name>-<version>-<first 12 hex digits of the fingerprint>`, written under a temporary name
//! and renamed into place. Nothing here runs a program or opens a socket.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::io::{self, Staging};
use crate::quarantine::escape;
use crate::segment::about::{self, About, Identity};
use crate::segment::archive;
use crate::segment::charset::Charset;
use crate::segment::compiled_reader::{self, CompiledFiles};
use crate::segment::contents::{Summary, hex};
use crate::segment::dictionary::{self, Dictionary};
use crate::segment::exact;
use crate::segment::lock::{self, Kind, Locked, PackageSource};
pub use crate::segment::scratch::Scratch;
use crate::segment::source::RawDictionary;
use crate::segment::source_reader::{self, SourceFile};
use crate::segment::user::{self, UserRows};
use crate::segment::verify;
use crate::segment::writer;

/// Environment variable that names the store.
pub const VARIABLE: &str = "SEIMAI_DICTIONARIES";
/// Largest file of a dictionary that is read into memory.
const MAX_FILE: u64 = 1 << 30;
/// Largest user dictionary.
const MAX_USER_FILE: u64 = 256 << 20;
/// Files of a compiled dictionary.
const COMPILED: [&str; 6] = ["sys.dic", "unk.dic", "matrix.bin", "char.bin", "dicrc", "version"];

/// The directories that are searched, in order: `$SEIMAI_DICTIONARIES` (alone, if set), the user's data directory, the system's.
pub fn search_path() -> Vec<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(dir) = set(VARIABLE) {
        return vec![dir];
    }
    let user = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")));
    let system = ["/usr/local/share", "/usr/share"].map(PathBuf::from);
    user.into_iter().chain(system).map(|dir| dir.join("seimai/dictionaries")).collect()
}

/// The directory that `fetch`, `build` and `import` install into.
///
/// # Errors
/// Refused if neither the variable nor a home directory is set.
pub fn store_dir() -> Result<PathBuf> {
    let first = search_path().into_iter().next().filter(|dir| !dir.starts_with("/usr"));
    first.ok_or_else(|| Error::refused_with_hint("there is no place for dictionaries", format!("set {VARIABLE} to a directory")))
}

/// A dictionary found in the store.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Listed {
    /// Its directory.
    pub path: PathBuf,
    /// Name; of the directory, if the dictionary is damaged.
    pub name: String,
    /// Version.
    pub version: String,
    /// Licence.
    pub licence: String,
    /// Number of entries.
    pub entries: u32,
    /// Fingerprint, hex.
    pub fingerprint: String,
    /// `ready`, or what is wrong.
    pub state: String,
}

/// All dictionaries of the searched directories, by directory and name. Headers and sizes are checked, hashes are not.
///
/// # Errors
/// I/O: a directory that is there cannot be listed.
pub fn list() -> Result<Vec<Listed>> {
    let mut all = Vec::new();
    for dir in search_path() {
        for path in children(&dir)? {
            all.push(describe(path));
        }
    }
    Ok(all)
}

fn describe(path: PathBuf) -> Listed {
    let state =
        Dictionary::open(&path).and_then(|dictionary| exact::check(&dictionary)).map_or_else(|e| e.to_string(), |()| "ready".into());
    if let Ok(About { identity, entries, fingerprint, .. }) = dictionary::read_about(&path) {
        return Listed { path, name: identity.name, version: identity.version, licence: identity.licence, entries, fingerprint, state };
    }
    let name = path.file_name().map(|name| escape(&name.to_string_lossy(), 100)).unwrap_or_default();
    Listed { path, name, version: String::new(), licence: String::new(), entries: 0, fingerprint: String::new(), state }
}

/// Directories in `dir` that have the name of a dictionary, sorted; none if `dir` is not there.
fn children(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(e) => return Err(Error::io(dir, "list", e)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Error::io(dir, "list", e))?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !hidden && entry.path().is_dir() {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// The directory of an installed dictionary of that name. If there are several, the one with the lock file's fingerprint, else
/// the last in name order.
///
/// # Errors
/// Refused with the commands that would bring it, if it is not installed.
pub fn locate(name: &str) -> Result<PathBuf> {
    locate_in(&search_path(), name)
}

/// [`locate`] in the given directories.
///
/// # Errors
/// See [`locate`].
pub fn locate_in(path: &[PathBuf], name: &str) -> Result<PathBuf> {
    let locked = lock::all()?.remove(name).map(|locked| locked.fingerprint);
    for dir in path {
        let mut found = None;
        let mut all = children(dir)?;
        // A directory that was given another name is found too, where none has the right one.
        let named = |child: &PathBuf| child.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&format!("{name}-")));
        all.sort_by_key(|child| !named(child));
        for child in all {
            if found.is_some() && !named(&child) {
                break;
            }
            let Some(about) = dictionary::read_about(&child).ok().filter(|about| about.identity.name == name) else { continue };
            if locked.as_ref() == Some(&about.fingerprint) {
                return Ok(child);
            }
            found = found.max(Some(child));
        }
        if let Some(found) = found {
            return Ok(found);
        }
    }
    let shown = escape(name, 60);
    let bring = if locked.is_some() {
        format!(
            "seimai dictionary fetch {name}\n      or, without network: seimai dictionary import PATH (a package file, an archive of a built dictionary, or a MeCab dictionary)"
        )
    } else {
        format!("seimai dictionary import PATH --name {shown}")
    };
    Err(Error::refused_with_hint(format!("the dictionary {shown} is not installed"), bring))
}

/// Opens what the plan or the command line names: an installed dictionary, the directory of a built one, or a MeCab dictionary
/// directory (source or compiled; built in a temporary directory for this process alone).
///
/// # Errors
/// Refused: not there, not a dictionary, malformed, damaged.
pub fn open(name_or_dir: &str) -> Result<Dictionary> {
    open_any(name_or_dir).map_err(refuse)
}

/// Damage in what was to be used is a reason not to begin.
pub(crate) fn refuse(error: Error) -> Error {
    match error {
        Error::Damaged { path, message } => Error::refused_with_hint(
            format!("{}: damaged: {message}", path.display()),
            "fetch, build or import the dictionary again; it replaces the damaged one",
        ),
        other => other,
    }
}

fn open_any(name_or_dir: &str) -> Result<Dictionary> {
    match place(name_or_dir)? {
        Place::Store(found) => Dictionary::open(&found),
        Place::Directory(dir) => open_dir(&dir),
    }
}

/// Where the dictionary is that was named.
#[derive(Debug)]
pub enum Place {
    /// Installed, in this directory.
    Store(PathBuf),
    /// Any directory.
    Directory(PathBuf),
}

/// What a name or directory means, for every command alike: a plain name is first an installed dictionary.
///
/// # Errors
/// See [`locate`].
pub fn place(name_or_dir: &str) -> Result<Place> {
    let plain = !name_or_dir.contains(['/', '\\']) && name_or_dir != "." && name_or_dir != "..";
    let dir = Path::new(name_or_dir);
    let located = if plain { Some(locate(name_or_dir)) } else { None };
    match located {
        Some(Ok(found)) => Ok(Place::Store(found)),
        Some(Err(missing)) if !dir.is_dir() => Err(missing),
        _ => Ok(Place::Directory(dir.to_path_buf())),
    }
}

/// [`open`], with user dictionaries ([`user`]): UTF-8 files of full rows in MeCab's format or of three columns. The result is
/// a dictionary of its own, with its own word ids and fingerprint, built in a temporary directory for this process alone.
/// What three-column rows became is in [`Dictionary::resolved_user_rows`].
///
/// # Errors
/// See [`open`]; refused with file, line and hint if a user dictionary is malformed.
pub fn open_with(name_or_dir: &str, user: &[String]) -> Result<Dictionary> {
    open_with_any(name_or_dir, user).map_err(refuse)
}

fn open_with_any(name_or_dir: &str, user: &[String]) -> Result<Dictionary> {
    let system = open_any(name_or_dir)?;
    if user.is_empty() {
        return Ok(system);
    }
    let mut raw = system.to_raw()?;
    // All are resolved before any is added: what a row becomes depends on the dictionary alone.
    let files = user.iter().map(|path| read_user(&raw, Path::new(path))).collect::<Result<Vec<_>>>()?;
    let mut resolved = Vec::new();
    for (path, rows) in user.iter().zip(files) {
        raw.add_user_rows(rows.entries).map_err(|e| Error::refused(format!("{}: {e}", escape(path, 200))))?;
        resolved.extend(rows.resolved);
    }
    let identity = Identity { name: format!("{}+user", system.about().identity.name), ..system.about().identity.clone() };
    Ok(open_temporarily(&raw, &raw.summary(), &identity)?.with_resolved(resolved))
}

fn read_user(raw: &RawDictionary, path: &Path) -> Result<UserRows> {
    let label = escape(&path.to_string_lossy(), 200);
    if !path.is_file() {
        return Err(Error::refused(format!("{label}: no such user dictionary")));
    }
    user::read(raw, &label, &io::read_limited(path, MAX_USER_FILE)?)
}

fn open_dir(dir: &Path) -> Result<Dictionary> {
    if dir.join(about::FILE).exists() {
        let dictionary = Dictionary::open(dir)?;
        // What stands in the store was verified when it was taken in.
        exact::check_tree(&dictionary)?;
        return Ok(dictionary);
    }
    let found = read_dir(dir, None)?;
    open_temporarily(&found.raw, &found.content, &found.identity)
}

fn open_temporarily(raw: &RawDictionary, content: &Summary, identity: &Identity) -> Result<Dictionary> {
    let temporary = Scratch::new(&std::env::temp_dir())?;
    write_into(temporary.path(), raw, content, identity, None)?;
    // The maps outlive the names of the files.
    Dictionary::open(temporary.path())
}

fn write_into(dir: &Path, raw: &RawDictionary, content: &Summary, identity: &Identity, licence: Option<&str>) -> Result<About> {
    let staging = Staging::new(dir)?;
    let extra: Vec<(&str, &[u8])> = licence.map(|text| (writer::LICENCE, text.as_bytes())).into_iter().collect();
    writer::write(raw, content, identity, &extra, &mut |name, content| staging.write(&dir.join(name), content))
}

/// Writes a dictionary into the store directory `store` and returns its directory.
///
/// # Errors
/// Refused if the name cannot be a file name; I/O. Whatever fails, nothing is left behind.
pub fn install(store: &Path, raw: &RawDictionary, identity: &Identity, licence: Option<&str>) -> Result<PathBuf> {
    install_summed(store, raw, &raw.summary(), identity, licence)
}

fn install_summed(store: &Path, raw: &RawDictionary, content: &Summary, identity: &Identity, licence: Option<&str>) -> Result<PathBuf> {
    check_name("name", &identity.name)?;
    check_name("version", &identity.version)?;
    io::create_dir(store)?;
    let temporary = Scratch::new(store)?;
    let about = write_into(temporary.path(), raw, content, identity, licence)?;
    settle(store, &temporary, &about)
}

/// Moves a written directory to its final name.
fn settle(store: &Path, temporary: &Scratch, about: &About) -> Result<PathBuf> {
    let target = store.join(format!("{}-{}-{}", about.identity.name, about.identity.version, about.short_fingerprint()));
    if target.exists() {
        // Damaged, or built by a version that wrote other files: replaced. Who has it mapped keeps what he has.
        if verify::check(&target).is_ok_and(|there| there.files == about.files) {
            return Ok(target);
        }
        let aside = Scratch::new(store)?;
        io::rename(&target, &aside.path().join("replaced"))?;
    }
    io::rename(temporary.path(), &target)?;
    Ok(target)
}

fn check_name(what: &str, name: &str) -> Result<()> {
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-');
    if name.is_empty() || name.len() > 64 || !name.chars().all(sound) || name.starts_with(['.', '-']) {
        let name = escape(name, 80);
        return Err(Error::refused(format!(
            "the {what} {name:?} of a dictionary may hold only ASCII letters, digits and . _ + - and not begin with . or -"
        )));
    }
    Ok(())
}

/// Builds a locked dictionary from a package file (already checked by [`check_package`]) or the tar within it.
///
/// # Errors
/// Refused: damaged archive, malformed dictionary, digests that differ from the lock file's.
pub fn build_locked(name: &str, locked: &Locked, source: &PackageSource, archive: &Path) -> Result<(RawDictionary, Summary)> {
    let file = fs::File::open(archive).map_err(|e| Error::io(archive, "open", e))?;
    let wanted: fn(&str) -> bool = match source.content.kind {
        Kind::Source => is_source_file,
        Kind::Compiled => |name| COMPILED.contains(&name),
    };
    let label = archive.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let files = archive::members(&label, std::io::BufReader::new(file), &source.content.root, &wanted)?;
    let mut raw = match source.content.kind {
        Kind::Source => {
            let charset = source.content.charset.as_deref().and_then(Charset::from_name);
            source_reader::read_with(&files, charset, &source.add)?
        }
        Kind::Compiled => with_rows(read_compiled(&files)?, &source.add)?,
    };
    locked.finish(source, &mut raw);
    let content = raw.summary();
    locked.check(name, &content)?;
    Ok((raw, content))
}

/// Identity of a locked dictionary.
pub fn locked_identity(name: &str, locked: &Locked, source: &PackageSource) -> Identity {
    let package = &source.package;
    Identity {
        name: name.into(),
        version: locked.version.clone(),
        licence: locked.licence.clone(),
        source: format!("{} package {} {}", package.client.name(), package.name, package.version),
    }
}

/// Builds and installs a locked dictionary.
///
/// # Errors
/// See [`build_locked`] and [`install`].
pub fn install_locked(store: &Path, name: &str, locked: &Locked, source: &PackageSource, archive: &Path) -> Result<PathBuf> {
    let (raw, content) = build_locked(name, locked, source, archive)?;
    install_summed(store, &raw, &content, &locked_identity(name, locked, source), lock::licence_text(&locked.licence_file))
}

/// Checks a package file against the lock file.
///
/// # Errors
/// Refused if size or sha256 differ.
pub fn check_package(source: &PackageSource, file: &Path) -> Result<()> {
    let bytes = fs::metadata(file).map_err(|e| Error::io(file, "read", e))?.len();
    let found = if bytes == source.package.bytes { sha256_file(file)? } else { format!("{bytes} bytes") };
    if found != source.package.sha256 {
        let package = &source.package;
        return Err(Error::refused(format!(
            "{}: not {} {} of the lock file ({found} instead of {} bytes, sha256 {})",
            file.display(),
            package.name,
            package.version,
            package.bytes,
            package.sha256
        )));
    }
    Ok(())
}

fn sha256_file(path: &Path) -> Result<String> {
    use sha2::Digest;
    use std::io::Read;
    let mut file = fs::File::open(path).map_err(|e| Error::io(path, "open", e))?;
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer).map_err(|e| Error::io(path, "read", e))? {
            0 => return Ok(hex(&hasher.finalize())),
            n => hasher.update(&buffer[..n]),
        }
    }
}

fn is_source_file(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| e == "csv") || ["matrix.def", "char.def", "unk.def", "dicrc", "version"].contains(&name)
}

fn with_rows(raw: RawDictionary, rows: &[String]) -> Result<RawDictionary> {
    if rows.is_empty() {
        return Ok(raw);
    }
    let mut entries = raw.entries;
    source_reader::lexicon("", "the added rows", &rows.join("\n"), &mut entries)?;
    RawDictionary::assemble(entries, raw.unknown, raw.chars, raw.matrix, raw.max_grouping)
}

fn read_compiled(files: &[SourceFile]) -> Result<RawDictionary> {
    let find = |name: &str| files.iter().find(|file| file.0 == name).map(|file| &file.1[..]);
    let required = |name: &str| find(name).ok_or_else(|| Error::refused(format!("{name} is missing")));
    compiled_reader::read(&CompiledFiles {
        sys: required("sys.dic")?,
        unk: required("unk.dic")?,
        matrix: required("matrix.bin")?,
        chars: required("char.bin")?,
        dicrc: find("dicrc").unwrap_or_default(),
    })
}

/// A dictionary read from a MeCab directory.
#[derive(Debug)]
pub struct MecabDictionary {
    /// Its content.
    pub raw: RawDictionary,
    /// Digests and fingerprint of the content.
    pub content: Summary,
    /// Name, version and licence: the lock file's where it knows the content.
    pub identity: Identity,
    /// The notices that travel with the data, where the lock file knows it.
    pub licence_text: Option<&'static str>,
}

/// Reads a MeCab dictionary directory, compiled or source. Order and labels stay as they are; a content that the lock file
/// knows gets its name, version and licence.
///
/// # Errors
/// Refused, naming the directory: no dictionary, or a malformed one.
pub fn read_dir(dir: &Path, name: Option<&str>) -> Result<MecabDictionary> {
    let compiled = dir.join("sys.dic").exists();
    if !compiled && dir.join("dict.trie").exists() {
        return Err(Error::refused_with_hint(
            format!("{}: built by lindera itself, whose builder trims and normalises words", dir.display()),
            "import the MeCab dictionary it was made from",
        ));
    }
    if !compiled && !dir.join("matrix.def").exists() {
        return Err(Error::refused_with_hint(
            format!("{}: no dictionary (neither {}, sys.dic nor matrix.def is there)", dir.display(), about::FILE),
            "name an installed dictionary (`seimai dictionary list`) or a directory with a MeCab dictionary",
        ));
    }
    let wanted: fn(&str) -> bool = if compiled { |name| COMPILED.contains(&name) } else { is_source_file };
    let files = files_of(dir, wanted)?;
    let raw = if compiled { read_compiled(&files) } else { source_reader::read(&files, None) };
    let raw = raw.map_err(|e| Error::refused(format!("{}: {e}", dir.display())))?;
    let version = files.iter().find(|file| file.0 == "version").and_then(|file| std::str::from_utf8(&file.1).ok()).map(str::trim);
    let content = raw.summary();
    let source = if compiled { "a compiled MeCab directory" } else { "a MeCab source directory" };
    if let Some((known, locked)) = lock::all()?.into_iter().find(|(_, locked)| locked.digests == content.digests) {
        let name = name.map_or(known, str::to_owned);
        let identity = Identity { name, version: locked.version, licence: locked.licence, source: source.into() };
        return Ok(MecabDictionary { raw, content, identity, licence_text: lock::licence_text(&locked.licence_file) });
    }
    let version = version.filter(|text| check_name("version", text).is_ok()).unwrap_or("imported");
    let name = name.map_or_else(|| name_of(dir), str::to_owned);
    let identity = Identity { name, version: version.into(), licence: String::new(), source: source.into() };
    Ok(MecabDictionary { raw, content, identity, licence_text: None })
}

/// A name for what a directory holds, from the directory's.
fn name_of(dir: &Path) -> String {
    let base = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain: String = base.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(40).collect();
    if plain.is_empty() { "imported".into() } else { plain }
}

/// Regular files of a directory by name, in name order.
fn files_of(dir: &Path, wanted: fn(&str) -> bool) -> Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(|e| Error::io(dir, "list", e))? {
        let entry = entry.map_err(|e| Error::io(dir, "list", e))?;
        if let Some(name) = entry.file_name().to_str().filter(|name| wanted(name))
            && entry.path().is_file()
        {
            files.push((name.to_owned(), io::read_limited(&entry.path(), MAX_FILE)?));
        }
    }
    files.sort();
    Ok(files)
}

/// Imports a directory (MeCab source or compiled, or built by this program) or a file (our archive, or a package of the
/// lock file that is a tar) into the store.
///
/// # Errors
/// Refused if it is none of these, malformed or damaged.
pub fn import(store: &Path, path: &Path, name: Option<&str>) -> Result<PathBuf> {
    import_any(store, path, name).map_err(refuse)
}

fn import_any(store: &Path, path: &Path, name: Option<&str>) -> Result<PathBuf> {
    if path.is_dir() {
        if path.join(about::FILE).exists() {
            keeps_its_name(path, name)?;
            verify::verify(path)?;
            let about = dictionary::read_about(path)?;
            let names: Vec<String> = about.files.into_keys().chain([about::FILE.to_owned()]).collect();
            let read = |name: &String| io::read_limited(&path.join(name), MAX_FILE).map(|bytes| (name.clone(), bytes));
            return adopt(store, &names.iter().map(read).collect::<Result<Vec<_>>>()?);
        }
        let found = read_dir(path, name)?;
        return install_summed(store, &found.raw, &found.content, &found.identity, found.licence_text);
    }
    if !path.is_file() {
        return Err(Error::refused(format!("{}: no such file or directory", escape(&path.to_string_lossy(), 200))));
    }
    if let Some((locked_name, locked, source)) = find_package(path)? {
        return install_locked(store, name.unwrap_or(&locked_name), &locked, &source, path);
    }
    keeps_its_name(path, name)?;
    let file = fs::File::open(path).map_err(|e| Error::io(path, "open", e))?;
    let label = escape(&path.to_string_lossy(), 200);
    let files = archive::members(&label, std::io::BufReader::new(file), "", &is_built_file)?;
    if !files.iter().any(|file| file.0 == about::FILE) {
        return Err(Error::refused(format!("{label}: neither an archive of a built dictionary nor a package of the lock file")));
    }
    adopt(store, &files)
}

/// A built dictionary's name is under its seal.
fn keeps_its_name(path: &Path, name: Option<&str>) -> Result<()> {
    if name.is_none() {
        return Ok(());
    }
    let path = escape(&path.to_string_lossy(), 200);
    Err(Error::refused_with_hint(
        format!("{path}: a built dictionary keeps its name"),
        "leave --name out, or build it again from its source",
    ))
}

fn is_built_file(name: &str) -> bool {
    writer::is_known(name) || name == about::FILE
}

/// The package of the lock file that `path` is, by size and sha256.
///
/// # Errors
/// I/O.
pub fn find_package(path: &Path) -> Result<Option<(String, Locked, PackageSource)>> {
    for (name, locked) in lock::all()? {
        for source in locked.source.clone() {
            if check_package(&source, path).is_ok() {
                return Ok(Some((name, locked, source)));
            }
        }
    }
    Ok(None)
}

/// Installs the files of a built dictionary after verifying them.
fn adopt(store: &Path, files: &[SourceFile]) -> Result<PathBuf> {
    io::create_dir(store)?;
    let temporary = Scratch::new(store)?;
    let staging = Staging::new(temporary.path())?;
    for (name, bytes) in files {
        staging.write(&temporary.path().join(name), bytes)?;
    }
    let about = verify::verify(temporary.path())?;
    check_name("name", &about.identity.name)?;
    check_name("version", &about.identity.version)?;
    settle(store, &temporary, &about)
}

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
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut file = Staging::new(parent)?.create(&format!(".seimai-archive-{}", std::process::id()))?;
    archive::write(&root, &files, &mut file).map_err(|e| file.failed(e))?;
    file.commit(out).map(|_| ())
}
