//! What a page says of its charset.

use memchr::memmem;

/// A page says its charset early, but scripts and comments may stand before.
const LOOKED_AT: usize = 4096;

/// The labels that a page names, the strongest first: in its XML declaration, in its first `<meta>` that has one, or else wherever
/// `charset=` stands outside of other tags (the header of a mail).
pub(super) fn of_page(bytes: &[u8]) -> impl Iterator<Item = String> {
    let head = without_comments(&bytes[..bytes.len().min(LOOKED_AT)]).to_ascii_lowercase();
    let (xml, meta) = (of_xml(&head), of_meta(&head));
    xml.into_iter().chain(meta)
}

/// Does the page say that its language is Japanese?
pub(super) fn is_japanese(bytes: &[u8]) -> bool {
    let head = bytes[..bytes.len().min(LOOKED_AT)].to_ascii_lowercase();
    memmem::find_iter(&head, b"lang=").any(|at| {
        let value = &head[at + 5..];
        let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
        value.starts_with(b"ja") && !value.get(2).is_some_and(u8::is_ascii_alphanumeric)
    })
}

fn of_xml(head: &[u8]) -> Option<String> {
    let start = head.trim_ascii_start();
    let declaration = start.strip_prefix(b"<?xml")?;
    let declaration = &declaration[..memmem::find(declaration, b"?>").unwrap_or(declaration.len())];
    let at = memmem::find(declaration, b"encoding")? + 8;
    value(&declaration[at..])
}

fn of_meta(head: &[u8]) -> Option<String> {
    let mut outside = None;
    for at in memmem::find_iter(head, b"charset") {
        let Some(label) = value(&head[at + 7..]) else { continue };
        let before = &head[..at];
        let open = memchr::memrchr(b'<', before).filter(|open| !before[*open..].contains(&b'>'));
        match open {
            Some(open) if before[open..].starts_with(b"<meta") => return Some(label),
            Some(_) => {}
            None => outside = outside.or(Some(label)),
        }
    }
    outside
}

/// What stands behind `=`, with quotes or without.
fn value(behind: &[u8]) -> Option<String> {
    let value = behind.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value).trim_ascii_start();
    let end = value.iter().position(|b| !b.is_ascii_alphanumeric() && !b"-_.:+".contains(b)).unwrap_or(value.len());
    (end > 0).then(|| String::from_utf8_lossy(&value[..end]).into_owned())
}

fn without_comments(mut bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    while let Some(at) = memmem::find(bytes, b"<!--") {
        kept.extend_from_slice(&bytes[..at]);
        let comment = &bytes[at..];
        let Some(end) = memmem::find(comment, b"-->") else {
            bytes = comment;
            break;
        };
        bytes = &comment[end + 3..];
    }
    kept.extend_from_slice(bytes);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages() {
        for page in ["<html lang=\"ja\">", "<html xml:lang='ja-JP'>", "<HTML LANG=ja>"] {
            assert!(is_japanese(page.as_bytes()), "{page}");
        }
        assert!(!is_japanese(b"<html lang=\"jav\">") && !is_japanese(b"<html lang=ko>") && !is_japanese(b"lang=ja2"));
    }

    #[test]
    fn pages() {
        for (page, expected) in [
            ("<meta charset=euc-jp>", &["euc-jp"][..]),
            ("<META http-equiv='Content-Type' content='text/html; charset=Shift_JIS'>", &["shift_jis"]),
            ("<meta charset = \" x-sjis \">", &["x-sjis"]),
            ("\n<?xml version=\"1.0\" encoding='EUC-JP'?><meta charset=utf-8>", &["euc-jp", "utf-8"]),
            ("<script charset=utf-8 src=a></script><meta charset=euc-jp>", &["euc-jp"]),
            ("<!-- <meta charset=utf-8> --><meta charset=euc-jp>", &["euc-jp"]),
            ("Content-Type: text/plain; charset=ISO-2022-JP\n\n", &["iso-2022-jp"]),
            ("<a href=x?charset=utf-8>", &[]),
            ("the charset of a page; charset=", &[]),
            ("<?xml version='1.0'?>", &[]),
        ] {
            assert_eq!(of_page(page.as_bytes()).collect::<Vec<_>>(), expected, "{page}");
        }
    }
}
