//! Does a vocabulary give the same ids in every program that reads it? What in its files makes programs disagree, and what helps.

use serde_json::Value;

use super::content::content_blake3;
use super::model_types::{self, When};
use super::read::{is_nothing, is_ours, parse, pattern_of};
use crate::bpe::byte_level;
use crate::bpe::gguf;
use crate::bpe::pattern::{Pattern, Published};
use crate::bpe::ranked::Ranked;
use crate::bpe::vocabulary::{Alphabet, Tokenizer};

/// The files, as their bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Files<'a> {
    /// `tokenizer.json`.
    pub tokenizer: &'a [u8],
    /// `tokenizer_config.json` beside it.
    pub config: Option<&'a [u8]>,
    /// `config.json` of a model beside it.
    pub model: Option<&'a [u8]>,
}

/// How grave something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Some program gives other ids or other texts.
    Finding,
    /// Worth to know; ids and texts are the same.
    Note,
}

/// Something about the files.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// Its name: stable.
    pub code: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// What is so, and what it does.
    pub what: String,
    /// What helps.
    pub remedy: String,
}

/// What a program does with the file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Reader {
    /// The program and the versions that were compared.
    pub reader: &'static str,
    /// `same ids`, or why it cannot.
    pub ids: &'static str,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Checked {
    /// No finding that is more than a note.
    pub sound: bool,
    /// [`content_blake3`].
    pub content_blake3: String,
    /// Name of the pattern, as in a plan; absent where it is none of the published ones.
    pub pattern: Option<&'static str>,
    /// Are digits single?
    pub single_digits: bool,
    /// One more than the largest id.
    pub vocab_size: Option<usize>,
    /// Programs that were compared on text with vocabularies of this pattern.
    pub readers: Vec<Reader>,
    /// In the order of the files.
    pub findings: Vec<Finding>,
}

/// Looks at the files.
///
/// # Errors
/// One sentence where one of them is no JSON of its kind, with its name.
pub fn check(files: Files<'_>) -> Result<Checked, String> {
    let content_blake3 = content_blake3(files.tokenizer).map_err(|why| format!("tokenizer.json: {why}"))?;
    let json: Value = serde_json::from_slice(files.tokenizer).map_err(|why| format!("tokenizer.json: not JSON: {why}"))?;
    let mut found = Found::default();
    let pattern = of_pre_tokenizer(&json, &mut found);
    of_steps(&json, &mut found);
    of_model(&json["model"], &mut found);
    of_added_tokens(&json, &mut found);
    let tokenizer = match parse(files.tokenizer) {
        Ok(tokenizer) => Some(tokenizer),
        Err(why) => {
            if found.0.is_empty() {
                found.finding("unreadable", why, "`seimai` reads byte-level BPE with the published patterns; train a vocabulary with it");
            }
            None
        }
    };
    if let Some(tokenizer) = &tokenizer {
        of_tokens(tokenizer, &mut found);
    }
    let object = |name: &str, bytes: Option<&[u8]>| -> Result<Option<Value>, String> {
        let Some(bytes) = bytes else { return Ok(None) };
        let value: Value = serde_json::from_slice(bytes).map_err(|why| format!("{name}: not JSON: {why}"))?;
        if value.is_object() { Ok(Some(value)) } else { Err(format!("{name}: not a JSON object")) }
    };
    let config = object("tokenizer_config.json", files.config)?;
    let model = object("config.json", files.model)?;
    of_config(config.as_ref(), &json, tokenizer.as_ref(), &mut found);
    of_model_config(model.as_ref(), config.as_ref(), tokenizer.as_ref(), &mut found);
    let byte_level = pattern.filter(|_| tokenizer.as_ref().is_some_and(|tokenizer| tokenizer.alphabet() == Alphabet::Bytes));
    Ok(Checked {
        sound: found.0.iter().all(|finding| finding.severity == Severity::Note),
        content_blake3,
        pattern: pattern.map(name),
        single_digits: pattern.is_some_and(|pattern| pattern.single_digits),
        vocab_size: tokenizer.as_ref().map(Tokenizer::len),
        readers: byte_level.map_or_else(Vec::new, readers),
        findings: found.0,
    })
}

#[derive(Default)]
struct Found(Vec<Finding>);

