//! Any bytes as a user dictionary: refused, or rows that the dictionary takes in.
#![no_main]

#[path = "../tiny.rs"]
mod tiny;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use seimai::segment::source::RawDictionary;
use seimai::segment::user;

static SYSTEM: OnceLock<RawDictionary> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let system = SYSTEM.get_or_init(tiny::raw);
    if let Ok(rows) = user::read(system, "input", bytes) {
        let mut extended = system.clone();
        if extended.add_user_rows(rows.entries).is_ok() {
            extended.check().expect("what is taken in is sound");
        }
    }
});
