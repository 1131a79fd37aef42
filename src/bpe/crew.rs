//! Whom a training works with: threads, if there are any, memory, and somebody who wants to know how far it is and may know how far it was. What it
//! learns does not depend on any of this.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::bpe::merge::Learned;
use crate::error::Result;

/// A part of a training that begins from pre-tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The merges inside of the boundaries, for all sizes.
    First,
    /// The merges across them, for a vocabulary of this size.
    Second(u32),
}

/// An array that lies outside of memory.
pub trait Aside: AsRef<[u32]> + AsMut<[u32]> + Debug + Send + Sync {
    /// Appends symbols; they are seen after [`Aside::end`].
    ///
    /// # Errors
    /// Those of what it is.
    fn append(&mut self, symbols: &[u32]) -> Result<()>;

    /// All is appended.
    ///
    /// # Errors
    /// Those of what it is.
    fn end(&mut self) -> Result<()>;
}

/// What a training asks of its caller.
pub trait Crew: Sync {
    /// Pieces that [`Crew::side_by_side`] can work on at the same time.
    fn threads(&self) -> usize;

    /// Calls `work(0)` to `work(n - 1)`, in any order.
    fn side_by_side(&self, n: usize, work: &(dyn Fn(usize) + Sync));

    /// Bytes that pairs and their lists of positions may hold; beyond them rare pairs are looked for later, in another scan.
    fn memory(&self) -> usize;

    /// Symbols that the array may hold in memory.
    fn symbols(&self) -> usize;

    /// Where a longer array lies; `None`: in memory all the same.
    ///
    /// # Errors
    /// Those of what it is.
    fn aside(&self) -> Result<Option<Box<dyn Aside>>>;

    /// A stage begins, the next one when the last has ended: what is known of it from an interrupted training on the same counts with the same options.
    fn begin(&self, stage: Stage) -> Learned;

    /// What the stage has learned and the newest token, now and then. `false` ends the training.
    fn learned(&self, learned: &Learned, newest: &[u8]) -> bool;

    /// The stage has ended.
    fn end(&self, learned: &Learned);
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

    fn symbols(&self) -> usize {
        usize::MAX
    }

    fn aside(&self) -> Result<Option<Box<dyn Aside>>> {
        Ok(None)
    }

    fn begin(&self, _: Stage) -> Learned {
        Learned::default()
    }

    fn learned(&self, _: &Learned, _: &[u8]) -> bool {
        true
    }

    fn end(&self, _: &Learned) {}
}
