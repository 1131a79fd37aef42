//! Patterns, directories and files of the plan → the ordered list of input files.
//!
//! Paths are judged before anything is written: what a user names must be there and be readable as data; links that lead out of an
//! input directory, pipes, devices and sockets are refused. What is damaged *inside* a directory stays in the list, so that it is
//! counted and quarantined when its turn comes.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::{self, FileType};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use rustc_hash::{FxHashMap, FxHashSet};

use super::aozora::{self, Revision};
use super::archive::{self, Listed, Listing, Part, Place};
use super::charset;
use super::compression::Stop;
use super::formats::{self, Detected};
use super::input_file::InputFile;
use super::io_error::io_reason;
use super::lost;
use super::options::{Notation, Options};
use super::source::{STDIN, open_input, open_stream};
use crate::error::{Error, Result, is_of_the_machine};
use crate::io::{Input, Stat, find_object, is_object, list_objects, stat};

/// Lists the input files: patterns in the order given, the files of each sorted bytewise by path.
///
/// Relative patterns start at `base`. A name is the path relative to `base` where it lies below, else relative to the literal
/// directory before the pattern; never absolute. Objects of a store are named as files are that lie beside `base`: where they came from does not
/// show, so that a corpus gives the same outputs from a disk and from a store. Files whose name starts with a dot are skipped unless they are named; a file
/// that several patterns (or links) lead to is listed once, hard links are files of their own.
///
/// # Errors
/// `Refused` for a path that is missing, a pattern that matches nothing, a link out of its input directory, something that is no
/// regular file, and a file named directly that cannot be opened or is no input format.
pub fn expand(options: &Options, base: &Path) -> Result<Vec<InputFile>> {
    expand_paths(&options.paths, options, base)
}

/// Like [`expand`] for paths of a command line, which need not be UTF-8; `options.paths` is not looked at.
///
/// # Errors
/// As [`expand`].
pub fn expand_paths<P: AsRef<OsStr>>(paths: &[P], options: &Options, base: &Path) -> Result<Vec<InputFile>> {
    let mut list = List {
        options,
        base,
        files: Vec::new(),
        seen: FxHashSet::default(),
        names: FxHashSet::default(),
        last_number: FxHashMap::default(),
    };
    for path in paths {
        list.add_pattern(path.as_ref())?;
    }
    pass_over_revisions(&mut list.files, options)?;
    Ok(list.files)
}

/// Of several revisions of a work of Aozora Bunko one is read: one with readings before one without, then the latest. The others stay in the list,
/// are passed over and counted. Names alone say nothing: what is called so must be in that notation.
fn pass_over_revisions(files: &mut [InputFile], options: &Options) -> Result<()> {
    if options.notation == Notation::None {
        return Ok(());
    }
    let mut works: BTreeMap<u64, Vec<(Revision, usize, String)>> = BTreeMap::new();
    for (at, file) in files.iter().enumerate() {
        if let Some((work, revision, container)) = aozora::revision(&file.name) {
            works.entry(work).or_default().push((revision, at, container.to_owned()));
        }
    }
    for mut found in works.into_values().filter(|found| found.len() > 1) {
        // The first of those that are as good; members of an archive that is called so belong together.
        found.sort_by_key(|(revision, at, _)| (std::cmp::Reverse(*revision), *at));
        let mut of_them = Vec::new();
        for (_, at, container) in found {
            if is_work(&files[at], options)? {
                of_them.push((at, container));
            }
        }
        let Some(((best, best_container), others)) = of_them.split_first() else { continue };
        let name = files[*best].name.clone();
        for (other, container) in others {
            let file = &mut files[*other];
            if container != best_container {
                file.part = Some(Part { archive: file.size_on_disk(), place: Place::Revision { of: name.clone() } });
            }
        }
    }
    Ok(())
}

/// Is a file in the notation of Aozora Bunko? What cannot be read is not.
fn is_work(file: &InputFile, options: &Options) -> Result<bool> {
    let mut bytes = Vec::new();
    let Ok(opened) = open_input(file) else { return Ok(false) };
    match opened.take(options.record_max + 1).read_to_end(&mut bytes) {
        Err(error) if is_of_the_machine(&error) => Err(Error::io(&file.path, "read", error)),
        Err(_) => Ok(false),
        Ok(_) => Ok(charset::decode(&bytes, None).is_ok_and(|decoded| aozora::is_work(&decoded.text))),
    }
}

