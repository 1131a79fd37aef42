//! JSON that is known to be whole: a line, and its checksum in a second one.

use serde::Serialize;

use crate::error::{Error, Result};

/// The two lines of a value.
///
/// # Errors
/// [`Error::Internal`] if it cannot be written as JSON.
pub fn seal(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(value).map_err(|e| Error::internal(format!("JSON: {e}")))?;
    let hash = blake3::hash(&bytes).to_hex();
    bytes.push(b'\n');
    bytes.extend_from_slice(hash.as_bytes());
    bytes.push(b'\n');
    Ok(bytes)
}

/// The JSON of such a file, if its checksum holds.
pub fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let mut lines = bytes.split(|&b| b == b'\n');
    let (json, hash) = (lines.next()?, lines.next()?);
    (blake3::hash(json).to_hex().as_bytes() == hash && lines.next() == Some(b"") && lines.next().is_none()).then_some(json)
}