impl Found {
    fn finding(&mut self, code: &'static str, what: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding { code, severity: Severity::Finding, what: what.into(), remedy: remedy.into() });
    }

    fn note(&mut self, code: &'static str, what: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding { code, severity: Severity::Note, what: what.into(), remedy: remedy.into() });
    }
}

fn name(pattern: Pattern) -> &'static str {
    match pattern.published {
        Published::DeepseekV3 => "deepseek-v3",
        Published::Gpt2 => "gpt2",
        Published::Cl100k => "cl100k",
        Published::O200k => "o200k",
        Published::None => "none",
    }
}

/// What `benches/suite/portability.py` found, pattern by pattern.
fn readers(pattern: Pattern) -> Vec<Reader> {
    const SAME: &str = "same ids";
    let rc_refuses = pattern.single_digits && pattern.published != Published::Cl100k;
    let rc = if rc_refuses { "raises an error: it knows this pattern only with digits up to three" } else { SAME };
    let none = pattern.published == Published::None && !pattern.single_digits;
    let pieces = if none { "exports what has no token inside a character, see `seimai export sentencepiece`" } else { "has no patterns" };
    let llama = if gguf::pre(pattern).is_some() { "same ids, by `seimai export gguf`" } else { "has no name for this pattern" };
    [
        ("tokenizers 0.22, 0.23", SAME),
        ("tokenizers 1.0.0-rc.3", rc),
        ("transformers 4.57, 5.24", SAME),
        ("kitoken 0.11", SAME),
        ("llguidance 1.9", SAME),
        ("tiktoken 0.14", "same ids, by `seimai export tiktoken`"),
        ("llama.cpp (xllamacpp 2026.10)", llama),
        ("SentencePiece 0.2", pieces),
    ]
    .map(|(reader, ids)| Reader { reader, ids })
    .to_vec()
}

/// All `Split`s of the pre-tokenizer.
fn expressions(step: &Value) -> Vec<&str> {
    let steps = step.get("pretokenizers").and_then(Value::as_array);
    steps.into_iter().flatten().filter_map(|step| step.pointer("/pattern/Regex")?.as_str()).collect()
}

fn of_pre_tokenizer(json: &Value, found: &mut Found) -> Option<Pattern> {
    let step = json.get("pre_tokenizer").unwrap_or(&Value::Null);
    if step.is_null() {
        found.finding(
            "pattern",
            "no pre_tokenizer: a vocabulary of characters, which other programs read as something else",
            "train a byte-level vocabulary",
        );
        return None;
    }
    let pattern = match pattern_of(step) {
        Ok((pattern, _)) => pattern,
        Err(why) => {
            let what = format!("{why}; engines that know patterns by their exact text cut otherwise, or refuse the file");
            found.finding("pattern", what, "use one of the published patterns: tokenizer.pattern of a plan");
            return None;
        }
    };
    let escaped = expressions(step).iter().any(|regex| regex.contains(r"[\r\n") || regex.contains(r"|[^\r\n"));
    if pattern.published == Published::DeepseekV3 && escaped {
        let what = r"the DeepSeek-V3 pattern is written with \r\n; tokenizers 1.0 knows it with a real carriage return and line feed only, and raises an error";
        found.finding(
            "pattern_spelling",
            what,
            "`seimai export hf` keeps files as they are: train with `seimai train`, or copy the expression of its tokenizer.json",
        );
    }
    Some(pattern)
}

/// Normaliser, post-processor, truncation, padding.
fn of_steps(json: &Value, found: &mut Found) {
    let normalizer = json.get("normalizer").unwrap_or(&Value::Null);
    if !is_nothing(normalizer) {
        if is_ours(normalizer) {
            let what = "the file carries our normaliser; readers other than Hugging Face's may refuse or ignore it, and decoding gives normalised text";
            found.note("normalizer", what, "tokenizer.normalizer = \"none\", with texts through `seimai normalize`");
        } else {
            let kind = normalizer.get("type").and_then(Value::as_str).unwrap_or("unknown");
            let what = format!(
                "a normalizer ({kind}) inside the file: offsets and decoded texts are not those of the text, and other formats cannot hold it"
            );
            found.finding("normalizer", what, "set normalizer to null, and normalise texts before");
        }
    }
    for name in ["truncation", "padding"] {
        if json.get(name).is_some_and(|setting| !setting.is_null()) {
            let what = format!("{name} is set in tokenizer.json: `tokenizers` changes what it encodes, other programs do not");
            found.finding("call_settings", what, format!("set {name} to null; it is a setting of a call"));
        }
    }
    let special = json.pointer("/post_processor/special_tokens").and_then(Value::as_object).is_some_and(|tokens| !tokens.is_empty());
    if special {
        let what = "the post_processor adds special tokens: ids differ between calls with and without add_special_tokens";
        found.note("post_processor", what, "encode with add_special_tokens=False where ids are compared");
    }
}

