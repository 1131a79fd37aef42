//! What workers waited for, as far as it is measured. Times are of all workers together: two that wait a second each have waited two.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Adds up how long several workers took for something.
#[derive(Debug, Default)]
pub struct Stopwatch {
    nanoseconds: AtomicU64,
}

impl Stopwatch {
    /// Does something, and adds how long it took.
    pub fn time<T>(&self, act: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let done = act();
        self.add(started.elapsed());
        done
    }

    pub(super) fn add(&self, more: Duration) {
        self.nanoseconds.fetch_add(u64::try_from(more.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Seconds so far.
    pub fn seconds(&self) -> f64 {
        self.nanoseconds.load(Ordering::Relaxed) as f64 / 1e9
    }
}

/// What the workers of a pass waited for, in seconds of all of them together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Waits {
    /// For records of the inputs: reading and decompressing, and until another worker has read what only one may read.
    pub reading: f64,
    /// Until files were written to their end and durable.
    pub writing: f64,
    /// Until texts were through that pass one at a time.
    pub huge_texts: f64,
    /// At the end, when others had units left and nothing was left to begin.
    pub last_units: f64,
}

impl Waits {
    /// What has come since.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            reading: self.reading - before.reading,
            writing: self.writing - before.writing,
            huge_texts: self.huge_texts - before.huge_texts,
            last_units: self.last_units - before.last_units,
        }
    }

    pub(super) fn to_json(self) -> serde_json::Value {
        let Self { reading, writing, huge_texts, last_units } = self;
        serde_json::json!({"reading": reading, "writing": writing, "huge_texts": huge_texts, "last_units": last_units})
    }
}
