//! SHA-256 in lower-case hex, of bytes and of files.

use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::finished::open_file;
use crate::error::{Error, Result};

/// Of bytes.
pub fn sha256_of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Of a file of any size.
///
/// # Errors
/// Those of the system; refused where it is no file.
pub fn sha256_of_file(path: &Path) -> Result<String> {
    let mut file = open_file(path)?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 18]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(n) => hasher.update(&buffer[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io(path, "read", e)),
        }
    }
}

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0')).collect()
}
