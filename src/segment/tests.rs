//! The room as a whole, over a tiny dictionary and over those that are installed.

mod analysis;
mod built;
pub(crate) mod tiny;
mod user_shipped;
