//! What kind of file this is: binary formats by their first bytes, text formats by a known extension, else by content.

use std::ffi::OsStr;
use std::path::Path;

use super::html;

/// How the decoded bytes of a file are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// One record a line.
    JsonLines,
    /// JSON Lines in UTF-16, by its byte order mark: not read.
    JsonLinesUtf16,
    /// The whole file is one document in any charset.
    Text,
    /// Pages as they were crawled.
    Warc,
    /// Columns.
    Parquet,
    /// A container or binary format that is no input format, by name.
    Unsupported(&'static str),
}

/// Bytes of the beginning that [`detect`] wants to see.
pub(super) const HEAD: usize = 1024;

const MAGIC: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"ARROW1", "Arrow"),
    (b"FEA1", "Feather"),
    (b"Obj\x01", "Avro"),
    (b"ORC", "ORC"),
    (b"%PDF-", "PDF"),
    (b"SQLite format 3\0", "SQLite"),
    (b"\x89PNG\r\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"\x7fELF", "ELF"),
    (b"\x89HDF\r\n", "HDF5"),
    (b"\x1f\x8b\x08", "gzip in a compressed file"),
    (b"\x28\xb5\x2f\xfd", "zstd in a compressed file"),
];

/// The format of a file from its path (for the extension) and the first [`HEAD`] bytes, decompressed.
pub(super) fn detect(path: &Path, head: &[u8]) -> Format {
    if head.starts_with(b"PAR1") || head.starts_with(b"PARE") {
        return Format::Parquet;
    }
    if head.starts_with(super::warc::MAGIC) {
        return Format::Warc;
    }
    if let Some(name) = container(head) {
        return Format::Unsupported(name);
    }
    match extension(path).as_deref() {
        Some(b"jsonl" | b"ndjson" | b"json") => match head {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Format::JsonLinesUtf16,
            _ => Format::JsonLines,
        },
        Some(b"txt" | b"text" | b"md") => Format::Text,
        _ => by_content(head),
    }
}

/// Three letters are little proof, so where more is known of a format, more is asked.
fn container(head: &[u8]) -> Option<&'static str> {
    if head.get(257..262) == Some(b"ustar") {
        return Some("tar");
    }
    let (magic, name) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic))?;
    let more = match *magic {
        b"BZh" => matches!(head.get(3..10), Some([b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59] | [b'1'..=b'9', 0x17, 0x72, ..])),
        b"ORC" => head.get(3).is_some_and(|b| !b.is_ascii_graphic() && *b != b' ' && *b != b'\n'),
        _ => true,
    };
    more.then_some(name)
}

fn by_content(head: &[u8]) -> Format {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    match head.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'{') => Format::JsonLines,
        _ => Format::Text,
    }
}

/// Is a text file a page of HTML? `text` is the file, decoded.
pub(super) fn is_html(path: &Path, text: &str) -> bool {
    match extension(path).as_deref() {
        Some(b"html" | b"htm" | b"xhtml") => true,
        Some(b"txt" | b"text" | b"md") => false,
        _ => html::is_page(text),
    }
}

/// The extension in lower case, below `.gz`, `.zst` and the like.
fn extension(path: &Path) -> Option<Vec<u8>> {
    let lower = |extension: &OsStr| extension.as_encoded_bytes().to_ascii_lowercase();
    let last = path.extension().map(lower)?;
    if matches!(&*last, b"gz" | b"zst" | b"zstd" | b"gzip") { Path::new(path.file_stem()?).extension().map(lower) } else { Some(last) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extension_then_content() {
        let cases: &[(&str, &[u8], Format)] = &[
            ("a.jsonl", b"<html>", Format::JsonLines),
            ("a.JSONL.GZ", b"", Format::JsonLines),
            ("a.txt", b"{\"text\":1}", Format::Text),
            ("a.txt.zst", b"{\"text\":1}", Format::Text),
            ("a", b" \n{\"text\":1}", Format::JsonLines),
            ("a", b"\xef\xbb\xbf{", Format::JsonLines),
            ("a.html", b"<html>", Format::Text),
            ("a.jsonl", b"\xff\xfe{\0", Format::JsonLinesUtf16),
            ("a.jsonl", b"PAR1....", Format::Parquet),
            ("a.jsonl", b"PK\x03\x04", Format::Unsupported("zip")),
            ("a.txt", b"BZh91AY&SY", Format::Unsupported("bzip2")),
            ("a.txt", "BZhは略称".as_bytes(), Format::Text),
            ("a.txt", b"ORC is a word", Format::Text),
            ("a.gz", b"", Format::Text),
        ];
        for (path, head, expected) in cases {
            assert_eq!(detect(Path::new(path), head), *expected, "{path} {}", String::from_utf8_lossy(head));
        }
    }
}
