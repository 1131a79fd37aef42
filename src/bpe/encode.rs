//! Turns text into token ids, exactly as Hugging Face tokenizers does.
//!
//! In each pre-token the pair of lowest rank is merged, the leftmost first, until no pair has a rank. The name of a special token
//! that is written out in a text is encoded as ordinary characters, so that a document cannot contain an end-of-text id.
//!
//! Most vocabularies that we train obey three rules: every token is a string of whole characters or lies inside one character; a
//! merge uses only tokens that earlier merges made; every token is made by one merge only. Then the merges inside a character do
//! not depend on its neighbours, and they all come before a merge that crosses its ends. So a pre-token may start from characters
//! instead of bytes, which is a third of the symbols in Japanese. Vocabularies that break a rule start from bytes.
//!
//! Where two neighbouring characters stand beside each other in no token, no merge ever joins them, so a pre-token falls into pieces there
//! (`joins.rs`). Of the pieces of Japanese text half are one character and a quarter are two, which need one look-up at most.
//!
//! There is no cache of encoded pre-tokens or pieces. On unseen text of five kinds, caches of 2^11 to 2^15 slots for pre-tokens made encoding a little
//! slower: to merge a clause from its characters takes about as long as to load a slot that is not in the processor's cache. Caches of 2^14 to 2^16 slots for
//! pieces gained 3 %.

use crate::bpe::class::{decode, is_inside_character};
use crate::bpe::joins::Joins;
use crate::bpe::merge_ranks::{MergeRanks, NONE};
use crate::bpe::merger::Merger;
use crate::bpe::pattern::Pattern;
use crate::bpe::vocabulary::{Alphabet, Tokenizer};

/// Enters fingerprints: raise it when a vocabulary gives other ids for the same text.
pub const VERSION: u32 = 1;

/// A tokenizer prepared for encoding: immutable, shared by all threads.
#[derive(Debug)]
pub struct Encoder {
    pattern: Pattern,
    alphabet: Alphabet,
    /// Id of each byte.
    bytes: [u32; 256],
    /// By code point of the basic plane: the id of a character that may start as one symbol, else [`NONE`].
    characters: Option<Box<[u32]>>,
    /// Code point and id of those beyond the basic plane, sorted by code point.
    astral: Vec<(u32, u32)>,
    merge_ranks: MergeRanks,
    joins: Option<Joins>,
}

/// A text holds a character that the vocabulary cannot express. This cannot happen where every byte has a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inexpressible {
    /// Byte at which the character starts.
    pub at: usize,
}

impl Encoder {
    /// Builds the tables.
    pub fn new(tokenizer: &Tokenizer) -> Self {
        let mut encoder = Self {
            pattern: tokenizer.pattern(),
            alphabet: tokenizer.alphabet(),
            bytes: [NONE; 256],
            characters: None,
            astral: Vec::new(),
            merge_ranks: MergeRanks::new(tokenizer),
            joins: Joins::new(tokenizer),
        };
        let ordinary = (0..tokenizer.len() as u32).filter(|&id| !tokenizer.is_special(id));
        let tokens: Vec<(u32, &[u8])> = ordinary.filter_map(|id| Some((id, tokenizer.token(id)?))).collect();
        if encoder.alphabet == Alphabet::Bytes {
            for (id, bytes) in &tokens {
                if let [byte] = bytes {
                    encoder.bytes[usize::from(*byte)] = *id;
                }
            }
        }
        if encoder.alphabet == Alphabet::Characters || starts_from_characters(tokenizer) {
            encoder.index_characters(&tokens);
        }
        encoder
    }

