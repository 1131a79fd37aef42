//! Reads a `tokenizer.json` strictly: what would change ids and is not supported is refused.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::expressions::expressions;
use crate::bpe::byte_level;
use crate::bpe::pattern::{Pattern, Published};
use crate::bpe::vocabulary::{Alphabet, MAX_ID, Special, Tokenizer};
use crate::schema::NORMALIZER_MARK;

/// Largest `tokenizer.json` that is read, in bytes.
pub const FILE_MAX: u64 = 1 << 27;

/// Reads a `tokenizer.json`.
///
/// Added tokens become special tokens, whatever the file says about them: no text is encoded to them. Truncation, padding and the
/// post-processor are ignored, because they are settings of a call and not of a vocabulary.
///
/// # Errors
/// One sentence that names the first fault.
pub fn parse(json: &[u8]) -> Result<Tokenizer, String> {
    let file: File = serde_json::from_slice(json).map_err(|error| format!("not a tokenizer.json that we read: {error}"))?;
    if !is_nothing(&file.normalizer) && !is_ours(&file.normalizer) {
        return Err("a normalizer inside the tokenizer is not supported, unless it is ours; normalise in the pipeline".to_owned());
    }
    let (pattern, alphabet) = read_pre_tokenizer(file.pre_tokenizer)?;
    read_decoder(&file.decoder, alphabet)?;
    file.model.check()?;
    let tokenizer = build(pattern, alphabet, file.added_tokens, &file.model)?;
    Ok(if is_nothing(&file.normalizer) { tokenizer } else { tokenizer.with_normalizer(file.normalizer) })
}

/// Reads a `tokenizer.json` for how it was learned: what makes other ids of a text, and not other merges of a corpus, is passed over
/// (`ignore_merges`, `dropout`), and a normaliser of Unicode alone stays for the caller to look at.
///
/// # Errors
/// One sentence that names the first fault.
pub fn parse_as_learned(json: &[u8]) -> Result<Tokenizer, String> {
    #[derive(Deserialize)]
    struct Kind {
        model: KindOfModel,
    }
    #[derive(Deserialize)]
    struct KindOfModel {
        r#type: Option<String>,
    }
    let unread = |error: serde_json::Error| format!("not a tokenizer.json that we read: {error}");
    let kind: Kind = serde_json::from_slice(json).map_err(unread)?;
    if let Some(kind) = kind.model.r#type.filter(|kind| kind != "BPE") {
        return Err(format!("the model is of type {kind:?}, which is learned without merges"));
    }
    let mut file: File = serde_json::from_slice(json).map_err(unread)?;
    let is_unicode = matches!(file.normalizer.get("type").and_then(Value::as_str), Some("NFC" | "NFKC"));
    if !is_nothing(&file.normalizer) && !is_ours(&file.normalizer) && !is_unicode {
        let name = file.normalizer.get("type").and_then(Value::as_str).unwrap_or("another one").to_owned();
        return Err(format!("its normalizer ({name}) is not known here: NFC, NFKC and ours are"));
    }
    (file.model.ignore_merges, file.model.dropout) = (false, None);
    let (pattern, alphabet) = read_pre_tokenizer(file.pre_tokenizer)?;
    read_decoder(&file.decoder, alphabet)?;
    file.model.check()?;
    let tokenizer = build(pattern, alphabet, file.added_tokens, &file.model)?;
    Ok(if is_nothing(&file.normalizer) { tokenizer } else { tokenizer.with_normalizer(file.normalizer) })
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Option<PreTokenizer>,
    #[serde(default)]
    decoder: Value,
    model: Model,
}

#[derive(Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum PreTokenizer {
    Sequence {
        pretokenizers: Vec<PreTokenizer>,
    },
    Split {
        pattern: SplitPattern,
        behavior: String,
        invert: bool,
    },
    ByteLevel {
        add_prefix_space: bool,
        #[serde(default = "yes")]
        use_regex: bool,
    },
}

