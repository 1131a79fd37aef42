//! Text → token ids, exactly as Hugging Face tokenizers does it.
//!
//! In each piece of the pattern the pair of lowest rank is merged, the leftmost first, until no pair has a rank. Special
//! tokens written out in a text are ordinary characters: a document cannot smuggle in an end-of-text id.
//!
//! Most vocabularies of ours obey three rules: every token is a string of whole characters or lies inside one; a merge
//! uses only tokens that earlier merges made; every token is made by one merge. Then merges inside a character never
//! depend on its neighbours, and later merges wait for the whole character: a piece may start from characters instead
//! of bytes, a third of the symbols in Japanese. Other vocabularies start from bytes.
//!
//! There is no cache of pieces: on unseen text of five kinds one of any size between 2^11 and 2^15 slots made encoding a
//! little slower, for a clause merged from characters costs about as much as a slot that is not in the processor's cache.

use crate::bpe::class::{decode, is_inside_character};
use crate::bpe::merge_ranks::{MergeRanks, NONE};
use crate::bpe::merging::Merger;
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
    /// Id of each character of the basic plane that may start as one symbol.
    characters: Option<Box<[u32]>>,
    /// The same beyond the basic plane, sorted by code point.
    astral: Vec<(u32, u32)>,
    merge_ranks: MergeRanks,
}

/// A text holds a character that the vocabulary cannot express (never with a byte alphabet that is complete).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inexpressible {
    /// Where the character starts, in bytes.
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

    /// A worker of one thread.
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

    /// Fills `symbols` with the first symbols of a piece.
    #[inline]
    fn start(&self, piece: &[u8], symbols: &mut Vec<u32>) -> Result<(), Inexpressible> {
        symbols.clear();
        let Some(table) = &self.characters else {
            return self.start_from_bytes(piece, 0, piece.len(), symbols);
        };
        let mut at = 0;
        while at < piece.len() {
            let (code_point, next) = decode(piece, at);
            match self.character(table, code_point) {
                NONE => self.start_from_bytes(piece, at, next, symbols)?,
                id => symbols.push(id),
            }
            at = next;
        }
        Ok(())
    }

    fn start_from_bytes(&self, piece: &[u8], from: usize, to: usize, symbols: &mut Vec<u32>) -> Result<(), Inexpressible> {
        for (i, &byte) in piece[from..to].iter().enumerate() {
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

/// Does the vocabulary obey the three rules of the header?
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
    /// The first character the vocabulary cannot express; `out` then holds the ids of the pieces before.
    pub fn encode(&mut self, text: &str, out: &mut Vec<i32>) -> Result<(), Inexpressible> {
        let Self { encoder, merger } = self;
        let mut result = Ok(());
        encoder.pattern.for_each_piece(text, |start, end| {
            if result.is_ok() {
                result = encode_pre_token(encoder, merger, &text.as_bytes()[start..end], out)
                    .map_err(|error| Inexpressible { at: start + error.at });
            }
        });
        result
    }
}

#[inline]
fn encode_pre_token(encoder: &Encoder, merger: &mut Merger, pre_token: &[u8], out: &mut Vec<i32>) -> Result<(), Inexpressible> {
    encoder.start(pre_token, &mut merger.symbols)?;
    merger.merge(&encoder.merge_ranks);
    out.extend(merger.symbols.iter().map(|&id| id as i32));
    Ok(())
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
        let mut pieces = Vec::new();
        pattern.for_each_piece(SAMPLE, |start, end| pieces.push((&SAMPLE.as_bytes()[start..end], 2)));
        pieces.push((b"<|endoftext|>", 1));
        let reserved = specials().into_iter().map(String::into_bytes).collect();
        let limits = Limits { merges: 220, min_frequency: 1, max_token_length: None, whole_characters, reserved };
        Tokenizer::from_merges(pattern, &specials(), &train(&pieces, &limits).unwrap().merges).unwrap()
    }

    /// The lowest rank first, looked for in the list of merges, from bytes.
    fn reference(tokenizer: &Tokenizer, text: &str) -> Vec<i32> {
        let byte = |byte: &u8| (0..tokenizer.len() as u32).find(|&id| tokenizer.token(id) == Some(&[*byte])).unwrap();
        let mut ids = Vec::new();
        tokenizer.pattern().for_each_piece(text, |start, end| {
            let mut piece: Vec<u32> = text.as_bytes()[start..end].iter().map(byte).collect();
            while let Some((rank, at)) = piece
                .windows(2)
                .enumerate()
                .filter_map(|(at, pair)| Some((tokenizer.rules().iter().position(|rule| [rule.left, rule.right] == pair)?, at)))
                .min()
            {
                piece[at] = tokenizer.rules()[rank].result;
                piece.remove(at + 1);
            }
            ids.extend(piece.iter().map(|&id| id as i32));
        });
        ids
    }

    fn encode(encoder: &Encoder, text: &str) -> Vec<i32> {
        let mut ids = Vec::new();
        encoder.worker().encode(text, &mut ids).unwrap();
        ids
    }

    static ALL: LazyLock<Vec<(Tokenizer, Encoder)>> = LazyLock::new(|| {
        let patterns = [Pattern::DeepseekV3, Pattern::Gpt2, Pattern::None];
        let all = patterns.into_iter().flat_map(|pattern| [tokenizer(pattern, true), tokenizer(pattern, false)]);
        all.map(|tokenizer| (tokenizer.clone(), Encoder::new(&tokenizer))).collect()
    });

    #[test]
    fn whole_character_vocabularies_start_from_characters() {
        assert!(starts_from_characters(&tokenizer(Pattern::None, true)));
        assert!(Encoder::new(&tokenizer(Pattern::DeepseekV3, true)).characters.is_some());
        // Over lines of text without the rule, some token cuts characters apart.
        assert!(!starts_from_characters(&tokenizer(Pattern::None, false)));
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
        assert_eq!(tokenizer(Pattern::None, true).decode(&[70, -1]), Err(-1));
        assert_eq!(tokenizer(Pattern::None, true).decode(&[i32::MAX]), Err(i32::MAX));
    }

    #[test]
    fn long_pieces_are_near_linear() {
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
        let tokenizer = Tokenizer::new(Pattern::None, Alphabet::Characters, &tokens, &[(0, 0)], Vec::new()).unwrap();
        let encoder = Encoder::new(&tokenizer);
        let mut ids = Vec::new();
        assert_eq!(encoder.worker().encode("aaaいa", &mut ids), Err(Inexpressible { at: 3 }));
        assert_eq!(encoder.worker().encode("aaa", &mut ids), Ok(()));
        assert_eq!(ids, [1, 0]);
    }

    /// Real text, where it is to be had: every line comes back, and the queue of long pieces agrees with the scan.
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
            for piece in line.as_bytes().chunks(40) {
                merger.symbols.clear();
                encoder.start_from_bytes(piece, 0, piece.len(), &mut merger.symbols).unwrap();
                merger.merge_long(&encoder.merge_ranks);
                let long = merger.symbols.clone();
                merger.symbols.clear();
                encoder.start_from_bytes(piece, 0, piece.len(), &mut merger.symbols).unwrap();
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
