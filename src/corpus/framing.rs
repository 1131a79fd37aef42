//! Input files → shards of raw records, cut by the data alone.
//!
//! One framer walks all inputs in order. It decompresses and looks for line ends, nothing more, so that it can feed many workers
//! from behind a lock; parsing is [`RawShard::decode`]'s part, outside the lock. Where a shard ends depends on the decoded bytes
//! and records before it, never on the size of a read or the number of workers.

use std::fs::OpenOptions;
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use super::compression::{Damage, Stop, Stream};
use super::format::{self, Format};
use super::inputs::{STDIN, io_reason, is_of_the_machine};
use super::parquet::Table;
use super::warc::Warc;
use super::{InputFile, Options, jsonl};
use crate::error::{Error, Result};
use crate::quarantine::Kind;

/// When a shard is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Decoded bytes.
    pub shard_bytes: u64,
    /// Records.
    pub shard_rows: u64,
}

impl Default for Cut {
    fn default() -> Self {
        Self { shard_bytes: 16 << 20, shard_rows: 65_536 }
    }
}

/// Records as they stand in the files, for one worker.
#[derive(Debug)]
pub struct RawShard {
    /// Number of the shard, from 0.
    pub index: u64,
    pub(super) inputs: Arc<[InputFile]>,
    pub(super) buffer: Vec<u8>,
    pub(super) pieces: Vec<Piece>,
    rows: u64,
    bytes: u64,
}

/// A run of records of one file.
#[derive(Debug)]
pub(super) struct Piece {
    /// Index of the file.
    pub(super) input: u32,
    /// Decoded bytes of the file before it; for tables the rows before it.
    pub(super) offset: u64,
    pub(super) body: Body,
}

/// What a piece holds.
#[derive(Debug)]
pub(super) enum Body {
    /// Whole lines of JSON, numbered from `line`; the first that is not blank is record `record`.
    Lines { bytes: Range<usize>, line: u64, record: u64 },
    /// A whole file.
    Text { bytes: Range<usize> },
    /// A WARC record, document `record` of its file.
    Page { header: Range<usize>, body: Range<usize>, record: u64 },
    /// Rows of a table.
    Rows { table: Arc<Table>, count: u64 },
    /// Something that cannot be read.
    Lost { line: Option<u64>, length: u64, kind: Kind, reason: &'static str, detail: String },
}

impl RawShard {
    fn new(index: u64, inputs: &Arc<[InputFile]>) -> Self {
        Self { index, inputs: Arc::clone(inputs), buffer: Vec::new(), pieces: Vec::new(), rows: 0, bytes: 0 }
    }

    /// Decoded bytes (for tables an estimate).
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Records, those that will turn out to be bad among them.
    pub fn records(&self) -> u64 {
        self.rows
    }

    pub(super) fn is_full(&self, cut: &Cut) -> bool {
        self.bytes >= cut.shard_bytes || self.rows >= cut.shard_rows
    }

    pub(super) fn store(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(bytes);
        self.bytes += bytes.len() as u64;
        start..self.buffer.len()
    }

    pub(super) fn push(&mut self, input: u32, offset: u64, rows: u64, body: Body) {
        self.rows += rows;
        self.pieces.push(Piece { input, offset, body });
    }

    /// Adds a line to the run of lines before it, or starts one.
    fn push_line(&mut self, file: &Lines, bytes: &[u8], is_record: bool) {
        let stored = self.store(bytes);
        self.rows += u64::from(is_record);
        match self.pieces.last_mut() {
            Some(Piece { input, body: Body::Lines { bytes: run, .. }, .. }) if *input == file.input => run.end = stored.end,
            _ => self.push(file.input, file.offset, 0, Body::Lines { bytes: stored, line: file.line, record: file.record }),
        }
    }
}

/// Walks the inputs and cuts shards; see the head of this file.
pub struct Framer {
    pub(super) inputs: Arc<[InputFile]>,
    pub(super) record_max: usize,
    pub(super) cut: Cut,
    next_input: u32,
    next_index: u64,
    open: Option<Open>,
}

enum Open {
    Lines(Lines),
    Text(Bytes),
    Warc(Warc),
    Rows { input: u32, table: Arc<Table>, next: u64 },
}

impl Framer {
    /// Starts at the first input.
    pub fn new(inputs: Arc<[InputFile]>, options: &Options, cut: Cut) -> Self {
        let record_max = usize::try_from(options.record_max).unwrap_or(usize::MAX);
        Self { inputs, record_max, cut, next_input: 0, next_index: 0, open: None }
    }

