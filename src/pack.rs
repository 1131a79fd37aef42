//! Room *pack*: token shards → packed rows in memory-mapped files, and back.
//!
//! Documents (with EOS) are packed into rows of one length by exact best-fit decreasing, window by window: nothing is
//! truncated, dropped or cut without need. This file moves tokens between Parquet and the pack files; the kernels are
//! [`best_fit`], [`layout`] (where every token goes), [`permute`] (row order), [`block`] (rows being filled), [`format`](mod@format)
//! (the file, `docs/formats/pack.md`), [`view`] (an opened file), [`info`] (`pack.json`), [`unpack`] (the way back, and verification).

pub mod best_fit;
pub mod block;
pub mod format;
pub mod info;
pub mod layout;
mod open;
mod options;
mod packer;
pub mod permute;
mod plan;
mod token_reader;
pub mod unpack;
pub mod view;

pub use self::open::{Pack, verify_part};
pub use self::options::Options;
pub use self::packer::Packer;
pub use self::plan::{PackContext, PackedPart, PartPlan, TokenPart};

/// Enters fingerprints: raise it when the same documents are packed in another order.
pub const VERSION: u32 = 1;

#[cfg(test)]
mod tests;
