//! zstd (RFC 8878): all frames, skippable ones skipped.

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::codec::Codec;
use super::damage::Stop;
use super::raw::{CHUNK, Raw};
use super::zstd_dictionary;

/// Bytes of the header of a block.
const BLOCK_HEADER: usize = 3;
/// Largest window, as a power of two.
const WINDOW_LOG_MAX: u32 = 27;
/// First bytes of a frame.
pub(in crate::corpus) const MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Frames of zstd.
pub(super) struct Zstd {
    decoder: Decoder<'static>,
    first: bool,
    inside: bool,
    /// Bytes that the decoder wants next: the rest of a header, or a block. Given more, it would lose what it decoded in the same
    /// call before damage, and how much that is would depend on where reading began.
    wanted: usize,
}

/// Bytes of a zstd frame that are given first: enough to know the size of its header.
const FIRST: usize = 5;

/// Is it a frame that is skipped? Those of zstd and lz4 are the same.
pub(super) fn is_skippable(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

impl Zstd {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self { decoder: Self::decoder(&[])?, first: true, inside: false, wanted: FIRST })
    }

    /// At an entry of a file, of which `start` is the start.
    pub(super) fn inside(start: &mut Raw) -> std::io::Result<Self> {
        let mut zstd = Self::new()?;
        zstd.load_dictionary(start)?;
        Ok(zstd)
    }

    fn decoder(dictionary: &[u8]) -> std::io::Result<Decoder<'static>> {
        let mut decoder = Decoder::with_dictionary(dictionary)?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
        Ok(decoder)
    }

    /// The frame at the start of a file may hold the dictionary of all others. It is looked at, not consumed.
    fn load_dictionary(&mut self, raw: &mut Raw) -> std::io::Result<()> {
        let Some(length) = zstd_dictionary::frame_length(raw.ahead(zstd_dictionary::HEADER)?) else { return Ok(()) };
        if let Some(dictionary) = zstd_dictionary::of_frame(raw.ahead(length)?) {
            self.decoder = Self::decoder(&dictionary)?;
        }
        Ok(())
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
        if self.wanted > BLOCK_HEADER { self.wanted - BLOCK_HEADER } else { self.wanted }
    }

    /// Steps to the next frame, over skippable ones; `false` at the end of the file.
    fn next_frame(&mut self, raw: &mut Raw) -> Result<bool, Stop> {
        if std::mem::take(&mut self.first) {
            self.load_dictionary(raw)?;
        } else if !raw.skip_zeros()? {
            return Ok(false);
        }
        let head = raw.peek(8)?;
        if head.starts_with(MAGIC) {
            raw.note_entry(0);
            self.wanted = FIRST;
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

impl Codec for Zstd {
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
