//! A tokenizer as a value: tokens, merges, special tokens and the pattern.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::bpe::byte_level::BYTE_ORDER;
use crate::bpe::merge::Merge;
use crate::bpe::pattern::Pattern;

/// Ids must be below this, so that a file with one huge id cannot ask for a huge table (the largest published vocabularies have
/// about 2^18 tokens).
pub const MAX_ID: u32 = 1 << 21;
/// There must be fewer merges than this, so that a pair and its rank fit one word of the encoder's table.
pub const MAX_MERGES: usize = (1 << 22) - 1;

/// Characters that are tokens, at most, where texts start from characters: each has a number of 16 bits.
pub const MAX_CHARACTERS: usize = 65_533;

/// What a pre-token consists of before any merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// Bytes (byte-level BPE): every text can be encoded.
    Bytes,
    /// Characters: a text with a character outside the vocabulary cannot be encoded.
    Characters,
}

/// A merge by token ids, in order of rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Left token.
    pub left: u32,
    /// Right token.
    pub right: u32,
    /// The token they become.
    pub result: u32,
}

/// A token that no text is encoded to; only programs insert it (end of a document, padding).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Special {
    /// Its id.
    pub id: u32,
    /// How it is written.
    pub content: String,
}

/// A byte-pair-encoding tokenizer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokenizer {
    pattern: Pattern,
    alphabet: Alphabet,
    bytes: Vec<u8>,
    ends: Vec<u32>,
    rules: Vec<Rule>,
    specials: Vec<Special>,
    normalizer: Option<serde_json::Value>,
}

impl Tokenizer {
    /// A tokenizer from tokens with their ids (in any order), merges in order of rank, and special tokens.
    ///
    /// # Errors
    /// One sentence if an id or a string occurs twice, an id is out of range, a string is empty, there are too many characters, or a
    /// merge names a token that does not exist.
    pub fn new(
        pattern: Pattern,
        alphabet: Alphabet,
        tokens: &[(u32, Vec<u8>)],
        merges: &[(u32, u32)],
        mut specials: Vec<Special>,
    ) -> Result<Self, String> {
        specials.sort_by_key(|special| special.id);
        let strings = by_id(tokens, &specials)?;
        if merges.len() >= MAX_MERGES {
            return Err(format!("{} merges are too many (at most {} are allowed)", merges.len(), MAX_MERGES - 1));
        }
        let is_character = |token: &&(u32, Vec<u8>)| std::str::from_utf8(&token.1).is_ok_and(|text| text.chars().nth(1).is_none());
        if alphabet == Alphabet::Characters && tokens.iter().filter(is_character).count() > MAX_CHARACTERS {
            return Err(format!("more than {MAX_CHARACTERS} characters are tokens"));
        }
        let ids: FxHashMap<&[u8], u32> = tokens.iter().map(|(id, bytes)| (bytes.as_slice(), *id)).collect();
        let mut rules = Vec::with_capacity(merges.len());
        let mut joined = Vec::new();
        let mut pairs = FxHashSet::default();
        for (rank, &(left, right)) in merges.iter().enumerate() {
            joined.clear();
            for side in [left, right] {
                let string = strings.get(side as usize).copied().unwrap_or_default();
                if string.is_empty() || is_special(&specials, side) {
                    return Err(format!("merge {rank} uses id {side}, which is no ordinary token"));
                }
                joined.extend_from_slice(string);
            }
            let result = *ids.get(joined.as_slice()).ok_or_else(|| format!("merge {rank} makes a token that is not in the vocabulary"))?;
            if !pairs.insert((left, right)) {
                return Err(format!("merge {rank} occurs twice"));
            }
            rules.push(Rule { left, right, result });
        }
        let ends = strings.iter().scan(0, |end, string| {
            *end += string.len() as u32;
            Some(*end)
        });
        let ends = ends.collect();
        Ok(Self { pattern, alphabet, bytes: strings.concat(), ends, rules, specials, normalizer: None })
    }

