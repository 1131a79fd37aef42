//! A vocabulary as a GGUF file without a model, for llama.cpp.
//!
//! llama.cpp knows patterns by name (`tokenizer.ggml.pre`) and has merges, so that it gives our ids where it has a name for our pattern. Its
//! converter tells patterns by a hash over the ids of a text, and refuses every new vocabulary: the keys of this file are what belongs
//! into the file of a model.

use crate::bpe::byte_level;
use crate::bpe::huggingface::write::Roles;
use crate::bpe::pattern::{Pattern, Published};
use crate::bpe::vocabulary::{Alphabet, Tokenizer};

/// What llama.cpp calls a pattern; `None` where it has none that cuts as ours.
pub fn pre(pattern: Pattern) -> Option<&'static str> {
    match (pattern.published, pattern.single_digits) {
        (Published::DeepseekV3, false) => Some("deepseek-v3"),
        (Published::Gpt2, false) => Some("gpt-2"),
        (Published::Gpt2, true) => Some("starcoder"),
        // Not llama-bpe, which takes a pre-token that is a token as it is, without merges.
        (Published::Cl100k, false) => Some("dbrx"),
        (Published::Cl100k, true) => Some("qwen2"),
        (Published::O200k, false) => Some("gpt-4o"),
        (Published::DeepseekV3 | Published::O200k, true) | (Published::None, _) => None,
    }
}

/// Kinds of values, and of tokens.
const BOOL: u32 = 7;
const STRING: u32 = 8;
const ARRAY: u32 = 9;
const UINT32: u32 = 4;
const INT32: u32 = 5;
const NORMAL: i32 = 1;
const CONTROL: i32 = 3;
const UNUSED: i32 = 5;

/// The file. Where no token begins a text, that which ends one is named for it: else llama.cpp takes the token of id 11.
///
/// # Errors
/// One sentence if llama.cpp could give other ids.
pub fn gguf(tokenizer: &Tokenizer, name: &str, roles: &Roles) -> Result<Vec<u8>, String> {
    if tokenizer.normalizer().is_some() {
        return Err("the vocabulary has a normalizer that the format cannot hold".to_owned());
    }
    if tokenizer.alphabet() != Alphabet::Bytes {
        return Err("the vocabulary starts from characters, not from bytes".to_owned());
    }
    let pre = pre(tokenizer.pattern()).ok_or("llama.cpp has no name for the pattern of the vocabulary")?;
    let mut keys = Keys::default();
    keys.string("general.architecture", "llama");
    keys.string("general.name", name);
    keys.string("tokenizer.ggml.model", "gpt2");
    keys.string("tokenizer.ggml.pre", pre);
    let ids = || 0..tokenizer.len() as u32;
    let tokens: Vec<String> = ids().map(|id| written(tokenizer, id)).collect();
    keys.strings("tokenizer.ggml.tokens", &tokens);
    let kind = |id| match tokenizer.token(id) {
        None => UNUSED,
        Some(_) if tokenizer.is_special(id) => CONTROL,
        Some(_) => NORMAL,
    };
    keys.numbers("tokenizer.ggml.token_type", &ids().map(kind).collect::<Vec<_>>());
    let token = |id: u32| tokens.get(id as usize).map_or("", String::as_str);
    let merges: Vec<String> = tokenizer.rules().iter().map(|rule| format!("{} {}", token(rule.left), token(rule.right))).collect();
    keys.strings("tokenizer.ggml.merges", &merges);
    for (key, special) in [("bos", roles.bos.as_ref().or(roles.eos.as_ref())), ("eos", roles.eos.as_ref()), ("padding", roles.pad.as_ref())]
    {
        if let Some(id) = special.and_then(|special| tokenizer.special_id(special)) {
            keys.key(&format!("tokenizer.ggml.{key}_token_id"), UINT32);
            keys.bytes.extend(id.to_le_bytes());
        }
    }
    for key in ["add_bos_token", "add_eos_token", "add_space_prefix"] {
        keys.key(&format!("tokenizer.ggml.{key}"), BOOL);
        keys.bytes.push(0);
    }
    let mut file = b"GGUF".to_vec();
    file.extend(3_u32.to_le_bytes());
    file.extend(0_u64.to_le_bytes());
    file.extend(keys.count.to_le_bytes());
    file.extend(keys.bytes);
    Ok(file)
}

/// A token in byte-level characters, a special one as it is; ids without a token get a name.
fn written(tokenizer: &Tokenizer, id: u32) -> String {
    match tokenizer.token(id) {
        None => format!("[UNUSED{id}]"),
        Some(bytes) if tokenizer.is_special(id) => String::from_utf8_lossy(bytes).into_owned(),
        Some(bytes) => {
            let mut text = String::with_capacity(bytes.len() * 2);
            byte_level::write(bytes, &mut text);
            text
        }
    }
}

/// Key-value pairs of a GGUF file.
#[derive(Default)]
struct Keys {
    bytes: Vec<u8>,
    count: u64,
}

impl Keys {
    fn text(&mut self, text: &str) {
        self.bytes.extend((text.len() as u64).to_le_bytes());
        self.bytes.extend(text.as_bytes());
    }

    fn key(&mut self, name: &str, kind: u32) {
        self.text(name);
        self.bytes.extend(kind.to_le_bytes());
        self.count += 1;
    }

    fn string(&mut self, name: &str, value: &str) {
        self.key(name, STRING);
        self.text(value);
    }

    fn array(&mut self, name: &str, kind: u32, length: usize) {
        self.key(name, ARRAY);
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend((length as u64).to_le_bytes());
    }

    fn strings(&mut self, name: &str, values: &[String]) {
        self.array(name, STRING, values.len());
        for value in values {
            self.text(value);
        }
    }

    fn numbers(&mut self, name: &str, values: &[i32]) {
        self.array(name, INT32, values.len());
        for value in values {
            self.bytes.extend(value.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpe::merge::Merge;

    fn tokenizer(pattern: Pattern) -> Tokenizer {
        let merges = [Merge { left: 0, right: 1, count: 1 }];
        Tokenizer::from_merges(pattern, &["</s>".to_owned()], &merges).unwrap()
    }

    #[test]
    fn the_file_holds_keys_and_no_tensor() {
        let file = gguf(&tokenizer(Pattern::DEEPSEEK_V3), "v", &Roles { eos: Some("</s>".to_owned()), ..Roles::default() }).unwrap();
        assert_eq!(file[..16], *b"GGUF\x03\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(file[16..24], 12_u64.to_le_bytes());
        let has = |part: &[u8]| file.windows(part.len()).any(|window| window == part);
        assert!(has(b"deepseek-v3") && has(b"\x03\0\0\0\0\0\0\0! \""), "pattern and merge");
    }

    #[test]
    fn a_pattern_without_a_name_is_refused() {
        for pattern in [Pattern::NONE, Pattern::DEEPSEEK_V3.with_single_digits(), Pattern::O200K.with_single_digits()] {
            assert!(gguf(&tokenizer(pattern), "v", &Roles::default()).unwrap_err().contains("no name for the pattern"));
        }
        let normalized = tokenizer(Pattern::GPT2).with_normalizer(serde_json::json!({"type": "NFC"}));
        assert!(gguf(&normalized, "v", &Roles::default()).unwrap_err().contains("normalizer"));
    }
}
