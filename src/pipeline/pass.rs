//! A pass: units of work that are each done once, however often the run is interrupted, and by however many processes.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Serialize, de::DeserializeOwned};

use super::context::Context;
use super::observer::{Event, PassWork, Progress, Quantity};
use super::share::{Halt, Lacking, Progressed, Share, Task};
use super::waits::Waits;
use super::work_dir::Entry;
use crate::error::{Error, Result};

/// The first pause before a process looks again for what others may have finished; each is twice as long.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What the entry of a unit says beside its files.
pub(super) trait Facts: Serialize + DeserializeOwned {
    /// Documents that the unit took, for progress.
    fn documents(&self) -> u64 {
        0
    }
    /// Bytes of their text.
    fn bytes(&self) -> u64 {
        0
    }
    /// Records that could not be read.
    fn quarantined(&self) -> u64 {
        0
    }
    /// Files and records that were passed over.
    fn passed_over(&self) -> u64 {
        0
    }
}

impl Facts for () {}

/// A pass and its units.
pub(super) struct Pass {
    name: &'static str,
    quantity: Quantity,
    units: Vec<Unit>,
    /// One unit that reads what all units in front of it made.
    is_fold: bool,
}

/// A unit of work.
struct Unit {
    name: String,
    /// How much of the pass it is, in the pass's quantity.
    size: u64,
}

/// Units that are not committed, and how much those are that were already.
struct Found {
    missing: Vec<usize>,
    /// Units that were committed already.
    units: u64,
    /// In the pass's quantity, in documents and in bytes.
    done: [u64; 3],
}

/// Does what the entry of a unit says hold?
type Holds<'a, F> = &'a dyn Fn(usize, &F) -> Result<bool>;

impl Pass {
    /// A pass over units with their names and sizes.
    pub(super) fn new(name: &'static str, quantity: Quantity, units: impl Iterator<Item = (String, u64)>) -> Self {
        Self { name, quantity, units: units.map(|(name, size)| Unit { name, size }).collect(), is_fold: false }
    }

    /// A pass that is a fold: one unit of some steps.
    pub(super) fn fold(name: &'static str, unit: String, steps: u64) -> Self {
        Self { is_fold: true, ..Self::new(name, Quantity::Steps, std::iter::once((unit, steps))) }
    }

    /// Has the units that are not committed worked on: `work` gets their numbers, in order, and commits each. Where several processes share
    /// the run, those of this one.
    pub(super) fn run<F: Facts>(
        &self,
        context: &Context<'_>,
        work: impl FnOnce(Vec<usize>, &Underway<'_, '_>) -> Result<()>,
    ) -> Progressed<()> {
        self.run_where(context, &|_, _: &F| Ok(true), work)
    }

    /// The same; a unit that is committed is worked on again where `holds` says no.
    pub(super) fn run_where<F: Facts>(
        &self,
        context: &Context<'_>,
        holds: Holds<'_, F>,
        work: impl FnOnce(Vec<usize>, &Underway<'_, '_>) -> Result<()>,
    ) -> Progressed<()> {
        let all = || 0..self.units.len();
        match &context.together.task {
            Task::All => {
                let found = self.find(context, all(), holds)?;
                Ok(self.work_on(context, &found, found.missing.clone(), work)?)
            }
            Task::Share(share) => self.run_share(context, *share, holds, work),
            Task::Unit { pass, unit } => {
                let wanted = all().find(|&number| *pass == self.name && self.units[number].name == *unit);
                let Some(wanted) = wanted else {
                    // What stands beside the unit need not be there.
                    let is_beside = *pass == self.name && !self.is_fold;
                    return self.wait_for_others(context, holds, if is_beside { Duration::ZERO } else { context.together.patience });
                };
                if self.holds_to_the_byte(context, wanted, holds)? {
                    return Err(Halt::Done(false));
                }
                self.work_on(context, &Found { missing: vec![wanted], units: 0, done: [0; 3] }, vec![wanted], work)?;
                Err(Halt::Done(true))
            }
            Task::Look => match self.find_listed(context, all(), holds)?.missing {
                missing if missing.is_empty() => Ok(()),
                missing => Err(Halt::Lacking(self.lacking(&missing))),
            },
        }
    }

