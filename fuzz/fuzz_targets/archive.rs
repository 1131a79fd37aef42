//! Any bytes as a package or an archive of a dictionary.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::segment::archive::members;

fuzz_target!(|bytes: &[u8]| {
    let _ = members("fuzz", (bytes, bytes.len() as u64), "", &|name| name.ends_with(".csv"));
});
