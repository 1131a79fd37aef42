//! JSON documents: a list of records, a list inside of an object (`input.fields.records`), or records one behind the other.
//!
//! Between two records there are blanks and commas, and nothing has to be remembered of what stood before, so that reading may begin at any
//! record. Lines mean nothing here: places are told in bytes.

use std::ops::Range;
use std::sync::Arc;

use crate::corpus::archive::Members;
use crate::corpus::compression::Entry;
use crate::corpus::format::{Boundary, Fault, Format, Framing};
use crate::corpus::json::{self, ValueEnd};
use crate::corpus::jsonl;
use crate::corpus::mapping::Step;
use crate::corpus::rules::Reading;
use crate::corpus::shard::RawShard;
use crate::corpus::sink::{Bad, Content, Lost, Sink};
use crate::corpus::source::ByteSource;
use crate::error::{Error, Result};
use crate::quarantine::Kind;

/// Bytes of a key on the way to the records that are compared.
const KEY_MAX: usize = 4096;
/// Bytes that are read at a time.
const STEP: usize = 64 << 10;

/// The format.
pub(super) struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["json"]
    }

    fn accepts(&self, head: &[u8]) -> bool {
        json::is_document(head, true)
    }

    fn looks_like(&self, head: &[u8]) -> bool {
        json::is_document(head, false)
    }

    fn open(&self, source: ByteSource, at: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        open(source, at)
    }
}

/// Opens a file as one JSON document.
pub(super) fn open(source: ByteSource, at: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
    let in_list = if at == Boundary::START {
        begins_list(&source)
    } else {
        let mut beginning = ByteSource::open(source.input, source.file(), &mut Members::default())
            .map_err(|e| Error::io(&source.file().path, "open", e))?;
        beginning.want(STEP)?;
        begins_list(&beginning)
    };
    let in_list = in_list || source.reading.records.is_some();
    let mut records = Records { start: 0, scanned: 0, value: None, at, in_list, dropped: 0, run: None, source };
    if at == Boundary::START
        && let Some(fault) = records.enter()?
    {
        return Ok(Err(fault));
    }
    Ok(Ok(Box::new(records)))
}

/// Is the outermost value a list?
fn begins_list(source: &ByteSource) -> bool {
    let bytes = source.pending.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&source.pending);
    bytes.get(json::blanks(bytes)) == Some(&b'[')
}

/// A walk over the records of a document.
struct Records {
    source: ByteSource,
    /// Where the current record starts in `source.pending`, and up to where it has been looked at.
    start: usize,
    scanned: usize,
    /// The record that is being looked at.
    value: Option<ValueEnd>,
    /// Where it, or what stands before it, starts in the file.
    at: Boundary,
    /// Do the records stand in a list, so that its end has to come?
    in_list: bool,
    /// Bytes of the current record that were dropped because it is too long.
    dropped: u64,
    run: Option<Run>,
}

/// Records that stand one behind the other, each with its place in `bytes` and in the file.
#[derive(Debug)]
struct Run {
    bytes: Range<usize>,
    records: Vec<(u32, u64)>,
    first: u64,
}

impl Framing for Records {
    fn advance(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        let goes_on = self.fill(shard, record_max)?;
        self.end_run(shard);
        Ok(goes_on)
    }

    fn boundary(&self) -> Boundary {
        self.at
    }

    fn entry(&mut self) -> Entry {
        self.source.entry_before(self.at.offset)
    }

    fn consumed(&self) -> u64 {
        self.source.consumed()
    }
}

