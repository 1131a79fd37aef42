//! Seimai 精米: raw Japanese corpora in, training-ready tokens out.
//!
//! ```text
//!  read ─ decode ─ normalise ─ segment ─ annotate ─▣ deduplicate ─ decide ─▣ train BPE ─ encode ─ shard ─▣ pack
//!  └──────────────── annotate ────────────────────┘└─ dedup ─┘└─ decide ─┘└── train ──┘└── encode ──┘└ pack ┘
//! ```
//!
//! The first modules are the rooms, in the order of the flow. Each one is a [`stage::Stage`] (batch → batch) or a
//! [`stage::Fold`] (▣: sees the whole corpus). They exchange data through the columns of [`schema`] only and never import each
//! other. [`pipeline`] puts them together and is what `seimai run` calls; every room can be used on its own:
//!
//! ```
//! use seimai::normalize::{Normalizer, Options, RuleCounts};
//! use seimai::normalize::sentences::sentence_ends;
//!
//! // Normalise: what Japanese needs to keep is kept.
//! let mut text = String::new();
//! Normalizer::new(&Options::default()).normalize("ﾊﾝｶｸと①㈱。「はい。」と答えた。", &mut text, &mut RuleCounts::default());
//! assert_eq!(text, "ハンカクと①㈱。「はい。」と答えた。");
//!
//! // Sentences: ends in bytes that tile the text.
//! let mut ends = Vec::new();
//! sentence_ends(&text, &mut ends);
//! assert_eq!(ends.len(), 2);
//! ```
//!
//! The feature `cli` (on by default) adds the command line. A program that uses the library alone switches it off, and with it
//! the crates that only the command line needs.

// The rooms, in the order of the flow. They import the foundation and nothing else of ours.
pub mod corpus;
pub mod normalize;
pub mod segment;
pub mod keigo;
pub mod quality;
pub mod pii;
pub mod dedup;
pub mod decide;
pub mod bpe;
pub mod shard;
pub mod pack;

// Runs the rooms in order: it imports all of them, and none of them imports it.
pub mod pipeline;

// The foundation, which everything else may import: it imports nothing of ours but itself.
pub mod error;
pub mod io;
pub mod morpheme;
pub mod quarantine;
pub mod schema;
pub mod stage;
#[cfg(test)]
mod testing;

// The command line, and the only place of clap, indicatif, anyhow and signal-hook.
#[cfg(feature = "cli")]
pub mod cli;
