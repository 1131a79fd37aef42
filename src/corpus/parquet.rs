//! Parquet files → records, row by row.
//!
//! A footer is believed only as far as the file can bear it, and what the reader does with a hostile file is fenced in: a panic
//! there costs the file, not the run. Strings are read as views, so a dictionary page that is used a million times is held once.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};

use crate::error::Result;

/// Largest footer that is read.
const FOOTER_MAX: u64 = 64 << 20;
/// Rows of a batch, at most.
const BATCH_ROWS: usize = 1024;
/// Rows that a byte of a file can hold: beyond, the footer lies.
const ROWS_A_BYTE: u64 = 1000;
/// The columns of a record, `text` first.
const COLUMNS: [&str; 7] = ["text", "id", "source", "url", "license", "date", "meta"];

/// Damage in a table.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) reason: &'static str,
    pub(super) detail: String,
}

impl Fault {
    fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

/// A table whose footer has been read and found possible.
#[derive(Debug)]
pub(super) struct Table {
    metadata: ArrowReaderMetadata,
    /// Index of the root column for each of [`COLUMNS`].
    columns: [Option<usize>; COLUMNS.len()],
    rows: u64,
    row_bytes: u64,
}

/// The values of a row, in the order of [`COLUMNS`].
pub(super) type Row<'a> = [Option<&'a str>; COLUMNS.len()];

impl Table {
    /// Reads the footer of a file of `bytes` bytes.
    pub(super) fn open(path: &Path, bytes: u64) -> std::result::Result<Self, Fault> {
        let mut file = File::open(path).map_err(|e| Fault::new(super::inputs::io_reason(&e), e.to_string()))?;
        check_footer(&mut file, bytes)?;
        fence(|| {
            let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_page_index_policy(PageIndexPolicy::Skip);
            let metadata = ArrowReaderMetadata::load(&file, options.clone()).map_err(|e| thrift_fault(&e.to_string()))?;
            let rows = count_rows(metadata.metadata(), bytes)?;
            let columns = find_columns(metadata.schema())?;
            let schema = Arc::new(string_views(metadata.schema(), &columns));
            let row_bytes = text_bytes(metadata.metadata()) / rows.max(1);
            let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options.with_schema(schema))
                .map_err(|e| Fault::new("parquet_footer", e.to_string()))?;
            Ok(Self { metadata, columns, rows, row_bytes })
        })
        .unwrap_or_else(|message| Err(Fault::new("parquet_thrift", message)))
    }

    /// Rows that the footer tells of.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Average decoded bytes of a row, by the footer.
    pub(super) fn row_bytes(&self) -> u64 {
        self.row_bytes
    }

    /// Gives the rows `first .. first + count` to `each`, in order; a fault ends them before their end.
    ///
    /// # Errors
    /// Those of `each`.
    pub(super) fn read(&self, path: &Path, first: u64, count: u64, each: &mut dyn FnMut(&Row<'_>) -> Result<()>) -> Result<Option<Fault>> {
        let mut reader = match fence(|| self.reader(path, first, count)) {
            Ok(Ok(reader)) => reader,
            Ok(Err(fault)) => return Ok(Some(fault)),
            Err(message) => return Ok(Some(Fault::new("parquet_page", message))),
        };
        let mut read = 0;
        loop {
            let columns = match fence(|| self.next_columns(&mut reader)) {
                Ok(Ok(Some(columns))) => columns,
                Ok(Ok(None)) if read == count => return Ok(None),
                Ok(Ok(None)) => return Ok(Some(Fault::new("parquet_page", "fewer rows than the footer says"))),
                Ok(Err(fault)) => return Ok(Some(fault)),
                Err(message) => return Ok(Some(Fault::new("parquet_page", message))),
            };
            let rows = columns.iter().flatten().next().map_or(0, Array::len);
            for row in 0..rows {
                each(&columns.each_ref().map(|column| column.as_ref().filter(|c| c.is_valid(row)).map(|c| c.value(row))))?;
            }
            read += rows as u64;
        }
    }

    fn reader(&self, path: &Path, first: u64, count: u64) -> std::result::Result<ParquetRecordBatchReader, Fault> {
        let file = File::open(path).map_err(|e| Fault::new(super::inputs::io_reason(&e), e.to_string()))?;
        let (groups, skip) = self.groups(first, count);
        let roots = self.columns.iter().flatten().copied();
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), roots);
        let selection = vec![RowSelector::skip(skip as usize), RowSelector::select(count as usize)];
        let batch_rows = ((2 << 20) / self.row_bytes.max(1)).clamp(1, BATCH_ROWS as u64) as usize;
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_row_groups(groups)
            .with_projection(mask)
            .with_row_selection(RowSelection::from(selection))
            .with_batch_size(batch_rows)
            .build()
            .map_err(|e| Fault::new("parquet_page", e.to_string()))
    }

    /// The row groups that hold the rows, and the rows to skip in the first.
    fn groups(&self, first: u64, count: u64) -> (Vec<usize>, u64) {
        let (mut groups, mut skip, mut start) = (Vec::new(), 0, 0_u64);
        for (index, group) in self.metadata.metadata().row_groups().iter().enumerate() {
            let end = start + group.num_rows().unsigned_abs();
            if end > first && start < first + count {
                if groups.is_empty() {
                    skip = first - start;
                }
                groups.push(index);
            }
            start = end;
        }
        (groups, skip)
    }

    fn next_columns(
        &self,
        reader: &mut ParquetRecordBatchReader,
    ) -> std::result::Result<Option<[Option<StringViewArray>; COLUMNS.len()]>, Fault> {
        let Some(batch) = reader.next() else { return Ok(None) };
        let batch = batch.map_err(|e| Fault::new("parquet_page", e.to_string()))?;
        let mut columns = [const { None }; COLUMNS.len()];
        for (column, (name, index)) in columns.iter_mut().zip(COLUMNS.iter().zip(&self.columns)) {
            if index.is_some() {
                *column = Some(strings(&batch, name)?);
            }
        }
        Ok(Some(columns))
    }
}

