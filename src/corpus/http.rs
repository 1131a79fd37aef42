//! The body of an HTTP response as the sender meant it: transfer and content codings are undone.
//!
//! Headers lie both ways, so a body is judged by what it is. One that is stored without the coding its header names stays as it is; so does
//! one in a coding of which the header says nothing. A body that is damaged or cut is a [`Fault`] as a whole: half a page is no page, and
//! what a damaged coding gives may be garbage. What follows the end of a coding is no part of the body.

mod brotli;
mod chunked;
mod deflate;
mod fault;
mod gzip;
mod header;
mod output;
mod plain;
mod zstandard;

use std::borrow::Cow;

pub use self::fault::Fault;
use self::header::Coding;

/// The body with all codings undone that `header` (status line and fields, as they were sent) names. Holds at most `limit` decoded bytes
/// and as many of the coding before.
///
/// # Errors
/// The reason for which the record goes to quarantine: `http_chunked`, `http_gzip`, `http_deflate`, `http_brotli`, `http_zstd` for a
/// damaged or cut body, `http_coding` for one in a coding that is not read, or in too many, `http_too_long` above `limit`.
pub fn body<'a>(header: &[u8], body: &'a [u8], limit: u64) -> Result<Cow<'a, [u8]>, Fault> {
    let mut body = Cow::Borrowed(body);
    // The last coding that was applied is the first to be undone.
    for coding in header::codings(header)?.into_iter().rev() {
        if let Some(decoded) = undo(coding, &body, limit)? {
            body = Cow::Owned(decoded);
        }
    }
    Ok(body)
}

/// The body without the coding; `None` if it is not in it.
fn undo(coding: Coding, body: &[u8], limit: u64) -> Result<Option<Vec<u8>>, Fault> {
    if body.is_empty() {
        return Ok(None);
    }
    match by_name(coding, body, limit) {
        Ok(None) if coding == Coding::Chunked => Ok(None),
        Ok(Some(decoded)) => Ok(Some(decoded)),
        Ok(None) => match by_magic(body, limit)? {
            None if !plain::is_text(body) => Err(coding.fault()),
            found => Ok(found),
        },
        // Text that only began like the coding.
        Err(_) if coding != Coding::Chunked && plain::is_text(body) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Undoes the coding the header names; `None` if the body is not in it, as far as that can be told.
fn by_name(coding: Coding, body: &[u8], limit: u64) -> Result<Option<Vec<u8>>, Fault> {
    match coding {
        Coding::Chunked => chunked::decode(body),
        Coding::Gzip => gzip::decode(body, limit),
        Coding::Deflate => deflate::decode(body, limit),
        Coding::Brotli => brotli::decode(body, limit),
        Coding::Zstd => zstandard::decode(body, limit),
        Coding::Unknown => Ok(None),
    }
}

/// Undoes a coding that the body shows by its first bytes, for the header named a wrong one.
fn by_magic(body: &[u8], limit: u64) -> Result<Option<Vec<u8>>, Fault> {
    match gzip::decode(body, limit)? {
        None => zstandard::decode(body, limit),
        decoded => Ok(decoded),
    }
}

#[cfg(test)]
mod tests;
