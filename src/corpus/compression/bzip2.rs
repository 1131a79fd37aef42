//! bzip2: streams of blocks. A block is told by its first 48 bits, which stand anywhere in a byte, and decodes without those before it: each is
//! given to the library as a stream of its own. So decoding can begin at any block, and of a damaged one nothing is taken.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use bzip2::{Decompress, Status};

use super::codec::Codec;
use super::damage::Stop;
use super::entry::Entry;
use super::raw::Raw;
use crate::io::Input;

/// First bits of a block, and of the end of a stream.
const BLOCK: u64 = 0x3141_5926_5359;
const END: u64 = 0x1772_4538_5090;
/// Bits of either.
const MARK: usize = 48;
/// Bits of a checksum.
const CHECKSUM: usize = 32;
/// Bytes of the header of a stream.
const HEADER: usize = 4;
/// A block holds 900,000 symbols of at most 20 bits, and its tables: none is longer.
const BLOCK_MAX: usize = 5 << 19;
/// Bits that look like a mark inside of a block are rarer than damage of memory; more than so many are made on purpose.
const MARKS_TRIED: usize = 4;
/// Bytes of the file that a piece has at least.
const PIECE: u64 = 1 << 20;
/// Decoded bytes that are made room for at a time.
const STEP: usize = 1 << 20;

/// Streams of bzip2.
pub(super) struct Bzip2 {
    /// What follows is a block or the end of a stream; else a stream or the end of the file.
    inside: bool,
    /// Bits of the next byte that were read.
    bits: usize,
    first: bool,
    /// Where to end, if not at the end of the file.
    end: Option<Entry>,
}

/// Does a file that begins so hold streams of bzip2? Three letters would be little proof.
pub(in crate::corpus) fn is_bzip2(head: &[u8]) -> bool {
    is_header(head) && head.get(HEADER..).is_some_and(|rest| [BLOCK, END].contains(&bits_at(rest, 0, MARK)) && rest.len() >= MARK / 8)
}

fn is_header(head: &[u8]) -> bool {
    matches!(head, [b'B', b'Z', b'h', b'1'..=b'9', ..])
}

/// Up to 56 bits from a bit on; zeros behind the end.
fn bits_at(bytes: &[u8], bit: usize, count: usize) -> u64 {
    let of_8 = (bit / 8..bit / 8 + 8).fold(0, |sum, at| sum << 8 | u64::from(bytes.get(at).copied().unwrap_or(0)));
    (of_8 << (bit % 8)) >> (64 - count)
}

/// Finds five whole bytes of a mark, wherever in a byte it begins; which mark and where is told by the number of the pattern.
static MARKS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let whole = |mark: u64, shift: usize| ((mark << 16 >> shift).to_be_bytes()[usize::from(shift > 0)..][..5]).to_vec();
    let patterns = (0..8).flat_map(|shift| [whole(BLOCK, shift), whole(END, shift)]);
    AhoCorasick::builder().match_kind(MatchKind::Standard).build(patterns).ok()
});

/// The bit at which the next mark begins, not before `from`.
fn next_mark(bytes: &[u8], from: usize) -> Option<usize> {
    let finder = MARKS.as_ref()?;
    for found in finder.find_overlapping_iter(bytes.get(from / 8..)?) {
        let (at, shift) = (from / 8 + found.start(), found.pattern().as_usize() / 2);
        let Some(bit) = (8 * at + shift).checked_sub(if shift > 0 { 8 } else { 0 }) else { continue };
        if bit >= from && bit + MARK <= 8 * bytes.len() && [BLOCK, END].contains(&bits_at(bytes, bit, MARK)) {
            return Some(bit);
        }
    }
    None
}

impl Bzip2 {
    /// A decoder at an entry: the start of a file or stream, or a block. `next` are the bytes there.
    pub(super) fn at(entry: Entry, next: &[u8]) -> Self {
        let inside = entry.bits > 0 || !next.starts_with(b"BZh");
        Self { inside, bits: usize::from(entry.bits), first: !inside, end: None }
    }

    /// One that ends at another entry, or behind it if none is there.
    pub(super) fn until(self, end: Entry) -> Self {
        Self { end: Some(end), ..self }
    }

    /// Header of the next stream; `false` at the end of the file.
    fn next_stream(&mut self, raw: &mut Raw) -> Result<bool, Stop> {
        if !std::mem::take(&mut self.first) && !raw.skip_zeros()? {
            return Ok(false);
        }
        let head = raw.peek(HEADER)?;
        if !is_header(head) {
            return Err(Stop::trailing("bz2_trailing", "something that is no bzip2 stream follows"));
        }
        raw.note_entry(0);
        raw.consume(HEADER);
        (self.inside, self.bits) = (true, 0);
        Ok(true)
    }

