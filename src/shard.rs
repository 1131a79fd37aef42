//! The Parquet files that a run leaves behind: documents, rejected documents, and above all token shards.
//!
//! A token shard holds the same rows as its documents part, in the same order. The layout of the files (schema, encodings, pages,
//! row groups, metadata) is described in `docs/formats/tokens.md`. The kernel [`limit`] decides where a part or a row group ends.
//! The bytes of a file depend on its rows alone, not on the batches in which they were written.

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
