//! Raw files → records: how text comes in.
//!
//! [`expand`] lists the input files of a plan, [`Framer`] finds the work shards in them ([`ShardRef`]) and reads one ([`RawShard`]),
//! [`RawShard::decode`] parses it into [`Record`]s and quarantine, and [`BatchBuilder`] puts records into batches of columns. Every
//! record that is read is either given on or quarantined with file, position and reason.
//!
//! A format of files is one file in `corpus/formats/` and one line in `corpus/formats.rs`.

mod archive;
pub mod aozora;
mod batches;
pub mod charset;
pub mod chat;
mod compression;
pub mod csv;
pub mod diet;
pub mod docbook;
pub mod document;
pub mod epub;
mod estimate;
pub mod fields;
mod forget;
mod format;
mod formats;
mod framer;
pub mod gettext;
pub mod html;
pub mod http;
mod input_file;
mod inputs;
mod io_error;
pub mod json;
mod json_walk;
pub mod jsonl;
pub mod law;
mod lost;
pub mod mapping;
mod nearby;
mod options;
mod probe;
mod record;
mod rules;
mod sample;
mod shard;
mod shard_table;
mod sink;
mod source;
pub mod subtitles;
mod table;
#[cfg(test)]
mod tests;
mod walk;
mod wanted;
mod whole_file;
pub mod wikitext;

pub use self::archive::{Part, Place};
pub use self::batches::{BATCH_BYTES, BATCH_ROWS, BatchBuilder, COLUMNS, empty_batch};
pub use self::compression::{DecodedPiece, Entry, Piece, Pieces, ReadAhead};
pub use self::estimate::Estimate;
pub use self::forget::Forgotten;
pub use self::framer::{Framer, pieces, spans};
pub use self::html::Extract;
pub use self::input_file::InputFile;
pub use self::inputs::{escape_name, expand, expand_paths, literal_place, unescape_name};
pub use self::options::{
    ChatDocuments, ChatOptions, DietDocuments, DietOptions, FieldOptions, LawDocuments, LawOptions, MediaWikiOptions, Notation, Options,
    Rest, Rule, SourceDefaults, Texts, WarcOptions,
};
pub use self::probe::{Kind, Probe, kind, likely_fields, probe};
pub use self::record::{InputTally, Outcome, Record};
pub use self::rules::Declared;
pub use self::sample::draws;
pub use self::shard::{Position, RawShard, ShardLimits, ShardRef};
pub use self::shard_table::{SHARD_COLUMNS, shards_from_batch, shards_to_batch};
pub use self::source::{one_thread, open_decoded, open_input};

/// Enters fingerprints: raise it when the same bytes give other records or other work shards.
pub const VERSION: u32 = 7;
