//! The second pass: each work shard from raw bytes to a table of documents with their columns, and one of sketches.
//!
//! What is known from an earlier run is not made again; where its documents are there and other sketches are asked for, those are made from
//! the documents.

use super::context::Context;
use super::key::ShardKeys;
use super::layout::pass;
use super::observer::{Event, Quantity};
use super::pass::Pass;
use super::shard::{ShardFacts, ShardWorker, sketch};
use super::share::Progressed;
use crate::corpus::{Framer, RawShard, ShardRef};
use crate::error::{Error, Result};

/// The shards, all of them committed.
pub(super) struct Annotated {
    pass: Pass,
    keys: Vec<ShardKeys>,
    /// Index of the input in which each begins.
    first_inputs: Vec<u32>,
}

impl Annotated {
    /// Their number.
    pub(super) fn shards(&self) -> u64 {
        self.keys.len() as u64
    }

    /// The names of the units of a shard.
    pub(super) fn keys(&self, shard: u64) -> Result<&ShardKeys> {
        self.keys.get(shard as usize).ok_or_else(|| Error::internal("a shard that is not there"))
    }

    /// What is known of a shard.
    pub(super) fn facts(&self, context: &Context<'_>, shard: u64) -> Result<ShardFacts> {
        Ok(self.pass.entry(context, shard as usize)?.facts)
    }

    /// Index of the input in which a shard begins.
    pub(super) fn first_input(&self, shard: u64) -> u32 {
        self.first_inputs.get(shard as usize).copied().unwrap_or_default()
    }
}

/// Runs the pass, or what is left of it.
pub(super) fn run(context: &Context<'_>, shards: &[ShardRef]) -> Progressed<Annotated> {
    let keys = shards.iter().map(|shard| context.store.keys(shard)).collect::<Result<Vec<_>>>()?;
    let units = shards.iter().zip(&keys).map(|(shard, keys)| (keys.documents.clone(), shard.bytes));
    let pass = Pass::new(pass::ANNOTATE, Quantity::Bytes, units);
    pass.run::<ShardFacts>(context, |missing, underway| {
        if context.is_alone() && missing.len() < shards.len() {
            let kept = shards.len() - missing.len();
            context.observer.on_event(&Event::Note(format!("{kept} of {} work shards are known from before", shards.len())));
        }
        // What cannot be entered in the middle is read in order behind a lock, and so decompressed once; what can is read by whoever works on it.
        let mut framer = context.store.framer(context.stages);
        let mut missing = missing.into_iter();
        let mut read_in_order = |number: usize| {
            let shard = &shards[number];
            let is_near =
                shard.start.steps_over() <= shard.bytes && !context.store.inputs.files[shard.start.input as usize].is_behind_others();
            let raw = if is_near && context.pool.threads() > 1 { None } else { Some(context.store.read(&mut framer, shard)?) };
            Ok((number, raw))
        };
        let mut next = || missing.next().map(&mut read_in_order).transpose();
        let work = |(worker, framer): &mut (ShardWorker<'_>, Framer), (number, raw): (usize, Option<RawShard>)| {
            let raw = raw.map_or_else(|| context.store.read(framer, &shards[number]), Ok)?;
            let entry = worker.run(&raw, &keys[number], context.store, context.stop)?;
            underway.committed(number, &entry.facts);
            Ok(())
        };
        let worker = || (ShardWorker::new(context.stages), context.store.framer(context.stages));
        context.pool.for_each(context.stop, &mut next, &worker, &work)
    })?;
    let units = shards.iter().zip(&keys).map(|(shard, keys)| (keys.sketches.clone(), shard.bytes));
    Pass::new(pass::SKETCH, Quantity::Bytes, units).run::<()>(context, |missing, underway| {
        let work = |(): &mut (), number: usize| sketch(context.stages, &keys[number], context.store);
        underway.side_by_side(missing, &|| (), &work)
    })?;
    Ok(Annotated { pass, keys, first_inputs: shards.iter().map(|shard| shard.start.input).collect() })
}
