//! Parquet tables through the commit protocol of [`crate::io`].

use std::path::{Path, PathBuf};

use arrow::array::RecordBatchReader;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, RowGroupMetaData};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::finished::open_file;
use super::panic_guard::guard;
use super::place::{Located, Place};
use super::table_file::{TableFile, library_message};
use super::{FileEntry, StagedFile, Staging};
use crate::error::{Error, Result};
use crate::stage::Batch;

/// A table being written.
pub struct TableWriter {
    writer: ArrowWriter<StagedFile>,
    path: PathBuf,
    rows: u64,
}

impl TableWriter {
    /// Starts a table in the staging directory.
    pub fn create(staging: &Staging, name: &str, schema: SchemaRef, properties: WriterProperties) -> Result<Self> {
        let file = staging.create(name)?;
        let path = file.path().to_path_buf();
        let writer = ArrowWriter::try_new(file, schema, Some(properties)).map_err(|e| parquet_error(&path, e))?;
        Ok(Self { writer, path, rows: 0 })
    }

    /// Appends rows.
    pub fn write(&mut self, batch: &Batch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(|e| parquet_error(&self.path, e))
    }

    /// Ends the current row group.
    pub fn end_row_group(&mut self) -> Result<()> {
        self.writer.flush().map_err(|e| parquet_error(&self.path, e))
    }

    /// Bytes the open row group holds in memory.
    pub fn buffered(&self) -> usize {
        self.writer.memory_size()
    }

    /// Rows written.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes the footer and gives the file its final name; `path` is what the manifest will say.
    pub fn commit(self, target: &Place, path: String) -> Result<FileEntry> {
        let file = self.writer.into_inner().map_err(|e| parquet_error(&self.path, e))?;
        let (bytes, blake3) = file.commit(target)?;
        Ok(FileEntry { path, rows: self.rows, bytes, blake3 })
    }
}

/// Properties for tables that live in `.work/` only: fast, no statistics.
pub fn work_properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_created_by(created_by())
        .build()
}

/// `seimai version X.Y.Z (build N)`: the shape Java readers parse.
pub(crate) fn created_by() -> String {
    format!("seimai version {} (build 0)", env!("CARGO_PKG_VERSION"))
}

/// The batches of a table of ours; an error names the file.
pub struct TableReader {
    path: PathBuf,
    file: TableFile,
    /// None once it was given up.
    reader: Option<ParquetRecordBatchReader>,
    schema: SchemaRef,
}

impl TableReader {
    /// The columns that are read.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// All batches as one; for small tables.
    pub fn concat(self) -> Result<Batch> {
        let schema = self.schema();
        let batches = self.collect::<Result<Vec<_>>>()?;
        Ok(arrow::compute::concat_batches(&schema, &batches)?)
    }
}

impl Iterator for TableReader {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.reader.as_mut()?;
        let Some(next) = guard(|| reader.next()) else {
            // What a reader that panicked would give next is nothing to rely on.
            self.reader = None;
            return Some(Err(given_up(&self.path)));
        };
        next.map(|batch| batch.map_err(|e| unreadable(&self.path, &self.file, &e)))
    }
}

/// Opens a table of ours; `columns` (top-level names) limits what is read, `batch_rows` the rows a batch.
pub fn open_table(at: &(impl Located + ?Sized), columns: Option<&[&str]>, batch_rows: usize) -> Result<TableReader> {
    open(at, columns, None, (batch_rows, u64::MAX))
}

/// The same; batches of long rows have fewer of them, so that one takes about `batch_bytes` in memory if rows are alike.
pub fn open_table_within(
    at: &(impl Located + ?Sized),
    columns: Option<&[&str]>,
    batch_rows: usize,
    batch_bytes: u64,
) -> Result<TableReader> {
    open(at, columns, None, (batch_rows, batch_bytes))
}

/// Opens some rows of a table of ours, named by their numbers, which ascend; pages without any of them are not decompressed. Batches are
/// limited as those of [`open_table_within`].
///
/// # Errors
/// As [`open_table`]; damaged, too, where a row is not there.
pub fn open_table_rows(
    at: &(impl Located + ?Sized),
    columns: &[&str],
    rows: &[usize],
    batch_rows: usize,
    batch_bytes: u64,
) -> Result<TableReader> {
    open(at, Some(columns), Some(rows), (batch_rows, batch_bytes))
}

