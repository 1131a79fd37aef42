//! lz4 frames, one after the other. The frames are read here and not by a library because cut, damaged and trailing bytes have to be told
//! apart; their blocks are decoded by one.

use std::hash::Hasher;

use twox_hash::XxHash32;

use super::codec::Codec;
use super::damage::Stop;
use super::raw::Raw;
use super::zstandard::is_skippable;

/// First bytes of a frame.
pub(in crate::corpus) const MAGIC: &[u8] = &[0x04, 0x22, 0x4d, 0x18];
/// How far back a block may refer to those before it.
const WINDOW: usize = 1 << 16;
/// Marks a block that is stored.
const STORED: u32 = 1 << 31;

/// Frames of lz4.
pub(super) struct Lz4 {
    frame: Option<Frame>,
    first: bool,
    /// The last bytes decoded, where blocks refer to those before them.
    history: Vec<u8>,
    block: Vec<u8>,
}

/// A frame that has begun.
struct Frame {
    linked: bool,
    block_checksums: bool,
    block_max: usize,
    /// Decoded bytes that are still announced.
    size: Option<u64>,
    checksum: Option<XxHash32>,
}

fn checksum(bytes: &[u8]) -> u32 {
    XxHash32::oneshot(0, bytes)
}

fn cut() -> Stop {
    Stop::damage("lz4_eof", "the lz4 frame is cut")
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

impl Lz4 {
    pub(super) fn new() -> Self {
        Self { frame: None, first: true, history: Vec::new(), block: Vec::new() }
    }

    /// Steps to the next frame, over skippable ones; `false` at the end of the file.
    fn next_frame(&mut self, raw: &mut Raw) -> Result<bool, Stop> {
        loop {
            if !std::mem::take(&mut self.first) && !raw.skip_zeros()? {
                return Ok(false);
            }
            let head = raw.peek(8)?;
            if head.starts_with(MAGIC) {
                break;
            }
            if !is_skippable(head) {
                return Err(Stop::trailing("lz4_trailing", "something that is no lz4 frame follows"));
            }
            let size = head.get(4..).and_then(number).map_or(u64::MAX, u64::from);
            if !raw.skip(size.saturating_add(8))? {
                return Err(Stop::trailing("lz4_eof", "a skippable lz4 frame is cut"));
            }
        }
        raw.note_entry(0);
        self.frame = Some(header(raw)?);
        self.history.clear();
        Ok(true)
    }

    /// The next block; `false` at the end of the frame.
    fn block(&mut self, raw: &mut Raw, out: &mut Vec<u8>) -> Result<bool, Stop> {
        let Some(frame) = &mut self.frame else { return Ok(false) };
        let announced = number(raw.peek(4)?).ok_or_else(cut)?;
        if announced == 0 {
            raw.consume(4);
            let frame = self.frame.take();
            if frame.as_ref().and_then(|frame| frame.size).is_some_and(|size| size != 0) {
                return Err(Stop::damage("lz4_size", "the size of the lz4 frame is wrong"));
            }
            let Some(hash) = frame.and_then(|frame| frame.checksum) else { return Ok(false) };
            let expected = number(raw.peek(4)?).ok_or_else(cut)?;
            raw.consume(4);
            let is_right = expected == hash.finish_32();
            return if is_right { Ok(false) } else { Err(Stop::damage("lz4_checksum", "the checksum of the lz4 frame is wrong")) };
        }
        let size = (announced & !STORED) as usize;
        let damaged = || Stop::damage("lz4_block", "a block of lz4 is damaged");
        if size > frame.block_max {
            return Err(damaged());
        }
        let whole = 4 + size + if frame.block_checksums { 4 } else { 0 };
        let bytes = raw.peek(whole)?.get(4..whole).ok_or_else(cut)?;
        let (data, rest) = bytes.split_at(size);
        if frame.block_checksums && number(rest) != Some(checksum(data)) {
            return Err(Stop::damage("lz4_checksum", "the checksum of an lz4 block is wrong"));
        }
        let decoded = if announced & STORED == 0 {
            self.block.resize(frame.block_max, 0);
            let made = lz4_flex::block::decompress_into_with_dict(data, &mut self.block, &self.history).map_err(|_| damaged())?;
            &self.block[..made]
        } else {
            data
        };
        if let Some(left) = &mut frame.size {
            *left = left.checked_sub(decoded.len() as u64).ok_or_else(|| Stop::damage("lz4_size", "the size of the lz4 frame is wrong"))?;
        }
        if let Some(hash) = &mut frame.checksum {
            hash.write(decoded);
        }
        if frame.linked {
            self.history.extend_from_slice(&decoded[decoded.len().saturating_sub(WINDOW)..]);
            self.history.drain(..self.history.len().saturating_sub(WINDOW));
        }
        out.extend_from_slice(decoded);
        let made = decoded.len() as u64;
        raw.decoded += made;
        raw.consume(whole);
        Ok(true)
    }
}

/// The header of a frame, behind its magic number.
fn header(raw: &mut Raw) -> Result<Frame, Stop> {
    let bad = |message| Stop::damage("lz4_header", message);
    let head = raw.peek(19)?;
    let (flags, sizes) = match head {
        [_, _, _, _, flags, sizes, ..] => (*flags, *sizes),
        _ => return Err(cut()),
    };
    let has = |bit: u8| flags >> bit & 1 == 1;
    let length = 6 + if has(3) { 8 } else { 0 } + if has(0) { 4 } else { 0 };
    let (fields, expected) = (head.get(4..length).ok_or_else(cut)?, *head.get(length).ok_or_else(cut)?);
    if flags >> 6 != 1 || has(1) || sizes & 0x8f != 0 || sizes < 0x40 {
        return Err(bad("the header of the lz4 frame is of another version, or has reserved bits"));
    }
    if (checksum(fields) >> 8) as u8 != expected {
        return Err(bad("the checksum of the header of the lz4 frame is wrong"));
    }
    if has(0) {
        return Err(Stop::damage("lz4_dictionary", "the lz4 frame needs a dictionary"));
    }
    let size = fields.get(2..10).and_then(|bytes| bytes.first_chunk()).filter(|_| has(3)).map(|bytes| u64::from_le_bytes(*bytes));
    let block_max = 1 << (8 + 2 * (sizes >> 4));
    raw.consume(length + 1);
    let checksum = has(2).then(|| XxHash32::with_seed(0));
    Ok(Frame { linked: !has(5), block_checksums: has(4), block_max, size, checksum })
}

impl Codec for Lz4 {
    fn read(&mut self, raw: &mut Raw, out: &mut Vec<u8>) -> Result<bool, Stop> {
        let held = out.len();
        while out.len() == held {
            if self.frame.is_none() && !self.next_frame(raw)? {
                return Ok(false);
            }
            self.block(raw, out)?;
        }
        Ok(true)
    }
}
