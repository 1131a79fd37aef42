//! Records of the Diet as its interface gives them, JSON and XML → speeches, or meetings as dialogues.
//!
//! A speech stands behind a head (`○議長（甲野太郎君）　`) that is no name to be used: who spoke is told by the field. Lines are joined, directions and
//! rules left out and counted (docs/guide/diet.md).

mod documents;
mod json;
mod layout;
mod record;
mod speech;
#[cfg(test)]
mod tests;
mod xml;

pub use self::documents::{Options, Writer, count, documents};
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

/// Can an answer that begins like this be read element by element? Else it is read as a whole.
pub(super) fn is_walked(head: &[u8], options: Options) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    // A broken place costs its speech; more of them than characters, and it is another charset.
    let (mut broken, mut sound) = (0, 0);
    for chunk in head.utf8_chunks() {
        sound += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    let is_utf8 = (broken <= sound || broken == 1) && memchr::memchr(0, head).is_none();
    let holds_meetings = || memchr::memmem::find(head, b"\"meetingRecord\"").is_some();
    is_utf8 && head.trim_ascii_start().starts_with(b"{") && (!options.meetings || holds_meetings())
}