    /// The next shard, or `None` after the last. Holds the shard and one unfinished record in memory.
    ///
    /// # Errors
    /// What stops a run: a file that cannot be read on, or that is no longer what it was when it was listed.
    pub fn next_shard(&mut self) -> Result<Option<RawShard>> {
        let mut shard = RawShard::new(self.next_index, &self.inputs);
        while !shard.is_full(&self.cut) {
            match self.open.take() {
                Some(open) => self.open = self.advance(open, &mut shard)?,
                None if (self.next_input as usize) < self.inputs.len() => {
                    self.open = self.open_next(&mut shard)?;
                    self.next_input += 1;
                }
                None => break,
            }
        }
        if shard.pieces.is_empty() {
            return Ok(None);
        }
        self.next_index += 1;
        Ok(Some(shard))
    }

    /// Bytes of the files (as they are on disk) that were read so far, for progress.
    pub fn position(&self) -> u64 {
        let open = match &self.open {
            None => 0,
            Some(Open::Lines(Lines { bytes, .. }) | Open::Text(bytes)) => bytes.stream.consumed(),
            Some(Open::Warc(warc)) => warc.consumed(),
            Some(Open::Rows { table, next, .. }) => next.saturating_mul(table.row_bytes()),
        };
        let done = self.next_input as usize - usize::from(self.open.is_some());
        let size = |input: &InputFile| input.bytes;
        let within = self.inputs.get(done).filter(|_| self.open.is_some()).map_or(0, |input| open.min(input.bytes));
        self.inputs[..done].iter().map(size).sum::<u64>() + within
    }

    /// Moves records of the open file into the shard; gives the file back if the shard is full before its end.
    fn advance(&self, open: Open, shard: &mut RawShard) -> Result<Option<Open>> {
        match open {
            Open::Lines(mut lines) => Ok(lines.advance(shard, self)?.then_some(Open::Lines(lines))),
            Open::Text(mut bytes) => bytes.whole(shard, self).map(|()| None),
            Open::Warc(mut warc) => Ok(warc.advance(shard, self)?.then_some(Open::Warc(warc))),
            Open::Rows { input, table, next } => Ok(self.rows(input, table, next, shard)),
        }
    }

    fn rows(&self, input: u32, table: Arc<Table>, next: u64, shard: &mut RawShard) -> Option<Open> {
        let by_bytes = self.cut.shard_bytes.saturating_sub(shard.bytes).div_ceil(table.row_bytes().max(1));
        let by_rows = self.cut.shard_rows.saturating_sub(shard.rows);
        let count = (table.rows() - next).min(by_bytes).min(by_rows);
        if count == 0 {
            return None;
        }
        shard.bytes += count * table.row_bytes();
        let next_after = next + count;
        shard.push(input, next, count, Body::Rows { table: Arc::clone(&table), count });
        (next_after < table.rows()).then_some(Open::Rows { input, table, next: next_after })
    }

