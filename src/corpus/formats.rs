//! The formats that are read, and which one a file has: binary formats by their first bytes, text formats by a known extension, else
//! by content.

mod chat;
mod csv;
mod diet;
mod docbook;
mod epub;
mod gettext;
mod html;
mod json;
mod json_lines;
mod law;
mod mediawiki;
mod parquet;
mod subtitles;
mod text;
mod warc;

use std::path::Path;

use super::archive;
use super::compression::Kind;
use super::format::{Format, extension_of};

/// Every format; the first that fits is taken, and the last takes what no other does.
const FORMATS: &[&dyn Format] = &[
    &parquet::Parquet,
    &epub::Epub,
    &warc::Warc,
    &warc::Arc,
    &mediawiki::MediaWiki,
    &docbook::DocBook,
    &subtitles::Subtitles,
    &gettext::Gettext,
    &diet::Diet,
    &chat::Chat,
    &json::Json,
    &json_lines::JsonLines,
    &csv::Csv,
    &law::Law,
    &html::Html,
    &text::Text,
];

/// Bytes of the beginning that [`detect`] wants to see.
pub(super) const HEAD: usize = 1024;

/// What a file is.
pub(super) enum Detected {
    /// It is read.
    Format(&'static dyn Format),
    /// A container or binary format that is no input format, by name.
    Unsupported(String),
}

/// First bytes of what is not read.
const UNSUPPORTED: &[(&[u8], &str)] = &[
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x02\x21\x4c\x18", "lz4 in its old format"),
    (b"LZIP\x01", "lzip"),
    (b"\x1f\x9d", "compress"),
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
];

/// The format of a file from its path (for the extension) and the first [`HEAD`] bytes, decompressed.
pub(super) fn detect(path: &Path, head: &[u8]) -> Detected {
    if let Some(format) = FORMATS.iter().find(|format| format.proves(head)) {
        return Detected::Format(*format);
    }
    if let Some(name) = unsupported(head) {
        return Detected::Unsupported(name);
    }
    let extension = extension_of(path).unwrap_or_default();
    let named = FORMATS.iter().find(|format| format.extensions().contains(&extension.as_str()) && format.accepts(head));
    let fits = || FORMATS.iter().find(|format| format.looks_like(head));
    Detected::Format(*named.or_else(fits).unwrap_or(&FORMATS[FORMATS.len() - 1]))
}

/// The format of that name.
pub(super) fn by_name(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}

/// Three letters are little proof, so where more is known of a format, more is asked. What is compressed is compressed twice here.
fn unsupported(head: &[u8]) -> Option<String> {
    if let Some(kind) = Kind::of(head) {
        return Some(format!("{} in a compressed file", kind.name()));
    }
    if let Some(kind) = archive::kind_of(head) {
        return Some(format!("{kind} in a compressed file, in an archive or on standard input"));
    }
    let (magic, name) = UNSUPPORTED.iter().find(|(magic, _)| head.starts_with(magic))?;
    let more = match *magic {
        b"ORC" => head.get(3).is_some_and(|b| !b.is_ascii_graphic() && *b != b' ' && *b != b'\n'),
        _ => true,
    };
    more.then(|| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extension_then_content() {
        let cases: &[(&str, &[u8], &str)] = &[
            ("a.jsonl", b"<html>", "jsonl"),
            ("a.JSONL.GZ", b"", "jsonl"),
            ("a.txt", b"{\"text\":1}", "text"),
            ("a.txt.zst", b"{\"text\":1}", "text"),
            ("a", b" \n{\"text\":1}", "jsonl"),
            ("a", b"\xef\xbb\xbf{", "jsonl"),
            ("a.html", b"{}", "html"),
            ("a.json", b"{\"text\":1}\n{", "jsonl"),
            ("a.json", b"{\n\"text\":1}", "json"),
            ("a.json", b"[1", "json"),
            ("a.jsonl", b"[1", "jsonl"),
            ("a", b"[ {", "json"),
            ("a", "[注] {".as_bytes(), "text"),
            ("a.csv", b"{", "csv"),
            ("a.TSV.gz", b"[{", "csv"),
            ("a.jsonl", b"PAR1....", "parquet"),
            ("a.jsonl", b"WARC/1.0\r\n", "warc"),
            ("a.warc.gz", b"\r\nWARC/1.0\r\n", "warc"),
            ("a.txt", b"filedesc://a.arc 0.0.0.0 20010203040506 text/plain 76\n", "arc"),
            ("a.xml.bz2", b"<mediawiki xmlns=", "mediawiki"),
            ("a", b"<?xml version=\"1.0\"?>\n<mediawiki>", "mediawiki"),
            ("a.bin", b"  <page>\n    <title>a", "mediawiki"),
            ("a.txt", b"<mediawiki>", "text"),
            ("a.vtt", b"", "subtitles"),
            ("a", b"1\r\n00:00:01,000 --> 00:00:02,000\r\n\x89J", "subtitles"),
            ("a", b"# x\nmsgid \"\"\nmsgstr \"\"\n", "gettext"),
            ("a.xml", b"<?xml version='1.0'?><book><title>", "docbook"),
            ("a.xml", b"<root>", "text"),
            ("a.jsonl", b"PK\x03\x04", "no: zip in a compressed file, in an archive or on standard input"),
            ("a.txt", b"BZh91AY&SY", "no: bzip2 in a compressed file"),
            ("a.jsonl.bz2", b"", "jsonl"),
            ("a.HTML.XZ", b"", "html"),
            ("a.txt", "BZhは略称".as_bytes(), "text"),
            ("a.txt", b"ORC is a word", "text"),
            ("a.gz", b"", "text"),
            ("a.json", br#"{"numberOfRecords":1,"speechRecord":[{"speechID":"1"}]}"#, "diet"),
            ("a.xml", b"<data><numberOfRecords>1</numberOfRecords><records><record><recordData><speechRecord>", "diet"),
            ("a.json", br#"{"numberOfRecords":1,"rows":[]}"#, "jsonl"),
            ("a.xml", b"<?xml version=\"1.0\"?>\n<Law Era=\"Showa\">", "law"),
            ("a", b"\xef\xbb\xbf<DataRoot><Result><Code>0</Code></Result><ApplData>", "law"),
            ("a", b"<!-- <a> --><!DOCTYPE x [<!ENTITY a \"b\">]><law_data_response>", "law"),
            ("a.xml", b"<Lawn><LawNum>", "text"),
            ("a.txt", "[LINE] 甲とのトーク履歴\n\n2024/01/02(火)\n".as_bytes(), "chat"),
            ("a", b"[09:05] <taro> a\n[09:06] <hanako> b\n", "chat"),
            ("a.json", br#"[{"type":"message","user":"U0000001","ts":"1704121200.000100"}]"#, "chat"),
            ("a.json", br#"[{"type":"message","text":"a"}]"#, "json"),
            ("a.html", b"<taro> a\n<hanako> b\n<taro> c\n", "html"),
            ("a.txt", "[LINE] の使い方\n便利です。".as_bytes(), "text"),
            ("a.xml", b"<DataRoot><Row/></DataRoot>", "text"),
        ];
        for (path, head, expected) in cases {
            let found = match detect(Path::new(path), head) {
                Detected::Format(format) => format.name().to_owned(),
                Detected::Unsupported(name) => format!("no: {name}"),
            };
            assert_eq!(found, *expected, "{path} {}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn names_are_unique() {
        for format in FORMATS {
            assert!(std::ptr::addr_eq(by_name(format.name()).unwrap(), *format), "{}", format.name());
        }
    }
}
