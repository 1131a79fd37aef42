//! Parquet files → records, row by row.
//!
//! A footer is believed only as far as the file can bear it, and what the reader does with a hostile file is guarded: a panic
//! there costs the file, not the run. Strings are read as views of bytes, so a dictionary page that is used a million times is held
//! once, and are checked value by value, whatever the file says of them: what is no UTF-8 costs its row.

mod bare;
mod values;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

use self::values::Column;
use super::format::Fault;
use super::io_error::{io_reason, is_of_the_machine};
use super::panic_guard::guard;
use crate::error::{Error, Result};
use crate::io::{TableFile, library_message};

/// Largest footer that is read.
const FOOTER_MAX: u64 = 64 << 20;
/// Rows of a batch, at most.
const BATCH_ROWS: usize = 1024;
/// Rows that a byte of a file can hold: beyond, the footer lies.
const ROWS_A_BYTE: u64 = 1000;
/// The columns of a record, `text` first.
const COLUMNS: [&str; 7] = ["text", "id", "source", "url", "license", "date", "meta"];
/// Places in [`COLUMNS`].
const TEXT: usize = 0;
const ID: usize = 1;
const META: usize = 6;

/// What may be damaged, inside of what may fail for other reasons.
type Sound<T> = std::result::Result<T, Fault>;

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
pub(super) type Values<'a> = [Option<Cow<'a, str>>; COLUMNS.len()];

/// A row: its bytes as far as they can be told, and its values if they are text.
pub(super) struct Row<'a> {
    pub(super) bytes: u64,
    pub(super) values: Sound<Values<'a>>,
}

impl Table {
    /// Reads the footer of a file of `bytes` bytes.
    ///
    /// # Errors
    /// Those of the machine; damage is the inner result.
    pub(super) fn open(path: &Path, bytes: u64) -> Result<Sound<Self>> {
        let file = match open_file(path)? {
            Ok(file) => file,
            Err(fault) => return Ok(Err(fault)),
        };
        let opened = check_footer(&file, bytes)
            .and_then(|()| guard(|| Self::read_footer(&file, bytes)).unwrap_or_else(|| reader_failed("parquet_thrift")));
        damage_only(path, &file, opened)
    }

    fn read_footer(file: &TableFile, bytes: u64) -> Sound<Self> {
        let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Skip);
        let metadata = reader.parse_and_finish(file).map_err(|e| thrift_fault(&library_message(&e)))?;
        let rows = count_rows(&metadata, bytes)?;
        let row_bytes = text_bytes(&metadata) / rows.max(1);
        let impossible = |e: parquet::errors::ParquetError| Fault::new("parquet_footer", library_message(&e));
        let metadata = Arc::new(bare::without_strings(metadata, &COLUMNS).map_err(impossible)?);
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let plain = ArrowReaderMetadata::try_new(Arc::clone(&metadata), options.clone()).map_err(impossible)?;
        let columns = find_columns(plain.schema())?;
        let schema = Arc::new(byte_views(plain.schema(), &columns));
        let metadata = ArrowReaderMetadata::try_new(metadata, options.with_schema(schema)).map_err(impossible)?;
        Ok(Self { metadata, columns, rows, row_bytes })
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
    /// Those of `each`, and those of the machine.
    pub(super) fn read(&self, path: &Path, first: u64, count: u64, each: &mut dyn FnMut(Row<'_>) -> Result<()>) -> Result<Option<Fault>> {
        let file = match open_file(path)? {
            Ok(file) => file,
            Err(fault) => return Ok(Some(fault)),
        };
        let reader = guard(|| self.reader(&file, first, count)).unwrap_or_else(|| reader_failed("parquet_page"));
        let mut reader = match damage_only(path, &file, reader)? {
            Ok(reader) => reader,
            Err(fault) => return Ok(Some(fault)),
        };
        let mut read = 0;
        loop {
            let columns = guard(|| self.next_columns(&mut reader)).unwrap_or_else(|| reader_failed("parquet_page"));
            let columns = match damage_only(path, &file, columns)? {
                Ok(Some(columns)) => columns,
                Ok(None) if read == count => return Ok(None),
                Ok(None) => return Ok(Some(Fault::new("parquet_page", "fewer rows than the footer says"))),
                Err(fault) => return Ok(Some(fault)),
            };
            let rows = columns.iter().flatten().next().map_or(0, Column::rows);
            for row in 0..rows {
                each(row_of(&columns, row))?;
            }
            read += rows as u64;
        }
    }

    fn reader(&self, file: &TableFile, first: u64, count: u64) -> Sound<ParquetRecordBatchReader> {
        let (groups, skip) = self.groups(first, count);
        let roots = self.columns.iter().flatten().copied();
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), roots);
        let selection = vec![RowSelector::skip(skip as usize), RowSelector::select(count as usize)];
        let batch_rows = ((2 << 20) / self.row_bytes.max(1)).clamp(1, BATCH_ROWS as u64) as usize;
        ParquetRecordBatchReaderBuilder::new_with_metadata(file.clone(), self.metadata.clone())
            .with_row_groups(groups)
            .with_projection(mask)
            .with_row_selection(RowSelection::from(selection))
            .with_batch_size(batch_rows)
            .build()
            .map_err(|e| Fault::new("parquet_page", library_message(&e)))
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

