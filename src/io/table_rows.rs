//! Rows of a table by their numbers, again and again: its footer is read once, and of its pages those that hold what is asked for.

use std::ops::Range;
use std::path::{Path, PathBuf};

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::file::metadata::PageIndexPolicy;

use super::panic_guard::guard;
use super::parquet::{given_up, table_file, unreadable};
use super::place::Located;
use super::table_file::TableFile;
use crate::error::{Error, Result};
use crate::stage::Batch;

/// A table that is held open.
pub struct TableRows {
    path: PathBuf,
    file: TableFile,
    metadata: ArrowReaderMetadata,
    /// Number of the first row of each row group, and behind the last the number of rows.
    firsts: Vec<u64>,
}

impl TableRows {
    /// Reads the footer and the places of the pages.
    ///
    /// # Errors
    /// Damaged where it is no table; those of the system.
    pub fn open(at: &(impl Located + ?Sized)) -> Result<Self> {
        let (path, file) = (at.path().to_path_buf(), table_file(at)?);
        let options = ArrowReaderOptions::new().with_offset_index_policy(PageIndexPolicy::Optional);
        let metadata = guard(|| ArrowReaderMetadata::load(&file, options)).ok_or_else(|| given_up(&path))?;
        let metadata = metadata.map_err(|e| unreadable(&path, &file, &e))?;
        let mut firsts = vec![0_u64];
        for group in metadata.metadata().row_groups() {
            let rows = u64::try_from(group.num_rows()).ok().and_then(|rows| firsts.last()?.checked_add(rows));
            firsts.push(rows.ok_or_else(|| Error::damaged(&path, "a row group with an impossible number of rows"))?);
        }
        Ok(Self { path, file, metadata, firsts })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its rows.
    pub fn rows(&self) -> u64 {
        self.firsts.last().copied().unwrap_or(0)
    }

    /// Has it a column of that name?
    pub fn has(&self, column: &str) -> bool {
        self.metadata.schema().index_of(column).is_ok()
    }

    /// Some columns (top-level names, in the order of the table) of rows, which are named by their ascending numbers. The time depends on what is
    /// asked for, not on the size of the table.
    ///
    /// # Errors
    /// Damaged, also where a row is not there; those of the system.
    pub fn read(&self, columns: &[&str], rows: &[u64]) -> Result<Batch> {
        if rows.last().is_some_and(|&last| last >= self.rows()) {
            return Err(Error::damaged(&self.path, format!("{} rows, fewer than were written", self.rows())));
        }
        let mask = ProjectionMask::columns(self.metadata.parquet_schema(), columns.iter().copied());
        let mut batches = Vec::new();
        let mut schema = None;
        for of_group in rows.chunk_by(|a, b| self.group(*a) == self.group(*b)) {
            let Some(&first) = of_group.first() else { continue };
            let reader = self.reader(self.group(first), &mask, of_group)?;
            schema = Some(arrow::array::RecordBatchReader::schema(&reader));
            let mut reader = reader;
            while let Some(batch) = guard(|| reader.next()).ok_or_else(|| given_up(&self.path))? {
                batches.push(batch.map_err(|e| unreadable(&self.path, &self.file, &e))?);
            }
        }
        let batch = match (schema, batches.len()) {
            (Some(_), 1) => batches.swap_remove(0),
            (Some(schema), _) => arrow::compute::concat_batches(&schema, &batches)?,
            (None, _) => Batch::new_empty(std::sync::Arc::new(self.metadata.schema().project(&[])?)),
        };
        if batch.num_rows() == rows.len() {
            Ok(batch)
        } else {
            Err(Error::damaged(&self.path, "a page holds fewer rows than its index says"))
        }
    }

    /// The row group of a row.
    fn group(&self, row: u64) -> usize {
        self.firsts.partition_point(|&first| first <= row).saturating_sub(1)
    }

    fn reader(&self, group: usize, mask: &ProjectionMask, rows: &[u64]) -> Result<ParquetRecordBatchReader> {
        let (start, end) = (self.firsts[group], self.firsts[group + 1]);
        let within = |row: u64| usize::try_from(row - start).unwrap_or(usize::MAX);
        let runs = rows.chunk_by(|a, b| a + 1 == *b);
        let ranges = runs.filter_map(|run| Some(Range { start: within(*run.first()?), end: within(*run.last()?) + 1 }));
        let selection = RowSelection::from_consecutive_ranges(ranges, within(end));
        let begin = || {
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.clone(), self.metadata.clone())
                .with_row_groups(vec![group])
                .with_projection(mask.clone())
                .with_row_selection(selection)
                .with_batch_size(rows.len())
                .build()
        };
        guard(begin).ok_or_else(|| given_up(&self.path))?.map_err(|e| unreadable(&self.path, &self.file, &e))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, StringArray, UInt64Array};
    use arrow::datatypes::UInt64Type;

    use super::*;
    use crate::io::{Place, Staging, TableWriter, work_properties};

    #[test]
    fn rows_by_number_are_those_of_the_table() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::new(dir.path().join("tmp")).unwrap();
        let texts: StringArray = (0..5000).map(|i| Some(format!("{i} ").repeat(i % 40))).collect();
        let batch =
            Batch::try_from_iter([("number", Arc::new(UInt64Array::from_iter_values(0..5000)) as ArrayRef), ("text", Arc::new(texts))])
                .unwrap();
        let properties = work_properties().into_builder().set_data_page_size_limit(1 << 12).set_max_row_group_row_count(Some(700)).build();
        let mut table = TableWriter::create(&staging, "t", batch.schema(), properties).unwrap();
        table.write(&batch).unwrap();
        let path = dir.path().join("t");
        table.commit(&Place::named(&path).unwrap(), "t".into()).unwrap();
        let table = TableRows::open(&path).unwrap();
        assert!(table.rows() == 5000 && table.has("text") && !table.has("texts"));
        for rows in [vec![], vec![0], vec![4999], (0..5000).collect(), vec![1, 2, 3, 699, 700, 701, 1399, 1400, 4998, 4999]] {
            let read = table.read(&["number", "text"], &rows).unwrap();
            assert_eq!(read.num_rows(), rows.len());
            let numbers: Vec<u64> =
                read.columns().first().map(|numbers| numbers.as_primitive::<UInt64Type>().values().to_vec()).unwrap_or_default();
            assert_eq!(numbers, rows);
        }
        assert!(matches!(table.read(&["text"], &[5000]), Err(Error::Damaged { .. })));
    }
}
