//! Reads work shards one after the other, for commands that pass over their inputs once, and tells how far it is.

use std::sync::Arc;

use super::observer::{Progress, Quantity, Watch};
use super::plan::Plan;
use crate::corpus::{Framer, InputFile, RawShard, ShardLimits};
use crate::error::Result;

/// Inputs that are being read.
pub(super) struct Reading<'a> {
    framer: Framer,
    progress: Progress<'a>,
    /// Bytes of the files as on disk that were told.
    told: u64,
}

impl<'a> Reading<'a> {
    /// Begins; `pass` is what is done with the shards.
    pub(super) fn start(plan: &Plan, inputs: &Arc<[InputFile]>, watch: Watch<'a>, pass: &'static str) -> Self {
        let total = inputs.iter().map(|input| input.bytes).sum();
        let framer = Framer::new(Arc::clone(inputs), &plan.input, ShardLimits::default());
        Self { framer, progress: Progress::start(watch.observer, pass, Quantity::Bytes, total), told: 0 }
    }

    /// The next shard.
    ///
    /// # Errors
    /// Those of the inputs.
    pub(super) fn next_shard(&mut self) -> Result<Option<RawShard>> {
        let shard = self.framer.next_shard()?;
        let consumed = self.framer.consumed();
        let (records, bytes) = shard.as_ref().map_or((0, 0), |shard| (shard.shard().records, shard.shard().bytes));
        self.progress.add(consumed - self.told, records, bytes);
        self.told = consumed;
        Ok(shard)
    }

    /// All shards are done.
    pub(super) fn finish(self) {
        self.progress.finish();
    }
}
