//! xz: streams of blocks. The frames are read here, so that decoding can begin at a block and faults have names; what is in a block is decoded by
//! liblzma.

use crc64fast::Digest;
use flate2::Crc;
use liblzma::stream::{Error, Filters, Status, Stream};
use sha2::{Digest as _, Sha256};

use super::codec::Codec;
use super::damage::Stop;
use super::lzma::step;
use super::raw::Raw;

/// First bytes of a stream.
pub(in crate::corpus) const MAGIC: &[u8] = b"\xfd7zXZ\0";
/// Bytes of the header of a stream, and of its footer.
pub(super) const HEADER: usize = 12;
/// Largest dictionary.
const DICTIONARY_MAX: u64 = 1 << 27;
/// Bytes of a check, by its number.
const CHECK_BYTES: [usize; 16] = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];

/// Streams of xz.
pub(super) struct Xz {
    /// Kind of check of the file's first stream: blocks of others are no entries, for it is not known there.
    check_of_first: Option<u8>,
    /// Kind of check of the stream that is open.
    check: Option<u8>,
    block: Option<Block>,
    first: bool,
}

/// A block that has begun.
struct Block {
    decoder: Stream,
    check: Check,
    /// Bytes of the file before its header, and before its data.
    start: u64,
    compressed: Option<u64>,
    uncompressed: Option<u64>,
    data: u64,
}

/// A check under way.
enum Check {
    Crc32(Crc),
    Crc64(Digest),
    Sha256(Box<Sha256>),
    /// None, or one that is not known.
    Other,
}

impl Check {
    fn new(kind: u8) -> Self {
        match kind {
            1 => Self::Crc32(Crc::new()),
            4 => Self::Crc64(Digest::new()),
            10 => Self::Sha256(Box::default()),
            _ => Self::Other,
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc32(crc) => crc.update(bytes),
            Self::Crc64(crc) => crc.write(bytes),
            Self::Sha256(hash) => hash.update(bytes),
            Self::Other => {}
        }
    }

