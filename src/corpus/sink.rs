//! Where the records of a shard go while they are parsed: given on, or quarantined with file, position and reason, or left out of the sample.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use super::charset;
use super::document::{Document, Dropped};
use super::fields::{self, Fields};
use super::forget::forgets;
use super::html;
use super::input_file::InputFile;
use super::options::Options;
use super::record::{InputTally, OTHER_FIELDS, Outcome, Record};
use super::rules::{Reading, Rules};
use super::sample;
use super::wanted::Wanted;
use crate::error::Result;
use crate::quarantine::{Kind, Quarantined, escape};

/// Names of fields that are counted without looking them up.
const NAMES_AT_ONCE: usize = 64;

/// Characters of a detail.
const DETAIL_MAX: usize = 200;

/// A run of records of one file that has been framed and is not parsed yet.
pub(super) trait Content: Debug + Send + Sync {
    /// Parses the records. `offset` is where the run begins in its decoded file (for tables the row), `bytes` what the shard has kept.
    ///
    /// # Errors
    /// Those of the sink, and those of the machine.
    fn decode(&self, offset: u64, bytes: &[u8], sink: &mut Sink<'_>) -> Result<()>;
}

/// Takes the records of one shard.
pub(super) struct Sink<'a> {
    inputs: &'a [InputFile],
    options: &'a Options,
    rules: &'a Rules,
    give: &'a mut dyn FnMut(Record) -> Result<()>,
    input: u32,
    /// How the file that is being read is read.
    reading: Arc<Reading>,
    outcome: Outcome,
    /// Fields that are not kept, in the order in which they came first, and which of them comes next if records are alike.
    not_kept: Vec<(String, u64)>,
    next_not_kept: usize,
    /// Places without meaning in the text that was decoded last: they count if its record is taken.
    replaced: u64,
    scratch: String,
}

/// Something that is no record: where, and why.
#[derive(Debug)]
pub(super) struct Bad<'a> {
    pub(super) offset: u64,
    pub(super) line: Option<u64>,
    pub(super) length: u64,
    pub(super) kind: Kind,
    pub(super) reason: &'a str,
    pub(super) detail: &'a str,
}

impl<'a> Sink<'a> {
    pub(super) fn new(
        inputs: &'a [InputFile],
        options: &'a Options,
        rules: &'a Rules,
        give: &'a mut dyn FnMut(Record) -> Result<()>,
    ) -> Self {
        let reading = Arc::default();
        Self {
            inputs,
            options,
            rules,
            give,
            input: u32::MAX,
            reading,
            outcome: Outcome::default(),
            not_kept: Vec::new(),
            next_not_kept: 0,
            replaced: 0,
            scratch: String::new(),
        }
    }

    /// What follows is of this input.
    pub(super) fn enter(&mut self, input: u32) {
        if self.input != input {
            self.count_not_kept();
            self.input = input;
            self.reading = self.rules.of(&self.file().name);
        }
    }

    /// How its records are read.
    pub(super) fn reading(&self) -> Arc<Reading> {
        Arc::clone(&self.reading)
    }

