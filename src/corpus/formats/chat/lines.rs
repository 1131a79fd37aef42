//! Logs of lines.

use std::sync::Arc;

use super::piece::{cut, keep};
use crate::corpus::chat::{self, Day, Header, Mark};
use crate::corpus::compression::Entry;
use crate::corpus::format::{Boundary, Framing};
use crate::corpus::shard::RawShard;
use crate::corpus::sink::{Content, Sink};
use crate::corpus::source::ByteSource;
use crate::corpus::walk::{Run, Walk, Walked};
use crate::error::Result;

/// A walk over lines. What it remembers at the beginning of a record is what it knows when it is opened there.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact about the line before or the plan")]
pub(super) struct Lines {
    walk: Walk,
    header: Arc<Header>,
    /// Does a day end a record?
    is_split: bool,
    /// Bytes of the current line that are known to hold no line end.
    looked_at: usize,
    /// The current line is longer than a record may be, and its beginning is gone.
    is_cut_line: bool,
    day: Option<Day>,
    has_message: bool,
    is_behind_empty: bool,
}

/// Pieces of a log.
#[derive(Debug)]
struct Pieces(Arc<Header>, Run);

impl Framing for Lines {
    fn advance(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        let goes_on = self.fill(shard, record_max)?;
        self.end_run(shard);
        Ok(goes_on)
    }

    fn place(&mut self) -> (Boundary, Entry) {
        self.walk.place()
    }

    fn consumed(&self) -> u64 {
        self.walk.source.consumed()
    }
}

impl Lines {
    pub(super) fn open(source: ByteSource, at: Boundary, header: Arc<Header>, is_split: bool) -> Box<dyn Framing> {
        let walk = Walk::new(source, at);
        Box::new(Self { walk, header, is_split, looked_at: 0, is_cut_line: false, day: None, has_message: false, is_behind_empty: true })
    }

    fn fill(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        while !shard.is_full() {
            let ahead = self.walk.ahead();
            if let Some(length) = memchr::memchr(b'\n', &ahead[self.looked_at..]).map(|found| self.looked_at + found) {
                self.line(length, 1, shard, record_max);
                continue;
            }
            self.looked_at = ahead.len();
            if self.walk.source.ended {
                let length = ahead.len();
                if length == 0 || self.line(length, 0, shard, record_max) {
                    self.finish(shard, record_max);
                    return Ok(false);
                }
                continue;
            }
            if self.looked_at > record_max {
                self.walk.scanned += self.looked_at;
                (self.looked_at, self.is_cut_line) = (0, true);
            }
            self.walk.drop_overlong(record_max);
            self.walk.more()?;
        }
        Ok(true)
    }

    /// A line of so many bytes, before so many of a line end; `false` if it begins a record and is looked at again.
    fn line(&mut self, length: usize, end: usize, shard: &mut RawShard, record_max: usize) -> bool {
        let walk = &mut self.walk;
        let line = &walk.source.pending[walk.scanned..walk.scanned + length];
        let found = if std::mem::take(&mut self.is_cut_line) { Mark::More } else { chat::mark(&self.header, line) };
        let begins_day = match found {
            Mark::Heading => self.is_behind_empty,
            Mark::Message(Some(day)) => self.day.is_some_and(|before| before != day),
            Mark::Message(None) | Mark::More => false,
        };
        let is_long = walk.scanned - walk.start >= cut(record_max) && found != Mark::More;
        if self.has_message && (begins_day && self.is_split || is_long) {
            let header = &self.header;
            walk.end_record(shard, record_max, |run| Pieces(Arc::clone(header), run));
            (self.day, self.has_message, self.is_behind_empty, self.looked_at) = (None, false, true, 0);
            return false;
        }
        if let Mark::Message(day) = found {
            self.day = day.or(self.day);
            self.has_message = true;
        }
        self.is_behind_empty = line.trim_ascii().is_empty();
        walk.scanned += length + end;
        self.looked_at = 0;
        true
    }

    fn end_run(&mut self, shard: &mut RawShard) {
        let header = &self.header;
        self.walk.end_run(shard, |run| Pieces(Arc::clone(header), run));
    }

    /// The file ends, or what can be read of it: what is behind the last whole line of a damaged file is not to be trusted.
    fn finish(&mut self, shard: &mut RawShard, record_max: usize) {
        if self.walk.source.is_sound() && self.walk.scanned > self.walk.start {
            let header = &self.header;
            self.walk.end_record(shard, record_max, |run| Pieces(Arc::clone(header), run));
        }
        self.end_run(shard);
        self.walk.finish(shard);
    }
}

impl Content for Pieces {
    fn decode(&self, _: u64, bytes: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        let Self(header, run) = self;
        let speakers = sink.wanted().chat.speakers;
        for Walked { bytes, record, offset } in run.records(bytes) {
            let Some(text) = sink.text_of(offset, bytes) else { continue };
            let (document, dropped) = chat::log(&text, header, speakers);
            keep(document, &dropped, record, offset, sink)?;
        }
        Ok(())
    }
}
