//! Any bytes as an envelope of DSSE, as a key, and as a statement or receipt: nothing panics, and nothing that nobody signed is believed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::pipeline::passport::{PAYLOAD_TYPE, Statement};
use seimai::pipeline::receipt::Receipt;
use seimai::pipeline::signature::envelope::Envelope;
use seimai::pipeline::signature::key::{PublicKey, SecretKey};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = (PublicKey::parse(text), SecretKey::parse(text).map(|key| key.public().id()));
    }
    let _ = serde_json::from_slice::<Statement>(bytes);
    let _ = serde_json::from_slice::<Receipt>(bytes);
    let key = SecretKey::generate().expect("random numbers");
    let (public, id) = (key.public(), key.public().id().expect("a name"));
    if let Ok(mut envelope) = Envelope::parse(bytes, PAYLOAD_TYPE) {
        assert!(envelope.check(&public, &id).is_err(), "nobody has this key");
        if let Ok(payload) = envelope.payload() {
            // A full list has no room for another one.
            if envelope.sign(&key).is_ok() {
                assert!(envelope.check(&public, &id).as_ref() == Ok(&payload));
                let written = serde_json::to_vec(&envelope).expect("an envelope");
                assert!(Envelope::parse(&written, PAYLOAD_TYPE).as_ref() == Ok(&envelope));
            }
        }
    }
});
