//! The price of bytes as text in a charset: how well the classes of its characters follow each other in a language, and how frequent each is.
//!
//! Prices are tenths of bits. Those of Japanese are rounded shares of Japanese text in general; those of Korean and Chinese were counted in
//! the texts that [`frequent`](super::frequent) names. What is cheapest is the likeliest.

use super::frequent::{HANGUL, KANJI, SIMPLIFIED, TRADITIONAL};

/// Characters outside of ASCII that are looked at: more would tell no more.
const LOOKED_AT: u64 = 1 << 15;

/// Classes of characters.
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
    Hangul,
    Hanja,
    Hanzi,
    /// A code of the charset that has no character.
    Undefined,
    /// No code of the charset.
    Broken,
}

impl Class {
    /// How rare the class is after another class. ASCII has its own price in each language.
    const fn enter(self) -> u64 {
        match self {
            Self::Hanzi => 7,
            Self::Hiragana => 12,
            Self::Hangul => 14,
            Self::Kanji => 17,
            Self::Katakana => 33,
            Self::Mark => 36,
            Self::Ascii => 40,
            Self::Wide => 66,
            Self::RareKanji => 76,
            Self::HalfKana => 90,
            Self::Vendor => 110,
            Self::Private => 130,
            Self::Undefined | Self::Hanja => 150,
            Self::Broken => 250,
        }
    }

    /// How rare it is after itself.
    const fn stay(self) -> u64 {
        match self {
            Self::Hanzi => 2,
            Self::Ascii | Self::HalfKana => 3,
            Self::Katakana => 4,
            Self::Hangul => 6,
            Self::Hiragana | Self::Kanji | Self::Wide => 10,
            Self::Hanja => 26,
            Self::Mark | Self::Private => 30,
            Self::Vendor => 40,
            Self::RareKanji => 60,
            Self::Undefined => 150,
            Self::Broken => 250,
        }
    }

    /// What a character of it costs where nothing more is known.
    const fn within(self) -> u64 {
        match self {
            Self::Mark => 50,
            Self::Ascii | Self::Hiragana | Self::HalfKana => 60,
            Self::Katakana => 64,
            Self::Wide => 70,
            Self::Hangul | Self::Hanzi | Self::Kanji => 95,
            Self::Vendor => 100,
            Self::Private => 110,
            Self::RareKanji => 118,
            Self::Hanja => 130,
            Self::Undefined => 150,
            Self::Broken => 300,
        }
    }
}

/// The first character of some bytes.
struct Step {
    class: Class,
    within: u64,
    length: usize,
}

impl Step {
    const fn of(class: Class, length: usize) -> Self {
        Self { class, within: class.within(), length }
    }
}

/// How a charset is read and its language judged.
pub(super) struct Model {
    next: fn(&[u8]) -> Step,
    /// Price of ASCII after something else: Korean has blanks between words.
    ascii: u64,
}

pub(super) const CP932: Model = Model { next: cp932, ascii: 40 };
pub(super) const EUC_JP: Model = Model { next: euc_jp, ascii: 40 };
pub(super) const EUC_KR: Model = Model { next: euc_kr, ascii: 17 };
pub(super) const GBK: Model = Model { next: gbk, ascii: 40 };
pub(super) const BIG5: Model = Model { next: big5, ascii: 40 };
pub(super) const SINGLE_BYTE: Model = Model { next: single_byte, ascii: 40 };

/// Half-width kana are rare, but where there are some there are more.
const HALF_KANA_AGAIN: u64 = 45;

/// What reading some bytes in a charset costs, and what was met.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) price: u64,
    /// Characters outside of ASCII.
    pub(super) characters: u64,
    /// Hiragana and katakana of full width.
    pub(super) kana: u64,
    pub(super) half_kana: u64,
    /// Half-width kana below ﾀ: half of all, and no letters of KOI8-R.
    pub(super) low_half_kana: u64,
    /// Bytes that are no code of the charset.
    pub(super) broken: u64,
    /// Characters that would make one word of the letters around them.
    pub(super) words: u64,
}

/// What a kanji costs more that would make one word of the letters around it: `d’u` in windows-1252.
const WITHIN_A_WORD: u64 = 50;

