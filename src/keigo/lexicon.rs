//! From dictionary entries to the neutral alphabet: a table by word id, computed once when the dictionary is opened.
//!
//! An entry costs two bytes (the number of its distinct [`Token`]); words outside the lexicon are mapped by POS id.

use rustc_hash::FxHashMap;

use crate::keigo::alphabet::{Class, Token};
use crate::keigo::mapper::Mapper;
use crate::keigo::tables::Tables;
use crate::morpheme::{Lexicon, NO_WORD};

/// Word id or POS id → token.
#[derive(Debug)]
pub(super) struct TokenTable {
    /// Number of the token of a word id.
    by_word: Vec<u16>,
    /// Number of the token of a POS id, for words that are not in the lexicon.
    by_pos: Vec<u16>,
    /// The distinct tokens.
    tokens: Vec<Token>,
}

impl TokenTable {
    /// Reads the whole lexicon (twice: the verb stems have to be known before the nouns).
    pub(super) fn new(lexicon: &dyn Lexicon, tables: &Tables) -> Self {
        let mapper = Mapper::new(lexicon, tables);
        let mut interner = Interner::default();
        let mut by_word = Vec::new();
        lexicon.each_word(&mut |word| {
            let number = interner.number(mapper.token(word));
            by_word.resize(word.id as usize, 0);
            by_word.push(number);
        });
        let pos = lexicon.pos_table();
        let by_pos = (0..pos.tuples.len()).map(|id| interner.number(mapper.unknown(&pos, id as u16))).collect();
        Self { by_word, by_pos, tokens: interner.tokens }
    }

    /// Number of a morpheme's token; index of [`TokenTable::tokens`].
    #[inline]
    pub(super) fn number(&self, pos: u16, word: u32) -> u16 {
        if word != NO_WORD
            && let Some(&number) = self.by_word.get(word as usize)
        {
            return number;
        }
        self.by_pos.get(usize::from(pos)).copied().unwrap_or(0)
    }

    /// The distinct tokens.
    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }
}

/// Numbers distinct tokens.
struct Interner {
    numbers: FxHashMap<Token, u16>,
    tokens: Vec<Token>,
}

impl Default for Interner {
    fn default() -> Self {
        let gap = Token { class: Class::Gap, ..Token::default() };
        let mark = Token::default();
        Self { numbers: [(gap, 0), (mark, 1)].into_iter().collect(), tokens: vec![gap, mark] }
    }
}

impl Interner {
    /// The number of `token`; a plain mark once 65,535 distinct tokens are used up (a dictionary has some thousand).
    fn number(&mut self, token: Token) -> u16 {
        if let Some(&number) = self.numbers.get(&token) {
            return number;
        }
        let Ok(number) = u16::try_from(self.tokens.len()) else { return 1 };
        self.tokens.push(token);
        self.numbers.insert(token, number);
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
        let token = Token { lemma: Lemma::Masu, ..Token::default() };
        let first = interner.number(token);
        assert_eq!((first, interner.number(token)), (2, 2));
        assert_eq!(interner.number(Token::default()), 1);
    }
}
