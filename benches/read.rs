//! Reading alone, one thread: decoded bytes a CPU second, to find the work shards of files and to read their records.
//!
//! `cargo bench --bench read -- FILE…` : each file by itself, the best of three rounds; a JSON line a file and step is printed.
//! `benches/suite/sources.py` makes the files.
#![expect(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, reason = "a program that prints figures")]

mod timing;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use seimai::corpus::{Framer, InputFile, Options, ShardLimits, expand_paths};

const ROUNDS: usize = 3;

fn main() {
    let files: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if files.is_empty() {
        eprintln!("skipped: read needs files (see benches/suite/sources.py)");
    }
    let options = Options::default();
    for file in &files {
        let inputs: Arc<[InputFile]> = expand_paths(&[file], &options, Path::new(".")).unwrap().into();
        let framer = || Framer::new(Arc::clone(&inputs), &options, ShardLimits::default());
        let frame = || {
            let mut framer = framer();
            std::iter::from_fn(|| framer.next_ref().unwrap()).map(|shard| shard.bytes).sum::<u64>()
        };
        let read = || {
            let mut framer = framer();
            let mut bytes = 0;
            while let Some(shard) = framer.next_shard().unwrap() {
                bytes += shard.shard().bytes;
                let mut give = |record| {
                    black_box(record);
                    Ok(())
                };
                shard.decode(&options, &mut give).unwrap();
            }
            bytes
        };
        for (step, work) in [("frame", &frame as &dyn Fn() -> u64), ("read", &read)] {
            let (seconds, bytes) = timing::best_of(ROUNDS, work);
            let name = Path::new(file).file_name().unwrap().to_string_lossy();
            let rate = (bytes as f64 / seconds / 1e6).round();
            println!(
                "{}",
                serde_json::json!({"file": name, "step": step, "bytes": bytes, "cpu_seconds": seconds, "mb_per_cpu_second": rate})
            );
        }
    }
}
