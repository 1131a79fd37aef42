//! Writes a part: a Parquet file whose bytes depend on its rows alone.

use arrow::array::{Array, AsArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, SchemaRef};
use parquet::file::properties::WriterProperties;

use crate::error::{Error, Result};
use crate::io::{FileEntry, Place, Staging, TableWriter};
use crate::schema::{INPUT_IDS, TEXT};
use crate::shard::layout::{GROUP_ROWS, GROUP_TEXT_BYTES, GROUP_TOKENS};
use crate::shard::limit::SizeLimit;
use crate::stage::Batch;

/// Rows that are handed to the Parquet library at once, and their weight: so few that what they are gathered in is small beside what the
/// library holds of a row group, compressed.
const CHUNK_ROWS: u64 = 256;
const CHUNK_WEIGHT: u64 = 1 << 20;

/// Writes a part. Rows are gathered into chunks before they are written, which begin and end where rows say so, and so batches do not
/// influence the bytes.
pub struct PartWriter {
    table: TableWriter,
    schema: SchemaRef,
    group: SizeLimit,
    chunk: SizeLimit,
    pending: Vec<Batch>,
}

impl PartWriter {
    /// Starts a part in the staging directory. If the schema has `input_ids` or `text`, row groups also end at 2²⁵ tokens or 128 MiB
    /// of text.
    pub fn create(staging: &Staging, name: &str, schema: SchemaRef, properties: WriterProperties) -> Result<Self> {
        let table = TableWriter::create(staging, name, schema.clone(), properties)?;
        let weight_max = if schema.index_of(INPUT_IDS.name).is_ok() { GROUP_TOKENS } else { GROUP_TEXT_BYTES };
        let group = SizeLimit::new(GROUP_ROWS as u64, weight_max);
        Ok(Self { table, schema, group, chunk: SizeLimit::new(CHUNK_ROWS, CHUNK_WEIGHT), pending: Vec::new() })
    }

    /// Appends the rows of a batch; columns that are not in the schema of the part are left out.
    pub fn write(&mut self, batch: &Batch) -> Result<()> {
        let batch = &self.project(batch)?;
        let weights = weights(batch)?;
        let mut start = 0;
        for (row, &weight) in weights.iter().enumerate() {
            let starts_group = self.group.starts_new(weight);
            if starts_group {
                self.chunk = SizeLimit::new(CHUNK_ROWS, CHUNK_WEIGHT);
            }
            if self.chunk.starts_new(weight) || starts_group {
                self.keep(batch, start, row);
                self.flush()?;
                start = row;
            }
            if starts_group {
                self.table.end_row_group()?;
            }
        }
        self.keep(batch, start, weights.len());
        Ok(())
    }

    /// Rows taken so far.
    pub fn rows(&self) -> u64 {
        self.table.rows() + self.pending.iter().map(|batch| batch.num_rows() as u64).sum::<u64>()
    }

    /// Completes the file; `path` is its path in the manifest.
    pub fn commit(mut self, target: &Place, path: String) -> Result<FileEntry> {
        self.flush()?;
        self.table.commit(target, path)
    }

    fn project(&self, batch: &Batch) -> Result<Batch> {
        let columns = self.schema.fields().iter().map(|field| {
            let column = batch.column_by_name(field.name()).cloned();
            column.ok_or_else(|| Error::internal(format!("column {} is missing", field.name())))
        });
        Ok(Batch::try_new(self.schema.clone(), columns.collect::<Result<_>>()?)?)
    }

    fn keep(&mut self, batch: &Batch, start: usize, end: usize) {
        if end > start {
            self.pending.push(batch.slice(start, end - start));
        }
    }

    fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let chunk = concat_batches(&self.schema, &self.pending)?;
        self.pending.clear();
        self.table.write(&chunk)
    }
}

/// The weight of each row: its tokens, else its bytes of text, else 0.
fn weights(batch: &Batch) -> Result<Vec<u64>> {
    let offsets = if let Some(ids) = batch.column_by_name(INPUT_IDS.name) {
        let ids = ids.as_list_opt::<i32>().ok_or_else(|| Error::internal("input_ids holds no lists"))?;
        ids.value_offsets()
    } else if let Some(texts) = batch.column_by_name(TEXT.name).filter(|array| *array.data_type() == DataType::Utf8) {
        texts.as_string::<i32>().value_offsets()
    } else {
        return Ok(vec![0; batch.num_rows()]);
    };
    Ok(offsets.windows(2).map(|pair| u64::from((pair[1] - pair[0]).unsigned_abs())).collect())
}
