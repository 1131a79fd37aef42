//! The header of a record: of WARC 0.16 to 1.1, or the line of an ARC file.

use super::fields;
use super::media::{self, Media};

/// How every record of a WARC file begins.
pub(super) const MAGIC: &[u8] = b"WARC/";
/// How an ARC file begins.
pub(super) const ARC_MAGIC: &[u8] = b"filedesc://";
/// Longest header block.
pub(super) const HEADER_MAX: usize = 64 << 10;

/// In which of the two a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Warc,
    Arc,
}

/// What framing needs to know of a header.
pub(super) struct Head {
    /// Bytes of the header.
    pub(super) end: usize,
    /// Bytes of what follows.
    pub(super) length: u64,
    pub(super) purpose: Purpose,
}

/// What is done with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It may hold a page.
    Page,
    /// It is no page in its own right, for this reason.
    PassedOver(&'static str),
    /// It is a page that cannot be read: reason and detail.
    Refused(&'static str, &'static str),
}

/// Why there is no header: reason and detail.
pub(super) type NoHead = (&'static str, &'static str);

/// The header of a record.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    /// `WARC-Type`, in lower case.
    pub(super) kind: String,
    lengths: Vec<Vec<u8>>,
    pub(super) media: Option<String>,
    /// The type that the writer found in the content.
    pub(super) identified: Option<String>,
    pub(super) language: Option<String>,
    pub(super) id: Option<String>,
    pub(super) url: Option<String>,
    pub(super) date: Option<String>,
    segment: Option<u64>,
}

impl Dialect {
    /// Bytes behind a record that tell whether the next one follows.
    pub(super) fn gap(self) -> usize {
        match self {
            Self::Warc => 16,
            Self::Arc => 4096,
        }
    }

    /// Does a record begin here, as far as that can be seen?
    pub(super) fn begins(self, bytes: &[u8]) -> bool {
        match self {
            Self::Warc => bytes.starts_with(MAGIC),
            Self::Arc => arc(bytes).is_some(),
        }
    }

    /// The start of the next line that begins a record.
    pub(super) fn next(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Warc => memchr::memmem::find(bytes, b"\nWARC/").map(|at| at + 1),
            Self::Arc => memchr::memchr_iter(b'\n', bytes).map(|at| at + 1).find(|at| arc(&bytes[*at..]).is_some()),
        }
    }

    /// The header at the start of `bytes`, which are [`HEADER_MAX`] long unless the file ends.
    pub(super) fn head(self, bytes: &[u8]) -> Result<Head, NoHead> {
        if self == Self::Arc {
            let (end, length, header) = arc(bytes).ok_or(("arc_header", "no ARC record starts here"))?;
            return Ok(Head { end, length, purpose: header.purpose() });
        }
        if !bytes.starts_with(MAGIC) {
            return Err(("warc_header", "no WARC record starts here"));
        }
        let end = fields::end(bytes).ok_or(("warc_header", "the header does not end within 64 KiB"))?;
        let header = Header::new(&bytes[..end]);
        let length = header.length().ok_or(("warc_length", "Content-Length is missing, contradictory or no number"))?;
        Ok(Head { end, length, purpose: header.purpose() })
    }

    /// All that a header says which has been framed.
    pub(super) fn header(self, bytes: &[u8]) -> Header {
        match self {
            Self::Warc => Header::new(bytes),
            Self::Arc => arc(bytes).map(|(_, _, header)| header).unwrap_or_default(),
        }
    }
}

impl Header {
    fn new(bytes: &[u8]) -> Self {
        let mut header = Self::default();
        for (name, value) in fields::fields(bytes) {
            let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
            let text = || Some(fields::text(&value)).filter(|text| !text.is_empty());
            let bare = |text: String| text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).map(str::to_owned).unwrap_or(text);
            if is("WARC-Type") {
                header.kind = fields::text(&value).to_ascii_lowercase();
            } else if is("Content-Length") {
                header.lengths.push(value.into_owned());
            } else if is("Content-Type") {
                header.media = text();
            } else if is("WARC-Identified-Payload-Type") {
                header.identified = text();
            } else if is("WARC-Identified-Content-Language") || is("Content-Language") {
                header.language = text();
            } else if is("WARC-Record-ID") {
                header.id = text().map(bare);
            } else if is("WARC-Target-URI") {
                header.url = text().map(bare);
            } else if is("WARC-Date") {
                header.date = text();
            } else if is("WARC-Segment-Number") {
                header.segment = fields::text(&value).parse().ok();
            }
        }
        header
    }

    /// The one length the header gives; equal repetitions are harmless.
    fn length(&self) -> Option<u64> {
        let (first, others) = self.lengths.split_first()?;
        let is_number = !first.is_empty() && first.iter().all(u8::is_ascii_digit) && others.iter().all(|value| value == first);
        is_number.then(|| std::str::from_utf8(first).ok()?.parse().ok())?
    }

    /// Pages in their own right; requests, metadata, revisits and pictures are no documents.
    fn purpose(&self) -> Purpose {
        let passed_over = match &*self.kind {
            "response" | "resource" | "conversion" => None,
            "warcinfo" => Some("warcinfo"),
            "request" => Some("request"),
            "metadata" => Some("metadata"),
            "revisit" => Some("revisit"),
            "continuation" => Some("continuation"),
            _ => Some("unknown_type"),
        };
        let of_address = || self.url.as_deref().and_then(media::of_address);
        let of_media = || match self.media.as_deref().map(Media::new) {
            Some(Media::Other(reason)) if !self.is_http() => Some(reason),
            _ => None,
        };
        match passed_over.or_else(of_address).or_else(of_media) {
            Some(reason) => Purpose::PassedOver(reason),
            None if self.segment.is_some() => Purpose::Refused("warc_segment", "a record that is cut into segments"),
            None => Purpose::Page,
        }
    }

    /// Does the record hold an HTTP message?
    pub(super) fn is_http(&self) -> bool {
        self.kind == "response" && self.media.as_deref().is_none_or(|kind| kind.to_ascii_lowercase().starts_with("application/http"))
    }
}

