//! Compressed bytes → decoded bytes, known by their magic numbers and never by a file name.
//!
//! All members and frames are read, skippable frames and zero padding are skipped, nothing is allocated from a declared size.
//! What was decoded before damage stays. The gzip framing (RFC 1952) is read here and not by a library because cut, wrong
//! checksum, wrong length and trailing bytes have to be told apart.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use flate2::{Crc, Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::zstd_dictionary;

/// Decoded bytes that one call of [`Stream::read`] has room for.
const CHUNK: usize = 1 << 18;
/// Window of deflate.
const WINDOW: usize = 1 << 15;
/// Bytes of the header of a zstd block.
const ZSTD_BLOCK_HEADER: usize = 3;
/// Largest zstd window, as a power of two.
const WINDOW_LOG_MAX: u32 = 27;
/// Entries that are remembered, at most; beyond, every second one is forgotten.
const ENTRIES_MAX: usize = 1024;
/// First bytes of a gzip member.
pub(super) const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
/// First bytes of a zstd frame.
pub(super) const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Why a stream ends before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The compressed data is damaged from here on.
    Damage(Damage),
    /// The file could not be read.
    Io(std::io::Error),
}

/// Damage in compressed data.
#[derive(Debug)]
pub(super) struct Damage {
    /// Reason code of `quarantine.jsonl`.
    pub(super) reason: &'static str,
    /// What is wrong.
    pub(super) message: &'static str,
    /// Did the data before it end properly, so that the damage is only something behind it?
    pub(super) behind_the_end: bool,
}

impl Stop {
    fn damage(reason: &'static str, message: &'static str) -> Self {
        Self::Damage(Damage { reason, message, behind_the_end: false })
    }

    fn trailing(reason: &'static str, message: &'static str) -> Self {
        Self::Damage(Damage { reason, message, behind_the_end: true })
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Where compressed bytes come from.
pub(super) type Source = Box<dyn Read + Send>;

/// A point at which decoding can begin: the start of a file, of a gzip member or of a zstd frame, or any byte of a plain file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Bytes of the file before it, as they are on disk.
    pub file: u64,
    /// Decoded bytes before it.
    pub decoded: u64,
}

/// Decoded bytes of a file.
pub(super) struct Stream {
    raw: Raw,
    codec: Codec,
}

enum Codec {
    Plain,
    Gzip(Box<Gzip>),
    Zstd(Zstd),
}

impl Codec {
    /// The decoder for a file that begins so.
    fn of(head: &[u8]) -> std::io::Result<Self> {
        Ok(if head.starts_with(GZIP_MAGIC) {
            Self::Gzip(Box::new(Gzip::new()))
        } else if head.starts_with(ZSTD_MAGIC) || is_skippable(head) {
            Self::Zstd(Zstd::new()?)
        } else {
            Self::Plain
        })
    }
}

impl Stream {
    /// Looks at the first bytes and chooses the decoder.
    pub(super) fn new(source: Source) -> std::io::Result<Self> {
        let mut raw = Raw::new(source, Entry::default());
        let codec = Codec::of(raw.peek(4)?)?;
        Ok(Self { raw, codec })
    }

    /// Goes on at an entry of a file. How it is compressed is told by its first bytes: those at the entry may be anything.
    pub(super) fn at(mut file: File, entry: Entry) -> std::io::Result<Self> {
        let mut head = [0; 4];
        let known = file.read_at(&mut head, 0)?;
        let mut codec = Codec::of(&head[..known])?;
        if let Codec::Zstd(zstd) = &mut codec
            && head == *zstd_dictionary::MAGIC
            && entry.file > 0
        {
            let mut start = Raw::new(Box::new(file.try_clone()?), Entry::default());
            file.seek(SeekFrom::Start(0))?;
            zstd.load_dictionary(&mut start)?;
        }
        file.seek(SeekFrom::Start(entry.file))?;
        Ok(Self { codec, raw: Raw::new(Box::new(file), entry) })
    }

    /// The last entry at or before a decoded byte that has been passed. Earlier ones are forgotten.
    pub(super) fn entry_before(&mut self, decoded: u64) -> Entry {
        if !self.is_compressed() {
            return Entry { file: decoded, decoded };
        }
        let behind = self.raw.entries.partition_point(|entry| entry.decoded <= decoded);
        self.raw.entries.drain(..behind.saturating_sub(1));
        self.raw.entries.first().copied().unwrap_or_default()
    }