    fn is(self, expected: &[u8]) -> bool {
        match self {
            Self::Crc32(crc) => crc.sum().to_le_bytes() == expected,
            Self::Crc64(crc) => crc.sum64().to_le_bytes() == expected,
            Self::Sha256(hash) => hash.finalize()[..] == *expected,
            Self::Other => true,
        }
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn cut() -> Stop {
    Stop::damage("xz_eof", "the xz stream is cut")
}

fn bad_header() -> Stop {
    Stop::damage("xz_header", "a header of the xz stream is damaged")
}

/// Bytes, and the checksum that stands behind them.
fn is_sound(bytes: &[u8]) -> bool {
    bytes.split_last_chunk::<4>().is_some_and(|(bytes, crc)| u32::from_le_bytes(*crc) == crc32(bytes))
}

/// Kind of check that the header of a stream tells of.
pub(super) fn check_kind(header: &[u8]) -> Option<u8> {
    let header = header.get(..HEADER)?;
    let is_header = header.starts_with(MAGIC) && header[6] == 0 && header[7] < 16 && is_sound(&header[6..]);
    is_header.then_some(header[7])
}

/// A number of seven bits a byte.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

impl Xz {
    /// A decoder at the start of a file or stream.
    pub(super) fn new() -> Self {
        Self { check_of_first: None, check: None, block: None, first: true }
    }

    /// A decoder at a later stream of a file that begins with this header, or at a block.
    pub(super) fn inside(header: &[u8], at_block: bool) -> Self {
        let check = check_kind(header);
        Self { check_of_first: check, check: check.filter(|_| at_block), block: None, first: !at_block }
    }

    /// Header of the next stream; `false` at the end of the file.
    fn next_stream(&mut self, raw: &mut Raw) -> Result<bool, Stop> {
        if !std::mem::take(&mut self.first) && !raw.skip_zeros()? {
            return Ok(false);
        }
        let header = raw.peek(HEADER)?;
        if !header.starts_with(MAGIC) {
            return Err(Stop::trailing("xz_trailing", "something that is no xz stream follows"));
        }
        if header.len() < HEADER {
            return Err(cut());
        }
        let check = check_kind(header).ok_or_else(bad_header)?;
        raw.note_entry(0);
        raw.consume(HEADER);
        self.check_of_first.get_or_insert(check);
        self.check = Some(check);
        Ok(true)
    }

    /// Header of the next block, or the end of the stream.
    fn next_block(&mut self, raw: &mut Raw, check: u8) -> Result<(), Stop> {
        let length = match raw.fill()? {
            [] => return Err(cut()),
            [0, ..] => {
                end_of_stream(raw)?;
                self.check = None;
                return Ok(());
            }
            [length, ..] => (usize::from(*length) + 1) * 4,
        };
        let header = raw.peek(length)?.get(..length).ok_or_else(cut)?;
        if !is_sound(header) {
            return Err(bad_header());
        }
        let (decoder, compressed, uncompressed) = block_header(&header[1..length - 4])?;
        if self.check_of_first == Some(check) {
            raw.note_entry(0);
        }
        let start = raw.total;
        raw.consume(length);
        self.block = Some(Block { decoder, check: Check::new(check), start, compressed, uncompressed, data: raw.total });
        Ok(())
    }
}

/// Flags, sizes and filters of a block.
fn block_header(mut fields: &[u8]) -> Result<(Stream, Option<u64>, Option<u64>), Stop> {
    let (flags, rest) = fields.split_first().ok_or_else(bad_header)?;
    fields = rest;
    if flags & 0x3c != 0 {
        return Err(bad_header());
    }
    let mut size = |bit: u8| if flags >> bit & 1 == 1 { number(&mut fields).map(Some).ok_or_else(bad_header) } else { Ok(None) };
    let (compressed, uncompressed) = (size(6)?, size(7)?);
    let mut filters = Filters::new();
    for _ in 0..=(flags & 3) {
        let (id, length) = (number(&mut fields), number(&mut fields));
        let length = length.and_then(|length| usize::try_from(length).ok()).ok_or_else(bad_header)?;
        let (properties, rest) = fields.split_at_checked(length).ok_or_else(bad_header)?;
        fields = rest;
        let added = match id.ok_or_else(bad_header)? {
            0x03 => filters.delta_properties(properties),
            0x04 => filters.x86_properties(properties),
            0x05 => filters.powerpc_properties(properties),
            0x06 => filters.ia64_properties(properties),
            0x07 => filters.arm_properties(properties),
            0x08 => filters.arm_thumb_properties(properties),
            0x09 => filters.sparc_properties(properties),
            0x0a => filters.arm64_properties(properties),
            0x0b => filters.riscv_properties(properties),
            0x21 => {
                if properties.first().is_some_and(|bits| dictionary(*bits) > DICTIONARY_MAX) {
                    return Err(too_large());
                }
                filters.lzma2_properties(properties)
            }
            _ => return Err(Stop::damage("xz_filter", "the xz stream has a filter that is not known")),
        };
        added.map_err(|_| bad_header())?;
    }
    if fields.iter().any(|byte| *byte != 0) {
        return Err(bad_header());
    }
    match Stream::new_raw_decoder(&filters) {
        Ok(decoder) => Ok((decoder, compressed, uncompressed)),
        Err(Error::Mem) => Err(Stop::Io(std::io::ErrorKind::OutOfMemory.into())),
        Err(Error::MemLimit) => Err(too_large()),
        Err(_) => Err(bad_header()),
    }
}

fn too_large() -> Stop {
    Stop::damage("xz_memory", "the xz stream wants a dictionary above 128 MiB")
}

/// Size of a dictionary, from its byte.
fn dictionary(bits: u8) -> u64 {
    let bits = bits.min(40);
    (2 | u64::from(bits & 1)) << (bits / 2 + 11)
}

/// Index and footer. The index says where blocks are; they were found without it.
fn end_of_stream(raw: &mut Raw) -> Result<(), Stop> {
    let mut index = Index { crc: Crc::new(), start: raw.total };
    index.byte(raw)?;
    let records = index.number(raw)?;
    for _ in 0..records {
        index.number(raw)?;
        index.number(raw)?;
    }
    while !(raw.total - index.start).is_multiple_of(4) {
        if index.byte(raw)? != 0 {
            return Err(Stop::damage("xz_index", "the index of the xz stream is damaged"));
        }
    }
    let size = raw.total - index.start;
    let whole = raw.peek(4 + HEADER)?.get(..4 + HEADER).ok_or_else(cut)?;
    let (crc, footer) = whole.split_at(4);
    if crc != index.crc.sum().to_le_bytes() {
        return Err(Stop::damage("xz_index", "the checksum of the index of the xz stream is wrong"));
    }
    let backward = (size + 4) / 4 - 1;
    let is_footer =
        footer[..4] == crc32(&footer[4..10]).to_le_bytes() && footer[10..] == *b"YZ" && footer[4..8] == (backward as u32).to_le_bytes();
    if !is_footer {
        return Err(Stop::damage("xz_index", "the footer of the xz stream is damaged"));
    }
    raw.consume(4 + HEADER);
    Ok(())
}

/// An index being read.
struct Index {
    crc: Crc,
    start: u64,
}

impl Index {
    fn byte(&mut self, raw: &mut Raw) -> Result<u8, Stop> {
        let byte = *raw.fill()?.first().ok_or_else(cut)?;
        self.crc.update(&[byte]);
        raw.consume(1);
        Ok(byte)
    }

    fn number(&mut self, raw: &mut Raw) -> Result<u64, Stop> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte(raw)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Stop::damage("xz_index", "the index of the xz stream is damaged"))
    }
}