struct List<'a> {
    options: &'a Options,
    base: &'a Path,
    files: Vec<InputFile>,
    seen: FxHashSet<PathBuf>,
    names: FxHashSet<String>,
    last_number: FxHashMap<String, u64>,
}

/// Bytes of a plan: more is none.
const PLAN_BYTES: u64 = 1 << 20;

/// A directory being listed: its root for links and names, and the pattern that files must match.
struct Walk<'a> {
    root: &'a Path,
    real_root: PathBuf,
    glob: Option<GlobMatcher>,
    hidden: bool,
    found: Vec<PathBuf>,
}

impl List<'_> {
    /// What is there under this very name is meant; only what is not may be a pattern.
    fn add_pattern(&mut self, pattern: &OsStr) -> Result<()> {
        if pattern.is_empty() {
            return Err(Error::refused("an empty path names no input; `.` is the directory"));
        }
        if pattern == STDIN {
            self.push(PathBuf::from(STDIN), "stdin", None, None);
            return Ok(());
        }
        if is_object(Path::new(pattern)) {
            return self.add_objects(Path::new(pattern));
        }
        let path = self.base.join(pattern);
        match fs::metadata(&path) {
            Ok(meta) if meta.is_dir() => self.add_directory(&path, None),
            Ok(meta) => {
                check_regular(&path, meta.file_type())?;
                self.add_named(&path)
            }
            Err(error) if error.kind() == ErrorKind::NotFound && is_pattern(pattern) => self.add_directory(&path, Some(pattern)),
            Err(error) => Err(unreadable(&path, error)),
        }
    }

    /// A file the user names: everything about it can be judged now.
    fn add_named(&mut self, path: &Path) -> Result<()> {
        let root = path.parent().unwrap_or(self.base).to_path_buf();
        if let Some(listing) = list_archive(path)? {
            if let Some(name) = listing.is_really {
                return Err(refused(path, &format!("{name} is no input format (unsupported_container)")));
            }
            return self.add_file(path, &root, Some(listing));
        }
        let mut stream = open_stream(path).map_err(|e| unreadable(path, e))?;
        if is_plan(path) {
            let shown = escape_name(path.strip_prefix(".").unwrap_or(path).as_os_str());
            let hint = format!("a plan is run: seimai run {shown}; as data one names what its input.paths name");
            return Err(Error::refused_with_hint(format!("{shown}: this is a plan, not data"), hint));
        }
        let mut head = Vec::new();
        // Damage this early is found again, and quarantined, when the file is read.
        while head.len() < formats::HEAD {
            match stream.read(&mut head) {
                Ok(true) => {}
                Err(Stop::Io(error)) if is_of_the_machine(&error) => return Err(Error::io(path, "read", error)),
                Ok(false) | Err(_) => break,
            }
        }
        match formats::detect(path, &head) {
            Detected::Unsupported(name) => return Err(refused(path, &format!("{name} is no input format (unsupported_container)"))),
            Detected::Format(format) if stream.kind().is_some() && !format.is_streamed() => {
                let message = format!("{} in a compressed file is no input format (unsupported_container)", format.name());
                return Err(refused(path, &message));
            }
            Detected::Format(_) => {}
        }
        self.add_file(path, &root, None)
    }

    fn add_directory(&mut self, path: &Path, pattern: Option<&OsStr>) -> Result<()> {
        let root = if pattern.is_some() { literal_prefix(path) } else { path.to_path_buf() };
        let real_root = fs::canonicalize(&root).map_err(|e| unreadable(path, e))?;
        let glob = pattern.map(|_| matcher(path, &root)).transpose()?;
        let hidden = pattern.is_some_and(asks_for_hidden);
        let mut walk = Walk { root: &root, real_root, glob, hidden, found: Vec::new() };
        let all = walk.glob.is_none();
        walk.directory(&root, all, self.options.follow_links)?;
        let mut found = walk.found;
        found.sort_unstable_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
        if found.is_empty() {
            let message = if pattern.is_some() {
                "no file has this name, and as a pattern it matches no file"
            } else {
                "the directory holds no file"
            };
            let remedy = pattern.and_then(|_| lost::remedy_for_pattern(path, &root));
            return Err(refused_with(path, message, remedy));
        }
        found.iter().try_for_each(|file| {
            let listing = list_archive(file)?;
            self.add_file(file, &root, listing)
        })
    }

    /// Adds what lies below a place, or the object of this name where nothing does; of a pattern, the object that is called so, or what it matches.
    fn add_objects(&mut self, name: &Path) -> Result<()> {
        let pattern = name.as_os_str();
        let is_pattern = is_pattern(pattern);
        if is_pattern && find_object(name)? {
            return self.add_named(name);
        }
        let root = if is_pattern { literal_place(name) } else { name.to_path_buf() };
        let glob = is_pattern.then(|| matcher(name, &root)).transpose()?;
        let hidden = is_pattern && asks_for_hidden(pattern);
        let matches = |path: &&PathBuf| {
            let below = path.strip_prefix(&root).unwrap_or(path);
            let is_hidden = below.components().any(|part| part.as_os_str().as_bytes().starts_with(b"."));
            // What lies below something that matches is meant too, as with directories.
            let is_meant = |glob: &GlobMatcher| path.ancestors().take_while(|above| *above != root).any(|above| glob.is_match(above));
            (hidden || !is_hidden) && glob.as_ref().is_none_or(is_meant)
        };
        let listed = list_objects(&root)?;
        let found: Vec<&PathBuf> = listed.iter().filter(matches).collect();
        // Asked last: stores that keep objects as files fail where an object is asked for by the name of a directory.
        if found.is_empty() && !is_pattern && find_object(name)? {
            return self.add_named(name);
        }
        if found.is_empty() {
            let message = if is_pattern { "no object has this name, and as a pattern it matches none" } else { "no object lies there" };
            return Err(refused(name, message));
        }
        found.into_iter().try_for_each(|object| {
            let listing = list_archive(object)?;
            self.add_file(object, &root, listing)
        })
    }

    /// Adds a file, or what is in it.
    fn add_file(&mut self, path: &Path, root: &Path, listing: Option<Listing>) -> Result<()> {
        let real = if is_object(path) { None } else { of_the_file(path, fs::canonicalize(path))? };
        let real = real.unwrap_or_else(|| path.to_path_buf());
        if !self.seen.insert(real) {
            return Ok(());
        }
        let (file, base, root) = (tidy(path)?, tidy(self.base)?, tidy(root)?);
        let relative = file.strip_prefix(&base).or_else(|_| file.strip_prefix(&root)).unwrap_or(&file);
        let name = escape_name(relative.as_os_str());
        let meta = of_the_file(path, stat(path))?;
        match listing {
            None => self.push(path.to_path_buf(), &name, meta.as_ref(), None),
            Some(Listing { is_really: Some(format), .. }) => {
                let detail = format!("{format} is no input format");
                let place = Place::Fault { reason: "unsupported_container".to_owned(), detail };
                let bytes = meta.as_ref().map_or(0, |meta| meta.bytes);
                self.push(path.to_path_buf(), &name, meta.as_ref(), Some(Listed { name: None, bytes, place }));
            }
            Some(listing) => {
                listing.members.into_iter().for_each(|member| self.push(path.to_path_buf(), &name, meta.as_ref(), Some(member)));
            }
        }
        Ok(())
    }

    /// Adds an input that is called so: the file, or a part of it. Of several with one name, the others get a number.
    fn push(&mut self, path: PathBuf, file: &str, meta: Option<&Stat>, part: Option<Listed>) {
        let member = part.as_ref().and_then(|part| part.name.as_deref()).map(|name| escape_name(OsStr::from_bytes(name)));
        let name = member.map_or_else(|| file.to_owned(), |member| format!("{file}/{member}"));
        // What a member is can be told by its extension only: there the number stands before it.
        let stem = if part.is_some() { name.len() - extensions(&name).len() } else { name.len() };
        let mut unique = name.clone();
        while !self.names.insert(unique.clone()) {
            // Going on from the last number: from 2 each time it would be a square of the files that share a name.
            let n = self.last_number.entry(name.clone()).or_insert(1);
            *n += 1;
            let (stem, extensions) = name.split_at(stem);
            unique = format!("{stem}~{n}{extensions}");
        }
        let archive = meta.map_or(0, |meta| meta.bytes);
        let bytes = part.as_ref().map_or(archive, |part| part.bytes);
        let part = part.map(|part| Part { archive, place: part.place });
        let mtime_ns = meta.map_or(0, |meta| meta.changed);
        self.files.push(InputFile { path, name: unique, bytes, mtime_ns, part });
    }
}