    /// Is the file compressed?
    pub(super) fn is_compressed(&self) -> bool {
        !matches!(self.codec, Codec::Plain)
    }

    /// Bytes of the file consumed so far; after the end, the size of the file.
    pub(super) fn consumed(&self) -> u64 {
        self.raw.total
    }

    /// Appends some bytes to `out`; `false` at the end. Bytes appended before an error are sound.
    pub(super) fn read(&mut self, out: &mut Vec<u8>) -> Result<bool, Stop> {
        match &mut self.codec {
            Codec::Plain => Ok(self.raw.copy(out)?),
            Codec::Gzip(gzip) => gzip.read(&mut self.raw, out),
            Codec::Zstd(zstd) => zstd.read(&mut self.raw, out),
        }
    }
}

/// Decoded bytes as [`Read`]; damage shows as [`std::io::ErrorKind::InvalidData`] after the bytes before it were read.
pub(super) struct Reader {
    stream: Stream,
    decoded: Vec<u8>,
    start: usize,
    stopped: Option<Stop>,
}

impl Reader {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, decoded: Vec::new(), start: 0, stopped: None }
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.start == self.decoded.len() {
            self.decoded.clear();
            self.start = 0;
            match self.stopped.take() {
                Some(Stop::Io(error)) => return Err(error),
                Some(Stop::Damage(damage)) => return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, damage.message)),
                None => self.stopped = self.stream.read(&mut self.decoded).err(),
            }
        }
        let n = buffer.len().min(self.decoded.len() - self.start);
        buffer[..n].copy_from_slice(&self.decoded[self.start..self.start + n]);
        self.start += n;
        if n == 0 && self.stopped.is_some() { self.read(buffer) } else { Ok(n) }
    }
}

/// A buffered reader that can look ahead.
struct Raw {
    source: Source,
    buffer: Vec<u8>,
    start: usize,
    total: u64,
    /// Bytes decoded so far.
    decoded: u64,
    /// Where decoding can begin, in order.
    entries: Vec<Entry>,
}

impl Raw {
    fn new(source: Source, entry: Entry) -> Self {
        Self { source, buffer: Vec::new(), start: 0, total: entry.file, decoded: entry.decoded, entries: vec![entry] }
    }

    /// Remembers that a member or frame begins here. Tiny ones are not worth remembering each.
    fn note_entry(&mut self) {
        let entry = Entry { file: self.total, decoded: self.decoded };
        if self.entries.last().is_some_and(|last| entry.decoded < last.decoded + CHUNK as u64) {
            return;
        }
        if self.entries.len() == ENTRIES_MAX {
            let mut n = 0;
            self.entries.retain(|_| {
                n += 1;
                n % 2 == 1
            });
        }
        self.entries.push(entry);
    }

    /// The bytes at hand, at least one unless the file ends.
    fn fill(&mut self) -> std::io::Result<&[u8]> {
        self.peek(1)
    }

    /// The bytes at hand, at least `wanted` unless the file ends.
    fn peek(&mut self, wanted: usize) -> std::io::Result<&[u8]> {
        while self.buffer.len() - self.start < wanted && self.more()? > 0 {}
        Ok(&self.buffer[self.start..])
    }

    fn more(&mut self) -> std::io::Result<usize> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let held = self.buffer.len();
        self.buffer.resize(held + CHUNK, 0);
        let read = loop {
            match self.source.read(&mut self.buffer[held..]) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(held + read.as_ref().copied().unwrap_or(0));
        read
    }

    fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.total += bytes as u64;
    }

    fn copy(&mut self, out: &mut Vec<u8>) -> std::io::Result<bool> {
        let bytes = self.fill()?;
        out.extend_from_slice(bytes);
        let n = bytes.len();
        self.decoded += n as u64;
        self.consume(n);
        Ok(n > 0)
    }

    /// Skips zero padding; `false` at the end of the file.
    fn skip_zeros(&mut self) -> std::io::Result<bool> {
        loop {
            let bytes = self.fill()?;
            let zeros = bytes.iter().take_while(|b| **b == 0).count();
            let (more, all) = (!bytes.is_empty(), zeros == bytes.len());
            self.consume(zeros);
            if !more || !all {
                return Ok(more);
            }
        }
    }

    /// Skips `count` bytes; `false` if the file ends before.
    fn skip(&mut self, mut count: u64) -> std::io::Result<bool> {
        while count > 0 {
            let n = self.fill()?.len().min(usize::try_from(count).unwrap_or(usize::MAX));
            if n == 0 {
                return Ok(false);
            }
            self.consume(n);
            count -= n as u64;
        }
        Ok(true)
    }

    /// Skips a text that ends with NUL; `false` if the file ends before.
    fn skip_text(&mut self) -> std::io::Result<bool> {
        loop {
            let bytes = self.fill()?;
            let (found, length) = (memchr::memchr(0, bytes), bytes.len());
            self.consume(found.map_or(length, |at| at + 1));
            if found.is_some() || length == 0 {
                return Ok(found.is_some());
            }
        }
    }
}