/// Price of the bytes as text in that charset. Of long texts the first part that is not ASCII is looked at.
pub(super) fn cost(mut bytes: &[u8], model: &Model) -> Cost {
    let mut cost = Cost::default();
    let mut before = Class::Mark;
    let mut is_word = false;
    while let Some(first) = bytes.first() {
        if first.is_ascii() {
            let run = bytes.iter().position(|b| !b.is_ascii()).unwrap_or(bytes.len());
            let enter = if before == Class::Ascii { Class::Ascii.stay() } else { model.ascii };
            cost.price += enter + (run as u64 - 1) * Class::Ascii.stay() + run as u64 * Class::Ascii.within();
            before = Class::Ascii;
            is_word = bytes[run - 1].is_ascii_alphabetic();
            bytes = bytes.get(run..).unwrap_or_default();
            continue;
        }
        let Step { class, within, length } = (model.next)(bytes);
        cost.price += within
            + match class {
                class if class == before => class.stay(),
                Class::HalfKana if cost.half_kana > 0 => HALF_KANA_AGAIN,
                class => class.enter(),
            };
        let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_lowercase);
        if std::mem::take(&mut is_word) && length == 2 && is_letter(bytes.get(1)) {
            cost.price += WITHIN_A_WORD;
            cost.words += 1;
        }
        cost.characters += 1;
        cost.kana += u64::from(matches!(class, Class::Hiragana | Class::Katakana));
        cost.half_kana += u64::from(class == Class::HalfKana);
        cost.low_half_kana += u64::from(class == Class::HalfKana && bytes[length - 1] < 0xc0);
        cost.broken += u64::from(class == Class::Broken);
        before = class;
        bytes = bytes.get(length..).unwrap_or_default();
        if cost.characters == LOOKED_AT {
            break;
        }
    }
    cost
}

/// A kanji of JIS X 0208 by its code in EUC-JP.
fn kanji(lead: u8, trail: u8, length: usize) -> Step {
    let is_rare = lead >= 0xd0 || lead == 0xcf && trail >= 0xd4;
    let class = if is_rare { Class::RareKanji } else { Class::Kanji };
    Step { class, within: KANJI.of(lead, trail).min(class.within() + 45), length }
}

/// Price of a character of ISO-2022-JP, JIS X 0208, alone; `None` for a cell without one.
pub(super) fn cell(lead: u8, trail: u8) -> Option<u64> {
    let step = euc_jp(&[lead | 0x80, trail | 0x80]);
    let is_read = !matches!(step.class, Class::Undefined | Class::Broken | Class::HalfKana) && lead & 0x7f > 0x20;
    is_read.then(|| step.within + if step.class == Class::RareKanji { 20 } else { 0 })
}

/// Half-width kana by how frequent they are, from 0xA1.
const HALF_KANA: [u8; 63] = [
    70, 75, 75, 80, 65, 90, 82, 72, 99, 78, 92, 75, 76, 77, 56, 38, 53, 50, 62, 68, 66, 55, 60, 53, 72, 60, 65, 52, 45, 70, 77, 55, 64, 66,
    57, 45, 68, 66, 95, 77, 65, 52, 61, 53, 65, 63, 63, 73, 65, 63, 74, 76, 93, 86, 55, 53, 48, 62, 58, 80, 42, 33, 52,
];

fn half_kana(byte: u8, length: usize) -> Step {
    let within = HALF_KANA.get(usize::from(byte.wrapping_sub(0xa1))).copied().map_or(Class::HalfKana.within(), u64::from);
    Step { class: Class::HalfKana, within, length }
}

