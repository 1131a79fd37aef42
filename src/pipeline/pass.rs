//! The only threads: workers that take units one after the other until there is none, an error, or a request to stop.
//!
//! A unit is taken under a lock and worked on outside it, so memory holds one unit a thread and nothing has to be put in
//! order afterwards: order comes from the units' names.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

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

/// Lets texts of ordinary size pass side by side, and a huge one only while no other is inside: what is made of a text is many
/// times as large, and memory holds that once, however many workers there are. Nobody may enter twice.
#[derive(Debug, Default)]
pub struct Gate {
    inside: RwLock<()>,
}

/// Leave to work on a text; given back when dropped.
#[derive(Debug)]
pub struct Pass<'a> {
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

    /// Waits until a text of so many bytes may be worked on.
    pub fn enter(&self, bytes: usize) -> Pass<'_> {
        // The lock guards memory, not data: there is nothing that a panic could have left half done.
        let held = if bytes > Self::HUGE {
            Held::Alone { _leave: self.inside.write().unwrap_or_else(PoisonError::into_inner) }
        } else {
            Held::SideBySide { _leave: self.inside.read().unwrap_or_else(PoisonError::into_inner) }
        };
        Pass { held }
    }

    /// The text has become longer, or shorter: who has been alone stays alone.
    pub fn stay<'a>(&'a self, pass: Pass<'a>, bytes: usize) -> Pass<'a> {
        if pass.is_alone() || bytes <= Self::HUGE {
            return pass;
        }
        drop(pass);
        self.enter(bytes)
    }
}

impl Pass<'_> {
    /// Is no other text inside?
    pub fn is_alone(&self) -> bool {
        matches!(self.held, Held::Alone { .. })
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
    fn a_huge_text_is_alone_and_ordinary_ones_are_not() {
        let (pool, gate) = (Pool::new(4).unwrap(), Gate::default());
        let (ordinary, huge) = (AtomicUsize::new(0), AtomicUsize::new(0));
        pool.parallel(200, &|i| {
            // Every tenth is huge from the start, every other tenth grows to be.
            let mut pass = gate.enter(if i % 10 == 0 { Gate::HUGE + 1 } else { Gate::HUGE });
            if i % 10 == 5 {
                pass = gate.stay(pass, Gate::HUGE + 1);
            }
            assert_eq!(pass.is_alone(), i % 5 == 0);
            let (mine, others) = if pass.is_alone() { (&huge, &ordinary) } else { (&ordinary, &huge) };
            let before = mine.fetch_add(1, Ordering::SeqCst);
            assert!(!pass.is_alone() || before == 0, "two huge texts at once");
            std::thread::sleep(std::time::Duration::from_micros(50));
            assert_eq!(others.load(Ordering::SeqCst), 0, "a huge text and another");
            mine.fetch_sub(1, Ordering::SeqCst);
        });
    }

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