    /// A worker for one thread.
    pub fn worker(&self) -> Worker<'_> {
        Worker { encoder: self, merger: Merger::default() }
    }

    fn index_characters(&mut self, tokens: &[(u32, &[u8])]) {
        let mut table = vec![NONE; 0x1_0000].into_boxed_slice();
        let mut merger = Merger::default();
        for &(id, bytes) in tokens {
            let Some(code_point) = single_character(bytes) else { continue };
            if self.alphabet == Alphabet::Bytes {
                merger.symbols.clear();
                merger.symbols.extend(bytes.iter().map(|&byte| self.bytes[usize::from(byte)]));
                merger.merge_short(&self.merge_ranks);
                if merger.symbols != [id] {
                    continue;
                }
            }
            match table.get_mut(code_point as usize) {
                Some(entry) => *entry = id,
                None => self.astral.push((code_point, id)),
            }
        }
        self.astral.sort_unstable();
        self.characters = Some(table);
    }

    #[inline]
    fn character(&self, table: &[u32], code_point: u32) -> u32 {
        match table.get(code_point as usize) {
            Some(&id) => id,
            None => self.astral.binary_search_by_key(&code_point, |entry| entry.0).map_or(NONE, |i| self.astral[i].1),
        }
    }

    /// Fills `symbols` with the symbols that a pre-token consists of before any merge.
    #[inline]
    fn start(&self, pre_token: &[u8], symbols: &mut Vec<u32>) -> Result<(), Inexpressible> {
        symbols.clear();
        let Some(table) = &self.characters else {
            return self.start_from_bytes(pre_token, 0, pre_token.len(), symbols);
        };
        let mut at = 0;
        while at < pre_token.len() {
            let (code_point, next) = decode(pre_token, at);
            match self.character(table, code_point) {
                NONE => self.start_from_bytes(pre_token, at, next, symbols)?,
                id => symbols.push(id),
            }
            at = next;
        }
        Ok(())
    }

    fn start_from_bytes(&self, pre_token: &[u8], from: usize, to: usize, symbols: &mut Vec<u32>) -> Result<(), Inexpressible> {
        for (i, &byte) in pre_token[from..to].iter().enumerate() {
            match self.bytes[usize::from(byte)] {
                NONE => return Err(Inexpressible { at: from + i }),
                id => symbols.push(id),
            }
        }
        Ok(())
    }
}

/// The code point, if the bytes are one character.
fn single_character(bytes: &[u8]) -> Option<u32> {
    let mut characters = std::str::from_utf8(bytes).ok()?.chars();
    characters.next().filter(|_| characters.next().is_none()).map(u32::from)
}

/// Does the vocabulary obey the three rules that the head of this file names?
fn starts_from_characters(tokenizer: &Tokenizer) -> bool {
    let mut made = vec![false; tokenizer.len()];
    for id in 0..tokenizer.len() as u32 {
        made[id as usize] = tokenizer.token(id).is_some_and(|bytes| bytes.len() == 1);
    }
    tokenizer.rules().iter().all(|rule| {
        let in_order = made[rule.left as usize] && made[rule.right as usize];
        let once = !std::mem::replace(&mut made[rule.result as usize], true);
        let fits = |bytes| std::str::from_utf8(bytes).is_ok() || is_inside_character(bytes);
        in_order && once && tokenizer.token(rule.result).is_some_and(fits)
    })
}

/// An encoder at work in one thread.
#[derive(Debug)]
pub struct Worker<'e> {
    encoder: &'e Encoder,
    merger: Merger,
}

impl Worker<'_> {
    /// Appends the ids of `text`.
    ///
    /// # Errors
    /// The first character that the vocabulary cannot express; `out` then holds the ids of the pre-tokens before it.
    pub fn encode(&mut self, text: &str, out: &mut Vec<i32>) -> Result<(), Inexpressible> {
        let mut result = Ok(());
        self.encoder.pattern.for_each_pre_token(text, |start, end| {
            if result.is_ok() {
                let before = out.len();
                result = self.pre_token(&text.as_bytes()[start..end], out).map_err(|error| {
                    out.truncate(before);
                    Inexpressible { at: start + error.at }
                });
            }
        });
        result
    }

    /// Piece by piece: no merge crosses the ends of a piece, so each is encoded by itself.
    #[inline]
    fn pre_token(&mut self, pre_token: &[u8], out: &mut Vec<i32>) -> Result<(), Inexpressible> {
        let Some(joins) = &self.encoder.joins else { return self.merged(pre_token, out) };
        let (mut left, mut at) = decode(pre_token, 0);
        let (mut start, mut characters) = (0, Characters::One(left));
        while at < pre_token.len() {
            let (right, next) = decode(pre_token, at);
            if joins.may_join(left, right) {
                characters = match characters {
                    Characters::One(left) => Characters::Two(left, right),
                    _ => Characters::More,
                };
            } else {
                self.piece(&pre_token[start..at], characters, out).map_err(|error| error.behind(start))?;
                (start, characters) = (at, Characters::One(right));
            }
            (left, at) = (right, next);
        }
        self.piece(&pre_token[start..at], characters, out).map_err(|error| error.behind(start))
    }

    #[inline]
    fn piece(&mut self, piece: &[u8], characters: Characters, out: &mut Vec<i32>) -> Result<(), Inexpressible> {
        let encoder = self.encoder;
        if let Some(table) = &encoder.characters {
            match characters {
                Characters::One(only) => {
                    let id = encoder.character(table, only);
                    if id != NONE {
                        out.push(id as i32);
                        return Ok(());
                    }
                }
                Characters::Two(left, right) => {
                    let (left, right) = (encoder.character(table, left), encoder.character(table, right));
                    if left != NONE && right != NONE {
                        match encoder.merge_ranks.rank(left, right) {
                            NONE => out.extend_from_slice(&[left as i32, right as i32]),
                            rank => out.push(encoder.merge_ranks.result(rank) as i32),
                        }
                        return Ok(());
                    }
                }
                Characters::More => {}
            }
        }
        self.merged(piece, out)
    }

    fn merged(&mut self, piece: &[u8], out: &mut Vec<i32>) -> Result<(), Inexpressible> {
        self.encoder.start(piece, &mut self.merger.symbols)?;
        self.merger.merge(&self.encoder.merge_ranks);
        out.extend(self.merger.symbols.iter().map(|&id| id as i32));
        Ok(())
    }
}