    /// The share of a process; then the pass is complete, or it is said what others have not done.
    fn run_share<F: Facts>(
        &self,
        context: &Context<'_>,
        share: Share,
        holds: Holds<'_, F>,
        work: impl FnOnce(Vec<usize>, &Underway<'_, '_>) -> Result<()>,
    ) -> Progressed<()> {
        // A pass of one unit has nothing to share either.
        if self.is_fold || self.units.len() == 1 {
            return self.close(context, holds, work);
        }
        let is_ours = share.of(&self.units.iter().map(|unit| unit.size).collect::<Vec<_>>());
        let mut found = self.find_listed(context, 0..self.units.len(), holds)?;
        // Every byte of an earlier attempt is looked at by the one process whose unit it is.
        for number in (0..self.units.len()).filter(|&number| is_ours[number]) {
            if found.missing.binary_search(&number).is_err() && !self.holds_to_the_byte(context, number, holds)? {
                found.missing.push(number);
            }
        }
        found.missing.sort_unstable();
        let ours: Vec<usize> = found.missing.iter().copied().filter(|&number| is_ours[number]).collect();
        self.work_on(context, &found, ours, work)?;
        self.wait_for_others(context, holds, context.together.patience)
    }

    /// A fold has one unit, and every process that comes to it may close it: they would make the same bytes. So that they need not, those that
    /// find another at it leave it to that one.
    fn close<F: Facts>(
        &self,
        context: &Context<'_>,
        holds: Holds<'_, F>,
        work: impl FnOnce(Vec<usize>, &Underway<'_, '_>) -> Result<()>,
    ) -> Progressed<()> {
        let started = Instant::now();
        let _claim = loop {
            let found = self.find(context, 0..1, holds)?;
            if found.missing.is_empty() {
                self.skip(context, &found);
                return Ok(());
            }
            if let Some(claim) = context.store.work.claim(self.name)? {
                break claim;
            }
            // What takes no longer than a look again is waited for.
            if started.elapsed() >= context.together.patience {
                return Err(Halt::Lacking(Lacking { in_other_hands: true, ..self.lacking(&found.missing) }));
            }
            context.stop.pause(LOOK_AGAIN)?;
        };
        // Whoever had the claim before may have closed it.
        let found = self.find(context, 0..1, holds)?;
        Ok(self.work_on(context, &found, found.missing.clone(), work)?)
    }

    /// Looks until nothing is missing, for as long as a file system may take to show what others have finished.
    fn wait_for_others<F: Facts>(&self, context: &Context<'_>, holds: Holds<'_, F>, patience: Duration) -> Progressed<()> {
        let (started, mut pause) = (Instant::now(), LOOK_AGAIN);
        let mut missing: Vec<usize> = (0..self.units.len()).collect();
        loop {
            missing = self.find_listed(context, missing.into_iter(), holds)?.missing;
            if missing.is_empty() {
                return Ok(());
            }
            let left = patience.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Err(Halt::Lacking(self.lacking(&missing)));
            }
            context.stop.pause(pause.min(left))?;
            pause *= 2;
        }
    }

    fn lacking(&self, missing: &[usize]) -> Lacking {
        let units = missing.iter().map(|&number| (self.units[number].name.clone(), self.units[number].size)).collect();
        Lacking { pass: self.name, units, of: self.units.len(), in_other_hands: false }
    }

    /// Looks for some units, by their numbers.
    fn find<F: Facts>(&self, context: &Context<'_>, units: impl Iterator<Item = usize>, holds: Holds<'_, F>) -> Result<Found> {
        let mut found = Found { missing: Vec::new(), units: 0, done: [0; 3] };
        for number in units {
            let unit = &self.units[number];
            let entry = context.store.work.committed::<F>(self.name, &unit.name)?;
            let entry = entry.map(|entry| Ok::<_, Error>(holds(number, &entry.facts)?.then_some(entry))).transpose()?.flatten();
            match entry {
                None => found.missing.push(number),
                Some(entry) => {
                    found.units += 1;
                    let more = [unit.size, entry.facts.documents(), entry.facts.bytes()];
                    found.done.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
                }
            }
        }
        Ok(found)
    }

    /// The same for many: what the list of entries does not name costs no look of its own.
    fn find_listed<F: Facts>(&self, context: &Context<'_>, units: impl Iterator<Item = usize>, holds: Holds<'_, F>) -> Result<Found> {
        let listed: BTreeSet<OsString> = context.store.work.entries(self.name)?.into_iter().collect();
        let (there, mut missing): (Vec<usize>, Vec<usize>) =
            units.partition(|&number| listed.contains(OsStr::new(&format!("{}.json", self.units[number].name))));
        let mut found = self.find(context, there.into_iter(), holds)?;
        found.missing.append(&mut missing);
        found.missing.sort_unstable();
        Ok(found)
    }

    /// Is a unit committed, and is every byte of its files what its entry says?
    fn holds_to_the_byte<F: Facts>(&self, context: &Context<'_>, number: usize, holds: Holds<'_, F>) -> Result<bool> {
        let entry = context.store.work.committed_to_the_byte::<F>(self.name, &self.units[number].name)?;
        entry.map_or(Ok(false), |entry| holds(number, &entry.facts))
    }

    /// Has some units worked on, of those that are missing.
    fn work_on(
        &self,
        context: &Context<'_>,
        found: &Found,
        ours: Vec<usize>,
        work: impl FnOnce(Vec<usize>, &Underway<'_, '_>) -> Result<()>,
    ) -> Result<()> {
        if ours.is_empty() {
            self.skip(context, found);
            return Ok(());
        }
        let total = match context.together.task {
            Task::Unit { .. } => ours.iter().map(|&number| self.units[number].size).sum(),
            _ => self.units.iter().fold(0_u64, |sum, unit| sum.saturating_add(unit.size)),
        };
        let progress = Progress::start(context.observer, self.name, self.quantity, total);
        progress.found(found.units, found.done);
        let underway = Underway { pass: self, context, progress, steps: AtomicU64::new(0), waited_before: context.waits() };
        work(ours, &underway)?;
        underway.look_at_waits();
        context.took(self.name, underway.progress.finish());
        Ok(())
    }

    /// Says that nothing is left to do here.
    fn skip(&self, context: &Context<'_>, found: &Found) {
        if found.units > 0 {
            context.observer.on_event(&Event::PassSkipped { pass: self.name, units: found.units });
        }
    }

    /// The entry of a unit, when all are committed.
    pub(super) fn entry<F: Facts>(&self, context: &Context<'_>, number: usize) -> Result<Entry<F>> {
        context.store.work.required(self.name, &self.units[number].name)
    }

    /// The entries of all units, in order, when all are committed.
    pub(super) fn entries<F: Facts>(&self, context: &Context<'_>) -> Result<Vec<Entry<F>>> {
        (0..self.units.len()).map(|number| self.entry(context, number)).collect()
    }
}

