//! Pairs that are put in order: candidates as they are, verified ones in the order in which they are decided on.

use crate::dedup::candidates::Pair;
use crate::io::{Item, put_number, take_number};

impl Item for Pair {
    const NONE: Self = Self { first: 0, second: 0 };

    fn put(self, last: Self, out: &mut Vec<u8>) {
        put_number(out, self.first - last.first);
        let base = if self.first == last.first { last.second } else { self.first };
        put_number(out, self.second - base);
    }

    fn take(last: Self, bytes: &mut &[u8]) -> Option<Self> {
        let first = last.first.checked_add(take_number(bytes)?)?;
        let base = if first == last.first { last.second } else { first };
        Some(Self { first, second: base.checked_add(take_number(bytes)?)? })
    }
}

/// A verified pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Edge {
    /// The two documents.
    pub(crate) pair: Pair,
    /// Their exact Jaccard similarity.
    pub(crate) jaccard: f64,
}

/// A verified pair, in the order in which it is decided on: by the later document, the most similar first, then by the earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ranked {
    second: u64,
    /// The complement of the similarity's bits: those of positive numbers are in their order.
    distance: u64,
    first: u64,
}

impl From<Edge> for Ranked {
    fn from(Edge { pair: Pair { first, second }, jaccard }: Edge) -> Self {
        Self { second, distance: !jaccard.to_bits(), first }
    }
}

impl Ranked {
    pub(crate) fn edge(self) -> Edge {
        Edge { pair: Pair { first: self.first, second: self.second }, jaccard: f64::from_bits(!self.distance) }
    }
}

impl Item for Ranked {
    const NONE: Self = Self { second: 0, distance: 0, first: 0 };

    fn put(self, last: Self, out: &mut Vec<u8>) {
        put_number(out, self.second - last.second);
        put_number(out, self.second - self.first);
        out.extend(self.distance.to_le_bytes());
    }

    fn take(last: Self, bytes: &mut &[u8]) -> Option<Self> {
        let second = last.second.checked_add(take_number(bytes)?)?;
        let first = second.checked_sub(take_number(bytes)?)?;
        let (distance, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(Self { second, distance: u64::from_le_bytes(*distance), first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::{SortedRuns, Staging};

    #[test]
    fn pairs_on_disk_are_in_the_order_of_decisions() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::new(dir.path()).unwrap();
        let stride = (1 << 40) + 7;
        let edge = |first: u64, second: u64| {
            let pair = Pair { first: first * stride, second: second * stride };
            Edge { pair, jaccard: 1.0 / (1.0 + (first % 7 + second % 3) as f64) }
        };
        let mut edges: Vec<Edge> = (1..90).flat_map(|second| (0..second).map(move |first| edge(first, second))).collect();
        let mut ranked = SortedRuns::new(&staging, 0);
        edges.iter().rev().chain(&edges).for_each(|&edge| ranked.push(Ranked::from(edge)));
        let mut read = Vec::new();
        ranked
            .finish()
            .unwrap()
            .each(&mut |ranked: Ranked| {
                read.push(ranked.edge());
                Ok(())
            })
            .unwrap();
        edges.sort_by(|a, b| a.pair.second.cmp(&b.pair.second).then(b.jaccard.total_cmp(&a.jaccard)).then(a.pair.first.cmp(&b.pair.first)));
        assert!(edges.len() > 3 * 1024);
        assert_eq!(read, edges);
    }
}