    fn next_columns(&self, reader: &mut ParquetRecordBatchReader) -> Sound<Option<Columns>> {
        let Some(batch) = reader.next() else { return Ok(None) };
        let batch = batch.map_err(|e| Fault::new("parquet_page", library_message(&e)))?;
        let mut columns = [const { None }; COLUMNS.len()];
        for (known, column) in columns.iter_mut().enumerate().filter(|(known, _)| self.columns[*known].is_some()) {
            let name = COLUMNS[known];
            let array = batch.column_by_name(name).ok_or_else(|| Fault::new("parquet_page", format!("column {name} is missing")))?;
            *column = Some(Column::new(array, known == META).map_err(|e| Fault::new("parquet_page", library_message(&e)))?);
        }
        Ok(Some(columns))
    }
}

/// The columns of a batch, in the order of [`COLUMNS`].
type Columns = [Option<Column>; COLUMNS.len()];

fn row_of(columns: &Columns, row: usize) -> Row<'_> {
    let mut values = [const { None }; COLUMNS.len()];
    let mut bad = None;
    for ((value, column), name) in values.iter_mut().zip(columns).zip(COLUMNS) {
        match column.as_ref().map_or(Ok(None), |column| column.value(row)) {
            Ok(found) => *value = found,
            Err(e) => {
                let detail = format!("column {name}: not UTF-8 (byte {} of the value)", e.valid_up_to + 1);
                bad.get_or_insert(Fault::new("utf8", detail));
            }
        }
    }
    if let Some(fault) = bad {
        let bytes = columns.iter().flatten().map(|column| column.stored_bytes(row) as u64).sum();
        return Row { bytes, values: Err(fault) };
    }
    Row { bytes: values.iter().flatten().map(|value| value.len() as u64).sum(), values: Ok(values) }
}

fn open_file(path: &Path) -> Result<Sound<TableFile>> {
    match TableFile::open(path) {
        Ok(file) => Ok(Ok(file)),
        Err(e) if is_of_the_machine(&e) => Err(Error::io(path, "open", e)),
        Err(e) => Ok(Err(Fault::new(io_reason(&e), e.to_string()))),
    }
}

/// What the library calls damage is none if the system failed underneath: then it is the machine's error.
fn damage_only<T>(path: &Path, file: &TableFile, result: Sound<T>) -> Result<Sound<T>> {
    match (result, file.take_failure()) {
        (Err(_), Some(failure)) => Err(Error::io(path, "read", failure)),
        (result, _) => Ok(result),
    }
}

/// The library panicked.
fn reader_failed<T>(reason: &'static str) -> Sound<T> {
    Err(Fault::new(reason, "the Parquet reader failed on this file"))
}

fn thrift_fault(message: &str) -> Fault {
    Fault::new(if message.contains("ncrypt") { "parquet_encrypted" } else { "parquet_thrift" }, message)
}