    /// A byte-level tokenizer from learned merges: special tokens first, then the 256 bytes, then the merges in order.
    ///
    /// # Errors
    /// One sentence if these do not fit together.
    pub fn from_merges(pattern: Pattern, specials: &[String], merges: &[Merge]) -> Result<Self, String> {
        let offset = specials.len() as u32;
        let mut tokens: Vec<(u32, Vec<u8>)> = Vec::with_capacity(256 + merges.len());
        tokens.extend(BYTE_ORDER.iter().enumerate().map(|(rank, &byte)| (offset + rank as u32, vec![byte])));
        let mut pairs = Vec::with_capacity(merges.len());
        for merge in merges {
            let bytes = [tokens[merge.left as usize].1.as_slice(), &tokens[merge.right as usize].1].concat();
            tokens.push((offset + tokens.len() as u32, bytes));
            pairs.push((offset + merge.left, offset + merge.right));
        }
        let specials = specials.iter().enumerate().map(|(id, content)| Special { id: id as u32, content: content.clone() });
        Self::new(pattern, Alphabet::Bytes, &tokens, &pairs, specials.collect())
    }

    /// The same tokenizer with a normaliser for the libraries that read its file, in Hugging Face's format. Encoding here takes text
    /// that is normalised already.
    #[must_use]
    pub fn with_normalizer(self, normalizer: serde_json::Value) -> Self {
        Self { normalizer: Some(normalizer), ..self }
    }

    /// The same tokenizer without a normaliser.
    #[must_use]
    pub fn without_normalizer(self) -> Self {
        Self { normalizer: None, ..self }
    }

    /// The normaliser that `tokenizer.json` carries.
    pub fn normalizer(&self) -> Option<&serde_json::Value> {
        self.normalizer.as_ref()
    }

    /// One more than the largest id.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// No token at all.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The pattern that cuts text into pre-tokens.
    pub fn pattern(&self) -> Pattern {
        self.pattern
    }

    /// What the first symbols are.
    pub fn alphabet(&self) -> Alphabet {
        self.alphabet
    }

    /// The merges in order of rank.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The special tokens.
    pub fn specials(&self) -> &[Special] {
        &self.specials
    }

    /// Id of a special token by its content.
    pub fn special_id(&self, content: &str) -> Option<u32> {
        self.specials.iter().find(|special| special.content == content).map(|special| special.id)
    }

    /// Is this the id of a special token?
    pub fn is_special(&self, id: u32) -> bool {
        is_special(&self.specials, id)
    }

    /// The bytes a token stands for; `None` for an id without a token.
    pub fn token(&self, id: u32) -> Option<&[u8]> {
        let i = id as usize;
        let end = *self.ends.get(i)? as usize;
        let start = if i == 0 { 0 } else { self.ends[i - 1] as usize };
        Some(&self.bytes[start..end]).filter(|bytes| !bytes.is_empty())
    }

    /// The bytes that `ids` stand for, special tokens as they are written. The bytes are UTF-8 only if the ids begin and end at
    /// whole characters.
    ///
    /// # Errors
    /// The first id that is not in the vocabulary.
    pub fn decode(&self, ids: &[i32]) -> Result<Vec<u8>, i32> {
        let mut bytes = Vec::new();
        for &id in ids {
            bytes.extend_from_slice(u32::try_from(id).ok().and_then(|id| self.token(id)).ok_or(id)?);
        }
        Ok(bytes)
    }
}

fn is_special(by_id: &[Special], id: u32) -> bool {
    by_id.binary_search_by_key(&id, |special| special.id).is_ok()
}

/// The strings by id; empty where an id has no token.
fn by_id<'t>(tokens: &'t [(u32, Vec<u8>)], specials: &'t [Special]) -> Result<Vec<&'t [u8]>, String> {
    let all = || tokens.iter().map(|(id, b)| (*id, b.as_slice())).chain(specials.iter().map(|s| (s.id, s.content.as_bytes())));
    let length = all().map(|(id, _)| id as usize + 1).max().unwrap_or(0);
    if length > MAX_ID as usize {
        return Err(format!("id {} is out of range (ids below {MAX_ID} are allowed)", length - 1));
    }
    let mut strings: Vec<&[u8]> = vec![&[]; length];
    let mut seen = FxHashSet::default();
    for (id, string) in all() {
        if string.is_empty() {
            return Err(format!("token {id} is empty"));
        }
        if !strings[id as usize].is_empty() {
            return Err(format!("id {id} occurs twice"));
        }
        if !seen.insert(string) {
            return Err(format!("the token of id {id} occurs twice"));
        }
        strings[id as usize] = string;
    }
    let total: usize = strings.iter().map(|string| string.len()).sum();
    if u32::try_from(total).is_err() {
        return Err("the vocabulary is larger than 4 GiB".to_owned());
    }
    Ok(strings)
}
