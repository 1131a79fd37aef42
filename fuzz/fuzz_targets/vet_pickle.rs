//! Any bytes as pickles: nothing panics, and what is said to be read lies inside.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::pipeline::vet::pickle::scan;

fuzz_target!(|bytes: &[u8]| {
    let found = scan(&bytes, 0);
    assert!(found.end <= bytes.len() as u64 && (found.fault.is_some() || found.whole > 0));
});
