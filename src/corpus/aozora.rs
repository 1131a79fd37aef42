//! The notation of Aozora Bunko (the Japanese library of works out of copyright) → text.
//!
//! A work is a header, a legend of the notation, the body and a colophon; in the body stand readings `《》`, notes `［＃…］`, characters that are
//! described (`※［＃…］`), letters with marks `〔e'〕` and repeat marks. The order of work matters: readings are bound to their bases before described
//! characters become characters, for these may be 《》 themselves (docs/guide/aozora.md).

mod accents;
mod class;
mod colophon;
mod frame;
mod gaiji;
mod header;
mod inline;
mod note;
mod page;
mod pairs;
mod revision;
#[cfg(test)]
mod tests;

use self::inline::Inline;
pub use self::inline::Options;
pub(super) use self::page::edition;
pub(super) use self::revision::{Revision, revision};
use super::document::Document;

/// Ends of lines: CRLF, LF and CR, also mixed.
fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'\n', b'\r', rest.as_bytes()) {
        let (line, behind) = rest.split_at(at);
        lines.push(line);
        rest = behind.strip_prefix("\r\n").or_else(|| behind.get(1..)).unwrap_or_default();
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

/// Is a text in this notation? Brackets 《》 alone are titles in many texts: there must be a legend, notes of a kind that is known, or a colophon.
pub(super) fn is_work(text: &str) -> bool {
    note::is_in(text) || frame::has_legend(text) || colophon::is_in(text)
}

/// Reads a work. Linear in its length.
pub fn read(text: &str, options: &Options) -> Document {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = lines(text);
    let parts = frame::parts(&lines);
    let mut inline = Inline::new(*options, text.len());
    for line in parts.body {
        inline.line(line);
    }
    let body = inline.finish();
    let mut meta = serde_json::Map::new();
    meta.insert("notation".to_owned(), "aozora".into());
    header::describe(parts.header, &mut meta);
    let colophon = colophon::read(parts.colophon);
    colophon.describe(&mut meta);
    body.describe(&mut meta);
    let legend = parts.legend.join("\n");
    if !legend.trim().is_empty() {
        meta.insert("legend".to_owned(), legend.trim().into());
    }
    let meta = Some(serde_json::Value::Object(meta).to_string());
    Document { text: body.text, meta, license: colophon.license, date: colophon.date, dropped: body.dropped, ..Document::default() }
}
