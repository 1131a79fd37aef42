//! The tables of counts: how they are written, read and added up.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, RecordBatch, UInt8Array, UInt64Array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Schema, UInt8Type, UInt64Type};

use crate::bpe::count::Counter;
use crate::error::{Error, Result};
use crate::schema::{COUNT, LEVEL, PIECE};
use crate::stage::{Batch, column};

/// Adds up partial tables; the sum is ordered by level, then falling count, then bytes.
///
/// # Errors
/// [`Error::Resources`] if the sum needs more than `memory` bytes, or its pieces more than 2 GiB.
pub fn merge_counts(partials: &mut dyn Iterator<Item = Result<Batch>>, memory: usize) -> Result<Batch> {
    let mut levels = [Counter::default(), Counter::default()];
    for partial in partials {
        for (level, piece, count) in CountRows::of(&partial?)?.iter() {
            let counter =
                levels.get_mut(usize::from(level)).ok_or_else(|| Error::refused(format!("counts of an unknown level {level}")))?;
            counter.add(piece, count);
        }
        let needed: usize = levels.iter().map(Counter::memory).sum();
        if needed > memory {
            return Err(Error::Resources(format!("the piece counts need more than {memory} bytes of memory")));
        }
    }
    table(&[(0, levels[0].by_count()), (1, levels[1].by_count())])
}

/// The columns of a table of counts.
pub(crate) struct CountRows {
    levels: UInt8Array,
    pieces: BinaryArray,
    counts: UInt64Array,
}

impl CountRows {
    pub(crate) fn of(batch: &Batch) -> Result<Self> {
        let wrong = |name: &str| Error::refused(format!("the column {name} of the counts has another type"));
        Ok(Self {
            levels: column(batch, &LEVEL)?.as_primitive_opt::<UInt8Type>().ok_or_else(|| wrong(LEVEL.name))?.clone(),
            pieces: column(batch, &PIECE)?.as_binary_opt::<i32>().ok_or_else(|| wrong(PIECE.name))?.clone(),
            counts: column(batch, &COUNT)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| wrong(COUNT.name))?.clone(),
        })
    }

    pub(crate) fn level(&self, level: u8) -> Vec<(&[u8], u64)> {
        self.iter().filter(|row| row.0 == level).map(|(_, piece, count)| (piece, count)).collect()
    }

    fn iter(&self) -> impl Iterator<Item = (u8, &[u8], u64)> {
        (0..self.levels.len()).map(|row| (self.levels.value(row), self.pieces.value(row), self.counts.value(row)))
    }
}

/// Pieces of one level with their counts.
pub(crate) type Level<'a> = (u8, Vec<(&'a [u8], u64)>);

/// A table of counts from pieces by level.
pub(crate) fn table(levels: &[Level<'_>]) -> Result<Batch> {
    let rows = || levels.iter().flat_map(|(level, pieces)| pieces.iter().map(move |&(piece, count)| (*level, piece, count)));
    if i32::try_from(rows().map(|(_, piece, _)| piece.len()).sum::<usize>()).is_err() {
        return Err(Error::Resources("the unique pieces of one table exceed 2 GiB; use smaller shards".to_owned()));
    }
    let mut bytes = Vec::new();
    rows().for_each(|(_, piece, _)| bytes.extend_from_slice(piece));
    let offsets = OffsetBuffer::from_lengths(rows().map(|(_, piece, _)| piece.len()));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows().map(|(level, ..)| level).collect::<UInt8Array>()),
        Arc::new(BinaryArray::try_new(offsets, bytes.into(), None)?),
        Arc::new(rows().map(|(.., count)| count).collect::<UInt64Array>()),
    ];
    Ok(RecordBatch::try_new(counts_schema(), columns)?)
}

/// The schema of `counts.parquet` and of the partial tables.
pub fn counts_schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![LEVEL.field(), PIECE.field(), COUNT.field()]))
}
