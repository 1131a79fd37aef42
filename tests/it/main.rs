//! One integration binary: a file a theme.
#![expect(clippy::unwrap_used, reason = "tests say what they expect")]

mod architecture;
mod bad_input;
mod beneath;
mod collections;
mod decontaminate;
mod dedup;
mod dedup_index;
mod cuts;
mod determinism;
mod documentation;
mod durability;
mod export;
mod filter;
mod formats;
mod guide;
mod harness;
mod hostile;
mod html;
mod inspect;
mod keigo;
mod keigo_cases;
mod lists;
mod manners;
mod mixture;
mod peer_faults;
mod pii;
mod pipeline;
mod policies;
mod presets;
mod readme;
mod report;
mod reuse;
mod sample;
mod schema;
mod shards;
mod shares;
mod signatures;
mod split;
mod tokenizer;
#[path = "../../src/testing.rs"]
mod testing;
mod trust;
mod vocabulary;
mod web_archives;
mod what_if;
