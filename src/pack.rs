//! Packing: from token shards to sequences of one length in memory-mapped files, and back.
//!
//! Documents, each with an EOS, are packed into rows of S tokens by exact best-fit decreasing, window by window: no token is lost,
//! and a document is split only if it is longer than a row. [`Packer`] plans and writes the files of a pack, [`Pack`] opens a
//! finished one. Kernels: [`best_fit`] (which row has space), [`layout`] (the position of every piece), [`mixture`] (how often each
//! document is wanted), [`permute`] (the order of rows), [`block`] (rows that are being filled), [`order`] (in which a trainer reads
//! rows), [`gather`] (rows as a trainer wants them), [`unpack`] (documents out of pieces, and the check of a file). Files:
//! [`format`](mod@format) (a pack file, see `docs/formats/pack.md`), [`view`] (an opened one), [`info`] (`pack.json`).

pub mod best_fit;
pub mod block;
pub mod format;
pub mod gather;
pub mod info;
pub mod layout;
pub mod mixture;
mod open;
mod options;
pub mod order;
mod packer;
pub mod permute;
mod piece_buckets;
mod plan;
mod selection;
mod token_reader;
pub mod unpack;
pub mod view;

pub use self::open::{Pack, verify_part};
pub use self::options::{Options, SourceMix};
pub use self::packer::Packer;
pub use self::plan::{PackContext, PackedPart, PartPlan, Taken, TokenPart};
pub use self::selection::{Selection, select};

/// Enters fingerprints: raise it when the same documents are packed in another order.
pub const VERSION: u32 = 2;

#[cfg(test)]
mod tests;
