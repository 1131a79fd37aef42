//! `tokenizer.json` and its companions as Hugging Face libraries read them, and a strict reader of the former.
//!
//! What we write is what the engines recognise: the exact pattern strings of the published models, a byte-level last
//! step, no normaliser, merges as pairs. What we read is limited to what we can encode exactly: byte-pair encoding with
//! one of the built patterns. Everything else is refused by name.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value, json};

use super::byte_level;
use super::pattern::Pattern;
use super::vocabulary::{Alphabet, MAX_ID, Special, Tokenizer};

/// Bytes of the largest `tokenizer.json` we read.
pub const FILE_MAX: u64 = 1 << 27;

/// DeepSeek-V3's three expressions. The third holds a real carriage return and line feed: some engines know the pattern
/// by this very string and refuse the escaped spelling.
const DEEPSEEK: [&str; 3] = [
    r"\p{N}{1,3}",
    "[\u{4E00}-\u{9FA5}\u{3040}-\u{309F}\u{30A0}-\u{30FF}]+",
    concat!(
        r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^"##,
        "\r\n",
        r"\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[",
        "\r\n",
        r"]*|\s*[",
        "\r\n",
        r"]+|\s+(?!\S)|\s+",
    ),
];

/// The names by which a library asks for special tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    /// Begins a text.
    pub bos: Option<String>,
    /// Ends a document.
    pub eos: Option<String>,
    /// Fills a row.
    pub pad: Option<String>,
    /// Stands for what cannot be encoded; a byte-level vocabulary never uses it.
    pub unk: Option<String>,
}

impl Roles {
    fn entries(&self) -> Map<String, Value> {
        let all = [("bos_token", &self.bos), ("eos_token", &self.eos), ("pad_token", &self.pad), ("unk_token", &self.unk)];
        all.into_iter().filter_map(|(role, token)| Some((role.to_owned(), Value::from(token.clone()?)))).collect()
    }
}

/// `tokenizer.json`.
pub fn tokenizer_json(tokenizer: &Tokenizer) -> String {
    let write = |id: u32| written(tokenizer, id);
    let vocab: Map<String, Value> =
        (0..tokenizer.len() as u32).filter(|&id| tokenizer.token(id).is_some()).map(|id| (write(id), Value::from(id))).collect();
    let merges: Vec<[String; 2]> = tokenizer.rules().iter().map(|rule| [write(rule.left), write(rule.right)]).collect();
    let added: Vec<Value> = tokenizer.specials().iter().map(added_token).collect();
    let byte_level = tokenizer.alphabet() == Alphabet::Bytes;
    pretty(&json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": null,
        "pre_tokenizer": byte_level.then(|| pre_tokenizer(tokenizer.pattern())),
        "post_processor": null,
        "decoder": byte_level.then(|| json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true})),
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": false,
            "byte_fallback": false,
            "ignore_merges": false,
            "vocab": vocab,
            "merges": merges,
        },
    }))
}

/// `tokenizer_config.json` for `transformers`.
pub fn tokenizer_config_json(tokenizer: &Tokenizer, roles: &Roles) -> String {
    let decoder = tokenizer.specials().iter().map(|special| {
        let mut token = added_token(special);
        token.as_object_mut().and_then(|token| token.shift_remove("id"));
        (special.id.to_string(), token)
    });
    let mut config = Map::new();
    config.insert("added_tokens_decoder".to_owned(), Value::Object(decoder.collect()));
    config.extend(roles.entries());
    config.insert("add_bos_token".to_owned(), Value::from(false));
    config.insert("add_eos_token".to_owned(), Value::from(false));
    config.insert("clean_up_tokenization_spaces".to_owned(), Value::from(false));
    config.insert("tokenizer_class".to_owned(), Value::from("PreTrainedTokenizerFast"));
    pretty(&Value::Object(config))
}

/// `special_tokens_map.json` for `transformers`.
pub fn special_tokens_map_json(roles: &Roles) -> String {
    pretty(&Value::Object(roles.entries()))
}

/// The audit trail: one merge a line, `left right<TAB>count`, in order, bytes written as characters.
pub fn merges_txt(tokenizer: &Tokenizer, counts: &[u64]) -> String {
    let mut text = String::new();
    for (rule, count) in tokenizer.rules().iter().zip(counts) {
        text.extend([&written(tokenizer, rule.left), " ", &written(tokenizer, rule.right), "\t", &count.to_string(), "\n"]);
    }
    text
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// A token as the vocabulary spells it.
fn written(tokenizer: &Tokenizer, id: u32) -> String {
    let bytes = tokenizer.token(id).unwrap_or_default();
    if tokenizer.alphabet() == Alphabet::Characters || tokenizer.is_special(id) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut text = String::with_capacity(bytes.len() * 2);
    byte_level::write(bytes, &mut text);
    text
}

fn added_token(special: &Special) -> Value {
    json!({
        "id": special.id,
        "content": special.content,
        "single_word": false,
        "lstrip": false,
        "rstrip": false,
        "normalized": false,
        "special": true,
    })
}

fn pre_tokenizer(pattern: Pattern) -> Value {
    let byte_level =
        |use_regex: bool| json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex});
    match pattern {
        Pattern::Gpt2 => byte_level(true),
        Pattern::None => byte_level(false),
        Pattern::DeepseekV3 => {
            let split = |regex| json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false});
            let mut children: Vec<Value> = DEEPSEEK.iter().map(split).collect();
            children.push(byte_level(false));
            json!({"type": "Sequence", "pretokenizers": children})
        }
    }
}

