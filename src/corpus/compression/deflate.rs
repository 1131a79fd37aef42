//! Deflate (RFC 1951): the data of gzip and of most zip members.

use flate2::{Decompress, FlushDecompress, Status};

use super::codec::Codec;
use super::damage::Stop;
use super::raw::Raw;

/// Window of deflate.
const WINDOW: usize = 1 << 15;

/// A decoder that keeps every byte before damage.
pub(super) struct Inflate(Decompress);

/// What a step came to.
pub(super) enum Step {
    /// There is more to do.
    More,
    /// The data ended.
    End,
    /// The file ended before the data did.
    Cut,
    /// The data is damaged.
    Damaged,
}

impl Inflate {
    pub(super) fn new() -> Self {
        Self(Decompress::new(false))
    }

    /// Begins anew.
    pub(super) fn reset(&mut self) {
        self.0.reset(false);
    }

    /// Decodes some bytes.
    pub(super) fn step(&mut self, raw: &mut Raw, out: &mut Vec<u8>) -> std::io::Result<Step> {
        let input = raw.fill()?;
        let ended = input.is_empty();
        let held = out.len();
        // Room exactly to the end of the decoder's window: with less or more it keeps decoded bytes back, and loses them at damage.
        out.resize(held + WINDOW - self.0.total_out() as usize % WINDOW, 0);
        let (read_before, made_before) = (self.0.total_in(), self.0.total_out());
        let status = self.0.decompress(input, &mut out[held..], FlushDecompress::None);
        let made = (self.0.total_out() - made_before) as usize;
        out.truncate(held + made);
        raw.decoded += made as u64;
        raw.consume((self.0.total_in() - read_before) as usize);
        Ok(match status {
            Ok(Status::StreamEnd) => Step::End,
            Ok(_) if ended && made == 0 => Step::Cut,
            Ok(_) => Step::More,
            Err(_) => Step::Damaged,
        })
    }
}

/// Deflate without a frame, as zip has it. Lengths and checksums are the archive's.
pub(super) struct Deflate {
    inflate: Inflate,
    ended: bool,
}

impl Deflate {
    pub(super) fn new() -> Self {
        Self { inflate: Inflate::new(), ended: false }
    }
}

impl Codec for Deflate {
    fn read(&mut self, raw: &mut Raw, out: &mut Vec<u8>) -> Result<bool, Stop> {
        let held = out.len();
        while !self.ended && out.len() == held {
            match self.inflate.step(raw, out)? {
                Step::More => {}
                Step::End => self.ended = true,
                Step::Cut => return Err(Stop::damage("zip_eof", "the compressed data of the zip member is cut")),
                Step::Damaged => return Err(Stop::damage("zip_data", "the compressed data of the zip member is damaged")),
            }
        }
        Ok(out.len() > held)
    }
}
