//! gzip (RFC 1952). The framing is read here and not by a library because cut, wrong checksum, wrong length and trailing bytes have to be told
//! apart.

use flate2::Crc;

use super::codec::Codec;
use super::damage::Stop;
use super::deflate::{Inflate, Step};
use super::raw::Raw;

/// First bytes of a member.
pub(in crate::corpus) const MAGIC: &[u8] = &[0x1f, 0x8b];

/// Members of gzip.
pub(super) struct Gzip {
    inflate: Inflate,
    crc: Crc,
    first: bool,
    inside: bool,
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self { inflate: Inflate::new(), crc: Crc::new(), first: true, inside: false }
    }

    fn inflate(&mut self, raw: &mut Raw, out: &mut Vec<u8>) -> Result<usize, Stop> {
        let held = out.len();
        let step = self.inflate.step(raw, out)?;
        self.crc.update(&out[held..]);
        match step {
            Step::More => {}
            Step::End => self.trailer(raw)?,
            Step::Cut => return Err(Stop::damage("gzip_eof", "the gzip member is cut")),
            Step::Damaged => return Err(Stop::damage("gzip_data", "the deflate data is damaged")),
        }
        Ok(out.len() - held)
    }

    /// Header of the next member; `false` at the end of the file.
    fn next_member(&mut self, raw: &mut Raw) -> Result<bool, Stop> {
        if !std::mem::take(&mut self.first) && !raw.skip_zeros()? {
            return Ok(false);
        }
        let head = raw.peek(10)?;
        if !head.starts_with(MAGIC) {
            return Err(Stop::trailing("gzip_trailing", "something that is no gzip member follows"));
        }
        let Some(&[_, _, method, flags, ..]) = head.first_chunk::<10>() else {
            return Err(Stop::damage("gzip_eof", "the gzip header is cut"));
        };
        if method != 8 || flags & 0xe0 != 0 {
            return Err(Stop::damage("gzip_data", "the gzip header has an unknown method or reserved bits"));
        }
        raw.note_entry(0);
        raw.consume(10);
        if !skip_optional(raw, flags)? {
            return Err(Stop::damage("gzip_eof", "the gzip header is cut"));
        }
        self.inflate.reset();
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

impl Codec for Gzip {
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