/// What a piece consists of.
#[derive(Debug, Clone, Copy)]
enum Characters {
    One(u32),
    Two(u32, u32),
    More,
}

impl Inexpressible {
    /// Seen from the start of a string that begins so many bytes before.
    fn behind(self, bytes: usize) -> Self {
        Self { at: bytes + self.at }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::bpe::merge::Limits;
    use crate::bpe::trainer::train;

    const SAMPLE: &str = "精米とは、玄米から糠と胚芽を取り除くことです。ご飯をいただく、いただきます。いただきました。\
        The rice is milled, milled and milled again: aaaa aaaaaaaa abababab 1234 12345 éé éa 😀😀😁";

    fn specials() -> Vec<String> {
        vec!["<|endoftext|>".to_owned(), "<|pad|>".to_owned()]
    }

    fn tokenizer(pattern: Pattern, whole_characters: bool) -> Tokenizer {
        let mut pre_tokens = Vec::new();
        pattern.for_each_pre_token(SAMPLE, |start, end| pre_tokens.push((&SAMPLE.as_bytes()[start..end], 2)));
        pre_tokens.push((b"<|endoftext|>", 1));
        let reserved = specials().into_iter().map(String::into_bytes).collect();
        let limits = Limits { merges: 220, min_frequency: 1, max_token_length: None, whole_characters, reserved };
        Tokenizer::from_merges(pattern, &specials(), &train(&pre_tokens, &limits).unwrap().merges).unwrap()
    }

    /// The same from the definition: starts from bytes and searches the list of merges for the lowest rank.
    fn reference(tokenizer: &Tokenizer, text: &str) -> Vec<i32> {
        let byte = |byte: &u8| (0..tokenizer.len() as u32).find(|&id| tokenizer.token(id) == Some(&[*byte])).unwrap();
        let mut ids = Vec::new();
        tokenizer.pattern().for_each_pre_token(text, |start, end| {
            let mut pre_token: Vec<u32> = text.as_bytes()[start..end].iter().map(byte).collect();
            while let Some((rank, at)) = pre_token
                .windows(2)
                .enumerate()
                .filter_map(|(at, pair)| Some((tokenizer.rules().iter().position(|rule| [rule.left, rule.right] == pair)?, at)))
                .min()
            {
                pre_token[at] = tokenizer.rules()[rank].result;
                pre_token.remove(at + 1);
            }
            ids.extend(pre_token.iter().map(|&id| id as i32));
        });
        ids
    }

    fn encode(encoder: &Encoder, text: &str) -> Vec<i32> {
        let mut ids = Vec::new();
        encoder.worker().encode(text, &mut ids).unwrap();
        ids
    }

    static ALL: LazyLock<Vec<(Tokenizer, Encoder)>> = LazyLock::new(|| {
        let patterns = [Pattern::DEEPSEEK_V3, Pattern::GPT2, Pattern::NONE];
        let all = patterns.into_iter().flat_map(|pattern| [tokenizer(pattern, true), tokenizer(pattern, false)]);
        all.map(|tokenizer| (tokenizer.clone(), Encoder::new(&tokenizer))).collect()
    });

    #[test]
    fn whole_character_vocabularies_start_from_characters() {
        assert!(starts_from_characters(&tokenizer(Pattern::NONE, true)));
        assert!(Encoder::new(&tokenizer(Pattern::DEEPSEEK_V3, true)).characters.is_some());
        // Without the rule of whole characters, some token of this sample holds parts of two characters.
        assert!(!starts_from_characters(&tokenizer(Pattern::NONE, false)));
    }

    #[test]
    fn special_tokens_in_text_are_characters() {
        for (tokenizer, encoder) in ALL.iter() {
            let ids = encode(encoder, "<|endoftext|>");
            assert!(ids.iter().all(|&id| !tokenizer.is_special(id as u32)), "{ids:?}");
            assert_eq!(tokenizer.decode(&ids).unwrap(), b"<|endoftext|>");
            assert_eq!(tokenizer.special_id("<|pad|>"), Some(1));
        }
    }

    #[test]
    fn an_unknown_id_is_named() {
        assert_eq!(tokenizer(Pattern::NONE, true).decode(&[70, -1]), Err(-1));
        assert_eq!(tokenizer(Pattern::NONE, true).decode(&[i32::MAX]), Err(i32::MAX));
    }

    #[test]
    fn long_pre_tokens_are_near_linear() {
        for (tokenizer, encoder) in ALL.iter() {
            for unit in ["a", "いただ", "\0", "ab", "漢"] {
                let text = unit.repeat(200_000);
                assert_eq!(tokenizer.decode(&encode(encoder, &text)).unwrap(), text.as_bytes());
            }
        }
    }

    #[test]
    fn a_character_without_a_token_is_an_error() {
        let tokens = [(0, b"a".to_vec()), (1, b"aa".to_vec())];
        let tokenizer = Tokenizer::new(Pattern::NONE, Alphabet::Characters, &tokens, &[(0, 0)], Vec::new()).unwrap();
        let encoder = Encoder::new(&tokenizer);
        let mut ids = Vec::new();
        assert_eq!(encoder.worker().encode("aaaいa", &mut ids), Err(Inexpressible { at: 3 }));
        assert_eq!(encoder.worker().encode("aaa", &mut ids), Ok(()));
        assert_eq!(ids, [1, 0]);
    }

    /// Real text, where it is there: decoding gives every line back, and the heap for long pre-tokens agrees with the scan.
    #[test]
    fn real_lines_round_trip() {
        let root = std::env::var_os("SEIMAI_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), Into::into);
        let Ok(file) = std::fs::File::open(root.join("data/corpus/rustbook-ja.jsonl.zst")) else {
            return crate::testing::skipped("real_lines_round_trip", "shared/data/corpus");
        };
        let text = std::io::read_to_string(zstd::Decoder::new(file).unwrap()).unwrap();
        let mut merger = Merger::default();
        for (line, (tokenizer, encoder)) in text.lines().take(60).zip(ALL.iter().cycle()) {
            assert_eq!(tokenizer.decode(&encode(encoder, line)).unwrap(), line.as_bytes());
            for pre_token in line.as_bytes().chunks(40) {
                merger.symbols.clear();
                encoder.start_from_bytes(pre_token, 0, pre_token.len(), &mut merger.symbols).unwrap();
                merger.merge_long(&encoder.merge_ranks);
                let long = merger.symbols.clone();
                merger.symbols.clear();
                encoder.start_from_bytes(pre_token, 0, pre_token.len(), &mut merger.symbols).unwrap();
                merger.merge_short(&encoder.merge_ranks);
                assert_eq!(long, merger.symbols);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn ids_equal_the_reference(text in "([いただくきます精米玄。、a-d é😀😁1-4\\x00]|いただき|mill|aaaa){0,60}") {
            for (tokenizer, encoder) in ALL.iter() {
                prop_assert_eq!(encode(encoder, &text), reference(tokenizer, &text));
            }
        }

        #[test]
        fn decoding_gives_the_text_back(text in any::<String>()) {
            for (tokenizer, encoder) in ALL.iter() {
                prop_assert_eq!(tokenizer.decode(&encode(encoder, &text)).unwrap(), text.as_bytes());
            }
        }
    }
}
