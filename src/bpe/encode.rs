//! Turns text into token ids, exactly as Hugging Face tokenizers does.
//!
//! In each pre-token the pair of lowest rank is merged, the leftmost first, until no pair has a rank. The name of a special token
//! that is written out in a text is encoded as ordinary characters, so that a document cannot contain an end-of-text id.
//!
//! Most vocabularies are *orderly*: a merge uses only tokens that earlier merges made, and every token is made by one merge only. Where each token of such a vocabulary is
//! also a string of whole characters or lies inside one, as in those that we train, the merges inside a character do not depend on its neighbours, and they all come before a
//! merge that crosses its ends. So a pre-token may start from characters instead of bytes, which is a third of the symbols in Japanese.
//!
//! The tokens of orderly vocabularies are searched for in a trie, without merging (`walk.rs`). Other vocabularies are merged (`merger.rs`). Both take time that does not depend on
//! where the text has breaks.
//!
//! There is no cache of encoded pre-tokens. On unseen text of five kinds, caches of 2^11 to 2^15 slots for pre-tokens made encoding a little slower; caches of
//! 2^13 and 2^15 pairs of tokens before the search gained nothing that was beyond the noise.

use crate::bpe::class::is_inside_character;
use crate::bpe::joins::Joins;
use crate::bpe::merge_ranks::{MergeRanks, NONE};
use crate::bpe::merger::Merger;
use crate::bpe::pattern::Pattern;
use crate::bpe::symbols::Symbols;
use crate::bpe::vocabulary::{Alphabet, Tokenizer};
use crate::bpe::walk::{Scratch, Walk, Word};

/// Enters fingerprints: raise it when a vocabulary gives other ids for the same text.
pub const VERSION: u32 = 1;

/// Symbols that are encoded at a time: what is known of them stays in the nearest caches.
const BLOCK: usize = 2048;

/// A tokenizer prepared for encoding: immutable, shared by all threads.
#[derive(Debug)]
pub struct Encoder {
    pattern: Pattern,
    symbols: Symbols,
    joins: Joins,
    way: Way,
}

/// How symbols become tokens.
#[derive(Debug)]
enum Way {
    Search(Walk),
    Merge(MergeRanks),
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
        let merge_ranks = MergeRanks::new(tokenizer);
        let is_orderly = is_orderly(tokenizer);
        let symbols = symbols(tokenizer, &merge_ranks, is_orderly);
        let spelled: Vec<Vec<u16>> = (0..tokenizer.len() as u32).map(|id| spell(tokenizer, &symbols, id)).collect();
        let boundary = |left: u32, right: u32| Some((*spelled[left as usize].last()?, *spelled[right as usize].first()?));
        let joins = Joins::new(tokenizer.rules().iter().filter_map(|rule| boundary(rule.left, rule.right)).collect());
        let walk = if is_orderly { walk(tokenizer, &symbols, &merge_ranks, &spelled) } else { None };
        let way = walk.map_or(Way::Merge(merge_ranks), Way::Search);
        Self { pattern: tokenizer.pattern(), symbols, joins, way }
    }

    /// A worker for one thread.
    pub fn worker(&self) -> Worker<'_> {
        Worker { encoder: self, symbols: Vec::new(), scratch: Scratch::default(), merger: Merger::default() }
    }

    /// What stands behind a pre-token among its symbols.
    fn end(&self) -> u16 {
        self.symbols.len() as u16
    }
}

