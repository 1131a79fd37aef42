//! Any bytes as `tokenizer.json`; a vocabulary that is accepted encodes and decodes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::bpe::encode::Encoder;
use seimai::bpe::huggingface::parse;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(tokenizer) = parse(bytes) {
        let mut ids = Vec::new();
        if Encoder::new(&tokenizer).worker().encode("精米 rice 123\n", &mut ids).is_ok() {
            let _ = tokenizer.decode(&ids);
        }
    }
});
