//! What every pass of a run needs.

use std::sync::Mutex;

use super::observer::{Observer, Stop};
use super::plan::Plan;
use super::pool::Pool;
use super::registry::Stages;
use super::share::{Task, Together};
use super::store::Store;
use super::waits::Waits;

pub(super) struct Context<'a> {
    pub(super) stages: &'a Stages,
    pub(super) store: &'a Store,
    pub(super) pool: &'a Pool,
    pub(super) stop: &'a Stop,
    pub(super) observer: &'a dyn Observer,
    /// Ceiling of memory in bytes.
    pub(super) memory: u64,
    pub(super) fingerprint: &'a str,
    /// What of the run this process takes.
    pub(super) together: Together,
    /// Seconds that each pass took in this attempt, in order.
    pub(super) seconds: Mutex<Vec<(&'static str, f64)>>,
}

impl Context<'_> {
    pub(super) fn plan(&self) -> &Plan {
        &self.stages.plan
    }

    /// Has this process the run alone?
    pub(super) fn is_alone(&self) -> bool {
        self.together.task == Task::All
    }

    /// What the workers have waited for so far.
    pub(super) fn waits(&self) -> Waits {
        Waits {
            reading: self.store.reading.seconds() + self.pool.waited_for_turn().seconds(),
            writing: self.store.work.writing.seconds(),
            huge_texts: self.store.gate.waited().seconds(),
            last_units: self.pool.waited_for_last().seconds(),
        }
    }

    /// Notes how long a pass took.
    pub(super) fn took(&self, pass: &'static str, seconds: f64) {
        if let Ok(mut all) = self.seconds.lock() {
            all.push((pass, seconds));
        }
    }
}