impl Walk<'_> {
    /// Lists `dir`; `all` = a directory above matches, so everything below is meant.
    fn directory(&mut self, dir: &Path, all: bool, follow_links: bool) -> Result<()> {
        let Some(entries) = of_the_file(dir, self.entries(dir))? else {
            // Not silently: it is listed like a file, and its turn ends in quarantine.
            self.found.push(dir.to_path_buf());
            return Ok(());
        };
        for (path, kind) in entries {
            let matches = all || self.glob.as_ref().is_some_and(|glob| glob.is_match(&path));
            if kind.is_dir() {
                self.directory(&path, matches, follow_links)?;
            } else if matches && (!kind.is_symlink() || self.link(&path, follow_links)?) {
                if !kind.is_symlink() {
                    check_regular(&path, kind)?;
                }
                self.found.push(path);
            }
        }
        Ok(())
    }

    /// What a directory holds, read to its end: a descriptor that stayed open a level would end at the limit of a deep tree.
    fn entries(&self, dir: &Path) -> std::io::Result<Vec<(PathBuf, FileType)>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if self.hidden || !entry.file_name().as_bytes().starts_with(b".") {
                entries.push((entry.path(), entry.file_type()?));
            }
        }
        Ok(entries)
    }

    /// Is the link a file to read? Dangling ones are: they must not vanish. Links to directories inside are not followed: what they lead to is read anyway.
    fn link(&self, path: &Path, follow_links: bool) -> Result<bool> {
        let (Some(target), Some(meta)) = (of_the_file(path, fs::canonicalize(path))?, of_the_file(path, fs::metadata(path))?) else {
            return Ok(true);
        };
        if !follow_links && !target.starts_with(&self.real_root) {
            let message = format!("is a link out of the input directory {} (symlink_escape)", escape_name(self.root.as_os_str()));
            return Err(Error::refused_with_hint(
                format!("{} {message}", escape_name(path.as_os_str())),
                "set input.follow_links = true to allow such links",
            ));
        }
        if meta.is_dir() {
            return Ok(false);
        }
        check_regular(path, meta.file_type())?;
        Ok(true)
    }
}

