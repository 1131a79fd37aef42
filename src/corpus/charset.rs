//! Bytes of unknown charset → text, for the five encodings in which Japanese is met.
//!
//! The order matters, for many files decode without error in several charsets: BOM, ISO-2022-JP by its escape sequences, UTF-16
//! by its zero columns, strict UTF-8, and at last CP932 against EUC-JP, *both* read and scored by how well the classes of their
//! characters follow each other in Japanese. A declared charset only breaks ties: pages lie.

use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS};

/// A decoded text.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without a byte order mark.
    pub text: String,
    /// The charset it was in: `utf-8`, `utf-16le`, `utf-16be`, `iso-2022-jp`, `shift_jis` (the CP932 table of the WHATWG) or `euc-jp`.
    pub charset: &'static str,
    /// Places that had no meaning in that charset and are U+FFFD now.
    pub replaced: u64,
}

impl Decoded {
    /// Is more than half a percent of the text replaced, so that it had better not be used?
    pub fn is_garbled(&self) -> bool {
        self.replaced > 0 && self.replaced * 200 > self.text.chars().count() as u64
    }
}

/// Decodes `bytes`; `declared` is what a header or a page says of itself. Linear in the length, never fails.
pub fn decode(bytes: &[u8], declared: Option<&str>) -> Decoded {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => return utf8(rest),
        [0xff, 0xfe, rest @ ..] => return utf16(rest, u16::from_le_bytes, "utf-16le"),
        [0xfe, 0xff, rest @ ..] => return utf16(rest, u16::from_be_bytes, "utf-16be"),
        _ => {}
    }
    if has_jis_escapes(bytes) {
        let decoded = iso_2022_jp(bytes);
        if !decoded.is_garbled() {
            return decoded;
        }
    }
    let strict = simdutf8::compat::from_utf8(bytes);
    if (strict.is_err() || memchr::memchr(0, bytes).is_some())
        && let Some(decoded) = utf16_by_columns(bytes)
    {
        return decoded;
    }
    match strict {
        Ok(text) => Decoded { text: text.to_owned(), charset: "utf-8", replaced: 0 },
        Err(error) if error.error_len().is_none() || is_nearly_utf8(bytes) => utf8(bytes),
        Err(_) => cp932_or_euc_jp(bytes, declared),
    }
}

fn utf8(bytes: &[u8]) -> Decoded {
    let replaced = bytes.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).count() as u64;
    Decoded { text: String::from_utf8_lossy(bytes).into_owned(), charset: "utf-8", replaced }
}

/// A few broken places in a text that otherwise can be nothing but UTF-8.
fn is_nearly_utf8(bytes: &[u8]) -> bool {
    let (mut valid, mut broken) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    valid >= 10 * broken
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, charset: &'static str) -> Decoded {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut replaced = rest.len() as u64;
    let mut text = String::with_capacity(bytes.len() * 3 / 2);
    for c in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        replaced += u64::from(c.is_err());
        text.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    if !rest.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    Decoded { text, charset, replaced }
}

/// UTF-16 without BOM: the high bytes of Japanese and ASCII are 0x30 or 0x00 in one column, rarely in the other.
fn utf16_by_columns(bytes: &[u8]) -> Option<Decoded> {
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
    let decoded = if odd > even { utf16(bytes, u16::from_le_bytes, "utf-16le") } else { utf16(bytes, u16::from_be_bytes, "utf-16be") };
    let plausible = decoded.text.chars().filter(|c| is_plausible(*c)).count();
    (plausible * 10 >= decoded.text.chars().count() * 9).then_some(decoded)
}

/// Characters that Japanese text consists of.
fn is_plausible(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{2010}'..='\u{203b}' | '\u{2190}'..='\u{21ff}' | '\u{2460}'..='\u{26ff}'
        | '\u{3000}'..='\u{301f}' | '\u{3041}'..='\u{3096}' | '\u{309b}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ff01}'..='\u{ffe5}')
}

/// Seven-bit text with a shift to a Japanese set. `ESC ( B` alone proves nothing: terminals use it too.
fn has_jis_escapes(bytes: &[u8]) -> bool {
    let shifts = |at: usize| matches!(bytes.get(at + 1..at + 3), Some([b'$', b'@' | b'B' | b'('] | [b'(', b'I']));
    memchr::memchr_iter(0x1b, bytes).any(shifts) && bytes.is_ascii()
}

fn iso_2022_jp(bytes: &[u8]) -> Decoded {
    let decoded = by_table(bytes, ISO_2022_JP, "iso-2022-jp");
    if decoded.replaced == 0 {
        return decoded;
    }
    by_table(&without_idle_escapes(bytes), ISO_2022_JP, "iso-2022-jp")
}

