//! The deflate coding: zlib data (RFC 1950), or bare deflate data (RFC 1951) as some servers send it.

use flate2::{Decompress, FlushDecompress, Status};

use super::fault::Fault;
use super::output::Output;
use super::plain::is_padding;

/// Inflates the body; `None` if it is in neither form, or damaged: bare deflate data has nothing to be known by.
pub(super) fn decode(body: &[u8], limit: u64) -> Result<Option<Vec<u8>>, Fault> {
    if is_zlib(body) {
        let mut output = Output::new(limit);
        if inflate(&mut Decompress::new(true), body, &mut output)?.is_some() {
            return output.finish().map(Some);
        }
    }
    let mut output = Output::new(limit);
    match inflate(&mut Decompress::new(false), body, &mut output)? {
        // Text that happens to inflate does not do so to its end.
        Some(length) if is_padding(&body[length..]) => output.finish().map(Some),
        _ => Ok(None),
    }
}

/// The two bytes before zlib data: deflate with a window of 32 KiB at most, and a remainder.
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [method, flags, ..] if method & 0x8f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31))
}

/// Inflates up to the end of the data; gives its length, or `None` if it is damaged or cut.
pub(super) fn inflate(state: &mut Decompress, input: &[u8], output: &mut Output) -> Result<Option<usize>, Fault> {
    let (start_in, start_out) = (state.total_in(), state.total_out());
    let (mut read, mut made) = (0, 0);
    loop {
        let status = state.decompress(&input[read..], output.room()?, FlushDecompress::None);
        let (read_before, made_before) = (read, made);
        read = (state.total_in() - start_in) as usize;
        made = (state.total_out() - start_out) as usize;
        output.advance(made - made_before);
        match status {
            Ok(Status::StreamEnd) => return Ok(Some(read)),
            Ok(_) if read > read_before || made > made_before => {}
            _ => return Ok(None),
        }
    }
}
