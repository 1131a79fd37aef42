//! A record that may hold a page → the page's text.

use std::ops::Range;

use serde_json::{Map, Value};

use super::fields;
use super::head::{Dialect, Header};
use super::media::{self, Media};
use crate::corpus::document::Document;
use crate::corpus::formats::html::work;
use crate::corpus::html;
use crate::corpus::http;
use crate::corpus::record::Record;
use crate::corpus::sink::{Bad, Content, Sink};
use crate::corpus::wanted::Wanted;
use crate::error::Result;
use crate::quarantine::Kind;

/// A record as it stands in the file, record `record` of it.
#[derive(Debug)]
pub(super) struct RawPage {
    pub(super) dialect: Dialect,
    pub(super) header: Range<usize>,
    pub(super) body: Range<usize>,
    pub(super) record: u64,
}

impl Content for RawPage {
    fn decode(&self, offset: u64, bytes: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        let header = self.dialect.header(&bytes[self.header.clone()]);
        let page = Page::new(&header, &bytes[self.body.clone()]);
        if let Some(reason) = page.passed_over(sink.statuses()) {
            sink.count_bytes(page.body.len() as u64);
            sink.pass_over(&reason, 1);
            return Ok(());
        }
        let content = match http::body(page.http, page.body, sink.record_max()) {
            Ok(content) => content,
            Err(fault) => {
                let (kind, length, reason, detail) = (Kind::Record, page.body.len() as u64, fault.reason, fault.message);
                sink.count_bytes(length);
                sink.quarantine(&Bad { offset, line: None, length, kind, reason, detail });
                return Ok(());
            }
        };
        if let Some(reason) = no_text(&content) {
            sink.count_bytes(content.len() as u64);
            sink.pass_over(reason, 1);
            return Ok(());
        }
        let Some(text) = sink.decode_text(offset, &content, page.charset.as_deref()) else { return Ok(()) };
        let document = match page.reading(&text) {
            Reading::Html => page.document(&text, Wanted { html: sink.html(header.url.as_deref()), ..sink.wanted() }),
            Reading::AsItIs => Document { text, meta: page.meta(Map::new()), ..Document::default() },
            Reading::PassedOver(reason) => {
                sink.pass_over(reason, 1);
                return Ok(());
            }
        };
        let Header { id, url, date, .. } = header;
        let Document { text, license, meta, dropped, .. } = document;
        let record = Record { id, text, url, license, date, meta, offset, ordinal_in_file: self.record, ..Record::default() };
        if sink.keep(record)? {
            sink.note_dropped(&dropped);
        }
        Ok(())
    }
}

/// A page, still encoded.
#[derive(Debug, PartialEq, Eq)]
struct Page<'a> {
    /// Header of the HTTP response that holds the page, if one does.
    http: &'a [u8],
    /// What follows it, with the codings it names.
    body: &'a [u8],
    status: Option<u16>,
    media: Media,
    /// What HTTP or WARC say of the charset.
    charset: Option<String>,
    language: Option<String>,
    identified: Option<&'a str>,
    /// Is it XML by its media type?
    is_xml: bool,
}

/// What becomes of a decoded page.
#[derive(Debug, PartialEq, Eq)]
enum Reading {
    Html,
    AsItIs,
    PassedOver(&'static str),
}

impl<'a> Page<'a> {
    /// In a response the page is what follows the HTTP header, whatever that says of its length.
    fn new(header: &'a Header, body: &'a [u8]) -> Self {
        let is_http = header.kind == "response" && body.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"HTTP/"));
        let (http, body) = body.split_at(if is_http { fields::end(body).unwrap_or(body.len()) } else { 0 });
        let mut kind = if is_http || header.is_http() { None } else { header.media.clone() };
        let mut language = header.language.clone();
        for (name, value) in fields::fields(http) {
            if name.eq_ignore_ascii_case(b"Content-Type") {
                kind = Some(fields::text(&value));
            } else if name.eq_ignore_ascii_case(b"Content-Language") && language.is_none() {
                language = Some(fields::text(&value));
            }
        }
        let identified = header.identified.as_deref();
        let said = kind.as_deref().map_or(Media::Unknown { is_binary: false }, Media::new);
        let media = match (said, identified) {
            (Media::Unknown { .. }, Some(identified)) => Media::new(identified),
            _ => said,
        };
        let is_xml = media == Media::Xml || kind.as_deref().is_some_and(|kind| kind.to_ascii_lowercase().contains("xhtml"));
        Self { http, body, status: status(http), media, charset: kind.as_deref().and_then(charset), language, identified, is_xml }
    }

    /// Why this is no page, as far as the headers tell.
    fn passed_over(&self, statuses: &[u16]) -> Option<String> {
        if let Some(status) = self.status.filter(|status| !statuses.contains(status)) {
            return Some(format!("status_{status}"));
        }
        match self.media {
            Media::Other(reason) => Some(reason.to_owned()),
            _ => None,
        }
    }

    fn reading(&self, text: &str) -> Reading {
        let root = media::root(text);
        let is_page = || root.is_some_and(|root| root.eq_ignore_ascii_case("html")) || html::is_page(text);
        match (self.media, root) {
            (Media::Html | Media::Xml | Media::Unknown { .. }, Some(root)) if media::is_feed(root) => Reading::PassedOver("feed"),
            (Media::Html, _) => Reading::Html,
            (Media::Xml, _) if is_page() => Reading::Html,
            (Media::Xml, _) => Reading::PassedOver("xml"),
            (Media::Unknown { is_binary: false }, Some(root)) if media::is_html(root) => Reading::Html,
            (Media::Unknown { .. } | Media::Text, _) if is_page() => Reading::Html,
            (Media::Unknown { is_binary: true }, _) => Reading::PassedOver("binary"),
            (Media::Unknown { .. }, _) if text.trim_start().starts_with("<?xml") => Reading::PassedOver("xml"),
            _ => Reading::AsItIs,
        }
    }

    /// A page of HTML. An edition of Aozora Bunko is read as one where it has the colophon of one: here it stands among pages that only look alike.
    fn document(&self, text: &str, wanted: Wanted) -> Document {
        let has_colophon = || {
            ["bibliographical_information", "底本："].iter().any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some())
        };
        if let Some(document) = has_colophon().then(|| work(text, wanted, self.is_xml)).flatten() {
            let known = document.meta.as_deref().and_then(|meta| serde_json::from_str(meta).ok()).unwrap_or_default();
            return Document { meta: self.meta(known), ..document };
        }
        let seen = html::read(text, &html::Options { is_xml: self.is_xml, ..wanted.html });
        let title = seen.title.map(|title| ("title".to_owned(), title.into()));
        Document { text: seen.text, meta: self.meta(title.into_iter().collect()), ..Document::default() }
    }

    /// What else is known of the page, as JSON, with what is known already.
    fn meta(&self, known: Map<String, Value>) -> Option<String> {
        let mut meta = known;
        if let Some(status) = self.status {
            meta.insert("status".to_owned(), status.into());
        }
        for (name, value) in [("language", self.language.as_deref()), ("payload_type", self.identified)] {
            if let Some(value) = value {
                meta.insert(name.to_owned(), value.into());
            }
        }
        (!meta.is_empty()).then(|| serde_json::Value::Object(meta).to_string())
    }
}

