//! The corridor: knows every room, no room knows it.
//!
//! ```text
//! annotate ─▣ duplicates ─ select ─▣ vocabulary ─ tokens ─▣ packing ─ finish
//! ```
//! Each pass is a file here; between them stand the three folds (▣), where the whole corpus has to be seen.

mod annotate;
mod claim;
mod duplicates;
mod fingerprint;
mod finish;
pub mod inspect;
pub mod manifest;
pub mod observer;
mod packing;
pub mod pass;
pub mod plan;
pub mod registry;
pub mod run;
mod select;
mod tokens;
pub mod verify;
mod vocabulary;
mod work;
