//! Any bytes as a WARC or ARC file: framed twice, in shards of two sizes, it comes to the same.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use seimai::corpus::{Framer, InputTally, Options, ShardLimits, expand_paths};

fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("seimai-fuzz-{}.warc", std::process::id()));
    std::fs::write(&path, bytes).expect("a temporary file");
    let options = Options { record_max: 1 << 16, ..Options::default() };
    // What is no input format is refused where it is named.
    let Ok(inputs) = expand_paths(&[path.into_os_string()], &options, Path::new("/")) else { return };
    let read = |limits| {
        let mut framer = Framer::new(inputs.clone().into(), &options, limits);
        let (mut texts, mut tally) = (Vec::new(), InputTally::default());
        while let Some(shard) = framer.next_shard().expect("the file is there") {
            let outcome = shard.decode(&options, &mut |record| {
                texts.push(record.text);
                Ok(())
            });
            outcome.expect("nothing but reading").tallies.iter().for_each(|(_, part)| tally.add(part));
        }
        (texts, tally)
    };
    assert!(read(ShardLimits::default()) == read(ShardLimits { bytes: 1, records: 1 }));
});
