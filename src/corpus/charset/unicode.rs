//! The encodings of Unicode: by a mark at the start, or by where the zeros stand.

use super::decoded::Decoded;

/// UTF-8, with U+FFFD where it is broken. Pairs of surrogates written as three bytes each (CESU-8) are read.
pub(super) fn utf8(bytes: &[u8]) -> Decoded {
    let mut replaced = 0;
    let mut text = String::with_capacity(bytes.len());
    let mut high = None;
    let mut chunks = bytes.utf8_chunks().peekable();
    let mut at = 0;
    while let Some(chunk) = chunks.next() {
        at += chunk.valid().len();
        if !chunk.valid().is_empty() {
            replaced += u64::from(high.take().is_some());
            text.push_str(chunk.valid());
        }
        if chunk.invalid().is_empty() {
            continue;
        }
        // A surrogate is three broken places of one byte each.
        let surrogate = bytes.get(at..at + 3).and_then(surrogate);
        at += chunk.invalid().len();
        let Some(unit) = surrogate else {
            replaced += 1;
            text.push(char::REPLACEMENT_CHARACTER);
            continue;
        };
        for _ in 0..2 {
            at += chunks.next().map_or(0, |chunk| chunk.invalid().len());
        }
        match (high.take(), unit) {
            (Some(high), 0xdc00..) => {
                text.pop();
                text.extend(char::decode_utf16([high, unit]).filter_map(Result::ok));
            }
            (before, unit) => {
                replaced += u64::from(before.is_some()) + u64::from(unit >= 0xdc00);
                text.push(char::REPLACEMENT_CHARACTER);
                high = (unit < 0xdc00).then_some(unit);
            }
        }
    }
    replaced += u64::from(high.is_some());
    Decoded { text, charset: "utf-8", replaced }
}

/// The surrogate that three bytes would be.
fn surrogate(bytes: &[u8]) -> Option<u16> {
    match *bytes {
        [0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf] => Some(0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f)),
        _ => None,
    }
}

/// Broken places after which a text with fewer characters is no UTF-8.
const HOPELESS: usize = 64;

/// A few broken places in a text that otherwise can be nothing but UTF-8.
pub(super) fn is_nearly_utf8(bytes: &[u8]) -> bool {
    let (mut valid, mut broken) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
        if broken == HOPELESS && valid < broken {
            break;
        }
    }
    valid > 0 && valid >= 10 * broken || is_cesu8(bytes)
}

/// Are all broken places halves of surrogate pairs?
fn is_cesu8(bytes: &[u8]) -> bool {
    let first = std::str::from_utf8(bytes).err().map_or(0, |error| error.valid_up_to());
    bytes.get(first..first + 3).and_then(surrogate).is_some() && utf8(bytes).replaced == 0
}

/// A few letters of rare alphabets may be kanji of EUC-JP, which are valid UTF-8 now and then: `2024年` is `2024ǯ`.
pub(super) fn is_doubtful(text: &str) -> bool {
    let mut beyond = text.chars().filter(|c| !c.is_ascii()).take(5);
    let (mut count, mut is_rare) = (0, true);
    while is_rare && let Some(c) = beyond.next() {
        count += 1;
        is_rare = matches!(c, '\u{180}'..='\u{36f}');
    }
    is_rare && (1..5).contains(&count)
}

/// UTF-16 after its mark, or what is known to be that.
pub(super) fn utf16(bytes: &[u8], is_little: bool) -> Decoded {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let unit = if is_little { u16::from_le_bytes } else { u16::from_be_bytes };
    let mut replaced = rest.len() as u64;
    let mut text = String::with_capacity(bytes.len() * 3 / 2);
    for c in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        replaced += u64::from(c.is_err());
        text.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    if !rest.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    Decoded { text, charset: if is_little { "utf-16le" } else { "utf-16be" }, replaced }
}

/// UTF-16 without a mark: the high bytes of Japanese and ASCII are 0x30 or 0x00 in one column, rarely in the other.
pub(super) fn utf16_by_columns(bytes: &[u8]) -> Option<Decoded> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() {
        return None;
    }
    let (mut even, mut odd) = (0, 0);
    for pair in pairs {
        even += usize::from(matches!(pair[0], 0 | 0x30));
        odd += usize::from(matches!(pair[1], 0 | 0x30));
    }
    let (high, low) = (even.max(odd), even.min(odd));
    if high * 10 < pairs.len() * 3 || low * 2 > high {
        return None;
    }
    plausible_utf16(bytes, odd > even)
}

