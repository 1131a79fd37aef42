//! What a page is, by its media type, its address and its first bytes; and what is none.

/// What the bytes of a record are taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// HTML in any of its spellings.
    Html,
    /// Text that is read as it is, unless it turns out to be HTML.
    Text,
    /// HTML if its root element says so, else none of ours.
    Xml,
    /// Nothing is said, or something that is said of everything: the content tells.
    Unknown { is_binary: bool },
    /// No page in its own right, and why.
    Other(&'static str),
}

impl Media {
    /// What a media type says; case and parameters do not count.
    pub(super) fn new(kind: &str) -> Self {
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        // Some servers say it twice.
        let essence = essence.split(',').next().unwrap_or_default().trim();
        match essence {
            "text/html" | "application/xhtml+xml" | "application/vnd.wap.xhtml+xml" | "text/x-server-parsed-html" | "html" => Self::Html,
            "" | "unknown" | "unknown/unknown" | "application/unknown" | "application/http" | "content/unknown" | "*/*" | "no-type" => {
                Self::Unknown { is_binary: false }
            }
            "application/octet-stream" | "binary/octet-stream" => Self::Unknown { is_binary: true },
            "text/css" => Self::Other("css"),
            "application/json"
            | "text/json"
            | "text/csv"
            | "text/tab-separated-values"
            | "text/calendar"
            | "text/vcard"
            | "text/x-vcard" => Self::Other("data"),
            "text/dns" => Self::Other("dns"),
            "text/x-crawllog" => Self::Other("crawl_log"),
            "image/svg+xml" => Self::Other("image"),
            "application/pdf" | "application/x-pdf" => Self::Other("pdf"),
            _ if essence.ends_with("javascript") || essence.ends_with("ecmascript") || essence == "text/jscript" => Self::Other("script"),
            _ if essence.contains("rss+xml") || essence.contains("atom+xml") || essence.contains("rdf+xml") => Self::Other("feed"),
            _ if essence.ends_with("+json") => Self::Other("data"),
            _ if essence.ends_with("+xml") || matches!(essence, "text/xml" | "application/xml") => Self::Xml,
            _ => match essence.split('/').next() {
                Some("text") => Self::Text,
                Some("image") => Self::Other("image"),
                Some("audio") => Self::Other("audio"),
                Some("video") => Self::Other("video"),
                Some("font") => Self::Other("font"),
                _ if essence.contains('/') => Self::Other("binary"),
                _ => Self::Unknown { is_binary: false },
            },
        }
    }
}

/// What an address says that holds no page of its own: `robots.txt`, and what crawlers write of themselves.
pub(super) fn of_address(address: &str) -> Option<&'static str> {
    let (scheme, rest) = address.split_once(':')?;
    match &*scheme.to_ascii_lowercase() {
        "dns" => Some("dns"),
        "whois" => Some("whois"),
        "metadata" | "urn" | "filedesc" | "warcinfo" | "screenshot" | "thumbnail" => Some("crawl_log"),
        "http" | "https" => {
            let path = rest.trim_start_matches('/').split_once('/')?.1;
            let file = path.split(['?', '#']).next().unwrap_or_default();
            file.eq_ignore_ascii_case("robots.txt").then_some("robots")
        }
        _ => None,
    }
}

/// First bytes of what is no text, whatever its header says.
const MAGIC: &[(&[u8], &str)] = &[
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF87a", "image"),
    (b"GIF89a", "image"),
    (b"II*\0", "image"),
    (b"MM\0*", "image"),
    (b"\0\0\x01\0", "image"),
    (b"ID3", "audio"),
    (b"OggS", "audio"),
    (b"FLV\x01", "video"),
    (b"\x1aE\xdf\xa3", "video"),
    (b"wOFF", "font"),
    (b"wOF2", "font"),
    (b"OTTO", "font"),
    (b"PK\x03\x04", "binary"),
    (b"\x1f\x8b\x08", "binary"),
    (b"BZh91AY", "binary"),
    (b"7z\xbc\xaf\x27\x1c", "binary"),
    (b"Rar!\x1a\x07", "binary"),
    (b"\xfd7zXZ\0", "binary"),
    (b"\x7fELF", "binary"),
    (b"\0asm", "binary"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "binary"),
    (b"CWS", "binary"),
    (b"FWS", "binary"),
    (b"%!PS-Adobe-", "binary"),
    (b"SQLite format 3\0", "binary"),
];