/// What texts are spelled in: the bytes, and the characters that may stand for theirs; or characters only, where the vocabulary says so.
fn symbols(tokenizer: &Tokenizer, merge_ranks: &MergeRanks, is_orderly: bool) -> Symbols {
    let ordinary = (0..tokenizer.len() as u32).filter(|&id| !tokenizer.is_special(id));
    let tokens: Vec<(u32, &[u8])> = ordinary.filter_map(|id| Some((id, tokenizer.token(id)?))).collect();
    let characters = || tokens.iter().filter_map(|&(id, bytes)| Some((single_character(bytes)?, id)));
    if tokenizer.alphabet() == Alphabet::Characters {
        return Symbols::new(&[], &characters().collect::<Vec<_>>()).unwrap_or_default();
    }
    let single = tokens.iter().filter_map(|&(id, bytes)| if let [byte] = bytes { Some((*byte, id)) } else { None });
    let bytes: Vec<(u8, u32)> = single.collect();
    let mut merger = Merger::default();
    let mut is_what_its_bytes_become = |character: char, id: u32| {
        let of_byte = |byte: u8| bytes.iter().find(|entry| entry.0 == byte).map_or(NONE, |entry| entry.1);
        merger.symbols.clear();
        merger.symbols.extend(character.encode_utf8(&mut [0; 4]).bytes().map(of_byte));
        merger.merge(merge_ranks);
        merger.symbols == [id]
    };
    let mut whole = Vec::new();
    if is_orderly && keeps_characters(tokenizer) {
        whole.extend(characters().filter(|&(character, id)| !character.is_ascii() && is_what_its_bytes_become(character, id)));
    }
    Symbols::new(&bytes, &whole).or_else(|| Symbols::new(&bytes, &[])).unwrap_or_default()
}

/// The symbols of a token, none of a special one.
fn spell(tokenizer: &Tokenizer, symbols: &Symbols, id: u32) -> Vec<u16> {
    let mut spelled = Vec::new();
    let Some(bytes) = tokenizer.token(id).filter(|_| !tokenizer.is_special(id)) else { return spelled };
    let all = match std::str::from_utf8(bytes) {
        Ok(_) => symbols.spell(bytes, &mut spelled),
        Err(_) => symbols.spell_bytes(bytes, 0..bytes.len(), &mut spelled),
    };
    if all.is_err() {
        // No text gives it.
        spelled.clear();
    }
    spelled
}

fn single_character(bytes: &[u8]) -> Option<char> {
    let mut characters = std::str::from_utf8(bytes).ok()?.chars();
    characters.next().filter(|_| characters.next().is_none())
}

/// Does each merge use only tokens that earlier merges make, and is each token made by one merge at most?
fn is_orderly(tokenizer: &Tokenizer) -> bool {
    let is_symbol = |bytes: &[u8]| match tokenizer.alphabet() {
        Alphabet::Bytes => bytes.len() == 1,
        Alphabet::Characters => single_character(bytes).is_some(),
    };
    let mut made: Vec<bool> = (0..tokenizer.len() as u32).map(|id| tokenizer.token(id).is_some_and(is_symbol)).collect();
    tokenizer.rules().iter().all(|rule| {
        let in_order = made[rule.left as usize] && made[rule.right as usize];
        in_order && !std::mem::replace(&mut made[rule.result as usize], true)
    })
}

/// Is each token that merges make a string of whole characters, or inside one?
fn keeps_characters(tokenizer: &Tokenizer) -> bool {
    let fits = |bytes| std::str::from_utf8(bytes).is_ok() || is_inside_character(bytes);
    tokenizer.rules().iter().all(|rule| tokenizer.token(rule.result).is_some_and(fits))
}

/// An orderly vocabulary prepared for the search; `None` if it is too large for that.
fn walk(tokenizer: &Tokenizer, symbols: &Symbols, merge_ranks: &MergeRanks, spelled: &[Vec<u16>]) -> Option<Walk> {
    let mut ids: Vec<u32> = (0..symbols.len() as u16).map(|symbol| symbols.token(symbol)).collect();
    let mut numbers = vec![NONE; tokenizer.len()];
    for (number, &id) in ids.iter().enumerate() {
        numbers[id as usize] = number as u32;
    }
    let mut sides = Vec::new();
    for rule in tokenizer.rules() {
        if numbers[rule.result as usize] == NONE {
            numbers[rule.result as usize] = ids.len() as u32;
            ids.push(rule.result);
            sides.push((numbers[rule.left as usize], numbers[rule.right as usize]));
        }
    }
    let mut merger = Merger::default();
    let mut is_made = |id: u32, word: &[u16]| {
        merger.symbols.clear();
        merger.symbols.extend(word.iter().map(|&symbol| symbols.token(symbol)));
        merger.merge(merge_ranks);
        merger.symbols == [id]
    };
    let words = ids.iter().zip(0..).map(|(&id, number)| (id, Word { number, symbols: &spelled[id as usize] }));
    let words: Vec<Word> = words.filter(|(id, word)| is_made(*id, word.symbols)).map(|(_, word)| word).collect();
    Walk::new(symbols.len(), ids, sides, &words)
}

