//! Any bytes as an HTTP response; its header ends at the first blank line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::corpus::http::body;

fuzz_target!(|response: &[u8]| {
    let end = response.windows(2).position(|pair| pair == b"\n\n").map_or(0, |at| at + 2);
    let (header, stored) = response.split_at(end);
    if let Ok(found) = body(header, stored, 1 << 16) {
        assert!(found.len() <= (1 << 16).max(stored.len()));
    }
});
