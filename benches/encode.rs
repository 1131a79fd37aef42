//! Encoding alone: MB of text per CPU second of one thread, the first pass over a text and the second.
//!
//! `cargo bench --bench encode -- TOKENIZER.json TEXT …`
//!
//! Documents are blocks of 32 lines, in memory; loading is not counted. A JSON line a text is printed, with a digest of all ids and, at the end, what building the tables took.
#![expect(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, reason = "a program that prints figures")]

mod timing;

use std::path::Path;

use seimai::bpe::encode::Encoder;
use seimai::bpe::read_tokenizer;
use sha2::Digest;

const LINES: usize = 32;

fn main() {
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let Some(tokenizer) = words.next() else {
        eprintln!("skipped: encode needs a tokenizer (cargo bench --bench encode -- TOKENIZER.json TEXT …)");
        return;
    };
    let tokenizer = read_tokenizer(Path::new(&tokenizer)).unwrap();
    let (built, encoder) = timing::best_of(1, || Encoder::new(&tokenizer));
    for path in words {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let documents: Vec<String> = lines.chunks(LINES).map(<[&str]>::concat).collect();
        let mut worker = encoder.worker();
        let mut ids = Vec::new();
        let mut pass = || {
            ids = Vec::new();
            let start = timing::cpu_seconds();
            for document in &documents {
                worker.encode(document, &mut ids).unwrap();
            }
            timing::cpu_seconds() - start
        };
        let (first, second) = (pass(), pass());
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        let digest: Vec<String> = sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let megabytes = text.len() as f64 / 1e6;
        let row = serde_json::json!({
            "text": path, "megabytes": megabytes, "cpu_s": first, "second_cpu_s": second, "mb_per_s": megabytes / first, "second_mb_per_s": megabytes / second,
            "tokens": ids.len(), "ids": digest.concat(), "tables_s": built,
        });
        println!("{row}");
    }
}