/// Drops escape sequences that another one follows at once: harmless, common in joined mail, and an error to the WHATWG.
fn without_idle_escapes(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for at in memchr::memchr_iter(0x1b, bytes) {
        if bytes.get(at + 3) == Some(&0x1b) && matches!(bytes.get(at + 1), Some(b'(' | b'$')) {
            kept.extend_from_slice(&bytes[from..at]);
            from = at + 3;
        }
    }
    kept.extend_from_slice(&bytes[from..]);
    kept
}

/// These tables hold no U+FFFD, so each one in the text is a replacement.
fn by_table(bytes: &[u8], encoding: &'static Encoding, charset: &'static str) -> Decoded {
    let (text, replaced) = encoding.decode_without_bom_handling(bytes);
    let replaced = if replaced { text.matches(char::REPLACEMENT_CHARACTER).count() as u64 } else { 0 };
    Decoded { text: text.into_owned(), charset, replaced }
}

fn cp932_or_euc_jp(bytes: &[u8], declared: Option<&str>) -> Decoded {
    let declared = declared.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    let bonus = |encoding| if declared == Some(encoding) { DECLARED } else { 0 };
    let cp932 = cost(bytes, cp932_next).saturating_sub(bonus(SHIFT_JIS));
    let euc_jp = cost(bytes, euc_jp_next).saturating_sub(bonus(EUC_JP));
    let mut order = [(SHIFT_JIS, "shift_jis"), (EUC_JP, "euc-jp")];
    if euc_jp < cp932 {
        order.reverse();
    }
    let [likelier, other] = order.map(|(encoding, charset)| move || by_table(bytes, encoding, charset));
    let decoded = likelier();
    if decoded.is_garbled() {
        // What reads without any error is that charset, however odd the text: it may have been garbled before it was written.
        return Some(other()).filter(|other| other.replaced == 0).unwrap_or(decoded);
    }
    decoded
}

/// Classes of characters with their price in tenths of a bit: how rare the class is after another class, after itself, and a character within it.
/// Rounded shares of Japanese text in general; half-width kana are rare but come in runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Ascii,
    Hiragana,
    Katakana,
    Mark,
    Kanji,
    RareKanji,
    Wide,
    HalfKana,
    Vendor,
    Private,
    Broken,
}

/// What a declaration is worth, in tenths of a bit.
const DECLARED: u64 = 40;

impl Class {
    const fn enter(self) -> u64 {
        match self {
            Self::Hiragana => 12,
            Self::Kanji => 17,
            Self::Katakana => 33,
            Self::Mark => 36,
            Self::Ascii => 40,
            Self::Wide => 66,
            Self::RareKanji => 76,
            Self::HalfKana => 90,
            Self::Vendor => 110,
            Self::Private => 130,
            Self::Broken => 150,
        }
    }

    const fn stay(self) -> u64 {
        match self {
            Self::Ascii | Self::HalfKana => 3,
            Self::Katakana => 4,
            Self::Hiragana | Self::Kanji | Self::Wide => 10,
            Self::Mark | Self::Private => 30,
            Self::Vendor => 40,
            Self::RareKanji => 60,
            Self::Broken => 150,
        }
    }

    const fn within(self) -> u64 {
        match self {
            Self::Ascii | Self::Hiragana | Self::HalfKana => 60,
            Self::Katakana => 64,
            Self::Mark => 50,
            Self::Wide => 70,
            Self::Kanji => 95,
            Self::Vendor => 100,
            Self::Broken => 400,
            Self::Private => 110,
            Self::RareKanji => 118,
        }
    }
}

/// Price of the bytes as text in the charset whose characters `next` reads.
fn cost(mut bytes: &[u8], next: fn(&[u8]) -> (Class, usize)) -> u64 {
    let mut before = Class::Mark;
    let mut sum = 0;
    while !bytes.is_empty() {
        let (class, length) = next(bytes);
        sum += class.within() + if class == before { class.stay() } else { class.enter() };
        before = class;
        bytes = bytes.get(length..).unwrap_or_default();
    }
    sum
}

/// First character of CP932 text: class and length.
fn cp932_next(bytes: &[u8]) -> (Class, usize) {
    let (lead, trail) = (bytes[0], bytes.get(1).copied().unwrap_or(0));
    let class = match lead {
        0..=0x7f => return (Class::Ascii, 1),
        0xa1..=0xdf => return (Class::HalfKana, 1),
        0x80 | 0xa0 | 0xfd..=0xff => return (Class::Broken, 1),
        _ if !matches!(trail, 0x40..=0x7e | 0x80..=0xfc) => return (Class::Broken, 1),
        0x81 if trail == 0x5b => Class::Katakana,
        0x81 => Class::Mark,
        0x82 if trail >= 0x9f => Class::Hiragana,
        0x83 if trail <= 0x96 => Class::Katakana,
        0x82..=0x84 => Class::Wide,
        0x88 if trail < 0x9f => Class::Broken,
        0x88..=0x97 => Class::Kanji,
        0x98 if trail <= 0x72 => Class::Kanji,
        0x98..=0x9f | 0xe0..=0xe9 => Class::RareKanji,
        0xea if trail <= 0xa4 => Class::RareKanji,
        0x87 | 0xed | 0xee | 0xfa..=0xfc => Class::Vendor,
        0xf0..=0xf9 => Class::Private,
        _ => Class::Broken,
    };
    (class, 2)
}