fn strings(batch: &RecordBatch, name: &str) -> std::result::Result<StringViewArray, Fault> {
    let missing = || Fault::new("parquet_page", format!("column {name} is missing"));
    let array: &ArrayRef = batch.column_by_name(name).ok_or_else(missing)?;
    if let Some(strings) = array.as_string_view_opt() {
        return Ok(strings.clone());
    }
    let cast = cast(array, &DataType::Utf8).and_then(|array| cast(&array, &DataType::Utf8View));
    let cast = cast.map_err(|e| Fault::new("text_type", e.to_string()))?;
    cast.as_string_view_opt().cloned().ok_or_else(missing)
}

/// Runs the reader's code; a panic in it becomes a message.
fn fence<T>(run: impl FnOnce() -> T) -> std::result::Result<T, String> {
    // Nothing of a reader that panicked is used again.
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| "the Parquet reader failed on this file".to_owned())
}

fn thrift_fault(message: &str) -> Fault {
    Fault::new(if message.contains("ncrypt") { "parquet_encrypted" } else { "parquet_thrift" }, message)
}

/// Magic number and length at the end of the file, before anything is allocated for it.
fn check_footer(file: &mut File, bytes: u64) -> std::result::Result<(), Fault> {
    let mut end = [0; 8];
    let read = file.seek(SeekFrom::Start(bytes.saturating_sub(8))).and_then(|_| file.read_exact(&mut end));
    let [a, b, c, d, magic @ ..] = end;
    if magic == *b"PARE" {
        return Err(Fault::new("parquet_encrypted", "the footer is encrypted"));
    }
    if bytes < 12 || read.is_err() || magic != *b"PAR1" {
        return Err(Fault::new("parquet_footer", "no footer: the file is cut, or its writer did not finish"));
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    if length > bytes - 12 || length > FOOTER_MAX {
        return Err(Fault::new("parquet_footer", format!("a footer of {length} bytes in a file of {bytes}")));
    }
    Ok(())
}

fn count_rows(metadata: &ParquetMetaData, bytes: u64) -> std::result::Result<u64, Fault> {
    let rows = metadata.row_groups().iter().try_fold(0_u64, |sum, group| sum.checked_add(u64::try_from(group.num_rows()).ok()?));
    rows.filter(|rows| *rows <= bytes.saturating_mul(ROWS_A_BYTE))
        .ok_or_else(|| Fault::new("parquet_footer", "the number of rows is impossible"))
}

fn find_columns(schema: &Schema) -> std::result::Result<[Option<usize>; COLUMNS.len()], Fault> {
    let mut columns = [None; COLUMNS.len()];
    for (index, field) in schema.fields().iter().enumerate() {
        let Some(known) = COLUMNS.iter().position(|name| name == field.name()) else { continue };
        if columns[known].is_some() {
            return Err(Fault::new("duplicate_key", format!("two columns {}", field.name())));
        }
        if is_usable(known, field.data_type()) {
            columns[known] = Some(index);
        } else if known == 0 {
            return Err(Fault::new("text_type", format!("column text holds {}", field.data_type())));
        }
    }
    if columns[0].is_none() { Err(Fault::new("text_missing", "no column text")) } else { Ok(columns) }
}

/// Strings; beside the text also what has one obvious spelling.
fn is_usable(known: usize, data_type: &DataType) -> bool {
    is_string(data_type) || known != 0 && (data_type.is_integer() || matches!(data_type, DataType::Date32 | DataType::Timestamp(..)))
}

fn is_string(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Binary)
}

