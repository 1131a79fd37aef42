//! JSON documents: a list of records, a list inside of an object (`input.fields.records`), or records one behind the other.
//!
//! Between two records there are blanks and commas, and nothing has to be remembered of what stood before, so that reading may begin at any
//! record. Lines mean nothing here: places are told in bytes.

use std::sync::Arc;

use crate::corpus::archive::Members;
use crate::corpus::compression::Entry;
use crate::corpus::format::{Boundary, Fault, Format, Framing};
use crate::corpus::json::{self, ValueEnd};
use crate::corpus::json_walk::{is_string, pass_value, peek};
use crate::corpus::jsonl;
use crate::corpus::mapping::Step;
use crate::corpus::rules::Reading;
use crate::corpus::shard::RawShard;
use crate::corpus::sink::{Bad, Content, Sink};
use crate::corpus::source::ByteSource;
use crate::corpus::walk::{Run, Walk, Walked};
use crate::error::{Error, Result};
use crate::quarantine::Kind;

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
    let mut records = Records { walk: Walk::new(source, at), value: None, in_list };
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
    walk: Walk,
    /// The record that is being looked at.
    value: Option<ValueEnd>,
    /// Do the records stand in a list, so that its end has to come?
    in_list: bool,
}

/// Records of a document.
#[derive(Debug)]
struct Values(Run);

impl Framing for Records {
    fn advance(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        let goes_on = self.fill(shard, record_max)?;
        self.walk.end_run(shard, Values);
        Ok(goes_on)
    }

    fn place(&mut self) -> (Boundary, Entry) {
        self.walk.place()
    }

    fn consumed(&self) -> u64 {
        self.walk.source.consumed()
    }
}

impl Records {
    /// Goes to the list of the records, or to the first record; the way there is passed over.
    fn enter(&mut self) -> Result<Option<Fault>> {
        if self.walk.source.pending.starts_with(b"\xef\xbb\xbf") {
            self.walk.pass(3);
        }
        if matches!(self.walk.source.pending[..], [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
            return Ok(Some(Fault::new("utf16", "JSON is UTF-8, this file is UTF-16")));
        }
        let reading = Arc::clone(&self.walk.source.reading);
        for step in reading.records.iter().flatten() {
            if !self.go_into(step)? {
                return Ok(Some(self.no_records(&reading)));
            }
        }
        if self.in_list {
            if peek(&mut self.walk)? != Some(b'[') {
                return Ok(Some(self.no_records(&reading)));
            }
            self.walk.pass(1);
        }
        Ok(None)
    }

    fn no_records(&self, reading: &Reading) -> Fault {
        let detail = format!("no list of records at input.fields.records (byte {})", self.walk.at.offset + 1);
        Fault::new(if reading.records.is_some() { "json_records" } else { "json_syntax" }, detail)
    }

    /// Steps into the member of an object or the element of a list.
    fn go_into(&mut self, step: &Step) -> Result<bool> {
        match (peek(&mut self.walk)?, step) {
            (Some(b'{'), Step { key: Some(key), .. }) => {
                self.walk.pass(1);
                loop {
                    if peek(&mut self.walk)? != Some(b'"') {
                        return Ok(false);
                    }
                    let found = pass_value(&mut self.walk, true)?;
                    if peek(&mut self.walk)? != Some(b':') {
                        return Ok(false);
                    }
                    self.walk.pass(1);
                    peek(&mut self.walk)?;
                    if is_string(&found, key) {
                        return Ok(true);
                    }
                    pass_value(&mut self.walk, false)?;
                    if peek(&mut self.walk)? != Some(b',') {
                        return Ok(false);
                    }
                    self.walk.pass(1);
                }
            }
            (Some(b'['), Step { index: Some(index), .. }) => {
                self.walk.pass(1);
                for _ in 0..*index {
                    peek(&mut self.walk)?;
                    pass_value(&mut self.walk, false)?;
                    if peek(&mut self.walk)? != Some(b',') {
                        return Ok(false);
                    }
                    self.walk.pass(1);
                }
                Ok(peek(&mut self.walk)?.is_some())
            }
            _ => Ok(false),
        }
    }

    fn fill(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        while !shard.is_full() {
            if self.value.is_none() {
                match peek(&mut self.walk)? {
                    Some(b',') => {
                        self.walk.pass(1);
                        continue;
                    }
                    Some(b']' | b'}') if self.in_list => return self.leave(shard),
                    // A list behind a list, or an end that nothing began: not for a record to be lost by.
                    Some(b']' | b'}') => return Ok(self.lose_rest(shard, "json_trailing", "something follows the last record")),
                    Some(_) => self.value = Some(ValueEnd::default()),
                    None if self.in_list && self.walk.source.is_sound() => {
                        return Ok(self.lose_rest(shard, "json_eof", "the list of records does not end"));
                    }
                    None => return Ok(self.finish(shard)),
                }
            }
            let Some(value) = &mut self.value else { continue };
            let (end, is_whole) = value.find(&self.walk.source.pending, self.walk.scanned);
            self.walk.scanned = end;
            if is_whole || self.walk.source.ended && value.may_end() {
                self.walk.end_record(shard, record_max, Values);
                self.value = None;
                continue;
            }
            if self.walk.source.ended {
                if self.walk.source.is_sound() {
                    return Ok(self.lose_rest(shard, "json_eof", "the record does not end"));
                }
                return Ok(self.finish(shard));
            }
            self.walk.drop_overlong(record_max);
            self.walk.more()?;
        }
        Ok(true)
    }

    /// The list has ended: what follows it is the rest of the document around it, or nothing.
    fn leave(&mut self, shard: &mut RawShard) -> Result<bool> {
        let is_inside = self.walk.source.reading.records.is_some();
        self.walk.pass(1);
        loop {
            match peek(&mut self.walk)? {
                // A further list, as some programs append them.
                Some(b'[') if !is_inside => {
                    self.walk.pass(1);
                    return Ok(true);
                }
                Some(_) if is_inside => self.walk.pass(self.walk.source.pending.len() - self.walk.start),
                Some(_) => return Ok(self.lose_rest(shard, "json_trailing", "something follows the list of records")),
                None => return Ok(self.finish(shard)),
            }
        }
    }

    /// The file ends, or what can be read of it.
    fn finish(&mut self, shard: &mut RawShard) -> bool {
        self.walk.end_run(shard, Values);
        self.walk.finish(shard);
        false
    }

    /// The rest of the file is no record.
    fn lose_rest(&mut self, shard: &mut RawShard, reason: &'static str, message: &str) -> bool {
        self.walk.end_run(shard, Values);
        self.walk.lose_rest(shard, reason, message);
        false
    }
}

impl Content for Values {
    fn decode(&self, _: u64, bytes: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        sink.count_bytes(self.0.length());
        let reading = sink.reading();
        for Walked { bytes, record, offset } in self.0.records(bytes) {
            match jsonl::parse(bytes, &reading.mapping) {
                Ok(fields) => drop(sink.keep_fields(fields, record, offset)?),
                Err(fault) => {
                    let detail = format!("{} (byte {})", fault.message, fault.at + 1);
                    let (length, kind, reason) = (bytes.len() as u64, Kind::Record, fault.reason);
                    sink.quarantine(&Bad { offset, line: None, length, kind, reason, detail: &detail });
                }
            }
        }
        Ok(())
    }
}
