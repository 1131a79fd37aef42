//! Names of units by what they are made of: whoever depends on the same bytes, settings and versions has the same name, in this run or a
//! later one with another plan or other inputs.

use super::plan::Plan;
use super::registry::{self, Stages};
use super::work_dir::InputState;
use crate::corpus::{Forgotten, Part, Place, ShardRef};
use crate::error::{Error, Result};

/// Hex digits of a name.
const DIGITS: usize = 32;

/// A name in the making.
#[derive(Debug, Clone)]
pub(super) struct Key(blake3::Hasher);

impl Key {
    /// Begins with the pass that makes the unit, and the version of Seimai.
    pub(super) fn of(pass: &str) -> Self {
        Self(blake3::Hasher::new()).and(pass).and(env!("CARGO_PKG_VERSION"))
    }

    /// The unit depends on this, too.
    #[must_use]
    pub(super) fn and(mut self, part: impl AsRef<[u8]>) -> Self {
        self.0.update(&(part.as_ref().len() as u64).to_le_bytes());
        self.0.update(part.as_ref());
        self
    }

    /// On a number.
    #[must_use]
    pub(super) fn and_number(self, number: u64) -> Self {
        self.and(number.to_le_bytes())
    }

    /// On settings.
    pub(super) fn and_settings(self, settings: &impl serde::Serialize) -> Result<Self> {
        let settings = serde_json::to_value(settings).map_err(|e| Error::internal(format!("settings: {e}")))?;
        Ok(self.and(settings.to_string()))
    }

    /// On steps of the registry.
    #[must_use]
    pub(super) fn and_steps(self, plan: &Plan, steps: &[&str]) -> Self {
        let versions = registry::versions(plan).into_iter().filter(|(name, _)| steps.contains(name));
        versions.fold(self, |key, (name, version)| key.and(name).and_number(u64::from(version)))
    }

    /// The name.
    pub(super) fn name(&self) -> String {
        self.0.finalize().to_hex().chars().take(DIGITS).collect()
    }
}

/// The names of the units that a work shard becomes in the first pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShardKeys {
    /// Its documents.
    pub(super) documents: String,
    /// Their sketches.
    pub(super) sketches: String,
}

/// What all work shards of a plan have in common.
#[derive(Debug)]
pub(super) struct Annotation {
    documents: Key,
    sketches: Key,
}

impl Annotation {
    pub(super) fn new(stages: &Stages) -> Result<Self> {
        let plan = &stages.plan;
        let documents =
            Key::of("annotate").and_settings(&plan.of_annotation())?.and(stages.dictionary.fingerprint()).and(stages.lists.words_name());
        let documents = documents.and_steps(plan, &registry::steps_of_annotation());
        let sketches =
            Key::of("sketch").and_settings(&(plan.dedup.of_sketches(), plan.keigo.protect.formulae))?.and_steps(plan, &["dedup"]);
        Ok(Self { documents, sketches })
    }

    /// The names of a shard: its inputs by name (which documents without an id are called by) and content, where in them it is, and which of its
    /// records are forgotten.
    pub(super) fn keys(&self, shard: &ShardRef, inputs: &[InputState], forgotten: &[Forgotten]) -> Result<ShardKeys> {
        let (first, last) = (shard.start.input as usize, shard.last_input as usize);
        let of_it = inputs.get(first..=last).ok_or_else(|| Error::internal("a shard of inputs that are not there"))?;
        let start = &shard.start;
        let mut key = self.documents.clone().and(&start.format);
        for number in [start.offset, start.line, start.record, shard.records, shard.bytes] {
            key = key.and_number(number);
        }
        for input in of_it {
            key = key.and(&input.path).and(&input.blake3);
            if matches!(input.part, Some(Part { place: Place::Revision { .. }, .. })) {
                key = key.and("another revision is read");
            }
            if input.blake3.is_empty() {
                // Out of reach: what can be told of it is all that is known.
                key = key.and_number(input.bytes).and(&input.mtime);
            }
        }
        if !forgotten.is_empty() {
            key = key.and("forgets").and_settings(&forgotten)?;
        }
        let documents = key.name();
        let sketches = self.sketches.clone().and(&documents).name();
        Ok(ShardKeys { documents, sketches })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Position;

    fn input(path: &str, blake3: &str) -> InputState {
        InputState { path: path.into(), file: "/x".into(), bytes: 1, mtime: "2".into(), blake3: blake3.into(), part: None }
    }

    fn shard(input: u32, last_input: u32, offset: u64) -> ShardRef {
        let start = Position { input, offset, ..Position::default() };
        ShardRef { index: 7, start, before: 4, last_input, records: 3, bytes: 9 }
    }

    #[test]
    fn a_name_follows_the_content_and_not_the_place() {
        let annotation = Annotation { documents: Key::of("a"), sketches: Key::of("b") };
        let of = |shard: &ShardRef, inputs: &[InputState]| annotation.keys(shard, inputs, &[]).unwrap();
        let one = of(&shard(1, 2, 5), &[input("x", "1"), input("y", "2"), input("z", "3")]);
        assert_eq!(one, of(&shard(0, 1, 5), &[input("y", "2"), input("z", "3")]), "an input before it does not count");
        let moved = InputState { file: "/elsewhere".into(), mtime: "3".into(), ..input("y", "2") };
        assert_eq!(one, of(&shard(0, 1, 5), &[moved, input("z", "3")]), "nor where it lies");
        for (shard, inputs) in [
            (shard(0, 1, 6), [input("y", "2"), input("z", "3")]),
            (shard(0, 0, 5), [input("y", "2"), input("z", "3")]),
            (shard(0, 1, 5), [input("y", "2"), input("z", "4")]),
            (shard(0, 1, 5), [input("yy", "2"), input("z", "3")]),
        ] {
            let other = of(&shard, &inputs);
            assert!(other.documents != one.documents && other.sketches != one.sketches, "{shard:?}");
        }
        assert!(annotation.keys(&shard(1, 2, 0), &[input("x", "1")], &[]).is_err());
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(Key::of("p").and("ab").and("c").name(), Key::of("p").and("a").and("bc").name());
        assert_eq!(Key::of("p").name().len(), DIGITS);
    }
}
