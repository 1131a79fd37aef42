//! What a run tells while it works. The library only emits events; how they look is the command line's affair.

use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A pass begins; `total` is in the pass's quantity, 0 if unknown.
    PassStarted {
        /// Name of the pass.
        pass: &'static str,
        /// What `total` and progress count: bytes read, parts, documents.
        quantity: Quantity,
        /// Work to do.
        total: u64,
    },
    /// The pass has done so much in all; `documents` beside it.
    Progress {
        /// Name of the pass.
        pass: &'static str,
        /// Done of the total.
        done: u64,
        /// Documents done.
        documents: u64,
        /// Bytes of text done.
        bytes: u64,
    },
    /// A vocabulary is being trained, and so many merges are learned.
    Learned {
        /// Merges so far, in both stages.
        merges: u64,
        /// The newest token; a piece of a character shows as U+FFFD.
        newest: String,
    },
    /// The pass is complete.
    PassFinished {
        /// Name of the pass.
        pass: &'static str,
        /// Seconds it took in this attempt.
        seconds: f64,
    },
    /// Something a person should know, in one sentence.
    Note(String),
}

/// What a pass counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Bytes: of input files as on disk while framing, of decoded records after it.
    Bytes,
    /// Documents.
    Documents,
    /// Output parts.
    Parts,
    /// Steps of a fold.
    Steps,
}

/// Whoever wants to know.
pub trait Observer: Send + Sync {
    /// Called from worker threads; must be quick.
    fn on_event(&self, event: &Event);
}

/// Nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn on_event(&self, _: &Event) {}
}

/// Whoever waits looks this often whether it is to stop.
const PAUSE: Duration = Duration::from_millis(50);

/// A request to stop, set from a signal handler and looked at between batches.
#[derive(Debug, Default)]
pub struct Stop {
    signal: AtomicI32,
}

impl Stop {
    /// Asks to stop because of `signal`.
    pub fn request(&self, signal: i32) {
        self.signal.store(signal, Ordering::Relaxed);
    }

    /// `Err(Interrupted)` once a stop is asked for.
    pub fn check(&self) -> Result<()> {
        match self.signal.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => Err(Error::Interrupted(signal)),
        }
    }

    /// Waits for so long, or until a stop is asked for.
    pub(super) fn pause(&self, length: Duration) -> Result<()> {
        let end = Instant::now() + length;
        loop {
            self.check()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(PAUSE));
        }
    }
}

/// Whoever may end a command, and whoever wants to know how far it is.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Ends it.
    pub stop: &'a Stop,
    /// Is told.
    pub observer: &'a dyn Observer,
}

/// Totals of a pass, shared by its workers, turned into [`Event::Progress`].
pub struct Progress<'a> {
    observer: &'a dyn Observer,
    pass: &'static str,
    started: Instant,
    done: AtomicU64,
    documents: AtomicU64,
    bytes: AtomicU64,
}

impl<'a> Progress<'a> {
    /// Announces the pass.
    pub fn start(observer: &'a dyn Observer, pass: &'static str, quantity: Quantity, total: u64) -> Self {
        observer.on_event(&Event::PassStarted { pass, quantity, total });
        let zero = || AtomicU64::new(0);
        Self { observer, pass, started: Instant::now(), done: zero(), documents: zero(), bytes: zero() }
    }

    /// Adds to the totals and tells.
    pub fn add(&self, done: u64, documents: u64, bytes: u64) {
        let done = self.done.fetch_add(done, Ordering::Relaxed) + done;
        let documents = self.documents.fetch_add(documents, Ordering::Relaxed) + documents;
        let bytes = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.observer.on_event(&Event::Progress { pass: self.pass, done, documents, bytes });
    }

    /// Ends the pass; seconds it took.
    pub fn finish(self) -> f64 {
        let seconds = self.started.elapsed().as_secs_f64();
        self.observer.on_event(&Event::PassFinished { pass: self.pass, seconds });
        seconds
    }
}
