//! WARC and WET files (ISO 28500), and the ARC files before them → pages.
//!
//! A record says its length itself, and that is checked: after the body there must be the next record or the end. Where it is not
//! so the record is lost, and reading goes on at the next line that begins a record. Header values are labels, never paths.
//!
//! What is no page in its own right (requests, names of hosts, pictures, styles, feeds, errors of servers …) is passed over and counted by reason.

mod fields;
mod head;
mod media;
mod page;

use self::head::{ARC_MAGIC, Dialect, HEADER_MAX, Head, MAGIC, Purpose};
use self::page::RawPage;
use crate::corpus::compression::Entry;
use crate::corpus::format::{Boundary, Fault, Format, Framing};
use crate::corpus::shard::RawShard;
use crate::corpus::sink::{Lost, PassedOver};
use crate::corpus::source::ByteSource;
use crate::error::Result;
use crate::quarantine::Kind;

/// Line ends that may stand between records.
const GAP: usize = 16;
/// Bytes that are stepped over at a time.
const STEP: usize = 1 << 20;

/// The format WARC.
pub(super) struct Warc;

/// The format ARC.
pub(super) struct Arc;

impl Format for Warc {
    fn name(&self) -> &'static str {
        "warc"
    }

    fn magic(&self) -> &'static [&'static [u8]] {
        &[MAGIC]
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["warc", "wet"]
    }

    fn goes_on_behind_damage(&self) -> bool {
        true
    }

    fn open(&self, source: ByteSource, at: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        Ok(Ok(Box::new(Records::new(source, at, Dialect::Warc))))
    }
}

impl Format for Arc {
    fn name(&self) -> &'static str {
        "arc"
    }

    fn magic(&self) -> &'static [&'static [u8]] {
        &[ARC_MAGIC]
    }

    fn goes_on_behind_damage(&self) -> bool {
        true
    }

    fn open(&self, source: ByteSource, at: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        Ok(Ok(Box::new(Records::new(source, at, Dialect::Arc))))
    }
}

/// A walk over records.
struct Records {
    source: ByteSource,
    dialect: Dialect,
    /// Where the current record starts in `source.pending`.
    start: usize,
    /// Where it starts in the file.
    at: Boundary,
    bad: Option<BadRecord>,
    /// What was passed over since the shard was told.
    passed_over: PassedOver,
}

/// A bad record whose end is being looked for.
struct BadRecord {
    offset: u64,
    reason: &'static str,
    message: &'static str,
}

impl Framing for Records {
    fn advance(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        let goes_on = self.fill(shard, record_max)?;
        let passed_over = std::mem::take(&mut self.passed_over);
        if !passed_over.is_empty() {
            shard.push(self.source.input, self.at.offset, passed_over);
        }
        Ok(goes_on)
    }

    fn place(&mut self) -> (Boundary, Entry) {
        (self.at, self.source.entry_before(self.at.offset))
    }

    fn consumed(&self) -> u64 {
        self.source.consumed()
    }
}

impl Records {
    fn new(source: ByteSource, at: Boundary, dialect: Dialect) -> Self {
        Self { source, dialect, start: 0, at, bad: None, passed_over: PassedOver::default() }
    }

