//! What is summed over a document; the measures divide one by another. *Japanese* means letters and marks. Lengths are in
//! code points.

use super::scan::{Chars, Lines, Scanner, Sentences};
use super::spared::Spared;
use super::words::{WordCounter, Words};
use crate::morpheme::PosTable;

/// The sums of one document.
#[derive(Debug, Default)]
pub struct Sums<'a> {
    /// The document.
    pub text: &'a str,
    /// Its characters.
    pub chars: Chars,
    /// Its lines.
    pub lines: Lines,
    /// Its sentences.
    pub sentences: Sentences,
    /// Its morphemes.
    pub words: Words,
    /// 10-grams of characters that occurred before in their window / 10-grams; spared spans are skipped.
    pub repeated: Option<f32>,
}

/// Measures documents; holds tables and scratch of one thread.
#[derive(Debug)]
pub struct Measurer {
    scanner: Scanner,
    words: WordCounter,
}

impl Measurer {
    /// Prepares the tables for one dictionary.
    pub fn new(table: &PosTable) -> Self {
        Self { scanner: Scanner::default(), words: WordCounter::new(table) }
    }

    /// Sums over one document. `sentences` and `morphemes` are byte ends that tile `text`, `pos` the POS ids; `spared` names starts and
    /// ends in turn, in order, of what may repeat.
    pub fn sum<'a>(&mut self, text: &'a str, sentences: &[u32], spared: &[u32], morphemes: &[u32], pos: &[u16]) -> Sums<'a> {
        let spared = Spared::new(spared);
        let (chars, lines, repeated) = self.scanner.scan(text, spared);
        let sentences = self.scanner.sentences(text, sentences, spared);
        let words = self.words.count(text, morphemes, pos);
        Sums { text, chars, lines, sentences, words, repeated }
    }
}
