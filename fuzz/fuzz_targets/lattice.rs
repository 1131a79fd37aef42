//! Any bytes as `lattice.bin`, then a line through it: refused, or pieces that tile the line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::segment::exact::Exact;
use seimai::segment::{Pieces, SegmentWorker};

fuzz_target!(|input: (Vec<u8>, u16, u16, String)| {
    let (bytes, entries, pos_ids, line) = input;
    let line = line.replace('\n', " ");
    if let Ok(engine) = Exact::from_bytes(bytes, usize::from(entries), usize::from(pos_ids)) {
        let mut pieces = Pieces::default();
        SegmentWorker::segment_line(&mut engine.worker(), &line, 0, &mut pieces);
        assert_eq!(pieces.ends.last().map_or(0, |&end| end as usize), line.len());
    }
});