struct Gzip {
    inflate: Decompress,
    crc: Crc,
    first: bool,
    inside: bool,
}

impl Gzip {
    fn new() -> Self {
        Self { inflate: Decompress::new(false), crc: Crc::new(), first: true, inside: false }
    }

    fn read(&mut self, raw: &mut Raw, out: &mut Vec<u8>) -> Result<bool, Stop> {
        loop {
            if !self.inside && !self.next_member(raw)? {
                return Ok(false);
            }
            if self.inflate(raw, out)? > 0 {
                return Ok(true);
            }
        }
    }

    fn inflate(&mut self, raw: &mut Raw, out: &mut Vec<u8>) -> Result<usize, Stop> {
        let input = raw.fill()?;
        let ended = input.is_empty();
        let held = out.len();
        // Room exactly to the end of the decoder's window: with less or more it keeps decoded bytes back, and loses them at damage.
        out.resize(held + WINDOW - self.inflate.total_out() as usize % WINDOW, 0);
        let (read_before, made_before) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(input, &mut out[held..], FlushDecompress::None);
        let made = (self.inflate.total_out() - made_before) as usize;
        out.truncate(held + made);
        self.crc.update(&out[held..]);
        raw.decoded += made as u64;
        raw.consume((self.inflate.total_in() - read_before) as usize);
        match status {
            Ok(Status::StreamEnd) => self.trailer(raw)?,
            Ok(_) if ended && made == 0 => return Err(Stop::damage("gzip_eof", "the gzip member is cut")),
            Ok(_) => {}
            Err(_) => return Err(Stop::damage("gzip_data", "the deflate data is damaged")),
        }
        Ok(made)
    }

    /// Header of the next member; `false` at the end of the file.
    fn next_member(&mut self, raw: &mut Raw) -> Result<bool, Stop> {
        if !std::mem::take(&mut self.first) && !raw.skip_zeros()? {
            return Ok(false);
        }
        let head = raw.peek(10)?;
        if !head.starts_with(GZIP_MAGIC) {
            return Err(Stop::trailing("gzip_trailing", "something that is no gzip member follows"));
        }
        let Some(&[_, _, method, flags, ..]) = head.first_chunk::<10>() else {
            return Err(Stop::damage("gzip_eof", "the gzip header is cut"));
        };
        if method != 8 || flags & 0xe0 != 0 {
            return Err(Stop::damage("gzip_data", "the gzip header has an unknown method or reserved bits"));
        }
        raw.note_entry();
        raw.consume(10);
        if !skip_optional(raw, flags)? {
            return Err(Stop::damage("gzip_eof", "the gzip header is cut"));
        }
        self.inflate.reset(false);
        self.crc.reset();
        self.inside = true;
        Ok(true)
    }

    fn trailer(&mut self, raw: &mut Raw) -> Result<(), Stop> {
        let &[crc, length, ..] = raw.peek(8)?.as_chunks::<4>().0 else {
            return Err(Stop::damage("gzip_eof", "the gzip trailer is cut"));
        };
        if u32::from_le_bytes(crc) != self.crc.sum() {
            return Err(Stop::damage("gzip_crc", "the checksum of the gzip member is wrong"));
        }
        if u32::from_le_bytes(length) != self.crc.amount() {
            return Err(Stop::damage("gzip_length", "the length of the gzip member is wrong"));
        }
        raw.consume(8);
        self.inside = false;
        Ok(())
    }
}

