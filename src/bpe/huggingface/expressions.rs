//! The published expressions as Hugging Face libraries know them: some engines recognise a pattern by comparing it with exactly these strings.

use std::borrow::Cow;

use crate::bpe::pattern::{Pattern, Published};

/// How all of them but GPT-2 begin their expression for numbers, and what it is where every digit stands alone.
const NUMBERS: &str = r"\p{N}{1,3}";
const NUMBER: &str = r"\p{N}";

/// The expressions of a pattern, applied one after the other, each to all strings that the one before made. None for what ByteLevel does by
/// itself (GPT-2, and no pattern).
pub(in crate::bpe) fn expressions(pattern: Pattern) -> Vec<Cow<'static, str>> {
    let published: &[&'static str] = match pattern.published {
        Published::DeepseekV3 => &DEEPSEEK,
        Published::Cl100k => &[CL100K],
        Published::O200k => &[O200K],
        Published::Gpt2 | Published::None if pattern.single_digits => return vec![Cow::Borrowed(NUMBER)],
        Published::Gpt2 | Published::None => &[],
    };
    let of_numbers = |expression: &&'static str| {
        if pattern.single_digits { Cow::Owned(expression.replace(NUMBERS, NUMBER)) } else { Cow::Borrowed(*expression) }
    };
    published.iter().map(of_numbers).collect()
}

/// cl100k, as Llama 3 has it.
const CL100K: &str =
    concat!(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}", r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",);

/// o200k, as GPT-4o has it.
const O200K: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
);

/// The three expressions of DeepSeek-V3. The third holds a real carriage return and a real line feed: with `\r\n` written out it is not
/// recognised.
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
