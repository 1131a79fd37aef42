//! Room *shard*: the Parquet files a run leaves behind, above all the token shards.
//!
//! A tokens part is its documents part, row for row. This file holds what makes the files what they are: schema,
//! encodings, pages, row groups, metadata (`docs/formats/tokens.md`). Its kernel [`limit`] decides where
//! a shard or a row group ends. Bytes depend on the rows alone, not on how they came in batches.

pub mod limit;
mod layout;
mod options;
mod part_writer;

pub use self::layout::{
    FORMAT_VERSION, GROUP_ROWS, GROUP_TOKENS, TOKENIZER_KEY, TokensMeta, documents_properties, rejected_properties, tokens_properties,
    tokens_schema,
};
pub use self::options::Options;
pub use self::part_writer::PartWriter;

#[cfg(test)]
mod tests;
