//! Logs in JSON: a list of messages somewhere in the file.

use std::sync::Arc;

use super::piece::{cut, keep};
use crate::corpus::chat::{self, App, Day, Header};
use crate::corpus::compression::Entry;
use crate::corpus::format::{Boundary, Fault, Framing};
use crate::corpus::json::{self, ValueEnd};
use crate::corpus::json_walk::{Lists, Next};
use crate::corpus::shard::RawShard;
use crate::corpus::sink::{Bad, Content, Sink};
use crate::corpus::source::ByteSource;
use crate::corpus::walk::{Run, Walked};
use crate::error::Result;
use crate::quarantine::Kind;

/// A walk over messages. What it remembers at the beginning of a record is what it knows when it is opened there.
pub(super) struct Messages {
    lists: Lists,
    header: Arc<Header>,
    /// Does a day end a record?
    is_split: bool,
    day: Option<Day>,
    /// Bytes of the record before the message that is looked at, and those up to the end of the last whole one.
    begun: usize,
    ended: usize,
    /// The message that is being looked at.
    value: Option<ValueEnd>,
    /// Its beginning is gone, because it is longer than a record may be.
    is_cut: bool,
}

/// Pieces of a list of messages.
#[derive(Debug)]
struct Pieces(Arc<Header>, Run);

impl Framing for Messages {
    fn advance(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        let goes_on = self.fill(shard, record_max)?;
        self.end_run(shard);
        Ok(goes_on)
    }

    fn place(&mut self) -> (Boundary, Entry) {
        self.lists.walk.place()
    }

    fn consumed(&self) -> u64 {
        self.lists.walk.source.consumed()
    }
}

impl Messages {
    pub(super) fn open(
        source: ByteSource,
        at: Boundary,
        header: Arc<Header>,
        is_split: bool,
    ) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        let mut lists = Lists::new(source, at, &["messages"], &["chats", "left_chats", "list"]);
        if header.app == App::Slack {
            lists.enter_outermost()?;
        }
        Ok(Ok(Box::new(Self { lists, header, is_split, day: None, begun: 0, ended: 0, value: None, is_cut: false })))
    }

    fn fill(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        while !shard.is_full() {
            if self.value.is_none() && self.ended == 0 {
                match self.lists.next()? {
                    Next::Element => (self.value, self.begun) = (Some(ValueEnd::default()), 0),
                    Next::ListEnd => {}
                    Next::End => return Ok(self.finish(shard)),
                    Next::Cut => return Ok(self.lose_rest(shard, "json_eof", "the list of messages does not end")),
                    Next::Wrong => {
                        return Ok(self.lose_rest(shard, "json_syntax", "this is no element of the list, and no member of an object"));
                    }
                }
            } else if self.value.is_none() {
                self.step(shard, record_max)?;
            } else if !self.look(shard, record_max)? {
                return Ok(self.lose_rest(shard, "json_eof", "the message does not end"));
            }
        }
        Ok(true)
    }

    /// Goes to the next message of the record, or ends the record with the list.
    fn step(&mut self, shard: &mut RawShard, record_max: usize) -> Result<()> {
        let walk = &mut self.lists.walk;
        let is_between = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',');
        walk.scanned += walk.ahead().iter().take_while(|byte| is_between(byte)).count();
        match walk.ahead().first().copied() {
            Some(b']' | b'}') => self.end_record(shard, record_max),
            Some(_) => (self.value, self.begun) = (Some(ValueEnd::default()), walk.scanned - walk.start),
            None if walk.more()? => {}
            None => self.end_record(shard, record_max),
        }
        Ok(())
    }

    /// Looks on for the end of the message; `false` if the file ends before.
    fn look(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        let Some(value) = &mut self.value else { return Ok(true) };
        let walk = &mut self.lists.walk;
        let (end, is_whole) = value.find(&walk.source.pending, walk.scanned);
        walk.scanned = end;
        let is_whole = is_whole || walk.source.ended && value.may_end();
        let is_long = self.ended > 0 && end - walk.start > cut(record_max);
        if !is_whole && !is_long {
            if walk.source.ended {
                if self.ended > 0 {
                    self.end_record(shard, record_max);
                    return Ok(true);
                }
                return Ok(false);
            }
            if self.ended == 0 {
                let before = walk.start;
                walk.drop_overlong(record_max);
                self.is_cut |= walk.start != before;
            }
            walk.more()?;
            return Ok(true);
        }
        if self.is_cut {
            self.ended = end - walk.start;
            self.end_record(shard, record_max);
            return Ok(true);
        }
        let day = if is_whole && self.is_split { self.day_of(end) } else { None };
        if is_long || self.ended > 0 && day.is_some() && self.day.is_some() && day != self.day {
            self.end_record(shard, record_max);
        } else {
            self.ended = end - self.lists.walk.start;
            self.day = self.day.or(day);
            self.value = None;
        }
        Ok(true)
    }

    fn day_of(&self, end: usize) -> Option<Day> {
        let walk = &self.lists.walk;
        let message = std::str::from_utf8(&walk.source.pending[walk.start + self.begun..end]).ok()?;
        chat::day_of(self.header.app, message)
    }

    /// Hands out the whole messages of the record; what has been seen behind them is looked at again.
    fn end_record(&mut self, shard: &mut RawShard, record_max: usize) {
        let header = &self.header;
        let walk = &mut self.lists.walk;
        walk.scanned = walk.start + self.ended;
        walk.end_record(shard, record_max, |run| Pieces(Arc::clone(header), run));
        (self.day, self.begun, self.ended, self.value, self.is_cut) = (None, 0, 0, None, false);
    }

    fn end_run(&mut self, shard: &mut RawShard) {
        let header = &self.header;
        self.lists.walk.end_run(shard, |run| Pieces(Arc::clone(header), run));
    }

    fn finish(&mut self, shard: &mut RawShard) -> bool {
        self.end_run(shard);
        self.lists.walk.finish(shard);
        false
    }

    /// The rest of the file is no message; of a file that cannot be read on, its damage says why.
    fn lose_rest(&mut self, shard: &mut RawShard, reason: &'static str, message: &str) -> bool {
        if !self.lists.walk.source.is_sound() {
            return self.finish(shard);
        }
        self.end_run(shard);
        self.lists.walk.lose_rest(shard, reason, message);
        false
    }
}

impl Content for Pieces {
    fn decode(&self, _: u64, bytes: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        let Self(header, run) = self;
        let speakers = sink.wanted().chat.speakers;
        for Walked { bytes, record, offset } in run.records(bytes) {
            let Some(text) = sink.text_of(offset, bytes) else { continue };
            let places: Vec<(usize, &str)> = json::values(&text).collect();
            let mut refused = Vec::new();
            let messages = places.iter().map(|(_, message)| *message);
            let (document, dropped) = chat::messages(messages, header, speakers, |number, error| refused.push((number, error.to_string())));
            for (number, detail) in refused {
                let Some((at, message)) = places.get(number) else { continue };
                let (offset, length) = (offset + *at as u64, message.len() as u64);
                sink.quarantine(&Bad { offset, line: None, length, kind: Kind::Record, reason: "json_syntax", detail: &detail });
            }
            keep(document, &dropped, record, offset, sink)?;
        }
        Ok(())
    }
}
