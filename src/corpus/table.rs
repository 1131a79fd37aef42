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

use self::values::{Column, NotUtf8, Step};
use super::fields::{self, Fields, NoParts, NoText, Value};
use super::format::Fault;
use super::io_error::io_reason;
use super::mapping::{Mapping, Target};
use crate::error::{Error, Result, is_of_the_machine};
use crate::io::{TableFile, guard, library_message};

/// Largest footer that is read.
const FOOTER_MAX: u64 = 64 << 20;
/// Rows of a batch, at most.
const BATCH_ROWS: usize = 1024;
/// Rows that a byte of a file can hold: beyond, the footer lies.
const ROWS_A_BYTE: u64 = 1000;
/// What may be damaged, inside of what may fail for other reasons.
type Sound<T> = std::result::Result<T, Fault>;

/// A table whose footer has been read and found possible.
#[derive(Debug)]
pub(super) struct Table {
    metadata: ArrowReaderMetadata,
    /// The columns that are read.
    places: Vec<Place>,
    /// Names of columns that are not.
    not_kept: Vec<String>,
    rows: u64,
    row_bytes: u64,
}

/// A column, or a part of a nested one, and what is made of it.
#[derive(Debug, Clone)]
struct Place {
    /// Its name, with those around it.
    name: String,
    /// Name of the outermost column.
    root: String,
    /// Places of structs and lists on the way.
    steps: Vec<Step>,
    /// What is made of it; nothing: it goes to `meta` under its name.
    targets: Vec<Target>,
}

/// A row: its bytes as far as they can be told, and its fields if they are text.
pub(super) struct Row<'a> {
    pub(super) bytes: u64,
    pub(super) fields: Sound<Fields<'a>>,
}

impl Table {
    /// Reads the footer of a file of `bytes` bytes.
    ///
    /// # Errors
    /// Those of the machine; damage is the inner result.
    pub(super) fn open(path: &Path, bytes: u64, mapping: &Mapping) -> Result<Sound<Self>> {
        let file = match open_file(path)? {
            Ok(file) => file,
            Err(fault) => return Ok(Err(fault)),
        };
        let opened = check_footer(&file, bytes)
            .and_then(|()| guard(|| Self::read_footer(&file, bytes, mapping)).unwrap_or_else(|| reader_failed("parquet_thrift")));
        damage_only(path, &file, opened)
    }

