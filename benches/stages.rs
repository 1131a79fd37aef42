//! Each stage of the first and third pass alone, on real text: MB of text per CPU second of one thread.
//!
//! `cargo bench --bench stages [-- MEGABYTES]`
//!
//! Needs the shared corpora (`../shared`, or `$SEIMAI_SHARED`) and the dictionary `ipadic`. The best of three rounds counts; a
//! JSON line a stage is printed. The machine's speed drifts: compare ratios between rows of one run only.
#![expect(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, reason = "a program that prints figures")]

mod timing;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use seimai::bpe::{self, Encode};
use seimai::corpus::{self, BatchBuilder, Framer, ShardLimits};
use seimai::pipeline::plan::Plan;
use seimai::pipeline::registry::Stages;
use seimai::stage::{Batch, Fold, Stage};

const ROUNDS: usize = 3;
/// Part of a source taken in turn, so that no kind of text decides alone.
const SLICE: u64 = 2_500_000;

/// Best of the rounds, and what the work gave.
fn timed<T>(work: impl FnMut() -> T) -> (f64, T) {
    timing::best_of(ROUNDS, work)
}

fn report(stage: &str, bytes: u64, seconds: f64) {
    let megabytes = bytes as f64 / 1e6;
    println!("{}", serde_json::json!({"stage": stage, "megabytes": megabytes, "cpu_seconds": seconds, "mb_per_s": megabytes / seconds}));
}

fn main() {
    let megabytes: u64 = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(30);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let corpora = std::env::var_os("SEIMAI_SHARED").map_or_else(beside, PathBuf::from).join("data/corpus");
    if !corpora.exists() || seimai::segment::store::locate("ipadic").is_err() {
        eprintln!("skipped: stages needs shared/data/corpus and the dictionary ipadic (not found)");
        return;
    }
    let mut plan = Plan::default();
    plan.input.paths = vec![format!("{}/*.zst", corpora.display())];
    let batches = read(&plan, megabytes * 1_000_000);
    let bytes: u64 = batches.iter().map(text_bytes).sum();
    measure(&plan, batches, bytes);
}

fn text_bytes(batch: &Batch) -> u64 {
    seimai::stage::strings(batch, &seimai::schema::TEXT).unwrap().iter().flatten().map(|text| text.len() as u64).sum()
}

/// Slices of all inputs in turn.
fn read(plan: &Plan, wanted: u64) -> Vec<Batch> {
    let inputs = corpus::expand(&plan.input, Path::new("/")).unwrap();
    let limits = ShardLimits { bytes: SLICE, records: 1 << 16 };
    let sources: Vec<Arc<[_]>> = inputs.into_iter().map(|input| [input].into()).collect();
    let mut framers: Vec<Framer> = sources.iter().map(|source| Framer::new(source.clone(), &plan.input, limits)).collect();
    let (mut all, mut bytes, mut decode, mut frame) = (Vec::new(), 0, 0.0, 0.0);
    while bytes < wanted {
        let before = bytes;
        for (framer, source) in framers.iter_mut().zip(&sources) {
            let start = timing::cpu_seconds();
            let shard = framer.next_shard().unwrap();
            frame += timing::cpu_seconds() - start;
            let Some(shard) = shard else { continue };
            let start = timing::cpu_seconds();
            let mut builder = BatchBuilder::new(source.clone(), &plan.input.source);
            let mut batches = Vec::new();
            shard
                .decode(&plan.input, &mut |record| {
                    batches.extend(builder.push(&record)?);
                    Ok(())
                })
                .unwrap();
            batches.extend(builder.finish().unwrap());
            decode += timing::cpu_seconds() - start;
            bytes += batches.iter().map(text_bytes).sum::<u64>();
            all.append(&mut batches);
        }
        if bytes == before {
            break;
        }
    }
    report("frame (zstd)", bytes, frame);
    report("decode", bytes, decode);
    all
}

fn measure(plan: &Plan, mut batches: Vec<Batch>, bytes: u64) {
    let stages = Stages::new(plan, Path::new(".")).unwrap();
    let mut total = 0.0;
    for stage in &stages.annotate {
        let (seconds, out) = timed(|| {
            let mut worker = stage.worker();
            batches.iter().map(|batch| worker.apply(batch.clone()).unwrap()).collect::<Vec<_>>()
        });
        report(stage.name(), bytes, seconds);
        total += seconds;
        batches = out;
    }
    for fold in [stages.sketcher.as_ref(), stages.counter.as_ref()] {
        let (seconds, _) = timed(|| absorb(fold, &batches));
        report(fold.name(), bytes, seconds);
        total += seconds;
    }
    let counts = bpe::merge_counts(&mut std::iter::once(Ok(absorb(stages.counter.as_ref(), &batches))), 8 << 30).unwrap();
    let (seconds, trained) = timed(|| bpe::train(&counts, &plan.tokenizer).unwrap());
    report("train", bytes, seconds);
    let encode = Encode::new(&trained.tokenizer);
    let (seconds, _) = timed(|| {
        let mut worker = encode.worker();
        batches.iter().map(|batch| worker.apply(batch.clone()).unwrap().num_rows()).sum::<usize>()
    });
    report("encode", bytes, seconds);
    report("all of these", bytes, total + seconds);
}

fn absorb(fold: &dyn Fold, batches: &[Batch]) -> Batch {
    let mut absorber = fold.absorber();
    for batch in batches {
        absorber.push(batch).unwrap();
    }
    absorber.finish().unwrap()
}
