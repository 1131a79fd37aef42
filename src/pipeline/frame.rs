//! The first pass: where do the work shards begin? The inputs are decompressed and passed over once; their records are read later.

use super::context::Context;
use super::layout::pass;
use super::observer::{Progress, Quantity};
use crate::corpus::ShardRef;
use crate::error::Result;

/// Runs the pass, or reads what it found before.
pub(super) fn run(context: &Context<'_>) -> Result<Vec<ShardRef>> {
    if context.store.is_framed()? {
        return context.store.shards();
    }
    let total = context.store.inputs.files.iter().map(|input| input.bytes).sum();
    let progress = Progress::start(context.observer, pass::FRAME, Quantity::Bytes, total);
    let mut framer = context.store.framer(context.stages);
    let (mut shards, mut told) = (Vec::new(), 0);
    while let Some(shard) = framer.next_ref()? {
        context.stop.check()?;
        let consumed = framer.consumed();
        progress.add(consumed - told, shard.records, shard.bytes);
        told = consumed;
        shards.push(shard);
    }
    progress.add(framer.consumed() - told, 0, 0);
    // A table of inputs that are not those of this run must not be committed.
    context.store.inputs.check_unchanged(0..context.store.inputs.files.len() as u32)?;
    context.store.commit_frame(&shards)?;
    context.took(pass::FRAME, progress.finish());
    Ok(shards)
}
