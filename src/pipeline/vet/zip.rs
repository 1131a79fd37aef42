//! Zip: the directory at its end, and what stands at the places that it names. Readers disagree about archives whose two descriptions of a member
//! differ, so that is told.

use std::io::Read;

use super::bytes::{Bytes, Cursor, Fault, Looked, Section, head};

/// Bytes of the directory that are read.
const DIRECTORY_MAX: u64 = 64 << 20;
/// Bytes at the end in which its end is looked for: a comment of the longest kind stands behind it.
const END_MAX: u64 = 22 + 0xffff;

/// A member.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its name, as text.
    pub name: String,
    /// 0: stored; 8: deflated.
    pub method: u16,
    /// Is a password needed?
    pub is_encrypted: bool,
    /// Is it a link?
    pub is_link: bool,
    /// Bytes in the archive.
    pub compressed: u64,
    /// Bytes once it is unpacked, as declared.
    pub size: u64,
    /// Its first byte in the archive.
    pub data: u64,
    /// Where its own header stands.
    pub header: u64,
}

/// What stands in an archive.
#[derive(Debug, Default)]
pub struct Directory {
    /// Members, in the order of the directory.
    pub members: Vec<Member>,
    /// What is wrong with some of them.
    pub faults: Vec<Fault>,
    /// Does a member lie inside of another? A small file may hold any amount, then.
    pub is_overlapping: bool,
}

/// A member as it can be looked at.
pub enum Content<'a> {
    /// As it is.
    Stored(Section<'a>),
    /// Unpacked.
    Unpacked(Vec<u8>),
}

impl Content<'_> {
    /// Its bytes.
    pub fn bytes(&self) -> &dyn Bytes {
        match self {
            Self::Stored(section) => section,
            Self::Unpacked(bytes) => bytes,
        }
    }
}

/// Where the directory's end stands, if there is one.
///
/// # Errors
/// Those of the system.
pub fn end(bytes: &dyn Bytes) -> Looked<Option<u64>> {
    let from = bytes.size().saturating_sub(END_MAX);
    let tail = head(bytes, from, END_MAX as usize)?;
    let is_end = |at: &usize| {
        let comment = tail.get(at + 20..at + 22).map(|length| usize::from(u16::from_le_bytes([length[0], length[1]])));
        comment.is_some_and(|length| at + 22 + length <= tail.len())
    };
    let found: Vec<usize> = memchr::memmem::find_iter(&tail, b"PK\x05\x06").filter(is_end).collect();
    Ok(found.last().map(|at| from + *at as u64))
}

/// Does the directory's end end the file, but for its comment?
///
/// # Errors
/// Those of the system.
pub fn is_at_end(bytes: &dyn Bytes, end: u64) -> Looked<bool> {
    Ok(end + 22 + u64::from(Cursor::new(bytes, end + 20).u16()?) == bytes.size())
}

/// Reads the directory of an archive.
///
/// # Errors
/// There is none, or it is larger than what is read.
pub fn read(bytes: &dyn Bytes) -> Looked<Directory> {
    let end = end(bytes)?.ok_or_else(|| Fault::broken(bytes.size(), "the directory at the end of the zip is missing"))?;
    let mut cursor = Cursor::new(bytes, end + 10);
    let (mut count, mut length, mut start) = (u64::from(cursor.u16()?), u64::from(cursor.u32()?), u64::from(cursor.u32()?));
    let large = if count == 0xffff || length == 0xffff_ffff || start == 0xffff_ffff { zip64(bytes, end)? } else { None };
    let is_large = large.is_some();
    (count, length, start) = large.unwrap_or((count, length, start));
    // What stands in front of a zip moves all its places; readers find them by where the directory really is.
    let moved = end.checked_sub(length).and_then(|real| real.checked_sub(start)).filter(|_| !is_large).unwrap_or(0);
    let start = start + moved;
    if start.checked_add(length).is_none_or(|behind| behind > end) {
        return Err(Fault::broken(end, "the directory lies outside of the zip"));
    }
    if count.checked_mul(46).is_none_or(|least| least > length) {
        return Err(Fault::broken(end, format!("{count} members are declared, more than {length} bytes can hold")));
    }
    if length > DIRECTORY_MAX {
        return Err(Fault::beyond(start, format!("a directory of {length} bytes, and {DIRECTORY_MAX} are read")));
    }
    let mut directory = Directory::default();
    let mut cursor = Cursor::new(bytes, start);
    for _ in 0..count {
        let at = cursor.at();
        let (mut member, raw) = entry(&mut cursor)?;
        member.header = member.header.saturating_add(moved);
        match placed(bytes, (member, raw), start) {
            Ok(member) => directory.members.push(member),
            Err(Fault::Broken { what, .. }) => directory.faults.push(Fault::broken(at, what)),
            Err(other) => return Err(other),
        }
    }
    overlaps(&mut directory, start);
    Ok(directory)
}

