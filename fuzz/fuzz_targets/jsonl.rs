//! Any bytes as a line of JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::corpus::jsonl::parse;

fuzz_target!(|line: &[u8]| {
    if let Ok(fields) = parse(line) {
        assert!(fields.text.len() <= line.len());
    }
});
