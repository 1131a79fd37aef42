//! Whom a training works with: threads, if there are any, memory, and somebody who wants to know how far it is. What it learns does not
//! depend on any of this.

use crate::bpe::merge::Merge;

/// What a training asks of its caller.
pub trait Crew: Sync {
    /// Pieces that [`Crew::side_by_side`] can work on at the same time.
    fn threads(&self) -> usize;

    /// Calls `work(0)` to `work(n - 1)`, in any order.
    fn side_by_side(&self, n: usize, work: &(dyn Fn(usize) + Sync));

    /// Bytes that lists of positions may hold; beyond them rare pairs are looked for later, in another scan.
    fn memory(&self) -> usize;

    /// The merges so far and the newest token, now and then. `false` ends the training.
    fn learned(&self, merges: &[Merge], newest: &[u8]) -> bool;
}

/// One thread, any memory, nobody who asks.
#[derive(Debug, Clone, Copy)]
pub struct Alone;

impl Crew for Alone {
    fn threads(&self) -> usize {
        1
    }

    fn side_by_side(&self, n: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..n).for_each(work);
    }

    fn memory(&self) -> usize {
        usize::MAX
    }

    fn learned(&self, _: &[Merge], _: &[u8]) -> bool {
        true
    }
}
