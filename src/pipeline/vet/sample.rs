//! Documents drawn out of many: those with the smallest hashes of file and place. The same ones each time, whatever the order in which they come.

use std::collections::BinaryHeap;

use super::place::Place;

/// A document that was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    hash: u64,
    /// Its file, as findings call it.
    pub file: String,
    /// Where it stands there.
    pub place: Place,
    /// Its text.
    pub text: String,
}

impl Drawn {
    fn rank(&self) -> (u64, &str, Option<u64>, Option<u64>) {
        (self.hash, &self.file, self.place.row, self.place.offset)
    }
}

impl Ord for Drawn {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Drawn {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Draws so many documents of so many bytes at most.
#[derive(Debug)]
pub struct Sample {
    records: usize,
    bytes: u64,
    held: BinaryHeap<Drawn>,
    held_bytes: u64,
    /// A hash that was left out for want of room: nothing above it is taken any more, or what is drawn would depend on the order.
    ceiling: u64,
}

impl Sample {
    /// Nothing yet.
    pub fn new(records: u64, bytes: u64) -> Self {
        Self { records: usize::try_from(records).unwrap_or(usize::MAX), bytes, held: BinaryHeap::new(), held_bytes: 0, ceiling: u64::MAX }
    }

    /// Offers a document; `key` names its file wherever that lies.
    pub fn offer(&mut self, key: &str, file: &str, place: &Place, text: &str) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(key.as_bytes());
        hasher.update(&[0]);
        hasher.update(&place.row.or(place.offset).unwrap_or(0).to_le_bytes());
        let hash = hasher.finalize().as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
        if hash >= self.ceiling {
            return;
        }
        self.held_bytes += text.len() as u64;
        self.held.push(Drawn { hash, file: file.to_owned(), place: place.clone(), text: text.to_owned() });
        while self.held.len() > self.records || self.held_bytes > self.bytes {
            let Some(last) = self.held.pop() else { return };
            self.held_bytes -= last.text.len() as u64;
            self.ceiling = self.ceiling.min(last.hash);
        }
    }

    /// What was drawn, in the order of hashes.
    pub fn finish(self) -> Vec<Drawn> {
        self.held.into_sorted_vec()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_drawn_does_not_depend_on_the_order(lengths in prop::collection::vec(0_usize..50, 0..60), by in 0_usize..60, records in 0_u64..20, bytes in 1_u64..400) {
            let draw = |order: &[usize]| {
                let mut sample = Sample::new(records, bytes);
                for &at in order {
                    sample.offer("a", "a", &Place::byte(at as u64), &"x".repeat(lengths[at]));
                }
                sample.finish()
            };
            let mut order: Vec<usize> = (0..lengths.len()).collect();
            let one = draw(&order);
            order.rotate_left(by % lengths.len().max(1));
            prop_assert_eq!(&one, &draw(&order));
            order.reverse();
            prop_assert_eq!(&one, &draw(&order));
            prop_assert!(one.len() as u64 <= records && one.iter().map(|drawn| drawn.text.len() as u64).sum::<u64>() <= bytes);
        }
    }
}
