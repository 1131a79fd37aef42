//! Dumps of MediaWiki, as Wikipedia gives them away: XML, a page a record. <https://www.mediawiki.org/wiki/Help:Export>
//!
//! The text of a page has its `<` escaped, so that `<page>` and `</page>` are where a record begins and ends, and reading may begin at any. What stands before the first page
//! names the site and its namespaces.

mod page;

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem;

use self::page::Place;
use crate::corpus::archive::Members;
use crate::corpus::compression::Entry;
use crate::corpus::format::{Boundary, Fault, Format, Framing};
use crate::corpus::shard::RawShard;
use crate::corpus::sink::{Content, Lost, Sink};
use crate::corpus::source::ByteSource;
use crate::corpus::wikitext::Site;
use crate::error::{Error, Result};
use crate::quarantine::Kind;

const BEGIN: &[u8] = b"<page>";
const END: &[u8] = b"</page>";
/// The end of a whole dump.
const LAST: &[u8] = b"</mediawiki>";
/// Bytes that are read at a time.
const STEP: usize = 64 << 10;
/// Bytes before the first page that are looked through for the site.
const HEAD_MAX: usize = 1 << 20;

/// The format.
pub(super) struct MediaWiki;

impl Format for MediaWiki {
    fn name(&self) -> &'static str {
        "mediawiki"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["xml"]
    }

    fn accepts(&self, head: &[u8]) -> bool {
        self.looks_like(head)
    }

    /// The root element, or a page: a stream of a multistream dump begins with one.
    fn looks_like(&self, head: &[u8]) -> bool {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        let root = if head.starts_with(b"<?xml") {
            memmem::find(head, b"?>").map_or(head, |end| head[end + 2..].trim_ascii_start())
        } else {
            head
        };
        root.starts_with(b"<mediawiki ") || root.starts_with(b"<mediawiki>") || root.starts_with(b"<page>\n    <title>")
    }

    fn open(&self, source: ByteSource, at: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        let mut pages =
            Pages { site: Arc::default(), is_whole: false, start: 0, scanned: 0, in_page: false, at, dropped: 0, run: None, source };
        if at == Boundary::START {
            pages.source.want(STEP)?;
            (pages.site, pages.is_whole) = head(&mut pages.source)?;
        } else {
            let input = pages.source.input;
            let mut beginning = ByteSource::open(input, pages.source.file(), &mut Members::default())
                .map_err(|e| Error::io(&pages.source.file().path, "open", e))?;
            (pages.site, pages.is_whole) = head(&mut beginning)?;
        }
        Ok(Ok(Box::new(pages)))
    }
}

/// What stands before the first page: the site, and whether the dump has a root element, so that its end has to come.
fn head(source: &mut ByteSource) -> Result<(Arc<Site>, bool)> {
    loop {
        let first = memmem::find(&source.pending, BEGIN);
        if first.is_some() || source.ended || source.pending.len() > HEAD_MAX {
            let head = String::from_utf8_lossy(&source.pending[..first.unwrap_or(source.pending.len()).min(HEAD_MAX)]).into_owned();
            return Ok((Arc::new(page::site_of(&head)), head.contains("<mediawiki")));
        }
        let held = source.pending.len();
        source.want(held + STEP)?;
    }
}

/// A walk over the pages of a dump.
struct Pages {
    source: ByteSource,
    site: Arc<Site>,
    /// Does the dump have a root element, whose end has to come?
    is_whole: bool,
    /// Where the page, or what stands before it, starts in `source.pending`, and up to where its end has been looked for.
    start: usize,
    scanned: usize,
    in_page: bool,
    at: Boundary,
    /// Bytes of the page that were dropped because it is too long.
    dropped: u64,
    run: Option<Run>,
}

/// Pages that stand one behind the other, each with its end in `bytes` and its place in the file.
#[derive(Debug)]
struct Run {
    bytes: Range<usize>,
    pages: Vec<(u32, u64)>,
    first: u64,
    site: Arc<Site>,
}

impl Framing for Pages {
    fn advance(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        let goes_on = self.fill(shard, record_max)?;
        self.end_run(shard);
        Ok(goes_on)
    }

    fn boundary(&self) -> Boundary {
        self.at
    }