fn of_model(model: &Value, found: &mut Found) {
    let is = |name: &str| model.get(name).and_then(Value::as_bool) == Some(true);
    let text = |name: &str| model.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    if is("ignore_merges") {
        let what = "ignore_merges: a pre-token that is a token is taken as it is, though merges may give another one; tiktoken and others do as the merges say";
        found.finding("ignore_merges", what, "set ignore_merges to false, if the vocabulary was trained so");
    }
    if is("byte_fallback") {
        found.finding(
            "byte_fallback",
            "byte tokens beside characters: byte-level readers do not know them",
            "train a byte-level vocabulary",
        );
    }
    if model.get("dropout").and_then(Value::as_f64).is_some_and(|share| share != 0.0) {
        found.finding("dropout", "dropout makes ids random", "set dropout to null");
    }
    for name in ["continuing_subword_prefix", "end_of_word_suffix"] {
        if text(name) {
            found.finding("affixes", format!("{name} is set, which most readers do not know"), format!("set {name} to null"));
        }
    }
    let lines = model.get("merges").and_then(Value::as_array).is_some_and(|merges| merges.iter().any(Value::is_string));
    if lines {
        let what = "merges are lines with a blank, not pairs: tokens that hold a blank cannot be told apart";
        found.note("merge_lines", what, "load and save the file once with tokenizers 0.20 or later");
    }
    if let Some(vocab) = model.get("vocab").and_then(Value::as_object) {
        let mut ids: Vec<u64> = vocab.values().filter_map(Value::as_u64).collect();
        ids.sort_unstable();
        if let Some([id, _]) = ids.array_windows().find(|[one, other]| one == other) {
            found.finding(
                "duplicate_id",
                format!("id {id} belongs to two tokens: decoding is ambiguous"),
                "give every token an id of its own",
            );
        }
    }
}

fn of_added_tokens(json: &Value, found: &mut Found) {
    let vocab = json.pointer("/model/vocab").and_then(Value::as_object);
    let tokens = json.get("added_tokens").and_then(Value::as_array).into_iter().flatten();
    let mut ids = rustc_hash::FxHashSet::default();
    let mut ordinary = Vec::new();
    for token in tokens {
        let content = token.get("content").and_then(Value::as_str).unwrap_or_default();
        let is = |name: &str| token.get(name).and_then(Value::as_bool) == Some(true);
        let id = token.get("id").and_then(Value::as_u64);
        if byte_level::is_misread(content) {
            let what = format!(
                "the special token {content:?} is the spelling of other bytes in a byte-level vocabulary: decoders make those of it"
            );
            found.finding(
                "special_misread",
                what,
                "use ASCII characters from ! to ~, or at least one character that is neither these nor Latin",
            );
        }
        if !ids.insert(id) {
            found.finding(
                "duplicate_id",
                format!("the added token {content:?} has the id of another one"),
                "give every token an id of its own",
            );
        }
        let other = vocab.and_then(|vocab| vocab.get(content)).and_then(Value::as_u64).filter(|other| Some(*other) != id);
        if let Some(other) = other {
            let what =
                format!("the added token {content:?} has id {} in added_tokens and {other} in the vocabulary", id.unwrap_or_default());
            found.finding("special_ids", what, "rename the special token, or train again with it in tokenizer.special_tokens");
        }
        let flags: Vec<&str> = ["normalized", "lstrip", "rstrip", "single_word"].into_iter().filter(|name| is(name)).collect();
        if !flags.is_empty() {
            let what = format!(
                "the added token {content:?} has {} = true: tiktoken, llama.cpp and others find it elsewhere in texts",
                flags.join(", ")
            );
            found.finding("special_flags", what, "set these to false");
        }
        if !is("special") {
            ordinary.push(content);
        }
    }
    if let Some(first) = ordinary.first() {
        let what = format!(
            "{} added tokens are not special, {first:?} first: `tokenizers` makes them of text even with encode_special_tokens, others do not",
            ordinary.len()
        );
        found.finding("added_not_special", what, "set special to true, or learn them as tokens");
    }
}

