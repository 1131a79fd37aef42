//! Works on the shards of one run from several processes: the first call begins the run, the others share the work, and `seimai run`
//! finishes it.
//!
//! ```sh
//! cargo run --release --example run_shards -- plan.toml OUT            # finds the work shards
//! cargo run --release --example run_shards -- plan.toml OUT 0/4 &      # process 0 of 4, …
//! seimai run plan.toml --out OUT                                       # what is left
//! ```
#![expect(clippy::print_stdout, reason = "an example that says what it does")]

use std::path::{Path, PathBuf};

use seimai::error::{Error, Result};
use seimai::pipeline::loaded_plan::LoadedPlan;
use seimai::pipeline::observer::{Silent, Stop};
use seimai::pipeline::registry::Stages;
use seimai::pipeline::report::RunOptions;
use seimai::pipeline::{Store, run, run_shard};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = || Error::refused("usage: run_shards PLAN OUT [I/N]");
    let (plan, out) = (arguments.first().ok_or_else(usage)?, arguments.get(1).ok_or_else(usage)?);
    let loaded = LoadedPlan::read(Path::new(plan), &[])?;
    match arguments.get(2).map(|slice| slice.split_once('/').ok_or_else(usage)).transpose()? {
        None => prepare(&loaded, PathBuf::from(out)),
        Some((process, of)) => {
            let number = |text: &str| text.parse::<u64>().map_err(|_| usage());
            work(&loaded, Path::new(out), number(process)?, number(of)?)
        }
    }
}

fn prepare(loaded: &LoadedPlan, out: PathBuf) -> Result<()> {
    let options = RunOptions { out, threads: 1, memory: 1 << 30, fresh: false, store_limit: None };
    let shards = run::prepare(loaded, &options, &Stop::default(), &Silent)?;
    println!("{} shards", shards.len());
    Ok(())
}

/// Every `of`-th shard of a shuffled list: shards need no order.
fn work(loaded: &LoadedPlan, out: &Path, process: u64, of: u64) -> Result<()> {
    let stages = Stages::new(&loaded.plan, &loaded.base)?;
    let store = Store::join(out, &stages)?;
    let mut shards = store.shards()?;
    shards.sort_by_key(|shard| *blake3::hash(&shard.index.to_le_bytes()).as_bytes());
    let mine: Vec<_> = shards.iter().enumerate().filter(|(n, _)| *n as u64 % of == process).collect();
    let mut documents = 0;
    for (_, shard) in &mine {
        documents += run_shard(&stages, shard, &store)?.facts.documents;
    }
    println!("process {process} of {of}: {} shards, {documents} documents", mine.len());
    Ok(())
}