    fn fill(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        while !shard.is_full() {
            if let Some(bad) = self.bad.take() {
                self.resync(&bad, shard)?;
            } else if !self.record(shard, record_max)? && !self.skip_damage(shard)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Goes on behind damaged compressed data, which costs the record that it stands in; `false` at the end of what can be read.
    fn skip_damage(&mut self, shard: &mut RawShard) -> Result<bool> {
        let (offset, rest) = (self.at.offset, self.held());
        let damage = self.source.damage().map(|damage| (damage.reason, damage.message));
        if let Some((reason, message)) = damage
            && self.source.resync(offset + rest as u64)?
        {
            self.at.offset += rest as u64;
            self.at.record += 1;
            self.start = 0;
            let lost = Lost { line: None, length: rest as u64, kind: Kind::Record, reason, detail: message.to_owned() };
            shard.push_lost(self.source.input, offset, lost);
            return Ok(true);
        }
        shard.push_damage(self.source.input, offset, None, rest as u64, self.source.damage());
        Ok(false)
    }

    /// Is the checksum wrong of what the file ends with, as far as it could be read? Then the last record in it is not to be trusted.
    fn is_distrusted(&self, end: usize) -> bool {
        let is_checksum = |reason| matches!(reason, "gzip_crc" | "gzip_length" | "zstd_checksum");
        self.held() <= end + GAP && self.source.damage().is_some_and(|damage| is_checksum(damage.reason))
    }

    /// Hands out the record that starts here or finds it bad; `false` where there is no other.
    fn record(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        self.skip_line_ends()?;
        self.need(HEADER_MAX)?;
        if self.held() == 0 {
            return Ok(false);
        }
        let bytes = &self.source.pending[self.start..];
        let head = match self.dialect.head(&bytes[..bytes.len().min(HEADER_MAX)]) {
            Ok(head) => head,
            Err(_) if !self.source.is_sound() && self.source.ended && self.held() < HEADER_MAX => return Ok(false),
            Err((reason, message)) => return Ok(self.lose(reason, message)),
        };
        if let Purpose::PassedOver(reason) = head.purpose {
            return self.pass_over(&head, reason, shard);
        }
        if head.length > record_max as u64 {
            return Ok(self.lose("record_too_long", "the record is longer than input.record_max"));
        }
        let end = head.end + head.length as usize;
        self.need(end + self.dialect.gap())?;
        if self.held() < end && !self.source.is_sound() || self.is_distrusted(end) {
            return Ok(false);
        }
        if !self.ends_at(end) {
            return Ok(self.lose(self.bad_length(), "the record does not end where it says"));
        }
        self.hand_out(&head, end, shard);
        self.step(end);
        Ok(true)
    }

    fn hand_out(&mut self, head: &Head, end: usize, shard: &mut RawShard) {
        let (input, offset) = (self.source.input, self.at.offset);
        if let Purpose::Refused(reason, detail) = head.purpose {
            let lost = Lost { line: None, length: end as u64, kind: Kind::Record, reason, detail: detail.to_owned() };
            shard.push_lost(input, offset, lost);
        } else {
            let stored = shard.store(&self.source.pending[self.start..self.start + end]);
            let body = stored.start + head.end.min(stored.len())..stored.end;
            let page = RawPage { dialect: self.dialect, header: stored.start..body.start, body, record: self.at.record };
            shard.count_records(1);
            shard.push(input, offset, page);
        }
        self.at.record += 1;
    }

    /// Steps over a record that is no page, however long, holding little of it.
    fn pass_over(&mut self, head: &Head, reason: &'static str, shard: &mut RawShard) -> Result<bool> {
        let offset = self.at.offset;
        let mut rest = (head.end as u64).saturating_add(head.length);
        while rest > 0 {
            self.need(STEP.min(usize::try_from(rest).unwrap_or(usize::MAX)))?;
            let step = self.held().min(usize::try_from(rest).unwrap_or(usize::MAX));
            if step == 0 {
                break;
            }
            self.step(step);
            rest -= step as u64;
        }
        self.need(self.dialect.gap())?;
        if rest > 0 && !self.source.is_sound() {
            return Ok(false);
        }
        if rest > 0 || !self.ends_at(0) {
            self.bad = Some(BadRecord { offset, reason: self.bad_length(), message: "the record does not end where it says" });
            return Ok(true);
        }
        shard.count_bytes(head.end as u64);
        self.passed_over.add(reason);
        Ok(true)
    }

    fn bad_length(&self) -> &'static str {
        if self.dialect == Dialect::Arc { "arc_length" } else { "warc_length" }
    }

    fn lose(&mut self, reason: &'static str, message: &'static str) -> bool {
        self.bad = Some(BadRecord { offset: self.at.offset, reason, message });
        true
    }

    /// Steps over a bad record to the next line that begins one, holding little of it.
    fn resync(&mut self, bad: &BadRecord, shard: &mut RawShard) -> Result<()> {
        loop {
            let found = self.dialect.next(&self.source.pending[self.start..]);
            if let Some(at) = found {
                self.step(at);
            } else {
                let kept = if self.dialect == Dialect::Arc { HEADER_MAX } else { MAGIC.len() };
                self.step(if self.source.ended { self.held() } else { self.held().saturating_sub(kept) });
            }
            if found.is_some() || self.held() == 0 && self.source.ended {
                let (length, detail) = (self.at.offset - bad.offset, bad.message.to_owned());
                let lost = Lost { line: None, length, kind: Kind::Record, reason: bad.reason, detail };
                shard.push_lost(self.source.input, bad.offset, lost);
                self.at.record += 1;
                return Ok(());
            }
            self.need(self.held() + 1)?;
        }
    }

    /// Is there what has to be behind a record of `end` bytes: line ends, or (writers are sloppy) the next record or the end of the file?
    fn ends_at(&self, end: usize) -> bool {
        let Some(behind) = self.source.pending[self.start..].get(end..) else { return false };
        let behind = &behind[..behind.len().min(HEADER_MAX)];
        let next = behind.trim_ascii_start();
        let line_ends = behind.len() - next.len();
        let head = &behind[..behind.len().min(GAP)];
        behind.is_empty()
            || head.starts_with(b"\r\n\r\n")
            || next.is_empty() && behind.len() <= GAP
            || line_ends <= GAP && self.dialect.begins(next)
            || self.dialect == Dialect::Warc && next.len() < MAGIC.len() && line_ends > 0 && MAGIC.starts_with(next)
    }

    fn skip_line_ends(&mut self) -> Result<()> {
        loop {
            self.need(1)?;
            let line_ends = self.source.pending[self.start..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            self.step(line_ends);
            if line_ends == 0 || self.held() > 0 {
                return Ok(());
            }
        }
    }

    fn step(&mut self, bytes: usize) {
        self.start += bytes;
        self.at.offset += bytes as u64;
    }

    fn held(&self) -> usize {
        self.source.pending.len() - self.start
    }

    /// Reads on until `wanted` bytes are held or the file ends.
    fn need(&mut self, wanted: usize) -> Result<()> {
        if self.held() < wanted && !self.source.ended {
            self.source.pending.drain(..self.start);
            self.start = 0;
            self.source.want(wanted)?;
        }
        Ok(())
    }
}
