//! Formats whose files are read as a whole: most are one document, some hold several.

use std::ops::Range;

use super::compression::Entry;
use super::document::Document;
use super::format::{Boundary, Fault, Framing};
use super::record::Record;
use super::shard::RawShard;
use super::sink::{Bad, Content, Lost, Sink};
use super::source::ByteSource;
use super::wanted::Wanted;
use crate::error::Result;
use crate::quarantine::Kind;

/// What is made of the decoded file; a fault costs all of it.
pub(super) type ToDocuments = fn(String, Wanted) -> std::result::Result<Vec<Document>, Fault>;

/// Counts the documents of a file without reading it, if that can be: as many as [`ToDocuments`] gives, one for a fault.
pub(super) type Count = fn(&[u8], Wanted) -> u64;

/// A file that is read as a whole.
pub(super) struct WholeFile {
    source: ByteSource,
    to_documents: ToDocuments,
    count: Count,
}

impl WholeFile {
    /// A file that is one document.
    pub(super) fn new(source: ByteSource, to_documents: ToDocuments) -> Self {
        Self { source, to_documents, count: |_, _| 1 }
    }

    /// A file that may be several.
    pub(super) fn several(source: ByteSource, count: Count, to_documents: ToDocuments) -> Self {
        Self { source, to_documents, count }
    }
}

impl Framing for WholeFile {
    fn advance(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        let source = &mut self.source;
        let mut length = 0;
        loop {
            if source.pending.len() > record_max {
                length += source.pending.len() as u64;
                source.pending.clear();
            }
            if source.ended {
                break;
            }
            source.want(record_max.saturating_add(1))?;
        }
        let is_too_long = length > 0;
        length += source.pending.len() as u64;
        if source.is_sound() && is_too_long {
            shard.push_lost(source.input, 0, Lost::too_long(None, length, record_max));
        } else if source.is_sound() && length > 0 {
            let (bytes, to_documents, input) = (shard.store(&source.pending), self.to_documents, source.input);
            shard.count_records((self.count)(&self.source.pending, self.source.reading.wanted()));
            shard.push(input, 0, File { bytes, to_documents });
        }
        let source = &mut self.source;
        let (offset, rest) = if source.is_sound() { (length, 0) } else { (0, length) };
        shard.push_damage(source.input, offset, None, rest, source.damage());
        Ok(false)
    }

    fn place(&mut self) -> (Boundary, Entry) {
        (Boundary::START, Entry::default())
    }

    fn consumed(&self) -> u64 {
        self.source.consumed()
    }
}

/// The bytes of the file.
#[derive(Debug)]
struct File {
    bytes: Range<usize>,
    to_documents: ToDocuments,
}

impl Content for File {
    fn decode(&self, offset: u64, bytes: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        let bytes = &bytes[self.bytes.clone()];
        let Some(text) = sink.decode_text(offset, bytes, None) else { return Ok(()) };
        let documents = match (self.to_documents)(text, sink.wanted()) {
            Ok(documents) => documents,
            Err(Fault { reason, detail }) => {
                sink.quarantine(&Bad { offset, line: None, length: bytes.len() as u64, kind: Kind::Record, reason, detail: &detail });
                return Ok(());
            }
        };
        let is_whole = documents.len() == 1;
        for (number, document) in (1..).zip(documents) {
            let Document { id, text, url, license, date, offset: begins, meta, dropped } = document;
            let (offset, ordinal_in_file) = if is_whole { (offset, 0) } else { (begins, number) };
            let record = Record { id, text, url, license, date, meta, ordinal_in_file, offset, ..Record::default() };
            if sink.keep(record)? {
                sink.note_dropped(&dropped);
            }
        }
        Ok(())
    }
}