#[derive(Deserialize)]
enum SplitPattern {
    Regex(String),
    String(serde::de::IgnoredAny),
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct Model {
    r#type: Option<String>,
    dropout: Option<f64>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
    vocab: Vocabulary,
    merges: Vec<MergeText>,
}

impl Model {
    /// Refuses what would change the ids.
    fn check(&self) -> Result<(), String> {
        let empty = |text: &Option<String>| text.as_ref().is_none_or(String::is_empty);
        let refusals = [
            (self.r#type.as_deref().is_some_and(|name| name != "BPE"), "the model is not of type BPE"),
            (self.dropout.is_some_and(|share| share != 0.0), "dropout makes ids random"),
            (!empty(&self.continuing_subword_prefix), "continuing_subword_prefix is not supported"),
            (!empty(&self.end_of_word_suffix), "end_of_word_suffix is not supported"),
            (self.byte_fallback, "byte_fallback (byte tokens beside characters) is not supported; byte-level vocabularies are"),
            (self.ignore_merges, "ignore_merges is not supported"),
        ];
        refusals.iter().find(|(refused, _)| *refused).map_or(Ok(()), |(_, why)| Err((*why).to_owned()))
    }
}

/// The entries in the order of the file. A map would hide that a string occurs twice.
struct Vocabulary(Vec<(String, u32)>);

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Vocabulary;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object of tokens and ids")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vocabulary, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    if entries.len() == MAX_ID as usize {
                        return Err(A::Error::custom("too many tokens"));
                    }
                    entries.push(entry);
                }
                Ok(Vocabulary(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// A merge as a pair, or as in files before 2024: two tokens with a space between them.
#[derive(Deserialize)]
#[serde(untagged)]
enum MergeText {
    Pair(String, String),
    Line(String),
}

impl MergeText {
    fn sides(&self) -> Option<(&str, &str)> {
        match self {
            Self::Pair(left, right) => Some((left, right)),
            Self::Line(line) => line.split_once(' ').filter(|(_, right)| !right.contains(' ')),
        }
    }
}

/// Null, or the empty sequence that some published files have.
pub(super) fn is_nothing(step: &Value) -> bool {
    step.is_null() || step.get("normalizers").and_then(Value::as_array).is_some_and(Vec::is_empty)
}

/// Is it the normaliser that the plan's `tokenizer.normalizer = "seimai"` writes, whole? Normalised text passes through it unchanged,
/// so ids do not depend on it here.
pub(super) fn is_ours(step: &Value) -> bool {
    let Some((mark, steps)) = step.get("normalizers").and_then(Value::as_array).and_then(|steps| steps.split_last()) else {
        return false;
    };
    let what = mark.pointer("/pattern/String").and_then(Value::as_str).and_then(|pattern| pattern.strip_prefix(NORMALIZER_MARK));
    let what: Option<Value> = what.and_then(|what| serde_json::from_str(what).ok());
    let digest = blake3::hash(Value::from(steps).to_string().as_bytes()).to_hex();
    what.is_some_and(|what| what.get("blake3").and_then(Value::as_str) == Some(digest.as_str()))
}

/// The pattern of a pre-tokenizer as it stands in the file.
pub(super) fn pattern_of(step: &Value) -> Result<(Pattern, Alphabet), String> {
    let step = Option::<PreTokenizer>::deserialize(step).map_err(|error| format!("a pre-tokenizer that is not known here: {error}"))?;
    read_pre_tokenizer(step)
}

fn read_pre_tokenizer(step: Option<PreTokenizer>) -> Result<(Pattern, Alphabet), String> {
    let Some(step) = step else { return Ok((Pattern::NONE, Alphabet::Characters)) };
    let steps = match step {
        PreTokenizer::Sequence { pretokenizers } => pretokenizers,
        single => vec![single],
    };
    let Some((PreTokenizer::ByteLevel { add_prefix_space, use_regex }, splits)) = steps.split_last() else {
        return Err("the last pre-tokenizer is not ByteLevel".to_owned());
    };
    if *add_prefix_space {
        return Err("add_prefix_space would change the text".to_owned());
    }
    let patterns = [Pattern::DEEPSEEK_V3, Pattern::GPT2, Pattern::CL100K, Pattern::O200K, Pattern::NONE];
    let known = patterns.into_iter().flat_map(|pattern| [pattern, pattern.with_single_digits()]);
    let mut fitting = known.filter(|pattern| *use_regex == (pattern.published == Published::Gpt2) && has_expressions(splits, *pattern));
    let pattern = fitting.next().ok_or("the pattern of the pre-tokenizer is none of deepseek-v3, cl100k, o200k, gpt2, none")?;
    Ok((pattern, Alphabet::Bytes))
}

/// Are these the expressions of a pattern? Line ends may be written out or not: that means the same.
fn has_expressions(splits: &[PreTokenizer], pattern: Pattern) -> bool {
    let spelled = |regex: &str| regex.replace(r"\r", "\r").replace(r"\n", "\n");
    let wanted = expressions(pattern);
    let same = |(split, known): (&PreTokenizer, &Cow<'_, str>)| match split {
        PreTokenizer::Split { pattern: SplitPattern::Regex(regex), behavior, invert: false } => {
            behavior == "Isolated" && spelled(regex) == spelled(known)
        }
        _ => false,
    };
    splits.len() == wanted.len() && splits.iter().zip(&wanted).all(same)
}

fn read_decoder(decoder: &Value, alphabet: Alphabet) -> Result<(), String> {
    let name = decoder.get("type").and_then(Value::as_str);
    let fits = decoder.is_null() || (alphabet == Alphabet::Bytes && name == Some("ByteLevel"));
    if fits { Ok(()) } else { Err(format!("the decoder {:?} does not fit the pre-tokenizer", name.unwrap_or_default())) }
}

fn build(pattern: Pattern, alphabet: Alphabet, added: Vec<AddedToken>, model: &Model) -> Result<Tokenizer, String> {
    let ids: rustc_hash::FxHashMap<&str, u32> = model.vocab.0.iter().map(|(token, id)| (token.as_str(), *id)).collect();
    if ids.len() < model.vocab.0.len() {
        return Err("a token occurs twice in the vocabulary".to_owned());
    }
    let mut specials = Vec::with_capacity(added.len());
    let mut special_ids = rustc_hash::FxHashSet::default();
    for AddedToken { id, content } in added {
        if ids.get(content.as_str()).is_some_and(|other| *other != id) {
            return Err(format!("the added token {content:?} has another id in the vocabulary"));
        }
        if alphabet == Alphabet::Bytes && byte_level::is_misread(&content) {
            return Err(format!("the added token {content:?} is the spelling of other bytes, which decoders would make of it"));
        }
        special_ids.insert((id, content.clone()));
        specials.push(Special { id, content });
    }
    let mut tokens = Vec::with_capacity(ids.len());
    for (token, id) in model.vocab.0.iter().filter(|entry| !special_ids.contains(&(entry.1, entry.0.clone()))) {
        let bytes = match alphabet {
            Alphabet::Bytes => {
                byte_level::read(token).ok_or_else(|| format!("the token {token:?} is not written in byte-level characters"))?
            }
            Alphabet::Characters => token.clone().into_bytes(),
        };
        tokens.push((*id, bytes));
    }
    let merges = model.merges.iter().enumerate().map(|(rank, merge)| {
        let (left, right) = merge.sides().ok_or_else(|| format!("merge {rank} is not a pair of tokens"))?;
        let id =
            |token: &str| ids.get(token).copied().ok_or_else(|| format!("merge {rank} uses {token:?}, which is not in the vocabulary"));
        Ok((id(left)?, id(right)?))
    });
    let merges = merges.collect::<Result<Vec<_>, String>>()?;
    Tokenizer::new(pattern, alphabet, &tokens, &merges, specials)
}
