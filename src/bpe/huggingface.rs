//! `tokenizer.json` and its companions as Hugging Face libraries read them, and a strict reader of the former.
//!
//! What we write is what the engines recognise: the exact pattern strings of the published models, a byte-level last
//! step, no normaliser, merges as pairs. What we read is limited to what we can encode exactly: byte-pair encoding with
//! one of the built patterns. Everything else is refused by name.

mod deepseek;
pub(crate) mod read;
pub(crate) mod write;

pub use self::read::{FILE_MAX, parse};
pub use self::write::{Roles, merges_txt, special_tokens_map_json, tokenizer_config_json, tokenizer_json};

#[cfg(test)]
mod tests;
