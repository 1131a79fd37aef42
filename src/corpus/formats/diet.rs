//! Records of the Diet, as its interface gives them in JSON and XML: a document a speech, or a meeting.
//!
//! Answers in JSON are walked, a speech or a meeting a record, so that a file may be of any length. What has to be seen as a whole is XML, JSON that is not UTF-8, and answers of
//! speeches of which meetings are to be made.

use crate::corpus::charset;
use crate::corpus::compression::Entry;
use crate::corpus::diet::{self, Options, Writer};
use crate::corpus::document::Document;
use crate::corpus::format::{Boundary, Fault, Format, Framing};
use crate::corpus::json::ValueEnd;
use crate::corpus::json_walk::{Lists, Next};
use crate::corpus::options::DietDocuments;
use crate::corpus::shard::RawShard;
use crate::corpus::sink::{Bad, Content, Sink};
use crate::corpus::source::ByteSource;
use crate::corpus::walk::{Run, Walked};
use crate::corpus::wanted::Wanted;
use crate::corpus::whole_file::WholeFile;
use crate::error::Result;
use crate::quarantine::Kind;

/// The format.
pub(super) struct Diet;

impl Format for Diet {
    fn name(&self) -> &'static str {
        "diet"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["json", "xml"]
    }

    fn accepts(&self, head: &[u8]) -> bool {
        diet::is_records(head)
    }

    fn looks_like(&self, head: &[u8]) -> bool {
        diet::is_records(head)
    }

    fn open(&self, mut source: ByteSource, at: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        if at == Boundary::START {
            source.want(HEAD)?;
            let options = options(source.reading.wanted());
            if !diet::is_walked(&source.pending[..source.pending.len().min(HEAD)], options) {
                return Ok(Ok(Box::new(WholeFile::several(source, count, read))));
            }
        }
        let lists = Lists::new(source, at, &["speechRecord", "meetingRecord"], &[]);
        Ok(Ok(Box::new(Elements { lists, value: None })))
    }
}

/// Bytes of the beginning by which is known how a file is read.
const HEAD: usize = 1024;

/// A walk over the speeches or meetings of answers in JSON.
struct Elements {
    lists: Lists,
    /// The element that is being looked at.
    value: Option<ValueEnd>,
}

/// Speeches or meetings.
#[derive(Debug)]
struct Found(Run);

impl Framing for Elements {
    fn advance(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        let goes_on = self.fill(shard, record_max)?;
        self.lists.walk.end_run(shard, Found);
        Ok(goes_on)
    }

    fn place(&mut self) -> (Boundary, Entry) {
        self.lists.walk.place()
    }

    fn consumed(&self) -> u64 {
        self.lists.walk.source.consumed()
    }
}

impl Elements {
    fn fill(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        while !shard.is_full() {
            if self.value.is_none() {
                match self.lists.next()? {
                    Next::Element => self.value = Some(ValueEnd::default()),
                    Next::ListEnd => continue,
                    Next::End if self.lists.walk.at.record == 1 => {
                        return Ok(self.lose_rest(shard, "diet_missing", "there is no record of the Diet in the file"));
                    }
                    Next::End => return Ok(self.finish(shard)),
                    Next::Cut => return Ok(self.lose_rest(shard, "json_eof", "the list of records does not end")),
                    Next::Wrong => {
                        return Ok(self.lose_rest(shard, "json_syntax", "this is no element of the list, and no member of an object"));
                    }
                }
            }
            let Some(value) = &mut self.value else { continue };
            let walk = &mut self.lists.walk;
            let (end, is_whole) = value.find(&walk.source.pending, walk.scanned);
            walk.scanned = end;
            if is_whole || walk.source.ended && value.may_end() {
                walk.end_records(shard, record_max, value.objects_in_lists().max(1), Found);
                self.value = None;
            } else if walk.source.ended {
                return Ok(self.lose_rest(shard, "json_eof", "the record does not end"));
            } else {
                walk.drop_overlong(record_max);
                walk.more()?;
            }
        }
        Ok(true)
    }

    fn finish(&mut self, shard: &mut RawShard) -> bool {
        self.lists.walk.end_run(shard, Found);
        self.lists.walk.finish(shard);
        false
    }

    /// The rest of the file is no record; of a file that cannot be read on, its damage says why.
    fn lose_rest(&mut self, shard: &mut RawShard, reason: &'static str, message: &str) -> bool {
        if !self.lists.walk.source.is_sound() {
            return self.finish(shard);
        }
        self.lists.walk.end_run(shard, Found);
        self.lists.walk.lose_rest(shard, reason, message);
        false
    }
}

impl Content for Found {
    fn decode(&self, _: u64, bytes: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        let mut writer = Writer::new(options(sink.wanted()));
        for Walked { bytes, record, offset } in self.0.records(bytes) {
            let Some(json) = sink.text_of(offset, bytes) else { continue };
            match writer.element(&json) {
                Ok(()) => {
                    let (documents, dropped) = writer.take();
                    sink.keep_documents(documents, &dropped, record, offset)?;
                }
                Err(diet::Fault { reason, detail }) => {
                    sink.quarantine(&Bad { offset, line: None, length: bytes.len() as u64, kind: Kind::Record, reason, detail: &detail });
                }
            }
        }
        Ok(())
    }
}

fn options(wanted: Wanted) -> Options {
    Options { meetings: wanted.diet == DietDocuments::Meeting }
}

/// Documents in the bytes, or one that cannot be read: which speeches say something is known by reading them.
fn count(bytes: &[u8], wanted: Wanted) -> u64 {
    let Ok(decoded) = charset::decode(bytes, None) else { return 1 };
    diet::count(&decoded.text, &options(wanted)).unwrap_or(1)
}

#[expect(clippy::needless_pass_by_value, reason = "all formats are called the same way")]
fn read(text: String, wanted: Wanted) -> std::result::Result<Vec<Document>, Fault> {
    diet::documents(&text, &options(wanted)).map_err(|fault| Fault::new(fault.reason, fault.detail))
}
