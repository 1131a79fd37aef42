//! Reading web archives: framing and decoding of the files that are named, on one thread.
//!
//! `cargo bench --bench web_archives -- FILE…`
//!
//! A JSON line a file: decoded bytes, records, what was passed over, CPU seconds (the best of five rounds).
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints figures")]

mod timing;

use std::ffi::OsString;
use std::path::Path;

use seimai::corpus::{Framer, Options, ShardLimits, expand_paths};

const ROUNDS: usize = 5;

fn main() {
    let files: Vec<OsString> = std::env::args_os().skip(1).filter(|word| Path::new(word).exists()).collect();
    for file in files {
        let options = Options::default();
        let inputs: std::sync::Arc<[_]> = expand_paths(std::slice::from_ref(&file), &options, Path::new(".")).unwrap().into();
        let (seconds, (records, text, passed_over, decoded)) = timing::best_of(ROUNDS, || {
            let mut framer = Framer::new(inputs.clone(), &options, ShardLimits::default());
            let (mut records, mut text, mut passed_over, mut decoded) = (0_u64, 0, 0, 0);
            while let Some(shard) = framer.next_shard().unwrap() {
                decoded += shard.shard().bytes;
                let outcome = shard.decode(&options, &mut |record| {
                    records += 1;
                    text += record.text.len() as u64;
                    Ok(())
                });
                passed_over += outcome.unwrap().tallies.iter().flat_map(|(_, tally)| tally.passed_over.values()).sum::<u64>();
            }
            (records, text, passed_over, decoded)
        });
        let (file, mb_per_s) = (file.to_string_lossy(), decoded as f64 / 1e6 / seconds);
        let line = serde_json::json!({
            "file": file, "bytes": decoded, "text_bytes": text, "records": records, "passed_over": passed_over, "cpu_seconds": seconds, "mb_per_s": mb_per_s,
        });
        println!("{line}");
    }
}
