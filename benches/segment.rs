//! The engines alone, in turn, over one text: MB per CPU second of one thread; then opening, memory and two threads.
//!
//! `cargo bench --bench segment -- TEXT [DICTIONARY …]`
//!
//! `cargo bench --bench segment -- count TEXT [DICTIONARY …]` prints candidates per million characters instead. From such lists of
//! both dictionaries `dicts/hot.tsv` was made: the larger count, surfaces ordered by count × homographs, the first 18 kB.
//!
//! TEXT has a paragraph a line; dictionaries are names or directories (default: `ipadic`). The best of five rounds counts;
//! a JSON line an engine is printed. Other analysers: `shared/bench/segment_peers.py` over the same text.
#![expect(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, reason = "a program that prints figures")]

use std::time::Instant;

use rustc_hash::FxHashMap;
use seimai::segment::exact::{self, Exact};
use seimai::segment::{self, Engine, MorphemeBuffer, Options, SegmentWorker};

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

/// Makes a worker: what is timed apart from the opening of a dictionary.
type Make<'a> = Box<dyn Fn() -> Box<dyn SegmentWorker + 'a> + 'a>;

fn compare(dictionary: &str, text: &str) {
    let options = |engine| Options { dictionary: dictionary.to_owned(), engine, ..Options::default() };
    let before = resident_mib();
    let start = Instant::now();
    let dictionary_and_engine = segment::open_noted(&options(Engine::Exact)).unwrap();
    let opened = start.elapsed().as_secs_f64() * 1e3;
    let exact = Exact::new(&dictionary_and_engine.0).unwrap();
    analyse(exact.worker(), text);
    let resident = resident_mib() - before;
    let lindera = segment::open_noted(&options(Engine::Lindera)).unwrap().1;
    let engines: [(&str, Make); 3] = [
        ("exact", Box::new(|| Box::new(exact.worker()))),
        ("exact, portable", Box::new(|| Box::new(exact.portable_worker()))),
        ("lindera", Box::new(|| lindera.worker())),
    ];
    let mut best = [f64::INFINITY; 3];
    let mut morphemes = [0; 3];
    let mut walls = [f64::INFINITY; 2];
    for _ in 0..ROUNDS {
        for (n, (_, worker)) in engines.iter().enumerate() {
            let start = cpu_seconds();
            morphemes[n] = analyse_with(worker().as_mut(), text);
            best[n] = best[n].min(cpu_seconds() - start);
        }
        for (threads, wall) in (1..).zip(&mut walls) {
            *wall = wall.min(wall_seconds(&exact, text, threads));
        }
    }
    let megabytes = text.len() as f64 / 1e6;
    for (n, (name, _)) in engines.iter().enumerate() {
        let row = serde_json::json!({
            "dictionary": dictionary, "engine": name, "megabytes": megabytes, "morphemes": morphemes[n],
            "cpu_seconds": best[n], "mb_per_s": megabytes / best[n], "times_lindera": best[2] / best[n],
        });
        println!("{row}");
    }
    let row = serde_json::json!({
        "dictionary": dictionary, "open_ms": opened, "resident_mib": resident, "wall_seconds_1_thread": walls[0],
        "wall_seconds_2_threads_twice_the_text": walls[1], "two_threads_over_one": 2.0 * walls[0] / walls[1],
    });
    println!("{row}");
}

/// Wall time of threads that each analyse the whole text.
fn wall_seconds(engine: &Exact, text: &str, threads: usize) -> f64 {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| analyse(engine.worker(), text));
        }
    });
    start.elapsed().as_secs_f64()
}

/// Memory of this process, mapped files included.
fn resident_mib() -> f64 {
    let told = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: f64 = told.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(f64::NAN);
    pages * rustix::param::page_size() as f64 / f64::from(1 << 20)
}

/// Prints how often each surface is a candidate.
fn count(dictionary: &str, text: &str) {
    let options = Options { dictionary: dictionary.to_owned(), ..Options::default() };
    let engine = Exact::new(&segment::open_noted(&options).unwrap().0).unwrap();
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

fn analyse(mut worker: exact::Worker<'_>, text: &str) -> usize {
    analyse_with(&mut worker, text)
}

fn analyse_with(worker: &mut dyn SegmentWorker, text: &str) -> usize {
    let mut buffer = MorphemeBuffer::default();
    let mut morphemes = 0;
    for line in text.lines() {
        buffer.clear();
        worker.segment_line(line, 0, &mut buffer);
        morphemes += buffer.pos.iter().filter(|&&pos| pos != 0).count();
    }
    morphemes
}