/// The line before a record of an ARC file (`address host-address date type length`, in version 2 with more between): its bytes, the length of
/// the record, and what it says.
fn arc(bytes: &[u8]) -> Option<(usize, u64, Header)> {
    let end = memchr::memchr(b'\n', &bytes[..bytes.len().min(HEADER_MAX)])? + 1;
    let line = std::str::from_utf8(&bytes[..end]).ok()?.trim_end();
    let words: Vec<&str> = line.split(' ').collect();
    let ([address, _, date, media, _] | [address, _, date, media, _, _, _, _, _, _]) = *words else { return None };
    let length: u64 = words.last()?.parse().ok()?;
    if !address.contains(':') || !matches!(date.len(), 8 | 12 | 14) || !date.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| date.get(range).unwrap_or("00");
    let date = format!("{}-{}-{}T{}:{}:{}Z", part(0..4), part(4..6), part(6..8), part(8..10), part(10..12), part(12..14));
    let is_about = bytes.starts_with(ARC_MAGIC);
    let header = Header {
        kind: if is_about { "warcinfo" } else { "response" }.to_owned(),
        // What the line names is the type of the content of the response.
        media: if address.starts_with("http") { None } else { Some(media.to_owned()) },
        url: Some(address.to_owned()),
        date: Some(date),
        ..Header::default()
    };
    Some((end, length, header))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(fields: &str) -> Header {
        Header::new(format!("WARC/1.0\r\n{fields}\r\n\r\n").as_bytes())
    }

    #[test]
    fn lengths() {
        let length = |fields: &str| header(fields).length();
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
    fn purposes() {
        let of = |fields: &str| header(fields).purpose();
        for page in [
            "warc-type: Response\r\nContent-Type: application/http; msgtype=response",
            "WARC-Type: RESPONSE\r\nContent-Type:\r\n Application/HTTP",
            "WARC-Type: resource\r\nContent-Type: text/html\r\nWARC-Target-URI: <http://a/>",
            "WARC-Type: conversion\r\nContent-Type: text/plain",
            "WARC-Type: response",
        ] {
            assert_eq!(of(page), Purpose::Page, "{page}");
        }
        for (other, reason) in [
            ("WARC-Type: Request", "request"),
            ("WARC-Type: x", "unknown_type"),
            ("X: 1", "unknown_type"),
            ("WARC-Type: response\r\nContent-Type: text/dns\r\nWARC-Target-URI: dns:a.jp", "dns"),
            ("WARC-Type: response\r\nWARC-Target-URI: https://a.jp/robots.txt", "robots"),
            ("WARC-Type: resource\r\nContent-Type: image/png", "image"),
            ("WARC-Type: resource\r\nContent-Type: text/plain\r\nWARC-Target-URI: metadata://a/crawl.log", "crawl_log"),
            ("WARC-Type: continuation\r\nWARC-Segment-Number: 2", "continuation"),
        ] {
            assert_eq!(of(other), Purpose::PassedOver(reason), "{other}");
        }
        assert!(matches!(of("WARC-Type: response\r\nWARC-Segment-Number: 1"), Purpose::Refused("warc_segment", _)));
    }

    #[test]
    fn lines_of_arc() {
        let dialect = Dialect::Arc;
        let line = b"http://example.jp/ 192.0.2.1 20010203040506 text/html 12\nHTTP/1.0 200 OK\n";
        let head = dialect.head(line).unwrap();
        assert_eq!((head.end, head.length, head.purpose), (57, 12, Purpose::Page));
        let header = dialect.header(line);
        assert_eq!((header.url.as_deref(), header.date.as_deref()), (Some("http://example.jp/"), Some("2001-02-03T04:05:06Z")));
        assert!(header.is_http());
        let version_2 = b"http://a.jp/ 192.0.2.1 20010203 text/html 200 abc - 10 x.arc 7\n";
        assert_eq!(dialect.head(version_2).unwrap().length, 7);
        assert_eq!(
            dialect.head(b"filedesc://a.arc 0.0.0.0 20010203040506 text/plain 20\n").unwrap().purpose,
            Purpose::PassedOver("warcinfo")
        );
        assert_eq!(dialect.head(b"dns:a.jp 192.0.2.1 20010203040506 text/dns 20\n").unwrap().purpose, Purpose::PassedOver("dns"));
        for no in [
            &b"a b c d 5\n"[..],
            b"http://a/ x 2001 text/html 5\n",
            b"http://a/ x 20010203 text/html -5\n",
            b"http://a/ x 20010203 text/html 5",
            b"",
        ] {
            assert!(dialect.head(no).is_err());
        }
        assert_eq!(dialect.next(b"junk\nmore\nhttp://a/ x 20010203 text/html 5\n"), Some(10));
    }
}
