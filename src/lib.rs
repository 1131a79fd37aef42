//! Seimai 精米: raw Japanese corpora in, training-ready tokens out.
//!
//! ```text
//!  read ─ decode ─ normalise ─ segment ─ annotate ─▣ deduplicate ─ decide ─▣ train BPE ─ encode ─ shard ─▣ pack
//!  └──────────────── annotate ────────────────────┘└─ dedup ─┘└─ decide ─┘└── train ──┘└── encode ──┘└ pack ┘
//! ```
//!
//! The modules stand in the order of the flow. Each room is a [`stage::Stage`] (batch → batch) or a [`stage::Fold`] (▣: sees
//! the whole corpus); they speak to each other through the columns of [`schema`] only. [`pipeline`] puts them together and
//! is what `seimai run` calls; every room can be used on its own:
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

// The rooms, in the order text walks through them.
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

// The corridor: knows every room, no room knows it.
pub mod pipeline;

// The foundation: imports nothing of ours.
pub mod error;
pub mod io;
pub mod morpheme;
pub mod quarantine;
pub mod schema;
pub mod stage;

// The street face.
pub mod cli;
