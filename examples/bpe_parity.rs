//! The room `bpe` behind a protocol of lines, for `tests/python/bpe_parity.py`, which compares it with other engines.
//!
//! Input lines are JSON on standard input, output lines JSON on standard output:
//! `split PATTERN` (text → byte ends), `count PATTERN BOUNDARIES` ({"text", "ends"} → [hex pre-token, count] rows),
//! `train PATTERN SIZE WHOLE MIN_FREQUENCY MAX_LENGTH SUPERWORDS` ([hex pre-token, count, level] rows → tokenizer.json, 0 = no
//! maximum, the level may be missing; an empty row ends a histogram), `encode TOKENIZER` (text → ids).
#![expect(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, reason = "a tool for tests talks on standard output")]

use std::io::{BufRead, Write};
use std::sync::Arc;

use arrow::array::{BinaryArray, UInt8Array, UInt64Array};
use seimai::bpe::count::{Counter, DocumentBoundaries, Part};
use seimai::bpe::encode::Encoder;
use seimai::bpe::pattern::Pattern;
use seimai::bpe::{Options, PatternName, counts_schema, huggingface, train};
use seimai::stage::Batch;
use serde_json::{Value, json};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let lines = std::io::stdin().lock().lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    match args[..] {
        ["split", pattern] => split(scanner(pattern), lines),
        ["count", pattern, boundaries] => count(scanner(pattern), boundaries, lines),
        ["train", pattern, size, whole, frequency, length, superwords] => {
            let max: u32 = length.parse().unwrap();
            let options = Options {
                vocab_size: size.parse().unwrap(),
                pattern: name(pattern),
                whole_characters: whole == "true",
                min_frequency: frequency.parse().unwrap(),
                superwords: superwords.parse().unwrap(),
                max_token_length: (max > 0).then_some(max),
                ..Options::default()
            };
            learn(&options, lines);
        }
        ["encode", path] => encode(path, lines),
        _ => eprintln!("usage: see the header of examples/bpe_parity.rs"),
    }
}

fn name(pattern: &str) -> PatternName {
    serde_json::from_value(Value::from(pattern)).unwrap()
}

fn scanner(pattern: &str) -> Pattern {
    match name(pattern) {
        PatternName::DeepseekV3 => Pattern::DEEPSEEK_V3,
        PatternName::Gpt2 => Pattern::GPT2,
        PatternName::Cl100k => Pattern::CL100K,
        PatternName::O200k => Pattern::O200K,
        PatternName::None => Pattern::NONE,
    }
}

fn split(pattern: Pattern, lines: impl Iterator<Item = Value>) {
    for line in lines {
        let mut ends = Vec::new();
        pattern.for_each_pre_token(line.as_str().unwrap(), |_, end| ends.push(end));
        println!("{}", json!(ends));
    }
}

fn count(pattern: Pattern, boundaries: &str, lines: impl Iterator<Item = Value>) {
    let documents: Vec<(String, Vec<u32>)> = lines
        .map(|line| (line["text"].as_str().unwrap().to_owned(), serde_json::from_value(line["ends"].clone()).unwrap_or_default()))
        .collect();
    let mut counter = Counter::default();
    let start = cpu_seconds();
    for (text, ends) in &documents {
        let boundaries = match boundaries {
            "morpheme" => DocumentBoundaries::Morphemes(ends),
            "script" => DocumentBoundaries::Scripts,
            _ => DocumentBoundaries::None,
        };
        counter.add_document(text, pattern, boundaries);
    }
    let bytes: usize = documents.iter().map(|document| document.0.len()).sum();
    eprintln!("count: {} pre-tokens, {:.1} MB/s, {} bytes held", counter.len(), rate(bytes, start), counter.memory());
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (pre_token, count) in counter.by_count(Part::WHOLE) {
        write!(out, "[\"").unwrap();
        for byte in pre_token {
            write!(out, "{byte:02x}").unwrap();
        }
        writeln!(out, "\",{count}]").unwrap();
    }
}

fn learn(options: &Options, lines: impl Iterator<Item = Value>) {
    let mut rows: Vec<(Vec<u8>, u64, u8)> = Vec::new();
    for line in lines {
        if let [hex, count, level @ ..] = line.as_array().unwrap().as_slice() {
            let level = level.first().map_or(0, |level| level.as_u64().unwrap() as u8);
            rows.push((unhex(hex.as_str().unwrap()), count.as_u64().unwrap(), level));
        } else {
            learn_one(options, &rows);
            rows.clear();
        }
    }
}

fn learn_one(options: &Options, rows: &[(Vec<u8>, u64, u8)]) {
    let columns: Vec<arrow::array::ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.2)).collect::<UInt8Array>()),
        Arc::new(BinaryArray::from_iter_values(rows.iter().map(|row| &row.0))),
        Arc::new(rows.iter().map(|row| row.1).collect::<UInt64Array>()),
    ];
    let batch = Batch::try_new(counts_schema(), columns).unwrap();
    let start = cpu_seconds();
    let trained = train(&batch, options).unwrap();
    if rows.len() > 1000 {
        eprintln!("train: {:.3} s {}", (cpu_seconds() - start), trained.report);
    }
    let tokenizer: Value = serde_json::from_str(&huggingface::tokenizer_json(&trained.tokenizer)).unwrap();
    println!("{}", json!({"tokenizer": tokenizer, "passed_over": trained.report["pairs_passed_over"]}));
}

fn encode(path: &str, lines: impl Iterator<Item = Value>) {
    let tokenizer = seimai::bpe::read_tokenizer(path.as_ref()).unwrap();
    let start = cpu_seconds();
    let encoder = Encoder::new(&tokenizer);
    eprintln!("tables: {:.3} s", (cpu_seconds() - start));
    let texts: Vec<String> = lines.map(|line| line.as_str().unwrap().to_owned()).collect();
    let mut worker = encoder.worker();
    let (mut ids, mut ends) = (Vec::new(), Vec::new());
    let start = cpu_seconds();
    for text in &texts {
        worker.encode(text, &mut ids).unwrap();
        ends.push(ids.len());
    }
    let bytes: usize = texts.iter().map(String::len).sum();
    eprintln!("encode: {} ids, {:.1} MB/s", ids.len(), rate(bytes, start));
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut from = 0;
    for (&end, text) in ends.iter().zip(&texts) {
        assert_eq!(tokenizer.decode(&ids[from..end]).as_deref(), Ok(text.as_bytes()));
        writeln!(out, "{}", json!(ids[from..end])).unwrap();
        from = end;
    }
}

/// Seconds this thread was on a processor: on a busy machine the wall says nothing.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}

fn rate(bytes: usize, start: f64) -> f64 {
    bytes as f64 / 1e6 / (cpu_seconds() - start)
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(text.get(i * 2..i * 2 + 2).unwrap(), 16).unwrap()).collect()
}