/// An encoder at work in one thread.
#[derive(Debug)]
pub struct Worker<'e> {
    encoder: &'e Encoder,
    /// Pre-tokens that wait to be encoded, [`Encoder::end`] behind each.
    symbols: Vec<u16>,
    scratch: Scratch,
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
                result = self.pre_token(&text.as_bytes()[start..end], out).map_err(|at| Inexpressible { at: start + at });
            }
        });
        self.block(out);
        result
    }

    #[inline]
    fn pre_token(&mut self, pre_token: &[u8], out: &mut Vec<i32>) -> Result<(), usize> {
        let before = self.symbols.len();
        if let Err(at) = self.encoder.symbols.spell(pre_token, &mut self.symbols) {
            self.symbols.truncate(before);
            return Err(at);
        }
        self.symbols.push(self.encoder.end());
        if self.symbols.len() > BLOCK {
            self.block(out);
        }
        Ok(())
    }

    /// Encodes the pre-tokens that wait.
    fn block(&mut self, out: &mut Vec<i32>) {
        let mut rest = self.symbols.as_slice();
        while !rest.is_empty() {
            // A long pre-token is cut where no token can go on.
            let cut = rest.windows(2).skip(BLOCK).position(|pair| !self.encoder.joins.may_join(pair[0], pair[1]));
            let (block, behind) = rest.split_at(cut.map_or(rest.len(), |pair| BLOCK + pair + 1));
            match &self.encoder.way {
                Way::Search(walk) => walk.encode(block, &mut self.scratch, out),
                Way::Merge(merge_ranks) => merged(block, self.encoder, merge_ranks, &mut self.merger, out),
            }
            rest = behind;
        }
        self.symbols.clear();
    }
}

