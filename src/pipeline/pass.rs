//! A pass: units of work that are each done once, however often the run is interrupted.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Serialize, de::DeserializeOwned};

use super::context::Context;
use super::observer::{Progress, Quantity};
use super::work_dir::Entry;
use crate::error::Result;

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
}

impl Facts for () {}

/// A pass and its units.
pub(super) struct Pass {
    name: &'static str,
    quantity: Quantity,
    units: Vec<Unit>,
}

/// A unit of work.
struct Unit {
    name: String,
    /// How much of the pass it is, in the pass's quantity.
    size: u64,
}

impl Pass {
    /// A pass over units with their names and sizes.
    pub(super) fn new(name: &'static str, quantity: Quantity, units: impl Iterator<Item = (String, u64)>) -> Self {
        Self { name, quantity, units: units.map(|(name, size)| Unit { name, size }).collect() }
    }

    /// A pass that is a fold: one unit of some steps.
    pub(super) fn fold(name: &'static str, unit: String, steps: u64) -> Self {
        Self::new(name, Quantity::Steps, std::iter::once((unit, steps)))
    }

    /// Has the units that are not committed worked on: `work` gets their numbers, in order, and commits each.
    pub(super) fn run<F: Facts>(
        &self,
        context: &Context<'_>,
        work: impl FnOnce(Vec<usize>, &Underway<'_, '_>) -> Result<()>,
    ) -> Result<()> {
        self.run_where(context, &|_, _: &F| true, work)
    }

    /// The same; a unit that is committed is worked on again where `holds` says no.
    pub(super) fn run_where<F: Facts>(
        &self,
        context: &Context<'_>,
        holds: &dyn Fn(usize, &F) -> bool,
        work: impl FnOnce(Vec<usize>, &Underway<'_, '_>) -> Result<()>,
    ) -> Result<()> {
        let (mut missing, mut done) = (Vec::new(), [0; 3]);
        for (number, unit) in self.units.iter().enumerate() {
            match context.store.work.committed::<F>(self.name, &unit.name)?.filter(|entry| holds(number, &entry.facts)) {
                None => missing.push(number),
                Some(entry) => {
                    let more = [unit.size, entry.facts.documents(), entry.facts.bytes()];
                    done.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
                }
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let total = self.units.iter().fold(0_u64, |sum, unit| sum.saturating_add(unit.size));
        let progress = Progress::start(context.observer, self.name, self.quantity, total);
        if done[0] > 0 {
            progress.add(done[0], done[1], done[2]);
        }
        let underway = Underway { pass: self, context, progress, steps: AtomicU64::new(0) };
        work(missing, &underway)?;
        context.took(self.name, underway.progress.finish());
        Ok(())
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
        self.progress.add(rest, facts.documents(), facts.bytes());
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
