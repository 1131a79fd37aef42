//! Lends the threads of the pool to a training, and tells how far it is.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::observer::{Event, Observer, Stop};
use super::pool::Pool;
use crate::bpe;
use crate::bpe::crew::Crew;
use crate::bpe::merge::Merge;
use crate::bpe::{Options, Trained};
use crate::error::Result;
use crate::stage::BatchIter;

/// The observer is told this often at most.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// The share of the memory that occurrence lists may take; the array of symbols is beside them.
const LISTS: u64 = 2;

struct PoolCrew<'a> {
    pool: &'a Pool,
    stop: &'a Stop,
    observer: &'a dyn Observer,
    memory: u64,
    told: Mutex<Instant>,
}

impl Crew for PoolCrew<'_> {
    fn threads(&self) -> usize {
        self.pool.threads()
    }

    fn side_by_side(&self, n: usize, work: &(dyn Fn(usize) + Sync)) {
        if n == 1 { work(0) } else { self.pool.parallel(n, work) }
    }

    fn memory(&self) -> usize {
        usize::try_from(self.memory / LISTS).unwrap_or(usize::MAX)
    }

    fn learned(&self, merges: &[Merge], newest: &[u8]) -> bool {
        if let Ok(mut told) = self.told.lock()
            && told.elapsed() >= TELL_EVERY
        {
            *told = Instant::now();
            let newest = String::from_utf8_lossy(newest).into_owned();
            self.observer.on_event(&Event::Learned { merges: merges.len() as u64, newest });
        }
        self.stop.check().is_ok()
    }
}

/// Trains vocabularies of several sizes with all threads; what is learned depends on counts and options alone.
///
/// # Errors
/// Those of [`bpe::train_sizes`].
pub fn train<'c>(
    counts: &dyn Fn() -> Result<BatchIter<'c>>,
    options: &Options,
    sizes: &[u32],
    memory: u64,
    pool: &Pool,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<Vec<Trained>> {
    let crew = PoolCrew { pool, stop, observer, memory, told: Mutex::new(Instant::now()) };
    let trained = bpe::train_sizes(counts, options, sizes, &crew);
    // The signal that it was ended by is known here.
    stop.check().and(trained)
}
