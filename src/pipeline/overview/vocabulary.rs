//! What the vocabulary makes of the kept documents: tokens by source and register, how long tokens and documents are, tokens that stand out.

use std::collections::BTreeMap;

use arrow::datatypes::Int32Type;

use crate::bpe::portrait::{Length, Outstanding, outstanding, shapes, shown};
use crate::bpe::tally::Tally;
use crate::bpe::vocabulary::Tokenizer;
use crate::decide::losses::Amount;
use crate::error::Result;
use crate::schema::INPUT_IDS;
use crate::stage::{Batch, list_slice, lists};

/// Tokens of a list.
const LISTED: usize = 12;
/// Kinds of tokens that stand out, and what they are called.
const KINDS: [(&str, Outstanding); 4] = [
    ("longest", Outstanding::Longest),
    ("one character over and over", Outstanding::Repeated),
    ("Japanese with Latin letters or digits", Outstanding::Mixed),
    ("parts of two characters", Outstanding::Across),
];

/// A token in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// Its text, bytes that are none as `<E3>`.
    pub text: String,
    /// Occurrences in the kept documents.
    pub count: u64,
    /// Kept documents with it.
    pub documents: u64,
}

/// Documents and their tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Documents and their characters.
    pub amount: Amount,
    /// Their tokens.
    pub tokens: u64,
}

/// What the vocabulary does.
#[derive(Debug, Clone, Default)]
pub struct VocabularyFacts {
    /// Kept documents by source (its index) and register.
    pub groups: BTreeMap<(usize, String), Tokens>,
    /// Kept documents by the binary logarithm of their tokens, rounded down; a document without tokens is under 0.
    pub documents: Vec<u64>,
    /// Documents that do not fit into a packed sequence with the token behind them.
    pub longer: u64,
    /// Tokens by their characters.
    pub lengths: Vec<Length>,
    /// Ordinary tokens, and those of them that do not occur.
    pub ordinary: (u64, u64),
    /// Tokens that stand out, by kind.
    pub outstanding: Vec<(&'static str, Vec<Token>)>,
}

/// Counts while token shards are read.
pub(super) struct Counting<'t> {
    tokenizer: &'t Tokenizer,
    tally: Tally,
    /// One more than the number of the last document with the token.
    last: Vec<u64>,
    documents: u64,
    sequence: usize,
    facts: VocabularyFacts,
}

impl<'t> Counting<'t> {
    pub(super) fn new(tokenizer: &'t Tokenizer, sequence: u32) -> Self {
        let tally = Tally::new(tokenizer);
        let last = vec![0; tally.counts.len()];
        Self { tokenizer, tally, last, documents: 0, sequence: sequence as usize, facts: VocabularyFacts::default() }
    }

    /// Takes token ids; gives the tokens of each row.
    pub(super) fn push(&mut self, batch: &Batch, n_tokens: &mut Vec<u64>) -> Result<()> {
        let ids = lists(batch, &INPUT_IDS)?;
        for row in 0..batch.num_rows() {
            let ids = list_slice::<Int32Type>(ids, row);
            self.documents += 1;
            for &id in ids {
                let id = usize::try_from(id).unwrap_or(usize::MAX);
                if let (Some(count), Some(last)) = (self.tally.counts.get_mut(id), self.last.get_mut(id)) {
                    *count += 1;
                    if *last != self.documents {
                        *last = self.documents;
                        self.tally.documents[id] += 1;
                    }
                }
            }
            let bin = ids.len().checked_ilog2().unwrap_or(0) as usize;
            if self.facts.documents.len() <= bin {
                self.facts.documents.resize(bin + 1, 0);
            }
            self.facts.documents[bin] += 1;
            self.facts.longer += u64::from(ids.len() + 1 > self.sequence);
            n_tokens.push(ids.len() as u64);
        }
        Ok(())
    }

    /// A document of a source and register with so many characters and tokens.
    pub(super) fn document(&mut self, source: usize, register: &str, characters: u64, tokens: u64) {
        let group = self.facts.groups.entry((source, register.to_owned())).or_default();
        group.amount.documents += 1;
        group.amount.characters += characters;
        group.tokens += tokens;
    }

    pub(super) fn finish(mut self) -> VocabularyFacts {
        let tally = &self.tally;
        self.facts.lengths = shapes(self.tokenizer, &tally.counts).1;
        for (id, count) in (0..).zip(&tally.counts).filter(|(id, _)| !self.tokenizer.is_special(*id)) {
            let (all, unused) = &mut self.facts.ordinary;
            *all += u64::from(self.tokenizer.token(id).is_some());
            *unused += u64::from(*count == 0);
        }
        let token = |id: u32| Token {
            id,
            text: shown(self.tokenizer.token(id).unwrap_or_default()),
            count: tally.counts.get(id as usize).copied().unwrap_or(0),
            documents: tally.documents.get(id as usize).copied().unwrap_or(0),
        };
        let list = |which| outstanding(self.tokenizer, tally, which, LISTED).into_iter().map(token).collect();
        self.facts.outstanding = KINDS.into_iter().map(|(name, which)| (name, list(which))).collect();
        self.facts
    }
}
