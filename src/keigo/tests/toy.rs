//! A dictionary of a few dozen hand-made words, and documents written in them: the machinery without any dictionary on
//! the machine.

use std::sync::{Arc, OnceLock};

use crate::keigo::analyze::{Analyzer, Sentence, Span};
use crate::keigo::table::Table;
use crate::morpheme::{Lexicon, Morphemes, NO_WORD, PosTable, Standard, Word};

/// Surface, 品詞, 細分類1, 細分類2, 活用型, 活用形, 原形.
const WORDS: Table<7> = Table {
    file: "toy_words.tsv",
    columns: ["surface", "pos", "pos1", "pos2", "ctype", "cform", "base"],
    unique: 7,
    text: include_str!("toy_words.tsv"),
};

/// The words of the toy dictionary; the index is the word id.
pub(super) fn words() -> &'static [[&'static str; 7]] {
    static READ: OnceLock<Vec<[&str; 7]>> = OnceLock::new();
    READ.get_or_init(|| {
        let mut words = Vec::new();
        WORDS
            .each(|cells| {
                words.push(cells);
                Ok(())
            })
            .unwrap();
        words
    })
}

/// The toy dictionary.
pub(super) struct Toy;

impl Toy {
    fn tuple(row: &[&str; 7]) -> Vec<String> {
        [row[1], row[2], row[3], "*", row[4], row[5]].iter().map(ToString::to_string).collect()
    }
}

impl Lexicon for Toy {
    fn standard(&self) -> Standard {
        Standard::Ipadic
    }

    fn pos_table(&self) -> Arc<PosTable> {
        let mut pos = PosTable { tuples: vec![Vec::new()], unknown: vec![None] };
        pos.tuples.extend(words().iter().map(Toy::tuple));
        pos.tuples.push(["名詞", "一般", "*", "*", "*", "*"].iter().map(ToString::to_string).collect());
        pos.unknown.resize(pos.tuples.len() - 1, None);
        pos.unknown.push(Some("KANJI".into()));
        Arc::new(pos)
    }

    fn each_word(&self, visit: &mut dyn FnMut(&Word<'_>)) {
        for (id, row) in words().iter().enumerate() {
            let features = [row[1], row[2], row[3], "*", row[4], row[5], row[6], "", ""];
            visit(&Word { id: id as u32, surface: row[0], features: &features });
        }
    }
}

/// The rules bound to the toy dictionary.
pub(super) fn analyzer() -> &'static Analyzer {
    static BOUND: OnceLock<Analyzer> = OnceLock::new();
    BOUND.get_or_init(|| Analyzer::new(&Toy).unwrap())
}

/// A document given with `|` between its morphemes; 。 outside brackets ends a sentence.
#[derive(Debug, Default, Clone)]
pub(super) struct Document {
    pub(super) text: String,
    pub(super) sentences: Vec<u32>,
    pub(super) ends: Vec<u32>,
    pub(super) pos: Vec<u16>,
    pub(super) word: Vec<u32>,
}

impl Document {
    pub(super) fn new(morphemes: &str) -> Self {
        let mut document = Self::default();
        let mut depth = 0;
        for surface in morphemes.split('|').filter(|surface| !surface.is_empty()) {
            document.push(surface);
            depth += i32::from(surface == "「") - i32::from(surface == "」");
            if surface == "。" && depth == 0 {
                document.sentences.push(document.text.len() as u32);
            }
        }
        document.close();
        document
    }

    pub(super) fn push(&mut self, surface: &str) {
        let id = words().iter().position(|row| row[0] == surface);
        self.text.push_str(surface);
        self.ends.push(self.text.len() as u32);
        let gap = surface.chars().all(char::is_whitespace);
        self.pos.push(if gap { PosTable::GAP } else { id.unwrap_or(words().len()) as u16 + 1 });
        self.word.push(id.map_or(NO_WORD, |id| id as u32));
    }

    pub(super) fn close(&mut self) {
        let end = self.text.len() as u32;
        if self.sentences.last() != Some(&end) && end > 0 {
            self.sentences.push(end);
        }
    }

    pub(super) fn analyze(&self) -> (Vec<Sentence>, Vec<Span>) {
        let mut worker = analyzer().worker();
        let morphemes = Morphemes { ends: &self.ends, pos: &self.pos, word: &self.word };
        let analysis = worker.analyze(&self.text, &self.sentences, morphemes);
        (analysis.sentences.to_vec(), analysis.spans.to_vec())
    }
}
