//! Any bytes as a zip.
#![no_main]

#[path = "../read.rs"]
mod read;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| read::all("a.zip", b"PK\\x03\\x04", bytes));