impl Records {
    /// Goes to the list of the records, or to the first record; the way there is passed over.
    fn enter(&mut self) -> Result<Option<Fault>> {
        if self.source.pending.starts_with(b"\xef\xbb\xbf") {
            self.step(3);
        }
        if matches!(self.source.pending[..], [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
            return Ok(Some(Fault::new("utf16", "JSON is UTF-8, this file is UTF-16")));
        }
        let reading = Arc::clone(&self.source.reading);
        for step in reading.records.iter().flatten() {
            if !self.go_into(step)? {
                return Ok(Some(self.no_records(&reading)));
            }
        }
        if self.in_list {
            if self.peek()? != Some(b'[') {
                return Ok(Some(self.no_records(&reading)));
            }
            self.step(1);
        }
        Ok(None)
    }

    fn no_records(&self, reading: &Reading) -> Fault {
        let detail = format!("no list of records at input.fields.records (byte {})", self.at.offset + 1);
        Fault::new(if reading.records.is_some() { "json_records" } else { "json_syntax" }, detail)
    }

    /// Steps into the member of an object or the element of a list.
    fn go_into(&mut self, step: &Step) -> Result<bool> {
        match (self.peek()?, step) {
            (Some(b'{'), Step { key: Some(key), .. }) => {
                self.step(1);
                let wanted = serde_json::Value::from(&**key).to_string();
                loop {
                    if self.peek()? != Some(b'"') {
                        return Ok(false);
                    }
                    let found = self.pass_value(true)?;
                    if self.peek()? != Some(b':') {
                        return Ok(false);
                    }
                    self.step(1);
                    self.peek()?;
                    // Keys may be written with escapes.
                    let is_it = found == wanted.as_bytes() || serde_json::from_slice::<String>(&found).is_ok_and(|found| found == **key);
                    if is_it {
                        return Ok(true);
                    }
                    self.pass_value(false)?;
                    if self.peek()? != Some(b',') {
                        return Ok(false);
                    }
                    self.step(1);
                }
            }
            (Some(b'['), Step { index: Some(index), .. }) => {
                self.step(1);
                for _ in 0..*index {
                    self.peek()?;
                    self.pass_value(false)?;
                    if self.peek()? != Some(b',') {
                        return Ok(false);
                    }
                    self.step(1);
                }
                Ok(self.peek()?.is_some())
            }
            _ => Ok(false),
        }
    }

    /// Passes over a value; gives its bytes, if they are asked for and few.
    fn pass_value(&mut self, wanted: bool) -> Result<Vec<u8>> {
        let (mut value, mut kept) = (ValueEnd::default(), Vec::new());
        loop {
            let (end, is_whole) = value.find(&self.source.pending, self.start);
            if wanted && kept.len() < KEY_MAX {
                kept.extend_from_slice(&self.source.pending[self.start..end]);
            }
            self.step(end - self.start);
            if is_whole || !self.more()? {
                return Ok(kept);
            }
        }
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            self.step(json::blanks(&self.source.pending[self.start..]));
            if let Some(byte) = self.source.pending.get(self.start) {
                return Ok(Some(*byte));
            }
            if !self.more()? {
                return Ok(None);
            }
        }
    }

    fn step(&mut self, bytes: usize) {
        self.start += bytes;
        self.scanned = self.start;
        self.at.offset += bytes as u64;
    }