/// `limits`: rows and bytes of a batch.
fn open(at: &(impl Located + ?Sized), columns: Option<&[&str]>, rows: Option<&[usize]>, limits: (usize, u64)) -> Result<TableReader> {
    reader(at.path(), table_file(at)?, columns, rows, limits)
}

fn reader(path: &Path, file: TableFile, columns: Option<&[&str]>, rows: Option<&[usize]>, limits: (usize, u64)) -> Result<TableReader> {
    let where_pages_are = if rows.is_some() { PageIndexPolicy::Optional } else { PageIndexPolicy::Skip };
    let options = ArrowReaderOptions::new().with_offset_index_policy(where_pages_are);
    let begin = || ParquetRecordBatchReaderBuilder::try_new_with_options(file.clone(), options);
    let builder = guard(begin).ok_or_else(|| given_up(path))?.map_err(|e| unreadable(path, &file, &e))?;
    let mask = match columns {
        None => parquet::arrow::ProjectionMask::all(),
        Some(names) => parquet::arrow::ProjectionMask::columns(builder.parquet_schema(), names.iter().copied()),
    };
    let total = usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    let batch_rows = batch_rows(builder.metadata(), &mask, limits);
    let mut builder = builder.with_batch_size(batch_rows).with_projection(mask);
    if let Some(rows) = rows {
        if rows.last().is_some_and(|&last| last >= total) {
            return Err(Error::damaged(path, format!("{total} rows, fewer than were written")));
        }
        let ranges = rows.chunk_by(|a, b| a + 1 == *b).filter_map(|run| Some(*run.first()?..run.last()? + 1));
        builder = builder.with_row_selection(RowSelection::from_consecutive_ranges(ranges, total));
    }
    let reader = guard(|| builder.build()).ok_or_else(|| given_up(path))?.map_err(|e| unreadable(path, &file, &e))?;
    let schema = RecordBatchReader::schema(&reader);
    Ok(TableReader { path: path.to_path_buf(), file, reader: Some(reader), schema })
}

pub(super) fn table_file(at: &(impl Located + ?Sized)) -> Result<TableFile> {
    TableFile::new(open_file(at)?).map_err(|e| at.failed("open", e))
}

/// Rows of a batch of some columns: no more than `rows_max`, and fewer where they are longer than `bytes` on average.
fn batch_rows(metadata: &ParquetMetaData, columns: &parquet::arrow::ProjectionMask, (rows_max, bytes): (usize, u64)) -> usize {
    let groups = metadata.row_groups().iter();
    let of_group = |group: &RowGroupMetaData| -> u64 {
        let read = group.columns().iter().enumerate().filter(|(leaf, _)| columns.leaf_included(*leaf));
        read.map(|(_, column)| u64::try_from(column.uncompressed_size()).unwrap_or(0)).sum()
    };
    let rows = u128::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
    let fit = u128::from(bytes) * rows / u128::from(groups.map(of_group).sum::<u64>().max(1));
    rows_max.min(usize::try_from(fit).unwrap_or(usize::MAX)).max(1)
}

/// All batches of a table of ours.
pub fn read_table(at: &(impl Located + ?Sized), columns: Option<&[&str]>) -> Result<Vec<Batch>> {
    open_table(at, columns, 1 << 16)?.collect()
}

/// The footer of a table.
pub fn table_metadata(at: &(impl Located + ?Sized)) -> Result<ParquetMetaData> {
    let (file, path) = (table_file(at)?, at.path());
    let begin = || parquet::file::serialized_reader::SerializedFileReader::new(file.clone());
    let reader = guard(begin).ok_or_else(|| given_up(path))?.map_err(|e| unreadable(path, &file, &e))?;
    Ok(parquet::file::reader::FileReader::metadata(&reader).clone())
}

/// The library panicked: it relied on something that the file does not keep.
pub(super) fn given_up(path: &Path) -> Error {
    Error::damaged(path, "no Parquet file that can be read: its parts contradict each other")
}

/// A table of ours is damaged if it cannot be understood, not if the system could not read it.
pub(super) fn unreadable(path: &Path, file: &TableFile, error: &dyn std::error::Error) -> Error {
    match file.take_failure() {
        Some(failure) => Error::io(path, "read", failure),
        None => Error::damaged(path, library_message(error)),
    }
}