/// Tokens that no text gets, bytes without a token, the order of ids.
fn of_tokens(tokenizer: &Tokenizer, found: &mut Found) {
    if tokenizer.alphabet() != Alphabet::Bytes {
        return;
    }
    let gaps = (0..tokenizer.len() as u32).filter(|&id| tokenizer.token(id).is_none()).count();
    if gaps > 0 {
        let what = format!("{gaps} ids have no token: formats that number tokens themselves cannot hold the vocabulary");
        found.note("gaps", what, "train again, or fill them with special tokens");
    }
    let plain = tokenizer.clone().without_normalizer();
    match Ranked::of(&plain) {
        Err(why) if why.starts_with("byte ") => {
            found.finding("bytes", format!("{why}: some texts cannot be encoded, or lose characters"), "train with all 256 bytes");
        }
        Err(why) => {
            found.note("order", format!("{why}: tiktoken and SentencePiece would give other ids"), "use tokenizer.json, or train again");
        }
        Ok(ranked) => {
            let ids = (0..plain.len() as u32).filter(|&id| !plain.is_special(id) && plain.token(id).is_some_and(|token| token.len() > 1));
            let unreachable: Vec<u32> = ids.filter(|&id| ranked.rank(id).is_none() || is_cut(&plain, id)).collect();
            if let Some(first) = unreachable.first().and_then(|&id| plain.token(id)) {
                let what = format!(
                    "{} tokens are in no text's ids, for the pattern cuts them or their bytes become other tokens; {:?} first",
                    unreachable.len(),
                    String::from_utf8_lossy(first)
                );
                found.note("unreachable", what, "no harm but their place; `seimai export tiktoken` leaves them out");
            }
        }
    }
}

/// Does the pattern cut a token that is text?
fn is_cut(tokenizer: &Tokenizer, id: u32) -> bool {
    let Some(Ok(text)) = tokenizer.token(id).map(std::str::from_utf8) else { return false };
    let mut is_cut = false;
    tokenizer.pattern().for_each_pre_token(text, |_, end| is_cut |= end < text.len());
    is_cut
}

/// `tokenizer_config.json`.
fn of_config(config: Option<&Value>, json: &Value, tokenizer: Option<&Tokenizer>, found: &mut Found) {
    let Some(config) = config else {
        let what = "no tokenizer_config.json: transformers does not know which token ends a document and which fills rows";
        return found.note("no_config", what, "`seimai export hf` writes one");
    };
    let is = |name: &str| config.get(name).and_then(Value::as_bool) == Some(true);
    match config.get("tokenizer_class").and_then(Value::as_str) {
        None => found.note(
            "tokenizer_class",
            "tokenizer_config.json names no tokenizer_class: transformers takes that of the model",
            CLASS_REMEDY,
        ),
        Some("PreTrainedTokenizerFast") => {}
        Some("TokenizersBackend") => {
            let what = "tokenizer_class is TokenizersBackend, as transformers 5 saves it: transformers 4 does not know it and refuses the directory";
            found.note("tokenizer_class", what, CLASS_REMEDY);
        }
        Some(class) => {
            let what = format!(
                "tokenizer_class is {class}: transformers builds the pre-tokenizer of that class, and does not take that of tokenizer.json"
            );
            found.finding("tokenizer_class", what, CLASS_REMEDY);
        }
    }
    if config.get("auto_map").is_some() {
        found.finding("auto_map", "auto_map asks transformers to run code of the directory in place of tokenizer.json", "take it out");
    }
    for name in ["add_bos_token", "add_eos_token"] {
        if is(name) {
            let what = format!(
                "{name} is true: transformers 5 does nothing with it beside a tokenizer.json, converters to other formats add the token"
            );
            found.finding("add_tokens", what, format!("set {name} to false, and add the token yourself"));
        }
    }
    if is("clean_up_tokenization_spaces") {
        let what = "clean_up_tokenization_spaces is true: transformers takes blanks out of decoded texts, before marks and n't";
        found.finding("clean_up", what, "set it to false");
    }
    if is("add_prefix_space") {
        found.finding("add_prefix_space", "add_prefix_space is true: transformers puts a blank before texts", "set it to false");
    }
    of_roles(config, json, tokenizer, found);
}

