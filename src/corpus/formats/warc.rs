//! WARC and WET files (ISO 28500) → pages.
//!
//! A record says its length itself, and that is checked: after the body there must be the next record or the end. Where it is not
//! so the record is lost, and reading goes on at the next line that begins a record. Header values are labels, never paths.

use std::ops::Range;

use memchr::memmem;

use crate::corpus::compression::Entry;
use crate::corpus::format::{Boundary, Fault, Format, Framing};
use crate::corpus::html;
use crate::corpus::http;
use crate::corpus::record::Record;
use crate::corpus::shard::RawShard;
use crate::corpus::sink::{Bad, Content, Lost, Sink};
use crate::corpus::source::ByteSource;
use crate::error::Result;
use crate::quarantine::Kind;

/// How every record begins.
const MAGIC: &[u8] = b"WARC/";
/// Longest header block.
const HEADER_MAX: usize = 64 << 10;
/// Line ends that may stand between records, and the beginning of the next.
const GAP: usize = 16;

/// The format.
pub(super) struct Warc;

impl Format for Warc {
    fn name(&self) -> &'static str {
        "warc"
    }

    fn magic(&self) -> &'static [&'static [u8]] {
        &[MAGIC]
    }

    fn open(&self, source: ByteSource, at: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        Ok(Ok(Box::new(Records { source, start: 0, at, bad: None })))
    }
}

/// A walk over records.
struct Records {
    source: ByteSource,
    /// Where the current record starts in `source.pending`.
    start: usize,
    /// Where it starts in the file.
    at: Boundary,
    bad: Option<BadRecord>,
}

/// A bad record whose end is being looked for.
struct BadRecord {
    offset: u64,
    reason: &'static str,
    message: &'static str,
}

