//! Objects of JSON with every pair that stands in them, in their order: a name that stands twice is seen, where a map would keep one of the two.

use std::fmt;
use std::marker::PhantomData;

use rustc_hash::FxHashSet;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

/// The pairs of an object.
#[derive(Debug)]
pub(super) struct Pairs<T>(pub(super) Vec<(String, T)>);

impl<T> Pairs<T> {
    /// A name that stands more than once.
    pub(super) fn repeated(&self) -> Option<&str> {
        let mut seen = FxHashSet::default();
        self.0.iter().map(|(name, _)| name.as_str()).find(|name| !seen.insert(*name))
    }
}

struct OfPairs<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OfPairs<T> {
    type Value = Pairs<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<T>, A::Error> {
        // Nothing is allocated from a declared size: JSON declares none.
        let mut all = Vec::new();
        while let Some(pair) = map.next_entry()? {
            all.push(pair);
        }
        Ok(Pairs(all))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OfPairs(PhantomData))
    }
}
