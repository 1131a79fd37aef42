//! Character classes of the pre-tokeniser patterns, in one table.
//!
//! The published patterns are regular expressions over Unicode general categories. Their engines carry Unicode 16.0
//! (Hugging Face tokenizers 0.23.3 through Oniguruma; every code point was compared), whereas our Unicode crate is newer.
//! A character that was assigned after 16.0 would be a letter here and unassigned in those engines, and they would give other
//! ids for the same text. Therefore such characters are treated as unassigned here too.

use std::sync::LazyLock;

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Letters, `\p{L}`.
pub(crate) const LETTER: u8 = 1;
/// Combining marks, `\p{M}`.
pub(crate) const COMBINING_MARK: u8 = 1 << 1;
/// Numbers, `\p{N}`.
pub(crate) const NUMBER: u8 = 1 << 2;
/// Punctuation and symbols, `[\p{P}\p{S}]`.
pub(crate) const SYMBOL: u8 = 1 << 3;
/// White space, `\s`.
pub(crate) const SPACE: u8 = 1 << 4;
/// Carriage return and line feed.
pub(crate) const BREAK: u8 = 1 << 5;
/// The kana and kanji of DeepSeek's second split, `[一-龥぀-ゟ゠-ヿ]`.
pub(crate) const CJK: u8 = 1 << 6;

/// Letters with a case, `[\p{Lu}\p{Lt}\p{Ll}]`; which it is says [`is_lower`].
pub(crate) const CASED: u8 = 1 << 7;

/// Inclusive ranges of code points that Unicode assigned after 16.0.
const LATER: &[(u32, u32)] = &[
    (0x0558, 0x0558),
    (0x058B, 0x058C),
    (0x05C8, 0x05C9),
    (0x088F, 0x088F),
    (0x0B53, 0x0B54),
    (0x0C5C, 0x0C5C),
    (0x0CDC, 0x0CDC),
    (0x1ACF, 0x1AF0),
    (0x208F, 0x208F),
    (0x209D, 0x209F),
    (0x20C1, 0x20C4),
    (0x2B96, 0x2B96),
    (0x2E60, 0x2E63),
    (0xA7CE, 0xA7CF),
    (0xA7D2, 0xA7D2),
    (0xA7D4, 0xA7D4),
    (0xA7DD, 0xA7DD),
    (0xA7E2, 0xA7E2),
    (0xA7F1, 0xA7F1),
    (0xAB6C, 0xAB6D),
    (0xFBC3, 0xFBD2),
    (0xFD90, 0xFD91),
    (0xFDC8, 0xFDCE),
    (0x107BB, 0x107BF),
    (0x10940, 0x10959),
    (0x10EC5, 0x10EC7),
    (0x10EC9, 0x10EEE),
    (0x10EF0, 0x10EFB),
    (0x11B0A, 0x11B0A),
    (0x11B60, 0x11B67),
    (0x11DB0, 0x11DDB),
    (0x11DE0, 0x11DE9),
    (0x11DF0, 0x11DF1),
    (0x1246F, 0x1246F),
    (0x12475, 0x1247F),
    (0x12550, 0x12686),
    (0x16EA0, 0x16EB8),
    (0x16EBB, 0x16ED3),
    (0x16FF2, 0x16FF6),
    (0x187F8, 0x187FF),
    (0x18CD6, 0x18CDA),
    (0x18D09, 0x18D20),
    (0x18D80, 0x18DF2),
    (0x18E00, 0x19191),
    (0x191A0, 0x191D2),
    (0x1B123, 0x1B128),
    (0x1B168, 0x1B168),
    (0x1CCFA, 0x1CCFC),
    (0x1CEBA, 0x1CED0),
    (0x1CED2, 0x1CED4),
    (0x1CEDD, 0x1CEFD),
    (0x1D127, 0x1D128),
    (0x1D1EB, 0x1D1FF),
    (0x1D250, 0x1D281),
    (0x1D6A6, 0x1D6A6),
    (0x1DB00, 0x1DB1C),
    (0x1DF1F, 0x1DF24),
    (0x1DF2B, 0x1DF81),
    (0x1DF90, 0x1DF96),
    (0x1DFCD, 0x1DFFF),
    (0x1E6C0, 0x1E6DE),
    (0x1E6E0, 0x1E6F5),
    (0x1E6FE, 0x1E6FF),
    (0x1F1AE, 0x1F1AE),
    (0x1F6D8, 0x1F6D9),
    (0x1F777, 0x1F77A),
    (0x1F7DA, 0x1F7DB),
    (0x1F7F1, 0x1F7FF),
    (0x1F8D0, 0x1F8D8),
    (0x1FA54, 0x1FA57),
    (0x1FA8A, 0x1FA8E),
    (0x1FAC8, 0x1FAC8),
    (0x1FACC, 0x1FACD),
    (0x1FADD, 0x1FADD),
    (0x1FAEA, 0x1FAEB),
    (0x1FAEF, 0x1FAEF),
    (0x1FAF9, 0x1FAFA),
    (0x1FBFA, 0x1FBFA),
    (0x2B73A, 0x2B73F),
    (0x2B81E, 0x2B81E),
    (0x2CEA2, 0x2CEAD),
    (0x323B0, 0x33479),
    (0x3D000, 0x3FC3F),
];