    /// Reads on; false at the end.
    fn more(&mut self) -> Result<bool> {
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

    fn fill(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        while !shard.is_full() {
            if self.value.is_none() {
                match self.peek()? {
                    Some(b',') => {
                        self.step(1);
                        continue;
                    }
                    Some(b']' | b'}') if self.in_list => return self.leave(shard),
                    // A list behind a list, or an end that nothing began: not for a record to be lost by.
                    Some(b']' | b'}') => return Ok(self.lose_rest(shard, "json_trailing", "something follows the last record")),
                    Some(_) => self.value = Some(ValueEnd::default()),
                    None if self.in_list && self.source.is_sound() => {
                        return Ok(self.lose_rest(shard, "json_eof", "the list of records does not end"));
                    }
                    None => return Ok(self.finish(shard)),
                }
            }
            let Some(value) = &mut self.value else { continue };
            let (end, is_whole) = value.find(&self.source.pending, self.scanned);
            self.scanned = end;
            if is_whole || self.source.ended && value.may_end() {
                self.end_record(shard, record_max);
                continue;
            }
            if self.source.ended {
                if self.source.is_sound() {
                    return Ok(self.lose_rest(shard, "json_eof", "the record does not end"));
                }
                return Ok(self.finish(shard));
            }
            if self.dropped > 0 || self.scanned - self.start > record_max {
                self.dropped += (self.scanned - self.start) as u64;
                self.start = self.scanned;
            }
            self.more()?;
        }
        Ok(true)
    }

    /// Hands out the record that ends where has been looked up to.
    fn end_record(&mut self, shard: &mut RawShard, record_max: usize) {
        let record = &self.source.pending[self.start..self.scanned];
        let length = self.dropped + record.len() as u64;
        if length > record_max as u64 {
            self.end_run(shard);
            shard.push_lost(self.source.input, self.at.offset, Lost::too_long(None, length, record_max));
        } else {
            let stored = shard.store(record);
            let first = self.at.record;
            let run = self.run.get_or_insert(Run { bytes: stored.start..stored.start, records: Vec::new(), first });
            run.records.push(((stored.end - run.bytes.start) as u32, self.at.offset));
            run.bytes.end = stored.end;
            shard.count_records(1);
        }
        self.start = self.scanned;
        self.at.offset += length;
        self.at.record += 1;
        (self.value, self.dropped) = (None, 0);
    }

    /// Hands out the records since the last run.
    fn end_run(&mut self, shard: &mut RawShard) {
        if let Some(run) = self.run.take() {
            let offset = run.records.first().map_or(0, |(_, offset)| *offset);
            shard.push(self.source.input, offset, run);
        }
    }

    /// The list has ended: what follows it is the rest of the document around it, or nothing.
    fn leave(&mut self, shard: &mut RawShard) -> Result<bool> {
        let is_inside = self.source.reading.records.is_some();
        self.step(1);
        loop {
            match self.peek()? {
                // A further list, as some programs append them.
                Some(b'[') if !is_inside => {
                    self.step(1);
                    return Ok(true);
                }
                Some(_) if is_inside => self.step(self.source.pending.len() - self.start),
                Some(_) => return Ok(self.lose_rest(shard, "json_trailing", "something follows the list of records")),
                None => return Ok(self.finish(shard)),
            }
        }
    }

    /// The file ends, or what can be read of it.
    fn finish(&mut self, shard: &mut RawShard) -> bool {
        self.end_run(shard);
        let held = self.dropped + (self.source.pending.len() - self.start) as u64;
        let length = if self.source.is_sound() { 0 } else { held };
        shard.push_damage(self.source.input, self.at.offset, None, length, self.source.damage());
        false
    }

    /// The rest of the file is no record.
    fn lose_rest(&mut self, shard: &mut RawShard, reason: &'static str, message: &str) -> bool {
        self.end_run(shard);
        let length = self.dropped + (self.source.pending.len() - self.start) as u64;
        let lost = Lost { line: None, length, kind: Kind::File, reason, detail: message.to_owned() };
        shard.push_lost(self.source.input, self.at.offset, lost);
        false
    }
}

impl Content for Run {
    fn decode(&self, _: u64, bytes: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        let bytes = &bytes[self.bytes.clone()];
        sink.count_bytes(bytes.len() as u64);
        let reading = sink.reading();
        let mut start = 0;
        for (record, (end, offset)) in (self.first..).zip(&self.records) {
            let content = &bytes[start..*end as usize];
            start = *end as usize;
            match jsonl::parse(content, &reading.mapping) {
                Ok(fields) => drop(sink.keep_fields(fields, record, *offset)?),
                Err(fault) => {
                    let detail = format!("{} (byte {})", fault.message, fault.at + 1);
                    let (length, kind, reason) = (content.len() as u64, Kind::Record, fault.reason);
                    sink.quarantine(&Bad { offset: *offset, line: None, length, kind, reason, detail: &detail });
                }
            }
        }
        Ok(())
    }
}