/// The members of a file, if it is an archive that can be opened. What is wrong with the file itself is told when its turn comes.
fn list_archive(path: &Path) -> Result<Option<Listing>> {
    Ok(of_the_file(path, Input::open(path).and_then(archive::list))?.flatten())
}

/// Everything from the first dot of the last part of a name on.
fn extensions(name: &str) -> &str {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.char_indices().skip(1).find(|(_, c)| *c == '.').and_then(|(dot, _)| last.get(dot..)).unwrap_or_default()
}

/// Is it a plan? One that is given where data belongs would be read as text.
fn is_plan(path: &Path) -> bool {
    let mut text = String::new();
    let is_read = path.extension().is_some_and(|extension| extension == "toml")
        && fs::File::open(path).is_ok_and(|file| file.take(PLAN_BYTES).read_to_string(&mut text).is_ok());
    let table = if is_read { text.parse::<toml::Table>().ok() } else { None };
    table.is_some_and(|table| table.get("input").and_then(|input| input.get("paths")).is_some())
}

fn refused(path: &Path, message: &str) -> Error {
    Error::refused(format!("{}: {message}", escape_name(path.as_os_str())))
}

/// The same with what to do about it, if that can be told.
fn refused_with(path: &Path, message: &str, remedy: Option<String>) -> Error {
    let message = format!("{}: {message}", escape_name(path.as_os_str()));
    remedy.map_or_else(|| Error::refused(message.clone()), |remedy| Error::refused_with_hint(message.clone(), remedy))
}

/// The error for an input that is named and cannot be read: the request's, unless the machine failed.
fn unreadable(path: &Path, error: std::io::Error) -> Error {
    if is_of_the_machine(&error) {
        return Error::io(path, "read", error);
    }
    let leads_nowhere = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
    let remedy = if leads_nowhere { lost::remedy(path) } else { None };
    refused_with(path, &format!("cannot be read: {error} ({})", io_reason(&error)), remedy)
}

/// `None` for what is wrong with the file itself; a failing machine is an error.
fn of_the_file<T>(path: &Path, result: std::io::Result<T>) -> Result<Option<T>> {
    match result {
        Err(error) if is_of_the_machine(&error) => Err(Error::io(path, "inspect", error)),
        other => Ok(other.ok()),
    }
}