/// Why the content of a page is no text, as far as its bytes tell.
fn no_text(content: &[u8]) -> Option<&'static str> {
    if content.trim_ascii().is_empty() { Some("empty") } else { media::of_bytes(content) }
}

/// The status of a response.
fn status(http: &[u8]) -> Option<u16> {
    let line = http.split(|b| *b == b'\n').next()?;
    let word = line.split(|b| *b == b' ').filter(|word| !word.is_empty()).nth(1)?.trim_ascii();
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The charset that a media type names.
fn charset(kind: &str) -> Option<String> {
    let (_, value) =
        kind.split(';').skip(1).filter_map(|field| field.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Some(value.trim().trim_matches(['"', '\'', ' ']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http; msgtype=response\r\nWARC-Identified-Payload-Type: text/html\r\n\r\n";

    #[test]
    fn a_response() {
        let header = Dialect::Warc.header(HEADER);
        let body =
            b"HTTP/1.1 200 OK\r\nContent-Type: Text/HTML; Charset=\"EUC-JP\"\r\nContent-Language: ja\r\nContent-Length: 99\r\n\r\n<p>a";
        let page = Page::new(&header, body);
        let expected = Page {
            http: &body[..body.len() - 4],
            body: b"<p>a",
            status: Some(200),
            media: Media::Html,
            charset: Some("EUC-JP".to_owned()),
            language: Some("ja".to_owned()),
            identified: Some("text/html"),
            is_xml: false,
        };
        assert_eq!(page, expected);
        assert_eq!(
            page.meta([("title".to_owned(), "題".into())].into_iter().collect()).unwrap(),
            r#"{"title":"題","status":200,"language":"ja","payload_type":"text/html"}"#
        );
        assert_eq!((page.passed_over(&[200]), page.passed_over(&[404])), (None, Some("status_200".to_owned())));
        let picture = Page::new(&header, b"http/1.0  200\nContent-Type: image/png\n\n\x89PNG");
        assert_eq!((picture.status, picture.passed_over(&[200]).as_deref()), (Some(200), Some("image")));
        // Without a type the one that the writer found holds; without a header all is content.
        assert_eq!(Page::new(&header, b"HTTP/1.1 200 OK\r\n\r\n<p>").media, Media::Html);
        assert_eq!(Page::new(&header, b"<p>").body, b"<p>");
    }

    #[test]
    fn what_the_content_says() {
        let page =
            |media| Page { http: b"", body: b"", status: None, media, charset: None, language: None, identified: None, is_xml: false };
        let (unknown, binary) = (Media::Unknown { is_binary: false }, Media::Unknown { is_binary: true });
        for (media, text, expected) in [
            (Media::Html, "文", Reading::Html),
            (Media::Html, "<?xml version='1.0'?><rss>", Reading::PassedOver("feed")),
            (Media::Text, "文", Reading::AsItIs),
            (Media::Text, "<!DOCTYPE html><p>", Reading::Html),
            (Media::Text, "<p> is an element", Reading::AsItIs),
            (Media::Xml, "<?xml version='1.0'?><html xmlns='x'>", Reading::Html),
            (Media::Xml, "<urlset>", Reading::PassedOver("xml")),
            (unknown, "<p>文", Reading::Html),
            (unknown, "文", Reading::AsItIs),
            (unknown, "<feed xmlns='x'>", Reading::PassedOver("feed")),
            (unknown, "<?xml version='1.0'?><data>", Reading::PassedOver("xml")),
            (binary, "<!doctype html><p>", Reading::Html),
            (binary, "文", Reading::PassedOver("binary")),
        ] {
            assert_eq!(page(media).reading(text), expected, "{media:?} {text}");
        }
        assert_eq!(no_text(b" \r\n"), Some("empty"));
        assert_eq!(no_text(b"%PDF-1.4"), Some("pdf"));
    }
}
