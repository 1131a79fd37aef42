//! Formulae of letters and statutes: fixed phrases that tell the kind of a document.

use crate::keigo::alphabet::flag;
use crate::keigo::scene::Item;

/// What a formula belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Domain {
    Legal,
    Opening,
    Closing,
    Letter,
}

const FORMULAE: &[(Domain, &str)] = &[
    (Domain::Legal, "ものとする"),
    (Domain::Legal, "なければならない"),
    (Domain::Legal, "この限りでない"),
    (Domain::Legal, "掲げる"),
    (Domain::Legal, "前項の"),
    (Domain::Legal, "前条の"),
    (Domain::Legal, "次条"),
    (Domain::Legal, "各号"),
    (Domain::Legal, "施行する"),
    (Domain::Legal, "規定による"),
    (Domain::Legal, "規定により"),
    (Domain::Legal, "当該"),
    (Domain::Legal, "べからず"),
    (Domain::Legal, "準用する"),
    (Domain::Opening, "拝啓"),
    (Domain::Opening, "謹啓"),
    (Domain::Opening, "前略"),
    (Domain::Closing, "敬具"),
    (Domain::Closing, "敬白"),
    (Domain::Closing, "草々"),
    (Domain::Letter, "時下"),
    (Domain::Letter, "平素は"),
    (Domain::Letter, "高配を賜り"),
    (Domain::Letter, "厚く御礼申し上げ"),
    (Domain::Letter, "厚くお礼申し上げ"),
    (Domain::Letter, "何卒よろしく"),
    (Domain::Letter, "何とぞよろしく"),
    (Domain::Letter, "取り急ぎ"),
    (Domain::Letter, "末筆ながら"),
    (Domain::Letter, "お世話になって"),
    (Domain::Letter, "恐れ入りますが"),
    (Domain::Letter, "自愛ください"),
    (Domain::Letter, "略儀ながら"),
    (Domain::Letter, "謹んで"),
];

/// Which formulae a document holds, and how many of statutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FormulaHits {
    seen: u64,
    /// Occurrences of formulae of statutes.
    pub legal: u32,
}

const _: () = assert!(FORMULAE.len() <= 64, "FormulaHits has a bit a formula");

impl FormulaHits {
    fn distinct(self, wanted: &[Domain]) -> u32 {
        let hits = FORMULAE.iter().enumerate().filter(|(i, (domain, _))| self.seen >> i & 1 == 1 && wanted.contains(domain));
        hits.count() as u32
    }

    /// Number of different formulae of statutes.
    pub fn distinct_legal(self) -> u32 {
        self.distinct(&[Domain::Legal])
    }

    /// Has a letter's opening word and its closing word.
    pub fn is_framed_letter(self) -> bool {
        self.distinct(&[Domain::Opening]) > 0 && self.distinct(&[Domain::Closing]) > 0
    }

    /// Number of different formulae of letters.
    pub fn distinct_letter(self) -> u32 {
        self.distinct(&[Domain::Opening, Domain::Closing, Domain::Letter])
    }
}

/// Adds the formulae that begin at one of `items`.
pub(super) fn find(text: &str, items: &[Item], hits: &mut FormulaHits) {
    for item in items.iter().filter(|item| item.token.any(flag::FORMULA)) {
        let Some(rest) = text.get(item.start as usize..) else { continue };
        for (i, (domain, phrase)) in FORMULAE.iter().enumerate() {
            if rest.starts_with(phrase) {
                hits.seen |= 1 << i;
                hits.legal += u32::from(*domain == Domain::Legal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keigo::alphabet::Token;

    #[test]
    fn formulae_are_counted_where_their_first_word_stands() {
        let text = "拝啓　時下ますます";
        let token = Token { flags: flag::FORMULA, ..Token::default() };
        let item = |start, end| Item { token, number: 0, start, end, quoted: false };
        let mut hits = FormulaHits::default();
        find(text, &[item(0, 6), item(9, 15), item(1, 3)], &mut hits);
        assert_eq!((hits.distinct_letter(), hits.distinct_legal(), hits.is_framed_letter()), (2, 0, false));
    }
}
