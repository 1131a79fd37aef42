//! Keigo of records, for measuring: JSON Lines with `id` and `text` in, one object a record out, offsets in code points.
//!
//! ```sh
//! cargo run --release --example keigo_jsonl -- ipadic <RECORDS.jsonl           # split into sentences
//! cargo run --release --example keigo_jsonl -- ipadic --whole <RECORDS.jsonl   # each text is one sentence
//! ```
//! `benches/suite/keigo.py` scores what it prints.
#![expect(clippy::print_stdout, reason = "an example that prints what it finds")]

use std::io::BufRead;

use seimai::error::{Error, Result};
use seimai::keigo::{Analysis, Analyzer, DocumentKeigo, Thresholds, register};
use seimai::morpheme::Morphemes;
use seimai::normalize::sentences::Splitter;
use seimai::segment::{self, MorphemeBuffer, Options, segment_document};
use serde_json::{Value, json};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = || Error::refused("usage: keigo_jsonl DICTIONARY [--whole] <RECORDS.jsonl");
    let whole = arguments.get(1).is_some_and(|argument| argument == "--whole");
    let options = Options { dictionary: arguments.first().ok_or_else(usage)?.clone(), ..Options::default() };
    let (dictionary, segmenter) = segment::open(&options)?;
    let analyzer = Analyzer::new(&*dictionary)?;
    let (mut worker, mut segments, mut splitter) = (analyzer.worker(), segmenter.worker(), Splitter::default());
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| Error::refused(format!("standard input: {error}")))?;
        let record: Value = serde_json::from_str(&line).map_err(|error| Error::refused(format!("not a JSON object: {error}")))?;
        let text = record["text"].as_str().ok_or_else(usage)?;
        let mut morphemes = MorphemeBuffer::default();
        segment_document(&mut *segments, text, &mut morphemes);
        let mut ends = Vec::new();
        if whole {
            ends.push(text.len() as u32);
        } else {
            splitter.sentence_ends(text, &mut ends);
        }
        let tiles = Morphemes { ends: &morphemes.ends, pos: &morphemes.pos, word: &morphemes.word };
        println!("{}", found(&record["id"], text, &worker.analyze(text, &ends, tiles)));
    }
    Ok(())
}

fn found(id: &Value, text: &str, analysis: &Analysis<'_>) -> Value {
    let starts: Vec<u32> = text.char_indices().map(|(byte, _)| byte as u32).collect();
    let character = |byte: u32| starts.partition_point(|start| *start < byte);
    let mut sentences = Vec::new();
    for sentence in analysis.sentences {
        let spans = analysis.spans.get(sentence.spans.clone()).unwrap_or_default().iter();
        let spans = spans.map(|span| {
            json!({"start": character(span.start), "end": character(span.end), "class": span.class.name(), "rule": span.rule,
                   "weak": span.weak, "ambiguous": span.ambiguous})
        });
        sentences.push(
            json!({"start": character(sentence.byte_start), "end": character(sentence.byte_end), "style": sentence.style.name(),
            "level": sentence.level, "tone": sentence.tone.name(), "quoted": sentence.quoted, "listed": sentence.listed,
            "spans": spans.collect::<Vec<_>>()}),
        );
    }
    let register = register(&DocumentKeigo::new(text, analysis), &Thresholds::default());
    json!({"id": id, "register": register.name(), "sentences": sentences})
}
