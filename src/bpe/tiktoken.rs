//! A vocabulary in the format of OpenAI's library `tiktoken`: tokens with their ranks, one regular expression, special tokens.
//!
//! `tiktoken` knows no merges: of all neighbours whose bytes together are a token it joins those with the lowest rank, and the rank is the
//! id. That gives our ids for every text if (1) each token of the file is what its own bytes are encoded to, and (2) tokens come into being
//! in the order of their ids. For a token t that a text holds between two ends is encoded as t alone would be, as long as no merge crosses
//! these ends; t alone has one state of two tokens, the sides of its last merge; so two neighbours that make t are always these, and both
//! programs join the same ones in the same order. Tokens that break (1) are in no text's encoding, and are left out; (2) is checked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::bpe::huggingface::expressions::expressions;
use crate::bpe::pattern::{Pattern, Published};
use crate::bpe::ranked::Ranked;
use crate::bpe::vocabulary::Tokenizer;

/// A vocabulary for `tiktoken`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tiktoken {
    /// The file of ranks: a token in base64, a space, its id; a line each.
    pub ranks: String,
    /// `name`, `pat_str`, `special_tokens`: the other arguments of `tiktoken.Encoding`.
    pub about: Value,
    /// Tokens that no text is encoded to, which are left out.
    pub left_out: usize,
}

/// Writes a vocabulary for `tiktoken`.
///
/// # Errors
/// One sentence if `tiktoken` could give other ids.
pub fn tiktoken(tokenizer: &Tokenizer, name: &str) -> Result<Tiktoken, String> {
    let ranked = Ranked::of(tokenizer)?;
    let mut ranks = String::new();
    let mut left_out = 0;
    for id in (0..tokenizer.len() as u32).filter(|&id| !tokenizer.is_special(id)) {
        let Some(token) = tokenizer.token(id) else { continue };
        if token.len() == 1 || ranked.rank(id).is_some() {
            ranks.extend([&STANDARD.encode(token), " ", &id.to_string(), "\n"]);
        } else {
            left_out += 1;
        }
    }
    let specials: serde_json::Map<String, Value> =
        tokenizer.specials().iter().map(|special| (special.content.clone(), Value::from(special.id))).collect();
    let about = json!({"name": name, "pat_str": expression(tokenizer.pattern()), "special_tokens": specials});
    Ok(Tiktoken { ranks, about, left_out })
}

/// The pattern as one expression that matches every text without a gap, for engines that drop what lies between two matches.
fn expression(pattern: Pattern) -> String {
    let numbers = if pattern.single_digits { r"\p{N}" } else { r"\p{N}{1,3}" };
    match pattern.published {
        Published::Gpt2 if pattern.single_digits => {
            r"\p{N}|'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?=\p{N})|\s+(?!\S)|\s+".to_owned()
        }
        Published::Gpt2 => r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+".to_owned(),
        Published::None if pattern.single_digits => r"\p{N}|\P{N}+".to_owned(),
        Published::None => r"[\s\S]+".to_owned(),
        Published::DeepseekV3 => deepseek(numbers),
        Published::Cl100k | Published::O200k => expressions(pattern).concat(),
    }
}

