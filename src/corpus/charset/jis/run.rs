//! Bytes of a set of two bytes a character → text, over damage.

use encoding_rs::{EUC_JP, EUC_KR, GBK};

use super::escape::Set;
use crate::corpus::charset::cost;
use crate::corpus::charset::jisx0213;

/// Prices of what damage may have been, in tenths of bits.
const LOST: u64 = 300;
const HALF_KANA: u64 = 120;
const BLANK: u64 = 50;
const FOREIGN: u64 = 100;

/// How some bytes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A character of the set.
    Pair,
    /// Two bytes that are none.
    BadPair,
    /// A byte too much or alone.
    Stray,
    /// A half-width kana of 8 bits.
    Kana,
    /// A blank or tab where a character could begin.
    Blank,
}

impl Part {
    fn length(self) -> usize {
        if matches!(self, Self::Pair | Self::BadPair) { 2 } else { 1 }
    }
}

/// Appends the text of a run; how many places had no meaning.
pub(super) fn decode(run: &[u8], set: Set, text: &mut String) -> u64 {
    if run.len().is_multiple_of(2) && run.iter().all(|b| matches!(b, 0x21..=0x7e)) {
        let held = text.len();
        if pairs(run, set, text) == 0 {
            return 0;
        }
        text.truncate(held);
    }
    let mut replaced = 0;
    let mut at = 0;
    for part in parts(run, set) {
        let bytes = run.get(at..at + part.length()).unwrap_or_default();
        at += part.length();
        match part {
            Part::Pair => replaced += pairs(bytes, set, text),
            Part::BadPair | Part::Stray => {
                replaced += 1;
                text.push(char::REPLACEMENT_CHARACTER);
            }
            Part::Kana | Part::Blank => text.extend(bytes.iter().filter_map(|b| half_kana(*b).or(Some(char::from(*b))))),
        }
    }
    replaced
}

/// The half-width kana of a byte of 7 or 8 bits.
pub(super) fn half_kana(byte: u8) -> Option<char> {
    match byte & 0x7f {
        code @ 0x21..=0x5f => char::from_u32(0xff61 + u32::from(code) - 0x21),
        _ => None,
    }
}

/// Price of a character of the set, if the pair is one.
pub(super) fn price(pair: [u8; 2], set: Set) -> Option<u64> {
    let [row, cell] = pair;
    if !matches!(row, 0x21..=0x7e) || !matches!(cell, 0x21..=0x7e) {
        return None;
    }
    let known = || {
        let mut text = String::new();
        (pairs(&pair, set, &mut text) == 0).then_some(FOREIGN)
    };
    // Rows that have a character in every cell whose class has a price.
    let is_full = matches!(row, 0x24 | 0x25 | 0x30..=0x74);
    match set {
        Set::X0208 | Set::X0213(1) if is_full => cost::cell(row, cell).or_else(known),
        Set::X0208 | Set::X0213(1) => known().and(cost::cell(row, cell).or(Some(FOREIGN))),
        _ => known(),
    }
}

/// The cheapest way to read a damaged run: a changed byte costs its character, a byte too much or too little costs one place.
fn parts(run: &[u8], set: Set) -> Vec<Part> {
    // The best way to each place: its price and its last part.
    let mut ways: Vec<(u64, Part)> = vec![(u64::MAX, Part::Stray); run.len() + 1];
    ways[0].0 = 0;
    for at in 0..run.len() {
        let here = ways[at].0;
        let mut step = |part: Part, price: u64| {
            // Of ways of one price the one whose damage comes last is taken.
            if let Some(way) = ways.get_mut(at + part.length()).filter(|way| here.saturating_add(price) <= way.0) {
                *way = (here.saturating_add(price), part);
            }
        };
        step(Part::Stray, LOST);
        match run[at] {
            b' ' | b'\t' => step(Part::Blank, BLANK),
            0xa1..=0xdf => step(Part::Kana, HALF_KANA),
            _ => {}
        }
        if let Some(&pair) = run.get(at..).and_then(|rest| rest.first_chunk::<2>()) {
            match price(pair, set) {
                Some(price) => step(Part::Pair, price),
                None => step(Part::BadPair, LOST),
            }
        }
    }
    let mut back = Vec::new();
    let mut at = run.len();
    while at > 0 {
        let part = ways[at].1;
        back.push(part);
        at -= part.length();
    }
    back.reverse();
    back
}

/// Appends whole pairs; how many of them are no character.
fn pairs(run: &[u8], set: Set, text: &mut String) -> u64 {
    let encoding = match set {
        Set::Gb2312 => GBK,
        Set::KsX1001 => EUC_KR,
        Set::X0213(plane) => return pairs_of_plane(run, plane, text),
        _ => EUC_JP,
    };
    let lead: &[u8] = if set == Set::X0212 { &[0x8f] } else { &[] };
    let eight: Vec<u8> = run.as_chunks::<2>().0.iter().flat_map(|pair| lead.iter().copied().chain(pair.map(|b| b | 0x80))).collect();
    let (decoded, is_damaged) = encoding.decode_without_bom_handling(&eight);
    text.push_str(&decoded);
    if is_damaged { decoded.matches(char::REPLACEMENT_CHARACTER).count() as u64 } else { 0 }
}

fn pairs_of_plane(run: &[u8], plane: usize, text: &mut String) -> u64 {
    let mut replaced = 0;
    for pair in run.as_chunks::<2>().0 {
        let [row, cell] = pair.map(|b| usize::from(b & 0x7f).saturating_sub(0x20));
        match jisx0213::character(plane, row, cell) {
            Some(character) => text.push_str(character),
            None if plane == 1 => replaced += pairs(pair, Set::X0208, text),
            None => {
                replaced += 1;
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }
    replaced
}