fn cp932(bytes: &[u8]) -> Step {
    let (lead, trail) = (bytes[0], bytes.get(1).copied().unwrap_or(0));
    let class = match lead {
        0..=0x7f => return Step::of(Class::Ascii, 1),
        0xa1..=0xdf => return half_kana(lead, 1),
        0x80 => return Step::of(Class::Undefined, 1),
        0xa0 | 0xfd..=0xff => return Step::of(Class::Broken, 1),
        _ if !matches!(trail, 0x40..=0x7e | 0x80..=0xfc) => return Step::of(Class::Broken, 1),
        0x81 if trail == 0x5b => Class::Katakana,
        0x81 => Class::Mark,
        0x82 if trail >= 0x9f => Class::Hiragana,
        0x83 if trail <= 0x96 => Class::Katakana,
        0x82..=0x84 => Class::Wide,
        0x88 if trail < 0x9f => Class::Undefined,
        0x88..=0x97 | 0x99..=0x9f | 0xe0..=0xe9 => return cp932_kanji(lead, trail),
        0x98 if !matches!(trail, 0x73..=0x9e) => return cp932_kanji(lead, trail),
        0xea if trail <= 0xa4 => return cp932_kanji(lead, trail),
        0x87 | 0xed | 0xee | 0xfa..=0xfc => Class::Vendor,
        0xf0..=0xf9 => Class::Private,
        _ => Class::Undefined,
    };
    Step::of(class, 2)
}

/// Two rows of JIS X 0208 share a lead byte.
fn cp932_kanji(lead: u8, trail: u8) -> Step {
    let pair = lead - if lead < 0xa0 { 0x81 } else { 0xc1 };
    let place = trail - if trail < 0x80 { 0x40 } else { 0x41 };
    kanji(0xa1 + pair * 2 + place / 94, 0xa1 + place % 94, 2)
}

fn euc_jp(bytes: &[u8]) -> Step {
    let (lead, trail) = (bytes[0], bytes.get(1).copied().unwrap_or(0));
    let class = match lead {
        0..=0x7f => return Step::of(Class::Ascii, 1),
        0x8e if matches!(trail, 0xa1..=0xdf) => return half_kana(trail, 2),
        0x8f if matches!(trail, 0xa1..=0xfe) && matches!(bytes.get(2), Some(0xa1..=0xfe)) => return Step::of(Class::Vendor, 3),
        0x80..=0xa0 | 0xff => return Step::of(Class::Broken, 1),
        _ if !matches!(trail, 0xa1..=0xfe) => return Step::of(Class::Broken, 1),
        0xa1 if trail == 0xbc => Class::Katakana,
        0xa1 | 0xa2 => Class::Mark,
        0xa4 if trail <= 0xf3 => Class::Hiragana,
        0xa5 if trail <= 0xf6 => Class::Katakana,
        0xa3 | 0xa6..=0xa8 => Class::Wide,
        0xb0..=0xce | 0xd0..=0xf3 => return kanji(lead, trail, 2),
        0xcf if trail <= 0xd3 => return kanji(lead, trail, 2),
        0xf4 if trail <= 0xa6 => return kanji(lead, trail, 2),
        0xad | 0xf9..=0xfc => Class::Vendor,
        _ => Class::Undefined,
    };
    Step::of(class, 2)
}

fn euc_kr(bytes: &[u8]) -> Step {
    let (lead, trail) = (bytes[0], bytes.get(1).copied().unwrap_or(0));
    let class = match (lead, trail) {
        (0..=0x7f, _) => return Step::of(Class::Ascii, 1),
        (0xb0..=0xc8, 0xa1..=0xfe) => return Step { class: Class::Hangul, within: HANGUL.of(lead, trail), length: 2 },
        (0xa1 | 0xa2, 0xa1..=0xfe) => return Step { class: Class::Wide, within: Class::Mark.within(), length: 2 },
        // Digits of full width have the codes of Japanese, where they are frequent.
        (0xa3..=0xac, 0xa1..=0xfe) => return Step { class: Class::Wide, within: 110, length: 2 },
        (0xca..=0xfd, 0xa1..=0xfe) => Class::Hanja,
        (0x81..=0xc6, 0x41..=0x5a | 0x61..=0x7a | 0x81..=0xfe) => return Step { class: Class::Hangul, within: 175, length: 2 },
        (0x81..=0xfe, 0xa1..=0xfe) => Class::Undefined,
        _ => return Step::of(Class::Broken, 1),
    };
    Step::of(class, 2)
}