/// Magic number and length at the end of the file, before anything is allocated for it.
fn check_footer(file: &TableFile, bytes: u64) -> Sound<()> {
    let mut end = [0; 8];
    let read = file.read_exact_at(&mut end, bytes.saturating_sub(8));
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

fn count_rows(metadata: &ParquetMetaData, bytes: u64) -> Sound<u64> {
    let rows = metadata.row_groups().iter().try_fold(0_u64, |sum, group| sum.checked_add(u64::try_from(group.num_rows()).ok()?));
    rows.filter(|rows| *rows <= bytes.saturating_mul(ROWS_A_BYTE))
        .ok_or_else(|| Fault::new("parquet_footer", "the number of rows is impossible"))
}

fn find_columns(schema: &Schema) -> Sound<[Option<usize>; COLUMNS.len()]> {
    let mut columns = [None; COLUMNS.len()];
    for (index, field) in schema.fields().iter().enumerate() {
        let Some(known) = COLUMNS.iter().position(|name| name == field.name()) else { continue };
        if columns[known].is_some() {
            return Err(Fault::new("duplicate_key", format!("two columns {}", field.name())));
        }
        if is_usable(known, field.data_type()) {
            columns[known] = Some(index);
        } else if known == TEXT {
            return Err(Fault::new("text_type", format!("column text holds {}", field.data_type())));
        }
    }
    if columns[TEXT].is_none() { Err(Fault::new("text_missing", "no column text")) } else { Ok(columns) }
}

/// Text is strings, by any name; beside it also what has one obvious spelling; `meta` is anything. A column that is not usable is
/// left out: it never costs the text.
fn is_usable(known: usize, data_type: &DataType) -> bool {
    match known {
        _ if *data_type == DataType::Binary => true,
        TEXT => false,
        META => values::is_json(data_type),
        ID => values::is_spelled(data_type),
        _ => values::is_spelled(data_type) && !data_type.is_floating(),
    }
}

fn byte_views(schema: &Schema, columns: &[Option<usize>]) -> Schema {
    let fields = schema.fields().iter().enumerate().map(|(index, field)| {
        let wanted = columns.contains(&Some(index)) && *field.data_type() == DataType::Binary;
        if wanted { Field::clone(field).with_data_type(DataType::BinaryView) } else { Field::clone(field) }
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
    use arrow::array::{
        ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, Float64Array, Int64Array, LargeBinaryArray, RecordBatch, StringArray,
        TimestampMicrosecondArray,
    };
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
        let table = Table::open(file.path(), bytes.len() as u64).unwrap();
        (file, table)
    }

    fn read(table: &Table, path: &Path, first: u64, count: u64) -> (Vec<Vec<Option<String>>>, Option<&'static str>) {
        let mut rows = Vec::new();
        let fault = table.read(path, first, count, &mut |row| {
            let values = row.values.unwrap_or_else(|fault| [Some(fault.reason.into()), None, None, None, None, None, None]);
            rows.push(values.map(|value| value.map(Cow::into_owned)).to_vec());
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
    }

    /// Rewrites the annotation of every string column in the footer: what was bytes is now called UTF-8.
    fn annotated(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
        use parquet::data_type::{ByteArray, ByteArrayType};
        use parquet::file::writer::SerializedFileWriter;
        let fields = columns.iter().map(|(name, _)| format!("optional binary {name} (STRING);")).collect::<Vec<_>>().join(" ");
        let schema = parquet::schema::parser::parse_message_type(&format!("message m {{ {fields} }}")).unwrap();
        let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        for (_, array) in columns {
            let array = arrow::compute::cast(&array, &DataType::Binary).unwrap();
            let array: &BinaryArray = arrow::array::AsArray::as_binary(&array);
            let values: Vec<ByteArray> = array.iter().flatten().map(ByteArray::from).collect();
            let levels: Vec<i16> = array.iter().map(|value| value.is_some().into()).collect();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
        writer.into_inner().unwrap()
    }

    #[test]
    fn bytes_that_are_no_text_cost_their_row_only() {
        let values = || (0..3000_usize).map(|i| if i % 1000 == 7 { &b"\x82\xa0 no UTF-8 at all"[..] } else { "日本語の文。".as_bytes() });
        let columns: [ArrayRef; 3] = [
            Arc::new(BinaryArray::from_iter_values(values())),
            Arc::new(LargeBinaryArray::from_iter_values(values())),
            Arc::new(BinaryViewArray::from_iter_values(values())),
        ];
        for column in columns {
            for name in ["text", "url"] {
                let other = if name == "text" { "url" } else { "text" };
                let dictionary =
                    arrow::compute::cast(&column, &DataType::Dictionary(Box::new(DataType::Int32), Box::new(column.data_type().clone())));
                let sources = [
                    pack(vec![(name, column.clone()), (other, numbered(3000))], 1100),
                    pack(vec![(name, dictionary.unwrap_or_else(|_| column.clone())), (other, numbered(3000))], 1100),
                    annotated(vec![(name, column.clone()), (other, numbered(3000))]),
                ];
                for bytes in sources {
                    let (file, table) = open(&bytes);
                    let (rows, fault) = read(&table.unwrap(), file.path(), 0, 3000);
                    assert_eq!((rows.len(), fault), (3000, None));
                    let bad: Vec<usize> = (0..3000).filter(|i| rows[*i][0].as_deref() == Some("utf8")).collect();
                    assert_eq!(bad, [7, 1007, 2007], "{name} {}", column.data_type());
                    let at = COLUMNS.iter().position(|column| *column == name).unwrap();
                    assert!(rows.iter().enumerate().all(|(i, row)| bad.contains(&i) || row[at].as_deref() == Some("日本語の文。")));
                }
            }
        }
    }

    #[test]
    fn columns_beside_the_text_never_cost_it() {
        let moments = |zone: &str| Arc::new(TimestampMicrosecondArray::from(vec![1_577_836_800_000_000]).with_timezone(zone)) as ArrayRef;
        for zone in ["UTC", "Asia/Tokyo", "+09:00"] {
            let (file, table) =
                open(&pack(vec![("text", numbered(1)), ("date", moments(zone)), ("id", Arc::new(Float64Array::from(vec![1.5])))], 10));
            let (rows, fault) = read(&table.unwrap(), file.path(), 0, 1);
            assert_eq!((rows[0][1].as_deref(), rows[0][5].as_deref(), fault), (Some("1.5"), Some("2020-01-01T00:00:00Z"), None));
        }
        let flags = || Arc::new(BooleanArray::from(vec![true])) as ArrayRef;
        let meta: ArrayRef = Arc::new(arrow::array::StructArray::try_from(vec![("s", numbered(1)), ("n", flags())]).unwrap());
        let (file, table) = open(&pack(vec![("text", numbered(1)), ("id", flags()), ("url", meta.clone()), ("meta", meta)], 10));
        let (rows, fault) = read(&table.unwrap(), file.path(), 0, 1);
        let row: Vec<Option<&str>> = rows[0].iter().map(Option::as_deref).collect();
        let expected = [Some("文書0"), None, None, None, None, None, Some(r#"{"s":"文書0","n":true}"#)];
        assert_eq!((row, fault), (expected.to_vec(), None));
    }

    #[test]
    fn an_error_of_the_system_is_no_damage() {
        let (file, table) = open(&pack(vec![("text", numbered(9))], 10));
        let gone = table.unwrap().read(&file.path().join("x"), 0, 1, &mut |_| Ok(())).unwrap();
        assert_eq!(gone.map(|fault| fault.reason), Some("io_error"), "a file that is gone is lost, no more");
        // A descriptor that cannot be read from stands for a disk that cannot.
        let broken = TableFile::new(std::fs::File::options().write(true).open(file.path()).unwrap()).unwrap();
        let bytes = broken.bytes();
        let open: [&dyn Fn() -> Sound<()>; 2] = [&|| check_footer(&broken, bytes), &|| Table::read_footer(&broken, bytes).map(|_| ())];
        for open in open {
            let error = damage_only(file.path(), &broken, open()).unwrap_err();
            assert_eq!(error.exit_code(), 1, "{error}");
        }
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