    /// The file that is being read.
    pub(super) fn file(&self) -> &'a InputFile {
        &self.inputs[self.input as usize]
    }

    /// Longest record, in decoded bytes.
    pub(super) fn record_max(&self) -> u64 {
        self.options.record_max
    }

    /// Statuses of HTTP whose responses are pages.
    pub(super) fn statuses(&self) -> &'a [u16] {
        &self.options.warc.statuses
    }

    /// Counts what was read and is no document in its own right, by reason.
    pub(super) fn pass_over(&mut self, reason: &str, count: u64) {
        *self.tally().passed_over.entry(reason.to_owned()).or_default() += count;
    }

    /// Counts notation that was taken out of the text of a document.
    pub(super) fn note_dropped(&mut self, dropped: &Dropped) {
        let tally = self.tally();
        for (kind, count) in dropped.iter() {
            match tally.dropped.get_mut(kind) {
                Some(known) => *known += count,
                None => drop(tally.dropped.insert(kind.to_owned(), count)),
            }
        }
    }

    /// What is wanted of a file that is read as a whole.
    pub(super) fn wanted(&self) -> Wanted {
        Wanted { html: self.html(None), spans: self.options.spans, ..self.reading.wanted() }
    }

    /// How a page of HTML with this address is read.
    pub(super) fn html(&self, url: Option<&str>) -> html::Options {
        html::Options { extract: self.reading.extract(url), ruby: self.options.ruby, is_xml: false }
    }

    /// Counts decoded bytes.
    pub(super) fn count_bytes(&mut self, bytes: u64) {
        self.tally().decoded_bytes += bytes;
    }

    /// Makes a record of fields whose text is whole, and gives it on; what has no place goes to `meta` or is counted. Is it in the sample?
    pub(super) fn keep_fields(&mut self, fields: Fields<'_>, ordinal_in_file: u64, offset: u64) -> Result<bool> {
        let owned = |value: Option<Cow<'_, str>>| value.map(Cow::into_owned);
        let rest = &fields.rest;
        let kept = if self.reading.mapping.keeps_rest() { &rest[..] } else { &[] };
        let meta = fields::meta(fields.meta.as_deref(), kept.iter().map(|(name, json)| (&**name, &**json)));
        let record = Record {
            id: owned(fields.id),
            text: owned(fields.text).unwrap_or_default(),
            source: owned(fields.source),
            url: owned(fields.url),
            license: owned(fields.license),
            date: owned(fields.date),
            residency: owned(fields.residency),
            meta,
            ordinal_in_file,
            offset,
            ..Record::default()
        };
        let is_kept = self.keep(record)?;
        if is_kept {
            rest.iter().skip(kept.len()).for_each(|(name, _)| self.not_kept(name, 1));
            if fields.beyond > 0 {
                self.not_kept(OTHER_FIELDS, fields.beyond);
            }
        }
        Ok(is_kept)
    }

    /// Counts a field that some documents have and that is not kept.
    pub(super) fn not_kept(&mut self, name: &str, documents: u64) {
        let is_it = |(known, _): &(String, u64)| known == name;
        let at = if self.not_kept.get(self.next_not_kept).is_some_and(is_it) {
            self.next_not_kept
        } else if let Some(at) = self.not_kept.iter().position(is_it) {
            at
        } else if self.not_kept.len() < NAMES_AT_ONCE {
            self.not_kept.push((name.to_owned(), 0));
            self.not_kept.len() - 1
        } else {
            return self.tally().note_not_kept(name, documents);
        };
        self.not_kept[at].1 += documents;
        self.next_not_kept = (at + 1) % self.not_kept.len();
    }

    /// Puts what was counted into the tally of the file.
    fn count_not_kept(&mut self) {
        self.next_not_kept = 0;
        for (name, documents) in std::mem::take(&mut self.not_kept) {
            self.tally().note_not_kept(&name, documents);
        }
    }

    /// A record was read in a charset that is known from before, with so many places without meaning.
    pub(super) fn note_charset(&mut self, charset: &str, replaced: u64) {
        self.tally().note_charset(charset);
        self.replaced = replaced;
    }

    /// Gives a record on, if the sample takes it and the plan does not forget it. Did it?
    pub(super) fn keep(&mut self, mut record: Record) -> Result<bool> {
        let replaced = std::mem::take(&mut self.replaced);
        if let Some(share) = self.options.sample {
            record.doc_id(&self.file().name, &mut self.scratch);
            if !sample::takes(share, &self.scratch) {
                self.tally().left_out += 1;
                return Ok(false);
            }
        }
        if forgets(&self.options.forget, &self.inputs[self.input as usize].name, &record, &mut self.scratch) {
            self.tally().left_out += 1;
            return Ok(false);
        }
        self.reading.inherit(&mut record);
        let tally = self.tally();
        tally.records += 1;
        tally.replaced += replaced;
        record.input = self.input;
        (self.give)(record).map(|()| true)
    }

    /// Notes what is no record. One that cannot be read has no id: a sample takes it or not by its place. The end of what can be read of a file is
    /// no record among others, and always told.
    pub(super) fn quarantine(&mut self, bad: &Bad<'_>) {
        if let Some(share) = self.options.sample.filter(|_| bad.kind == Kind::Record)
            && !sample::takes(share, &format!("{}@{}", self.file().name, bad.offset))
        {
            self.tally().left_out += 1;
            return;
        }
        self.tally().quarantined += 1;
        self.outcome.quarantined.push(Quarantined {
            file: self.file().name.clone(),
            offset: bad.offset,
            line: bad.line,
            length: bad.length,
            kind: bad.kind,
            reason: bad.reason.to_owned(),
            detail: escape(bad.detail, DETAIL_MAX),
        });
    }

    /// Text that is UTF-8 in nearly all files, else in a charset that has to be found out; `None` if it went to quarantine.
    pub(super) fn text_of<'b>(&mut self, offset: u64, bytes: &'b [u8]) -> Option<Cow<'b, str>> {
        let Ok(text) = simdutf8::basic::from_utf8(bytes) else { return self.decode_text(offset, bytes, None).map(Cow::Owned) };
        self.count_bytes(bytes.len() as u64);
        self.note_charset("utf-8", 0);
        Some(Cow::Borrowed(text))
    }

    /// Gives on the documents that one record holds; what was left out and belongs to none of them is counted, too.
    pub(super) fn keep_documents(&mut self, documents: Vec<Document>, dropped: &Dropped, first: u64, offset: u64) -> Result<()> {
        for (ordinal_in_file, document) in (first..).zip(documents) {
            let Document { id, text, url, license, date, offset: _, meta, dropped } = document;
            if self.keep(Record { id, text, url, license, date, meta, ordinal_in_file, offset, ..Record::default() })? {
                self.note_dropped(&dropped);
            }
        }
        self.note_dropped(dropped);
        Ok(())
    }

    /// Text in a charset that has to be found out, `declared` outside of the text; `None` if it went to quarantine.
    pub(super) fn decode_text(&mut self, offset: u64, bytes: &[u8], declared: Option<&str>) -> Option<String> {
        let found = charset::decode(bytes, declared);
        let charset = match &found {
            Ok(decoded) => Some(decoded.charset),
            Err(refused) => refused.charset,
        };
        let tally = self.tally();
        tally.decoded_bytes += bytes.len() as u64;
        if let Some(charset) = charset {
            tally.note_charset(charset);
        }
        match found {
            Ok(decoded) => {
                self.replaced = decoded.replaced;
                Some(decoded.text)
            }
            Err(refused) => {
                let length = bytes.len() as u64;
                self.quarantine(&Bad { offset, line: None, length, kind: Kind::Record, reason: refused.reason, detail: &refused.detail });
                None
            }
        }
    }

    pub(super) fn into_outcome(mut self) -> Outcome {
        self.count_not_kept();
        self.outcome
    }

    /// The tally of the file; runs come in order of files, so it is the last or a new one.
    fn tally(&mut self) -> &mut InputTally {
        let tallies = &mut self.outcome.tallies;
        if tallies.last().is_none_or(|(last, _)| *last != self.input) {
            tallies.push((self.input, InputTally::default()));
        }
        let last = tallies.len() - 1;
        &mut tallies[last].1
    }
}