    fn read_footer(file: &TableFile, bytes: u64, mapping: &Mapping) -> Sound<Self> {
        let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Skip);
        let metadata = reader.parse_and_finish(file).map_err(|e| thrift_fault(&library_message(&e)))?;
        let rows = count_rows(&metadata, bytes)?;
        let row_bytes = text_bytes(&metadata) / rows.max(1);
        let impossible = |e: parquet::errors::ParquetError| Fault::new("parquet_footer", library_message(&e));
        let wanted = |name: &str| mapping.keeps_rest() || mapping.child(Mapping::ROOT, name).is_some();
        let metadata = Arc::new(bare::without_strings(metadata, &wanted).map_err(impossible)?);
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let plain = ArrowReaderMetadata::try_new(Arc::clone(&metadata), options.clone()).map_err(impossible)?;
        let (places, not_kept) = find_places(plain.schema(), mapping)?;
        let schema = Arc::new(byte_views(plain.schema(), &places));
        let metadata = ArrowReaderMetadata::try_new(metadata, options.with_schema(schema)).map_err(impossible)?;
        Ok(Self { metadata, places, not_kept, rows, row_bytes })
    }

    /// Names of columns that are not read.
    pub(super) fn not_kept(&self) -> &[String] {
        &self.not_kept
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
    pub(super) fn read(
        &self,
        path: &Path,
        mapping: &Mapping,
        (first, count): (u64, u64),
        each: &mut dyn FnMut(Row<'_>) -> Result<()>,
    ) -> Result<Option<Fault>> {
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
            let rows = columns.first().map_or(0, Column::rows);
            for row in 0..rows {
                each(self.row(&columns, row, mapping))?;
            }
            read += rows as u64;
        }
    }

    fn reader(&self, file: &TableFile, first: u64, count: u64) -> Sound<ParquetRecordBatchReader> {
        let (groups, skip) = self.groups(first, count);
        let fields = self.metadata.schema().fields().iter().enumerate();
        let roots = fields.filter(|(_, field)| self.places.iter().any(|place| place.root == *field.name())).map(|(root, _)| root);
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

    fn next_columns(&self, reader: &mut ParquetRecordBatchReader) -> Sound<Option<Vec<Column>>> {
        let Some(batch) = reader.next() else { return Ok(None) };
        let batch = batch.map_err(|e| Fault::new("parquet_page", library_message(&e)))?;
        let column = |place: &Place| {
            let array = batch.column_by_name(&place.root);
            let array = array.ok_or_else(|| Fault::new("parquet_page", format!("column {} is missing", place.root)))?;
            Column::new(array, &place.steps).map_err(|e| Fault::new("parquet_page", library_message(&e)))
        };
        self.places.iter().map(column).collect::<Sound<Vec<_>>>().map(Some)
    }

    /// The fields of a row. A value that is no UTF-8 costs it.
    fn row<'a>(&'a self, columns: &'a [Column], row: usize, mapping: &Mapping) -> Row<'a> {
        let (mut fields, mut bad, mut bytes) = (Fields::default(), None, 0);
        for (place, column) in self.places.iter().zip(columns) {
            match take_value(place, column, row, &mut fields, mapping) {
                Ok(taken) => bytes += taken,
                Err(fault) => bad = bad.or(Some(fault)),
            }
        }
        if let Some(fault) = bad {
            let bytes = columns.iter().map(|column| column.stored_bytes(row) as u64).sum();
            return Row { bytes, fields: Err(fault) };
        }
        let joined = fields.join_text(mapping.joiner());
        let is_null = |_: NoParts| Fault::new("text_type", format!("{} is null", mapping.text_names()));
        Row { bytes, fields: joined.map(|()| fields).map_err(is_null) }
    }
}

/// Puts a value where it belongs; its bytes.
fn take_value<'a>(place: &'a Place, column: &'a Column, row: usize, fields: &mut Fields<'a>, mapping: &Mapping) -> Sound<u64> {
    let not_utf8 = |e: NotUtf8| Fault::new("utf8", format!("column {}: not UTF-8 (byte {} of the value)", place.name, e.valid_up_to + 1));
    let mut bytes = 0;
    if place.targets.is_empty() {
        if let Some(json) = column.json(row, true).map_err(not_utf8)? {
            bytes += json.len() as u64;
            fields.leave(Cow::Borrowed(place.name.as_str()), json, mapping);
        }
        return Ok(bytes);
    }
    let mut is_used = false;
    let others = place.targets.iter().filter(|target| **target != Target::Meta);
    if place.targets.contains(&Target::Meta) {
        fields.meta = column.json(row, false).map_err(not_utf8)?;
        bytes += fields.meta.as_ref().map_or(0, |meta| meta.len() as u64);
        is_used = true;
    }
    if others.clone().next().is_some() {
        let value = column.value(row).map_err(not_utf8)?;
        if let Value::Text(text) | Value::Number(text) = &value {
            bytes += text.len() as u64;
        }
        for target in others {
            let taken = fields.set(*target, value.clone());
            is_used |= taken.map_err(|NoText| Fault::new("text_type", format!("column {} holds no string", place.name)))?;
        }
        is_used |= value == Value::Null;
    }
    if !is_used && let Some(json) = column.json(row, true).map_err(not_utf8)? {
        fields.leave(Cow::Borrowed(place.name.as_str()), json, mapping);
    }
    Ok(bytes)
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

/// The columns that are read, and the names of those that are not.
fn find_places(schema: &Schema, mapping: &Mapping) -> Sound<(Vec<Place>, Vec<String>)> {
    let mut found = Search { mapping, places: Vec::new(), not_kept: Vec::new(), seen: 0 };
    for field in schema.fields() {
        let place = Place { name: field.name().clone(), root: field.name().clone(), steps: Vec::new(), targets: Vec::new() };
        found.field(mapping.child(Mapping::ROOT, field.name()), field.data_type(), place)?;
    }
    if !found.places.iter().any(|place| place.targets.iter().any(|target| matches!(target, Target::Text(_)))) {
        let names = schema.fields().iter().map(|field| field.name().as_str());
        return Err(Fault::new("text_missing", fields::missing("column", mapping, names)));
    }
    Ok((found.places, found.not_kept))
}

/// The walk through the columns of a table, beside the fields of the plan.
struct Search<'a> {
    mapping: &'a Mapping,
    places: Vec<Place>,
    not_kept: Vec<String>,
    /// Places of the mapping that have been met.
    seen: u64,
}