/// Count, length and start of the directory of a large archive.
fn zip64(bytes: &dyn Bytes, end: u64) -> Looked<Option<(u64, u64, u64)>> {
    let Some(locator) = end.checked_sub(20) else { return Ok(None) };
    let mut cursor = Cursor::new(bytes, locator);
    if cursor.array()? != *b"PK\x06\x07" {
        return Ok(None);
    }
    cursor.skip(4)?;
    let at = cursor.u64()?;
    if at.checked_add(56).is_none_or(|behind| behind > locator) {
        return Err(Fault::broken(locator, "the directory's end lies outside of the zip"));
    }
    let mut cursor = Cursor::new(bytes, at);
    if cursor.array()? != *b"PK\x06\x06" {
        return Err(Fault::broken(at, "the directory's end is not where it is said to be"));
    }
    cursor.skip(28)?;
    Ok(Some((cursor.u64()?, cursor.u64()?, cursor.u64()?)))
}

/// An entry of the directory.
fn entry(cursor: &mut Cursor<'_>) -> Looked<(Member, Vec<u8>)> {
    let at = cursor.at();
    if cursor.array()? != *b"PK\x01\x02" {
        return Err(Fault::broken(at, "no entry of a directory"));
    }
    cursor.skip(4)?;
    let (flags, method) = (cursor.u16()?, cursor.u16()?);
    cursor.skip(8)?;
    let (mut compressed, mut size) = (u64::from(cursor.u32()?), u64::from(cursor.u32()?));
    let [name, extra, comment] = [cursor.u16()?, cursor.u16()?, cursor.u16()?];
    cursor.skip(4)?;
    let (attributes, mut header) = (cursor.u32()?, u64::from(cursor.u32()?));
    let raw = cursor.take(name.into(), 0xffff)?;
    let extra = cursor.take(extra.into(), 0xffff)?;
    cursor.skip(comment.into())?;
    // Sizes that have no room in four bytes stand in a field of their own, in this order.
    if let Some(mut wide) = field(&extra, 1) {
        for value in [&mut size, &mut compressed, &mut header].into_iter().filter(|value| **value == 0xffff_ffff) {
            let Some((number, rest)) = wide.split_first_chunk() else { break };
            (*value, wide) = (u64::from_le_bytes(*number), rest);
        }
    }
    let member = Member {
        name: String::from_utf8_lossy(&raw).into_owned(),
        method,
        is_encrypted: flags & 1 != 0,
        is_link: (attributes >> 16) & 0o170_000 == 0o120_000,
        compressed,
        size,
        data: 0,
        header,
    };
    Ok((member, raw))
}

/// The extra field of a kind.
fn field(mut extra: &[u8], kind: u16) -> Option<&[u8]> {
    while let [a, b, c, d, rest @ ..] = extra {
        let length = usize::from(u16::from_le_bytes([*c, *d])).min(rest.len());
        let (value, behind) = rest.split_at(length);
        if u16::from_le_bytes([*a, *b]) == kind {
            return Some(value);
        }
        extra = behind;
    }
    None
}

