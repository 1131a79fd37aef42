//! What we write we read; what we cannot encode exactly is refused by name.

use serde_json::{Value, json};

use super::*;
use crate::bpe::byte_level;
use crate::bpe::merge::Merge;
use crate::bpe::pattern::Pattern;
use crate::bpe::vocabulary::{Alphabet, MAX_ID, Tokenizer};

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
    let published = [Pattern::DEEPSEEK_V3, Pattern::GPT2, Pattern::CL100K, Pattern::O200K, Pattern::NONE];
    for pattern in published.into_iter().flat_map(|pattern| [pattern, pattern.with_single_digits()]) {
        let tokenizer = tokenizer(pattern);
        assert_eq!(parse(tokenizer_json(&tokenizer).as_bytes()), Ok(tokenizer));
    }
}

#[test]
fn our_own_normalizer_is_read_and_written_again() {
    let steps = vec![json!({"type": "NFC"})];
    let digest = blake3::hash(Value::from(steps.clone()).to_string().as_bytes()).to_hex();
    let mark = format!("{}{}", crate::schema::NORMALIZER_MARK, json!({"version": 2, "options": {}, "blake3": digest.as_str()}));
    let ours = |steps: &[Value]| {
        let mark = json!({"type": "Replace", "pattern": {"String": mark}, "content": ""});
        let steps = [steps, &[mark]].concat();
        json!({"type": "Sequence", "normalizers": steps})
    };
    let tokenizer = tokenizer(Pattern::DEEPSEEK_V3).with_normalizer(ours(&steps));
    assert_eq!(parse(tokenizer_json(&tokenizer).as_bytes()), Ok(tokenizer.clone()));
    let changed = tokenizer.with_normalizer(ours(&[json!({"type": "NFKC"})]));
    assert!(parse(tokenizer_json(&changed).as_bytes()).unwrap_err().contains("normalizer"));
}

#[test]
fn line_breaks_of_the_pattern_are_real_characters() {
    let json: Value = serde_json::from_str(&tokenizer_json(&tokenizer(Pattern::DEEPSEEK_V3))).unwrap();
    let splits = &json["pre_tokenizer"]["pretokenizers"];
    let regex = splits[2]["pattern"]["Regex"].as_str().unwrap();
    assert!(regex.contains("[^\r\n\\p{L}") && !regex.contains("\\r"));
    assert_eq!(splits[1]["pattern"]["Regex"], "[一-龥぀-ゟ゠-ヿ]+");
    assert_eq!(json["model"]["merges"], json!([["Ġ", "a"], ["Ġa", "Ċ"]]));
    assert_eq!(json["model"]["vocab"]["<|pad|>"], 1);
}

#[test]
fn companions_name_roles_and_counts() {
    let tokenizer = tokenizer(Pattern::GPT2);
    let config: Value = serde_json::from_str(&tokenizer_config_json(&tokenizer, &roles(), Some(4096))).unwrap();
    assert_eq!(config["eos_token"], "<|endoftext|>");
    assert_eq!(config["added_tokens_decoder"]["1"]["content"], "<|pad|>");
    assert!(config["added_tokens_decoder"]["1"].get("id").is_none());
    assert_eq!(config["clean_up_tokenization_spaces"], false);
    assert_eq!((&config["model_max_length"], &config["model_input_names"]), (&json!(4096), &json!(["input_ids", "attention_mask"])));
    assert!(!tokenizer_config_json(&tokenizer, &roles(), None).contains("model_max_length"));
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
    let misread = with(|json| {
        json["pre_tokenizer"] = json!({"type": "ByteLevel", "add_prefix_space": false, "use_regex": true});
        json["added_tokens"] = json!([{"id": 9, "content": "\u{e3}\u{123}"}]);
    });
    assert!(misread.unwrap_err().contains("spelling of other bytes"));
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
