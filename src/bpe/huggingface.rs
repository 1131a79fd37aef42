//! Writes `tokenizer.json` and the files beside it for Hugging Face libraries, and reads a `tokenizer.json`.
//!
//! What is written is what the known engines recognise: exactly the pattern strings of the published models, a byte-level last
//! step, and merges as pairs; a normaliser only where the plan asks for ours. Only files that can be encoded exactly are read: byte-pair encoding with one of the
//! built patterns. Everything else is refused by name.

pub mod check;
pub(crate) mod content;
pub(super) mod expressions;
mod model_types;
pub(crate) mod read;
pub(crate) mod write;

pub use self::content::content_blake3;
pub use self::read::{FILE_MAX, parse, parse_as_learned};
pub use self::write::{Roles, merges_txt, special_tokens_map_json, tokenizer_config_json, tokenizer_json};

#[cfg(test)]
mod tests;