/// The member with its place, which its own header tells.
fn placed(bytes: &dyn Bytes, (mut member, raw): (Member, Vec<u8>), directory: u64) -> Looked<Member> {
    let shown = crate::quarantine::escape(&member.name, 100);
    let outside = || Fault::broken(0, format!("{shown}: lies outside of the zip"));
    if member.header.checked_add(30).is_none_or(|behind| behind > directory) {
        return Err(outside());
    }
    let mut cursor = Cursor::new(bytes, member.header);
    if cursor.array()? != *b"PK\x03\x04" {
        return Err(Fault::broken(0, format!("{shown}: nothing begins at its place")));
    }
    cursor.skip(4)?;
    let method = cursor.u16()?;
    cursor.skip(16)?;
    let (name, extra) = (cursor.u16()?, cursor.u16()?);
    if cursor.take(name.into(), 0xffff)? != raw {
        return Err(Fault::broken(0, format!("{shown}: is called otherwise at its place")));
    }
    if method != member.method {
        return Err(Fault::broken(0, format!("{shown}: is packed in another way at its place")));
    }
    cursor.skip(extra.into())?;
    member.data = cursor.at();
    if member.data.checked_add(member.compressed).is_none_or(|behind| behind > directory) {
        return Err(outside());
    }
    Ok(member)
}

/// Members that lie in one place make a bomb; bytes in front of the first belong to something else.
fn overlaps(directory: &mut Directory, start: u64) {
    let mut places: Vec<(u64, u64, usize)> =
        directory.members.iter().enumerate().map(|(n, member)| (member.header, member.data + member.compressed, n)).collect();
    places.sort_unstable();
    let name = |n: usize| crate::quarantine::escape(&directory.members[n].name, 100);
    let twice = places.windows(2).find(|pair| pair[1].0 < pair[0].1);
    let is_overlapping = twice.is_some();
    let twice = twice.map(|pair| Fault::broken(pair[1].0, format!("{}: lies inside of {}", name(pair[1].2), name(pair[0].2))));
    let first = places.first().map_or(start, |(header, ..)| *header);
    let before =
        (first > 0).then(|| Fault::broken(0, format!("{first} bytes stand in front of the first member: something else may begin there")));
    directory.faults.extend(twice.into_iter().chain(before));
    directory.is_overlapping = is_overlapping;
}

/// What a member holds, `max` bytes at most where it has to be unpacked.
///
/// # Errors
/// It needs a password or another method, is damaged, or is larger.
pub fn content<'a>(bytes: &'a dyn Bytes, member: &Member, max: u64) -> Looked<Content<'a>> {
    if member.is_encrypted {
        return Err(Fault::beyond(member.header, "is encrypted"));
    }
    match member.method {
        0 => Ok(Content::Stored(Section::new(bytes, member.data, member.compressed))),
        8 => {
            let section = Section::new(bytes, member.data, member.compressed);
            let mut unpacked = Vec::new();
            let mut reader = flate2::read::DeflateDecoder::new(Forward { bytes: &section, at: 0 }).take(max.saturating_add(1));
            match reader.read_to_end(&mut unpacked) {
                Ok(n) if n as u64 > max => Err(Fault::beyond(member.data, format!("unpacks to more than {max} bytes"))),
                Ok(_) => Ok(Content::Unpacked(unpacked)),
                Err(e) if e.raw_os_error().is_some() => Err(Fault::Unread(e)),
                Err(e) => Err(Fault::broken(member.data, format!("cannot be unpacked: {e}"))),
            }
        }
        other => Err(Fault::beyond(member.header, format!("is packed by method {other}"))),
    }
}

/// Bytes from the first to the last.
pub struct Forward<'a> {
    bytes: &'a dyn Bytes,
    at: u64,
}

