//! The charsets of dictionaries, decoded as MeCab does with `iconv`.

use std::borrow::Cow;

use encoding_rs::Encoding;

use crate::error::{Error, Result};

/// A charset that dictionaries use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8.
    Utf8,
    /// EUC-JP.
    EucJp,
    /// Shift_JIS.
    ShiftJis,
}

impl Charset {
    /// Reads a charset's name loosely: `utf8`, `UTF-8`, `EUC-JP`, `euc_jp`, `SHIFT-JIS`, `sjis`, `cp932`, …
    pub fn from_name(name: &str) -> Option<Self> {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        match plain.as_str() {
            "utf8" | "ascii" | "usascii" => Some(Self::Utf8),
            "eucjp" | "euc" | "ujis" => Some(Self::EucJp),
            "shiftjis" | "sjis" | "cp932" | "windows31j" | "ms932" => Some(Self::ShiftJis),
            _ => None,
        }
    }

    /// Decodes strictly.
    ///
    /// Six punctuation marks of JIS X 0208 have another code point in the tables of browsers (which the decoder follows)
    /// than in `iconv` (which MeCab follows); they are mapped back, for surfaces and conjugation names contain them.
    ///
    /// # Errors
    /// Refused with the file's name if a byte sequence does not belong to the charset.
    pub fn decode<'a>(self, name: &str, bytes: &'a [u8]) -> Result<Cow<'a, str>> {
        let encoding: &'static Encoding = match self {
            Self::Utf8 => {
                return std::str::from_utf8(bytes)
                    .map(Cow::Borrowed)
                    .map_err(|e| Error::refused(format!("{name}: byte {}: not UTF-8", e.valid_up_to())));
            }
            Self::EucJp => encoding_rs::EUC_JP,
            Self::ShiftJis => encoding_rs::SHIFT_JIS,
        };
        let text = encoding
            .decode_without_bom_handling_and_without_replacement(bytes)
            .ok_or_else(|| Error::refused(format!("{name}: not {}", encoding.name())))?;
        Ok(Cow::Owned(text.chars().map(like_iconv).collect()))
    }
}

fn like_iconv(c: char) -> char {
    match c {
        '\u{FF5E}' => '\u{301C}',
        '\u{FF0D}' => '\u{2212}',
        '\u{2225}' => '\u{2016}',
        '\u{FFE0}' => '\u{00A2}',
        '\u{FFE1}' => '\u{00A3}',
        '\u{FFE2}' => '\u{00AC}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_marks_are_mapped_back() {
        let bytes = b"\xA1\xC1\xA1\xDD\xA1\xC2\xA1\xF1\xA1\xF2\xA2\xCC\xC5\xEC";
        assert_eq!(Charset::EucJp.decode("x", bytes).unwrap(), "〜−‖¢£¬東");
    }

    #[test]
    fn undecodable_bytes_are_refused() {
        assert!(Charset::EucJp.decode("x", b"\xA1").is_err());
        assert!(Charset::Utf8.decode("x", b"\xFF").is_err());
        assert!(Charset::ShiftJis.decode("x", b"\x81").is_err());
    }
}
