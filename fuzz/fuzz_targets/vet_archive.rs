//! Any bytes as a zip and as a tar: members lie inside, and what they unpack to has its limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::pipeline::vet::bytes::head;
use seimai::pipeline::vet::{tar, zip};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(directory) = zip::read(&bytes) {
        for member in directory.members.iter().take(100) {
            assert!(member.data + member.compressed <= bytes.len() as u64);
            if let Ok(content) = zip::content(&bytes, member, 1 << 16) {
                assert!(content.bytes().size() <= (1 << 16) || member.method == 0);
                let _ = head(content.bytes(), 0, 100);
            }
        }
    }
    let (members, _) = tar::read(&bytes);
    assert!(members.iter().all(|member| member.data + member.size <= bytes.len() as u64));
});
