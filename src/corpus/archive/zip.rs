//! zip: a directory at the end says where members are.
//!
//! Read here and not by a library: members of one name stay apart, names keep their bytes, entries that share bytes are refused, and every member
//! that is not read is told with its reason. The crate `zip` keeps one member of each name, `rc-zip` refuses an archive for one bad name.

use std::io::{BufReader, Read};

use super::listing::{Builder, Listing};
use super::names::RawName;
use super::part::{Method, Place};
use super::section::Section;
use crate::corpus::compression::Damage;
use crate::io::Input;

/// First bytes of a file, and of one without members.
const LOCAL: &[u8] = b"PK\x03\x04";
const END: &[u8] = b"PK\x05\x06";
/// First bytes of the directory's entries, and of what tells where a large one is.
const CENTRAL: &[u8] = b"PK\x01\x02";
const LOCATOR_64: &[u8] = b"PK\x06\x07";
const END_64: &[u8] = b"PK\x06\x06";
/// Their sizes, without what is of any length.
const LOCAL_BYTES: usize = 30;
const CENTRAL_BYTES: usize = 46;
const END_BYTES: usize = 22;
const LOCATOR_64_BYTES: usize = 20;
const END_64_BYTES: usize = 56;
/// Extra fields: large sizes, the name in UTF-8.
const EXTRA_64: u16 = 1;
const EXTRA_NAME: u16 = 0x7075;

