//! Several processes work on one run: which units are whose, and what a process says that has done its own.
//!
//! Nothing here is part of the output, or of any name: another number of processes finds what these have done.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::str::FromStr;
use std::time::Duration;

use crate::error::{Error, Result};

/// The share of one process among several that work on the same run, from 0 on: `I/N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    index: u32,
    count: u32,
}

impl Share {
    /// The share `index` of `count`.
    ///
    /// # Errors
    /// `Refused` where `index` is not below `count`.
    pub fn new(index: u32, count: u32) -> Result<Self> {
        if index < count { Ok(Self { index, count }) } else { Err(no_share(&format!("{index}/{count}"))) }
    }

    /// Which units of these sizes are of this share: the largest first, each to the share that has the least so far. So shares differ by
    /// little, and units of one size go round. Depends on sizes and number of shares alone.
    pub(super) fn of(self, sizes: &[u64]) -> Vec<bool> {
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by_key(|&unit| Reverse(sizes[unit]));
        let mut loads: BinaryHeap<Reverse<(u64, u32)>> = (0..self.count).map(|share| Reverse((0, share))).collect();
        let mut ours = vec![false; sizes.len()];
        for unit in order {
            let Some(mut least) = loads.peek_mut() else { break };
            let Reverse((load, share)) = *least;
            ours[unit] = share == self.index;
            // A unit of no size is work, too.
            *least = Reverse((load.saturating_add(sizes[unit].max(1)), share));
        }
        ours
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Share {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
        let both = text.split_once('/').and_then(|(index, count)| Some((number(index)?, number(count)?)));
        let (index, count) = both.ok_or_else(|| no_share(text))?;
        Self::new(index, count)
    }
}

fn no_share(text: &str) -> Error {
    let message = format!("--shard {}: not I/N with 0 ≤ I < N", crate::quarantine::escape(text, 40));
    Error::refused_with_hint(message, "shares are counted from 0: of four processes the first has 0/4, the last 3/4")
}

/// What of a run a process takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Task {
    /// Everything that is missing: it has the run alone.
    All,
    /// Of each pass its share; folds when nothing in front of them is missing.
    Share(Share),
    /// One unit of one pass.
    Unit {
        /// The pass.
        pass: String,
        /// What the unit is called.
        unit: String,
    },
    /// Nothing: it looks how far the run is.
    Look,
}

/// How a process works together with others.
#[derive(Debug, Clone)]
pub(super) struct Together {
    /// What it takes.
    pub(super) task: Task,
    /// How long it looks again for what others may have finished: network file systems show new files late.
    pub(super) patience: Duration,
}

impl Together {
    /// A process that has the run alone.
    pub(super) fn alone() -> Self {
        Self { task: Task::All, patience: Duration::ZERO }
    }
}

/// The first pass of a run that is not complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// Its name.
    pub pass: &'static str,
    /// The units that are missing: what each is called, and how much of the pass it is.
    pub units: Vec<(String, u64)>,
    /// Units of the pass.
    pub of: usize,
    /// A fold, which another process is closing at this moment.
    pub in_other_hands: bool,
}

impl Lacking {
    /// What a program is told of a share that is done before the run is, on the terminal and in the log.
    pub fn to_json(&self) -> serde_json::Value {
        let Self { pass, units, of, in_other_hands } = self;
        serde_json::json!({"event": "share_done", "pass": pass, "missing": units.len(), "of": of, "by_others": in_other_hands})
    }
}

/// Why a pass is left before it is complete.
#[derive(Debug)]
pub(super) enum Halt {
    /// An error.
    Failed(Error),
    /// Others have not done their units.
    Lacking(Lacking),
    /// The one unit that was asked for is done; by this process, or before.
    Done(bool),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What a pass gives when it is complete.
pub(super) type Progressed<T> = std::result::Result<T, Halt>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_counted_from_zero() {
        assert_eq!("3/4".parse::<Share>().unwrap(), Share::new(3, 4).unwrap());
        for text in ["4/4", "0/0", "1", "", "/", "-1/4", "+1/4", "1/4/4", "0/", "a/b", "0/4294967296", "1 /4", "٣/٤"] {
            let refused = text.parse::<Share>().unwrap_err();
            assert!(refused.exit_code() == 2 && refused.hint().is_some(), "{text}: {refused}");
        }
    }

    #[test]
    fn every_unit_is_of_one_share_and_shares_are_alike() {
        let sizes: Vec<u64> = (0..100).map(|n| n * n % 97 * 1000).collect();
        for count in [1, 2, 3, 7, 64, 200] {
            let shares: Vec<Vec<bool>> = (0..count).map(|index| Share::new(index, count).unwrap().of(&sizes)).collect();
            assert!((0..sizes.len()).all(|unit| shares.iter().filter(|share| share[unit]).count() == 1), "{count}");
            let loads: Vec<u64> =
                shares.iter().map(|ours| sizes.iter().zip(ours).filter(|(_, ours)| **ours).map(|(size, _)| size).sum()).collect();
            let (most, least) = (loads.iter().max().unwrap(), loads.iter().min().unwrap());
            assert!(most - least <= 96_000, "{count}: {loads:?}");
        }
    }

    #[test]
    fn units_of_one_size_go_round() {
        let ours = Share::new(1, 3).unwrap().of(&[5; 8]);
        assert_eq!(ours, [false, true, false, false, true, false, false, true]);
        assert_eq!(Share::new(2, 3).unwrap().of(&[0; 4]), [false, false, true, false]);
    }
}
