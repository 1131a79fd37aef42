//! tar: headers of 512 bytes, each before the bytes of its member.
//!
//! Read here and not by a library: names and extended headers are bounded, a header is believed if its checksum fits, and where data begins and
//! what is wrong has to be known. The crate `tar` reads names of any length into memory and stops at the first end mark.

use super::decoded::Walk;
use super::listing::{Builder, Listing};
use super::names::RawName;
use super::part::Place;
use crate::corpus::compression::{Damage, Stop};

/// Bytes of a header, and what data is filled up to.
const BLOCK: usize = 512;
/// Longest extended header or long name.
const EXTENDED_MAX: u64 = 1 << 20;
/// Largest member: beyond, a size is a lie.
const SIZE_MAX: u64 = 1 << 62;

/// Where fields are in a header.
const NAME: std::ops::Range<usize> = 0..100;
const SIZE: std::ops::Range<usize> = 124..136;
const CHECKSUM: std::ops::Range<usize> = 148..156;
const KIND: usize = 156;
const MAGIC: std::ops::Range<usize> = 257..265;
const PREFIX: std::ops::Range<usize> = 345..500;
/// Are there further sparse headers? In a header, and in one of those.
const SPARSE_MORE: [usize; 2] = [482, 504];

/// Does a file begin with a header of tar?
pub(super) fn is_tar(head: &[u8]) -> bool {
    head.get(..BLOCK).is_some_and(|header| header.get(257..262) == Some(b"ustar") || is_sound(header) && header[0] != 0)
}

/// Does the checksum fit? Some tools summed signed bytes.
fn is_sound(header: &[u8]) -> bool {
    let Some(expected) = number(&header[CHECKSUM]) else { return false };
    let byte = |at: usize, byte: u8| if CHECKSUM.contains(&at) { b' ' } else { byte };
    let unsigned: u64 = header.iter().enumerate().map(|(at, b)| u64::from(byte(at, *b))).sum();
    let signed: i64 = header.iter().enumerate().map(|(at, b)| i64::from(byte(at, *b).cast_signed())).sum();
    expected == unsigned || i64::try_from(expected) == Ok(signed)
}

/// A number of octal digits, or one of base 256; `None` for what is neither, or negative.
fn number(field: &[u8]) -> Option<u64> {
    match field {
        [first, rest @ ..] if first & 0x80 != 0 => {
            let all = std::iter::once(&(first & 0x7f)).chain(rest).copied().collect::<Vec<u8>>();
            if first & 0x40 != 0 {
                return None;
            }
            all.iter().try_fold(0_u64, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)))
        }
        _ => {
            let text = field.split(|byte| *byte == 0).next().unwrap_or_default().trim_ascii();
            text.iter().try_fold(0_u64, |sum, byte| match byte {
                b'0'..=b'7' => sum.checked_mul(8)?.checked_add(u64::from(byte - b'0')),
                _ => None,
            })
        }
    }
}

/// Text up to the first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// What extended headers say of the member behind them.
#[derive(Default)]
struct Extended {
    name: Option<Vec<u8>>,
    is_utf8: bool,
    size: Option<u64>,
    is_sparse: bool,
}

