//! Statutes of e-Gov, the government's collection of Japanese law, as XML → text and its structure.
//!
//! One pass over the events of an XML parser (quick-xml) with a stack of what is open. Entities that a file declares are never expanded and nothing
//! outside of it is read. How a statute becomes lines: docs/guide/law.md.

mod act;
mod documents;
mod element;
mod number;
pub(super) mod older;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use self::documents::{Options, documents};
pub use self::reader::Fault;

/// Roots of files that hold a statute, beside `Law` itself.
const ENVELOPES: [&[u8]; 3] = [b"DataRoot", b"law_data_response", b"law_full_text"];
/// What a file with the root `Law` or `DataRoot` has near its beginning.
const SIGNS: [&[u8]; 5] = [b"LawNum", b"LawType", b"LawBody", b"ApplData", b"Era="];

/// Does a file begin like a statute?
pub(super) fn is_law(head: &[u8]) -> bool {
    let mut rest = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    loop {
        rest = rest.trim_ascii_start();
        let end: &[u8] = match rest {
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            // Entities may be declared in it; they are not looked at.
            [b'<', b'!', ..] if memchr::memchr2(b'[', b'>', rest).is_some_and(|at| rest[at] == b'[') => b"]>",
            [b'<', b'!', ..] => b">",
            _ => break,
        };
        let Some(at) = memchr::memmem::find(rest, end) else { return false };
        rest = &rest[at + end.len()..];
    }
    let Some(root) = rest.strip_prefix(b"<") else { return false };
    let name = &root[..root.iter().position(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/')).unwrap_or(root.len())];
    let has_sign = || SIGNS.iter().any(|sign| memchr::memmem::find(root, sign).is_some());
    match name {
        b"Law" => has_sign() || root.len() < 16,
        b"DataRoot" => has_sign(),
        name => ENVELOPES.contains(&name),
    }
}

/// May the bytes hold more than one statute? Then they have to be counted.
pub(super) fn may_hold_several(bytes: &[u8]) -> bool {
    let ends = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'));
    let begins = |at: &usize| at.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(|b| matches!(b, b'<' | b':'));
    let of =
        |name: &[u8]| memchr::memmem::find_iter(bytes, name).filter(begins).filter(|at| ends(bytes.get(at + name.len()))).take(2).count();
    of(b"Law") + of(b"LawContents") > 1 || memchr::memchr(0, bytes).is_some()
}
