//! The only threads: workers that take units one after the other until there is none, an error, or a request to stop.
//!
//! A unit is taken under a lock and worked on outside it, so memory holds one unit a thread and nothing has to be put in
//! order afterwards: order comes from the units' names.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Instant;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::observer::Stop;
use super::waits::Stopwatch;
use crate::error::{Error, Result};
use crate::io::{keep_ranges, memory_of_ranges};

/// The threads of a run.
#[derive(Debug)]
pub struct Pool {
    threads: rayon::ThreadPool,
    /// Waited for another worker that was taking a unit.
    turn: Stopwatch,
    /// Waited at the end for others, with nothing left to take.
    last: Stopwatch,
}

impl Pool {
    /// Starts `threads` threads (at least one); each may read objects of a store.
    pub fn new(threads: usize) -> Result<Self> {
        keep_ranges(memory_of_ranges(threads));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
        let pool =
            pool.map_err(|e| Error::Resources(format!("cannot start {threads} threads: {e}; try --threads with a smaller number")))?;
        Ok(Self { threads: pool, turn: Stopwatch::default(), last: Stopwatch::default() })
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.threads.current_num_threads()
    }

    /// How long workers waited for another one that was taking a unit.
    pub fn waited_for_turn(&self) -> &Stopwatch {
        &self.turn
    }

