//! What the workers of a run share: the output directory, the inputs, and the gate for huge texts. Any number of processes may share
//! one directory ([`Store::join`]); each unit is committed by itself.

use std::path::Path;
use std::sync::OnceLock;

use super::fingerprint;
use super::gate::Gate;
use super::inputs::Inputs;
use super::key::{Annotation, Key, ShardKeys};
use super::layout::{self, pass};
use super::registry::Stages;
use super::tables::write_table;
use super::waits::Stopwatch;
use super::work_dir::{Entry, State, WorkDir};
use crate::corpus::{Forgotten, Framer, Part, Place, RawShard, ShardLimits, ShardRef, shards_from_batch, shards_to_batch};
use crate::error::{Error, Result, Subject};
use crate::io::{TableReader, open_table_rows, open_table_within};

/// Bytes of a batch that is read from a table of the run: what is made of it is several times as large, and memory is reckoned in tens of MiB.
const BATCH_BYTES: u64 = 4 << 20;

/// The files and inputs of one run.
#[derive(Debug)]
pub struct Store {
    pub(super) work: WorkDir,
    pub(super) inputs: Inputs,
    pub(super) gate: Gate,
    /// How long workers read inputs.
    pub(super) reading: Stopwatch,
    annotation: Annotation,
    /// Name of the table of work shards.
    frame: String,
    /// Records that the plan forgets, and where work shards begin, once that is asked for their sake.
    forget: Vec<Forgotten>,
    begins: OnceLock<Vec<ShardRef>>,
}

impl Store {
    /// `memory` is the ceiling of the run, where it has one.
    pub(super) fn new(work: WorkDir, inputs: Inputs, stages: &Stages, memory: Option<u64>) -> Result<Self> {
        let annotation = Annotation::new(stages)?;
        let forget = stages.plan.input.forget.clone();
        refuse_unknown(&forget, &inputs)?;
        let mut frame = Key::of(pass::FRAME).and_settings(&stages.plan.input.of_framing())?.and_steps(&stages.plan, &["read"]);
        frame = frame.and_number(u64::from(stages.plan.shards.rows_max));
        for input in &inputs.states {
            frame = frame.and(&input.path).and(&input.blake3).and_number(input.bytes);
            if matches!(input.part, Some(Part { place: Place::Revision { .. }, .. })) {
                frame = frame.and("another revision is read");
            }
            if input.blake3.is_empty() {
                frame = frame.and(&input.mtime);
            }
        }
        let gate = memory.map_or_else(Gate::default, Gate::within);
        Ok(Self { work, inputs, gate, reading: Stopwatch::default(), annotation, frame: frame.name(), forget, begins: OnceLock::new() })
    }

    /// Joins other processes in working on a run whose shards are framed ([`prepare`](super::run::prepare)). While anybody has joined,
    /// `seimai run` on the same directory is refused; afterwards it goes on from what has been committed.
    ///
    /// # Errors
    /// `Refused`: no run has begun in `out`, it has finished, or it is one of another plan, dictionary or version.
    pub fn join(out: &Path, stages: &Stages) -> Result<Self> {
        let work = WorkDir::join(out)?;
        let state = work.state()?.ok_or_else(|| Error::internal("the state of the run is gone"))?;
        let ours = State::new(fingerprint::of(&stages.plan, stages)?, Vec::new());
        if (&state.version, &state.seimai, &state.fingerprint) != (&ours.version, &ours.seimai, &ours.fingerprint) {
            let message = format!("{}: the run there has another plan, dictionary, list or version", out.display());
            let hint = "give the plan, the dictionary and the lists that it began with";
            return Err(Error::refused_with_hint(message, hint).about(Subject::Fingerprint));
        }
        Self::new(work, Inputs::of_state(state)?, stages, None)
    }

    /// The work shards of the run, in order.
    ///
    /// # Errors
    /// The run has not been framed.
    pub fn shards(&self) -> Result<Vec<ShardRef>> {
        if !self.is_framed()? {
            let message = format!("{}: the work shards of the run have not been found yet", self.work.out().path().display());
            return Err(Error::refused_with_hint(message, "wait until whoever began the run has framed its inputs"));
        }
        shards_from_batch(&self.table(&layout::shards(&self.frame))?.concat()?)
    }

    /// The name of the table of work shards.
    pub(super) fn frame_unit(&self) -> &str {
        &self.frame
    }

    /// Is the table of work shards there?
    pub(super) fn is_framed(&self) -> Result<bool> {
        Ok(self.work.committed::<()>(pass::FRAME, &self.frame)?.is_some())
    }

