//! What a run tells while it works. The library only emits events; how they look is the command line's affair.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::usage::{cpu_seconds, peak_memory};
use super::waits::Waits;
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
    /// What was done of the pass so far, and what held it up; now and then.
    Underway {
        /// Name of the pass.
        pass: &'static str,
        /// Seconds so far.
        seconds: f64,
        /// What was done in them; memory and CPU seconds are told at the end.
        work: PassWork,
    },
    /// The pass is complete, or the share of this process.
    PassFinished {
        /// Name of the pass.
        pass: &'static str,
        /// Seconds it took in this attempt.
        seconds: f64,
        /// What was done in them.
        work: PassWork,
    },
    /// Nothing of the pass was left to do for this process.
    PassSkipped {
        /// Name of the pass.
        pass: &'static str,
        /// Units that were finished before.
        units: u64,
    },
    /// Something a person should know, in one sentence.
    Note(String),
}

/// What this process did of a pass in this attempt, and what that took.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PassWork {
    /// Units that were worked on; 0 where a pass has none.
    pub units: u64,
    /// Units that were finished before, by an earlier attempt or by another process.
    pub skipped: u64,
    /// Documents of the units.
    pub documents: u64,
    /// Bytes of their text.
    pub bytes: u64,
    /// Records among them that could not be read.
    pub quarantined: u64,
    /// Files and records that were passed over.
    pub passed_over: u64,
    /// Seconds that all threads worked, together.
    pub cpu_seconds: f64,
    /// Largest resident memory of the process so far, in bytes; 0 where the system does not tell.
    pub peak_memory: u64,
    /// Threads at work; 0 where it was not measured what they waited for.
    pub workers: u64,
    /// What they waited for.
    pub waits: Waits,
}

impl Event {
    /// What a program is told, on the terminal and in the log of a run.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::PassStarted { pass, quantity, total } => {
                serde_json::json!({"event": "pass_started", "pass": pass, "unit": quantity.name(), "total": total})
            }
            Self::Progress { pass, done, documents, bytes } => {
                serde_json::json!({"event": "progress", "pass": pass, "done": done, "documents": documents, "bytes": bytes})
            }
            Self::Learned { merges, newest } => serde_json::json!({"event": "learned", "merges": merges, "newest": newest}),
            Self::PassFinished { pass, seconds, work } => {
                let PassWork { units, skipped, documents, bytes, quarantined, passed_over, cpu_seconds, peak_memory, workers, waits } =
                    work;
                serde_json::json!({
                    "event": "pass_finished",
                    "pass": pass,
                    "seconds": seconds,
                    "units": units,
                    "skipped": skipped,
                    "documents": documents,
                    "bytes": bytes,
                    "quarantined": quarantined,
                    "passed_over": passed_over,
                    "cpu_seconds": cpu_seconds,
                    "peak_memory_bytes": peak_memory,
                    "workers": workers,
                    "waits": waits.to_json(),
                })
            }
            Self::Underway { pass, seconds, work } => {
                serde_json::json!({"event": "underway", "pass": pass, "seconds": seconds, "workers": work.workers, "waits": work.waits.to_json()})
            }
            Self::PassSkipped { pass, units } => serde_json::json!({"event": "pass_skipped", "pass": pass, "skipped": units}),
            Self::Note(text) => serde_json::json!({"event": "note", "text": text}),
        }
    }
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

impl Quantity {
    /// As programs are told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Documents => "documents",
            Self::Parts => "parts",
            Self::Steps => "steps",
        }
    }
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

/// Seconds between two tellings of what holds a pass up.
const UNDERWAY_EVERY: u64 = 10;

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
    cpu_before: f64,
    done: AtomicU64,
    documents: AtomicU64,
    bytes: AtomicU64,
    /// What is told at the end.
    work: Mutex<PassWork>,
    /// How often it was told before the end.
    told: AtomicU64,
}

impl<'a> Progress<'a> {
    /// Announces the pass.
    pub fn start(observer: &'a dyn Observer, pass: &'static str, quantity: Quantity, total: u64) -> Self {
        observer.on_event(&Event::PassStarted { pass, quantity, total });
        let zero = || AtomicU64::new(0);
        let (done, documents, bytes) = (zero(), zero(), zero());
        Self {
            observer,
            pass,
            started: Instant::now(),
            cpu_before: cpu_seconds(),
            done,
            documents,
            bytes,
            work: Mutex::default(),
            told: zero(),
        }
    }

    /// So much was done before this attempt.
    pub(super) fn found(&self, units: u64, [done, documents, bytes]: [u64; 3]) {
        if let Ok(mut work) = self.work.lock() {
            work.skipped += units;
        }
        if done > 0 {
            self.add(done, documents, bytes);
        }
    }

    /// A unit is done, or several are.
    pub(super) fn did(&self, more: &PassWork) {
        if let Ok(mut work) = self.work.lock() {
            work.units += more.units;
            work.documents += more.documents;
            work.bytes += more.bytes;
            work.quarantined += more.quarantined;
            work.passed_over += more.passed_over;
        }
    }

    /// Adds to the totals and tells.
    pub fn add(&self, done: u64, documents: u64, bytes: u64) {
        let done = self.done.fetch_add(done, Ordering::Relaxed) + done;
        let documents = self.documents.fetch_add(documents, Ordering::Relaxed) + documents;
        let bytes = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.observer.on_event(&Event::Progress { pass: self.pass, done, documents, bytes });
    }

    /// What the workers waited for so far.
    pub(super) fn waited(&self, workers: usize, waits: Waits) {
        if let Ok(mut work) = self.work.lock() {
            (work.workers, work.waits) = (workers as u64, waits);
        }
    }

    /// Tells what was done so far, if that was not told a while ago.
    pub(super) fn tell_now_and_then(&self) {
        let seconds = self.started.elapsed().as_secs();
        let told = self.told.fetch_max(seconds / UNDERWAY_EVERY, Ordering::Relaxed);
        if seconds / UNDERWAY_EVERY > told {
            let work = self.work.lock().map(|work| work.clone()).unwrap_or_default();
            self.observer.on_event(&Event::Underway { pass: self.pass, seconds: self.started.elapsed().as_secs_f64(), work });
        }
    }

    /// Ends the pass; seconds it took.
    pub fn finish(self) -> f64 {
        let seconds = self.started.elapsed().as_secs_f64();
        let mut work = self.work.into_inner().unwrap_or_default();
        if work.units + work.skipped == 0 {
            // No units: everything was done here.
            (work.documents, work.bytes) = (self.documents.into_inner(), self.bytes.into_inner());
        }
        (work.cpu_seconds, work.peak_memory) = (cpu_seconds() - self.cpu_before, peak_memory());
        self.observer.on_event(&Event::PassFinished { pass: self.pass, seconds, work });
        seconds
    }
}