    /// How long workers that had nothing left to take waited for the others.
    pub fn waited_for_last(&self) -> &Stopwatch {
        &self.last
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
            let mut next = self.turn.time(|| next.lock()).map_err(|_| Error::internal("another worker panicked"))?;
            next()
        };
        let run = || -> Result<()> {
            let mut scratch = worker();
            while let Some(unit) = take()? {
                work(&mut scratch, unit)?;
            }
            Ok(())
        };
        let ends = Mutex::new(Vec::with_capacity(self.threads()));
        self.threads.scope(|scope| {
            for _ in 0..self.threads() {
                scope.spawn(|_| {
                    let ended = guarded(run);
                    if let Ok(mut ends) = ends.lock() {
                        ends.push(Instant::now());
                    }
                    if let Err(e) = ended {
                        failed.store(true, Ordering::Relaxed);
                        if let Ok(mut slot) = first_error.lock() {
                            slot.get_or_insert(e);
                        }
                    }
                });
            }
        });
        let ends = ends.into_inner().unwrap_or_default();
        if let Some(end) = ends.iter().max() {
            for ended in &ends {
                self.last.add(end.saturating_duration_since(*ended));
            }
        }
        match first_error.into_inner() {
            Ok(Some(e)) => Err(e),
            _ => Ok(()),
        }
    }

    /// What `work` makes of each unit, in their order, made on all threads.
    pub fn map<U: Send, T: Send>(&self, units: Vec<U>, work: &(dyn Fn(U) -> T + Sync)) -> Result<Vec<T>> {
        guarded(|| Ok(self.threads.install(|| units.into_par_iter().map(work).collect())))
    }

    /// Runs `work(0..n)` on all threads, in any order.
    pub fn parallel(&self, n: usize, work: &(dyn Fn(usize) + Sync)) {
        let at = AtomicUsize::new(0);
        self.threads.scope(|scope| {
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

impl Pool {
    /// Runs `consume` on one thread, while the others work ahead of it.
    pub fn with_ahead<T: Send, R: Send>(&self, ahead: &Ahead<T>, consume: impl FnOnce() -> Result<R> + Send) -> Result<R> {
        let mut result = Ok(None);
        self.threads.scope(|scope| {
            for _ in 1..self.threads() {
                scope.spawn(|_| {
                    if let Err(error) = guarded(|| ahead.work_ahead()) {
                        ahead.close(Some(error));
                    }
                });
            }
            result = guarded(|| consume().map(Some));
            ahead.close(None);
        });
        result?.ok_or_else(|| Error::internal("nothing was consumed"))
    }
}

/// A unit of work.
pub type Work<T> = Box<dyn FnOnce() -> T + Send>;

/// Units that are worked on in any order and taken in order. Never more than a few are done and not taken, so that memory is bounded.
pub struct Ahead<T> {
    next: Mutex<Units<T>>,
    changed: Condvar,
    most: usize,
}

struct Units<T> {
    claim: Box<dyn FnMut() -> Result<Option<Work<T>>> + Send>,
    /// Units claimed and taken so far.
    claimed: usize,
    taken: usize,
    done: BTreeMap<usize, T>,
    is_over: bool,
    error: Option<Error>,
}

impl<T> Ahead<T> {
    /// Units from `claim`, at most `most` of them ahead.
    pub fn new(most: usize, claim: impl FnMut() -> Result<Option<Work<T>>> + Send + 'static) -> Self {
        let units = Units { claim: Box::new(claim), claimed: 0, taken: 0, done: BTreeMap::new(), is_over: false, error: None };
        Self { next: Mutex::new(units), changed: Condvar::new(), most: most.max(1) }
    }

    fn lock(&self) -> Result<MutexGuard<'_, Units<T>>> {
        self.next.lock().map_err(|_| Error::internal("another worker panicked"))
    }

    /// The next result in order, `None` behind the last. Works itself rather than wait.
    pub fn take(&self) -> Result<Option<T>> {
        loop {
            let mut units = self.lock()?;
            if let Some(error) = units.error.take() {
                return Err(error);
            }
            let wanted = units.taken;
            if let Some(done) = units.done.remove(&wanted) {
                units.taken += 1;
                self.changed.notify_all();
                return Ok(Some(done));
            }
            if units.is_over && units.claimed == wanted {
                return Ok(None);
            }
            self.one(units)?;
        }
    }

    /// Works until there is nothing more to do.
    fn work_ahead(&self) -> Result<()> {
        loop {
            let units = self.lock()?;
            if units.is_over {
                return Ok(());
            }
            self.one(units)?;
        }
    }

    /// Claims a unit and works on it, or waits until something changes.
    fn one(&self, mut units: MutexGuard<'_, Units<T>>) -> Result<()> {
        if units.is_over || units.claimed >= units.taken + self.most {
            drop(self.changed.wait(units).map_err(|_| Error::internal("another worker panicked"))?);
            return Ok(());
        }
        let Some(work) = (units.claim)()? else {
            units.is_over = true;
            self.changed.notify_all();
            return Ok(());
        };
        let number = units.claimed;
        units.claimed += 1;
        drop(units);
        let done = work();
        self.lock()?.done.insert(number, done);
        self.changed.notify_all();
        Ok(())
    }

    /// No more units are begun. An error is given to whoever takes next.
    fn close(&self, error: Option<Error>) {
        if let Ok(mut units) = self.next.lock() {
            units.is_over = true;
            units.error = units.error.take().or(error);
        }
        self.changed.notify_all();
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

    #[test]
    fn what_is_done_ahead_is_taken_in_order() {
        for threads in [1, 3] {
            let pool = Pool::new(threads).unwrap();
            let counting = |to: usize| {
                let mut numbers = 0..to;
                Ahead::new(4, move || {
                    Ok(numbers.next().map(|n| Box::new(move || if n == 70 { panic!("seventy") } else { n }) as Work<usize>))
                })
            };
            let ahead = counting(60);
            let all = pool.with_ahead(&ahead, || std::iter::from_fn(|| ahead.take().transpose()).collect::<Result<Vec<_>>>());
            assert_eq!(all.unwrap(), (0..60).collect::<Vec<_>>());
            let ahead = counting(80);
            let taken = pool.with_ahead(&ahead, || ahead.take());
            assert_eq!(taken.unwrap(), Some(0), "whoever takes may stop early");
            let ahead = counting(80);
            let error = pool.with_ahead(&ahead, || {
                while ahead.take()?.is_some() {}
                Ok(())
            });
            assert!(error.unwrap_err().to_string().contains("seventy"));
        }
    }
}