fn check_regular(path: &Path, kind: FileType) -> Result<()> {
    let what = match kind {
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_file() => return Ok(()),
        _ => "a device",
    };
    Err(refused(path, &format!("is {what}, not a regular file (not_regular)")))
}

fn is_meta(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[' | b'{')
}

fn is_pattern(text: &OsStr) -> bool {
    text.as_bytes().iter().copied().any(is_meta)
}

/// The directories before the first component that is a wildcard: that holds one and is not there under this very name.
fn literal_prefix(path: &Path) -> PathBuf {
    let mut prefix = PathBuf::new();
    for part in path.components() {
        prefix.push(part);
        if is_pattern(part.as_os_str()) && !prefix.is_dir() {
            prefix.pop();
            break;
        }
    }
    if prefix.as_os_str().is_empty() { PathBuf::from(".") } else { prefix }
}

/// The same of objects: the bucket, and what stands before the first part that is a wildcard.
pub fn literal_place(name: &Path) -> PathBuf {
    let parts = name.as_os_str().as_bytes().split(|byte| *byte == b'/').enumerate();
    let literal = parts.take_while(|(n, part)| *n < 3 || !part.iter().copied().any(is_meta));
    let place = literal.map(|(_, part)| part).collect::<Vec<_>>().join(&b'/');
    PathBuf::from(OsStr::from_bytes(&place))
}

/// The pattern over whole paths; the part before it is literal whatever it contains.
fn matcher(path: &Path, prefix: &Path) -> Result<GlobMatcher> {
    let rest = path.strip_prefix(prefix).unwrap_or(path);
    let pattern = format!("{}/{}", globset::escape(&prefix.to_string_lossy()), rest.to_string_lossy());
    let glob = GlobBuilder::new(&pattern).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|e| {
        let message = format!("{}: no file has this name, and it is no valid pattern: {}", escape_name(path.as_os_str()), e.kind());
        Error::refused_with_hint(message, "in a pattern, [[] stands for [ and [{] for {")
    })
}

/// Does a pattern name something that begins with a dot?
fn asks_for_hidden(pattern: &OsStr) -> bool {
    let pattern = pattern.as_bytes();
    pattern.starts_with(b".") || pattern.windows(2).any(|pair| pair == b"/.")
}

/// Absolute, and `..` taken back as it is written (for names only: links are not resolved).
fn tidy(path: &Path) -> Result<PathBuf> {
    if is_object(path) {
        return Ok(path.to_path_buf());
    }
    let absolute = std::path::absolute(path).map_err(|e| Error::io(path, "resolve", e))?;
    let mut tidy = PathBuf::new();
    for part in absolute.components() {
        match part {
            Component::ParentDir => {
                tidy.pop();
            }
            part => tidy.push(part),
        }
    }
    Ok(tidy)
}

/// A path as text: control and invisible characters, the backslash and bytes that are not UTF-8 become `\xNN`; [`unescape_name`] takes it back.
pub fn escape_name(path: &OsStr) -> String {
    let mut name = String::new();
    for chunk in path.as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            let mut utf8 = [0; 4];
            if c == '\\' || c.is_control() || is_invisible(c) {
                escape_bytes(&mut name, c.encode_utf8(&mut utf8).as_bytes());
            } else {
                name.push(c);
            }
        }
        escape_bytes(&mut name, chunk.invalid());
    }
    name
}

