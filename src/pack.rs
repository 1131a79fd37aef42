//! Packing: from token shards to sequences of one length in memory-mapped files, and back.
//!
//! Documents, each with an EOS, are packed into rows of S tokens by exact best-fit decreasing, window by window: no token is lost,
//! and a document is split only if it is longer than a row. [`Packer`] plans and writes the files of a pack, [`Pack`] opens a
//! finished one. Kernels: [`best_fit`] (which row has space), [`layout`] (the position of every piece), [`permute`] (the order of
//! rows),
//! [`block`] (rows that are being filled), [`order`] (in which a trainer reads rows), [`gather`] (rows as a trainer wants them), [`unpack`] (documents out of pieces, and the check of a file). Files:
//! [`format`](mod@format) (a pack file, see `docs/formats/pack.md`), [`view`] (an opened one), [`info`] (`pack.json`).

pub mod best_fit;
pub mod block;
pub mod format;
pub mod gather;
pub mod info;
pub mod layout;
mod open;
mod options;
pub mod order;
mod packer;
pub mod permute;
mod plan;
mod token_reader;
pub mod unpack;
pub mod view;

pub use self::open::{Pack, verify_part};
pub use self::options::Options;
pub use self::packer::Packer;
pub use self::plan::{Again, PackContext, PackedPart, PartPlan, TokenPart};

/// Enters fingerprints: raise it when the same documents are packed in another order.
pub const VERSION: u32 = 1;

#[cfg(test)]
mod tests;
