//! Writes `tokenizer.json` and the files beside it.

use serde_json::{Map, Value, json};

use super::expressions::expressions;
use crate::bpe::byte_level;
use crate::bpe::pattern::{Pattern, Published};
use crate::bpe::vocabulary::{Alphabet, Special, Tokenizer};

/// Which special token has which role; libraries ask for special tokens by role.
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
        "normalizer": tokenizer.normalizer(),
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

/// `tokenizer_config.json` for `transformers`. Of a text with more than `model_max_length` tokens it warns, and cuts it where truncation is
/// asked for; without, no text is too long.
pub fn tokenizer_config_json(tokenizer: &Tokenizer, roles: &Roles, model_max_length: Option<u64>) -> String {
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
    // Models that continue text take no token types, which is what the class would add.
    config.insert("model_input_names".to_owned(), json!(["input_ids", "attention_mask"]));
    config.extend(model_max_length.map(|length| ("model_max_length".to_owned(), Value::from(length))));
    config.insert("tokenizer_class".to_owned(), Value::from("PreTrainedTokenizerFast"));
    pretty(&Value::Object(config))
}

/// `special_tokens_map.json` for `transformers`.
pub fn special_tokens_map_json(roles: &Roles) -> String {
    pretty(&Value::Object(roles.entries()))
}

/// The merges in order, one a line, with the count at which each was made: `left right<TAB>count`.
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

/// A token as the vocabulary writes it.
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
    let last = byte_level(pattern.published == Published::Gpt2);
    let split = |regex| json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false});
    let mut children: Vec<Value> = expressions(pattern).into_iter().map(split).collect();
    if children.is_empty() {
        return last;
    }
    children.push(last);
    json!({"type": "Sequence", "pretokenizers": children})
}
