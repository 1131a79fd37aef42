//! Where, in a table of the whole corpus, the rows of each work shard begin, with a hash of what they say: whoever works on one reads these alone.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray, UInt32Array};
use arrow::datatypes::{Schema, UInt32Type};

use super::context::Context;
use super::key::Key;
use super::tables::write_table;
use super::verdict_columns::{BEGINS_COLUMNS, DIGEST, ROWS};
use crate::error::{Error, Result};
use crate::io::FileEntry;
use crate::schema::Column;
use crate::stage::{column, strings};

/// Where each work shard begins.
#[derive(Debug, Default)]
pub(super) struct Begins {
    shards: Vec<Where>,
}

#[derive(Debug)]
struct Where {
    first: usize,
    rows: usize,
    digest: String,
}

impl Begins {
    /// Writes how many rows each work shard has, and a hash of each.
    pub(super) fn write(context: &Context<'_>, path: &str, rows: Vec<u32>, digests: Vec<String>) -> Result<FileEntry> {
        let schema = Arc::new(Schema::new(BEGINS_COLUMNS.iter().map(Column::field).collect::<Vec<_>>()));
        let batch = RecordBatch::try_new(schema, vec![Arc::new(UInt32Array::from(rows)), Arc::new(StringArray::from(digests))])?;
        write_table(&context.store.work, path, &batch)
    }

    /// What was written under this name.
    pub(super) fn open(context: &Context<'_>, path: &str) -> Result<Self> {
        let (mut shards, mut first) = (Vec::new(), 0);
        for batch in context.store.table(path)? {
            let batch = batch?;
            let rows = column(&batch, &ROWS)?.as_primitive_opt::<UInt32Type>();
            let rows = rows.ok_or_else(|| Error::internal("column rows has another type"))?;
            for (&rows, digest) in rows.values().iter().zip(strings(&batch, &DIGEST)?.iter().flatten()) {
                shards.push(Where { first, rows: rows as usize, digest: digest.to_owned() });
                first += rows as usize;
            }
        }
        Ok(Self { shards })
    }

    fn of(&self, shard: u64) -> Option<&Where> {
        self.shards.get(shard as usize).filter(|of_it| of_it.rows > 0)
    }

    /// The rows of a work shard; none where it has none.
    pub(super) fn rows(&self, shard: u64) -> Range<usize> {
        self.of(shard).map_or(0..0, |of_it| of_it.first..of_it.first + of_it.rows)
    }

    /// Everything that they say, as part of a name.
    pub(super) fn name_into(&self, key: Key, shard: u64) -> Key {
        self.of(shard).map_or(key.clone(), |of_it| key.and(&of_it.digest))
    }
}