/// Run by run: no merge crosses the ends of a run, so each is merged by itself.
fn merged(symbols: &[u16], encoder: &Encoder, merge_ranks: &MergeRanks, merger: &mut Merger, out: &mut Vec<i32>) {
    for pre_token in symbols.split(|&symbol| symbol == encoder.end()) {
        for run in pre_token.chunk_by(|&left, &right| encoder.joins.may_join(left, right)) {
            merger.symbols.clear();
            merger.symbols.extend(run.iter().map(|&symbol| encoder.symbols.token(symbol)));
            merger.merge(merge_ranks);
            out.extend(merger.symbols.iter().map(|&id| id as i32));
        }
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
        trained(pattern, whole_characters, SAMPLE, 220)
    }

    fn trained(pattern: Pattern, whole_characters: bool, text: &str, merges: usize) -> Tokenizer {
        let mut pre_tokens = Vec::new();
        pattern.for_each_pre_token(text, |start, end| pre_tokens.push((&text.as_bytes()[start..end], 2)));
        pre_tokens.push((b"<|endoftext|>", 1));
        let reserved = specials().into_iter().map(String::into_bytes).collect();
        let limits = Limits { merges, min_frequency: 1, max_token_length: None, whole_characters, reserved };
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

    fn searches(encoder: &Encoder) -> bool {
        matches!(encoder.way, Way::Search(_))
    }

    #[test]
    fn whole_character_vocabularies_start_from_characters() {
        let characters = |whole| Encoder::new(&tokenizer(Pattern::NONE, whole)).symbols.len() - 256;
        assert!(keeps_characters(&tokenizer(Pattern::NONE, true)));
        assert!(characters(true) > 10);
        // Without the rule of whole characters, some token of this sample holds parts of two characters.
        assert!(!keeps_characters(&tokenizer(Pattern::NONE, false)));
        assert_eq!(characters(false), 0);
        assert!(ALL.iter().all(|(_, encoder)| searches(encoder)));
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

    /// Real text, where it is there: the same as merging each pre-token from its bytes, by scanning and with a heap; and decoding gives the text back.
    #[test]
    fn real_text_is_encoded_as_merging_does() {
        let root = std::env::var_os("SEIMAI_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), Into::into);
        let corpus = root.join("data/corpus");
        if !corpus.is_dir() {
            return crate::testing::skipped("real_text_is_encoded_as_merging_does", "shared/data/corpus");
        }
        for name in ["rustbook-ja", "aozora", "realpersonachat"] {
            let file = std::fs::File::open(corpus.join(format!("{name}.jsonl.zst"))).unwrap();
            let lines = std::io::BufRead::lines(std::io::BufReader::new(zstd::Decoder::new(file).unwrap()));
            let texts: String =
                lines.map_while(Result::ok).flat_map(|line| line.chars().take(2000).collect::<Vec<_>>()).take(60_000).collect();
            let (learnt, rest) = texts.split_at(texts.floor_char_boundary(texts.len() / 2));
            for pattern in [Pattern::DEEPSEEK_V3, Pattern::CL100K] {
                for whole in [true, false] {
                    let tokenizer = trained(pattern, whole, learnt, 1500);
                    let encoder = Encoder::new(&tokenizer);
                    assert!(searches(&encoder));
                    let ids = encode(&encoder, rest);
                    assert_eq!(ids, by_merging(&tokenizer, rest), "{name} {pattern:?} {whole}");
                    assert_eq!(tokenizer.decode(&ids).unwrap(), rest.as_bytes());
                }
            }
        }
    }

    /// Each pre-token from its bytes with a heap, and where it is short by scanning too.
    fn by_merging(tokenizer: &Tokenizer, text: &str) -> Vec<i32> {
        let merge_ranks = MergeRanks::new(tokenizer);
        let of_byte: Vec<u32> =
            (0..=255u8).map(|byte| (0..tokenizer.len() as u32).find(|&id| tokenizer.token(id) == Some(&[byte])).unwrap()).collect();
        let (mut ids, mut merger) = (Vec::new(), Merger::default());
        tokenizer.pattern().for_each_pre_token(text, |start, end| {
            let symbols: Vec<u32> = text.as_bytes()[start..end].iter().map(|&byte| of_byte[usize::from(byte)]).collect();
            merger.symbols.clone_from(&symbols);
            merger.merge_long(&merge_ranks);
            let long = std::mem::replace(&mut merger.symbols, symbols);
            if merger.symbols.len() < 500 {
                merger.merge_short(&merge_ranks);
                assert_eq!(long, merger.symbols);
            }
            ids.extend(long.iter().map(|&id| id as i32));
        });
        ids
    }

    /// A vocabulary as nobody would learn it: any two tokens are joined, in an order that may put a merge before those of its sides; a string may be made in two
    /// ways; some tokens no text is encoded to.
    fn random_tokenizer(letters: &[&str], joins: &[(u16, u16)], shuffle: Option<u64>, pattern: Pattern) -> Tokenizer {
        let mut tokens: Vec<(u32, Vec<u8>)> = (0..=255).map(|byte: u8| (u32::from(byte), vec![byte])).collect();
        let mut merges: Vec<(u32, u32)> = Vec::new();
        let mut usable: Vec<u32> = Vec::new();
        let join = |tokens: &mut Vec<(u32, Vec<u8>)>, merges: &mut Vec<(u32, u32)>, left: u32, right: u32, twice: bool| {
            let bytes = [tokens[left as usize].1.as_slice(), &tokens[right as usize].1].concat();
            let known = tokens.iter().find(|token| token.1 == bytes).map(|token| token.0);
            if merges.contains(&(left, right)) || bytes.len() > 40 || (known.is_some() && !twice) {
                return known;
            }
            merges.push((left, right));
            Some(known.unwrap_or_else(|| {
                tokens.push((tokens.len() as u32, bytes));
                tokens.len() as u32 - 1
            }))
        };
        for letter in letters {
            let mut bytes = letter.bytes().map(u32::from);
            let first = bytes.next().unwrap();
            usable.push(bytes.fold(first, |left, right| join(&mut tokens, &mut merges, left, right, false).unwrap()));
        }
        for &(left, right) in joins {
            let (left, right) = (usable[usize::from(left) % usable.len()], usable[usize::from(right) % usable.len()]);
            if let Some(token) = join(&mut tokens, &mut merges, left, right, shuffle.is_some_and(|seed| seed % 2 == 1)) {
                usable.push(token);
            }
        }
        if let Some(seed) = shuffle {
            let key = |i: usize| (i as u64 ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
            let mut order: Vec<usize> = (0..merges.len()).collect();
            order.sort_by_key(|&i| key(i));
            merges = order.into_iter().map(|i| merges[i]).collect();
        }
        Tokenizer::new(pattern, Alphabet::Bytes, &tokens, &merges, Vec::new()).unwrap()
    }

    /// Both ways of encoding, and texts longer than a block.
    #[test]
    fn long_texts_are_cut_where_no_token_goes_on() {
        let tokenizer = random_tokenizer(&["a", "b", "あ", "い"], &[(0, 0), (0, 1), (2, 3), (4, 4), (6, 2), (3, 5)], None, Pattern::NONE);
        let encoder = Encoder::new(&tokenizer);
        assert!(searches(&encoder));
        for unit in ["aab", "あい", "いいあaab", "a", "\n"] {
            let text = unit.repeat(3 * BLOCK);
            assert_eq!(encode(&encoder, &text), by_merging(&tokenizer, &text), "{unit:?}");
        }
        let disorderly = random_tokenizer(&["a", "b", "あ"], &[(0, 0), (3, 1), (0, 1), (0, 4), (2, 2)], Some(3), Pattern::NONE);
        let encoder = Encoder::new(&disorderly);
        assert!(!searches(&encoder));
        let text = "aabあああ".repeat(BLOCK);
        assert_eq!(encode(&encoder, &text), by_merging(&disorderly, &text));
    }

    #[test]
    fn a_vocabulary_with_a_very_long_token_is_merged() {
        let mut tokens: Vec<(u32, Vec<u8>)> = (0..=255).map(|byte: u8| (u32::from(byte), vec![byte])).collect();
        let mut merges = vec![(97, 97)];
        tokens.push((256, vec![b'a'; 2]));
        for id in 257..266 {
            merges.push((id - 1, id - 1));
            tokens.push((id, vec![b'a'; 1 << (id - 255)]));
        }
        let tokenizer = Tokenizer::new(Pattern::NONE, Alphabet::Bytes, &tokens, &merges, Vec::new()).unwrap();
        let encoder = Encoder::new(&tokenizer);
        assert!(!searches(&encoder));
        let text = "a".repeat(5000);
        assert_eq!(encode(&encoder, &text), by_merging(&tokenizer, &text));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn ids_equal_the_reference(text in "([いただくきます精米玄。、a-d é😀😁1-4\\x00]|いただき|mill|aaaa){0,60}") {
            for (tokenizer, encoder) in ALL.iter() {
                prop_assert_eq!(encode(encoder, &text), reference(tokenizer, &text));
            }
        }

        /// Vocabularies that merges are in any order of, and that make a string in two ways, too.
        #[test]
        fn ids_of_random_vocabularies_equal_the_reference(
            joins in prop::collection::vec(any::<(u16, u16)>(), 0..40),
            shuffle in prop::option::of(any::<u64>()),
            texts in prop::collection::vec("([abあい1 ]|aa|abab|ああ){0,40}", 8),
        ) {
            for letters in [&["a", "b"][..], &["a", "b", "あ", "い"]] {
                for pattern in [Pattern::NONE, Pattern::GPT2] {
                    let tokenizer = random_tokenizer(letters, &joins, shuffle, pattern);
                    let encoder = Encoder::new(&tokenizer);
                    prop_assert!(shuffle.is_some() || searches(&encoder));
                    for text in &texts {
                        prop_assert_eq!(encode(&encoder, text), reference(&tokenizer, text));
                    }
                }
            }
        }

        /// Any Unicode, and merges that do not heed characters.
        #[test]
        fn ids_of_any_text_equal_merging(text in any::<String>()) {
            for (tokenizer, encoder) in ALL.iter() {
                prop_assert_eq!(encode(encoder, &text), by_merging(tokenizer, &text));
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
