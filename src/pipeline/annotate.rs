//! The second pass: each work shard from raw bytes to a table of documents with their columns, and one of sketches.

use super::context::Context;
use super::layout::{self, pass};
use super::observer::Quantity;
use super::pass::Pass;
use super::shard::{ShardFacts, ShardWorker};
use crate::corpus::{RawShard, ShardRef};
use crate::error::Result;

/// The shards, all of them committed.
pub(super) struct Annotated {
    pass: Pass,
    /// Their number.
    pub(super) shards: u64,
}

impl Annotated {
    /// What is known of a shard.
    pub(super) fn facts(&self, context: &Context<'_>, shard: u64) -> Result<ShardFacts> {
        Ok(self.pass.entry(context, shard as usize)?.facts)
    }
}

/// Runs the pass, or what is left of it.
pub(super) fn run(context: &Context<'_>, shards: &[ShardRef]) -> Result<Annotated> {
    let units = shards.iter().map(|shard| (layout::shard_unit(shard.index), shard.bytes));
    let pass = Pass::new(pass::ANNOTATE, Quantity::Bytes, units);
    pass.run::<ShardFacts>(context, |missing, underway| {
        // Files are read one after the other, in order: what cannot be entered in the middle is decompressed once.
        let mut framer = context.store.framer(context.stages);
        let mut missing = missing.into_iter();
        let mut next = || missing.next().map(|number| Ok((number, context.store.read(&mut framer, &shards[number])?))).transpose();
        let work = |worker: &mut ShardWorker<'_>, (number, raw): (usize, RawShard)| {
            let entry = worker.run(&raw, context.store, context.stop)?;
            underway.committed(number, &entry.facts);
            Ok(())
        };
        context.pool.for_each(context.stop, &mut next, &|| ShardWorker::new(context.stages), &work)
    })?;
    Ok(Annotated { pass, shards: shards.len() as u64 })
}
