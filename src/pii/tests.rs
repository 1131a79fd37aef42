//! Tests of the room: golden cases that need no Rust, faults of other programs, hostile and random texts, the stage.

mod golden;
mod properties;
mod stage;
