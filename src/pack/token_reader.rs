//! Reads the columns of a token shard that packing needs.

use std::path::Path;

use arrow::array::{Array, AsArray, ListArray};
use arrow::datatypes::Int32Type;

use crate::error::{Error, Result};
use crate::io;
use crate::pack::plan::TokenPart;
use crate::schema::{INPUT_IDS, N_TOKENS};
use crate::stage::Batch;

/// Tokens of a batch that a thread reads from a token shard (more only if one document has more).
pub(crate) const BATCH_TOKENS: u32 = 1 << 21;

/// `n_tokens` of each row.
pub(crate) fn read_lengths(part: &TokenPart) -> Result<Vec<u32>> {
    let mut lengths = Vec::new();
    for batch in io::open_table(&part.place, Some(&[N_TOKENS.name]), 1 << 16)? {
        let batch = batch.map_err(|e| Error::damaged(&part.place, e.to_string()))?;
        let column = batch.column_by_name(N_TOKENS.name).and_then(|array| array.as_primitive_opt::<Int32Type>());
        let column = column.filter(|array| array.null_count() == 0);
        let column = column.ok_or_else(|| Error::damaged(&part.place, "n_tokens is not a column of int32 without nulls"))?;
        for &n_tokens in column.values() {
            lengths.push(u32::try_from(n_tokens).map_err(|_| Error::damaged(&part.place, "n_tokens is negative"))?);
        }
    }
    if lengths.len() as u64 != part.rows {
        return Err(Error::damaged(&part.place, format!("has {} rows, not {}", lengths.len(), part.rows)));
    }
    Ok(lengths)
}

/// Rows of a batch, for documents of these lengths.
pub(crate) fn batch_rows(lengths: &[u32]) -> usize {
    let longest = lengths.iter().copied().max().unwrap_or(0).max(1);
    (BATCH_TOKENS / longest).clamp(1, 2_048) as usize
}

/// `input_ids` of a batch, checked to have the right type and no nulls.
pub(crate) fn token_lists<'b>(path: &Path, batch: &'b Batch) -> Result<&'b ListArray> {
    let lists = batch.column_by_name(INPUT_IDS.name).and_then(|array| array.as_list_opt::<i32>());
    let sound = |lists: &&ListArray| {
        lists.null_count() == 0 && lists.values().null_count() == 0 && lists.values().as_primitive_opt::<Int32Type>().is_some()
    };
    lists.filter(sound).ok_or_else(|| Error::damaged(path, "input_ids is not a column of list<int32> without nulls"))
}
