//! A raw shard → records and quarantine, in order.

use std::borrow::Cow;

use super::framing::{Body, Piece, RawShard, content};
use super::parquet::{Row, Table};
use super::{InputFile, InputTally, Options, Outcome, Record, charset, format, html, http, jsonl, warc};
use crate::error::Result;
use crate::quarantine::{Kind, Quarantined, escape};

/// Characters of a detail.
const DETAIL_MAX: usize = 200;

impl RawShard {
    /// Parses the records and gives them to `sink` in order. What is no record is in the outcome, in the order of input and offset.
    ///
    /// # Errors
    /// Those of `sink`.
    pub fn decode(&self, options: &Options, sink: &mut dyn FnMut(Record) -> Result<()>) -> Result<Outcome> {
        let mut decoder = Decoder { shard: self, options, sink, outcome: Outcome::default() };
        for piece in &self.pieces {
            decoder.piece(piece)?;
        }
        Ok(decoder.outcome)
    }
}

struct Decoder<'a> {
    shard: &'a RawShard,
    options: &'a Options,
    sink: &'a mut dyn FnMut(Record) -> Result<()>,
    outcome: Outcome,
}

/// Something that is no record: where, and why.
struct Bad<'a> {
    offset: u64,
    line: Option<u64>,
    length: u64,
    kind: Kind,
    reason: &'a str,
    detail: &'a str,
}

