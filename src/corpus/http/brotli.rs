//! The br coding (RFC 7932), without its extension to windows above 16 MiB.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::fault::Fault;
use super::output::Output;
use super::plain::is_padding;
use crate::io::guard;

/// Decodes the body; `None` if it is no Brotli data, or damaged: there is nothing it could be known by.
pub(super) fn decode(body: &[u8], limit: u64) -> Result<Option<Vec<u8>>, Fault> {
    // The decoder checks its indices as it goes; where it panics on a hostile body, that costs the body.
    guard(|| decompress(body, limit)).unwrap_or(Ok(None))
}

fn decompress(body: &[u8], limit: u64) -> Result<Option<Vec<u8>>, Fault> {
    let mut state = BrotliState::new_strict(StandardAlloc::default(), StandardAlloc::default(), StandardAlloc::default());
    let mut output = Output::new(limit);
    let (mut left, mut read, mut total) = (body.len(), 0, 0);
    loop {
        let room = output.room()?;
        let (mut free, mut made) = (room.len(), 0);
        let result = BrotliDecompressStream(&mut left, &mut read, body, &mut free, &mut made, room, &mut total, &mut state);
        output.advance(made);
        match result {
            BrotliResult::NeedsMoreOutput => {}
            // Text that happens to decode does not do so to its end.
            BrotliResult::ResultSuccess if is_padding(&body[read..]) => return output.finish().map(Some),
            _ => return Ok(None),
        }
    }
}