impl Block {
    /// Decodes some bytes; `true` at the end of the data.
    fn decode(&mut self, raw: &mut Raw, out: &mut Vec<u8>) -> Result<bool, Stop> {
        let held = out.len();
        let (made, result) = step(&mut self.decoder, raw, out)?;
        self.check.update(&out[held..]);
        match result {
            Ok(Status::StreamEnd) => Ok(true),
            Ok(_) if made == 0 && raw.fill()?.is_empty() => Err(cut()),
            Ok(_) => Ok(false),
            Err(Error::Mem) => Err(Stop::Io(std::io::ErrorKind::OutOfMemory.into())),
            Err(Error::MemLimit) => Err(too_large()),
            Err(_) => Err(Stop::damage("xz_data", "the xz data is damaged")),
        }
    }

    /// Padding and check behind the data.
    fn end(self, raw: &mut Raw, kind: u8) -> Result<(), Stop> {
        let (compressed, made) = (raw.total - self.data, self.decoder.total_out());
        if self.compressed.is_some_and(|announced| announced != compressed) || self.uncompressed.is_some_and(|announced| announced != made)
        {
            return Err(Stop::damage("xz_size", "a size in the xz stream is wrong"));
        }
        let padding = ((4 - (raw.total - self.start) % 4) % 4) as usize;
        let length = padding + CHECK_BYTES[usize::from(kind & 15)];
        let bytes = raw.peek(length)?.get(..length).ok_or_else(cut)?;
        let (zeros, expected) = bytes.split_at(padding);
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(Stop::damage("xz_data", "the xz data is damaged"));
        }
        if !self.check.is(expected) {
            return Err(Stop::damage("xz_crc", "the checksum of a block of the xz stream is wrong"));
        }
        raw.consume(length);
        Ok(())
    }
}

impl Codec for Xz {
    fn read(&mut self, raw: &mut Raw, out: &mut Vec<u8>) -> Result<bool, Stop> {
        let held = out.len();
        while out.len() == held {
            let Some(check) = self.check else {
                if !self.next_stream(raw)? {
                    return Ok(false);
                }
                continue;
            };
            match &mut self.block {
                None => self.next_block(raw, check)?,
                Some(block) => {
                    if block.decode(raw, out)?
                        && let Some(block) = self.block.take()
                    {
                        block.end(raw, check)?;
                    }
                }
            }
        }
        Ok(true)
    }
}
