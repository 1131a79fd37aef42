//! Is it a plan at all? Somebody who gives data where a plan belongs is told what it is, and what to do with it.

use serde_json::Value;

/// Bytes that begin files of data, and what such a file is.
const MAGIC: &[(&[u8], &str)] = &[
    (b"PAR1", "a Parquet table"),
    (b"ARROW1", "an Arrow file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"\x04\x22\x4d\x18", "an LZ4 file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"WARC/", "a web archive (WARC)"),
    (b"%PDF-", "a PDF file"),
    (b"SQLite format 3\0", "an SQLite database"),
];

/// What a file is that is no plan, from its first bytes; nothing for what may be one. `is_whole`: the bytes are the whole file.
pub(super) fn no_plan(head: &[u8], is_whole: bool) -> Option<&'static str> {
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(what);
    }
    let text = std::str::from_utf8(head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head));
    let text = match &text {
        Ok(text) => text.trim_start(),
        // Cut in the middle of a character.
        Err(bad) if !is_whole && bad.error_len().is_none() => {
            std::str::from_utf8(head.get(..bad.valid_up_to()).unwrap_or_default()).unwrap_or_default().trim_start()
        }
        Err(_) => return None,
    };
    let lower = text.get(..15).unwrap_or(text).to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return Some("an HTML page");
    }
    if text.starts_with("<?xml") || text.starts_with('<') {
        return Some("an XML file");
    }
    json(text, is_whole)
}

/// The kinds of JSON. A plan may begin with `[`, and even be a JSON value by accident: `[1]` is no section that a plan knows.
fn json(text: &str, is_whole: bool) -> Option<&'static str> {
    let first = text.lines().next()?.trim();
    let of_line = |line: &str| serde_json::from_str::<Value>(line).ok();
    if first.starts_with('{') {
        let second = text.lines().skip(1).map(str::trim).find(|line| !line.is_empty());
        let is_object = of_line(first).is_some_and(|value| value.is_object());
        // A record that is longer than what was looked at is cut.
        let is_long = !is_whole && text.lines().nth(1).is_none() && first.starts_with("{\"");
        let is_lines = if is_object { second.is_some() } else { is_long };
        return Some(if is_lines { "JSON Lines data" } else { "a JSON object" });
    }
    if first.starts_with('[') {
        if of_line(text).is_some_and(|value| value.is_array()) {
            return Some("a JSON array");
        }
        // `[{`, and `[` alone on its line, begin no section either.
        let rest = first.get(1..).unwrap_or_default().trim_start();
        if rest.starts_with('{') || rest.is_empty() {
            return Some("a JSON array");
        }
        if of_line(first).is_some_and(|value| value.is_array()) && !first.starts_with("[[") {
            return Some("JSON Lines data");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_told_from_plans() {
        let cases: [(&str, Option<&str>); 16] = [
            ("[input]\npaths = [\"a\"]\n", None),
            ("# a plan\n[[quality.rule]]\n", None),
            ("", None),
            ("input = { paths = [\"a\"] }", None),
            ("[\"input\"]\npaths = [\"a\"]", Some("JSON Lines data")),
            ("{\"text\": \"米\"}\n{\"text\": \"麦\"}\n", Some("JSON Lines data")),
            ("{\"text\": \"米\"}\n", Some("a JSON object")),
            ("{\n  \"text\": \"米\"\n}\n", Some("a JSON object")),
            ("[{\"text\": \"米\"}]", Some("a JSON array")),
            ("[\n  {\"text\": \"米\"},\n", Some("a JSON array")),
            ("[1, 2]", Some("a JSON array")),
            ("\u{feff} [\n1]", Some("a JSON array")),
            ("PAR1\u{0}", Some("a Parquet table")),
            ("<!DOCTYPE html><p>", Some("an HTML page")),
            ("<mediawiki>", Some("an XML file")),
            ("吾輩は猫である。", None),
        ];
        for (text, what) in cases {
            assert_eq!(no_plan(text.as_bytes(), true), what, "{text}");
        }
        assert_eq!(no_plan("{\"text\": \"米米".as_bytes(), false), Some("JSON Lines data"), "a record that is cut");
        assert_eq!(no_plan(&"{\"text\": \"米米".as_bytes()[..14], false), Some("JSON Lines data"), "in the middle of a character");
    }
}