/// The table ends here: beyond it, only plane 14 has assigned characters that are not private use.
const TABLE_END: u32 = 0x34000;

static TABLE: LazyLock<Box<[u8]>> = LazyLock::new(|| (0..TABLE_END).map(compute).collect());

/// The classes of every character. Get it once for a text, not once for each character.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Classes {
    table: &'static [u8],
}

impl Classes {
    /// The table, computed at the first call in a process.
    pub(crate) fn get() -> Self {
        Self { table: &TABLE }
    }

    /// The classes of a code point.
    #[inline]
    pub(crate) fn of(self, code_point: u32) -> u8 {
        match self.table.get(code_point as usize) {
            Some(&class) => class,
            None => compute(code_point),
        }
    }

    /// The classes of the character that starts at byte `at` of UTF-8, and where the next one starts.
    #[inline]
    pub(crate) fn at(self, text: &[u8], at: usize) -> (u8, usize) {
        let (code_point, next) = decode(text, at);
        (self.of(code_point), next)
    }
}

fn compute(code_point: u32) -> u8 {
    let Some(c) = char::from_u32(code_point) else { return 0 };
    let range = LATER.partition_point(|&(_, last)| last < code_point);
    if LATER.get(range).is_some_and(|&(first, _)| first <= code_point) {
        return 0;
    }
    let mut class = match c.general_category_group() {
        GeneralCategoryGroup::Letter => LETTER,
        GeneralCategoryGroup::Mark => COMBINING_MARK,
        GeneralCategoryGroup::Number => NUMBER,
        GeneralCategoryGroup::Punctuation | GeneralCategoryGroup::Symbol => SYMBOL,
        _ => 0,
    };
    if is_lower_letter(c) || matches!(c.general_category(), GeneralCategory::TitlecaseLetter | GeneralCategory::UppercaseLetter) {
        class |= CASED;
    }
    if c.is_whitespace() {
        class |= SPACE;
    }
    if matches!(c, '\n' | '\r') {
        class |= BREAK;
    }
    if matches!(c, '一'..='龥' | '\u{3040}'..='ゟ' | '゠'..='ヿ') {
        class |= CJK;
    }
    class
}

/// Is the cased letter at byte `at` of UTF-8 a lower-case one, `\p{Ll}`?
pub(crate) fn is_lower(text: &[u8], at: usize) -> bool {
    let (code_point, _) = decode(text, at);
    char::from_u32(code_point).is_some_and(is_lower_letter)
}

/// `\p{Ll}` of Unicode 16.0; since then one letter has changed sides.
fn is_lower_letter(c: char) -> bool {
    c.general_category() == GeneralCategory::LowercaseLetter || c == '\u{295}'
}

/// The code point at byte `at` of UTF-8 and the start of the next one.
///
/// Bytes that are not UTF-8 cannot occur in a `str`; they give some code point, never a panic.
#[inline]
pub(crate) fn decode(text: &[u8], at: usize) -> (u32, usize) {
    let low = |i: usize| u32::from(text.get(at + i).copied().unwrap_or(0) & 0x3F);
    let first = u32::from(text[at]);
    match first {
        0..0x80 => (first, at + 1),
        0x80..0xE0 => ((first & 0x1F) << 6 | low(1), at + 2),
        0xE0..0xF0 => ((first & 0xF) << 12 | low(1) << 6 | low(2), at + 3),
        _ => ((first & 7) << 18 | low(1) << 12 | low(2) << 6 | low(3), at + 4),
    }
}

/// Continuation bytes only, or a lead byte with fewer of them than it asks for.
pub(crate) fn is_inside_character(bytes: &[u8]) -> bool {
    let Some((&first, rest)) = bytes.split_first() else { return false };
    let expected = match first {
        0xC0..0xE0 => 2,
        0x80..0xC0 | 0xE0..0xF0 => 3,
        _ => 4,
    };
    let full = bytes.len() > expected || (first >= 0xC0 && bytes.len() == expected);
    !full && rest.iter().all(|byte| (0x80..0xC0).contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An update of the Unicode crate must not change what a vocabulary means: the digest was taken when every code
    /// point agreed with tokenizers 0.23.3.
    #[test]
    fn the_table_is_unicode_16() {
        let all: Vec<u8> = ('\0'..=char::MAX).map(|c| Classes::get().of(u32::from(c))).collect();
        assert_eq!(blake3::hash(&all).to_hex().as_str(), "571424c4c1bd0c22e3ab1a2950e54928848c44412f66312c76784aa528ef9122");
    }

    #[test]
    fn decode_agrees_with_char_indices() {
        let text = "a\0é\u{3042}漢😀\u{10FFFF}\n";
        let mut at = 0;
        for (i, c) in text.char_indices() {
            assert_eq!(at, i);
            let (code_point, next) = decode(text.as_bytes(), at);
            assert_eq!(code_point, u32::from(c));
            at = next;
        }
        assert_eq!(at, text.len());
    }
}
