//! Tables of counts: written for each work shard, added up for the whole corpus, read by the training.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, RecordBatch, UInt8Array, UInt64Array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Schema, UInt8Type, UInt64Type};

use crate::bpe::count::Counter;
use crate::error::{Error, Result};
use crate::schema::{COUNT, LEVEL, PRE_TOKEN};
use crate::stage::{Batch, column};

/// Adds up partial tables; the sum is ordered by level, then falling count, then bytes.
///
/// # Errors
/// [`Error::Resources`] if the sum needs more than `memory` bytes, or its pre-tokens more than 2 GiB.
pub fn merge_counts(partials: &mut dyn Iterator<Item = Result<Batch>>, memory: usize) -> Result<Batch> {
    let mut levels = [Counter::default(), Counter::default()];
    for partial in partials {
        for (level, pre_token, count) in CountRows::of(&partial?)?.iter() {
            let counter =
                levels.get_mut(usize::from(level)).ok_or_else(|| Error::refused(format!("counts of an unknown level {level}")))?;
            counter.add(pre_token, count);
        }
        let needed: usize = levels.iter().map(Counter::memory).sum();
        if needed > memory {
            return Err(Error::Resources(format!("the counts of the pre-tokens need more than {memory} bytes of memory")));
        }
    }
    table(&[(0, levels[0].by_count()), (1, levels[1].by_count())])
}

/// The rows of a table of counts.
pub(crate) struct CountRows {
    levels: UInt8Array,
    pre_tokens: BinaryArray,
    counts: UInt64Array,
}

impl CountRows {
    /// The rows of `batch`; refuses columns of other types.
    pub(crate) fn of(batch: &Batch) -> Result<Self> {
        let wrong = |name: &str| Error::refused(format!("the column {name} of the counts has another type"));
        Ok(Self {
            levels: column(batch, &LEVEL)?.as_primitive_opt::<UInt8Type>().ok_or_else(|| wrong(LEVEL.name))?.clone(),
            pre_tokens: column(batch, &PRE_TOKEN)?.as_binary_opt::<i32>().ok_or_else(|| wrong(PRE_TOKEN.name))?.clone(),
            counts: column(batch, &COUNT)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| wrong(COUNT.name))?.clone(),
        })
    }

    /// The pre-tokens of one level with their counts.
    pub(crate) fn level(&self, level: u8) -> Vec<(&[u8], u64)> {
        self.iter().filter(|row| row.0 == level).map(|(_, pre_token, count)| (pre_token, count)).collect()
    }

    fn iter(&self) -> impl Iterator<Item = (u8, &[u8], u64)> {
        (0..self.levels.len()).map(|row| (self.levels.value(row), self.pre_tokens.value(row), self.counts.value(row)))
    }
}

/// A level, and its pre-tokens with their counts.
pub(crate) type Level<'a> = (u8, Vec<(&'a [u8], u64)>);

/// The table of these levels.
pub(crate) fn table(levels: &[Level<'_>]) -> Result<Batch> {
    let rows =
        || levels.iter().flat_map(|(level, pre_tokens)| pre_tokens.iter().map(move |&(pre_token, count)| (*level, pre_token, count)));
    if i32::try_from(rows().map(|(_, pre_token, _)| pre_token.len()).sum::<usize>()).is_err() {
        return Err(Error::Resources("the unique pre-tokens of one table exceed 2 GiB; use smaller work shards".to_owned()));
    }
    let mut bytes = Vec::new();
    rows().for_each(|(_, pre_token, _)| bytes.extend_from_slice(pre_token));
    let offsets = OffsetBuffer::from_lengths(rows().map(|(_, pre_token, _)| pre_token.len()));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows().map(|(level, ..)| level).collect::<UInt8Array>()),
        Arc::new(BinaryArray::try_new(offsets, bytes.into(), None)?),
        Arc::new(rows().map(|(.., count)| count).collect::<UInt64Array>()),
    ];
    Ok(RecordBatch::try_new(counts_schema(), columns)?)
}

/// The schema of `counts.parquet` and of the partial tables.
pub fn counts_schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![LEVEL.field(), PRE_TOKEN.field(), COUNT.field()]))
}
