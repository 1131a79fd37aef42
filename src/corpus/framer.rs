//! Input files → work shards.
//!
//! A framer walks the inputs in order and finds where records begin and end. Where a shard ends depends on the decoded bytes and
//! records before it, so a shard is known by its first boundary alone: [`Framer::read`] goes there and frames it again.
//!
//! A large file begins and ends its shards, and between small ones a shard ends where a name and a size say so ([`ends_shard`]): a file
//! more or less changes no shard but those that hold it, and at most one that stood around it.

use std::ops::Range;
use std::sync::Arc;

use super::archive::{Members, Place};
use super::compression::{Pieces, ReadAhead};
use super::format::{Boundary, Format, Framing};
use super::formats::{self, Detected};
use super::input_file::InputFile;
use super::io_error::io_reason;
use super::options::Options;
use super::rules::Rules;
use super::shard::{Position, RawShard, ShardLimits, ShardRef};
use super::sink::{Bad, Content, Lost, PassedOver, Sink};
use super::source::{self, ByteSource, changed, is_stdin};
use crate::error::{Error, Result, is_of_the_machine};
use crate::io::stat;
use crate::quarantine::Kind;

/// Bytes on disk from which on a file shares its shards with no other.
const ALONE: u64 = 1 << 20;

/// Walks the inputs; see the head of this file.
pub struct Framer {
    inputs: Arc<[InputFile]>,
    rules: Arc<Rules>,
    record_max: usize,
    limits: ShardLimits,
    /// Index of the file that is open, or is opened next.
    input: usize,
    open: Option<OpenFile>,
    /// Bytes of the files before it.
    done: u64,
    members: Members,
    /// Index of the input behind the last, and what decodes the first, if it is decoded elsewhere.
    end: usize,
    ahead: Option<Arc<dyn ReadAhead>>,
    next_index: u64,
    /// Records before the open position, and how many are read at most.
    before: u64,
    limit: u64,
}

struct OpenFile {
    format: &'static dyn Format,
    framing: Box<dyn Framing>,
}

impl Framer {
    /// Stands at the start of the first input.
    pub fn new(inputs: Arc<[InputFile]>, options: &Options, limits: ShardLimits) -> Self {
        let record_max = usize::try_from(options.record_max).unwrap_or(usize::MAX);
        let limit = options.limit.unwrap_or(u64::MAX);
        let end = inputs.len();
        let (members, ahead) = (Members::default(), None);
        let rules = Arc::new(Rules::new(options));
        Self { inputs, rules, record_max, limits, input: 0, open: None, done: 0, members, end, ahead, next_index: 0, before: 0, limit }
    }

    /// Stands at the start of some of the inputs, and ends behind them. What is found in them is what one walk over all finds, if the others end their
    /// shards too ([`spans`]); the numbers of shards and records count from their start.
    #[must_use]
    pub fn over(self, span: Range<usize>) -> Self {
        Self { input: span.start, done: 0, end: span.end, open: None, ..self }
    }

    /// The first input is decoded elsewhere, in the pieces that [`pieces`] finds.
    #[must_use]
    pub fn reading_ahead(self, source: Arc<dyn ReadAhead>) -> Self {
        Self { ahead: Some(source), ..self }
    }

    /// The next shard with its records, or `None` after the last. Holds the shard and one unfinished record in memory.
    ///
    /// # Errors
    /// What stops a run: a file that cannot be read on, or that is no longer what it was when it was listed.
    pub fn next_shard(&mut self) -> Result<Option<RawShard>> {
        self.frame(false)
    }

    /// The next shard as a value: its records are passed over, and kept nowhere.
    ///
    /// # Errors
    /// As [`Framer::next_shard`].
    pub fn next_ref(&mut self) -> Result<Option<ShardRef>> {
        Ok(self.frame(true)?.map(RawShard::into_shard))
    }