impl Framing for Records {
    fn advance(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        while !shard.is_full() {
            if let Some(bad) = self.bad.take() {
                self.resync(&bad, shard)?;
            } else if !self.record(shard, record_max)? {
                let rest = self.held() as u64;
                shard.push_damage(self.source.input, self.at.offset, None, rest, self.source.damage());
                return Ok(false);
            }
        }
        Ok(true)
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

impl Records {
    /// Hands out the record that starts here or finds it bad; `false` where there is no other.
    fn record(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        self.skip_line_ends()?;
        self.need(HEADER_MAX)?;
        if self.held() == 0 {
            return Ok(false);
        }
        let header = match self.header() {
            Ok(header) => header,
            Err(_) if !self.source.is_sound() && self.source.ended && self.held() < HEADER_MAX => return Ok(false),
            Err((reason, message)) => return Ok(self.lose(reason, message)),
        };
        if header.length > record_max as u64 {
            return Ok(self.lose("record_too_long", "the record is longer than input.record_max"));
        }
        let end = header.end + header.length as usize;
        self.need(end + GAP)?;
        if self.held() < end && !self.source.is_sound() {
            return Ok(false);
        }
        if !self.ends_at(end) {
            return Ok(self.lose("warc_length", "the record does not end where it says"));
        }
        if header.is_document && is_text_body(&self.source.pending[self.start + header.end..self.start + end]) {
            self.hand_out(&header, end, shard);
        }
        self.step(end);
        Ok(true)
    }

    fn hand_out(&mut self, header: &Header, end: usize, shard: &mut RawShard) {
        let stored = shard.store(&self.source.pending[self.start..self.start + end]);
        let body = stored.start + header.end.min(stored.len())..stored.end;
        let page = RawPage { header: stored.start..body.start, body, record: self.at.record };
        shard.count_records(1);
        shard.push(self.source.input, self.at.offset, page);
        self.at.record += 1;
    }

    fn header(&self) -> std::result::Result<Header, (&'static str, &'static str)> {
        let bytes = &self.source.pending[self.start..];
        let bytes = &bytes[..bytes.len().min(HEADER_MAX)];
        if !bytes.starts_with(MAGIC) {
            return Err(("warc_header", "no WARC record starts here"));
        }
        let Some(end) = header_end(bytes) else {
            return Err(("warc_header", "the header does not end within 64 KiB"));
        };
        let Some(length) = content_length(&bytes[..end]) else {
            return Err(("warc_length", "Content-Length is missing, contradictory or no number"));
        };
        Ok(Header { end, length, is_document: is_document(&bytes[..end]) })
    }

    fn lose(&mut self, reason: &'static str, message: &'static str) -> bool {
        self.bad = Some(BadRecord { offset: self.at.offset, reason, message });
        true
    }

    /// Steps over a bad record to the next line that begins one, holding little of it.
    fn resync(&mut self, bad: &BadRecord, shard: &mut RawShard) -> Result<()> {
        loop {
            let found = memmem::find(&self.source.pending[self.start..], b"\nWARC/");
            if let Some(at) = found {
                self.step(at + 1);
            } else {
                self.step(if self.source.ended { self.held() } else { self.held().saturating_sub(MAGIC.len()) });
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

    /// Is there what has to be behind a record of `end` bytes: two line ends, or (writers are sloppy) the next record or the end of the file?
    fn ends_at(&self, end: usize) -> bool {
        let Some(behind) = self.source.pending[self.start..].get(end..) else { return false };
        let behind = &behind[..behind.len().min(GAP)];
        let next = behind.trim_ascii_start();
        behind.is_empty()
            || behind.starts_with(b"\r\n\r\n")
            || next.len() < behind.len() && (next.starts_with(MAGIC) || MAGIC.starts_with(next))
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

/// A record that holds a document, document `record` of its file.
#[derive(Debug)]
struct RawPage {
    header: Range<usize>,
    body: Range<usize>,
    record: u64,
}

impl Content for RawPage {
    fn decode(&self, offset: u64, bytes: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        let page = page(&bytes[self.header.clone()], &bytes[self.body.clone()]);
        let content = match http::body(page.http, page.body, sink.record_max()) {
            Ok(content) => content,
            Err(fault) => {
                let (kind, length, reason, detail) = (Kind::Record, page.body.len() as u64, fault.reason, fault.message);
                sink.count_bytes(length);
                sink.quarantine(&Bad { offset, line: None, length, kind, reason, detail });
                return Ok(());
            }
        };
        let declared = page.charset.or_else(|| html::declared_charset(&content));
        let Some(text) = sink.decode_text(offset, &content, declared) else { return Ok(()) };
        let text = if page.is_html || html::is_page(&text) { html::text(&text) } else { text };
        let owned = |value: Option<&str>| value.map(str::to_owned);
        let (id, url, date) = (owned(page.id), owned(page.url), owned(page.date));
        sink.keep(Record { id, text, url, date, ordinal_in_file: self.record, offset, ..Record::default() }).map(|_| ())
    }
}

/// What framing needs to know of a header.
struct Header {
    end: usize,
    length: u64,
    is_document: bool,
}

/// Where the blank line after the header ends; lines may end with LF alone.
fn header_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).find_map(|at| match bytes.get(at + 1..) {
        Some([b'\n', ..]) => Some(at + 2),
        Some([b'\r', b'\n', ..]) => Some(at + 3),
        _ => None,
    })
}

/// The values of a header field, trimmed.
fn values<'a>(header: &'a [u8], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    header.split(|b| *b == b'\n').filter_map(move |line| {
        let (field, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        field.eq_ignore_ascii_case(name.as_bytes()).then(|| value.trim_ascii())
    })
}

fn value<'a>(header: &'a [u8], name: &'a str) -> Option<&'a str> {
    values(header, name).find_map(|value| std::str::from_utf8(value).ok())
}

/// The one length the header gives; equal repetitions are harmless.
fn content_length(header: &[u8]) -> Option<u64> {
    let mut values = values(header, "Content-Length");
    let first = values.next()?;
    let is_number = !first.is_empty() && first.iter().all(u8::is_ascii_digit) && values.all(|value| value == first);
    is_number.then(|| std::str::from_utf8(first).ok()?.parse().ok())?
}

/// Pages in their own right; requests, metadata, revisits and pictures are no documents.
fn is_document(header: &[u8]) -> bool {
    let kind = value(header, "WARC-Type").unwrap_or_default();
    matches!(kind, "conversion" | "resource" | "response") && value(header, "Content-Type").is_none_or(is_text)
}

/// Is it not an HTTP response that carries a picture or the like?
fn is_text_body(body: &[u8]) -> bool {
    let header = if body.starts_with(b"HTTP/") { header_end(body) } else { None };
    header.and_then(|end| value(&body[..end], "Content-Type")).is_none_or(is_text)
}

fn is_text(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind.starts_with("text/") || kind.starts_with("application/http") || kind.contains("xml") && !kind.contains("svg")
}

/// A page, still encoded.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page<'a> {
    id: Option<&'a str>,
    url: Option<&'a str>,
    date: Option<&'a str>,
    /// What HTTP or WARC say of the charset.
    charset: Option<&'a str>,
    is_html: bool,
    /// Header of the HTTP response that holds the page, if one does.
    http: &'a [u8],
    /// What follows it, with the codings it names.
    body: &'a [u8],
}

/// Reads header and body of a record; in a response the page is what follows the HTTP header, whatever that says of its length.
fn page<'a>(header: &'a [u8], body: &'a [u8]) -> Page<'a> {
    let bare = |value: &'a str| value.strip_prefix('<').and_then(|value| value.strip_suffix('>')).unwrap_or(value);
    let mut kind = value(header, "Content-Type");
    let mut range: Range<usize> = 0..body.len();
    if body.starts_with(b"HTTP/") && value(header, "WARC-Type") == Some("response") {
        range.start = header_end(body).unwrap_or(body.len());
        kind = value(&body[..range.start], "Content-Type");
    }
    Page {
        id: value(header, "WARC-Record-ID").map(bare),
        url: value(header, "WARC-Target-URI").map(bare),
        date: value(header, "WARC-Date"),
        charset: kind.and_then(|kind| kind.split_once("charset=")).map(|(_, charset)| charset.trim_matches(['"', ' ', '\''])),
        is_html: kind.is_some_and(|kind| kind.contains("html")),
        http: &body[..range.start],
        body: &body[range],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        let length = |header: &str| content_length(format!("WARC/1.0\r\n{header}\r\n\r\n").as_bytes());
        assert_eq!(length("content-length:  12"), Some(12));
        assert_eq!(length("Content-Length: 12\r\nContent-Length: 12"), Some(12));
        for bad in [
            "Content-Length: 12\r\nContent-Length: 13",
            "Content-Length: -1",
            "Content-Length: +1",
            "Content-Length:",
            "X: 1",
            "Content-Length: 99999999999999999999",
        ] {
            assert_eq!(length(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_response() {
        let header = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:x>\r\nWARC-Target-URI: <http://a/>\r\nContent-Type: application/http; msgtype=response\r\n\r\n";
        let body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=\"EUC-JP\"\r\nContent-Length: 99\r\n\r\n<p>a";
        let expected = Page {
            id: Some("urn:x"),
            url: Some("http://a/"),
            date: None,
            charset: Some("EUC-JP"),
            is_html: true,
            http: &body[..82],
            body: b"<p>a",
        };
        assert_eq!(page(header, body), expected);
        assert!(is_document(header) && is_text_body(body));
        assert!(!is_text_body(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n\x89PNG"));
    }
}