/// The three expressions of DeepSeek-V3, of which each cuts what the one before made, in one. Inside a run of kana and kanji the third sees
/// nothing but the run: hence alternatives of its own for it, by the letters, marks and signs that stand in those blocks.
fn deepseek(numbers: &str) -> String {
    // The class of the second expression, its letters and marks, its signs, and its code points that are nothing.
    const RUN: &str = "一-龥぀-ゟ゠-ヿ";
    const RUN_LETTERS: &str = "一-龥ぁ-ゖ\u{3099}\u{309A}ゝ-ゟァ-ヺー-ヿ";
    const RUN_SIGNS: &str = "゛゜゠・";
    const RUN_REST: &str = "\u{3040}\u{3097}\u{3098}";
    // Outside: letters and marks, signs, and what the third expression has no name for.
    let letters = format!(r"(?:[^\P{{L}}{RUN}]|[^\P{{M}}{RUN}])");
    let signs = format!(r"(?:[^\P{{P}}{RUN}]|[^\P{{S}}{RUN}])");
    let rest = format!(r"[^\s\p{{L}}\p{{M}}\p{{N}}\p{{P}}\p{{S}}{RUN}]");
    [
        numbers.to_owned(),
        format!("[{RUN_REST}]?[{RUN_LETTERS}]+"),
        format!("[{RUN_SIGNS}]+"),
        r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"##.to_owned(),
        format!(r"[^\r\n\p{{L}}\p{{P}}\p{{S}}\p{{N}}{RUN}]?{letters}+"),
        format!(r" ?{signs}+[\r\n]*"),
        r"\s*[\r\n]+".to_owned(),
        format!(r"\s+(?=[\p{{N}}{RUN}])"),
        r"\s+(?!\S)".to_owned(),
        r"\s+".to_owned(),
        // The last one before a word belongs to the word.
        format!("(?:{rest}(?!{letters}))+"),
        format!("(?:[{RUN_REST}](?![{RUN_LETTERS}]))+"),
    ]
    .join("|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpe::byte_level::BYTE_ORDER;
    use crate::bpe::vocabulary::{Alphabet, Special};

    /// The 256 bytes as ids 1 …, behind a special token.
    fn with(more: &[(u32, &str)], merges: &[(u32, u32)]) -> Tokenizer {
        let bytes = BYTE_ORDER.iter().zip(1..).map(|(&byte, id)| (id, vec![byte]));
        let tokens: Vec<(u32, Vec<u8>)> = bytes.chain(more.iter().map(|(id, token)| (*id, token.as_bytes().to_vec()))).collect();
        let special = Special { id: 0, content: "<|end|>".to_owned() };
        Tokenizer::new(Pattern::DEEPSEEK_V3, Alphabet::Bytes, &tokens, merges, vec![special]).unwrap()
    }

    fn id(byte: u8) -> u32 {
        BYTE_ORDER.iter().position(|&other| other == byte).unwrap() as u32 + 1
    }

    #[test]
    fn ranks_are_our_ids() {
        let (a, b) = (id(b'a'), id(b'b'));
        let made = tiktoken(&with(&[(257, "ab"), (258, "aab")], &[(a, b), (a, 257)]), "mine").unwrap();
        let lines: Vec<&str> = made.ranks.lines().collect();
        assert_eq!((lines.len(), lines[0], lines[256], lines[257]), (258, "IQ== 1", "YWI= 257", "YWFi 258"));
        assert_eq!((made.left_out, &made.about["name"], &made.about["special_tokens"]["<|end|>"]), (0, &json!("mine"), &json!(0)));
    }

    /// `abc` has a merge, but its bytes become `ab` and `c` first: no text has it, and tiktoken would make it of `a` and `bc`.
    #[test]
    fn a_token_that_no_text_has_is_left_out() {
        let (a, b, c) = (id(b'a'), id(b'b'), id(b'c'));
        let made = tiktoken(&with(&[(257, "ab"), (258, "bc"), (259, "abc")], &[(a, b), (b, c), (a, 258)]), "mine").unwrap();
        assert_eq!((made.left_out, made.ranks.lines().last()), (1, Some("YmM= 258")));
    }

    #[test]
    fn what_tiktoken_would_encode_otherwise_is_refused() {
        let (a, b, c) = (id(b'a'), id(b'b'), id(b'c'));
        let swapped = with(&[(257, "bc"), (258, "ab")], &[(a, b), (b, c)]);
        assert!(tiktoken(&swapped, "").unwrap_err().contains("token 258 is merged before token 257"));
        let normalized = with(&[], &[]).with_normalizer(json!({"type": "NFKC"}));
        assert!(tiktoken(&normalized, "").unwrap_err().contains("normalizer"));
        let characters = Tokenizer::new(Pattern::NONE, Alphabet::Characters, &[(0, b"a".to_vec())], &[], Vec::new()).unwrap();
        assert!(tiktoken(&characters, "").unwrap_err().contains("characters"));
        let few = Tokenizer::new(Pattern::NONE, Alphabet::Bytes, &[(0, b"a".to_vec())], &[], Vec::new()).unwrap();
        assert!(tiktoken(&few, "").unwrap_err().contains("byte 0x00"));
    }
}