    /// The records of a shard. Shards that are read in order are read without a step back.
    ///
    /// # Errors
    /// As [`Framer::next_shard`]; also where the inputs do not hold the shard.
    pub fn read(&mut self, shard: &ShardRef) -> Result<RawShard> {
        if !self.walk_to(&shard.start)? {
            self.go_to(&shard.start)?;
        }
        (self.next_index, self.before) = (shard.index, shard.before);
        let read = self.frame(false)?;
        let is_it = |found: &ShardRef| (found.records, found.bytes) == (shard.records, shard.bytes) && found.start.is_same(&shard.start);
        read.filter(|read| is_it(read.shard())).ok_or_else(|| match self.inputs.get(shard.start.input as usize) {
            Some(file) => changed(file),
            None => Error::internal("a shard of an input that is not there"),
        })
    }

    /// Bytes of the files (as they are on disk) that were read so far, from where the walk began, for progress.
    pub fn consumed(&self) -> u64 {
        let within = self.open.as_ref().map_or(0, |open| open.framing.consumed());
        self.done + self.inputs.get(self.input).map_or(0, |input| within.min(input.bytes))
    }

    fn frame(&mut self, framing_only: bool) -> Result<Option<RawShard>> {
        // A limit ends the shard in which it is reached, and the walk.
        let limits = ShardLimits { records: self.limits.records.min(self.limit.saturating_sub(self.before)), ..self.limits };
        let start = self.position();
        let empty = ShardRef { index: self.next_index, before: self.before, last_input: start.input, start, records: 0, bytes: 0 };
        let mut shard = RawShard::new(empty, &self.inputs, &self.rules, limits, framing_only);
        while !shard.is_full() && self.input < self.end {
            if self.open.is_none() {
                if shard.is_empty() {
                    // Files without records belong to no shard.
                    shard.start_at(Position::start_of(self.input as u32));
                } else if self.inputs[..=self.input].last_chunk().is_some_and(|[before, next]| ends_shard(before, next)) {
                    break;
                }
                self.open = self.open_next(&mut shard)?;
            }
            let goes_on = match &mut self.open {
                Some(open) => open.framing.advance(&mut shard, self.record_max)?,
                None => false,
            };
            if !goes_on {
                self.open = None;
                self.done += self.inputs[self.input].bytes;
                self.input += 1;
            }
        }
        if shard.is_empty() {
            return Ok(None);
        }
        self.next_index += 1;
        self.before += shard.shard().records;
        Ok(Some(shard))
    }

    /// Where the open file stands, or the next one begins.
    fn position(&mut self) -> Position {
        let Some(open) = &mut self.open else { return Position::start_of(self.input as u32) };
        let (Boundary { offset, line, record }, entry) = open.framing.place();
        Position { input: self.input as u32, format: open.format.name().to_owned(), offset, line, record, entry }
    }

    /// Frames on to a shard that lies ahead in the open file, unless the file can be entered nearer to it. Did it get there?
    fn walk_to(&mut self, start: &Position) -> Result<bool> {
        loop {
            let here = self.position();
            let is_ahead = here.input == start.input && here.offset < start.offset && start.entry.decoded <= here.offset;
            if here.is_same(start) || !is_ahead || self.open.is_none() {
                return Ok(here.is_same(start));
            }
            if self.frame(true)?.is_none() {
                return Ok(false);
            }
        }
    }

    fn go_to(&mut self, position: &Position) -> Result<()> {
        self.input = position.input as usize;
        self.done = self.inputs.iter().take(self.input).map(|input| input.bytes).sum();
        self.open = None;
        let Some(file) = self.inputs.get(self.input).filter(|_| !position.format.is_empty()) else { return Ok(()) };
        let format = formats::by_name(&position.format)
            .ok_or_else(|| Error::internal(format!("a shard of the format {:?}, which is not known", position.format)))?;
        let (entry, offset) = if format.is_streamed() { (position.entry, position.offset) } else { Default::default() };
        let mut source = ByteSource::open_at(position.input, file, entry, offset, &mut self.members)?;
        source.reading = self.rules.of(&file.name);
        let boundary = Boundary { offset: position.offset, line: position.line, record: position.record };
        let framing = format.open(source, boundary)?.map_err(|_| changed(file))?;
        self.open = Some(OpenFile { format, framing });
        Ok(())
    }

