//! Finds the tokens that merging makes, without merging: from left to right, the longest token that may stand behind the one before it.
//!
//! Why this gives what merging gives. While no merge crosses the boundary between two parts of a text, each part is merged as if it stood alone: the pair of
//! lowest rank of the whole, the leftmost first, is also that of its part. So
//!
//! 1. if merging a text gives the tokens *t₁ … tₙ*, merging the strings of *tᵢ tᵢ₊₁* alone gives *tᵢ tᵢ₊₁*: the two *may stand* beside each other;
//! 2. if in some sequence of tokens any two neighbours may stand beside each other, merging the text gives that sequence. Else some merge would be the first to
//!    cross a boundary; until then the two tokens at that boundary had been merged as if they stood alone, and the merge would cross it there too.
//!
//! Exactly one sequence of tokens therefore passes the test at every boundary, and a search finds it. Where no shorter token is left at a place, the tokens up
//! to there are not how the text begins, and no other tokens that end there are: what merging gives for a text up to there is one sequence too. So each place is given
//! up at most once, and the search is linear in the length of the text.

use crate::bpe::neighbours::Neighbours;
use crate::bpe::prefixes::{Found, NONE, Prefixes, TOKENS_MAX};

/// A vocabulary prepared for the search.
#[derive(Debug)]
pub(crate) struct Walk {
    prefixes: Prefixes,
    neighbours: Neighbours,
    /// The id of each token by its number: the symbols, then the others in the order of their merges.
    ids: Vec<u32>,
    /// The number of the token that ends a pre-token; it has no id.
    end: u32,
}

/// A token that no merge crosses while it is made.
pub(crate) struct Word<'a> {
    /// Its number.
    pub(crate) number: u32,
    /// The symbols that it consists of.
    pub(crate) symbols: &'a [u16],
}

/// The token before the place that the search has come to.
#[derive(Clone, Copy)]
struct Before {
    token: u32,
    /// No longer token begins where it begins.
    is_longest: bool,
    /// Some token may begin inside it and go on behind it, or it is not the longest. If none can, no merge crosses its end: what such a merge makes is a token.
    is_crossed: bool,
}

/// Longest token in symbols, and all tokens together: vocabularies with more are encoded by merging.
const LONGEST: usize = 256;
const TOTAL: usize = 1 << 22;

impl Walk {
    /// From the ids of the symbols and then of the other tokens in the order of their merges, the two sides of the latter (by number), and the words; the
    /// symbol behind the last one ends a pre-token. `None` if the vocabulary is too large.
    pub(crate) fn new(symbols: usize, ids: Vec<u32>, sides: Vec<(u32, u32)>, words: &[Word]) -> Option<Self> {
        let total: usize = words.iter().map(|word| word.symbols.len()).sum();
        if ids.len() >= TOKENS_MAX || total > TOTAL || words.iter().any(|word| word.symbols.len() > LONGEST) {
            return None;
        }
        let (end, last) = (ids.len() as u32, [symbols as u16]);
        let mut spelled: Vec<(&[u16], u32)> = words.iter().map(|word| (word.symbols, word.number)).collect();
        spelled.push((&last, end));
        let prefixes = Prefixes::new(spelled, symbols + 1, ids.len() + 1)?;
        Some(Self { prefixes, neighbours: Neighbours::new(symbols as u32, sides), ids, end })
    }

    /// Appends the ids of pre-tokens, each behind it the symbol that ends it; the last one need not be whole, if no token goes on behind it. `scratch` has no meaning.
    pub(crate) fn encode(&self, symbols: &[u16], scratch: &mut Scratch, out: &mut Vec<i32>) {
        self.prefixes.find_all(symbols, &mut scratch.found);
        scratch.tokens.clear();
        self.search(symbols, &mut scratch.found, &mut scratch.tokens);
        // Every token is written, and the next one over it if it ends a pre-token.
        let mut at = out.len();
        out.resize(at + scratch.tokens.len(), 0);
        for &token in &scratch.tokens {
            out[at] = self.ids.get(token as usize).map_or(0, |&id| id as i32);
            at += usize::from(token != self.end);
        }
        out.truncate(at);
    }

    fn search(&self, symbols: &[u16], found: &mut [Found], tokens: &mut Vec<u32>) {
        let (mut at, mut before) = (0, Before { token: self.end, is_longest: true, is_crossed: false });
        while at < symbols.len() {
            let (mut token, mut length) = self.prefixes.longest(found[at], &symbols[at..]);
            let mut is_longest = true;
            while !self.fits(before, token) || found.get(at + length).is_some_and(|found| found.is_dead()) {
                is_longest = false;
                token = self.prefixes.shorter(token);
                while token == NONE {
                    found[at] = Found::DEAD;
                    let Some(last) = tokens.pop() else { unreachable!("one sequence of tokens is what merging makes") };
                    at -= self.prefixes.length(last);
                    before = Before { token: tokens.last().copied().unwrap_or(self.end), is_longest: false, is_crossed: true };
                    token = self.prefixes.shorter(last);
                }
                length = self.prefixes.length(token);
            }
            tokens.push(token);
            at += length;
            before = Before { token, is_longest, is_crossed: !is_longest || is_crossed(&found[at - length..at]) };
        }
    }

    #[inline]
    fn fits(&self, before: Before, token: u32) -> bool {
        if !before.is_crossed {
            return true;
        }
        // What two tokens are joined to is no token here if the left one is the longest.
        (before.is_longest || !self.neighbours.are_joined(before.token, token)) && self.neighbours.were_never_joined(before.token, token)
    }
}

/// May a token that begins behind the first of these places go on behind the last?
#[inline]
fn is_crossed(found: &[Found]) -> bool {
    let places = found.len();
    found.iter().enumerate().skip(1).any(|(at, found)| found.may_be_longer_than(places - at))
}

/// What the search needs; it is used again for each block.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    found: Vec<Found>,
    tokens: Vec<u32>,
}