fn gbk(bytes: &[u8]) -> Step {
    let (lead, trail) = (bytes[0], bytes.get(1).copied().unwrap_or(0));
    let class = match (lead, trail) {
        (0..=0x7f, _) => return Step::of(Class::Ascii, 1),
        (0xb0..=0xf7, 0xa1..=0xfe) => return Step { class: Class::Hanzi, within: SIMPLIFIED.of(lead, trail), length: 2 },
        (0xa1, 0xa1..=0xfe) | (0xa3, 0xa1..=0xaf | 0xba..=0xbf) => Class::Mark,
        (0xa2..=0xa9, 0xa1..=0xfe) => return Step { class: Class::Wide, within: 100, length: 2 },
        (0x81..=0xfe, 0x30..=0x39) if matches!(bytes.get(2..4), Some([0x81..=0xfe, 0x30..=0x39])) => return Step::of(Class::Undefined, 4),
        (0x81..=0xa0 | 0xaa..=0xfe, 0x40..=0x7e | 0x80..=0xa0) | (0x81..=0xa0, 0xa1..=0xfe) => {
            return Step { class: Class::Hanzi, within: 185, length: 2 };
        }
        (0x81..=0xfe, 0x40..=0x7e | 0x80..=0xfe) => Class::Undefined,
        _ => return Step::of(Class::Broken, 1),
    };
    Step::of(class, 2)
}

fn big5(bytes: &[u8]) -> Step {
    let (lead, trail) = (bytes[0], bytes.get(1).copied().unwrap_or(0));
    let class = match (lead, trail) {
        (0..=0x7f, _) => return Step::of(Class::Ascii, 1),
        (0xa4..=0xf9, 0x40..=0x7e | 0xa1..=0xfe) => return Step { class: Class::Hanzi, within: TRADITIONAL.of(lead, trail), length: 2 },
        (0xa1, 0x40..=0x7e | 0xa1..=0xfe) => Class::Mark,
        (0xa2 | 0xa3, 0x40..=0x7e | 0xa1..=0xfe) => return Step { class: Class::Wide, within: 100, length: 2 },
        (0x81..=0xfe, 0x40..=0x7e | 0xa1..=0xfe) => Class::Undefined,
        _ => return Step::of(Class::Broken, 1),
    };
    Step::of(class, 2)
}

/// Letters with marks among others, or letters of another alphabet, with a sign here and there.
fn single_byte(bytes: &[u8]) -> Step {
    let within = match bytes[0] {
        0xc0..=0xff => 68,
        0x85 | 0x91..=0x97 | 0xa0 | 0xa9 | 0xab | 0xae | 0xb0 | 0xb7 | 0xbb => 80,
        _ => 95,
    };
    Step { class: Class::Ascii, within, length: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_charset_is_the_cheapest() {
        let samples = [
            ("春の朝、川のそばを歩きました。", encoding_rs::SHIFT_JIS, 0),
            ("春の朝、川のそばを歩きました。", encoding_rs::EUC_JP, 1),
            ("東京都渋谷区役所", encoding_rs::SHIFT_JIS, 0),
            ("東京都渋谷区役所", encoding_rs::EUC_JP, 1),
            ("봄날 아침에 강가를 걸었습니다.", encoding_rs::EUC_KR, 2),
            ("春天的早晨，我们在河边散步。", encoding_rs::GBK, 3),
            ("春天的早晨，我們在河邊散步。", encoding_rs::BIG5, 4),
            ("Le café est fermé à midi.", encoding_rs::WINDOWS_1252, 5),
            ("Весной мы гуляли у реки.", encoding_rs::WINDOWS_1251, 5),
        ];
        for (text, encoding, expected) in samples {
            let (bytes, _, _) = encoding.encode(text);
            let prices = [CP932, EUC_JP, EUC_KR, GBK, BIG5, SINGLE_BYTE].map(|model| cost(&bytes, &model).price);
            assert_eq!(prices.iter().enumerate().min_by_key(|(_, price)| **price).map(|(n, _)| n), Some(expected), "{text} {prices:?}");
        }
    }

    #[test]
    fn both_charsets_price_a_kanji_alike() {
        for c in ["亜", "腕", "弌", "熙", "鷗", "漢", "麤"] {
            let price = |encoding: &'static encoding_rs::Encoding, model| cost(&encoding.encode(c).0, &model).price;
            assert_eq!(price(encoding_rs::SHIFT_JIS, CP932), price(encoding_rs::EUC_JP, EUC_JP), "{c}");
        }
    }
}