/// Is a file that begins so a zip?
pub(super) fn is_zip(head: &[u8]) -> bool {
    head.starts_with(LOCAL) || head.starts_with(END)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Bytes of the file; fewer where it ends.
fn read_at(file: &Input, at: u64, length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut bytes[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Where the directory is.
struct Directory {
    at: u64,
    bytes: u64,
    entries: u64,
}

/// An entry of the directory.
struct Entry {
    flags: u16,
    method: u16,
    crc: u32,
    bytes: u64,
    size: u64,
    at: u64,
    host: u8,
    attributes: u32,
    name: Vec<u8>,
    is_utf8: bool,
}

/// The members of a zip, or of a `book`, which is one, too.
///
/// # Errors
/// It cannot be read.
pub(super) fn list(file: &Input, length: u64, book: bool) -> std::io::Result<Listing> {
    let mut builder = Builder::new("zip");
    let Some(directory) = directory(file, length)? else {
        builder.fail("eof", "the directory at the end of the zip is not there: the file is cut or damaged");
        return Ok(builder.finish());
    };
    let section = Section::new(file.clone(), directory.at, directory.bytes, Damage::new("zip_eof", "the zip is cut"));
    let mut entries = BufReader::with_capacity(1 << 16, section);
    let (mut taken, mut read, mut found) = (Vec::new(), 0, 0);
    while read < directory.bytes {
        let Some((entry, bytes)) = next_entry(&mut entries)? else {
            builder.fail("directory", "the directory of the zip is damaged");
            break;
        };
        if let Some(name) = really(&entry, found).filter(|_| !book) {
            return Ok(Listing { members: Vec::new(), is_really: Some(name) });
        }
        read += bytes;
        found += 1;
        let at = data_at(file, &entry)?;
        let end = at.and_then(|at| at.checked_add(entry.bytes)).filter(|end| *end <= directory.at);
        taken.extend(end.map(|end| (entry.at, end)));
        if !add(&mut builder, entry, at.filter(|_| end.is_some())) {
            break;
        }
    }
    if found != directory.entries {
        builder.fail("directory", &format!("the directory of the zip has {found} members, {} were announced", directory.entries));
    }
    taken.sort_unstable();
    if taken.array_windows().any(|[(_, end), (next, _)]| next < end) {
        builder.refuse("overlap", "members of the zip overlap: it is made to unfold without end");
    }
    Ok(builder.finish())
}

/// Finds the directory, by what stands at the end of the file; there may be a comment behind.
fn directory(file: &Input, length: u64) -> std::io::Result<Option<Directory>> {
    let tail_at = length.saturating_sub((END_BYTES + usize::from(u16::MAX)) as u64);
    let tail = read_at(file, tail_at, (length - tail_at) as usize)?;
    let fits = |at: &usize| tail[*at..].len() >= END_BYTES && at + END_BYTES + usize::from(u16_at(&tail, at + 20)) <= tail.len();
    let Some(at) = memchr::memmem::rfind_iter(&tail, END).find(fits) else { return Ok(None) };
    let end = &tail[at..];
    let at = tail_at + at as u64;
    let mut directory = Directory { at: u32_at(end, 16).into(), bytes: u32_at(end, 12).into(), entries: u16_at(end, 10).into() };
    let is_large = directory.at.max(directory.bytes) == u64::from(u32::MAX) || directory.entries == u64::from(u16::MAX);
    let locator = at.checked_sub(LOCATOR_64_BYTES as u64).filter(|_| is_large);
    let locator = locator.map(|at| read_at(file, at, LOCATOR_64_BYTES)).transpose()?.filter(|locator| locator.starts_with(LOCATOR_64));
    if let Some(locator) = locator {
        let end = read_at(file, u64_at(&locator, 8), END_64_BYTES)?;
        if end.starts_with(END_64) && end.len() == END_64_BYTES {
            directory = Directory { at: u64_at(&end, 48), bytes: u64_at(&end, 40), entries: u64_at(&end, 32) };
        }
    } else if u16_at(end, 4) != 0 || u16_at(end, 6) != 0 {
        return Ok(None);
    }
    Ok(directory.at.checked_add(directory.bytes).is_some_and(|end| end <= at).then_some(directory))
}

/// The next entry, and the bytes it takes; `None` if there is none.
fn next_entry(entries: &mut dyn Read) -> std::io::Result<Option<(Entry, u64)>> {
    let mut fixed = [0; CENTRAL_BYTES];
    let mut rest = Vec::new();
    if !is_there(entries.read_exact(&mut fixed))? || !fixed.starts_with(CENTRAL) {
        return Ok(None);
    }
    let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(&fixed, at)));
    rest.resize(name + extra + comment, 0);
    if !is_there(entries.read_exact(&mut rest))? {
        return Ok(None);
    }
    let (name, extra) = rest[..name + extra].split_at(name);
    let flags = u16_at(&fixed, 8);
    let mut entry = Entry {
        flags,
        method: u16_at(&fixed, 10),
        crc: u32_at(&fixed, 16),
        bytes: u32_at(&fixed, 20).into(),
        size: u32_at(&fixed, 24).into(),
        at: u32_at(&fixed, 42).into(),
        host: fixed[5],
        attributes: u32_at(&fixed, 38),
        name: name.to_vec(),
        is_utf8: flags >> 11 & 1 == 1,
    };
    apply(extra, &mut entry);
    Ok(Some((entry, (CENTRAL_BYTES + rest.len()) as u64)))
}

/// Did the bytes come? That they end is told otherwise.
fn is_there(read: std::io::Result<()>) -> std::io::Result<bool> {
    match read {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidData) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What extra fields say.
fn apply(mut extra: &[u8], entry: &mut Entry) {
    while extra.len() >= 4 {
        let (id, length) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let Some((field, rest)) = extra[4..].split_at_checked(length) else { return };
        extra = rest;
        if id == EXTRA_64 {
            let mut at = 0;
            for value in [&mut entry.size, &mut entry.bytes, &mut entry.at] {
                if *value == u64::from(u32::MAX) && at + 8 <= field.len() {
                    *value = u64_at(field, at);
                    at += 8;
                }
            }
        } else if id == EXTRA_NAME && field.len() > 5 && field[0] == 1 {
            let mut crc = flate2::Crc::new();
            crc.update(&entry.name);
            if crc.sum() == u32_at(field, 1) {
                (entry.name, entry.is_utf8) = (field[5..].to_vec(), true);
            }
        }
    }
}

/// Formats that are zip archives of parts that mean nothing by themselves.
fn really(entry: &Entry, number: u64) -> Option<&'static str> {
    match &entry.name[..] {
        b"[Content_Types].xml" => Some("an Office document"),
        b"mimetype" if number == 0 => Some("OpenDocument"),
        b"META-INF/MANIFEST.MF" => Some("a Java archive"),
        b"AndroidManifest.xml" => Some("an Android package"),
        _ => None,
    }
}

/// Where the data of a member begins; `None` if no member begins where the directory says.
fn data_at(file: &Input, entry: &Entry) -> std::io::Result<Option<u64>> {
    let local = read_at(file, entry.at, LOCAL_BYTES)?;
    if local.len() < LOCAL_BYTES || !local.starts_with(LOCAL) {
        return Ok(None);
    }
    Ok(entry.at.checked_add((LOCAL_BYTES + usize::from(u16_at(&local, 26)) + usize::from(u16_at(&local, 28))) as u64))
}

/// Adds what is a file; `false` if there are too many.
fn add(builder: &mut Builder, entry: Entry, at: Option<u64>) -> bool {
    const UNIX: u8 = 3;
    const DIRECTORY: u32 = 0x10;
    let mode = (entry.attributes >> 16) & 0o170_000;
    let is_special = entry.host == UNIX && mode != 0 && mode != 0o100_000;
    let is_dos = entry.host != UNIX;
    let ends_like_one = entry.name.ends_with(b"/") || is_dos && entry.name.ends_with(b"\\");
    if ends_like_one || is_special || entry.attributes & DIRECTORY != 0 && entry.size == 0 {
        return true;
    }
    let place = match (Method::of(entry.method), at) {
        _ if entry.flags & 0x41 != 0 || entry.method == 99 => builder.fault("encrypted", "the member is encrypted"),
        (Err(name), _) => builder.fault("method", format!("the member is compressed by {name}, which is not read")),
        (_, None) => builder.fault("header", "no member is where the directory of the zip says, or it reaches into the directory"),
        (Ok(Method::Stored), _) if entry.bytes != entry.size => builder.fault("size", "the member is stored, and has two sizes"),
        (Ok(method), Some(at)) => Place::Zip { at, bytes: entry.bytes, method, size: entry.size, crc: entry.crc },
    };
    builder.push(RawName { bytes: entry.name, is_utf8: entry.is_utf8, is_dos }, entry.bytes, place)
}
