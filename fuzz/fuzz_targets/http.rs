//! Any bytes as an HTTP response, cut at its first blank line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::corpus::http::body;

fuzz_target!(|response: &[u8]| {
    let cut = response.windows(2).position(|pair| pair == b"\n\n").map_or(0, |at| at + 2);
    let (header, stored) = response.split_at(cut);
    if let Ok(found) = body(header, stored, 1 << 16) {
        assert!(found.len() <= (1 << 16).max(stored.len()));
    }
});
