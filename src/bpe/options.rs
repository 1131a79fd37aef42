//! `[tokenizer]` of the plan.

use crate::bpe::byte_level;
use crate::bpe::huggingface::write::Roles;
use crate::bpe::pattern::Pattern;
use crate::bpe::protected;
use crate::bpe::vocabulary::MAX_ID;

/// What a token of the first stage may not cross.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Boundaries {
    /// Ends of morphemes.
    Morpheme,
    /// Changes between kanji, hiragana, katakana, other letters, numbers and the rest.
    Script,
    /// Only the pre-tokens of the pattern.
    None,
}

/// The published pre-tokeniser that inference uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PatternName {
    /// DeepSeek-V3: keeps runs of kana and kanji apart from everything else.
    DeepseekV3,
    /// GPT-2.
    Gpt2,
    /// cl100k: words with the one character before them that is no letter.
    Cl100k,
    /// o200k: the same, and a capital letter begins a word.
    O200k,
    /// No cut at all.
    None,
}

/// The normaliser that `tokenizer.json` carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NormalizerName {
    /// None: text is encoded as it comes.
    #[default]
    None,
    /// `[normalize]` of the plan, as steps of Hugging Face's library.
    Seimai,
}

/// How digits are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Digits {
    /// As the pattern groups them (up to three; GPT-2 and none: any number).
    #[serde(rename = "up-to-3")]
    UpTo3,
    /// One by one.
    Single,
}

/// `[tokenizer]` of the plan.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Tokens in the vocabulary: special tokens, 256 bytes and the merges.
    pub vocab_size: u32,
    /// What a token of the first stage may not cross: morpheme | script | none.
    pub boundaries: Boundaries,
    /// Share of the merges learned in a second stage, which may join morphemes inside a clause: 0 (none) to 0.95. The default is that of the table in docs/adr/0036.
    pub superwords: f64,
    /// The published pre-tokeniser that inference uses: deepseek-v3 | cl100k | o200k | gpt2 | none.
    pub pattern: PatternName,
    /// The normaliser inside tokenizer.json: none (text is encoded as it comes) | seimai (what `[normalize]` does, in the steps of Hugging
    /// Face's library; other engines may refuse the file).
    pub normalizer: NormalizerName,
    /// Every byte has a token, so every text can be encoded: true. `false` is refused (ADR 0034).
    pub byte_fallback: bool,
    /// Special tokens, in order: they get the first ids, and text never turns into them.
    pub special_tokens: Vec<String>,
    /// The special token that ends a document.
    pub eos_token: String,
    /// The special token that fills rows.
    pub pad_token: String,
    /// How digits are grouped: up-to-3 (as the pattern does) | single.
    pub digits: Digits,
    /// Tokens made of two merged tokens stay shorter than this many bytes; absent: no limit.
    pub max_token_length: Option<u32>,
    /// A pair seen less often is not merged.
    pub min_frequency: u64,
    /// A token is a string of whole characters or lies inside one character.
    pub whole_characters: bool,
    /// Bytes of kept text that a run learns the vocabulary from. Where it keeps more, it learns from a sample of about so many, of documents
    /// drawn by their ids: more text would hardly change the merges, but cost time, memory and disk.
    pub train_bytes: u64,
    /// Words that are one token each wherever the pattern makes a pre-token of them, in normalised spelling. The merges that make them come
    /// before all that are learned.
    pub protected: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            vocab_size: 32_000,
            boundaries: Boundaries::Morpheme,
            superwords: 0.3,
            pattern: PatternName::DeepseekV3,
            normalizer: NormalizerName::None,
            byte_fallback: true,
            special_tokens: vec!["<|endoftext|>".to_owned(), "<|pad|>".to_owned()],
            eos_token: "<|endoftext|>".to_owned(),
            pad_token: "<|pad|>".to_owned(),
            digits: Digits::UpTo3,
            max_token_length: None,
            min_frequency: 1,
            whole_characters: true,
            train_bytes: 4_000_000_000,
            protected: Vec::new(),
        }
    }
}

impl Options {
    /// One sentence for the first value that is out of range or not built yet.
    pub fn check(&self) -> Result<(), String> {
        let least = 256 + self.special_tokens.len();
        let unknown = [&self.eos_token, &self.pad_token].into_iter().find(|token| !self.special_tokens.contains(token));
        let misread = self.special_tokens.iter().find(|token| byte_level::is_misread(token));
        let refusals = [
            (!(0.0..=0.95).contains(&self.superwords), "tokenizer.superwords must lie between 0.0 and 0.95".to_owned()),
            (
                !self.byte_fallback,
                "tokenizer.byte_fallback = false would leave text without tokens: most libraries have no such vocabularies, and decoding \
                 would not give the text back; set it to true"
                    .to_owned(),
            ),
            (
                (self.vocab_size as usize) < least,
                format!("tokenizer.vocab_size must be at least {least} (256 bytes and the special tokens)"),
            ),
            (self.vocab_size > MAX_ID, format!("tokenizer.vocab_size must be at most {MAX_ID}")),
            (self.train_bytes == 0, "tokenizer.train_bytes must be at least 1".to_owned()),
            (self.min_frequency == 0, "tokenizer.min_frequency must be at least 1".to_owned()),
            (self.max_token_length.is_some_and(|max| max < 2), "tokenizer.max_token_length must be at least 2".to_owned()),
            (unknown.is_some(), format!("tokenizer.special_tokens lacks {:?}", unknown.cloned().unwrap_or_default())),
            (self.has_bad_special(), "tokenizer.special_tokens must be different strings of two or more characters".to_owned()),
            (
                misread.is_some(),
                format!(
                    "tokenizer.special_tokens holds {:?}: byte-level vocabularies read these characters as other bytes; use ASCII characters \
                     from ! to ~, or at least one character that is neither these nor Latin, as in <｜end｜>",
                    misread.cloned().unwrap_or_default()
                ),
            ),
        ];
        refusals.into_iter().find(|(refused, _)| *refused).map_or(Ok(()), |(_, why)| Err(why))?;
        self.check_protected()
    }