/// First character of EUC-JP text: class and length.
fn euc_jp_next(bytes: &[u8]) -> (Class, usize) {
    let (lead, trail) = (bytes[0], bytes.get(1).copied().unwrap_or(0));
    let class = match lead {
        0..=0x7f => return (Class::Ascii, 1),
        0x8e if matches!(trail, 0xa1..=0xdf) => Class::HalfKana,
        0x8f if matches!(trail, 0xa1..=0xfe) && matches!(bytes.get(2), Some(0xa1..=0xfe)) => return (Class::Vendor, 3),
        0x80..=0xa0 | 0xff => return (Class::Broken, 1),
        _ if !matches!(trail, 0xa1..=0xfe) => return (Class::Broken, 1),
        0xa1 if trail == 0xbc => Class::Katakana,
        0xa1 | 0xa2 => Class::Mark,
        0xa4 if trail <= 0xf3 => Class::Hiragana,
        0xa5 if trail <= 0xf6 => Class::Katakana,
        0xa3 | 0xa6..=0xa8 => Class::Wide,
        0xb0..=0xce => Class::Kanji,
        0xcf if trail <= 0xd3 => Class::Kanji,
        0xd0..=0xf3 => Class::RareKanji,
        0xf4 if trail <= 0xa6 => Class::RareKanji,
        0xad | 0xf9..=0xfc => Class::Vendor,
        _ => Class::Broken,
    };
    (class, 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::tests::shared;
    use proptest::prelude::*;

    const TEXT: &str = "日本語の文書を正規化し、形態素に分割してから重複を除く。\r\nカタカナとABC 123も（少し）あります。\n";

    fn encode(text: &str, charset: &str) -> Vec<u8> {
        match charset {
            "utf-8" => text.as_bytes().to_vec(),
            "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            label => {
                let (bytes, _, lossy) = Encoding::for_label(label.as_bytes()).unwrap().encode(text);
                assert!(!lossy, "{text}");
                bytes.into_owned()
            }
        }
    }

    #[test]
    fn five_encodings() {
        for charset in ["utf-8", "utf-16le", "utf-16be", "iso-2022-jp", "shift_jis", "euc-jp"] {
            for declared in [None, Some("shift_jis"), Some("euc-jp"), Some("nonsense")] {
                let expected = Decoded { text: TEXT.to_owned(), charset, replaced: 0 };
                assert_eq!(decode(&encode(TEXT, charset), declared), expected, "{declared:?}");
            }
        }
    }

    #[test]
    fn half_width_kana_and_tables() {
        let bank = "ｶ)ﾄｳｷﾖｳｼﾖｳｼﾞ 00123 ﾌﾘｺﾐ\nﾔﾏﾀﾞ ﾀﾛｳ 00456 ﾃｽｳﾘﾖｳ\n";
        assert_eq!(decode(&encode(bank, "shift_jis"), None).text, bank);
        let table = "あ0,0,0,0,0,0,0,0,0,0,0,0,0,0\n".repeat(3);
        assert_eq!(decode(&encode(&table, "shift_jis"), None).text, table);
    }

    #[test]
    fn what_was_garbled_before_is_still_read() {
        // EUC-JP taken for CP932 and written as such: kana as EUC-JP, with a broken place in every line.
        let garbled = "､｢､､､ﾆ､ｪ､ﾇ､ｹ､ｬ&#65533;ｽ､ｳ\n".repeat(5);
        let bytes = encode(&garbled, "shift_jis");
        assert!(by_table(&bytes, EUC_JP, "euc-jp").is_garbled());
        assert_eq!(decode(&bytes, None), Decoded { text: garbled, charset: "shift_jis", replaced: 0 });
    }

    #[test]
    fn byte_order_marks() {
        assert_eq!(decode(b"\xef\xbb\xbfa\xff", None), Decoded { text: "a\u{fffd}".into(), charset: "utf-8", replaced: 1 });
        assert_eq!(decode(b"\xff\xfe\x42\x30", None), Decoded { text: "あ".into(), charset: "utf-16le", replaced: 0 });
        assert_eq!(decode(b"\xfe\xff\x30\x42\x30", None), Decoded { text: "あ\u{fffd}".into(), charset: "utf-16be", replaced: 1 });
        assert_eq!(decode(b"\xff\xfe\x00\xd8\x42\x30", None).replaced, 1);
    }

    #[test]
    fn terminal_escapes_are_not_iso_2022_jp() {
        assert_eq!(decode(b"a\x1b(B\x1b[mb\0", None), Decoded { text: "a\x1b(B\x1b[mb\0".into(), charset: "utf-8", replaced: 0 });
    }

    #[test]
    fn joined_iso_2022_jp() {
        let one = encode("日本", "iso-2022-jp");
        assert_eq!(decode(&[&one[..], &one].concat(), None), Decoded { text: "日本日本".into(), charset: "iso-2022-jp", replaced: 0 });
    }

    #[test]
    fn broken_utf8_stays_utf8() {
        let mut bytes = TEXT.repeat(20).into_bytes();
        bytes[3] = 0xff;
        let decoded = decode(&bytes, Some("euc-jp"));
        assert_eq!(decoded.charset, "utf-8");
        assert!(decoded.replaced > 0 && !decoded.is_garbled());
        assert_eq!(decode("日本語".as_bytes().split_last().unwrap().1, None).charset, "utf-8");
    }

    #[test]
    fn published_files_decode_to_the_very_text() {
        let Some(dir) = shared("published_files_decode_to_the_very_text", "data/dirty") else { return };
        let manifest = std::fs::read_to_string(dir.join("raw-manifest.jsonl")).unwrap();
        for line in manifest.lines() {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            let bytes = std::fs::read(dir.join("raw").join(entry["file"].as_str().unwrap())).unwrap();
            let truth = match entry["encoding"].as_str().unwrap() {
                "cp932" | "shift_jis_2004" => SHIFT_JIS,
                "euc_jp" => EUC_JP,
                "iso2022_jp" => ISO_2022_JP,
                "utf-16" => encoding_rs::UTF_16LE,
                _ => encoding_rs::UTF_8,
            };
            let (text, errors) = truth.decode_with_bom_removal(&bytes);
            assert!(!errors);
            for declared in [None, Some("shift_jis"), Some("euc-jp"), Some("x-sjis"), Some("utf-8-bom")] {
                let decoded = decode(&bytes, declared);
                assert_eq!((decoded.text.as_str(), decoded.replaced), (&*text, 0), "{}", entry["file"]);
                assert_eq!(decoded.text.chars().count() as u64, entry["utf8_chars"].as_u64().unwrap(), "{}", entry["file"]);
            }
        }
    }

    /// Slices of real text in both charsets; `(wrong, all)`.
    fn snippets(text: &str, chars: usize) -> (usize, usize) {
        let (mut wrong, mut all) = (0, 0);
        let text: Vec<char> = text.chars().filter(|c| !c.is_ascii_control()).collect();
        for piece in text.chunks(chars).step_by(3) {
            let piece: String = piece.iter().collect();
            for encoding in [SHIFT_JIS, EUC_JP] {
                let (bytes, _, lossy) = encoding.encode(&piece);
                if !lossy && !piece.is_ascii() {
                    all += 1;
                    wrong += usize::from(encoding.decode_without_bom_handling(&bytes).0 != decode(&bytes, None).text);
                }
            }
        }
        (wrong, all)
    }

    #[test]
    fn short_pieces_are_told_apart() {
        let Some(dir) = shared("short_pieces_are_told_apart", "data/corpus") else { return };
        for name in ["aozora", "law", "kyoto-wiki", "realpersonachat", "rurema"] {
            let file = std::fs::File::open(dir.join(format!("{name}.jsonl.zst"))).unwrap();
            let mut head = Vec::new();
            std::io::Read::read_to_end(&mut std::io::Read::take(zstd::Decoder::new(file).unwrap(), 1 << 20), &mut head).unwrap();
            let lines = head.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok());
            let text: String = lines.map(|line| line["text"].as_str().unwrap().to_owned()).collect();
            for (chars, allowed) in [(10, 0.01), (50, 0.001), (200, 0.0)] {
                let (wrong, all) = snippets(&text, chars);
                let rate = wrong as f64 / all as f64;
                assert!(all > 100 && rate <= allowed, "{name}: {wrong} of {all} pieces of {chars} characters");
            }
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0x1b), Just(b'$'), Just(b'B'), Just(0)], 0..80)) {
            let decoded = decode(&bytes, Some("euc-jp"));
            prop_assert!(decoded.replaced <= bytes.len() as u64);
        }

        #[test]
        fn utf8_is_left_alone(text in "[a-zぁ-んァ-ヶ一-龠、。 \n]{0,40}") {
            prop_assert_eq!(decode(text.as_bytes(), Some("shift_jis")).text, text);
        }
    }
}
