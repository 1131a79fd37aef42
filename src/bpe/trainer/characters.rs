//! Merges inside characters: the same wherever a character stands, so they are made once a character.

use rustc_hash::FxHashMap;

use crate::bpe::byte_level::BYTE_ORDER;
use crate::bpe::flat_corpus::Characters;
use crate::bpe::trainer::pair::pair_key;

/// A character and the tokens that it consists of so far.
#[derive(Debug, Clone, Copy)]
struct Spelled {
    tokens: [u32; 4],
    length: usize,
}

/// A pair inside characters.
#[derive(Debug, Default)]
struct InsidePair {
    count: u64,
    /// The characters that it was seen in.
    characters: Vec<u32>,
}

/// The characters that are not whole tokens yet, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Inside {
    spelled: Vec<Spelled>,
    /// Never iterated over, so its order does not matter.
    pairs: FxHashMap<u64, InsidePair>,
    /// By number: where the character stands; empty where it is below the floor, or a token.
    pub(super) positions: Vec<Vec<u32>>,
    /// Positions in all of these.
    pub(super) held: usize,
}

impl Inside {
    pub(super) fn new(characters: &Characters) -> Self {
        let mut rank = [0; 256];
        for (i, &byte) in BYTE_ORDER.iter().enumerate() {
            rank[usize::from(byte)] = i as u32;
        }
        let mut inside = Self { positions: vec![Vec::new(); characters.met.len()], ..Self::default() };
        for (number, (&c, &(count, _))) in characters.met.iter().zip(&characters.counts).enumerate() {
            let (mut buffer, mut tokens) = ([0; 4], [0; 4]);
            let bytes = c.encode_utf8(&mut buffer).as_bytes();
            tokens.iter_mut().zip(bytes).for_each(|(token, &byte)| *token = rank[usize::from(byte)]);
            inside.spelled.push(Spelled { tokens, length: bytes.len() });
            for pair in tokens[..bytes.len()].windows(2) {
                inside.add(pair_key(pair[0], pair[1]), count, number as u32);
            }
        }
        inside
    }

    fn add(&mut self, pair: u64, count: u64, character: u32) {
        let pair = self.pairs.entry(pair).or_default();
        pair.count += count;
        if pair.characters.last() != Some(&character) {
            pair.characters.push(character);
        }
    }

    /// How often the pair occurs now.
    pub(super) fn count(&self, pair: u64) -> u64 {
        self.pairs.get(&pair).map_or(0, |pair| pair.count)
    }

    /// Is the character still more than one token?
    pub(super) fn is_open(&self, character: u32) -> bool {
        self.spelled[character as usize].length > 1
    }

    /// Drops the positions of characters seen less often.
    pub(super) fn forget_below(&mut self, floor: u64, characters: &Characters) {
        for (positions, &(count, _)) in self.positions.iter_mut().zip(&characters.counts) {
            if count < floor && !positions.is_empty() {
                self.held -= positions.len();
                *positions = Vec::new();
            }
        }
    }

    /// Every pair inside the characters that are not whole yet, each once, with its count.
    pub(super) fn pairs(&self) -> Vec<(u64, u64)> {
        let open = self.spelled.iter().filter(|spelled| spelled.length > 1);
        let mut pairs: Vec<u64> =
            open.flat_map(|spelled| spelled.tokens[..spelled.length].windows(2).map(|pair| pair_key(pair[0], pair[1]))).collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs.into_iter().map(|pair| (pair, self.count(pair))).collect()
    }

    /// Merges a pair inside all characters that hold it; gives the one that has become a token, and the pairs of the new token.
    pub(super) fn merge(&mut self, left: u32, right: u32, new: u32, characters: &Characters) -> (Option<u32>, Vec<u64>) {
        let (mut whole, mut made) = (None, Vec::new());
        let merged = self.pairs.remove(&pair_key(left, right)).unwrap_or_default();
        for &character in &merged.characters {
            let count = characters.counts[character as usize].0;
            let spelled = self.spelled[character as usize];
            let tokens = &spelled.tokens[..spelled.length];
            let mut merged = Spelled { tokens: [0; 4], length: 0 };
            let mut at = 0;
            while at < tokens.len() {
                let is_pair = tokens[at..].starts_with(&[left, right]);
                merged.tokens[merged.length] = if is_pair { new } else { tokens[at] };
                merged.length += 1;
                at += 1 + usize::from(is_pair);
            }
            if merged.length == tokens.len() {
                continue;
            }
            for pair in tokens.windows(2).map(|pair| pair_key(pair[0], pair[1])) {
                if let Some(pair) = self.pairs.get_mut(&pair) {
                    pair.count -= count;
                }
            }
            for pair in merged.tokens[..merged.length].windows(2).map(|pair| pair_key(pair[0], pair[1])) {
                self.add(pair, count, character);
                if pair >> 32 == u64::from(new) || pair as u32 == new {
                    made.push(pair);
                }
            }
            self.spelled[character as usize] = merged;
            if merged.length == 1 {
                whole = Some(character);
            }
        }
        made.sort_unstable();
        made.dedup();
        (whole, made)
    }

    /// Where a character stands that has become a token.
    pub(super) fn take_positions(&mut self, character: u32) -> Vec<u32> {
        let positions = std::mem::take(&mut self.positions[character as usize]);
        self.held -= positions.len();
        positions
    }
}