impl<'a> Forward<'a> {
    /// From the first byte on.
    pub fn new(bytes: &'a dyn Bytes) -> Self {
        Self { bytes, at: 0 }
    }
}

impl Read for Forward<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.bytes.read_at(buffer, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    /// An archive of members, deflated where asked.
    pub(in crate::pipeline::vet) fn zip(members: &[(&str, &[u8], bool)]) -> Vec<u8> {
        let (mut out, mut directory) = (Vec::new(), Vec::new());
        for (name, content, deflate) in members {
            let packed = if *deflate {
                let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(content).unwrap();
                encoder.finish().unwrap()
            } else {
                content.to_vec()
            };
            let method: u16 = if *deflate { 8 } else { 0 };
            let at = out.len() as u32;
            let mut crc = flate2::Crc::new();
            crc.update(content);
            let sizes = [crc.sum().to_le_bytes(), (packed.len() as u32).to_le_bytes(), (content.len() as u32).to_le_bytes()].concat();
            let lengths = [(name.len() as u16).to_le_bytes(), 0_u16.to_le_bytes()].concat();
            out.extend(
                [b"PK\x03\x04\x14\x00\x00\x00", &method.to_le_bytes()[..], &[0; 4], &sizes, &lengths, name.as_bytes(), &packed].concat(),
            );
            directory.extend(
                [
                    b"PK\x01\x02\x14\x00\x14\x00\x00\x00",
                    &method.to_le_bytes()[..],
                    &[0; 4],
                    &sizes,
                    &lengths,
                    &[0; 10],
                    &at.to_le_bytes(),
                    name.as_bytes(),
                ]
                .concat(),
            );
        }
        let (start, length, n) = (out.len() as u32, directory.len() as u32, members.len() as u16);
        out.extend(directory);
        out.extend(
            [b"PK\x05\x06\0\0\0\0", &n.to_le_bytes()[..], &n.to_le_bytes(), &length.to_le_bytes(), &start.to_le_bytes(), b"\0\0"].concat(),
        );
        out
    }

    #[test]
    fn members_are_found_and_what_is_wrong_is_named() {
        let archive = zip(&[("a/data.pkl", b"one", false), ("b", &[7; 1000], true)]);
        let directory = read(&archive).unwrap();
        assert!(directory.faults.is_empty() && directory.members.len() == 2, "{directory:?}");
        let held = |n: usize| head(content(&archive, &directory.members[n], 1 << 20).unwrap().bytes(), 0, 5000).unwrap();
        assert_eq!((held(0), held(1)), (b"one".to_vec(), vec![7; 1000]));
        assert!(matches!(content(&archive, &directory.members[1], 999), Err(Fault::Beyond { .. })));
        // Another name at its place; something in front; cut.
        let mut other = archive.clone();
        other[30] = b'x';
        assert!(matches!(&read(&other).unwrap().faults[..], [Fault::Broken { what, .. }, ..] if what.contains("called otherwise")));
        assert!(read(&archive[..archive.len() - 1].to_vec()).is_err());
        let behind = [b"#!/bin/sh\n".to_vec(), archive.clone()].concat();
        let directory = read(&behind).unwrap();
        assert!(directory.members.len() == 2 && matches!(&directory.faults[..], [Fault::Broken { what, .. }] if what.contains("in front")));
    }

    proptest! {
        #[test]
        fn what_is_cut_or_changed_is_answered(cut in 0_usize..300, at in 0_usize..300, by: u8) {
            let mut bytes = zip(&[("a", b"one", false), ("b", b"two two two", true)]);
            bytes.truncate(cut.max(bytes.len() / 2 * usize::from(by % 2)));
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= by;
            }
            if let Ok(directory) = read(&bytes) {
                for member in &directory.members {
                    let _ = content(&bytes, member, 1 << 16).map(|content| head(content.bytes(), 0, 100));
                }
            }
        }
    }
}
