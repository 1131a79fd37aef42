//! A sound `lattice.bin` with any bytes changed, then a line through it: refused, or morphemes that tile the line.
#![no_main]

#[path = "../tiny.rs"]
mod tiny;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use seimai::segment::exact::{Exact, HotList, compile};
use seimai::segment::{MorphemeBuffer, SegmentWorker};

static SOUND: OnceLock<(Vec<u8>, usize, usize)> = OnceLock::new();

fuzz_target!(|input: (Vec<(u32, u64)>, String)| {
    let (sound, entries, pos_ids) = SOUND.get_or_init(|| {
        let raw = tiny::raw();
        (compile(&raw, &HotList::shipped()).expect("compiles"), raw.entries.len(), raw.pos_table.tuples.len())
    });
    let (changes, line) = input;
    let (mut bytes, line) = (sound.clone(), line.replace('\n', " "));
    for (at, value) in changes {
        let at = at as usize % (bytes.len() - 8);
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    if let Ok(engine) = Exact::from_bytes(bytes, *entries, *pos_ids) {
        let mut morphemes = MorphemeBuffer::default();
        SegmentWorker::segment_line(&mut engine.worker(), &line, 0, &mut morphemes);
        assert_eq!(morphemes.ends.last().map_or(0, |&end| end as usize), line.len());
    }
});
