//! A walk over a file whose records stand between other things: lists of JSON, dumps in XML. What begins and ends a record, a format says.

use std::ops::Range;

use super::compression::Entry;
use super::format::Boundary;
use super::shard::RawShard;
use super::sink::{Content, Lost};
use super::source::ByteSource;
use crate::error::Result;
use crate::quarantine::Kind;

/// Where a walk stands. Bytes of records that are too long are counted and not kept.
pub(super) struct Walk {
    pub(super) source: ByteSource,
    /// Where the current record, or what stands before it, starts in `source.pending`, and up to where it has been looked at.
    pub(super) start: usize,
    pub(super) scanned: usize,
    /// Where it starts in the file.
    pub(super) at: Boundary,
    /// Bytes of the current record that were dropped because it is too long.
    dropped: u64,
    run: Option<Run>,
}

/// Records that stand one behind the other in a shard, each with its end in `bytes` and its place in the file.
#[derive(Debug)]
pub(super) struct Run {
    bytes: Range<usize>,
    records: Vec<Framed>,
}

/// Where a record of a run ends in its bytes, and which of the file it is.
#[derive(Debug)]
struct Framed {
    end: u32,
    offset: u64,
    record: u64,
}

/// A record of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walked<'a> {
    pub(super) bytes: &'a [u8],
    /// Its number in the file, from 1, and the bytes of the file before it.
    pub(super) record: u64,
    pub(super) offset: u64,
}

impl Run {
    /// How many bytes the records have.
    pub(super) fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The records, in what the shard has kept.
    pub(super) fn records<'a>(&'a self, shard: &'a [u8]) -> impl Iterator<Item = Walked<'a>> {
        let (bytes, mut start) = (&shard[self.bytes.clone()], 0);
        self.records.iter().map(move |&Framed { end, offset, record }| {
            let from = std::mem::replace(&mut start, end as usize);
            Walked { bytes: &bytes[from..start], record, offset }
        })
    }
}

impl Walk {
    pub(super) fn new(source: ByteSource, at: Boundary) -> Self {
        Self { source, start: 0, scanned: 0, at, dropped: 0, run: None }
    }

    /// Where the current record begins, and where decoding can begin to reach it.
    pub(super) fn place(&mut self) -> (Boundary, Entry) {
        (self.at, self.source.entry_before(self.at.offset))
    }

    /// What has not been looked at.
    pub(super) fn ahead(&self) -> &[u8] {
        &self.source.pending[self.scanned..]
    }

    /// Passes over what is no record.
    pub(super) fn pass(&mut self, bytes: usize) {
        self.start += bytes;
        self.scanned = self.start;
        self.at.offset += bytes as u64;
    }

    /// Reads on; false at the end.
    pub(super) fn more(&mut self) -> Result<bool> {
        if self.source.ended {
            return Ok(false);
        }
        self.source.pending.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        let held = self.source.pending.len();
        self.source.want(held + 1)?;
        Ok(self.source.pending.len() > held)
    }

    /// A record that is too long need not be kept as far as it has been looked at.
    pub(super) fn drop_overlong(&mut self, record_max: usize) {
        if self.dropped > 0 || self.scanned - self.start > record_max {
            self.dropped += (self.scanned - self.start) as u64;
            self.start = self.scanned;
        }
    }

    /// Hands out the record that ends where has been looked up to.
    pub(super) fn end_record<C: Content + 'static>(&mut self, shard: &mut RawShard, record_max: usize, content: impl Fn(Run) -> C) {
        self.end_records(shard, record_max, 1, content);
    }

    /// The same for what gives so many records at most, and is numbered as the first of them.
    pub(super) fn end_records<C: Content + 'static>(
        &mut self,
        shard: &mut RawShard,
        record_max: usize,
        records: u64,
        content: impl Fn(Run) -> C,
    ) {
        let record = &self.source.pending[self.start..self.scanned];
        let length = self.dropped + record.len() as u64;
        if length > record_max as u64 {
            self.end_run(shard, content);
            shard.push_lost(self.source.input, self.at.offset, Lost::too_long(None, length, record_max));
        } else {
            let stored = shard.store(record);
            let run = self.run.get_or_insert(Run { bytes: stored.start..stored.start, records: Vec::new() });
            let end = (stored.end - run.bytes.start) as u32;
            run.records.push(Framed { end, offset: self.at.offset, record: self.at.record });
            run.bytes.end = stored.end;
            shard.count_records(records);
        }
        self.start = self.scanned;
        self.at.offset += length;
        self.at.record += records;
        self.dropped = 0;
    }

    /// Hands out the records since the last run.
    pub(super) fn end_run<C: Content + 'static>(&mut self, shard: &mut RawShard, content: impl Fn(Run) -> C) {
        if let Some(run) = self.run.take() {
            let offset = run.records.first().map_or(0, |first| first.offset);
            shard.push(self.source.input, offset, content(run));
        }
    }

    /// Bytes that belong to no record that has been handed out.
    fn held(&self) -> u64 {
        self.dropped + (self.source.pending.len() - self.start) as u64
    }

    /// The file ends, or what can be read of it. The last run has been handed out.
    pub(super) fn finish(&mut self, shard: &mut RawShard) {
        let length = if self.source.is_sound() { 0 } else { self.held() };
        shard.push_damage(self.source.input, self.at.offset, None, length, self.source.damage());
    }

    /// The rest of the file is no record. The last run has been handed out.
    pub(super) fn lose_rest(&mut self, shard: &mut RawShard, reason: &'static str, detail: &str) {
        let lost = Lost { line: None, length: self.held(), kind: Kind::File, reason, detail: detail.to_owned() };
        shard.push_lost(self.source.input, self.at.offset, lost);
    }
}
