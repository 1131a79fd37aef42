//! The words in which rooms speak about morphemes, without any room knowing the analyser.
//!
//! A document's morphemes **tile its text**: each is given by its byte end. White space that the analyser skipped, and
//! line breaks, are *gaps*: morphemes with POS id 0 ([`PosTable::GAP`]).

use std::sync::Arc;

/// Word id of a morpheme that is not in the lexicon: an unknown word, or a gap.
pub const NO_WORD: u32 = u32::MAX;

/// The part-of-speech tuples of one dictionary, indexed by POS id (u16). Id 0 is the gap.
///
/// Each tuple holds the first six features: 品詞, 細分類 1–3, 活用型, 活用形 (IPADIC) or pos1–4, cType, cForm (UniDic).
/// Unknown-word rows have ids of their own, so "unknown, SYMBOL" stays visible.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PosTable {
    /// One tuple an id; entry 0 is empty (the gap).
    pub tuples: Vec<Vec<String>>,
    /// The `unk.def` category (`SYMBOL`, `KANJI`, …) of an id that stands for an unknown word; parallel to `tuples`.
    pub unknown: Vec<Option<String>>,
}

impl PosTable {
    /// POS id of skipped whitespace and line breaks.
    pub const GAP: u16 = 0;

    /// Feature `field` (0 = 品詞 … 5 = 活用形) of a POS id; empty where there is none.
    pub fn field(&self, id: u16, field: usize) -> &str {
        self.tuples.get(usize::from(id)).and_then(|tuple| tuple.get(field)).map_or("", String::as_str)
    }

    /// The unknown-word category of a POS id, if it stands for an unknown word.
    pub fn unknown_category(&self, id: u16) -> Option<&str> {
        self.unknown.get(usize::from(id)).and_then(Option::as_deref)
    }
}

/// Which standard of words a dictionary follows: decides where lemma and reading stand among the features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standard {
    /// IPADIC: 9 features; lemma (原形) is feature 6, reading (読み) feature 7.
    Ipadic,
    /// UniDic 2.1.2 as in unidic-lite: 26 features; lForm 6, lemma 7, orthBase 10, kana 17 (counted from 0).
    Unidic,
}

/// A lexicon entry as the rooms that prepare tables by word id see it (keigo, quality).
#[derive(Debug, Clone)]
pub struct Word<'a> {
    /// Word id, as found in the `morpheme_word` column.
    pub id: u32,
    /// The surface.
    pub surface: &'a str,
    /// All features, in the dictionary's order.
    pub features: &'a [&'a str],
}

/// What the rooms after segmentation may ask of a dictionary: its POS table and, once, all its words.
pub trait Lexicon: Send + Sync {
    /// The standard of words.
    fn standard(&self) -> Standard;
    /// The POS table that `morpheme_pos` indexes.
    fn pos_table(&self) -> Arc<PosTable>;
    /// Calls `visit` for each entry, in ascending word id.
    fn each_word(&self, visit: &mut dyn FnMut(&Word<'_>));
}

/// The morphemes of one document: three parallel slices.
#[derive(Debug, Clone, Copy, Default)]
pub struct Morphemes<'a> {
    /// Byte ends; the last equals the text's length.
    pub ends: &'a [u32],
    /// POS ids; 0 = gap.
    pub pos: &'a [u16],
    /// Word ids; [`NO_WORD`] for unknown words and gaps.
    pub word: &'a [u32],
}

impl<'a> Morphemes<'a> {
    /// Number of morphemes, gaps included.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// No morpheme at all.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Byte start of morpheme `i`.
    pub fn start(&self, i: usize) -> usize {
        if i == 0 { 0 } else { self.ends[i - 1] as usize }
    }

    /// Byte end of morpheme `i`.
    pub fn end(&self, i: usize) -> usize {
        self.ends[i] as usize
    }

    /// Surface of morpheme `i` in `text`; empty if the slices do not belong to `text`.
    pub fn surface<'t>(&self, text: &'t str, i: usize) -> &'t str {
        text.get(self.start(i)..self.end(i)).unwrap_or("")
    }

    /// Is morpheme `i` a gap?
    pub fn is_gap(&self, i: usize) -> bool {
        self.pos[i] == PosTable::GAP
    }

    /// The morphemes `from..to`, with byte ends still relative to the whole document.
    pub fn slice(&self, from: usize, to: usize) -> Morphemes<'a> {
        Morphemes { ends: &self.ends[from..to], pos: &self.pos[from..to], word: &self.word[from..to] }
    }
}
