//! How rare the characters of a script are: lists of figures, made by `scripts/make_frequent.py`.
//!
//! `frequent/ja.txt` counts the kanji of seven Japanese corpora (literature, statutes, encyclopedia, dialogue, manuals), the others the
//! translations of the React documentation (CC-BY-4.0). Which characters are how frequent is all that was taken from them.

use std::sync::LazyLock;

use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GBK};

/// Prices are tenths of bits. Line 0 of a list holds characters of this price, each next line 10 more.
const FIRST: u8 = 40;
/// Price of a character that is not listed.
const UNLISTED: u8 = 165;
/// Bytes that lead a character, from 0xA1.
const LEADS: usize = 94;
/// Bytes that can follow, from 0x40.
const TRAILS: usize = 0xbf;

/// Prices by code; codes with a lead of 0xA1–0xFE, whatever the charset.
pub(super) struct Prices(Vec<u8>);

impl Prices {
    fn new(list: &str, encoding: &'static Encoding) -> Self {
        let mut prices = vec![UNLISTED; LEADS * TRAILS];
        for (line, price) in list.lines().zip((FIRST..).step_by(10)) {
            let (codes, _, _) = encoding.encode(line);
            for code in codes.as_chunks::<2>().0 {
                if let Some(known) = prices.get_mut(index(code[0], code[1])) {
                    *known = price;
                }
            }
        }
        Self(prices)
    }

    /// The price of the character with that code, in tenths of a bit.
    #[inline]
    pub(super) fn of(&self, lead: u8, trail: u8) -> u64 {
        self.0.get(index(lead, trail)).copied().unwrap_or(UNLISTED).into()
    }
}

fn index(lead: u8, trail: u8) -> usize {
    usize::from(lead.wrapping_sub(0xa1)) * TRAILS + usize::from(trail.wrapping_sub(0x40))
}

/// Kanji by their code in EUC-JP.
pub(super) static KANJI: LazyLock<Prices> = LazyLock::new(|| Prices::new(include_str!("frequent/ja.txt"), EUC_JP));
/// Syllables of Hangul by their code in EUC-KR.
pub(super) static HANGUL: LazyLock<Prices> = LazyLock::new(|| Prices::new(include_str!("frequent/ko.txt"), EUC_KR));
/// Simplified Chinese by the code in GB 2312.
pub(super) static SIMPLIFIED: LazyLock<Prices> = LazyLock::new(|| Prices::new(include_str!("frequent/zh-hans.txt"), GBK));
/// Traditional Chinese by the code in Big5.
pub(super) static TRADITIONAL: LazyLock<Prices> = LazyLock::new(|| Prices::new(include_str!("frequent/zh-hant.txt"), BIG5));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_characters_are_cheap() {
        for (prices, encoding, frequent, rare) in
            [(&KANJI, EUC_JP, "日", "麤"), (&HANGUL, EUC_KR, "이", "뷁"), (&SIMPLIFIED, GBK, "的", "鼹"), (&TRADITIONAL, BIG5, "的", "鼴")]
        {
            let price = |c: &str| {
                let (code, _, _) = encoding.encode(c);
                prices.of(code[0], code[1])
            };
            assert!(price(frequent) <= 80 && price(rare) >= 140, "{frequent} {} {rare} {}", price(frequent), price(rare));
        }
    }
}
