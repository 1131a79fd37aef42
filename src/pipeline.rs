//! The passes of a run, in the order in which text goes through them.
//!
//! ```text
//! frame ─ annotate ─▣ dedup ─ decide ─ count ─▣ train ─ encode ─▣ pack ─ finish
//! ```
//! Each pass is a file here; between them stand the three folds (▣), where the whole corpus has to be seen. [`run::run`] does them
//! all. A work shard is a value ([`ShardRef`](crate::corpus::ShardRef)): any process can work on one ([`run_shard`]).

pub mod analyst;
mod annotate;
mod begins;
mod bits;
mod card;
pub mod clusters;
pub mod contamination;
mod context;
mod count;
mod cut;
mod cut_table;
pub mod crew;
pub mod cuts;
mod decide;
mod dedup;
pub mod disk;
mod encode;
pub mod dedup_files;
pub mod dedup_index;
pub mod dedup_rows;
pub mod encode_files;
pub mod evaluation;
pub mod explain;
mod family_table;
pub mod fates;
pub mod fingerprint;
mod finish;
pub mod forget;
mod frame;
pub mod gate;
pub mod gc;
pub mod histogram;
mod inputs;
pub mod inspect;
mod key;
mod layout;
pub mod lists;
pub mod loaded_plan;
pub mod manifest;
mod mixture;
mod names;
pub mod observer;
mod output_directory;
pub mod overview;
mod pack;
mod parts;
mod pass;
pub mod passport;
pub mod plan;
mod plan_kind;
mod plan_places;
mod plan_text;
mod plan_words;
pub mod pool;
pub mod provenance;
mod publish;
mod reading;
mod rebalance;
pub mod receipt;
pub mod registry;
pub mod repack;
pub mod report;
pub mod run;
mod same_ids;
pub mod send;
pub mod shard;
pub mod share;
mod way;
pub mod joint;
mod store;
pub mod sign;
pub mod signature;
mod soundness;
mod summing;
mod surroundings;
mod tables;
pub mod tokenizer_mixture;
pub mod tokenizer_report;
pub mod trace;
mod train;
mod verdict_columns;
mod verdict_table;
pub mod verify;
pub mod what_if;
mod work_dir;

pub use self::shard::{ShardEntry, ShardFacts, run_shard};
pub use self::store::Store;
pub use self::work_dir::Entry;
