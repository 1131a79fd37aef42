//! The chunked transfer coding (RFC 9112, section 7.1).
//!
//! Many writers store the body joined and keep the header, so a body is taken for chunked only if it begins like one. The last chunk may
//! be missing, lines may end with LF alone, extensions and trailers are passed over.

use super::fault::Fault;

/// Joins the chunks; `None` if the body does not consist of chunks.
pub(super) fn decode(body: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    let Some(first) = Size::read(body) else { return Ok(None) };
    // A text may begin with a line that is a number. As the first chunk it proves itself, or at least ends its line as HTTP does.
    let Some((data, mut rest)) = chunk(body, &first) else { return if first.crlf { Err(Fault::CHUNKED) } else { Ok(None) } };
    if first.value == 0 {
        let is_end = rest.trim_ascii().is_empty() || first.crlf && rest.ends_with(b"\r\n\r\n");
        return Ok(is_end.then(Vec::new));
    }
    let mut joined = Vec::with_capacity(body.len());
    joined.extend_from_slice(data);
    while !rest.is_empty() {
        let size = Size::read(rest).ok_or(Fault::CHUNKED)?;
        let (data, behind) = chunk(rest, &size).ok_or(Fault::CHUNKED)?;
        if size.value == 0 {
            break;
        }
        joined.extend_from_slice(data);
        rest = behind;
    }
    Ok(Some(joined))
}

/// The data of a chunk, and what follows it; `None` if it does not end where it should.
fn chunk<'a>(bytes: &'a [u8], size: &Size) -> Option<(&'a [u8], &'a [u8])> {
    let (data, behind) = bytes.get(size.line..)?.split_at_checked(usize::try_from(size.value).ok()?)?;
    let rest = behind.strip_prefix(b"\r\n").or_else(|| behind.strip_prefix(b"\n"));
    // The body may end here, whatever is left of the line end; behind the last chunk come trailers.
    let ends = size.value == 0 || behind.is_empty() || behind == b"\r";
    rest.or(ends.then_some(if size.value == 0 { behind } else { b"" })).map(|rest| (data, rest))
}

/// The line before a chunk.
struct Size {
    value: u64,
    /// Length of the line, with its end.
    line: usize,
    crlf: bool,
}

impl Size {
    fn read(bytes: &[u8]) -> Option<Self> {
        let line = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
        let digits = bytes[..line].iter().take_while(|b| b.is_ascii_hexdigit()).count();
        let behind = bytes[digits..line].trim_ascii_start();
        if !behind.is_empty() && behind[0] != b';' {
            return None;
        }
        let value = u64::from_str_radix(std::str::from_utf8(&bytes[..digits]).ok()?, 16).ok()?;
        Some(Self { value, line, crlf: bytes[..line].ends_with(b"\r\n") })
    }
}