/// Reads a `tokenizer.json`.
///
/// Added tokens become special tokens, whatever the file says of them: text never turns into them. Truncation, padding
/// and the post-processor are settings of a call, not of a vocabulary, and are passed over.
///
/// # Errors
/// One sentence that names the first fault.
pub fn parse(json: &[u8]) -> Result<Tokenizer, String> {
    let file: File = serde_json::from_slice(json).map_err(|error| format!("not a tokenizer.json that we read: {error}"))?;
    if !is_nothing(&file.normalizer) {
        return Err("a normalizer inside the tokenizer is not supported; normalise in the pipeline".to_owned());
    }
    let (pattern, alphabet) = read_pre_tokenizer(file.pre_tokenizer)?;
    read_decoder(&file.decoder, alphabet)?;
    file.model.check()?;
    build(pattern, alphabet, file.added_tokens, &file.model)
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

/// The entries in the order of the file: a plain map would hide a string that occurs twice.
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

/// A merge as a pair, or as files before 2024 spell it: two tokens with a space between.
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
fn is_nothing(step: &Value) -> bool {
    step.is_null() || step.get("normalizers").and_then(Value::as_array).is_some_and(Vec::is_empty)
}

fn read_pre_tokenizer(step: Option<PreTokenizer>) -> Result<(Pattern, Alphabet), String> {
    let Some(step) = step else { return Ok((Pattern::None, Alphabet::Characters)) };
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
    match (splits, use_regex) {
        ([], true) => Ok((Pattern::Gpt2, Alphabet::Bytes)),
        ([], false) => Ok((Pattern::None, Alphabet::Bytes)),
        (_, false) if is_deepseek(splits) => Ok((Pattern::DeepseekV3, Alphabet::Bytes)),
        _ => Err("the pattern of the pre-tokenizer is none of deepseek-v3, gpt2, none".to_owned()),
    }
}

fn is_deepseek(splits: &[PreTokenizer]) -> bool {
    let same = |(split, known): (&PreTokenizer, &&str)| match split {
        PreTokenizer::Split { pattern: SplitPattern::Regex(regex), behavior, invert: false } => {
            behavior == "Isolated" && regex.replace(r"\r", "\r").replace(r"\n", "\n") == **known
        }
        _ => false,
    };
    splits.len() == DEEPSEEK.len() && splits.iter().zip(&DEEPSEEK).all(same)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpe::train::Merge;

    fn tokenizer(pattern: Pattern) -> Tokenizer {
        let rank = |byte: u8| byte_level::BYTE_ORDER.iter().position(|&other| other == byte).unwrap() as u32;
        let merges = [Merge { left: rank(b' '), right: rank(b'a'), count: 7 }, Merge { left: 256, right: rank(b'\n'), count: 3 }];
        Tokenizer::from_merges(pattern, &["<|endoftext|>".to_owned(), "<|pad|>".to_owned()], &merges).unwrap()
    }

    fn roles() -> Roles {
        Roles { eos: Some("<|endoftext|>".to_owned()), pad: Some("<|pad|>".to_owned()), ..Roles::default() }
    }

    #[test]
    fn what_we_write_we_read() {
        for pattern in [Pattern::DeepseekV3, Pattern::Gpt2, Pattern::None] {
            let tokenizer = tokenizer(pattern);
            assert_eq!(parse(tokenizer_json(&tokenizer).as_bytes()), Ok(tokenizer));
        }
    }

    #[test]
    fn line_breaks_of_the_pattern_are_real_characters() {
        let json: Value = serde_json::from_str(&tokenizer_json(&tokenizer(Pattern::DeepseekV3))).unwrap();
        let splits = &json["pre_tokenizer"]["pretokenizers"];
        let regex = splits[2]["pattern"]["Regex"].as_str().unwrap();
        assert!(regex.contains("[^\r\n\\p{L}") && !regex.contains("\\r"));
        assert_eq!(splits[1]["pattern"]["Regex"], "[一-龥぀-ゟ゠-ヿ]+");
        assert_eq!(json["model"]["merges"], json!([["Ġ", "a"], ["Ġa", "Ċ"]]));
        assert_eq!(json["model"]["vocab"]["<|pad|>"], 1);
    }

    #[test]
    fn companions_name_roles_and_counts() {
        let tokenizer = tokenizer(Pattern::Gpt2);
        let config: Value = serde_json::from_str(&tokenizer_config_json(&tokenizer, &roles())).unwrap();
        assert_eq!(config["eos_token"], "<|endoftext|>");
        assert_eq!(config["added_tokens_decoder"]["1"]["content"], "<|pad|>");
        assert!(config["added_tokens_decoder"]["1"].get("id").is_none());
        assert_eq!(config["clean_up_tokenization_spaces"], false);
        let map: Value = serde_json::from_str(&special_tokens_map_json(&roles())).unwrap();
        assert_eq!(map, json!({"eos_token": "<|endoftext|>", "pad_token": "<|pad|>"}));
        assert_eq!(merges_txt(&tokenizer, &[7, 3]), "Ġ a\t7\nĠa Ċ\t3\n");
    }

    fn with(change: impl FnOnce(&mut Value)) -> Result<Tokenizer, String> {
        let mut json = json!({
            "version": "1.0",
            "added_tokens": [],
            "normalizer": null,
            "pre_tokenizer": null,
            "decoder": null,
            "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]},
        });
        change(&mut json);
        parse(json.to_string().as_bytes())
    }

    #[test]
    fn a_vocabulary_of_characters_is_read() {
        let tokenizer = with(|_| {}).unwrap();
        assert_eq!((tokenizer.alphabet(), tokenizer.len(), tokenizer.rules().len()), (Alphabet::Characters, 3, 1));
    }

    type Change = Box<dyn FnOnce(&mut Value)>;

    #[test]
    fn faults_are_named() {
        let split = |regex: &str| json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false});
        let byte_level = json!({"type": "ByteLevel", "add_prefix_space": true, "use_regex": true});
        let set = |path: &'static str, value: Value| -> Change { Box::new(move |json| *json.pointer_mut(path).unwrap() = value) };
        let put = |name: &'static str, value: Value| -> Change { Box::new(move |json| json["model"][name] = value) };
        let cases = [
            (set("/model/merges", json!(["x y", "a"])), "uses \"x\""),
            (set("/model/merges", json!(["a"])), "not a pair"),
            (set("/model/merges", json!(["a b", "a b"])), "occurs twice"),
            (set("/model/merges", json!([["b", "a"]])), "not in the vocabulary"),
            (set("/model/merges", json!([["b", "a", "c"]])), "not a tokenizer.json"),
            (set("/model/vocab", json!({"a": 0, "b": 0, "ab": 2})), "id 0 occurs twice"),
            (set("/model/vocab", json!({"a": 0, "b": 1, "ab": u32::MAX})), "out of range"),
            (set("/model/vocab", json!({"a": -1})), "not a tokenizer.json"),
            (set("/pre_tokenizer", split("(あ+)+$")), "not ByteLevel"),
            (set("/pre_tokenizer", byte_level), "add_prefix_space"),
            (set("/pre_tokenizer", json!({"type": "Metaspace"})), "Metaspace"),
            (set("/normalizer", json!({"type": "NFKC"})), "normalizer"),
            (set("/decoder", json!({"type": "WordPiece"})), "decoder"),
            (set("/added_tokens", json!([{"id": 9, "content": "ab"}])), "another id"),
            (set("/added_tokens", json!([{"id": 2, "content": "ab"}])), "merge 0 makes"),
            (set("/model/type", json!("Unigram")), "type BPE"),
            (put("dropout", json!(0.1)), "dropout"),
            (put("ignore_merges", json!(true)), "ignore_merges"),
            (put("byte_fallback", json!(true)), "byte_fallback"),
            (put("end_of_word_suffix", json!("</w>")), "end_of_word_suffix"),
        ];
        for (change, message) in cases {
            let fault = with(change).unwrap_err();
            assert!(fault.contains(message), "{fault:?} does not say {message:?}");
        }
        assert!(parse(br#"{"model":{"type":"BPE","vocab":{"a":0,"a":1},"merges":[]}}"#).unwrap_err().contains("twice"));
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let nested = format!(r#"{{"normalizer":{}{}}}"#, r#"{"type":"Sequence","normalizers":["#.repeat(50_000), "]}".repeat(50_000));
        assert!(parse(nested.as_bytes()).unwrap_err().contains("recursion"));
        let steps = format!(r#"{{"pre_tokenizer":{}{}}}"#, r#"{"type":"Sequence","pretokenizers":["#.repeat(50_000), "]}".repeat(50_000));
        assert!(parse(steps.as_bytes()).unwrap_err().contains("recursion"));
        let tokens: Vec<String> = (0..=MAX_ID).map(|id| format!("\"{id}\":{id}")).collect();
        let huge = format!(r#"{{"model":{{"vocab":{{{}}},"merges":[]}}}}"#, tokens.join(","));
        assert!(parse(huge.as_bytes()).unwrap_err().contains("too many tokens"));
    }
}
