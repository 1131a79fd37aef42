//! Tests of the room. Each file says what it needs; data stand beside the tests as tables.

mod corpus;
mod mecab;
mod stage;
mod tables;
mod toy;
mod toy_rules;