/// A pass that is being worked on.
pub(super) struct Underway<'p, 'c> {
    pass: &'p Pass,
    context: &'p Context<'c>,
    progress: Progress<'p>,
    steps: AtomicU64,
    waited_before: Waits,
}

impl Underway<'_, '_> {
    /// Commits a unit.
    pub(super) fn commit<F: Facts>(&self, number: usize, entry: &Entry<F>) -> Result<()> {
        self.context.store.work.commit(self.pass.name, &self.pass.units[number].name, entry)?;
        self.committed(number, &entry.facts);
        Ok(())
    }

    /// A unit has been committed by its worker.
    pub(super) fn committed<F: Facts>(&self, number: usize, facts: &F) {
        let rest = self.pass.units[number].size.saturating_sub(self.steps.swap(0, Ordering::Relaxed));
        let (documents, bytes) = (facts.documents(), facts.bytes());
        let (quarantined, passed_over) = (facts.quarantined(), facts.passed_over());
        self.progress.did(&PassWork { units: 1, documents, bytes, quarantined, passed_over, ..PassWork::default() });
        self.progress.add(rest, documents, bytes);
        self.look_at_waits();
        self.progress.tell_now_and_then();
    }

    /// A fold is one unit, of which only what is read and written by all threads is measured: nothing is said of it.
    fn look_at_waits(&self) {
        if !self.pass.is_fold {
            self.progress.waited(self.context.pool.threads(), self.context.waits().since(self.waited_before));
        }
    }

    /// A step of a fold is done.
    pub(super) fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
        self.progress.add(1, 0, 0);
    }

    /// Works on units on all threads, with scratch made by `worker`, and commits what each gives.
    pub(super) fn side_by_side<W, F: Facts>(
        &self,
        units: Vec<usize>,
        worker: &(dyn Fn() -> W + Sync),
        work: &(dyn Fn(&mut W, usize) -> Result<Entry<F>> + Sync),
    ) -> Result<()> {
        let mut units = units.into_iter();
        self.context
            .pool
            .for_each(self.context.stop, &mut || Ok(units.next()), worker, &|worker, number| self.commit(number, &work(worker, number)?))
    }
}

/// Large units first: what is left at the end, when threads run out of work, is small.
pub(super) fn largest_first(units: &mut [usize], size: impl Fn(usize) -> u64) {
    units.sort_by_key(|&number| std::cmp::Reverse(size(number)));
}