/// Write errors carry the system's error inside; dig it out so that a full disk stays a full disk.
fn parquet_error(path: &Path, error: ParquetError) -> Error {
    if let ParquetError::External(inner) = error {
        return match inner.downcast::<std::io::Error>() {
            Ok(source) => Error::io(path, "write", *source),
            Err(other) => Error::internal(format!("{}: {other}", path.display())),
        };
    }
    Error::internal(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use arrow::array::{AsArray, Int32Array, ListArray, StringArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    #[test]
    fn some_rows_are_those_of_the_whole_table() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::new(dir.path().join("tmp")).unwrap();
        let numbers = Int32Array::from_iter_values(0..5000);
        let texts: StringArray = (0..5000).map(|i| Some(format!("{i} ").repeat(i % 40))).collect();
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>((0..5000).map(|i| Some((0..i % 30).map(Some).collect::<Vec<_>>())));
        let batch = Batch::try_from_iter([
            ("number", Arc::new(numbers) as arrow::array::ArrayRef),
            ("text", Arc::new(texts)),
            ("list", Arc::new(lists)),
        ])
        .unwrap();
        let properties = work_properties().into_builder().set_data_page_size_limit(1 << 12).set_max_row_group_row_count(Some(2000)).build();
        let mut table = TableWriter::create(&staging, "t", batch.schema(), properties).unwrap();
        table.write(&batch).unwrap();
        let path = dir.path().join("t");
        table.commit(&Place::named(&path).unwrap(), "t".into()).unwrap();
        for rows in
            [vec![], vec![0], (0..5000).collect(), vec![1, 2, 3, 700, 1999, 2000, 4998, 4999], (0..5000).filter(|i| i % 7 == 3).collect()]
        {
            let read = open_table_rows(&path, &["text", "list", "number"], &rows, 100, u64::MAX).unwrap().concat().unwrap();
            let wanted = arrow::array::UInt64Array::from_iter_values(rows.iter().map(|&row| row as u64));
            assert_eq!(read.num_rows(), rows.len());
            for name in ["number", "text", "list"] {
                let expected = arrow::compute::take(batch.column_by_name(name).unwrap(), &wanted, None).unwrap();
                assert_eq!(read.column_by_name(name).unwrap(), &expected, "{name}");
            }
            let numbers = read.column_by_name("number").unwrap().as_primitive::<Int32Type>();
            assert!(numbers.values().iter().map(|&number| number as usize).eq(rows));
        }
        let beyond = open_table_rows(&path, &["text"], &[4999, 5000], 100, u64::MAX).map(|_| ()).unwrap_err();
        assert!(matches!(beyond, Error::Damaged { .. }), "{beyond}");
    }

    #[test]
    fn batches_are_limited_by_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let texts: StringArray = (0..4000).map(|i| Some(format!("{i:01000}"))).collect();
        let numbers = Int32Array::from_iter_values(0..4000);
        let batch = Batch::try_from_iter([("text", Arc::new(texts) as arrow::array::ArrayRef), ("number", Arc::new(numbers))]).unwrap();
        let mut table =
            TableWriter::create(&Staging::new(dir.path().join("tmp")).unwrap(), "t", batch.schema(), work_properties()).unwrap();
        table.write(&batch).unwrap();
        let path = dir.path().join("t");
        table.commit(&Place::named(&path).unwrap(), "t".into()).unwrap();
        let rows =
            |columns: &[&str], bytes| open_table_within(&path, Some(columns), 2000, bytes).unwrap().next().unwrap().unwrap().num_rows();
        assert!((90..=100).contains(&rows(&["text", "number"], 100_000)));
        assert_eq!((rows(&["number"], 100_000), rows(&["text"], u64::MAX), rows(&["text"], 1)), (2000, 2000, 1));
        let read = open_table_within(&path, None, 2000, 100_000).unwrap().concat().unwrap();
        assert_eq!(read, batch);
    }

    #[test]
    fn an_error_of_the_system_is_no_damage() {
        let written = tempfile::NamedTempFile::new().unwrap();
        written.as_file().set_len(100).unwrap();
        let error = open_table(written.path(), None, 1).map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
        // A descriptor that cannot be read from stands for a disk that cannot.
        let file = TableFile::new(File::options().write(true).open(written.path()).unwrap()).unwrap();
        let failed = ParquetRecordBatchReaderBuilder::try_new(file.clone()).map(|_| ()).unwrap_err();
        let error = unreadable(written.path(), &file, &failed);
        assert!(matches!(&error, Error::Io { source, .. } if source.raw_os_error().is_some()), "{error}");
    }
}