    fn entry(&mut self) -> Entry {
        self.source.entry_before(self.at.offset)
    }

    fn consumed(&self) -> u64 {
        self.source.consumed()
    }
}

impl Pages {
    fn fill(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        while !shard.is_full() {
            let wanted = if self.in_page { END } else { BEGIN };
            let found = memmem::find(&self.source.pending[self.scanned..], wanted).map(|length| self.scanned + length);
            match found {
                Some(at) if self.in_page => self.end_page(shard, at + END.len(), record_max),
                Some(at) => {
                    self.see_end(at);
                    self.step_to(at);
                    self.in_page = true;
                    self.scanned = at + BEGIN.len();
                }
                None if self.source.ended => return Ok(self.finish(shard)),
                None => {
                    // The mark may be cut here.
                    let kept = self.source.pending.len().saturating_sub(LAST.len() - 1).max(self.scanned);
                    if !self.in_page {
                        self.see_end(self.source.pending.len());
                        self.step_to(kept);
                    } else if self.dropped > 0 || self.source.pending.len() - self.start > record_max {
                        self.dropped += (kept - self.start) as u64;
                        self.start = kept;
                    }
                    self.scanned = kept;
                    self.more()?;
                }
            }
        }
        Ok(true)
    }

    /// Looks for the end of the dump in what is passed over.
    fn see_end(&mut self, end: usize) {
        if self.is_whole && memmem::find(&self.source.pending[self.start..end], LAST).is_some() {
            self.is_whole = false;
        }
    }

    /// Passes over what is no page.
    fn step_to(&mut self, at: usize) {
        self.at.offset += (at - self.start) as u64;
        self.start = at;
    }

    fn more(&mut self) -> Result<()> {
        self.source.pending.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        let held = self.source.pending.len();
        self.source.want(held + STEP)
    }

    /// Hands out the page that ends at `end`.
    fn end_page(&mut self, shard: &mut RawShard, end: usize, record_max: usize) {
        let page = &self.source.pending[self.start..end];
        let length = self.dropped + page.len() as u64;
        if length > record_max as u64 {
            self.end_run(shard);
            shard.push_lost(self.source.input, self.at.offset, Lost::too_long(None, length, record_max));
        } else {
            let stored = shard.store(page);
            let (first, site) = (self.at.record, &self.site);
            let run =
                self.run.get_or_insert_with(|| Run { bytes: stored.start..stored.start, pages: Vec::new(), first, site: Arc::clone(site) });
            run.pages.push(((stored.end - run.bytes.start) as u32, self.at.offset));
            run.bytes.end = stored.end;
            shard.count_records(1);
        }
        (self.start, self.scanned, self.in_page, self.dropped) = (end, end, false, 0);
        self.at.offset += length;
        self.at.record += 1;
    }

    fn end_run(&mut self, shard: &mut RawShard) {
        if let Some(run) = self.run.take() {
            let offset = run.pages.first().map_or(0, |(_, offset)| *offset);
            shard.push(self.source.input, offset, run);
        }
    }

    /// The file ends, or what can be read of it.
    fn finish(&mut self, shard: &mut RawShard) -> bool {
        self.end_run(shard);
        self.see_end(self.source.pending.len());
        let held = self.dropped + (self.source.pending.len() - self.start) as u64;
        let (input, offset) = (self.source.input, self.at.offset);
        if self.source.is_sound() && (self.in_page || self.is_whole) {
            let detail = if self.in_page { "the page does not end" } else { "the dump does not end" }.to_owned();
            shard.push_lost(input, offset, Lost { line: None, length: held, kind: Kind::File, reason: "xml_eof", detail });
        }
        shard.push_damage(input, offset, None, if self.source.is_sound() { 0 } else { held }, self.source.damage());
        false
    }
}

impl Content for Run {
    fn decode(&self, _: u64, bytes: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        let bytes = &bytes[self.bytes.clone()];
        sink.count_bytes(bytes.len() as u64);
        let (reading, mut start) = (sink.reading(), 0);
        for (record, (end, offset)) in (self.first..).zip(&self.pages) {
            let page = &bytes[start..*end as usize];
            start = *end as usize;
            page::decode(page, &self.site, &reading, Place { record, offset: *offset }, sink)?;
        }
        Ok(())
    }
}
