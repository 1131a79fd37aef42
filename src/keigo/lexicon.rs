//! From dictionary entries to the neutral alphabet: a table by word id, computed once when the dictionary is opened.
//!
//! An entry costs two bytes (the number of its distinct [`Symbol`]); words outside the lexicon are mapped by POS id.

use rustc_hash::FxHashMap;

use crate::keigo::alphabet::{Class, Symbol};
use crate::keigo::flags::Flags;
use crate::keigo::mapper::Mapper;
use crate::keigo::marks::is_punctuation;
use crate::keigo::tables::Tables;
use crate::morpheme::Lexicon;

/// Word id or POS id → symbol.
#[derive(Debug)]
pub(super) struct SymbolTable {
    /// Number of the symbol of a word id.
    by_word: Vec<u16>,
    /// Number of the symbol of a POS id, for words that are not in the lexicon.
    by_pos: Vec<u16>,
    /// Numbers of the opening bracket, the closing bracket and any other mark that the lexicon does not hold.
    marks: [u16; 3],
    /// Number of an unknown word's symbol with the flags that its spelling gives it.
    flagged: FxHashMap<(u16, Flags), u16>,
    /// The distinct symbols.
    symbols: Vec<Symbol>,
}

impl SymbolTable {
    /// Reads the whole lexicon (twice: the verb stems have to be known before the nouns).
    pub(super) fn new(lexicon: &dyn Lexicon, tables: &Tables) -> Self {
        let mapper = Mapper::new(lexicon, tables);
        let mut interner = Interner::default();
        let mut by_word = Vec::new();
        lexicon.each_word(&mut |word| {
            let number = interner.number(mapper.symbol(word));
            by_word.resize(word.id as usize, 0);
            by_word.push(number);
        });
        let pos = lexicon.pos_table();
        let by_pos: Vec<u16> = (0..pos.tuples.len()).map(|id| interner.number(mapper.unknown(&pos, id as u16))).collect();
        let marks = [Class::Open, Class::Close, Class::Mark].map(|class| interner.number(Symbol { class, ..Symbol::default() }));
        let mut flagged = FxHashMap::default();
        for flags in tables.vocabulary.flags_of_unknown() {
            for &number in &by_pos {
                let symbol = interner.symbols[usize::from(number)];
                flagged.insert((number, flags), interner.number(Symbol { flags, ..symbol }));
            }
        }
        Self { by_word, by_pos, marks, flagged, symbols: interner.symbols }
    }

    /// Number of the symbol of a morpheme outside the lexicon: marks and the words of `unknown.tsv` are known by their surface.
    pub(super) fn number_of_unknown(&self, tables: &Tables, pos: u16, surface: &str) -> u16 {
        let number = self.number_of_pos(pos);
        if self.symbols[usize::from(number)].class == Class::Gap {
            number
        } else if is_punctuation(surface) {
            match tables.marks.class("", surface) {
                Class::Open => self.marks[0],
                Class::Close => self.marks[1],
                _ => self.marks[2],
            }
        } else {
            let flags = tables.vocabulary.unknown(surface);
            flags.and_then(|flags| self.flagged.get(&(number, flags)).copied()).unwrap_or(number)
        }
    }

    /// Number of the symbol of a word of the lexicon; index of [`SymbolTable::symbols`].
    pub(super) fn number(&self, word: u32) -> Option<u16> {
        self.by_word.get(word as usize).copied()
    }

    /// Number of the symbol of any other word with this POS.
    pub(super) fn number_of_pos(&self, pos: u16) -> u16 {
        self.by_pos.get(usize::from(pos)).copied().unwrap_or(0)
    }

    /// The distinct symbols.
    pub(super) fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }
}

/// Numbers distinct symbols.
struct Interner {
    numbers: FxHashMap<Symbol, u16>,
    symbols: Vec<Symbol>,
}

impl Default for Interner {
    fn default() -> Self {
        let gap = Symbol { class: Class::Gap, ..Symbol::default() };
        let mark = Symbol::default();
        Self { numbers: [(gap, 0), (mark, 1)].into_iter().collect(), symbols: vec![gap, mark] }
    }
}

impl Interner {
    /// The number of `symbol`; a plain mark once 65,535 distinct symbols are used up (a dictionary has some thousands).
    fn number(&mut self, symbol: Symbol) -> u16 {
        if let Some(&number) = self.numbers.get(&symbol) {
            return number;
        }
        let Ok(number) = u16::try_from(self.symbols.len()) else { return 1 };
        self.symbols.push(symbol);
        self.numbers.insert(symbol, number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keigo::alphabet::Lemma;

    #[test]
    fn numbers_are_shared() {
        let mut interner = Interner::default();
        let symbol = Symbol { lemma: Lemma::Masu, ..Symbol::default() };
        let first = interner.number(symbol);
        assert_eq!((first, interner.number(symbol)), (2, 2));
        assert_eq!(interner.number(Symbol::default()), 1);
    }
}
