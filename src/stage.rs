//! The two kinds of step: a [`Stage`] maps a batch to a batch, a [`Fold`] sees the whole corpus.
//!
//! Stages between two folds are fused into one pass. A stage never drops or reorders rows; it reads the columns its
//! [`Contract`] names and adds (or replaces) others. Contracts are chained and checked when the plan is built.

mod columns;
mod contract;
mod convert;

use std::collections::BTreeMap;
use std::sync::Mutex;

use arrow::array::RecordBatch;

pub use self::columns::{ListBuilder, column, list_slice, lists, numbers, strings, with_column, wrong_type};
pub use self::contract::Contract;
use crate::error::{Error, Result};

/// The unit of flow: the same value in the CLI, in Parquet, in Python and on a cluster.
pub type Batch = RecordBatch;

/// Named totals a worker keeps beside the columns (rules that fired, characters removed); summed over shards.
pub type Counts = BTreeMap<String, u64>;

/// A map over batches: immutable and shared by all threads.
pub trait Stage: Send + Sync {
    /// Name in progress, counts and manifest.
    fn name(&self) -> &'static str;
    /// Enters the plan's fingerprint: raise it when the stage makes something else of the same batch and the same settings.
    fn version(&self) -> u32;
    /// Columns read and added.
    fn contract(&self) -> Contract;
    /// Scratch of one thread.
    fn worker(&self) -> Box<dyn Worker + '_>;

    /// Maps one batch of a user: checks it first, and takes text and lists of any layout. The totals of the worker are lost;
    /// for many batches, [`Contract::admit`] each and keep one [`Stage::worker`].
    ///
    /// # Errors
    /// [`Error::Refused`] if a column that the contract names is missing or has another type.
    fn map(&self, batch: Batch) -> Result<Batch> {
        let admitted = self.contract().admit(self.name(), batch)?;
        self.worker().apply(admitted)
    }
}

/// A stage at work in one thread.
pub trait Worker {
    /// Maps a batch that the contract admits; the number and order of rows stay.
    fn apply(&mut self, batch: Batch) -> Result<Batch>;
    /// Totals since the last call.
    fn take_counts(&mut self) -> Counts {
        Counts::new()
    }
}

/// A fold: absorbs shard by shard into a partial table; what it concludes from all partials is its room's `finish`.
pub trait Fold: Send + Sync {
    /// Name of the partial tables.
    fn name(&self) -> &'static str;
    /// Enters the plan's fingerprint: raise it when the fold makes another partial table of the same batches and settings.
    fn version(&self) -> u32;
    /// Columns read from the batches, and the columns of the partial table.
    fn contract(&self) -> Contract;
    /// The state for one shard.
    fn absorber(&self) -> Box<dyn Absorber + '_>;
}

/// A fold at work on one shard.
pub trait Absorber {
    /// Takes the next batch of the shard, in order.
    fn push(&mut self, batch: &Batch) -> Result<()>;
    /// The partial table of the shard.
    fn finish(self: Box<Self>) -> Result<Batch>;
}

/// The version of a step whose answers depend on tables of ours (words, thresholds, names of measures) beside its code: whoever edits a
/// table need not think of it.
pub fn version_of<T: AsRef<[u8]>>(code: u32, tables: impl IntoIterator<Item = T>) -> u32 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&code.to_le_bytes());
    for table in tables {
        hasher.update(&(table.as_ref().len() as u64).to_le_bytes());
        hasher.update(table.as_ref());
    }
    let [a, b, c, d, ..] = *hasher.finalize().as_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// A stream of batches, one at a time in memory.
pub type BatchIter<'a> = Box<dyn Iterator<Item = Result<Batch>> + 'a>;

/// A parallel loop: calls the function once with each number below `n`, from any threads. Rooms start no threads of their own;
/// the conclusion of a fold is lent those of `pipeline`.
pub type ParallelFor<'a> = dyn Fn(usize, &(dyn Fn(usize) + Sync)) + 'a;

/// The parallel loop of one thread.
pub fn sequential(n: usize, work: &(dyn Fn(usize) + Sync)) {
    (0..n).for_each(work);
}

/// `work` on each number below `n` through a parallel loop; the results in order, or the error of the least number.
pub fn in_parallel<T: Send>(parallel: &ParallelFor<'_>, n: usize, work: &(dyn Fn(usize) -> Result<T> + Sync)) -> Result<Vec<T>> {
    let slots: Vec<Mutex<Option<Result<T>>>> = (0..n).map(|_| Mutex::new(None)).collect();
    parallel(n, &|i| {
        let result = work(i);
        if let Ok(mut slot) = slots[i].lock() {
            *slot = Some(result);
        }
    });
    let taken = slots.into_iter().map(|slot| slot.into_inner().ok().flatten());
    taken.map(|slot| slot.unwrap_or_else(|| Err(Error::internal("a number of a parallel loop was left out")))).collect()
}

#[cfg(test)]
mod tests;