fn string_views(schema: &Schema, columns: &[Option<usize>]) -> Schema {
    let fields = schema.fields().iter().enumerate().map(|(index, field)| {
        let wanted = columns.contains(&Some(index)) && is_string(field.data_type());
        if wanted { Field::clone(field).with_data_type(DataType::Utf8View) } else { Field::clone(field) }
    });
    Schema::new(fields.collect::<Vec<_>>())
}

/// Uncompressed bytes of all column chunks; negative sizes count as nothing.
fn text_bytes(metadata: &ParquetMetaData) -> u64 {
    metadata.row_groups().iter().map(|group| u64::try_from(group.total_byte_size()).unwrap_or(0)).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;
    use std::io::Write;

    fn pack(columns: Vec<(&str, ArrayRef)>, group: usize) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group)).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.into_inner().unwrap()
    }

    fn numbered(rows: usize) -> ArrayRef {
        Arc::new((0..rows).map(|i| (i % 7 != 3).then(|| format!("文書{i}"))).collect::<StringArray>())
    }

    fn open(bytes: &[u8]) -> (tempfile::NamedTempFile, std::result::Result<Table, Fault>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let table = Table::open(file.path(), bytes.len() as u64);
        (file, table)
    }

    fn read(table: &Table, path: &Path, first: u64, count: u64) -> (Vec<Vec<Option<String>>>, Option<&'static str>) {
        let mut rows = Vec::new();
        let fault = table.read(path, first, count, &mut |row| {
            rows.push(row.iter().map(|value| value.map(str::to_owned)).collect());
            Ok(())
        });
        (rows, fault.unwrap().map(|fault| fault.reason))
    }

    #[test]
    fn any_range_of_rows() {
        let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
        let (file, table) = open(&pack(vec![("extra", numbered(100)), ("id", id), ("text", numbered(100))], 17));
        let table = table.unwrap();
        let (all, fault) = read(&table, file.path(), 0, 100);
        assert_eq!((table.rows(), all.len(), fault), (100, 100, None));
        for (i, row) in all.iter().enumerate() {
            assert_eq!(row[..2], [(i % 7 != 3).then(|| format!("文書{i}")), Some(i.to_string())]);
        }
        for first in 0..100 {
            for count in [1, 16, 17, 18, 40, 100 - first] {
                let count = count.min(100 - first);
                let (rows, fault) = read(&table, file.path(), first, count);
                assert_eq!((&rows[..], fault), (&all[first as usize..(first + count) as usize], None));
            }
        }
    }

    #[test]
    fn columns_that_do_not_fit() {
        let number = || Arc::new(Int64Array::from(vec![1])) as ArrayRef;
        let fault = |columns| open(&pack(columns, 10)).1.unwrap_err().reason;
        assert_eq!(fault(vec![("body", numbered(1))]), "text_missing");
        assert_eq!(fault(vec![("text", number())]), "text_type");
        let binary: ArrayRef = Arc::new(arrow::array::BinaryArray::from_vec(vec!["あ".as_bytes()]));
        let (file, table) = open(&pack(vec![("text", binary), ("meta", numbered(1))], 10));
        assert_eq!(read(&table.unwrap(), file.path(), 0, 1).0[0][0].as_deref(), Some("あ"));
    }

    #[test]
    fn every_cut_and_many_flips_are_survived() {
        let sound = pack(vec![("text", numbered(50))], 20);
        for cut in 0..sound.len() {
            assert!(open(&sound[..cut]).1.is_err(), "{cut}");
        }
        for at in 0..sound.len() {
            let mut bad = sound.clone();
            bad[at] ^= 0x55;
            if let (file, Ok(table)) = open(&bad) {
                let (rows, fault) = read(&table, file.path(), 0, table.rows());
                assert!(fault.is_some() || rows.len() as u64 == table.rows());
            }
        }
    }
}