    /// The next block, or the end of the stream.
    fn block(&mut self, raw: &mut Raw, out: &mut Vec<u8>) -> Result<(), Stop> {
        let start = self.bits;
        let bytes = raw.peek(BLOCK_MAX)?;
        let cut = || Stop::damage("bz2_eof", "the bzip2 stream is cut");
        if 8 * bytes.len() < start + MARK + CHECKSUM {
            return Err(cut());
        }
        let checksum = bits_at(bytes, start + MARK, CHECKSUM) as u32;
        match bits_at(bytes, start, MARK) {
            END => {
                // The checksum of the stream is made of those of its blocks, which were compared.
                raw.consume((start + MARK + CHECKSUM).div_ceil(8));
                (self.inside, self.bits) = (false, 0);
                return Ok(());
            }
            BLOCK => {}
            _ => return Err(Stop::damage("bz2_data", "no block of bzip2 where one begins")),
        }
        let held = out.len();
        let mut from = start + MARK + CHECKSUM;
        let mut fault = None;
        for _ in 0..MARKS_TRIED {
            let Some(end) = next_mark(bytes, from) else { break };
            match decode(bytes, start, end, checksum, out) {
                Ok(()) => {
                    raw.note_entry(start as u8);
                    raw.decoded += (out.len() - held) as u64;
                    self.bits = end % 8;
                    raw.consume(end / 8);
                    return Ok(());
                }
                Err(stop) => fault = Some(stop),
            }
            out.truncate(held);
            from = end + 1;
        }
        Err(fault.unwrap_or_else(|| if bytes.len() < BLOCK_MAX { cut() } else { damaged() }))
    }
}

/// The next place behind a piece of the file at which decoding can begin, or the end of the file.
pub(super) fn next_start(file: &Input, start: Entry, length: u64) -> std::io::Result<Entry> {
    let mut window = vec![0; BLOCK_MAX];
    let mut at = start.file + PIECE - HEADER as u64;
    while at < length {
        let read = file.read_at(&mut window, at)?;
        let bytes = &window[..read];
        // The header of a stream may stand before a mark; one nearer to the start of the window has been seen.
        let mut from = 8 * HEADER;
        while let Some(bit) = next_mark(bytes, from) {
            from = bit + 1;
            if bits_at(bytes, bit, MARK) != BLOCK {
                continue;
            }
            // A block that stands behind the header of a stream begins with it.
            let header = (bit % 8 == 0).then(|| (bit / 8).checked_sub(HEADER)).flatten().filter(|at| is_header(&bytes[*at..]));
            let byte = header.unwrap_or(bit / 8);
            return Ok(Entry { file: at + byte as u64, bits: (bit % 8) as u8, decoded: 0 });
        }
        if read < BLOCK_MAX {
            break;
        }
        // A mark may lie across the end of the window, behind its header.
        at += (read - HEADER - MARK / 8) as u64;
    }
    Ok(Entry { file: length, ..Entry::default() })
}

fn damaged() -> Stop {
    Stop::damage("bz2_data", "the bzip2 data is damaged")
}

/// Decodes the bits of one block.
fn decode(bytes: &[u8], start: usize, end: usize, checksum: u32, out: &mut Vec<u8>) -> Result<(), Stop> {
    let mut input = b"BZh9".to_vec();
    let shift = start % 8;
    let used = &bytes[start / 8..end.div_ceil(8)];
    let next = used.iter().skip(1).chain([&0]);
    input.extend(used.iter().zip(next).map(|(byte, next)| (u16::from_be_bytes([*byte, *next]) << shift >> 8) as u8));
    // The mark of the end and the checksum of the stream, which is that of its only block, behind the last bit.
    let bits = end - start;
    input.truncate(HEADER + bits.div_ceil(8));
    let tail = u128::from(END) << CHECKSUM | u128::from(checksum);
    let (part, free) = (bits % 8, (8 - bits % 8) % 8);
    let tail = (tail << (128 - MARK - CHECKSUM)).to_be_bytes();
    if part > 0
        && let Some(last) = input.last_mut()
    {
        *last = *last >> free << free | tail[0] >> part;
    }
    let shifted = u128::from_be_bytes(tail) << free;
    input.extend_from_slice(&shifted.to_be_bytes()[..(MARK + CHECKSUM) / 8]);

    let mut decoder = Decompress::new(false);
    loop {
        let fed = decoder.total_in() as usize;
        out.reserve(STEP);
        let before = out.len();
        let result = decoder.decompress_vec(&input[fed.min(input.len())..], out);
        let goes_on = decoder.total_in() as usize > fed || out.len() > before;
        match result {
            Ok(Status::StreamEnd) => return Ok(()),
            Ok(_) if goes_on => {}
            // Everything decoded: it is the checksum that does not fit.
            Err(_) if decoder.total_in() as usize + MARK / 8 >= input.len() => {
                return Err(Stop::damage("bz2_crc", "the checksum of a bzip2 block is wrong"));
            }
            Ok(_) | Err(_) => return Err(damaged()),
        }
    }
}

impl Codec for Bzip2 {
    fn read(&mut self, raw: &mut Raw, out: &mut Vec<u8>) -> Result<bool, Stop> {
        let held = out.len();
        while out.len() == held {
            if self.end.is_some_and(|end| (raw.total, self.bits) >= (end.file, usize::from(end.bits))) {
                // Behind the end: it was none, which the bytes tell.
                raw.consume(usize::from(self.end.is_some_and(|end| self.bits > usize::from(end.bits))));
                return Ok(false);
            }
            if !self.inside && !self.next_stream(raw)? {
                return Ok(false);
            }
            self.block(raw, out)?;
        }
        Ok(true)
    }
}
