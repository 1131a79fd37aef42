//! A digest of what a `tokenizer.json` means, whoever wrote the file.
//!
//! Loading and saving with another library changes bytes, order and spelling of the file, not the ids that it gives. Hashed is the BLAKE3 of a
//! prefix and of compact JSON with members ordered by name; `docs/formats/tokenizer.md` has the rules.

use serde_json::{Map, Value};

/// Begins what is hashed; the number is that of the rules.
const PREFIX: &str = "seimai tokenizer content 1\n";
/// Members of an added token.
const ADDED: [&str; 7] = ["content", "id", "lstrip", "normalized", "rstrip", "single_word", "special"];

/// The digest of the content of a `tokenizer.json`, hex.
///
/// # Errors
/// One sentence for what is not a JSON object with a model.
pub fn content_blake3(json: &[u8]) -> Result<String, String> {
    let file: Value = serde_json::from_slice(json).map_err(|error| format!("not JSON: {error}"))?;
    let model = file.get("model").and_then(Value::as_object).ok_or("no tokenizer.json: it has no model")?;
    let mut content = Map::new();
    content.insert("added_tokens".to_owned(), added_tokens(file.get("added_tokens")));
    content.insert("model".to_owned(), self::model(model));
    for name in ["decoder", "normalizer", "pre_tokenizer"] {
        content.insert(name.to_owned(), file.get(name).map_or(Value::Null, |step| self::step(step, name == "decoder")));
    }
    let mut text = PREFIX.to_owned();
    write(&Value::Object(content), &mut text);
    Ok(blake3::hash(text.as_bytes()).to_hex().to_string())
}

/// By id, each with all its members: an absent one is false.
fn added_tokens(tokens: Option<&Value>) -> Value {
    let mut tokens: Vec<&Value> = tokens.and_then(Value::as_array).into_iter().flatten().collect();
    tokens.sort_by_key(|token| token.get("id").and_then(Value::as_u64));
    let members = |token: &Value| {
        let member = |name: &str| (name.to_owned(), token.get(name).cloned().unwrap_or(Value::Bool(false)));
        Value::Object(ADDED.into_iter().map(member).collect())
    };
    tokens.into_iter().map(members).collect()
}

/// Without members that are null, false, zero or empty, which is what absent ones are; merges as pairs.
fn model(model: &Map<String, Value>) -> Value {
    let mut content = Map::new();
    content.insert("type".to_owned(), Value::from("BPE"));
    for (name, value) in model {
        let absent = match value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Number(number) => name == "dropout" && number.as_f64() == Some(0.0),
            _ => false,
        };
        if !absent {
            content.insert(name.clone(), value.clone());
        }
    }
    if let Some(Value::Array(merges)) = content.get_mut("merges") {
        for merge in merges {
            if let Some((left, right)) = merge.as_str().and_then(|line| line.split_once(' ')) {
                *merge = Value::from(vec![left, right]);
            }
        }
    }
    Value::Object(content)
}

/// A normaliser, pre-tokenizer or decoder. Offsets are no ids: `trim_offsets` is left out. A decoder has no settings if it is ByteLevel, and a
/// sequence of nothing is nothing.
fn step(step: &Value, decoder: bool) -> Value {
    let Some(members) = step.as_object() else { return step.clone() };
    let byte_level = step.get("type").and_then(Value::as_str) == Some("ByteLevel");
    let mut content = Map::new();
    if byte_level && !decoder {
        content.insert("use_regex".to_owned(), Value::Bool(true));
    }
    for (name, value) in members {
        let steps = ["normalizers", "pretokenizers", "decoders"].contains(&name.as_str());
        match value {
            _ if name == "trim_offsets" || (byte_level && decoder && name != "type") => {}
            Value::Array(inner) if steps && inner.is_empty() => return Value::Null,
            Value::Array(inner) if steps => {
                let inner = inner.iter().map(|inner| self::step(inner, decoder)).collect();
                content.insert(name.clone(), inner);
            }
            value => {
                content.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(content)
}

/// Compact JSON, members ordered by the code points of their names.
fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            out.push('{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
        Value::Array(values) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(value, out);
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file() -> Value {
        json!({
            "version": "1.0",
            "added_tokens": [{"id": 0, "content": "<e>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
            "normalizer": null,
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
            "post_processor": null,
            "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
            "model": {"type": "BPE", "dropout": null, "unk_token": null, "byte_fallback": false, "vocab": {"<e>": 0, "a": 1, "b": 2, "ab": 3}, "merges": [["a", "b"]]},
        })
    }

    fn digest(change: impl FnOnce(&mut Value)) -> String {
        let mut json = file();
        change(&mut json);
        content_blake3(json.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn other_spellings_are_the_same_content() {
        let same: [fn(&mut Value); 7] = [
            |json| json["post_processor"] = json!({"type": "TemplateProcessing"}),
            |json| json["model"]["merges"] = json!(["a b"]),
            |json| json["model"]["vocab"] = json!({"ab": 3, "b": 2, "a": 1, "<e>": 0}),
            |json| {
                json["model"] =
                    json!({"vocab": json["model"]["vocab"], "merges": json["model"]["merges"], "dropout": 0.0, "unk_token": ""});
            },
            |json| json["pre_tokenizer"] = json!({"use_regex": true, "type": "ByteLevel", "add_prefix_space": false}),
            |json| json["decoder"] = json!({"type": "ByteLevel"}),
            |json| json["normalizer"] = json!({"type": "Sequence", "normalizers": []}),
        ];
        for (at, change) in same.into_iter().enumerate() {
            assert_eq!(digest(change), digest(|_| {}), "{at}");
        }
    }

    #[test]
    fn other_ids_are_another_content() {
        let other: [fn(&mut Value); 8] = [
            |json| json["model"]["vocab"] = json!({"<e>": 0, "a": 2, "b": 1, "ab": 3}),
            |json| json["model"]["merges"] = json!([]),
            |json| json["model"]["ignore_merges"] = json!(true),
            |json| json["pre_tokenizer"]["use_regex"] = json!(false),
            |json| json["pre_tokenizer"] = Value::Null,
            |json| json["decoder"] = Value::Null,
            |json| json["normalizer"] = json!({"type": "NFC"}),
            |json| json["added_tokens"][0]["normalized"] = json!(true),
        ];
        for (at, change) in other.into_iter().enumerate() {
            assert_ne!(digest(change), digest(|_| {}), "{at}");
        }
    }

    #[test]
    fn what_is_no_tokenizer_is_said() {
        assert!(content_blake3(b"{").unwrap_err().contains("not JSON"));
        assert!(content_blake3(b"[]").unwrap_err().contains("no model"));
    }
}
