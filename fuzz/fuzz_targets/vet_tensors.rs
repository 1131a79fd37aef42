//! Any bytes as safetensors, GGUF and an array of numpy: nothing panics, and nothing is larger than what is there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::pipeline::vet::{gguf, numpy, safetensors};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(found) = safetensors::check(&bytes, safetensors::HEADER_MAX) {
        assert!(found.header + 8 <= bytes.len() as u64);
    }
    if let Ok(found) = gguf::check(&[b"GGUF\x03\0\0\0", bytes].concat()) {
        assert!(found.tensors <= bytes.len() as u64);
    }
    if let Ok(found) = numpy::check(&[b"\x93NUMPY", bytes].concat()) {
        assert!(found.data <= bytes.len() as u64 + 6);
    }
});
