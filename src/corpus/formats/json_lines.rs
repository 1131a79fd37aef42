//! JSON Lines: a record a line, UTF-8.

use std::ops::Range;

use crate::corpus::compression::Entry;
use crate::corpus::format::{Boundary, Fault, Format, Framing, extension};
use crate::corpus::formats::json;
use crate::corpus::jsonl;
use crate::corpus::shard::RawShard;
use crate::corpus::sink::{Bad, Content, Lost, Sink};
use crate::corpus::source::ByteSource;
use crate::error::Result;
use crate::quarantine::Kind;

/// The format.
pub(super) struct JsonLines;

impl Format for JsonLines {
    fn name(&self) -> &'static str {
        "jsonl"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["jsonl", "ndjson", "json"]
    }

    fn looks_like(&self, head: &[u8]) -> bool {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        head.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{')
    }

    fn open(&self, source: ByteSource, at: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        if at == Boundary::START && matches!(source.pending[..], [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
            return Ok(Err(Fault::new("utf16", "JSON Lines are UTF-8, this file is UTF-16")));
        }
        // One object on one line may hold the list of records; whoever says where it is says that it is no line of many.
        if source.reading.records.is_some() && extension(source.file()).is_some_and(|extension| extension == "json") {
            return json::open(source, at);
        }
        Ok(Ok(Box::new(Lines::new(source, at))))
    }
}

/// A walk over lines.
struct Lines {
    source: ByteSource,
    /// Where the current line starts in `source.pending`, and up to where it is known to hold no line end.
    start: usize,
    scanned: usize,
    /// Where the current line starts in the file.
    at: Boundary,
    /// Bytes of the current line that were dropped because it is too long.
    dropped: u64,
    /// Lines that are in the shard already and go on with the current one.
    run: Option<Run>,
}

/// Whole lines, numbered from `line`; the first that is not blank is record `record`.
#[derive(Debug)]
struct Run {
    offset: u64,
    bytes: Range<usize>,
    line: u64,
    record: u64,
}

impl Framing for Lines {
    fn advance(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        let goes_on = self.fill(shard, record_max)?;
        self.end_run(shard);
        Ok(goes_on)
    }

    fn place(&mut self) -> (Boundary, Entry) {
        (self.at, self.source.entry_before(self.at.offset))
    }

    fn consumed(&self) -> u64 {
        self.source.consumed()
    }
}

impl Lines {
    fn new(source: ByteSource, at: Boundary) -> Self {
        let bom = if at == Boundary::START && source.pending.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let at = Boundary { offset: at.offset + bom as u64, ..at };
        Self { source, start: bom, scanned: bom, at, dropped: 0, run: None }
    }

    fn fill(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        while !shard.is_full() {
            if let Some(found) = memchr::memchr(b'\n', &self.source.pending[self.scanned..]) {
                self.end_line(self.scanned + found + 1, shard, record_max);
                continue;
            }
            self.drop_overlong(record_max);
            if self.source.ended {
                self.finish(shard, record_max);
                return Ok(false);
            }
            self.source.pending.drain(..self.start);
            self.start = 0;
            self.scanned = self.source.pending.len();
            self.source.want(self.scanned + 1)?;
        }
        Ok(true)
    }

    /// A line that is too long even without its line end need not be kept.
    fn drop_overlong(&mut self, record_max: usize) {
        let held = self.source.pending.len() - self.start;
        if self.dropped > 0 || held > record_max.saturating_add(1) {
            self.dropped += held as u64;
            self.start = self.source.pending.len();
        }
        self.scanned = self.source.pending.len();
    }

    /// Hands out the line that ends before `end` and stands at the next one.
    fn end_line(&mut self, end: usize, shard: &mut RawShard, record_max: usize) {
        let line = &self.source.pending[self.start..end];
        let length = self.dropped + line.len() as u64;
        let content = content(line);
        let is_record = self.dropped > 0 || !jsonl::is_blank(content);
        if self.dropped > 0 || content.len() > record_max {
            let lost = Lost::too_long(Some(self.at.line), length - u64::from(line.ends_with(b"\n")), record_max);
            self.end_run(shard);
            shard.push_lost(self.source.input, self.at.offset, lost);
        } else {
            let stored = shard.store(line);
            let Boundary { offset, line, record } = self.at;
            let run = self.run.get_or_insert(Run { offset, bytes: stored.start..stored.start, line, record });
            run.bytes.end = stored.end;
            shard.count_records(u64::from(is_record));
        }
        self.start = end;
        self.scanned = end;
        self.at.offset += length;
        self.at.line += 1;
        self.at.record += u64::from(is_record);
        self.dropped = 0;
    }

    /// Hands out the lines since the last run.
    fn end_run(&mut self, shard: &mut RawShard) {
        if let Some(run) = self.run.take() {
            shard.push(self.source.input, run.offset, run);
        }
    }

    /// What stands behind the last line end: a line if the file is sound, else half a record.
    fn finish(&mut self, shard: &mut RawShard, record_max: usize) {
        let held = self.dropped + (self.source.pending.len() - self.start) as u64;
        let is_sound = self.source.is_sound();
        if is_sound && held > 0 {
            self.end_line(self.source.pending.len(), shard, record_max);
        }
        self.end_run(shard);
        let (line, length) = if is_sound { (None, 0) } else { (Some(self.at.line), held) };
        shard.push_damage(self.source.input, self.at.offset, line, length, self.source.damage());
    }
}

/// The line without LF and one CR before it.
fn content(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

impl Content for Run {
    fn decode(&self, offset: u64, bytes: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        let bytes = &bytes[self.bytes.clone()];
        sink.count_bytes(bytes.len() as u64);
        let reading = sink.reading();
        let (mut start, mut line, mut record) = (0, self.line, self.record);
        while start < bytes.len() {
            let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |found| start + found + 1);
            let content = content(&bytes[start..end]);
            if !jsonl::is_blank(content) {
                let offset = offset + start as u64;
                match jsonl::parse(content, &reading.mapping) {
                    Ok(fields) => drop(sink.keep_fields(fields, record, offset)?),
                    Err(fault) => quarantine(&fault, content.len(), offset, line, sink),
                }
                record += 1;
            }
            line += 1;
            start = end;
        }
        Ok(())
    }
}

/// A line that is no record.
fn quarantine(fault: &jsonl::Fault, length: usize, offset: u64, line: u64, sink: &mut Sink<'_>) {
    let detail = format!("{} (byte {})", fault.message, fault.at + 1);
    let (line, length, kind, reason) = (Some(line), length as u64, Kind::Record, fault.reason);
    sink.quarantine(&Bad { offset, line, length, kind, reason, detail: &detail });
}
