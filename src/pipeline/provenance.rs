//! Kept documents by licence and by residency.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::schema;
use crate::stage::{Batch, Counts, strings};

/// Licences (and countries) that a part, and a run, tells apart; the rarest go together.
const NAMES_MAX: usize = 256;
/// Documents that have none.
pub(super) const NONE: &str = "(none)";
/// Documents of all that are not told apart.
const OTHER: &str = "(other)";

/// How many kept documents have which.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// By licence.
    pub licenses: Counts,
    /// By the country in which they have to stay.
    pub residencies: Counts,
}

impl Provenance {
    /// Counts the rows of a batch for which `is_kept` holds.
    pub(super) fn count(&mut self, batch: &Batch, is_kept: &dyn Fn(usize) -> bool) -> Result<()> {
        for (counts, column) in [(&mut self.licenses, &schema::LICENSE), (&mut self.residencies, &schema::RESIDENCY)] {
            for (_, value) in strings(batch, column)?.iter().enumerate().filter(|(row, _)| is_kept(*row)) {
                add(counts, value.unwrap_or(NONE), 1);
            }
        }
        Ok(())
    }

    /// What a part says of itself.
    pub(super) fn of_part(self) -> Self {
        Self { licenses: bounded(self.licenses), residencies: bounded(self.residencies) }
    }

    /// All parts together.
    pub(super) fn sum<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        for part in parts {
            part.licenses.iter().for_each(|(name, n)| add(&mut all.licenses, name, *n));
            part.residencies.iter().for_each(|(name, n)| add(&mut all.residencies, name, *n));
        }
        all.of_part()
    }
}

pub(super) fn add(counts: &mut Counts, name: &str, n: u64) {
    match counts.get_mut(name) {
        Some(count) => *count += n,
        None => drop(counts.insert(name.to_owned(), n)),
    }
}

/// The most frequent ones; of equals, those that come first by name.
pub(super) fn bounded(counts: Counts) -> Counts {
    if counts.len() <= NAMES_MAX {
        return counts;
    }
    let mut ranked: Vec<(String, u64)> = counts.into_iter().collect();
    ranked.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
    let others = ranked.split_off(NAMES_MAX - 1);
    let mut bounded: Counts = ranked.into_iter().collect();
    add(&mut bounded, OTHER, others.iter().map(|(_, n)| n).sum());
    bounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarest_go_together() {
        let counts: Counts = (0..300).map(|n| (format!("{n:03}"), 300 - n)).collect();
        let total: u64 = counts.values().sum();
        let found = bounded(counts);
        assert_eq!((found.len(), found.values().sum::<u64>()), (NAMES_MAX, total));
        assert_eq!((found["000"], found[OTHER]), (300, (1..=45).sum()));
    }
}
