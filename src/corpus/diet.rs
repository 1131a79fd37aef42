//! Records of the Diet as its interface gives them, JSON and XML → speeches, or meetings as dialogues.
//!
//! A speech stands behind a head (`○議長（甲野太郎君）　`) that is no name to be used: who spoke is told by the field. Lines are joined, directions and
//! rules left out and counted (docs/guide/diet.md).

mod documents;
mod json;
mod record;
mod speech;
#[cfg(test)]
mod tests;
mod xml;

pub use self::documents::{Options, count, documents};
pub use self::record::Fault;

/// Does a file begin like an answer of the interface?
pub(super) fn is_records(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    match head.first() {
        Some(b'{') => has(b"\"numberOfRecords\"") && (has(b"\"speechRecord\"") || has(b"\"meetingRecord\"")),
        Some(b'<') => has(b"<numberOfRecords>") && (has(b"<speechRecord>") || has(b"<meetingRecord>") || has(b"<recordData>")),
        _ => false,
    }
}