    /// Opens a file and finds out what it is; `None` if there is nothing to read in it.
    fn open_next(&mut self, shard: &mut RawShard) -> Result<Option<OpenFile>> {
        let file = &self.inputs[self.input];
        if let Some(Place::Fault { reason, detail }) = file.part.as_ref().map(|part| &part.place) {
            shard.count_records(1);
            shard.push(self.input as u32, 0, Unread { length: file.bytes, reason: reason.clone(), detail: detail.clone() });
            return Ok(None);
        }
        if let Some(Place::Revision { .. }) = file.part.as_ref().map(|part| &part.place) {
            let mut passed_over = PassedOver::default();
            passed_over.add("other_revision");
            shard.push(self.input as u32, 0, passed_over);
            return Ok(None);
        }
        let mut lost = |reason, detail: String| {
            shard.push_lost(self.input as u32, 0, Lost { line: None, length: file.bytes, kind: Kind::File, reason, detail });
            Ok(None)
        };
        let opened = match self.ahead.take() {
            Some(ahead) => ByteSource::open_ahead(self.input as u32, file, ahead),
            None => ByteSource::open(self.input as u32, file, &mut self.members),
        };
        let mut source = match opened {
            Ok(source) => source,
            Err(error) if is_of_the_machine(&error) => return Err(Error::io(&file.path, "open", error)),
            Err(error) => return lost(io_reason(&error), error.to_string()),
        };
        if !is_stdin(&file.path) && stat(&file.path).is_ok_and(|now| now.bytes != file.size_on_disk()) {
            return Err(changed(file));
        }
        source.reading = self.rules.of(&file.name);
        source.want(formats::HEAD)?;
        let format = match formats::detect(file.label(), &source.pending) {
            Detected::Format(format) => format,
            Detected::Unsupported(name) => return lost("unsupported_container", format!("{name} is no input format")),
        };
        match format.open(source, Boundary::START)? {
            Ok(framing) => Ok(Some(OpenFile { format, framing })),
            Err(fault) => lost(fault.reason, fault.detail),
        }
    }
}

/// A part of an archive that is not read, and why.
#[derive(Debug)]
struct Unread {
    length: u64,
    reason: String,
    detail: String,
}

impl Content for Unread {
    fn decode(&self, offset: u64, _: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        let Self { length, reason, detail } = self;
        sink.quarantine(&Bad { offset, line: None, length: *length, kind: Kind::File, reason, detail });
        Ok(())
    }
}

/// The pieces of an input that decode by themselves, if there are several that are found without decoding, and nothing but them is read.
///
/// # Errors
/// Those of the machine; what is wrong with the file is told when its turn comes.
pub fn pieces(file: &InputFile) -> Result<Option<Pieces>> {
    let Some(pieces) = source::pieces(file)? else { return Ok(None) };
    let Ok(mut source) = ByteSource::open(0, file, &mut Members::default()) else { return Ok(None) };
    source.want(formats::HEAD)?;
    let goes_on = matches!(formats::detect(file.label(), &source.pending), Detected::Format(format) if format.goes_on_behind_damage());
    Ok((!goes_on).then_some(pieces))
}

/// Runs of inputs that no work shard reaches over, in order: each can be framed by itself.
pub fn spans(inputs: &[InputFile]) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for i in 0..inputs.len() {
        match spans.last_mut() {
            Some(span) if !ends_shard(&inputs[i - 1], &inputs[i]) => span.end = i + 1,
            _ => spans.push(i..i + 1),
        }
    }
    spans
}

/// Does a shard end between two files? Small ones go together up to about [`ALONE`] bytes: a file ends a shard with a probability of its share of
/// them, drawn from its name.
fn ends_shard(before: &InputFile, next: &InputFile) -> bool {
    let [a, b, c, d, ..] = *blake3::hash(before.name.as_bytes()).as_bytes();
    let drawn = u64::from(u32::from_le_bytes([a, b, c, d]));
    before.bytes >= ALONE || next.bytes >= ALONE || drawn * ALONE < before.bytes << 32
}
