//! A record that could not be read: it costs itself, never its neighbours and never silently.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Whether one record or the unreadable rest of a file was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One record.
    Record,
    /// The rest of the file from `offset` on; counts as one record read.
    File,
}

/// One line of `quarantine.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// Input name as listed in the manifest (escaped, relative).
    pub file: String,
    /// Offset in decoded (decompressed) bytes; for Parquet the row number.
    pub offset: u64,
    /// Line number from 1, for line formats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Bytes of the record as far as known.
    pub length: u64,
    /// Record or rest of file.
    pub kind: Kind,
    /// Stable reason code (`json_eof`, `utf8`, `gzip_crc`, …).
    pub reason: String,
    /// Escaped detail of at most 200 characters.
    pub detail: String,
}

/// `quarantine.jsonl` of these records, in their order.
///
/// # Errors
/// [`Error::Internal`] if one cannot be written as JSON.
pub fn lines(records: &[Quarantined]) -> Result<String> {
    let mut lines = String::new();
    for record in records {
        lines.push_str(&serde_json::to_string(record).map_err(|e| Error::internal(format!("quarantine: {e}")))?);
        lines.push('\n');
    }
    Ok(lines)
}

/// Escapes control, bidi and other invisible characters so that foreign bytes never reach a terminal, and cuts at `max` characters.
pub fn escape(text: &str, max: usize) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == max {
            out.push('…');
            break;
        }
        let invisible = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}');
        if c.is_control() || invisible {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}