    /// Opens a file and finds out what it is; `None` if there is nothing (more) to read in it.
    fn open_next(&self, shard: &mut RawShard) -> Result<Option<Open>> {
        let input = self.next_input;
        let file = &self.inputs[input as usize];
        let mut lost = |reason, detail: String| {
            shard.push(input, 0, 1, Body::Lost { line: None, length: file.bytes, kind: Kind::File, reason, detail });
            Ok(None)
        };
        let stream = match open_source(&file.path) {
            Ok(stream) => stream,
            Err(error) if is_of_the_machine(&error) => return Err(Error::io(&file.path, "open", error)),
            Err(error) => return lost(io_reason(&error), error.to_string()),
        };
        if !is_stdin(&file.path) && std::fs::metadata(&file.path).is_ok_and(|meta| meta.len() != file.bytes) {
            return Err(changed(file));
        }
        let compressed = stream.is_compressed();
        let mut bytes = Bytes::new(input, stream);
        bytes.want(format::HEAD, file)?;
        match format::detect(&file.path, &bytes.pending) {
            Format::JsonLines => Ok(Some(Open::Lines(Lines::new(bytes)))),
            Format::Text => Ok(Some(Open::Text(bytes))),
            Format::Warc => Ok(Some(Open::Warc(Warc::new(bytes)))),
            Format::JsonLinesUtf16 => lost("utf16", "JSON Lines are UTF-8, this file is UTF-16".to_owned()),
            Format::Unsupported(name) => lost("unsupported_container", format!("{name} is no input format")),
            Format::Parquet if compressed || is_stdin(&file.path) => {
                lost("unsupported_container", "Parquet is read from plain files only".to_owned())
            }
            Format::Parquet => match Table::open(&file.path, file.bytes)? {
                Ok(table) => Ok(Some(Open::Rows { input, table: Arc::new(table), next: 0 })),
                Err(fault) => lost(fault.reason, fault.detail),
            },
        }
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

/// Opens an input for reading. A pipe that took the file's place meanwhile does not block.
pub(super) fn open_source(path: &Path) -> std::io::Result<Stream> {
    if is_stdin(path) {
        return Stream::new(Box::new(std::io::stdin()));
    }
    let file = OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("not a regular file"));
    }
    Stream::new(Box::new(file))
}

/// A file being read: its decoded bytes that are not handed out yet.
pub(super) struct Bytes {
    pub(super) input: u32,
    pub(super) stream: Stream,
    pub(super) pending: Vec<u8>,
    pub(super) ended: bool,
    damage: Option<Damage>,
}

impl Bytes {
    fn new(input: u32, stream: Stream) -> Self {
        Self { input, stream, pending: Vec::new(), ended: false, damage: None }
    }

    /// Reads on until `wanted` bytes are pending or the file ends.
    pub(super) fn want(&mut self, wanted: usize, file: &InputFile) -> Result<()> {
        while self.pending.len() < wanted && !self.ended {
            match self.stream.read(&mut self.pending) {
                Ok(true) => {}
                Ok(false) => {
                    self.ended = true;
                    if self.stream.consumed() != file.bytes && !is_stdin(&file.path) {
                        return Err(changed(file));
                    }
                }
                Err(Stop::Damage(damage)) => {
                    self.ended = true;
                    self.damage = Some(damage);
                }
                Err(Stop::Io(error)) => return Err(Error::io(&file.path, "read", error)),
            }
        }
        Ok(())
    }

    /// The whole file as one document.
    fn whole(&mut self, shard: &mut RawShard, framer: &Framer) -> Result<()> {
        let file = &framer.inputs[self.input as usize];
        let mut length = 0;
        loop {
            if self.pending.len() > framer.record_max {
                length += self.pending.len() as u64;
                self.pending.clear();
            }
            if self.ended {
                break;
            }
            self.want(framer.record_max.saturating_add(1), file)?;
        }
        let too_long = length > 0;
        length += self.pending.len() as u64;
        if self.is_sound() && too_long {
            shard.push(self.input, 0, 1, too_long_record(None, length, framer.record_max));
        } else if self.is_sound() && length > 0 {
            let bytes = shard.store(&self.pending);
            shard.push(self.input, 0, 1, Body::Text { bytes });
        }
        let (offset, rest) = if self.is_sound() { (length, 0) } else { (0, length) };
        self.push_damage(shard, offset, None, rest);
        Ok(())
    }

    /// Is what was decoded a whole, even if something follows it?
    pub(super) fn is_sound(&self) -> bool {
        self.damage.as_ref().is_none_or(|damage| damage.behind_the_end)
    }