impl Search<'_> {
    /// A column at a place of the mapping, or at none.
    fn field(&mut self, node: Option<usize>, data_type: &DataType, place: Place) -> Sound<()> {
        let Some(node) = node else {
            self.left_over(data_type, place);
            return Ok(());
        };
        if self.seen & 1 << node != 0 {
            return Err(Fault::new("duplicate_key", format!("two columns {}", place.name)));
        }
        self.seen |= 1 << node;
        let targets = self.mapping.targets(node);
        if targets.is_empty() {
            return self.inside(node, data_type, place);
        }
        let is_text = |target: &&Target| matches!(target, Target::Text(_));
        if targets.iter().any(|target| is_text(&target)) && *data_type != DataType::Binary {
            return Err(Fault::new("text_type", format!("column {} holds {data_type}", place.name)));
        }
        let usable: Vec<Target> = targets.iter().copied().filter(|target| is_usable(*target, data_type)).collect();
        if usable.is_empty() {
            self.left_over(data_type, place);
        } else {
            self.places.push(Place { targets: usable, ..place });
        }
        Ok(())
    }

    /// A struct or list on the way to fields.
    fn inside(&mut self, node: usize, data_type: &DataType, place: Place) -> Sound<()> {
        let below = |step: Step, name: String| {
            let steps = place.steps.iter().copied().chain([step]).collect();
            Place { name, root: place.root.clone(), steps, targets: Vec::new() }
        };
        match data_type {
            DataType::Struct(fields) => fields.iter().enumerate().try_for_each(|(n, field)| {
                let name = format!("{}.{}", place.name, field.name());
                self.field(self.mapping.child(node, field.name()), field.data_type(), below(Step::Child(n), name))
            }),
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                let mapping = self.mapping;
                mapping.elements(node).try_for_each(|(index, child)| {
                    let name = format!("{}[{index}]", place.name);
                    self.field(Some(child), item.data_type(), below(Step::Item(index), name))
                })
            }
            other => {
                self.left_over(other, place);
                Ok(())
            }
        }
    }

    fn left_over(&mut self, data_type: &DataType, place: Place) {
        if self.mapping.keeps_rest() && values::is_json(data_type) {
            self.places.push(place);
        } else {
            self.not_kept.push(place.name);
        }
    }
}

/// Text is strings, by any name; beside it also what has one obvious spelling; `meta` is anything. A column that is not usable is
/// left out: it never costs the text.
fn is_usable(target: Target, data_type: &DataType) -> bool {
    match target {
        _ if *data_type == DataType::Binary => true,
        Target::Text(_) => false,
        Target::Meta => values::is_json(data_type),
        Target::Id => values::is_spelled(data_type),
        _ => values::is_spelled(data_type) && !data_type.is_floating(),
    }
}

/// Outermost columns of bytes are read as views.
fn byte_views(schema: &Schema, places: &[Place]) -> Schema {
    let fields = schema.fields().iter().map(|field| {
        let wanted = places.iter().any(|place| place.root == *field.name()) && *field.data_type() == DataType::Binary;
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
        let table = Table::open(file.path(), bytes.len() as u64, &Mapping::default()).unwrap();
        (file, table)
    }

    fn read(table: &Table, path: &Path, first: u64, count: u64) -> (Vec<Vec<Option<String>>>, Option<&'static str>) {
        let mut rows = Vec::new();
        let fault = table.read(path, &Mapping::default(), (first, count), &mut |row| {
            let mut fields = Fields::default();
            match row.fields {
                Ok(found) => fields = found,
                Err(fault) => fields.text = Some(fault.reason.into()),
            }
            let values = [fields.text, fields.id, fields.source, fields.url, fields.license, fields.date, fields.meta];
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
            assert_eq!(
                row[..2],
                [Some(if i % 7 == 3 { "text_type".to_owned() } else { format!("文書{i}") }), (i % 7 != 3).then(|| i.to_string())]
            );
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
                    let at = if name == "text" { 0 } else { 3 };
                    assert!(rows.iter().enumerate().all(|(i, row)| bad.contains(&i)
                        || row[0].as_deref() == Some("text_type")
                        || row[at].as_deref() == Some("日本語の文。")));
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
        let gone = table.unwrap().read(&file.path().join("x"), &Mapping::default(), (0, 1), &mut |_| Ok(())).unwrap();
        assert_eq!(gone.map(|fault| fault.reason), Some("io_error"), "a file that is gone is lost, no more");
        // A descriptor that cannot be read from stands for a disk that cannot.
        let broken = TableFile::new(std::fs::File::options().write(true).open(file.path()).unwrap()).unwrap();
        let bytes = broken.bytes();
        let open: [&dyn Fn() -> Sound<()>; 2] =
            [&|| check_footer(&broken, bytes), &|| Table::read_footer(&broken, bytes, &Mapping::default()).map(|_| ())];
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
