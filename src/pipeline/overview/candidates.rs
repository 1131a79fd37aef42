//! Which documents are shown: the few that are first by some order, whatever the order in which they come.

use std::collections::BTreeMap;

/// Documents with one key, where others are wanted too.
const ALIKE: usize = 2;

/// Where a document stands: the table, by its place among those that are read, and the row.
pub(super) type Row = (usize, usize);

/// The first few of many by a key, and by their place among equals.
pub(super) struct First<T> {
    most: usize,
    held: BTreeMap<(u64, Row), T>,
}

impl<T> First<T> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, held: BTreeMap::new() }
    }

    /// Takes what is among the first so far.
    pub(super) fn offer(&mut self, key: u64, place: Row, make: impl FnOnce() -> T) {
        let full = self.held.len() >= self.most;
        if full && self.held.last_key_value().is_none_or(|(last, _)| *last <= (key, place)) {
            return;
        }
        self.held.insert((key, place), make());
        if full {
            self.held.pop_last();
        }
    }

    /// The same for what comes in the order of places: of those with one key only a few, so that they tell more.
    pub(super) fn offer_some(&mut self, key: u64, place: Row, make: impl FnOnce() -> T) {
        let same = (key, (0, 0))..=(key, (usize::MAX, usize::MAX));
        if self.held.range(same).count() < ALIKE {
            self.offer(key, place, make);
        }
    }

    /// In order.
    pub(super) fn finish(self) -> impl Iterator<Item = (Row, T)> {
        self.held.into_iter().map(|((_, place), value)| (place, value))
    }
}

/// A distance as a key: the order of numbers that are not negative.
pub(super) fn distance(from: f64, to: f64) -> u64 {
    (from - to).abs().to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_stay_whatever_the_order() {
        let offers = [(3, 'c'), (1, 'a'), (9, 'x'), (1, 'b'), (2, 'd')];
        let held = |order: &[usize]| {
            let mut first = First::new(3);
            for &n in order {
                let key = distance(f64::from(offers[n].0), 0.0);
                first.offer(key, (0, n), || offers[n].1);
            }
            first.finish().map(|(_, value)| value).collect::<String>()
        };
        assert_eq!((held(&[0, 1, 2, 3, 4]), held(&[4, 3, 2, 1, 0])), ("abd".to_owned(), "abd".to_owned()));
        let mut first = First::new(4);
        (0..9).for_each(|n| first.offer_some(u64::from(n > 4), (0, n), || n));
        assert_eq!(first.finish().map(|(_, value)| value).collect::<Vec<_>>(), [0, 1, 5, 6], "few of a kind");
        assert!(First::<()>::new(0).finish().next().is_none());
    }
}