/// What framing passed over, by reason: no records, and nothing of them is kept.
#[derive(Debug, Default)]
pub(super) struct PassedOver(BTreeMap<&'static str, u64>);

impl PassedOver {
    /// One more.
    pub(super) fn add(&mut self, reason: &'static str) {
        *self.0.entry(reason).or_default() += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Content for PassedOver {
    fn decode(&self, _: u64, _: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        self.0.iter().for_each(|(reason, count)| sink.pass_over(reason, *count));
        Ok(())
    }
}

/// A record, or the rest of a file, that cannot be read.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) line: Option<u64>,
    pub(super) length: u64,
    pub(super) kind: Kind,
    pub(super) reason: &'static str,
    pub(super) detail: String,
}

impl Lost {
    /// A record that is longer than `record_max` bytes.
    pub(super) fn too_long(line: Option<u64>, length: u64, record_max: usize) -> Self {
        Self { line, length, kind: Kind::Record, reason: "record_too_long", detail: format!("longer than {record_max} bytes") }
    }
}

impl Content for Lost {
    fn decode(&self, offset: u64, _: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        sink.count_bytes(if self.kind == Kind::Record { self.length } else { 0 });
        let Self { line, length, kind, reason, ref detail } = *self;
        sink.quarantine(&Bad { offset, line, length, kind, reason, detail });
        Ok(())
    }
}