const CLASS_REMEDY: &str =
    "set tokenizer_class to \"PreTrainedTokenizerFast\", which takes tokenizer.json as it is in transformers 4 and 5";

/// The special tokens that a configuration names.
fn of_roles(config: &Value, json: &Value, tokenizer: Option<&Tokenizer>, found: &mut Found) {
    let content = |value: &Value| value.as_str().or_else(|| value.get("content")?.as_str()).map(str::to_owned);
    let Some(tokenizer) = tokenizer else { return };
    for role in ["bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "cls_token", "mask_token"] {
        let Some(token) = config.get(role).and_then(content) else { continue };
        if tokenizer.special_id(&token).is_none() {
            let what =
                format!("{role} is {token:?}, which is no special token of tokenizer.json: transformers adds it behind the vocabulary");
            found.finding("roles", what, format!("take {role} out, or name a special token"));
        }
    }
    let added = json.get("added_tokens").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for (id, token) in config.get("added_tokens_decoder").and_then(Value::as_object).into_iter().flatten() {
        let same = added.iter().any(|other| {
            other.get("id").and_then(Value::as_u64).is_some_and(|other| other.to_string() == *id)
                && ["content", "special", "normalized", "lstrip", "rstrip", "single_word"]
                    .iter()
                    .all(|name| other.get(name) == token.get(name))
        });
        if !same {
            let what = format!(
                "added_tokens_decoder has another token of id {id} than added_tokens of tokenizer.json: which one counts depends on the reader"
            );
            found.finding("added_tokens_decoder", what, "take added_tokens_decoder out of tokenizer_config.json");
        }
    }
}

/// `config.json` of a model in the same directory.
fn of_model_config(model: Option<&Value>, config: Option<&Value>, tokenizer: Option<&Tokenizer>, found: &mut Found) {
    let Some(model) = model else { return };
    let named = config.and_then(|config| config.get("tokenizer_class")).is_some_and(Value::is_string);
    let model_type = model.get("model_type").and_then(Value::as_str).unwrap_or_default();
    let exchanged = model_types::exchanged(model_type).filter(|(_, when)| *when == When::Always || !named);
    if let Some((class, when)) = exchanged {
        let version = model_types::version();
        let what = format!(
            "config.json beside it says model_type {model_type}: AutoTokenizer of transformers {version} takes {class}, with another pre-tokenizer \
             than that of tokenizer.json, and gives other ids without a word"
        );
        let apart = "keep the vocabulary in a directory of its own, and load it with AutoTokenizer.from_pretrained(DIR, subfolder=\"tokenizer\") or \
                     PreTrainedTokenizerFast.from_pretrained(DIR)";
        let remedy = if when == When::Unnamed { format!("{CLASS_REMEDY}; or {apart}") } else { apart.to_owned() };
        found.finding("model_type", what, remedy);
    }
    let Some(tokenizer) = tokenizer else { return };
    let rows = model.get("vocab_size").and_then(Value::as_u64);
    if let Some(rows) = rows.filter(|rows| *rows < tokenizer.len() as u64) {
        let what = format!("config.json says vocab_size {rows}, the vocabulary has {} ids: the model has no row for some", tokenizer.len());
        found.finding("vocab_size", what, "train the model with vocab_size of the vocabulary, rounded up");
    }
    for role in ["bos", "eos", "pad"] {
        let id = model.get(format!("{role}_token_id")).and_then(Value::as_u64);
        let token = config.and_then(|config| config.get(format!("{role}_token"))).and_then(Value::as_str);
        let ours = token.and_then(|token| tokenizer.special_id(token)).map(u64::from);
        if let Some((id, ours)) = id.zip(ours).filter(|(id, ours)| id != ours) {
            let what = format!("config.json says {role}_token_id {id}, tokenizer_config.json names the token of id {ours}");
            found.finding("role_ids", what, format!("set {role}_token_id to {ours}"));
        }
    }
}