    /// Keeps the table of work shards.
    pub(super) fn commit_frame(&self, shards: &[ShardRef]) -> Result<()> {
        let table = write_table(&self.work, &layout::shards(&self.frame), &shards_to_batch(shards)?)?;
        self.work.commit(pass::FRAME, &self.frame, &Entry::new(vec![table], ()))
    }

    /// The names of the units of a shard.
    pub(super) fn keys(&self, shard: &ShardRef) -> Result<ShardKeys> {
        self.annotation.keys(shard, &self.inputs.states, &self.forgotten_of(shard)?)
    }

    /// What the plan forgets of a shard. With a place in an input that is still the one it holds for, only the shard where that place is; without,
    /// every shard with records of the input, and then wherever the record begins.
    pub(super) fn forgotten_of(&self, shard: &ShardRef) -> Result<Vec<Forgotten>> {
        let mut found = Vec::new();
        let of_shard = shard.start.input..=shard.last_input;
        for entry in &self.forget {
            for input in of_shard.clone() {
                let Some(state) = self.inputs.states.get(input as usize).filter(|state| state.path == entry.file) else { continue };
                let place = entry.offset.filter(|_| entry.input.as_deref() == Some(state.blake3.as_str()));
                if place.is_none_or(|offset| (shard.start.input, shard.start.offset) <= (input, offset))
                    && self.ends_behind(shard, input, place)?
                {
                    found.push(Forgotten { offset: place, input: None, ..entry.clone() });
                }
            }
        }
        Ok(found)
    }

    /// Does the next shard begin at a place, or behind it? At: several documents may begin there.
    fn ends_behind(&self, shard: &ShardRef, input: u32, place: Option<u64>) -> Result<bool> {
        let Some(offset) = place else { return Ok(true) };
        let all = if let Some(all) = self.begins.get() {
            all
        } else {
            let all = self.shards()?;
            self.begins.get_or_init(|| all)
        };
        let next = usize::try_from(shard.index).ok().and_then(|index| all.get(index + 1));
        Ok(next.is_none_or(|next| (next.start.input, next.start.offset) >= (input, offset)))
    }

    /// The records of a shard. Where the inputs do not hold it, says which of them has changed.
    pub(super) fn read(&self, framer: &mut Framer, shard: &ShardRef) -> Result<RawShard> {
        match self.reading.time(|| framer.read(shard)) {
            Err(Error::Refused { message, .. }) => {
                self.inputs.check_unchanged(shard.start.input..self.inputs.files.len() as u32)?;
                Err(Error::internal(format!("work shard {}: {message}, yet no input is another than when the run began", shard.index)))
            }
            read => read,
        }
    }

    /// The framer over the inputs.
    pub(super) fn framer(&self, stages: &Stages) -> Framer {
        // Data alone decides where a shard ends, never threads or memory.
        let limits = ShardLimits { bytes: 16 << 20, records: u64::from(stages.plan.shards.rows_max) };
        Framer::new(self.inputs.files.clone(), &stages.plan.input, limits)
    }

    /// A table of this run, by its name under OUT.
    pub(super) fn table(&self, path: &str) -> Result<TableReader> {
        self.table_columns(path, None, 1 << 16)
    }

    /// Some columns of a table of this run, in batches of so many rows, or fewer where they are long.
    pub(super) fn table_columns(&self, path: &str, columns: Option<&[&str]>, batch_rows: usize) -> Result<TableReader> {
        open_table_within(&self.work.at(path), columns, batch_rows, BATCH_BYTES)
    }

    /// Some rows of a table of this run, by their ascending numbers; what stands far from all of them is not decompressed.
    pub(super) fn table_rows(&self, path: &str, columns: &[&str], rows: &[usize], batch_rows: usize) -> Result<TableReader> {
        open_table_rows(&self.work.at(path), columns, rows, batch_rows, BATCH_BYTES)
    }
}

/// A record that is to be forgotten must not come back because its file has another name now.
fn refuse_unknown(forget: &[Forgotten], inputs: &Inputs) -> Result<()> {
    let unknown = forget.iter().find(|entry| !inputs.states.iter().any(|state| state.path == entry.file));
    let Some(entry) = unknown else { return Ok(()) };
    let message = format!("input.forget: there is no input {}", crate::quarantine::escape(&entry.file, 300));
    let hint = "if the file has another name now, write that; if it is gone with the record, take the entry out of the plan";
    Err(Error::refused_with_hint(message, hint))
}
