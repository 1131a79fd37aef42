//! A work shard: the unit of work and of restart. As a value ([`ShardRef`]) it says where its records are; read ([`RawShard`]) it
//! holds them as they stand in the files.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use super::compression::{Damage, Entry};
use super::input_file::InputFile;
use super::options::Options;
use super::record::{Outcome, Record};
use super::rules::Rules;
use super::sink::{Content, Lost, Sink};
use crate::error::Result;
use crate::quarantine::Kind;

/// When a work shard is full. Data alone decides where one ends, never the size of a read, threads or memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardLimits {
    /// Decoded bytes.
    pub bytes: u64,
    /// Records.
    pub records: u64,
}

impl Default for ShardLimits {
    fn default() -> Self {
        Self { bytes: 16 << 20, records: 65_536 }
    }
}

/// A boundary between records of the inputs: enough to go on reading from there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    /// Index of the input.
    pub input: u32,
    /// Name of its format; empty before the file has been opened.
    pub format: String,
    /// Decoded bytes of the file before it; for tables the rows before it.
    pub offset: u64,
    /// Number of the next line from 1, for formats of lines.
    pub line: u64,
    /// Number of the next record from 1.
    pub record: u64,
    /// Where decoding can begin to reach it. Far behind `offset` in a file that cannot be entered in the middle (a plain gzip).
    pub entry: Entry,
}

impl Position {
    /// The start of an input.
    pub(super) fn start_of(input: u32) -> Self {
        Self { input, line: 1, record: 1, ..Self::default() }
    }

    /// Is it the same boundary? From where it is reached does not matter.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Self { entry: other.entry, ..self.clone() } == *other
    }

    /// Decoded bytes that have to be stepped over to reach it.
    pub fn steps_over(&self) -> u64 {
        self.offset.saturating_sub(self.entry.decoded)
    }
}

/// A work shard as a value: what a resume, another process or another machine needs to find its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardRef {
    /// Number of the shard, from 0: its position in the order of the corpus.
    pub index: u64,
    /// Where its first record begins.
    pub start: Position,
    /// Records of the inputs before it.
    pub before: u64,
    /// Index of the last input that has records in it.
    pub last_input: u32,
    /// Records in it, those that will turn out to be bad among them. They may lie in several inputs.
    pub records: u64,
    /// Decoded bytes in it (for tables an estimate).
    pub bytes: u64,
}

/// Records as they stand in the files, for one worker.
#[derive(Debug)]
pub struct RawShard {
    shard: ShardRef,
    inputs: Arc<[InputFile]>,
    rules: Arc<Rules>,
    limits: ShardLimits,
    /// Count only; the records are read later.
    framing_only: bool,
    buffer: Vec<u8>,
    extents: Vec<Extent>,
}

/// A run of records of one file.
#[derive(Debug)]
struct Extent {
    /// Index of the file.
    input: u32,
    /// Decoded bytes of the file before it; for tables the rows before it.
    offset: u64,
    content: Box<dyn Content>,
}

impl RawShard {
    /// A shard without records yet.
    pub(super) fn new(shard: ShardRef, inputs: &Arc<[InputFile]>, rules: &Arc<Rules>, limits: ShardLimits, framing_only: bool) -> Self {
        let (inputs, rules) = (Arc::clone(inputs), Arc::clone(rules));
        Self { shard, inputs, rules, limits, framing_only, buffer: Vec::new(), extents: Vec::new() }
    }

    /// The shard as a value.
    pub fn shard(&self) -> &ShardRef {
        &self.shard
    }

    pub(super) fn into_shard(self) -> ShardRef {
        self.shard
    }

    pub(super) fn is_empty(&self) -> bool {
        self.extents.is_empty()
    }

    /// Nothing has been found before this boundary.
    pub(super) fn start_at(&mut self, start: Position) {
        self.shard.last_input = start.input;
        self.shard.start = start;
    }

    pub(super) fn is_full(&self) -> bool {
        self.shard.bytes >= self.limits.bytes || self.shard.records >= self.limits.records
    }

    /// Records that still fit, by count and by bytes of so many each.
    pub(super) fn room(&self, record_bytes: u64) -> u64 {
        let by_bytes = self.limits.bytes.saturating_sub(self.shard.bytes).div_ceil(record_bytes.max(1));
        by_bytes.min(self.limits.records.saturating_sub(self.shard.records))
    }

    /// Keeps bytes of the file, and counts them.
    pub(super) fn store(&mut self, bytes: &[u8]) -> Range<usize> {
        self.shard.bytes += bytes.len() as u64;
        let start = self.buffer.len();
        if !self.framing_only {
            self.buffer.extend_from_slice(bytes);
        }
        start..self.buffer.len()
    }

    /// Counts bytes that are read later.
    pub(super) fn count_bytes(&mut self, bytes: u64) {
        self.shard.bytes += bytes;
    }

    /// Counts records, those that will turn out to be bad among them.
    pub(super) fn count_records(&mut self, records: u64) {
        self.shard.records += records;
    }

    /// Appends a run of records that have been counted.
    pub(super) fn push(&mut self, input: u32, offset: u64, content: impl Content + 'static) {
        self.shard.last_input = input;
        self.extents.push(Extent { input, offset, content: Box::new(content) });
    }

    /// Appends something that cannot be read; it counts as a record.
    pub(super) fn push_lost(&mut self, input: u32, offset: u64, lost: Lost) {
        self.count_records(1);
        self.push(input, offset, lost);
    }

    /// Appends the damage at which a file ended; `length` bytes before it belong to no whole record.
    pub(super) fn push_damage(&mut self, input: u32, offset: u64, line: Option<u64>, length: u64, damage: Option<&Damage>) {
        if let Some(damage) = damage {
            let lost = Lost { line, length, kind: Kind::File, reason: damage.reason, detail: damage.message.to_owned() };
            self.push_lost(input, offset, lost);
        }
    }

    /// Parses the records and gives them to `give` in order. What is no record is in the outcome, in the order of input and offset.
    ///
    /// # Errors
    /// Those of `give`.
    pub fn decode(&self, options: &Options, give: &mut dyn FnMut(Record) -> Result<()>) -> Result<Outcome> {
        let mut sink = Sink::new(&self.inputs, options, &self.rules, give);
        for extent in &self.extents {
            sink.enter(extent.input);
            extent.content.decode(extent.offset, &self.buffer, &mut sink)?;
        }
        Ok(sink.into_outcome())
    }
}
