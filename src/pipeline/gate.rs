//! Huge texts pass one at a time, so that memory holds what is made of one of them only; what is made of one alone must fit.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::waits::Stopwatch;
use crate::error::{Error, Result};

/// Lets texts of ordinary size pass side by side, and a huge one only while no other is inside: what is made of a text is many
/// times as large, and memory holds that once, however many workers there are. Nobody may enter twice.
#[derive(Debug, Default)]
pub struct Gate {
    inside: RwLock<()>,
    /// Bytes of memory that a run may take.
    memory: Option<u64>,
    waited: Stopwatch,
}

/// Leave to work on a text; given back when dropped.
#[derive(Debug)]
pub struct Permit<'a> {
    held: Held<'a>,
}

#[derive(Debug)]
enum Held<'a> {
    SideBySide { _leave: RwLockReadGuard<'a, ()> },
    Alone { _leave: RwLockWriteGuard<'a, ()> },
}

impl Gate {
    /// Bytes of text that are huge. A batch of ordinary records is smaller: what a worker makes of it fits its share of memory.
    pub const HUGE: usize = 8 << 20;
    /// Memory that a byte of a text takes where most is made of it, in the segmenter: measured on texts that normalisation made eleven
    /// times as long.
    const BYTES_A_BYTE: u64 = 6;
    /// The same where it is also compared with a near-duplicate: its set of shingles.
    const BYTES_A_BYTE_AT_MOST: u64 = 8;
    /// Memory beside it: the program, its tables, a shard and its columns.
    const BYTES_BESIDE: u64 = 64 << 20;

    /// A gate of a run that may take so many bytes of memory.
    pub fn within(memory: u64) -> Self {
        Self { memory: Some(memory), ..Self::default() }
    }

    /// Refuses a huge text that does not fit into memory even alone, with the memory that would do; `name` says which it is.
    pub fn check(&self, bytes: usize, name: &dyn Fn() -> String) -> Result<()> {
        let needed = Self::BYTES_BESIDE + Self::BYTES_A_BYTE * bytes as u64;
        // What is reckoned is rough: a twentieth more is let through.
        if bytes <= Self::HUGE || self.memory.is_none_or(|memory| needed <= memory + memory / 20) {
            return Ok(());
        }
        let enough = (Self::BYTES_BESIDE + Self::BYTES_A_BYTE_AT_MOST * bytes as u64) >> 20;
        Err(Error::Resources(format!(
            "{}: a text of {} MiB, once normalised, needs {} to {enough} MiB of memory; give --memory {enough}MiB, or leave such records out \
             with a smaller input.record_max",
            name(),
            bytes >> 20,
            needed >> 20,
        )))
    }

    /// Waits until a text of so many bytes may be worked on.
    pub fn enter(&self, bytes: usize) -> Permit<'_> {
        // The lock guards memory, not data: there is nothing that a panic could have left half done.
        let held = self.waited.time(|| {
            if bytes > Self::HUGE {
                Held::Alone { _leave: self.inside.write().unwrap_or_else(PoisonError::into_inner) }
            } else {
                Held::SideBySide { _leave: self.inside.read().unwrap_or_else(PoisonError::into_inner) }
            }
        });
        Permit { held }
    }

    /// How long was waited for leave.
    pub fn waited(&self) -> &Stopwatch {
        &self.waited
    }

    /// The text has become longer, or shorter: who has been alone stays alone.
    pub fn stay<'a>(&'a self, permit: Permit<'a>, bytes: usize) -> Permit<'a> {
        if permit.is_alone() || bytes <= Self::HUGE {
            return permit;
        }
        drop(permit);
        self.enter(bytes)
    }
}

impl Permit<'_> {
    /// Is no other text inside?
    pub fn is_alone(&self) -> bool {
        matches!(self.held, Held::Alone { .. })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::pipeline::pool::Pool;

    #[test]
    fn a_text_that_cannot_fit_is_refused_with_what_would_do() {
        let name = || "a.jsonl: document 7".to_owned();
        let refusal = Gate::within(256 << 20).check(180 << 20, &name).unwrap_err();
        assert!(
            refusal.exit_code() == 4 && refusal.to_string().contains("needs 1144 to 1504 MiB of memory; give --memory 1504MiB"),
            "{refusal}"
        );
        Gate::within(1145 << 20).check(180 << 20, &name).unwrap();
        Gate::within(0).check(Gate::HUGE, &name).unwrap();
        Gate::default().check(usize::MAX >> 8, &name).unwrap();
    }

    #[test]
    fn a_huge_text_is_alone_and_ordinary_ones_are_not() {
        let (pool, gate) = (Pool::new(4).unwrap(), Gate::default());
        let (ordinary, huge) = (AtomicUsize::new(0), AtomicUsize::new(0));
        pool.parallel(200, &|i| {
            // Every tenth is huge from the start, every other tenth grows to be.
            let mut permit = gate.enter(if i % 10 == 0 { Gate::HUGE + 1 } else { Gate::HUGE });
            if i % 10 == 5 {
                permit = gate.stay(permit, Gate::HUGE + 1);
            }
            assert_eq!(permit.is_alone(), i % 5 == 0);
            let (mine, others) = if permit.is_alone() { (&huge, &ordinary) } else { (&ordinary, &huge) };
            let before = mine.fetch_add(1, Ordering::SeqCst);
            assert!(!permit.is_alone() || before == 0, "two huge texts at once");
            std::thread::sleep(std::time::Duration::from_micros(50));
            assert_eq!(others.load(Ordering::SeqCst), 0, "a huge text and another");
            mine.fetch_sub(1, Ordering::SeqCst);
        });
    }
}
