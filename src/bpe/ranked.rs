//! Tokens by the merges that make them, for libraries that merge by the order of tokens and know no list of merges.

use crate::bpe::merge_ranks::{MergeRanks, NONE};
use crate::bpe::vocabulary::{Alphabet, Tokenizer};

/// The merge that each token is made by when its own bytes are encoded.
#[derive(Debug)]
pub(crate) struct Ranked {
    /// Id of each byte.
    bytes: [u32; 256],
    /// By id: the rank of the last merge; `None` for single bytes, special tokens, and what no text is encoded to.
    ranks: Vec<Option<u32>>,
}

impl Ranked {
    /// Looks at every token.
    ///
    /// # Errors
    /// One sentence if a byte has no token, tokens do not come into being in the order of their ids, or a normaliser or an alphabet of
    /// characters stands in the way.
    pub(crate) fn of(tokenizer: &Tokenizer) -> Result<Self, String> {
        if tokenizer.normalizer().is_some() {
            return Err("the vocabulary has a normalizer that the format cannot hold".to_owned());
        }
        if tokenizer.alphabet() != Alphabet::Bytes {
            return Err("the vocabulary starts from characters, not from bytes".to_owned());
        }
        let mut ranked = Self { bytes: [NONE; 256], ranks: vec![None; tokenizer.len()] };
        let ordinary = || (0..tokenizer.len() as u32).filter(|&id| !tokenizer.is_special(id));
        for id in ordinary() {
            if let Some([byte]) = tokenizer.token(id) {
                ranked.bytes[usize::from(*byte)] = id;
            }
        }
        if let Some(missing) = ranked.bytes.iter().position(|&id| id == NONE) {
            return Err(format!("byte 0x{missing:02X} has no token"));
        }
        let merges = MergeRanks::new(tokenizer);
        let mut before: Option<(u32, u32)> = None;
        for id in ordinary() {
            let Some(token) = tokenizer.token(id).filter(|token| token.len() > 1) else { continue };
            let (symbols, last) = ranked.encode(token, &merges);
            let Some(rank) = last.filter(|_| symbols == [id]) else { continue };
            if let Some((other, _)) = before.filter(|(_, other)| *other > rank) {
                return Err(format!("token {id} is merged before token {other}, and the format merges in the order of ids"));
            }
            before = Some((id, rank));
            ranked.ranks[id as usize] = Some(rank);
        }
        Ok(ranked)
    }

    /// The rank of the merge that makes a token of more than one byte out of its own bytes; `None` if these become something else.
    pub(crate) fn rank(&self, id: u32) -> Option<u32> {
        self.ranks.get(id as usize).copied().flatten()
    }

    /// Does every merge come after those that make its sides?
    pub(crate) fn sides_come_first(&self, tokenizer: &Tokenizer) -> Result<(), String> {
        let late = tokenizer.rules().iter().zip(0..).find(|(rule, rank)| {
            let late = |side| self.rank(side).is_some_and(|made| made > *rank);
            self.rank(rule.result) == Some(*rank) && (late(rule.left) || late(rule.right))
        });
        late.map_or(Ok(()), |(rule, _)| Err(format!("token {} is merged before one of its sides", rule.result)))
    }

    /// The tokens of some bytes without any pattern, and the rank of the last merge.
    pub(crate) fn encode(&self, bytes: &[u8], merges: &MergeRanks) -> (Vec<u32>, Option<u32>) {
        let mut symbols: Vec<u32> = bytes.iter().map(|&byte| self.bytes[usize::from(byte)]).collect();
        let mut last = None;
        loop {
            let ranks = symbols.windows(2).map(|pair| merges.rank(pair[0], pair[1]));
            let Some((rank, at)) = ranks.zip(0..).filter(|(rank, _)| *rank != NONE).min() else { return (symbols, last) };
            symbols[at] = merges.result(rank);
            symbols.remove(at + 1);
            last = Some(rank);
        }
    }
}
