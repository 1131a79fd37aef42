//! Seimai 精米: raw Japanese corpora in, training-ready tokens out.

pub mod corpus;
pub mod normalize;
pub mod segment;
pub mod keigo;
pub mod quality;
pub mod dedup;
pub mod decide;
pub mod bpe;
pub mod shard;
pub mod pack;

pub mod error;
pub mod io;
pub mod morpheme;
pub mod quarantine;
pub mod schema;
pub mod stage;
