//! The engines alone, in turn, over one text: MB per CPU second of one thread.
//!
//! `cargo bench --bench segment -- TEXT [DICTIONARY …]`
//!
//! `cargo bench --bench segment -- count TEXT [DICTIONARY …]` prints candidates per million characters instead. From such lists of
//! both dictionaries `dicts/hot.tsv` was made: the larger count, surfaces ordered by count × homographs, the first 18 kB.
//!
//! TEXT has a paragraph a line; dictionaries are names or directories (default: `ipadic`). The best of five rounds counts;
//! a JSON line an engine is printed. Other analysers: `shared/bench/segment_peers.py` over the same text.
#![expect(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, reason = "a program that prints figures")]

use rustc_hash::FxHashMap;
use seimai::segment::exact::Exact;
use seimai::segment::{self, Engine, Options, Pieces, Segmenter};

const ROUNDS: usize = 5;

fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn main() {
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let mut path = words.next();
    let counting = path.as_deref() == Some("count");
    if counting {
        path = words.next();
    }
    let Some(path) = path else {
        eprintln!("skipped: segment needs a text (cargo bench --bench segment -- TEXT [DICTIONARY …])");
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    let named: Vec<String> = words.collect();
    for dictionary in if named.is_empty() { vec!["ipadic".to_owned()] } else { named } {
        if counting {
            count(&dictionary, &text);
        } else {
            compare(&dictionary, &text);
        }
    }
}

fn compare(dictionary: &str, text: &str) {
    let engines = [("exact", Engine::Exact), ("lindera", Engine::Lindera)].map(|(name, engine)| {
        let options = Options { dictionary: dictionary.to_owned(), engine, ..Options::default() };
        (name, segment::open(&options).unwrap().1)
    });
    let mut best = [f64::INFINITY; 2];
    let mut morphemes = [0; 2];
    for _ in 0..ROUNDS {
        for (n, (_, engine)) in engines.iter().enumerate() {
            let start = cpu_seconds();
            morphemes[n] = analyse(engine.as_ref(), text);
            best[n] = best[n].min(cpu_seconds() - start);
        }
    }
    let megabytes = text.len() as f64 / 1e6;
    for (n, (name, _)) in engines.iter().enumerate() {
        let row = serde_json::json!({
            "dictionary": dictionary, "engine": name, "megabytes": megabytes, "morphemes": morphemes[n],
            "cpu_seconds": best[n], "mb_per_s": megabytes / best[n], "times_lindera": best[1] / best[n],
        });
        println!("{row}");
    }
}

/// Prints how often each surface is a candidate.
fn count(dictionary: &str, text: &str) {
    let options = Options { dictionary: dictionary.to_owned(), ..Options::default() };
    let engine = Exact::new(&segment::open(&options).unwrap().0).unwrap();
    let mut worker = engine.worker();
    let mut counts: FxHashMap<String, u64> = FxHashMap::default();
    for line in text.lines() {
        worker.count_line(line, &mut |surface| *counts.entry(surface.to_owned()).or_default() += 1);
    }
    let mut rows: Vec<(String, u64)> = counts.into_iter().collect();
    rows.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let characters = text.chars().count() as f64;
    for (surface, n) in rows {
        println!("{surface}\t{:.0}", n as f64 * 1e6 / characters);
    }
}

fn analyse(engine: &dyn Segmenter, text: &str) -> usize {
    let mut worker = engine.worker();
    let mut pieces = Pieces::default();
    let mut morphemes = 0;
    for line in text.lines() {
        pieces.clear();
        worker.segment_line(line, 0, &mut pieces);
        morphemes += pieces.pos.iter().filter(|&&pos| pos != 0).count();
    }
    morphemes
}