/// Extra field, name, comment and header checksum: labels, never used; `false` if they are cut.
fn skip_optional(raw: &mut Raw, flags: u8) -> std::io::Result<bool> {
    if flags & 4 != 0 {
        let Some(&length) = raw.peek(2)?.first_chunk::<2>() else { return Ok(false) };
        if !raw.skip(2 + u64::from(u16::from_le_bytes(length)))? {
            return Ok(false);
        }
    }
    for flag in [8, 16] {
        if flags & flag != 0 && !raw.skip_text()? {
            return Ok(false);
        }
    }
    raw.skip(if flags & 2 == 0 { 0 } else { 2 })
}

struct Zstd {
    decoder: Decoder<'static>,
    first: bool,
    inside: bool,
    /// Bytes that the decoder wants next: the rest of a header, or a block. Given more, it would lose what it decoded in the same
    /// call before damage, and how much that is would depend on where reading began.
    wanted: usize,
}

/// Bytes of a zstd frame that are given first: enough to know the size of its header.
const ZSTD_FIRST: usize = 5;

fn is_skippable(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

impl Zstd {
    fn new() -> std::io::Result<Self> {
        Ok(Self { decoder: Self::decoder(&[])?, first: true, inside: false, wanted: ZSTD_FIRST })
    }

    fn decoder(dictionary: &[u8]) -> std::io::Result<Decoder<'static>> {
        let mut decoder = Decoder::with_dictionary(dictionary)?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
        Ok(decoder)
    }

    /// The frame at the start of a file may hold the dictionary of all others. It is looked at, not consumed.
    fn load_dictionary(&mut self, raw: &mut Raw) -> std::io::Result<()> {
        let Some(length) = zstd_dictionary::frame_length(raw.peek(zstd_dictionary::HEADER)?) else { return Ok(()) };
        if let Some(dictionary) = zstd_dictionary::of_frame(raw.peek(length)?) {
            self.decoder = Self::decoder(&dictionary)?;
        }
        Ok(())
    }

    fn read(&mut self, raw: &mut Raw, out: &mut Vec<u8>) -> Result<bool, Stop> {
        loop {
            if !self.inside && !self.next_frame(raw)? {
                return Ok(false);
            }
            if self.inside && self.decompress(raw, out)? > 0 {
                return Ok(true);
            }
        }
    }

    fn decompress(&mut self, raw: &mut Raw, out: &mut Vec<u8>) -> Result<usize, Stop> {
        let feed = self.feed();
        let input = raw.peek(feed)?;
        let ended = input.is_empty();
        let input = &input[..input.len().min(feed)];
        let held = out.len();
        out.reserve(CHUNK);
        let mut from = InBuffer::around(input);
        let mut to = OutBuffer::around_pos(out, held);
        let result = self.decoder.run(&mut from, &mut to);
        let (read, made) = (from.pos(), to.pos() - held);
        raw.decoded += made as u64;
        raw.consume(read);
        match result {
            Ok(0) => self.inside = false,
            Ok(_) if ended && made == 0 => return Err(Stop::damage("zstd_eof", "the zstd frame is cut")),
            Ok(wanted) => self.wanted = wanted.max(1),
            Err(error) => return Err(zstd_damage(&error.to_string())),
        }
        Ok(made)
    }

    /// Bytes to give next. With a block the decoder wants the header behind it too; a bad one would cost the block.
    fn feed(&self) -> usize {
        if self.wanted > ZSTD_BLOCK_HEADER { self.wanted - ZSTD_BLOCK_HEADER } else { self.wanted }
    }

    /// Steps to the next frame, over skippable ones; `false` at the end of the file.
    fn next_frame(&mut self, raw: &mut Raw) -> Result<bool, Stop> {
        if std::mem::take(&mut self.first) {
            self.load_dictionary(raw)?;
        } else if !raw.skip_zeros()? {
            return Ok(false);
        }
        let head = raw.peek(8)?;
        if head.starts_with(ZSTD_MAGIC) {
            raw.note_entry();
            self.wanted = ZSTD_FIRST;
            self.inside = true;
            return Ok(true);
        }
        if !is_skippable(head) {
            return Err(Stop::trailing("zstd_magic", "something that is no zstd frame follows"));
        }
        let size = head.get(4..8).map_or(u64::MAX, |size| size.iter().rev().fold(0, |sum, b| sum << 8 | u64::from(*b)));
        if raw.skip(size.saturating_add(8))? { Ok(true) } else { Err(Stop::trailing("zstd_eof", "a skippable zstd frame is cut")) }
    }
}

