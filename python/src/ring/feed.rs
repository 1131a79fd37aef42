//! The thread that fills batches ahead of their use, and the queue between it and Python.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use seimai::error::{Error, Result};
use seimai::pack::Pack;

use super::fill::{Arrays, Filled, Parts};
use super::memory::Memory;
use super::schedule::{Due, Schedule};

/// How long Python waits before it looks for Ctrl-C.
const PATIENCE: Duration = Duration::from_millis(100);

/// How the thread ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Behind the last batch, or an error.
    Orderly,
    /// It panicked.
    Broken,
}

/// A filled batch.
pub(super) struct Ready {
    pub(super) memory: Memory,
    pub(super) filled: Filled,
    pub(super) consumed: u64,
}

/// Memory of batches that can be used again.
#[derive(Default)]
pub(super) struct Pool {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    free: Vec<Memory>,
    ready: VecDeque<Result<Ready>>,
    /// May memory be allocated where none is free, and how much is kept.
    keep: Option<usize>,
    end: Option<End>,
    stop: bool,
}

impl Pool {
    /// Memory is taken from `lent`, and waited for; or, if there is none, allocated, of which `keep` pieces are used again.
    pub(super) fn new(lent: Vec<Memory>, keep: usize) -> Self {
        let keep = lent.is_empty().then_some(keep);
        Self { state: Mutex::new(State { free: lent, keep, ..State::default() }), changed: Condvar::new() }
    }

    /// Gives memory back, once nobody reads it any more.
    pub(super) fn give(&self, memory: Memory) {
        let mut state = self.lock();
        if state.keep.is_none_or(|keep| state.free.len() < keep) {
            state.free.push(memory);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Free memory of at least so many bytes, or new memory.
    pub(super) fn take(&self, bytes: usize) -> Result<Memory> {
        let mut state = self.lock();
        while let Some(memory) = state.free.pop() {
            if memory.len() >= bytes {
                return Ok(memory);
            }
        }
        drop(state);
        allocate(bytes)
    }

    // A thread that panicked has not left the queue half changed: no code that could panic runs while it is locked.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, PATIENCE).unwrap_or_else(PoisonError::into_inner).0
    }
}

fn allocate(bytes: usize) -> Result<Memory> {
    Memory::allocate(bytes).ok_or_else(|| Error::Resources(format!("a batch needs {bytes} bytes of memory")))
}

/// Where batches come from.
pub(super) struct Source {
    pub(super) pack: Arc<Pack>,
    pub(super) directory: PathBuf,
    pub(super) arrays: Arrays,
}

/// Which batches are filled, and how many of them ahead: every `every`-th of the schedule from `first` on.
pub(super) struct Ahead {
    pub(super) schedule: Schedule,
    pub(super) first: u64,
    pub(super) every: u64,
    pub(super) depth: usize,
}

impl Ahead {
    fn batches(&self) -> impl Iterator<Item = Due> {
        let mut next = Some(self.first);
        std::iter::from_fn(move || {
            let batch = self.schedule.batch(next?)?;
            next = next?.checked_add(self.every);
            Some(batch)
        })
    }
}

/// Fills memory with a batch; if that fails the memory goes back: what Python lent is not released by a thread of ours.
fn fill(arrays: &Arrays, parts: &mut Parts<'_>, batch: Due, mut memory: Memory, pool: &Pool) -> Result<Ready> {
    match arrays.fill(parts, &batch.rows, memory.bytes_mut()) {
        Ok(filled) => Ok(Ready { memory, filled, consumed: batch.consumed }),
        Err(error) => {
            pool.give(memory);
            Err(error)
        }
    }
}

/// A running thread and what it fills.
pub(super) struct Feed {
    pool: Arc<Pool>,
    thread: Option<JoinHandle<()>>,
    /// The process that the thread runs in: a forked child has the value but not the thread.
    process: u32,
}

impl Feed {
    /// Starts the thread.
    pub(super) fn start(source: Source, plan: Ahead, pool: Arc<Pool>) -> Result<Self> {
        let shared = Arc::clone(&pool);
        let work = move || {
            let end = EndOfWork(&shared);
            let mut parts = Parts::new(&source.pack, &source.directory);
            let mut due = plan.batches();
            while let Some((batch, memory)) =
                due.next().and_then(|batch| Some((batch, next_memory(&shared, source.arrays.bytes, plan.depth)?)))
            {
                let ready = memory.and_then(|memory| fill(&source.arrays, &mut parts, batch, memory, &shared));
                let failed = ready.is_err();
                shared.lock().ready.push_back(ready);
                shared.changed.notify_all();
                if failed {
                    break;
                }
            }
            end.say_orderly();
        };
        let thread = std::thread::Builder::new().name("seimai-ring".into()).spawn(work);
        let thread = thread.map_err(|error| Error::Resources(format!("no thread could be started: {error}")))?;
        Ok(Self { pool, thread: Some(thread), process: std::process::id() })
    }

    /// Was it started by another process, of which this one is a fork?
    pub(super) fn is_foreign(&self) -> bool {
        self.process != std::process::id()
    }

    /// The next batch, in order, if it comes soon; `None` behind the last.
    pub(super) fn next(&self) -> Option<Poll<Result<Ready>>> {
        let mut state = self.pool.lock();
        if state.ready.is_empty() && state.end.is_none() {
            state = self.pool.wait(state);
        }
        let (next, end) = (state.ready.pop_front(), state.end);
        drop(state);
        self.pool.changed.notify_all();
        match (next, end) {
            (Some(ready), _) => Some(Poll::Ready(ready)),
            (None, None) => Some(Poll::Pending),
            (None, Some(End::Orderly)) => None,
            (None, Some(End::Broken)) => Some(Poll::Ready(Err(Error::internal("the thread that fills batches panicked")))),
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if self.is_foreign() {
            // The thread is not in this process; its lock may have been held when the process was forked.
            std::mem::forget(self.thread.take());
            return;
        }
        self.pool.lock().stop = true;
        self.pool.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been seen as an early end.
            let _ = thread.join();
        }
    }
}

/// Says that no batch will follow, also when the thread panics.
struct EndOfWork<'a>(&'a Pool);

impl EndOfWork<'_> {
    fn say_orderly(self) {
        self.0.lock().end = Some(End::Orderly);
    }
}

impl Drop for EndOfWork<'_> {
    fn drop(&mut self) {
        self.0.lock().end.get_or_insert(End::Broken);
        self.0.changed.notify_all();
    }
}

/// Memory for the next batch, once there is room for it; `None` if there is to be no next.
fn next_memory(pool: &Pool, bytes: usize, depth: usize) -> Option<Result<Memory>> {
    let mut state = pool.lock();
    loop {
        if state.stop {
            return None;
        }
        if state.ready.len() < depth {
            if let Some(memory) = state.free.pop() {
                return Some(Ok(memory));
            }
            if state.keep.is_some() {
                drop(state);
                return Some(allocate(bytes));
            }
        }
        state = pool.wait(state);
    }
}
