//! Formats whose files are one document each.

use std::ops::Range;

use super::compression::Entry;
use super::format::{Boundary, Framing};
use super::html::{Options, Page};
use super::record::Record;
use super::shard::RawShard;
use super::sink::{Content, Lost, Sink};
use super::source::ByteSource;
use crate::error::Result;

/// What is made of the decoded file.
pub(super) type ToPage = fn(String, Options) -> Page;

/// A file that is one document.
pub(super) struct WholeFile {
    source: ByteSource,
    to_page: ToPage,
}

impl WholeFile {
    pub(super) fn new(source: ByteSource, to_page: ToPage) -> Self {
        Self { source, to_page }
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
            let bytes = shard.store(&source.pending);
            shard.count_records(1);
            shard.push(source.input, 0, Document { bytes, to_page: self.to_page });
        }
        let (offset, rest) = if source.is_sound() { (length, 0) } else { (0, length) };
        shard.push_damage(source.input, offset, None, rest, source.damage());
        Ok(false)
    }

    fn boundary(&self) -> Boundary {
        Boundary::START
    }

    fn entry(&mut self) -> Entry {
        Entry::default()
    }

    fn consumed(&self) -> u64 {
        self.source.consumed()
    }
}

/// The bytes of the file.
#[derive(Debug)]
struct Document {
    bytes: Range<usize>,
    to_page: ToPage,
}

impl Content for Document {
    fn decode(&self, offset: u64, bytes: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        let bytes = &bytes[self.bytes.clone()];
        match sink.decode_text(offset, bytes, None) {
            Some(text) => {
                let page = (self.to_page)(text, sink.html(None));
                sink.keep(Record { meta: page.meta(), text: page.text, ..Record::default() }).map(|_| ())
            }
            None => Ok(()),
        }
    }
}