/// A few words in UTF-16 without a mark, blanks and line ends may all be ASCII: every second byte is the 0 of kana, and the others are not only
/// letters and digits.
pub(super) fn is_kana_in_ascii(bytes: &[u8]) -> bool {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let zeros = |at: usize| pairs.iter().filter(|pair| pair[at] == b'0').count();
    let is_short = !pairs.is_empty() && rest.is_empty() && pairs.len() <= 64;
    is_short && zeros(0).max(zeros(1)) * 2 >= pairs.len() && !bytes.iter().all(u8::is_ascii_alphanumeric)
}

/// UTF-16 if the text could be Japanese.
pub(super) fn plausible_utf16(bytes: &[u8], is_little: bool) -> Option<Decoded> {
    let decoded = utf16(bytes, is_little);
    let plausible = decoded.text.chars().filter(|c| is_plausible(*c)).count();
    (plausible * 10 >= decoded.text.chars().count() * 9).then_some(decoded)
}

/// UTF-32 after its mark, or what is known to be that.
pub(super) fn utf32(bytes: &[u8], is_little: bool) -> Decoded {
    let (units, rest) = bytes.as_chunks::<4>();
    let unit = if is_little { u32::from_le_bytes } else { u32::from_be_bytes };
    let mut replaced = u64::from(!rest.is_empty());
    let mut text = String::with_capacity(bytes.len());
    for c in units.iter().map(|bytes| char::from_u32(unit(*bytes))) {
        replaced += u64::from(c.is_none());
        text.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    if !rest.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    Decoded { text, charset: if is_little { "utf-32le" } else { "utf-32be" }, replaced }
}

/// UTF-32 without a mark: every fourth byte is zero, and the one beside it next to always.
pub(super) fn utf32_by_columns(bytes: &[u8]) -> Option<Decoded> {
    let (units, rest) = bytes.as_chunks::<4>();
    if units.is_empty() || !rest.is_empty() {
        return None;
    }
    let is = |at: usize| units.iter().all(|unit| unit[at] == 0 && unit[if at == 0 { 1 } else { 2 }] <= 3 && *unit != [0; 4]);
    let is_little = is(3);
    (is_little || is(0)).then(|| utf32(bytes, is_little)).filter(|decoded| decoded.replaced == 0)
}

/// Characters that Japanese text consists of.
fn is_plausible(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{2010}'..='\u{203b}' | '\u{2190}'..='\u{21ff}' | '\u{2460}'..='\u{26ff}'
        | '\u{3000}'..='\u{301f}' | '\u{3041}'..='\u{3096}' | '\u{309b}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ff01}'..='\u{ffe5}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogates_in_utf8() {
        let cesu = |text: &str| -> Vec<u8> {
            text.encode_utf16()
                .flat_map(|unit| match unit {
                    0xd800..=0xdfff => vec![0xed, (unit >> 6 & 0x3f) as u8 | 0x80, (unit & 0x3f) as u8 | 0x80],
                    unit => String::from_utf16(&[unit]).unwrap().into_bytes(),
                })
                .collect()
        };
        let text = "𠮷野家😀😀。";
        assert_eq!(utf8(&cesu(text)), Decoded { text: text.into(), charset: "utf-8", replaced: 0 });
        assert!(is_nearly_utf8(&cesu("𠮷")));
        let half = utf8(b"a\xed\xa0\x80b\xed\xb0\x80\xed\xa0\x80");
        assert_eq!((half.text.as_str(), half.replaced), ("a\u{fffd}b\u{fffd}\u{fffd}", 3));
        assert_eq!(utf8(b"\xed\xa0").replaced, 2);
    }

    #[test]
    fn utf32_is_known_by_its_zeros() {
        let text = "日本語の𠮷\nabc";
        let little: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        let big: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
        assert_eq!(utf32_by_columns(&little).unwrap(), Decoded { text: text.into(), charset: "utf-32le", replaced: 0 });
        assert_eq!(utf32_by_columns(&big).unwrap(), Decoded { text: text.into(), charset: "utf-32be", replaced: 0 });
        assert_eq!(utf32_by_columns(&[0; 8]), None);
        assert_eq!(utf32_by_columns(b"abcd"), None);
    }
}