/// The library gives words only; these are those of zstd 1.5.
fn zstd_damage(message: &str) -> Stop {
    let (reason, message) = if message.contains("too much memory") || message.contains("not enough memory") {
        ("zstd_window", "the zstd frame wants a window above 128 MiB")
    } else if message.contains("checksum") {
        ("zstd_checksum", "the checksum of the zstd frame is wrong")
    } else if message.contains("Dictionary") {
        ("zstd_dictionary", "the zstd frame needs a dictionary")
    } else if message.contains("size") {
        ("zstd_size", "a size in the zstd frame is wrong")
    } else if message.contains("frame") || message.contains("Version") {
        ("zstd_magic", "the zstd frame header is damaged")
    } else {
        ("zstd_block", "the zstd data is damaged")
    };
    Stop::damage(reason, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    fn decode(bytes: &[u8]) -> (Vec<u8>, Option<&'static str>) {
        let mut stream = Stream::new(Box::new(Cursor::new(bytes.to_vec()))).unwrap();
        let mut out = Vec::new();
        loop {
            match stream.read(&mut out) {
                Ok(true) => {}
                Ok(false) => return (out, None),
                Err(Stop::Damage(damage)) => return (out, Some(damage.reason)),
                Err(Stop::Io(error)) => panic!("{error}"),
            }
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        let mut writer = zstd::Encoder::new(Vec::new(), 3).unwrap();
        writer.include_checksum(true).unwrap();
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn sample() -> Vec<u8> {
        (0..200_000_u32).flat_map(|i| (i.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()).collect()
    }

    #[test]
    fn members_frames_and_padding() {
        let text = sample();
        let twice = [&text[..], b"x"].concat();
        for pack in [gzip, zstd] {
            assert_eq!(decode(&[pack(&text), pack(b""), vec![0; 700], pack(b"x"), vec![0; 3]].concat()), (twice.clone(), None));
        }
        let skippable = [&b"\x5f\x2a\x4d\x18\x05\0\0\0hello"[..], &zstd(&text), b"\x50\x2a\x4d\x18\0\0\0\0", &zstd(b"x")].concat();
        assert_eq!(decode(&skippable), (twice, None));
        assert_eq!(decode(b"plain"), (b"plain".to_vec(), None));
        assert_eq!(decode(b""), (Vec::new(), None));
    }

    #[test]
    fn every_cut_is_noticed_and_keeps_a_prefix() {
        let text = b"abcabcabc\n".repeat(40);
        for (packed, reasons) in [(gzip(&text), ["gzip_eof"; 2]), (zstd(&text), ["zstd_eof"; 2])] {
            for cut in 4..packed.len() {
                let (out, reason) = decode(&packed[..cut]);
                assert!(text.starts_with(&out) && reasons.map(Some).contains(&reason), "{cut} {reason:?}");
            }
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed_or_harmless() {
        let text = b"abcabcabc\n".repeat(40);
        for packed in [gzip(&text), zstd(&text)] {
            for at in 4..packed.len() {
                for bit in 0..8 {
                    let mut bad = packed.clone();
                    bad[at] ^= 1 << bit;
                    let (out, reason) = decode(&bad);
                    assert!(reason.is_some() || out == text, "byte {at} bit {bit}");
                }
            }
        }
    }

    #[test]
    fn damage_has_names() {
        let mut packed = gzip(b"abc");
        let end = packed.len();
        packed[end - 8] ^= 1;
        assert_eq!(decode(&packed), (b"abc".to_vec(), Some("gzip_crc")));
        packed[end - 8] ^= 1;
        packed[end - 1] ^= 1;
        assert_eq!(decode(&packed), (b"abc".to_vec(), Some("gzip_length")));
        assert_eq!(decode(&[gzip(b"abc"), b"junk".to_vec()].concat()), (b"abc".to_vec(), Some("gzip_trailing")));
        assert_eq!(decode(&[zstd(b"abc"), b"junk".to_vec()].concat()), (b"abc".to_vec(), Some("zstd_magic")));
        let named = [&b"\x1f\x8b\x08\x1e\0\0\0\0\0\xff\x02\0ab../name\0comment\0\x12\x34"[..], &gzip(b"abc")[10..]].concat();
        assert_eq!(decode(&named), (b"abc".to_vec(), None));
        assert_eq!(decode(b"\x1f\x8b\x08\xe0\0\0\0\0\0\xff").1, Some("gzip_data"));
    }
}