fn escape_bytes(name: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(name, "\\x{byte:02x}");
    }
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// The path behind a name; `None` where no [`escape_name`] made it.
pub fn unescape_name(name: &str) -> Option<OsString> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut parts = name.split('\\');
    bytes.extend_from_slice(parts.next()?.as_bytes());
    for part in parts {
        let (digits, rest) = part.strip_prefix('x')?.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(OsStr::from_bytes(&bytes).to_os_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::fs::symlink;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            #[expect(clippy::disallowed_methods, reason = "a test's own input")]
            fs::write(path, b"{\"text\":\"a\"}\n").unwrap();
        }
        dir
    }

    fn names(base: &Path, paths: &[&str]) -> Result<Vec<String>> {
        let options = Options { paths: paths.iter().map(|path| (*path).to_owned()).collect(), ..Options::default() };
        Ok(expand(&options, base)?.into_iter().map(|file| file.name).collect())
    }

    fn refusal(base: &Path, paths: &[&str]) -> String {
        let error = names(base, paths).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    }

    #[test]
    fn directories_patterns_and_files() {
        let dir = tree(&["b/z.jsonl", "b/a/x.txt", "b/.hidden/x.jsonl", "a.jsonl", "b.jsonl", "c[1].jsonl", ".dot.jsonl"]);
        let base = dir.path();
        assert_eq!(names(base, &["."]).unwrap(), ["a.jsonl", "b.jsonl", "b/a/x.txt", "b/z.jsonl", "c[1].jsonl"]);
        assert_eq!(names(base, &["*.jsonl"]).unwrap(), ["a.jsonl", "b.jsonl", "c[1].jsonl"]);
        assert_eq!(names(base, &["**/*.{jsonl,txt}", "a.jsonl"]).unwrap(), ["a.jsonl", "b.jsonl", "b/a/x.txt", "b/z.jsonl", "c[1].jsonl"]);
        assert_eq!(names(base, &["b/*"]).unwrap(), ["b/a/x.txt", "b/z.jsonl"], "a directory that matches is meant with all in it");
        assert_eq!(names(base, &["c[1].jsonl"]).unwrap(), ["c[1].jsonl"], "what is there is no pattern");
        assert_eq!(names(base, &[".dot.jsonl", "-"]).unwrap(), [".dot.jsonl", "stdin"]);
        assert_eq!(names(base, &["b/a/../z.jsonl"]).unwrap(), ["b/z.jsonl"]);
    }

    #[test]
    fn what_is_there_is_taken_literally() {
        let dir = tree(&["[x]/{a}/y[.jsonl", "[x]/{a}/z.jsonl", "x/a/no.jsonl"]);
        let base = dir.path().join("[x]");
        assert_eq!(names(&base, &["{a}/y[.jsonl"]).unwrap(), ["{a}/y[.jsonl"]);
        assert_eq!(names(&base, &["{a}/*.jsonl"]).unwrap(), ["{a}/y[.jsonl", "{a}/z.jsonl"]);
        assert_eq!(names(&base, &["{a}/y[[].jsonl"]).unwrap(), ["{a}/y[.jsonl"]);
        let said = refusal(&base, &["{a}/x[.jsonl"]);
        assert!(said.contains("no file has this name") && said.contains("no valid pattern"), "{said}");
        assert!(refusal(&base, &[""]).contains("empty"));
    }

    #[test]
    fn names_of_a_command_line_need_not_be_utf8() {
        let dir = tree(&["a.jsonl"]);
        let odd = OsStr::from_bytes(b"\xff\xe9.jsonl");
        fs::rename(dir.path().join("a.jsonl"), dir.path().join(odd)).unwrap();
        let found = expand_paths(&[odd], &Options::default(), dir.path()).unwrap();
        assert_eq!(found[0].name, "\\xff\\xe9.jsonl");
    }

    #[test]
    fn names_are_never_absolute_and_unique() {
        let dir = tree(&["in/x.jsonl", "other/x.jsonl", "run/plan.toml"]);
        let base = dir.path().join("run");
        assert_eq!(names(&base, &["../in", "../other/*.jsonl"]).unwrap(), ["x.jsonl", "x.jsonl~2"]);
        let absolute = dir.path().join("in/x.jsonl");
        assert_eq!(names(&base, &[absolute.to_str().unwrap()]).unwrap(), ["x.jsonl"]);
        assert_eq!(names(dir.path(), &[absolute.to_str().unwrap()]).unwrap(), ["in/x.jsonl"]);
    }

    #[test]
    fn many_files_of_one_name_take_linear_time() {
        let (options, base) = (Options::default(), Path::new("."));
        let (files, seen, names, last_number) = (Vec::new(), FxHashSet::default(), FxHashSet::default(), FxHashMap::default());
        let mut list = List { options: &options, base, files, seen, names, last_number };
        for name in ["x", "x~3", "x", "x"] {
            list.push(PathBuf::new(), name, None, None);
        }
        assert_eq!(list.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["x", "x~3", "x~2", "x~4"]);
        for _ in 0..100_000 {
            list.push(PathBuf::new(), "x", None, None);
        }
        assert_eq!(list.files.last().unwrap().name, "x~100004");
    }

    #[test]
    fn what_leads_nowhere_is_told_with_what_was_meant() {
        let dir = tree(&["in/essays.jsonl", "in/laws.jsonl.zst", "in/old/x.txt", "other/a.txt", "a.jsonl"]);
        let hint = |path: &str| {
            let error = names(dir.path(), &[path]).unwrap_err();
            error.hint().unwrap_or_default().replace(&format!("{}/", dir.path().display()), "")
        };
        for (path, remedy) in [
            ("in/esays.jsonl", "the nearest name is in/essays.jsonl"),
            ("in/laws.jsonl", "the nearest name is in/laws.jsonl.zst"),
            ("in/essays.jsonl.gz", "the nearest name is in/essays.jsonl"),
            ("inn/essays.jsonl", "there is no inn; the nearest name is in"),
            ("in/olt/deep/x.txt", "there is no in/olt; the nearest name is in/old"),
            ("in/minutes.jsonl", "in holds essays.jsonl, laws.jsonl.zst, old"),
            ("a.jsonl/b", "a.jsonl is a file, and nothing lies below it"),
            ("in/*.parquet", "in/*.jsonl matches 1 file"),
            ("in/*.jsonl.gz", "in/*.jsonl matches 1 file"),
            ("other/*.jsonl", "other/*.txt matches 1 file"),
            ("othre/*.jsonl", "there is no othre; the nearest name is other"),
            ("in/q*.jsonl", "in holds essays.jsonl, laws.jsonl.zst, old"),
        ] {
            assert_eq!(hint(path), remedy, "{path}");
        }
    }

    #[test]
    fn what_is_refused() {
        let dir = tree(&["in/x.jsonl", "out/secret.jsonl"]);
        let base = dir.path();
        assert!(refusal(base, &["missing.jsonl"]).contains("missing.jsonl"));
        assert!(refusal(base, &["in/*.parquet"]).contains("matches no file"));
        assert!(refusal(base, &["in/[.jsonl"]).contains("valid pattern"));
        symlink("../out/secret.jsonl", base.join("in/link.jsonl")).unwrap();
        assert!(refusal(base, &["in"]).contains("symlink_escape"));
        assert!(refusal(base, &["in/**/*.jsonl"]).contains("symlink_escape"));
        symlink("../out", base.join("in/dir")).unwrap();
        fs::remove_file(base.join("in/link.jsonl")).unwrap();
        assert!(refusal(base, &["in"]).contains("symlink_escape"));
        let linked = Options { follow_links: true, paths: vec!["in".to_owned()], ..Options::default() };
        assert_eq!(expand(&linked, base).unwrap().len(), 1);
        symlink("../out/secret.jsonl", base.join("in/link.jsonl")).unwrap();
        assert_eq!(expand(&linked, base).unwrap().len(), 2);
        assert_eq!(names(base, &["in/link.jsonl"]).unwrap(), ["in/link.jsonl"], "a link that is named is meant");
        let _socket = std::os::unix::net::UnixListener::bind(base.join("out/s")).unwrap();
        assert!(refusal(base, &["out"]).contains("not_regular"));
        assert!(refusal(base, &["/dev/null"]).contains("not_regular"));
    }

    #[test]
    fn links_inside() {
        let dir = tree(&["in/x.jsonl"]);
        let base = dir.path();
        symlink(".", base.join("in/loop")).unwrap();
        symlink("x.jsonl", base.join("in/again.jsonl")).unwrap();
        symlink("gone.jsonl", base.join("in/dangling.jsonl")).unwrap();
        fs::hard_link(base.join("in/x.jsonl"), base.join("in/y.jsonl")).unwrap();
        assert_eq!(names(base, &["in"]).unwrap(), ["in/again.jsonl", "in/dangling.jsonl", "in/y.jsonl"]);
    }

    #[test]
    fn a_failing_machine_is_no_property_of_a_file() {
        let no_descriptors = std::io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error());
        let lost = of_the_file(Path::new("x"), Err::<(), _>(no_descriptors));
        assert_eq!(lost.unwrap_err().exit_code(), 4);
    }

    proptest! {
        #[test]
        fn names_are_reversible(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\\'), Just(b'x')], 0..20), text in any::<String>()) {
            for path in [OsStr::from_bytes(&bytes), OsStr::new(&text)] {
                let name = escape_name(path);
                prop_assert!(!name.chars().any(char::is_control));
                prop_assert_eq!(unescape_name(&name).unwrap(), path);
            }
        }
    }
}