    /// One sentence for the first protected word that cannot be one token.
    fn check_protected(&self) -> Result<(), String> {
        let refused = |word: &str, why: &str| Err(format!("tokenizer.protected: {word:?} {why}"));
        for (i, word) in self.protected.iter().enumerate() {
            let mut ends = Vec::new();
            self.scanner().for_each_pre_token(word, |_, end| ends.push(end));
            if word.is_empty() || self.protected[..i].contains(word) {
                return refused(word, "is empty or stands twice");
            }
            if self.special_tokens.contains(word) {
                return refused(word, "is a special token");
            }
            if self.max_token_length.is_some_and(|max| word.len() > 2 && word.len() >= max as usize) {
                return refused(word, "is as long as tokenizer.max_token_length or longer, in bytes");
            }
            if let [end, _, ..] = ends[..] {
                let (head, tail) = word.split_at(end);
                return refused(word, &format!("is cut by the pattern, into {head:?} and {tail:?}: no token can hold both"));
            }
        }
        let needed = protected::merges(&self.protected).len();
        let room = self.vocab_size as usize - 256 - self.special_tokens.len();
        if needed > room {
            return Err(format!("tokenizer.protected needs {needed} merges, and tokenizer.vocab_size leaves room for {room}"));
        }
        Ok(())
    }

    fn has_bad_special(&self) -> bool {
        let tokens = &self.special_tokens;
        tokens.iter().enumerate().any(|(i, token)| token.chars().count() < 2 || tokens[..i].contains(token))
    }

    /// The pattern with the rule for digits.
    pub(crate) fn scanner(&self) -> Pattern {
        let pattern = match self.pattern {
            PatternName::DeepseekV3 => Pattern::DEEPSEEK_V3,
            PatternName::Gpt2 => Pattern::GPT2,
            PatternName::Cl100k => Pattern::CL100K,
            PatternName::O200k => Pattern::O200K,
            PatternName::None => Pattern::NONE,
        };
        if self.digits == Digits::Single { pattern.with_single_digits() } else { pattern }
    }

    /// The special tokens by role.
    pub(crate) fn roles(&self) -> Roles {
        Roles { eos: Some(self.eos_token.clone()), pad: Some(self.pad_token.clone()), ..Roles::default() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Spellings of other bytes are refused; what is no spelling at all stays as it is written.
    #[test]
    fn special_tokens_are_not_spelled_as_bytes() {
        for token in ["ãģ", "«eos»", "ĠA", "é!", "ÿþ"] {
            let options = Options {
                special_tokens: vec![token.to_owned(), "<p>".to_owned()],
                eos_token: token.to_owned(),
                pad_token: "<p>".to_owned(),
                ..Options::default()
            };
            let why = options.check().unwrap_err();
            assert!(why.contains("special_tokens") && why.contains(token), "{why}");
        }
        for token in ["<｜end｜>", "</s>", "[終]", "a b", "«終»"] {
            let options = Options {
                special_tokens: vec![token.to_owned(), "<p>".to_owned()],
                eos_token: token.to_owned(),
                pad_token: "<p>".to_owned(),
                ..Options::default()
            };
            assert_eq!(options.check(), Ok(()), "{token}");
        }
    }

    #[test]
    fn refusals_name_the_key() {
        let base = Options::default;
        assert_eq!(base().check(), Ok(()));
        let json = serde_json::to_value(base()).unwrap();
        assert_eq!(
            (&json["digits"], &json["pattern"], &json["boundaries"]),
            (&json!("up-to-3"), &json!("deepseek-v3"), &json!("morpheme"))
        );
        let cases = [
            (Options { superwords: 1.0, ..base() }, "superwords"),
            (Options { superwords: f64::NAN, ..base() }, "superwords"),
            (Options { vocab_size: 257, ..base() }, "vocab_size"),
            (Options { vocab_size: u32::MAX, ..base() }, "vocab_size"),
            (Options { byte_fallback: false, ..base() }, "byte_fallback"),
            (Options { protected: vec!["です".to_owned(), "です".to_owned()], ..base() }, "protected: \"です\" is empty or stands twice"),
            (Options { protected: vec!["Tシャツ".to_owned()], ..base() }, "into \"T\" and \"シャツ\""),
            (Options { protected: vec!["<|pad|>".to_owned()], pattern: PatternName::None, ..base() }, "is a special token"),
            (Options { protected: vec!["です".to_owned()], max_token_length: Some(6), ..base() }, "max_token_length"),
            (Options { protected: vec!["精米".to_owned()], vocab_size: 262, ..base() }, "needs 5 merges"),
            (Options { min_frequency: 0, ..base() }, "min_frequency"),
            (Options { train_bytes: 0, ..base() }, "train_bytes"),
            (Options { max_token_length: Some(1), ..base() }, "max_token_length"),
            (Options { eos_token: "</s>".to_owned(), ..base() }, "special_tokens lacks \"</s>\""),
            (
                Options { special_tokens: vec!["a".to_owned()], eos_token: "a".to_owned(), pad_token: "a".to_owned(), ..base() },
                "special_tokens",
            ),
        ];
        for (options, key) in cases {
            let why = options.check().unwrap_err();
            assert!(why.contains(key), "{why:?} does not name {key}");
        }
    }
}