    pub(super) fn push_damage(&self, shard: &mut RawShard, offset: u64, line: Option<u64>, length: u64) {
        if let Some(damage) = &self.damage {
            let body = Body::Lost { line, length, kind: Kind::File, reason: damage.reason, detail: damage.message.to_owned() };
            shard.push(self.input, offset, 1, body);
        }
    }
}

fn changed(file: &InputFile) -> Error {
    Error::refused_with_hint(
        format!("{}: the file changed while it was read", file.name),
        "start a new run (--fresh) once the input is at rest",
    )
}

fn too_long_record(line: Option<u64>, length: u64, record_max: usize) -> Body {
    Body::Lost { line, length, kind: Kind::Record, reason: "record_too_long", detail: format!("longer than {record_max} bytes") }
}

/// A file of lines.
struct Lines {
    bytes: Bytes,
    input: u32,
    /// Where the current line starts in `bytes.pending`, and up to where it is known to hold no line end.
    start: usize,
    scanned: usize,
    /// The same place in the decoded file; number of the line, and of the record if it is one, from 1.
    offset: u64,
    line: u64,
    record: u64,
    /// Bytes of the current line that were dropped because it is too long.
    dropped: u64,
}

impl Lines {
    fn new(bytes: Bytes) -> Self {
        let bom = if bytes.pending.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Self { input: bytes.input, bytes, start: bom, scanned: bom, offset: bom as u64, line: 1, record: 1, dropped: 0 }
    }

    /// Moves lines into the shard until it is full (`true`) or the file ends (`false`).
    fn advance(&mut self, shard: &mut RawShard, framer: &Framer) -> Result<bool> {
        let file = &framer.inputs[self.input as usize];
        while !shard.is_full(&framer.cut) {
            if let Some(found) = memchr::memchr(b'\n', &self.bytes.pending[self.scanned..]) {
                self.end_line(self.scanned + found + 1, shard, framer.record_max);
                continue;
            }
            self.drop_overlong(framer.record_max);
            if self.bytes.ended {
                self.finish(shard, framer.record_max);
                return Ok(false);
            }
            self.bytes.pending.drain(..self.start);
            self.start = 0;
            self.scanned = self.bytes.pending.len();
            self.bytes.want(self.scanned + 1, file)?;
        }
        Ok(true)
    }

    /// A line that is too long even without its line end need not be kept.
    fn drop_overlong(&mut self, record_max: usize) {
        let held = self.bytes.pending.len() - self.start;
        if self.dropped > 0 || held > record_max.saturating_add(1) {
            self.dropped += held as u64;
            self.start = self.bytes.pending.len();
        }
        self.scanned = self.bytes.pending.len();
    }

    /// Hands out the line that ends before `end` and stands at the next one.
    fn end_line(&mut self, end: usize, shard: &mut RawShard, record_max: usize) {
        let line = &self.bytes.pending[self.start..end];
        let length = self.dropped + line.len() as u64;
        let content = content(line);
        let is_record = self.dropped > 0 || !jsonl::is_blank(content);
        if self.dropped > 0 || content.len() > record_max {
            let body = too_long_record(Some(self.line), length - u64::from(line.ends_with(b"\n")), record_max);
            shard.push(self.input, self.offset, 1, body);
        } else {
            shard.push_line(self, line, is_record);
        }
        self.start = end;
        self.scanned = end;
        self.offset += length;
        self.line += 1;
        self.record += u64::from(is_record);
        self.dropped = 0;
    }

    /// What stands behind the last line end: a line if the file is sound, else half a record.
    fn finish(&mut self, shard: &mut RawShard, record_max: usize) {
        let held = self.dropped + (self.bytes.pending.len() - self.start) as u64;
        if self.bytes.is_sound() {
            if held > 0 {
                self.end_line(self.bytes.pending.len(), shard, record_max);
            }
            self.bytes.push_damage(shard, self.offset, None, 0);
        } else {
            self.bytes.push_damage(shard, self.offset, Some(self.line), held);
        }
    }
}

/// The line without LF and one CR before it.
pub(super) fn content(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
