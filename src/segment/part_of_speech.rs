//! What a dictionary knows of a part of speech, from which a new word gets its ids, cost and features.

use std::collections::BTreeMap;

use crate::morpheme::Standard;
use crate::quarantine::escape;
use crate::segment::csv;
use crate::segment::source::{Entry, RawDictionary};

/// Part-of-speech fields: 品詞 and 細分類 1–3.
const POS_DEPTH: usize = 4;
/// The fields before the lemma: the part of speech, 活用型 and 活用形.
const GRAMMAR: usize = 6;

/// What is wrong with a row and what to do about it.
pub(crate) struct Fault {
    pub(crate) rule: String,
    pub(crate) remedy: String,
}

pub(crate) fn fault<T>(rule: impl Into<String>, remedy: impl Into<String>) -> std::result::Result<T, Fault> {
    Err(Fault { rule: rule.into(), remedy: remedy.into() })
}

/// What a dictionary knows of one part of speech.
pub(crate) struct PartOfSpeech {
    pub(crate) left: u16,
    pub(crate) right: u16,
    /// The grammar fields of entries with these ids.
    grammar: Vec<String>,
    /// Number of features of these entries.
    width: usize,
    /// Number of characters → median cost.
    costs: BTreeMap<usize, i16>,
}

impl PartOfSpeech {
    /// `pos` is 品詞 or 品詞-細分類1, up to 細分類3.
    pub(crate) fn look_up(raw: &RawDictionary, pos: &str) -> std::result::Result<Self, Fault> {
        let names: Vec<&str> = pos.split('-').collect();
        let mut pairs: BTreeMap<(u16, u16), usize> = BTreeMap::new();
        let mut costs: BTreeMap<usize, Vec<i16>> = BTreeMap::new();
        for entry in raw.entries.iter().filter(|entry| is_of(entry, &names)) {
            *pairs.entry((entry.left, entry.right)).or_default() += 1;
            costs.entry(entry.surface.chars().count()).or_default().push(entry.cost);
        }
        let Some(((left, right), _)) = pairs.into_iter().rev().max_by_key(|pair| pair.1) else {
            return fault(
                format!("the dictionary has no word of the POS {}", escape(pos, 60)),
                format!("write 品詞 or 品詞-細分類1 as the dictionary does, such as {}", known_pos(raw)),
            );
        };
        let like: Vec<Vec<String>> = raw
            .entries
            .iter()
            .filter(|entry| (entry.left, entry.right) == (left, right) && is_of(entry, &names))
            .map(|entry| csv::fields(&entry.feature))
            .collect();
        let width = like.iter().map(Vec::len).max().unwrap_or(0);
        let grammar: Vec<String> = like.into_iter().next().unwrap_or_default().into_iter().take(GRAMMAR).collect();
        if grammar.iter().skip(POS_DEPTH).any(|field| field != "*") {
            return fault(
                format!("words of the POS {} conjugate, and three columns name no form", escape(pos, 60)),
                "write a full row for each form, with the ids and features of a word that conjugates alike",
            );
        }
        let costs = costs.into_iter().map(|(length, costs)| (length, median(costs))).collect();
        Ok(Self { left, right, grammar, width, costs })
    }

    /// Median cost of words of this many characters, else of the nearest number.
    pub(crate) fn cost(&self, characters: usize) -> i16 {
        let below = self.costs.range(..=characters).next_back();
        let above = self.costs.range(characters..).next();
        let nearest = match (below, above) {
            (Some(below), Some(above)) if above.0 - characters < characters - below.0 => Some(above),
            (below, above) => below.or(above),
        };
        nearest.map_or(0, |(_, &cost)| cost)
    }

    /// The features in the order of the standard, as many as the dictionary's words have.
    pub(crate) fn feature(&self, standard: Standard, surface: &str, reading: &str) -> String {
        let width = match standard {
            Standard::Ipadic => self.width.min(9),
            Standard::Unidic => self.width,
        };
        let mut feature = String::new();
        for n in 0..width.max(self.grammar.len()) {
            if n > 0 {
                feature.push(',');
            }
            let own = self.grammar.get(n).map(String::as_str);
            csv::push_field(&mut feature, own.unwrap_or_else(|| field(standard, width, n, surface, reading)));
        }
        feature
    }
}

/// Field `n` (from 6) of a word that does not conjugate.
///
/// IPADIC: 原形, 読み, 発音. UniDic 2.1.2: lForm, lemma, orth, pron, orthBase, pronBase, five fields of origin and sound
/// changes, then kana, kanaBase, form, formBase, which stand three fields later where there are 29 (UniDic 3).
fn field<'a>(standard: Standard, width: usize, n: usize, surface: &'a str, reading: &'a str) -> &'a str {
    let kana = if width >= 29 { 20..24 } else { 17..21 };
    match (standard, n) {
        (Standard::Ipadic, 6) | (Standard::Unidic, 7 | 8 | 10) => surface,
        (Standard::Ipadic, 7 | 8) | (Standard::Unidic, 6 | 9 | 11) => reading,
        (Standard::Unidic, n) if kana.contains(&n) => reading,
        _ => "*",
    }
}

/// Are the first fields of the entry these?
fn is_of(entry: &Entry, names: &[&str]) -> bool {
    let mut fields = entry.feature.split(',').take(POS_DEPTH);
    names.iter().all(|name| fields.next() == Some(name))
}

/// The lower median; `costs` is not empty.
fn median(mut costs: Vec<i16>) -> i16 {
    costs.sort_unstable();
    costs.get((costs.len().max(1) - 1) / 2).copied().unwrap_or(0)
}

/// The dictionary's commonest parts of speech, for a hint.
fn known_pos(raw: &RawDictionary) -> String {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for entry in &raw.entries {
        let mut fields = entry.feature.split(',');
        let pair = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        *counts.entry(pair).or_default() += 1;
    }
    let mut common: Vec<_> = counts.into_iter().collect();
    common.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let name =
        |&((pos, detail), _): &((&str, &str), usize)| if detail == "*" { escape(pos, 40) } else { escape(&format!("{pos}-{detail}"), 40) };
    common.iter().take(5).map(name).collect::<Vec<_>>().join(", ")
}
