//! The format of files `.lzma`: LZMA without a frame. It has neither magic number nor checksum; newer tools write xz.

use liblzma::stream::{Action, Error, Status, Stream};

use super::codec::Codec;
use super::damage::Stop;
use super::raw::{CHUNK, Raw};

/// Bytes of the header, and the first of the data.
const HEAD: usize = 14;
/// Memory for a dictionary of 128 MiB.
const MEMORY_MAX: u64 = 160 << 20;

/// One stream of LZMA.
pub(super) struct Lzma {
    decoder: Stream,
    ended: bool,
}

/// Does a file that begins so hold it? The properties that everybody uses, a dictionary of a usual size, an unknown size or one below 256 GiB,
/// and the zero with which the data begins: what the tools themselves ask for.
pub(in crate::corpus) fn is_lzma(head: &[u8]) -> bool {
    let Some([0x5d, a, b, c, d, size @ .., 0]) = head.first_chunk::<HEAD>() else { return false };
    let dictionary = u64::from(u32::from_le_bytes([*a, *b, *c, *d]));
    let size = size.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let is_usual = dictionary.is_power_of_two() || dictionary % 3 == 0 && (dictionary / 3).is_power_of_two();
    dictionary >= 1 << 12 && is_usual && (size == u64::MAX || size < 1 << 38)
}

impl Lzma {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self { decoder: Stream::new_lzma_decoder(MEMORY_MAX)?, ended: false })
    }
}

impl Codec for Lzma {
    fn read(&mut self, raw: &mut Raw, out: &mut Vec<u8>) -> Result<bool, Stop> {
        while !self.ended {
            let (made, result) = step(&mut self.decoder, raw, out)?;
            match result {
                Ok(Status::StreamEnd) => {
                    self.ended = true;
                    if !raw.fill()?.is_empty() && raw.skip_zeros()? {
                        return Err(Stop::trailing("lzma_trailing", "something follows the LZMA data"));
                    }
                }
                Ok(_) if made == 0 && raw.fill()?.is_empty() => return Err(Stop::damage("lzma_eof", "the LZMA data is cut")),
                Ok(_) => {}
                Err(Error::MemLimit) => return Err(Stop::damage("lzma_memory", "the LZMA data wants more than 128 MiB")),
                // The data asks for no more than it may: it is the machine that has no memory.
                Err(Error::Mem) => return Err(Stop::Io(std::io::ErrorKind::OutOfMemory.into())),
                Err(_) => return Err(Stop::damage("lzma_data", "the LZMA data is damaged")),
            }
            if made > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Decodes some bytes: how many were made, and what the decoder says. Those before damage are kept.
pub(super) fn step(decoder: &mut Stream, raw: &mut Raw, out: &mut Vec<u8>) -> std::io::Result<(usize, Result<Status, Error>)> {
    let input = raw.fill()?;
    let held = out.len();
    out.resize(held + CHUNK, 0);
    let (read_before, made_before) = (decoder.total_in(), decoder.total_out());
    let result = decoder.process(input, &mut out[held..], Action::Run);
    let made = (decoder.total_out() - made_before) as usize;
    out.truncate(held + made);
    raw.decoded += made as u64;
    raw.consume((decoder.total_in() - read_before) as usize);
    Ok((made, result))
}
