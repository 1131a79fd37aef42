//! Dumps of MediaWiki, as Wikipedia gives them away: XML, a page a record. <https://www.mediawiki.org/wiki/Help:Export>
//!
//! The text of a page has its `<` escaped, so that `<page>` and `</page>` are where a record begins and ends, and reading may begin at any. What stands before the first page
//! names the site and its namespaces.

mod page;

use std::sync::Arc;

use memchr::memmem;

use self::page::Place;
use crate::corpus::archive::Members;
use crate::corpus::compression::Entry;
use crate::corpus::format::{Boundary, Fault, Format, Framing};
use crate::corpus::shard::RawShard;
use crate::corpus::sink::{Content, Sink};
use crate::corpus::source::ByteSource;
use crate::corpus::walk::{Run, Walk, Walked};
use crate::corpus::wikitext::Site;
use crate::error::{Error, Result};

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

    fn open(&self, mut source: ByteSource, at: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        let (site, is_whole) = if at == Boundary::START {
            head(&mut source)?
        } else {
            let beginning = ByteSource::open(source.input, source.file(), &mut Members::default());
            head(&mut beginning.map_err(|e| Error::io(&source.file().path, "open", e))?)?
        };
        Ok(Ok(Box::new(Pages { walk: Walk::new(source, at), site, is_whole, in_page: false })))
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
    walk: Walk,
    site: Arc<Site>,
    /// Does the dump have a root element, whose end has to come?
    is_whole: bool,
    in_page: bool,
}

/// Pages of a site.
#[derive(Debug)]
struct PagesOf(Arc<Site>, Run);

impl Framing for Pages {
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

impl Pages {
    fn fill(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        while !shard.is_full() {
            let wanted = if self.in_page { END } else { BEGIN };
            match memmem::find(self.walk.ahead(), wanted).map(|length| self.walk.scanned + length) {
                Some(at) if self.in_page => {
                    self.walk.scanned = at + END.len();
                    let site = &self.site;
                    self.walk.end_record(shard, record_max, |run| PagesOf(Arc::clone(site), run));
                    self.in_page = false;
                }
                Some(at) => {
                    self.pass_to(at, at);
                    self.walk.scanned += BEGIN.len();
                    self.in_page = true;
                }
                None if self.walk.source.ended => {
                    self.finish(shard);
                    return Ok(false);
                }
                None => {
                    // The mark may be cut here.
                    let end = self.walk.source.pending.len();
                    let kept = end.saturating_sub(LAST.len() - 1).max(self.walk.scanned);
                    if self.in_page {
                        self.walk.scanned = kept;
                        self.walk.drop_overlong(record_max);
                    } else {
                        self.pass_to(kept, end);
                    }
                    self.walk.more()?;
                }
            }
        }
        Ok(true)
    }

    /// Passes over what is no page; up to `seen`, the end of the dump is looked for in it.
    fn pass_to(&mut self, at: usize, seen: usize) {
        self.is_whole &= memmem::find(&self.walk.source.pending[self.walk.start..seen], LAST).is_none();
        self.walk.pass(at - self.walk.start);
    }

    fn end_run(&mut self, shard: &mut RawShard) {
        let site = &self.site;
        self.walk.end_run(shard, |run| PagesOf(Arc::clone(site), run));
    }

    /// The file ends, or what can be read of it.
    fn finish(&mut self, shard: &mut RawShard) {
        self.end_run(shard);
        let end = self.walk.source.pending.len();
        if !self.in_page {
            self.pass_to(end, end);
        }
        if self.walk.source.is_sound() && (self.in_page || self.is_whole) {
            let detail = if self.in_page { "the page does not end" } else { "the dump does not end" };
            self.walk.lose_rest(shard, "xml_eof", detail);
        }
        self.walk.finish(shard);
    }
}

impl Content for PagesOf {
    fn decode(&self, _: u64, bytes: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        let Self(site, run) = self;
        sink.count_bytes(run.length());
        let reading = sink.reading();
        for Walked { bytes, record, offset } in run.records(bytes) {
            page::decode(bytes, site, &reading, Place { record, offset }, sink)?;
        }
        Ok(())
    }
}
