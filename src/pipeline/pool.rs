//! The only threads: workers that take units one after the other until there is none, an error, or a request to stop.
//!
//! A unit is taken under a lock and worked on outside it, so memory holds one unit a thread and nothing has to be put in
//! order afterwards: order comes from the units' names.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::observer::Stop;
use crate::error::{Error, Result};

/// The threads of a run.
#[derive(Debug)]
pub struct Pool {
    pool: rayon::ThreadPool,
}

impl Pool {
    /// Starts `threads` threads (at least one).
    pub fn new(threads: usize) -> Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
        let pool =
            pool.map_err(|e| Error::Resources(format!("cannot start {threads} threads: {e}; try --threads with a smaller number")))?;
        Ok(Self { pool })
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Takes units from `next` and works on each with scratch made by `worker`, on all threads. The first error stops the rest.
    pub fn for_each<U: Send, W>(
        &self,
        stop: &Stop,
        next: &mut (dyn FnMut() -> Result<Option<U>> + Send),
        worker: &(dyn Fn() -> W + Sync),
        work: &(dyn Fn(&mut W, U) -> Result<()> + Sync),
    ) -> Result<()> {
        let next = Mutex::new(next);
        let failed = AtomicBool::new(false);
        let first_error = Mutex::new(None);
        let take = || -> Result<Option<U>> {
            if failed.load(Ordering::Relaxed) {
                return Ok(None);
            }
            stop.check()?;
            let mut next = next.lock().map_err(|_| Error::internal("another worker panicked"))?;
            next()
        };
        let run = || -> Result<()> {
            let mut scratch = worker();
            while let Some(unit) = take()? {
                work(&mut scratch, unit)?;
            }
            Ok(())
        };
        self.pool.scope(|scope| {
            for _ in 0..self.threads() {
                scope.spawn(|_| {
                    if let Err(e) = guarded(run) {
                        failed.store(true, Ordering::Relaxed);
                        if let Ok(mut slot) = first_error.lock() {
                            slot.get_or_insert(e);
                        }
                    }
                });
            }
        });
        match first_error.into_inner() {
            Ok(Some(e)) => Err(e),
            _ => Ok(()),
        }
    }

    /// Runs `work(0..n)` on all threads, in any order.
    pub fn parallel(&self, n: usize, work: &(dyn Fn(usize) + Sync)) {
        let at = AtomicUsize::new(0);
        self.pool.scope(|scope| {
            for _ in 0..self.threads().min(n) {
                scope.spawn(|_| {
                    loop {
                        let i = at.fetch_add(1, Ordering::Relaxed);
                        if i >= n {
                            return;
                        }
                        work(i);
                    }
                });
            }
        });
    }
}

/// A panic is a bug; it stops the run as one sentence (exit code 1) and leaves it resumable.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Error::internal(format!("a worker panicked: {}", crate::quarantine::escape(text.unwrap_or("no message"), 200))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_worked_on_once_and_an_error_or_panic_stops() {
        let pool = Pool::new(2).unwrap();
        let stop = Stop::default();
        let seen = Mutex::new(Vec::new());
        let mut units = 0..100;
        pool.for_each(&stop, &mut || Ok(units.next()), &|| (), &|(), unit| {
            seen.lock().unwrap().push(unit);
            Ok(())
        })
        .unwrap();
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());

        let mut endless = 0..;
        let error = pool.for_each(&stop, &mut || Ok(endless.next()), &|| (), &|(), unit| if unit == 7 { panic!("seven") } else { Ok(()) });
        assert!(error.unwrap_err().to_string().contains("seven"));
        stop.request(15);
        let mut endless = 0..;
        let stopped = pool.for_each(&stop, &mut || Ok(endless.next()), &|| (), &|(), _: i32| Ok(()));
        assert_eq!(stopped.unwrap_err().exit_code(), 143);
    }
}
