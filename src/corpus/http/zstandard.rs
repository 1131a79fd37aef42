//! The zstd coding (RFC 8878): all frames, with windows up to 128 MiB.

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::fault::Fault;
use super::output::Output;

const MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// Largest window, as a power of two.
const WINDOW_LOG_MAX: u32 = 27;

/// Decodes the frames; `None` if the body does not begin with one.
pub(super) fn decode(body: &[u8], limit: u64) -> Result<Option<Vec<u8>>, Fault> {
    if !is_frame(body) {
        return Ok(None);
    }
    let mut decoder = decoder().ok_or(Fault::ZSTD)?;
    let mut output = Output::new(limit);
    let mut rest = body;
    while is_frame(rest) {
        rest = frame(rest, &mut decoder, &mut output)?;
    }
    output.finish().map(Some)
}

fn decoder() -> Option<Decoder<'static>> {
    let mut decoder = Decoder::new().ok()?;
    decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).ok()?;
    Some(decoder)
}

/// Data or, to be skipped, anything.
fn is_frame(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) || matches!(bytes, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// Decodes a frame; gives what follows it.
fn frame<'a>(bytes: &'a [u8], decoder: &mut Decoder<'_>, output: &mut Output) -> Result<&'a [u8], Fault> {
    let mut from = InBuffer::around(bytes);
    loop {
        let before = from.pos();
        let mut to = OutBuffer::around(output.room()?);
        let result = decoder.run(&mut from, &mut to);
        let made = to.pos();
        output.advance(made);
        match result {
            Ok(0) => return Ok(&bytes[from.pos()..]),
            Ok(_) if from.pos() > before || made > 0 => {}
            _ => return Err(Fault::ZSTD),
        }
    }
}
