//! The gzip coding (RFC 1952): all members, each checked by its checksum and length.

use flate2::{Crc, Decompress};

use super::deflate::inflate;
use super::fault::Fault;
use super::output::Output;

const MAGIC: &[u8] = &[0x1f, 0x8b];
/// Flags of a header: checksum, extra field, name, comment, and those that are reserved.
const HEADER_CRC: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

/// Inflates the members; `None` if the body does not begin with one.
pub(super) fn decode(body: &[u8], limit: u64) -> Result<Option<Vec<u8>>, Fault> {
    if !body.starts_with(MAGIC) {
        return Ok(None);
    }
    let (mut state, mut output) = (Decompress::new(false), Output::new(limit));
    let mut rest = body;
    while rest.starts_with(MAGIC) {
        state.reset(false);
        rest = member(rest, &mut state, &mut output)?.ok_or(Fault::GZIP)?;
    }
    output.finish().map(Some)
}

/// Inflates a member; gives what follows it, or `None` if it is damaged.
fn member<'a>(bytes: &'a [u8], state: &mut Decompress, output: &mut Output) -> Result<Option<&'a [u8]>, Fault> {
    let start = output.written().len();
    let Some(data) = behind_header(bytes) else { return Ok(None) };
    let Some(length) = inflate(state, data, output)? else { return Ok(None) };
    Ok(behind_trailer(&data[length..], &output.written()[start..]))
}

fn behind_header(bytes: &[u8]) -> Option<&[u8]> {
    let (&[_, _, method, flags, ..], mut rest) = bytes.split_first_chunk::<10>()?;
    if method != 8 || flags & RESERVED != 0 {
        return None;
    }
    if flags & EXTRA != 0 {
        let (length, behind) = rest.split_first_chunk::<2>()?;
        rest = behind.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for flag in [NAME, COMMENT] {
        if flags & flag != 0 {
            rest = rest.get(memchr::memchr(0, rest)? + 1..)?;
        }
    }
    if flags & HEADER_CRC == 0 { Some(rest) } else { rest.get(2..) }
}

fn behind_trailer<'a>(bytes: &'a [u8], decoded: &[u8]) -> Option<&'a [u8]> {
    let (trailer, rest) = bytes.split_first_chunk::<8>()?;
    let mut crc = Crc::new();
    crc.update(decoded);
    let expected = [crc.sum().to_le_bytes(), crc.amount().to_le_bytes()];
    (trailer[..] == *expected.as_flattened()).then_some(rest)
}
