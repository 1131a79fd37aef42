//! Shift_JIS and EUC-JP → text, also in their forms of 2004.

use encoding_rs::{EUC_JP, Encoding, SHIFT_JIS};
use rustc_hash::FxHashSet;

use super::decoded::Decoded;
use super::jisx0213;
use super::label::Label;

/// A way in which Japanese is written in 8 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Japanese {
    ShiftJis,
    EucJp,
}

impl Japanese {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ShiftJis => "shift_jis",
            Self::EucJp => "euc-jp",
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::ShiftJis => Self::EucJp,
            Self::EucJp => Self::ShiftJis,
        }
    }

    fn encoding(self) -> &'static Encoding {
        match self {
            Self::ShiftJis => SHIFT_JIS,
            Self::EucJp => EUC_JP,
        }
    }
}

/// Cells of JIS X 0213 that tell: so many, and of them so many different ones. One alone is rather damage.
const TELLING: usize = 3;
const DIFFERENT: usize = 2;

/// Reads the bytes in that charset; in its form of 2004 if it is declared, or if all that has no meaning else is a character of that.
pub(super) fn decode(bytes: &[u8], charset: Japanese, labels: &[Label]) -> Decoded {
    let is_declared = labels.contains(match charset {
        Japanese::ShiftJis => &Label::ShiftJis2004,
        Japanese::EucJp => &Label::EucJis2004,
    });
    let decoded = by_table(bytes, charset.encoding(), charset.name());
    if !is_declared && decoded.replaced < TELLING as u64 {
        return decoded;
    }
    let of_2004 = of_2004(bytes, charset, is_declared);
    let tells = || of_2004.decoded.replaced == 0 && of_2004.cells >= TELLING && of_2004.different >= DIFFERENT;
    if is_declared && of_2004.decoded.replaced <= decoded.replaced || !is_declared && tells() { of_2004.decoded } else { decoded }
}

/// These tables hold no U+FFFD, so each one in the text is a replacement.
pub(super) fn by_table(bytes: &[u8], encoding: &'static Encoding, charset: &'static str) -> Decoded {
    let (text, replaced) = encoding.decode_without_bom_handling(bytes);
    let replaced = if replaced { text.matches(char::REPLACEMENT_CHARACTER).count() as u64 } else { 0 };
    Decoded { text: text.into_owned(), charset, replaced }
}

struct Of2004 {
    decoded: Decoded,
    /// Cells that JIS X 0208 has not, and how many different ones.
    cells: usize,
    different: usize,
}

/// Reads the bytes with the table of 2004 where it has a cell and the other table has none, or (`first`) wherever it has one.
fn of_2004(bytes: &[u8], charset: Japanese, first: bool) -> Of2004 {
    let encoding = charset.encoding();
    let (mut text, mut replaced) = (String::with_capacity(bytes.len() * 2), 0);
    let (mut cells, mut different) = (0, FxHashSet::default());
    let (mut plain, mut at) = (0, 0);
    let mut plain_text = |run: &[u8], text: &mut String| {
        let decoded = by_table(run, encoding, "");
        replaced += decoded.replaced;
        text.push_str(&decoded.text);
    };
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = length(rest, charset);
        let code = rest.get(..length).unwrap_or(rest);
        let character = character(code, charset).filter(|_| first || by_table(code, encoding, "").replaced > 0);
        if let Some(character) = character {
            plain_text(&bytes[plain..at], &mut text);
            text.push_str(character);
            cells += 1;
            different.insert(character);
            plain = at + length;
        }
        at += length;
    }
    plain_text(bytes.get(plain..).unwrap_or_default(), &mut text);
    let charset = if charset == Japanese::ShiftJis { "shift_jis-2004" } else { "euc-jis-2004" };
    Of2004 { decoded: Decoded { text, charset, replaced }, cells, different: different.len() }
}

/// The character of 2004 with that code.
fn character(code: &[u8], charset: Japanese) -> Option<&'static str> {
    match (charset, code) {
        (Japanese::ShiftJis, &[lead, trail]) => jisx0213::of_shift_jis(lead, trail),
        (Japanese::EucJp, [0xa1..=0xfe, _] | [0x8f, ..]) => jisx0213::of_euc(code).map(|(character, _)| character),
        _ => None,
    }
}

/// Bytes of the first code, at least one.
fn length(bytes: &[u8], charset: Japanese) -> usize {
    match (charset, bytes) {
        (Japanese::ShiftJis, [0x81..=0x9f | 0xe0..=0xfc, 0x40..=0x7e | 0x80..=0xfc, ..])
        | (Japanese::EucJp, [0xa1..=0xfe | 0x8e, 0xa1..=0xfe, ..]) => 2,
        (Japanese::EucJp, [0x8f, 0xa1..=0xfe, 0xa1..=0xfe, ..]) => 3,
        _ => 1,
    }
}
