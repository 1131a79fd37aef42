//! The engine against a naive lattice and against the program `mecab`.

mod helpers;
mod naive;
mod oracle;
mod parity;
