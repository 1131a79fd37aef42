//! Any bytes as a JSON document: values end where they end, in one go or in two.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::corpus::json::{ValueEnd, blanks, is_document};

fuzz_target!(|bytes: &[u8]| {
    is_document(bytes, true);
    is_document(bytes, false);
    let bytes = &bytes[blanks(bytes)..];
    let (end, is_whole) = ValueEnd::default().find(bytes, 0);
    assert!(end <= bytes.len());
    let (half, mut in_two) = (&bytes[..bytes.len() / 2], ValueEnd::default());
    let (at, early) = in_two.find(half, 0);
    assert!(early || in_two.find(bytes, at) == (end, is_whole));
});
