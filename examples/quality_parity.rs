//! The figures of Swallow v1 and FineWeb2 behind a protocol of lines, for `tests/python/quality_parity.py`, which compares them with
//! those of the peers' own code.
//!
//! Input lines are JSON on standard input, `{"text": …, "words": […]}`; output lines are `{"swallow_v1": […], "fineweb2_ja": […]}` in
//! the order of the fields (null where undefined), the first line their names.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for tests talks on standard output")]

use std::io::BufRead;

use seimai::quality::{FINEWEB2_FIELDS, SWALLOW_FIELDS, fineweb2_ja, swallow_v1};
use serde_json::{Value, json};

fn main() {
    let names = |fields: &[(&'static str, &str)]| fields.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    println!("{}", json!({"swallow_v1": names(&SWALLOW_FIELDS), "fineweb2_ja": names(&FINEWEB2_FIELDS)}));
    for line in std::io::stdin().lock().lines() {
        let record: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let text = record["text"].as_str().unwrap();
        let words = record["words"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
        println!("{}", json!({"swallow_v1": swallow_v1(text), "fineweb2_ja": fineweb2_ja(text, words)}));
    }
}
