//! segment
pub mod source;
