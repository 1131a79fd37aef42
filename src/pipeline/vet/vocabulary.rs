//! The vocabulary of a `tokenizer.json`: has every id one token, and every token one id? Readers differ about those that have not.

use std::io::Read;

use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::pairs::Pairs;
use crate::quarantine::escape;

/// Bytes of a file that is looked into.
pub const FILE_MAX: u64 = 256 << 20;
/// No vocabulary has a larger id.
const ID_MAX: u64 = 1 << 31;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    model: Model,
    #[serde(default)]
    added_tokens: Vec<Added>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Model {
    vocab: Option<Vocabulary>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vocabulary {
    Table(Pairs<u64>),
    List(Vec<(String, f64)>),
}

#[derive(Deserialize)]
struct Added {
    id: u64,
    content: String,
}

/// Checks a file; gives the number of its tokens.
///
/// # Errors
/// One sentence: what is wrong.
pub fn check(reader: impl Read) -> Result<usize, String> {
    let reader = std::io::BufReader::with_capacity(1 << 16, reader);
    let file: File = serde_json::from_reader(reader).map_err(|e| format!("no vocabulary that can be read: {e}"))?;
    let mut by_id: FxHashMap<u64, String> = FxHashMap::default();
    let tokens: Vec<(u64, String)> = match file.model.vocab {
        None => Vec::new(),
        Some(Vocabulary::Table(pairs)) => {
            if let Some(token) = pairs.repeated() {
                return Err(format!("the token {} stands twice", escape(token, 60)));
            }
            pairs.0.into_iter().map(|(token, id)| (id, token)).collect()
        }
        Some(Vocabulary::List(list)) => (0..).zip(list).map(|(id, (token, _))| (id, token)).collect(),
    };
    for (id, token) in tokens.into_iter().chain(file.added_tokens.into_iter().map(|added| (added.id, added.content))) {
        if id > ID_MAX {
            return Err(format!("the token {} has the id {id}", escape(&token, 60)));
        }
        if let Some(other) = by_id.get(&id).filter(|other| **other != token) {
            return Err(format!("the id {id} has two tokens: {} and {}", escape(other, 60), escape(&token, 60)));
        }
        by_id.insert(id, token);
    }
    Ok(by_id.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_has_one_token() {
        let of = |json: &str| check(json.as_bytes());
        assert_eq!(
            of(r#"{"model": {"vocab": {"a": 0, "b": 1}}, "added_tokens": [{"id": 1, "content": "b"}, {"id": 2, "content": "c"}]}"#),
            Ok(3)
        );
        assert_eq!(of(r#"{"model": {"vocab": [["a", -1.5], ["b", -2]]}}"#), Ok(2));
        assert!(of(r#"{"model": {"vocab": {"a": 0, "b": 0}}}"#).unwrap_err().contains("two tokens"));
        assert!(of(r#"{"model": {"vocab": {"a": 0, "a": 1}}}"#).unwrap_err().contains("stands twice"));
        assert!(of(r#"{"model": {"vocab": {"a": 0}}, "added_tokens": [{"id": 0, "content": "b"}]}"#).unwrap_err().contains("two tokens"));
        assert!(of(r#"{"model": {"vocab": {"a": 99999999999}}}"#).unwrap_err().contains("has the id"));
        assert!(of(r#"{"model": {"vocab": 7}}"#).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>) {
            let _ = check(&bytes[..]);
        }
    }
}
