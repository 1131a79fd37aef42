//! Any bytes behind the magic number of each codec.
#![no_main]

#[path = "../read.rs"]
mod read;

use libfuzzer_sys::fuzz_target;

const MAGIC: [&[u8]; 7] = [
    b"\x1f\x8b\x08\0\0\0\0\0\0\xff",
    b"\x28\xb5\x2f\xfd",
    b"BZh1\x31\x41\x59\x26\x53\x59",
    b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46",
    b"\x04\x22\x4d\x18",
    b"]\0\0\x10\0\xff\xff\xff\xff\xff\xff\xff\xff\0",
    b"",
];

fuzz_target!(|bytes: &[u8]| {
    if let Some((which, rest)) = bytes.split_first() {
        read::all("a.jsonl", MAGIC[usize::from(*which) % MAGIC.len()], rest);
    }
});
