//! Words that have to be tokens: the merges that make them come before all others.
//!
//! Merges are taken in order of rank, so nothing that is learned afterwards comes between those of a protected word: where the word is a
//! pre-token of its own it is one token, in every library that merges by rank. Inside a longer pre-token it is merged too, unless a word that
//! was named before it holds some of its characters; and learned merges may join it to its neighbours.

use rustc_hash::FxHashMap;

use crate::bpe::byte_level::BYTE_ORDER;
use crate::bpe::merge::Merge;

/// The merges that make these words, in order: each character first, then from left to right. Their counts are 0: they were not counted.
pub(crate) fn merges(words: &[String]) -> Vec<Merge> {
    let mut made = Made::default();
    for word in words {
        let mut buffer = [0; 4];
        word.chars().for_each(|c| made.complete(c.encode_utf8(&mut buffer).as_bytes()));
        made.complete(word.as_bytes());
    }
    made.merges
}

#[derive(Default)]
struct Made {
    merges: Vec<Merge>,
    /// Rank of each pair.
    ranks: FxHashMap<(u32, u32), u32>,
}

impl Made {
    /// Adds merges until the bytes are one token.
    fn complete(&mut self, bytes: &[u8]) {
        while let [left, right, ..] = self.encode(bytes)[..] {
            self.ranks.insert((left, right), self.merges.len() as u32);
            self.merges.push(Merge { left, right, count: 0 });
        }
    }

    /// The tokens of some bytes: always the pair of lowest rank, of equal ones the leftmost.
    fn encode(&self, bytes: &[u8]) -> Vec<u32> {
        let symbol = |byte: &u8| BYTE_ORDER.iter().position(|other| other == byte).map_or(0, |rank| rank as u32);
        let mut symbols: Vec<u32> = bytes.iter().map(symbol).collect();
        loop {
            let ranks = symbols.windows(2).map(|pair| self.ranks.get(&(pair[0], pair[1])));
            let Some((rank, at)) = ranks.zip(0..).filter_map(|(rank, at)| Some((*rank?, at))).min() else { return symbols };
            symbols[at] = BYTE_ORDER.len() as u32 + rank;
            symbols.remove(at + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bpe::crew::Alone;
    use crate::bpe::encode::Encoder;
    use crate::bpe::flat_corpus::FlatCorpus;
    use crate::bpe::merge::{Learned, Limits};
    use crate::bpe::pattern::Pattern;
    use crate::bpe::trainer::learn;
    use crate::bpe::vocabulary::Tokenizer;

    proptest! {
        /// Words that overlap and repeat themselves are one token each, whatever is learned after them, and no merge is made twice.
        #[test]
        fn each_word_is_one_token(
            words in proptest::collection::btree_set("[ab]{2,7}|[あいア漢]{1,5}|[aあ😀]{1,4}", 1..8),
            texts in proptest::collection::btree_map("[abあい]{1,12}", 1_u64..9, 0..8),
        ) {
            let words: Vec<String> = words.into_iter().filter(|word| word.len() > 1).collect();
            let forced = merges(&words);
            let before = Tokenizer::from_merges(Pattern::NONE, &[], &forced).unwrap();
            let (encoder, mut corpus) = (Encoder::new(&before), FlatCorpus::default());
            for (text, &count) in &texts {
                let mut ids = Vec::new();
                encoder.worker().encode(text, &mut ids).unwrap();
                corpus.push_tokens(&ids.iter().map(|&id| id as u32).collect::<Vec<_>>(), count).unwrap();
            }
            let limits = Limits { merges: forced.len() + 20, min_frequency: 1, max_token_length: None, whole_characters: true, reserved: Vec::new() };
            let learned = learn(corpus, Learned { merges: forced.clone(), ..Learned::default() }, &limits, &Alone).unwrap();
            prop_assert!(learned.merges.starts_with(&forced));
            let after = Tokenizer::from_merges(Pattern::NONE, &[], &learned.merges).unwrap();
            for word in &words {
                let mut ids = Vec::new();
                Encoder::new(&after).worker().encode(word, &mut ids).unwrap();
                prop_assert!(ids.len() == 1 && after.token(ids[0] as u32) == Some(word.as_bytes()), "{} is {:?}", word, ids);
            }
        }
    }
}
