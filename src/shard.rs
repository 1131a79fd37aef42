//! The Parquet files that a run leaves behind: documents, rejected documents, and above all token shards.
//!
//! A token shard holds the same rows as its documents part, in the same order. The layout of the files (schema, encodings, pages,
//! row groups, metadata) is described in `docs/formats/tokens.md`. The kernel [`limit`] decides where a part or a row group ends.
//! The bytes of a file depend on its rows alone, not on the batches in which they were written. [`TokenShard`] is a finished one,
//! [`export_megatron`] copies token shards into the files of Megatron-LM ([`megatron`]).

pub mod limit;
pub mod megatron;
mod layout;
mod megatron_writer;
mod options;
mod part_writer;
mod token_shard;

pub use self::layout::{
    FORMAT_VERSION, GROUP_ROWS, GROUP_TOKENS, TOKENIZER_CONTENT_KEY, TOKENIZER_KEY, TokensMeta, VERSION, documents_properties,
    index_properties, is_same_tokenizer, rejected_properties, tokens_properties, tokens_schema,
};
pub use self::megatron_writer::{Megatron, MegatronPair, MegatronTarget, export_megatron};
pub use self::options::Options;
pub use self::part_writer::PartWriter;
pub use self::token_shard::{TokenShard, common_meta};

#[cfg(test)]
mod tests;