/// What the first bytes say that no text begins with.
pub(super) fn of_bytes(body: &[u8]) -> Option<&'static str> {
    let (magic, name) = match MAGIC.iter().find(|(magic, _)| body.starts_with(magic)) {
        Some(found) => *found,
        None if body.starts_with(b"RIFF") && body.get(8..12).is_some_and(|form| matches!(form, b"WEBP" | b"WAVE" | b"AVI ")) => {
            return Some(if body[8] == b'W' && body[9] == b'E' { "image" } else { "video" });
        }
        None => return body.get(4..8).filter(|form| *form == b"ftyp").map(|_| "video"),
    };
    // Three letters prove little.
    (magic.len() > 3 || !body[3..].first().is_some_and(|b| matches!(b, b' '..=b'~' | b'\n' | b'\r'))).then_some(name)
}

/// The name of the root element, if the text begins like XML or HTML: declarations, comments and a document type are passed over.
pub(super) fn root(text: &str) -> Option<&str> {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let behind = |open: &str, close: &str| rest.strip_prefix(open)?.split_once(close).map(|(_, behind)| behind);
        match behind("<!--", "-->").or_else(|| behind("<?", ">")).or_else(|| behind("<!", ">")) {
            Some(behind) => rest = behind.trim_start(),
            None => break,
        }
    }
    let name = rest.strip_prefix('<')?;
    let end = name.find(|c: char| c.is_whitespace() || c == '>' || c == '/').unwrap_or(name.len());
    name.get(..end).filter(|name| name.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

/// Is that the root element of a feed?
pub(super) fn is_feed(root: &str) -> bool {
    ["rss", "feed", "rdf:RDF", "atom:feed"].iter().any(|feed| root.eq_ignore_ascii_case(feed))
}

/// Elements with which a page begins that has no document type (MIME sniffing).
pub(super) fn is_html(root: &str) -> bool {
    const BEGINNINGS: [&str; 17] =
        ["html", "head", "script", "iframe", "h1", "div", "font", "table", "a", "style", "title", "b", "body", "br", "p", "meta", "center"];
    BEGINNINGS.iter().any(|name| root.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        for (kind, expected) in [
            ("TEXT/HTML; Charset=x", Media::Html),
            (" text/html,text/html ", Media::Html),
            ("Application/XHTML+XML", Media::Html),
            ("text/plain", Media::Text),
            ("text/markdown", Media::Text),
            ("", Media::Unknown { is_binary: false }),
            ("; charset=utf-8", Media::Unknown { is_binary: false }),
            ("Application/Octet-Stream", Media::Unknown { is_binary: true }),
            ("Text/CSS", Media::Other("css")),
            ("application/x-javascript; charset=utf-8", Media::Other("script")),
            ("text/javascript", Media::Other("script")),
            ("application/rss+xml", Media::Other("feed")),
            ("application/atom+xml;type=feed", Media::Other("feed")),
            ("application/ld+json", Media::Other("data")),
            ("text/xml", Media::Xml),
            ("application/mathml+xml", Media::Xml),
            ("image/svg+xml", Media::Other("image")),
            ("image/png", Media::Other("image")),
            ("video/mp4", Media::Other("video")),
            ("application/zip", Media::Other("binary")),
        ] {
            assert_eq!(Media::new(kind), expected, "{kind}");
        }
    }

    #[test]
    fn addresses() {
        for (address, expected) in [
            ("dns:example.jp", Some("dns")),
            ("http://example.jp/robots.txt", Some("robots")),
            ("HTTPS://example.jp/Robots.txt?x", Some("robots")),
            ("http://example.jp/a/robots.txt", None),
            ("http://example.jp", None),
            ("metadata://crawl.example/logs/crawl.log", Some("crawl_log")),
            ("urn:pageinfo:http://example.jp/", Some("crawl_log")),
            ("file:///a.html", None),
            ("", None),
        ] {
            assert_eq!(of_address(address), expected, "{address}");
        }
    }

    #[test]
    fn first_bytes() {
        for (body, expected) in [
            (&b"%PDF-1.7"[..], Some("pdf")),
            (b"\x89PNG\r\n\x1a\n", Some("image")),
            (b"RIFF\0\0\0\0WEBP", Some("image")),
            (b"\0\0\0 ftypisom", Some("video")),
            (b"PK\x03\x04", Some("binary")),
            (b"ID3\x04\0", Some("audio")),
            (b"ID3 is a tag", None),
            (b"CWS is a word", None),
            (b"FWS\x08", Some("binary")),
            ("文".as_bytes(), None),
            (b"", None),
        ] {
            assert_eq!(of_bytes(body), expected, "{body:?}");
        }
    }

    #[test]
    fn roots() {
        assert_eq!(root("\u{feff} <?xml version='1.0'?><!-- a > b --><!DOCTYPE rss><rss version='2.0'>"), Some("rss"));
        assert_eq!((root("<rdf:RDF\nxmlns=x>"), root("文 <a>"), root("< a"), root("<!-- open")), (Some("rdf:RDF"), None, None, None));
        assert!(is_feed("RSS") && is_feed("rdf:RDF") && !is_feed("urlset") && is_html("P") && !is_html("pre2"));
    }
}