impl Decoder<'_> {
    fn piece(&mut self, piece: &Piece) -> Result<()> {
        match &piece.body {
            Body::Lines { bytes, line, record } => self.lines(piece, &self.shard.buffer[bytes.clone()], *line, *record),
            Body::Text { bytes } => self.text(piece, &self.shard.buffer[bytes.clone()]),
            Body::Page { header, body, record } => {
                self.page(piece, &self.shard.buffer[header.clone()], &self.shard.buffer[body.clone()], *record)
            }
            Body::Rows { table, count } => self.rows(piece, table, *count),
            Body::Lost { line, length, kind, reason, detail } => {
                self.tally(piece.input).decoded_bytes += if *kind == Kind::Record { *length } else { 0 };
                self.quarantine(piece.input, &Bad { offset: piece.offset, line: *line, length: *length, kind: *kind, reason, detail });
                Ok(())
            }
        }
    }

    fn lines(&mut self, piece: &Piece, bytes: &[u8], mut line: u64, mut record: u64) -> Result<()> {
        self.tally(piece.input).decoded_bytes += bytes.len() as u64;
        let mut start = 0;
        while start < bytes.len() {
            let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |found| start + found + 1);
            let content = content(&bytes[start..end]);
            if !jsonl::is_blank(content) {
                self.line(piece, start, content, line, record)?;
                record += 1;
            }
            line += 1;
            start = end;
        }
        Ok(())
    }

    fn line(&mut self, piece: &Piece, start: usize, content: &[u8], line: u64, record: u64) -> Result<()> {
        match jsonl::parse(content) {
            Ok(fields) => self.keep(Record::from_fields(fields, piece.input, record)),
            Err(fault) => {
                let detail = format!("{} (byte {})", fault.message, fault.at + 1);
                let (offset, length) = (piece.offset + start as u64, content.len() as u64);
                self.quarantine(
                    piece.input,
                    &Bad { offset, line: Some(line), length, kind: Kind::Record, reason: fault.reason, detail: &detail },
                );
                Ok(())
            }
        }
    }

    fn text(&mut self, piece: &Piece, bytes: &[u8]) -> Result<()> {
        let Some(text) = self.decode(piece, bytes, html::declared_charset(bytes)) else { return Ok(()) };
        let is_html = format::is_html(&self.shard.inputs[piece.input as usize].path, &text);
        let text = if is_html { html::text(&text) } else { text };
        self.keep(Record { text, input: piece.input, ..Record::default() })
    }

    fn page(&mut self, piece: &Piece, header: &[u8], body: &[u8], record: u64) -> Result<()> {
        let page = warc::page(header, body);
        let content = match http::body(page.http, page.body, self.options.record_max) {
            Ok(content) => content,
            Err(fault) => {
                let length = page.body.len() as u64;
                self.tally(piece.input).decoded_bytes += length;
                let (kind, reason, detail) = (Kind::Record, fault.reason, fault.message);
                self.quarantine(piece.input, &Bad { offset: piece.offset, line: None, length, kind, reason, detail });
                return Ok(());
            }
        };
        let declared = page.charset.or_else(|| html::declared_charset(&content));
        let Some(text) = self.decode(piece, &content, declared) else { return Ok(()) };
        let text = if page.is_html || html::is_page(&text) { html::text(&text) } else { text };
        let owned = |value: Option<&str>| value.map(str::to_owned);
        let (id, url, date) = (owned(page.id), owned(page.url), owned(page.date));
        self.keep(Record { id, text, url, date, input: piece.input, ordinal_in_file: record, ..Record::default() })
    }

    /// Text in a charset that has to be found out; `None` if it went to quarantine.
    fn decode(&mut self, piece: &Piece, bytes: &[u8], declared: Option<&str>) -> Option<String> {
        let decoded = charset::decode(bytes, declared);
        let tally = self.tally(piece.input);
        tally.decoded_bytes += bytes.len() as u64;
        tally.note_charset(decoded.charset);
        if decoded.is_garbled() {
            let detail = format!("{} places that are no {}, the likeliest charset", decoded.replaced, decoded.charset);
            let length = bytes.len() as u64;
            let reason = if decoded.charset.starts_with("utf-16") { "utf16" } else { "charset" };
            let bad = Bad { offset: piece.offset, line: None, length, kind: Kind::Record, reason, detail: &detail };
            self.quarantine(piece.input, &bad);
            return None;
        }
        tally.replaced += decoded.replaced;
        Some(decoded.text)
    }

    fn rows(&mut self, piece: &Piece, table: &Table, count: u64) -> Result<()> {
        let inputs = &self.shard.inputs;
        let mut row = piece.offset;
        let fault = table.read(&inputs[piece.input as usize].path, piece.offset, count, &mut |values| {
            row += 1;
            self.row(piece.input, row, values)
        })?;
        if let Some(fault) = fault {
            let bad = Bad { offset: row, line: None, length: 0, kind: Kind::File, reason: fault.reason, detail: &fault.detail };
            self.quarantine(piece.input, &bad);
        }
        Ok(())
    }

    /// Row `row` from 1.
    fn row(&mut self, input: u32, row: u64, found: Row<'_>) -> Result<()> {
        let length = found.bytes;
        self.tally(input).decoded_bytes += length;
        let bad = |reason, detail| Bad { offset: row - 1, line: None, length, kind: Kind::Record, reason, detail };
        let values = match found.values {
            Ok(values) => values,
            Err(fault) => {
                self.quarantine(input, &bad(fault.reason, &fault.detail));
                return Ok(());
            }
        };
        let [Some(text), id, source, url, license, date, meta] = values else {
            self.quarantine(input, &bad("text_type", "`text` is null"));
            return Ok(());
        };
        if length > self.options.record_max {
            self.quarantine(input, &bad("record_too_long", "the row is longer than input.record_max"));
            return Ok(());
        }
        let owned = |value: Option<Cow<'_, str>>| value.map(Cow::into_owned);
        self.keep(Record {
            id: owned(id),
            text: text.into_owned(),
            source: owned(source),
            url: owned(url),
            license: owned(license),
            date: owned(date),
            meta: owned(meta),
            input,
            ordinal_in_file: row,
        })
    }

    fn keep(&mut self, record: Record) -> Result<()> {
        self.tally(record.input).records += 1;
        (self.sink)(record)
    }

    fn quarantine(&mut self, input: u32, bad: &Bad<'_>) {
        self.tally(input).quarantined += 1;
        let file: &InputFile = &self.shard.inputs[input as usize];
        self.outcome.quarantined.push(Quarantined {
            file: file.name.clone(),
            offset: bad.offset,
            line: bad.line,
            length: bad.length,
            kind: bad.kind,
            reason: bad.reason.to_owned(),
            detail: escape(bad.detail, DETAIL_MAX),
        });
    }

    /// The tally of a file; pieces come in order of files, so it is the last or a new one.
    fn tally(&mut self, input: u32) -> &mut InputTally {
        let tallies = &mut self.outcome.tallies;
        if tallies.last().is_none_or(|(last, _)| *last != input) {
            tallies.push((input, InputTally::default()));
        }
        let last = tallies.len() - 1;
        &mut tallies[last].1
    }
}

impl Record {
    fn from_fields(fields: jsonl::Fields<'_>, input: u32, ordinal_in_file: u64) -> Self {
        let owned = |value: Option<Cow<'_, str>>| value.map(Cow::into_owned);
        Self {
            id: owned(fields.id),
            text: fields.text.into_owned(),
            source: owned(fields.source),
            url: owned(fields.url),
            license: owned(fields.license),
            date: owned(fields.date),
            meta: fields.meta.map(str::to_owned),
            input,
            ordinal_in_file,
        }
    }
}