/// Why a walk over an archive ends.
enum End {
    /// Reason and detail.
    Fault(&'static str, String),
    Damage(Damage),
    Io(std::io::Error),
    /// Inside of a member that is listed: its reader will tell.
    Inside,
    /// So many members that no more are listed.
    Full,
}

impl From<std::io::Error> for End {
    fn from(error: std::io::Error) -> Self {
        match Stop::from(error) {
            Stop::Damage(damage) => Self::Damage(damage),
            Stop::Io(error) => Self::Io(error),
        }
    }
}

/// The members of a tar.
///
/// # Errors
/// It cannot be read.
pub(super) fn list(walk: &mut dyn Walk) -> std::io::Result<Listing> {
    let mut builder = Builder::new("tar");
    match walk_over(walk, &mut builder) {
        Ok(()) | Err(End::Inside | End::Full) => {}
        Err(End::Fault(reason, detail)) => builder.fail(reason, &detail),
        Err(End::Damage(damage)) => builder.fail_with(damage),
        Err(End::Io(error)) => return Err(error),
    }
    Ok(builder.finish())
}

fn walk_over(walk: &mut dyn Walk, builder: &mut Builder) -> Result<(), End> {
    let mut extended = Extended::default();
    while let Some(header) = next_header(walk)? {
        let damaged = |what: &str| End::Fault("header", format!("{what} at byte {}", walk.position() - BLOCK as u64));
        if !is_sound(&header) {
            return Err(damaged("no header of tar, or a damaged one,"));
        }
        let kind = header[KIND];
        let size = number(&header[SIZE]).filter(|size| *size <= SIZE_MAX).ok_or_else(|| damaged("a header with an impossible size"))?;
        match kind {
            b'L' => extended.name = Some(text(&read_extended(walk, size)?).to_vec()),
            b'x' | b'X' => pax(&read_extended(walk, size)?, &mut extended),
            b'K' | b'g' => drop(read_extended(walk, size)?),
            _ => member(walk, builder, &header, size, std::mem::take(&mut extended))?,
        }
    }
    Ok(())
}

/// The next header that is not empty; `None` at the end. Behind an end mark another tar may stand, as behind the end of a gzip another member.
fn next_header(walk: &mut dyn Walk) -> Result<Option<[u8; BLOCK]>, End> {
    let mut header = [0; BLOCK];
    let mut empty = 0_u64;
    loop {
        let mut filled = 0;
        while filled < BLOCK {
            match walk.read(&mut header[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        if header[..filled].iter().any(|byte| *byte != 0) {
            return match filled {
                BLOCK if empty > 0 && !is_sound(&header) => {
                    Err(End::Fault("trailing", "something that is no tar follows the end of the tar".into()))
                }
                BLOCK => Ok(Some(header)),
                _ => Err(End::Fault("eof", "the tar ends inside of a header".into())),
            };
        }
        if filled < BLOCK {
            return Ok(None);
        }
        empty += 1;
    }
}

/// The data of a header that is about the next one.
fn read_extended(walk: &mut dyn Walk, size: u64) -> Result<Vec<u8>, End> {
    if size > EXTENDED_MAX {
        return Err(End::Fault("header", format!("a long name or extended header of {size} bytes")));
    }
    let mut data = vec![0; size as usize];
    walk.read_exact(&mut data).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => End::Fault("eof", "the tar ends inside of a header".into()),
        _ => error.into(),
    })?;
    walk.skip(padding(size))?;
    Ok(data)
}

fn padding(size: u64) -> u64 {
    (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64
}

/// Records of an extended header: `length key=value\n`. What is malformed says nothing.
fn pax(mut data: &[u8], extended: &mut Extended) {
    while let Some(space) = memchr::memchr(b' ', data) {
        let length = std::str::from_utf8(&data[..space]).ok().and_then(|digits| digits.parse::<usize>().ok());
        let Some((record, rest)) = length.and_then(|length| data.split_at_checked(length)) else { return };
        data = rest;
        let record = record.get(space + 1..).and_then(|record| record.strip_suffix(b"\n"));
        let Some((key, value)) = record.and_then(|record| Some(record.split_at(memchr::memchr(b'=', record)?))) else { return };
        let value = &value[1..];
        match key {
            b"path" | b"GNU.sparse.name" => (extended.name, extended.is_utf8) = (Some(value.to_vec()), std::str::from_utf8(value).is_ok()),
            b"size" => {
                extended.size = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok()).filter(|size| *size <= SIZE_MAX);
            }
            _ if key.starts_with(b"GNU.sparse.") => extended.is_sparse = true,
            _ => {}
        }
    }
}

/// A member, and a step over its data.
fn member(walk: &mut dyn Walk, builder: &mut Builder, header: &[u8; BLOCK], size: u64, extended: Extended) -> Result<(), End> {
    let kind = header[KIND];
    let is_sparse = kind == b'S' || extended.is_sparse;
    if kind == b'S' {
        let (mut more, mut block) = (header[SPARSE_MORE[0]] != 0, [0; BLOCK]);
        while more {
            walk.read_exact(&mut block).map_err(|_| End::Fault("eof", "the tar ends inside of a header".into()))?;
            more = block[SPARSE_MORE[1]] != 0;
        }
    }
    // A link has no data, whatever size is told of what it leads to.
    let size = if matches!(kind, b'1' | b'2') { 0 } else { extended.size.unwrap_or(size) };
    let name = extended.name.unwrap_or_else(|| {
        let (prefix, name) = (text(&header[PREFIX]), text(&header[NAME]));
        if header[MAGIC] == *b"ustar\x0000" && !prefix.is_empty() { [prefix, b"/", name].concat() } else { name.to_vec() }
    });
    let is_file = matches!(kind, b'0' | 0 | b'7' | b'S') && !name.ends_with(b"/");
    let is_foreign = kind.is_ascii_uppercase() && !matches!(kind, b'S' | b'V' | b'D');
    let place = if is_sparse {
        builder.fault("sparse", "a sparse file is not read")
    } else if is_foreign {
        builder.fault("type", format!("a member of type {} is not read", char::from(kind)))
    } else {
        Place::Tar { at: walk.position(), size, entry: walk.entry() }
    };
    let is_read = is_file && !is_sparse;
    if (is_file || is_foreign) && !builder.push(RawName { bytes: name, is_utf8: extended.is_utf8, is_dos: false }, size, place) {
        return Err(End::Full);
    }
    match walk.skip(size) {
        Ok(true) => {}
        Ok(false) | Err(_) if is_read && builder.is_listed() => return Err(End::Inside),
        Ok(false) => return Err(End::Fault("eof", "the tar ends inside of a member".into())),
        Err(error) => return Err(error.into()),
    }
    if walk.skip(padding(size))? { Ok(()) } else { Err(End::Fault("eof", "the tar ends behind a member".into())) }
}
