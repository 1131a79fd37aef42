//! Which document stands for others, where that is not simply the first: all documents by their ranks, the best before the others.
//!
//! Whatever compares and decides goes by *places* in this order, as it goes by ordinals otherwise. Two cells a document lie in files
//! without a name: they are the system's to keep in memory or not.

use crate::dedup::ordinal::{ordinal, row_of, shard_of};
use crate::error::{Error, Result};
use crate::io::{Item, MappedCells, SortedRuns, Staging, put_number, take_number};

/// Ranks of the documents of a work shard, by row: the least stands for the others; of equal ranks, the earlier document.
pub type Ranks<'a> = dyn Fn(u64) -> Result<Vec<u64>> + 'a;

/// Cells that are written at once.
const CELLS: usize = 1 << 14;

/// A document, counted over all work shards, with its rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Standing {
    rank: u64,
    document: u32,
}

impl Item for Standing {
    const NONE: Self = Self { rank: 0, document: 0 };

    fn put(self, last: Self, out: &mut Vec<u8>) {
        put_number(out, self.rank - last.rank);
        put_number(out, u64::from(if self.rank == last.rank { self.document - last.document } else { self.document }));
    }

    fn take(last: Self, bytes: &mut &[u8]) -> Option<Self> {
        let rank = last.rank.checked_add(take_number(bytes)?)?;
        let document = u32::try_from(take_number(bytes)?).ok()?;
        Some(Self { rank, document: if rank == last.rank { last.document.checked_add(document)? } else { document } })
    }
}

/// All documents by their ranks.
#[derive(Debug)]
pub(crate) struct Order {
    /// Documents before each work shard.
    before: Vec<u32>,
    /// By place: the document, counted over all work shards.
    documents: MappedCells,
    /// By document: its place.
    places: MappedCells,
}

impl Order {
    /// Puts the documents of so many work shards in order, with so many bytes of memory.
    ///
    /// # Errors
    /// I/O; those of `ranks`; refused where there are 2³² documents.
    pub(crate) fn by_rank(shards: u64, ranks: &Ranks<'_>, staging: &Staging, memory: u64) -> Result<Self> {
        let (mut standings, mut before, mut count) = (SortedRuns::new(staging, memory), Vec::new(), 0_u32);
        for shard in 0..shards {
            before.push(count);
            for rank in ranks(shard)? {
                standings.push(Standing { rank, document: count });
                count = count.checked_add(1).ok_or_else(|| Error::refused("2³² documents cannot be put in order; use --keep first"))?;
            }
            standings.check()?;
        }
        let (mut documents, mut places) = (MappedCells::new(staging.dir())?, MappedCells::new(staging.dir())?);
        let mut cells = Vec::with_capacity(CELLS);
        standings.finish()?.each(&mut |standing: Standing| {
            cells.push(standing.document);
            if cells.len() == CELLS {
                documents.append(&cells)?;
                places.append(&cells)?;
                cells.clear();
            }
            Ok(())
        })?;
        for array in [&mut documents, &mut places] {
            array.append(&cells)?;
            if count > 0 {
                array.map()?;
            }
        }
        let places_of = places.as_mut();
        for (&document, place) in documents.as_ref().iter().zip(0..) {
            places_of[document as usize] = place;
        }
        Ok(Self { before, documents, places })
    }

    /// The place of a document.
    pub(crate) fn place(&self, ordinal: u64) -> u64 {
        let document = self.before[shard_of(ordinal) as usize] + row_of(ordinal);
        u64::from(self.places.as_ref()[document as usize])
    }

    /// The ordinal of the document at a place.
    pub(crate) fn ordinal(&self, place: u64) -> u64 {
        let document = self.documents.as_ref()[place as usize];
        let shard = self.before.partition_point(|before| *before <= document) - 1;
        ordinal(shard as u64, document - self.before[shard])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_has_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::new(dir.path()).unwrap();
        // Two work shards are empty, and most ranks are those of several documents.
        let rows = |shard: u64| [300_u64, 0, 1, 17_000, 0][shard as usize];
        let ranks = |shard: u64| Ok((0..rows(shard)).map(|row| (row * 7 + shard) % 50 * 1_000_000_007).collect());
        let order = Order::by_rank(5, &ranks, &staging, 0).unwrap();
        let mut expected: Vec<(u64, u64)> = Vec::new();
        for shard in 0..5 {
            let of_shard: Vec<u64> = ranks(shard).unwrap();
            expected.extend(of_shard.into_iter().zip(0..).map(|(rank, row)| (rank, ordinal(shard, row))));
        }
        expected.sort_unstable();
        for (&(_, ordinal), place) in expected.iter().zip(0..) {
            assert_eq!((order.place(ordinal), order.ordinal(place)), (place, ordinal));
        }
        assert!(Order::by_rank(0, &ranks, &staging, 0).is_ok());
        assert!(Order::by_rank(2, &|_| Ok(Vec::new()), &staging, 0).is_ok());
    }
}
