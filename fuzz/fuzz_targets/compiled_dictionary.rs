//! Any bytes as the files of a compiled MeCab dictionary: refused or read, never a panic, never a loop.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::segment::compiled_reader::{CompiledFiles, read};

fuzz_target!(|files: (Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>)| {
    let (sys, unk, matrix, chars, dicrc) = &files;
    if let Ok(raw) = read(&CompiledFiles { sys, unk, matrix, chars, dicrc }) {
        raw.check().expect("what the reader accepts is sound");
    }
});
