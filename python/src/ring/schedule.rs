//! Which rows come when: the batches of one rank, and of one worker of it, in the one stream of rows that all ranks share.

use seimai::pack::order::{EpochOrder, RowOrder};

/// Rows of the whole job that a stream can count.
pub(super) const POSITION_MAX: u64 = 1 << 62;

/// What is read of the stream of rows. Position t of it is row `order.epoch(t / rows).row(t % rows)`; step s is the `global_batch`
/// positions from `start + s · global_batch` on, of which each rank has an equal run, which it reads in batches of `batch_rows`.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    pub(super) order: RowOrder,
    pub(super) global_batch: u64,
    /// Offset of the rank's first position in a step.
    pub(super) rank_offset: u64,
    pub(super) batches_a_step: u64,
    pub(super) batch_rows: u64,
    /// Rows before the first step.
    pub(super) start: u64,
    /// Batches in all, for this rank.
    pub(super) batches: u64,
}

/// One batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    /// Rows of the pack.
    pub(super) rows: Vec<u64>,
    /// Rows of the whole job that are consumed once this batch is: an unfinished step does not count.
    pub(super) consumed: u64,
}

impl Schedule {
    /// The `index`-th batch of the rank; `None` behind the last.
    pub(super) fn batch(&self, index: u64) -> Option<Due> {
        if index >= self.batches {
            return None;
        }
        let (step, part) = (index / self.batches_a_step, index % self.batches_a_step);
        let start = self.start.checked_add(step.checked_mul(self.global_batch)?).filter(|start| *start < POSITION_MAX)?;
        let rows = rows(&self.order, start + self.rank_offset + part * self.batch_rows, self.batch_rows);
        let consumed = if part + 1 == self.batches_a_step { start + self.global_batch } else { start };
        Some(Due { rows, consumed })
    }
}

/// The rows at `count` positions from `start` on.
pub(super) fn rows(order: &RowOrder, start: u64, count: u64) -> Vec<u64> {
    let mut of: Option<(u64, EpochOrder)> = None;
    let row = |position: u64| {
        let epoch = position / order.rows();
        let known = of.take().filter(|(known, _)| *known == epoch).unwrap_or_else(|| (epoch, order.epoch(epoch)));
        of.insert(known).1.row(position % order.rows())
    };
    if order.rows() == 0 { Vec::new() } else { (start..start + count).map(row).collect() }
}
