//! The table of work shards: one row a shard, in order.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Schema, UInt32Type, UInt64Type};

use super::compression::Entry;
use super::shard::{Position, ShardRef};
use crate::error::{Error, Result};
use crate::schema::Column;
use crate::stage::{Batch, column, strings};

const fn u64_column(name: &'static str, about: &'static str) -> Column {
    Column { name, data_type: || DataType::UInt64, nullable: false, about }
}

const INDEX: Column = u64_column("index", "Number of the shard, from 0.");
const INPUT: Column =
    Column { name: "input", data_type: || DataType::UInt32, nullable: false, about: "Index of the input in which it begins." };
const FORMAT: Column = Column {
    name: "format",
    data_type: || DataType::Utf8,
    nullable: false,
    about: "Format of that input; empty where the shard begins with the file.",
};
const OFFSET: Column = u64_column("offset", "Decoded bytes of that input before it; for tables the rows.");
const LINE: Column = u64_column("line", "Number of its first line in that input, from 1.");
const RECORD: Column = u64_column("record", "Number of its first record in that input, from 1.");
const ENTRY_FILE: Column = u64_column("entry_file", "Bytes of that input, as on disk, before the point where decoding can begin.");
const ENTRY_BITS: Column = u64_column("entry_bits", "Bits of the next byte before that point: blocks of bzip2 begin anywhere in a byte.");
const ENTRY_DECODED: Column =
    u64_column("entry_decoded", "Decoded bytes before that point. Far below `offset` where the file cannot be entered in the middle.");
const BEFORE: Column = u64_column("before", "Records of the inputs before it.");
const LAST_INPUT: Column = Column {
    name: "last_input",
    data_type: || DataType::UInt32,
    nullable: false,
    about: "Index of the last input that has records in it.",
};
const RECORDS: Column = u64_column("records", "Records in the shard.");
const BYTES: Column = u64_column("bytes", "Decoded bytes in the shard; for tables an estimate.");

/// The columns of the table.
pub const SHARD_COLUMNS: [Column; 13] =
    [INDEX, INPUT, FORMAT, OFFSET, LINE, RECORD, ENTRY_FILE, ENTRY_BITS, ENTRY_DECODED, BEFORE, LAST_INPUT, RECORDS, BYTES];

/// Shards → table.
///
/// # Errors
/// Arrow's.
pub fn shards_to_batch(shards: &[ShardRef]) -> Result<Batch> {
    let u64s = |value: fn(&ShardRef) -> u64| Arc::new(shards.iter().map(value).collect::<UInt64Array>()) as ArrayRef;
    let columns: Vec<ArrayRef> = vec![
        u64s(|shard| shard.index),
        Arc::new(shards.iter().map(|shard| shard.start.input).collect::<UInt32Array>()),
        Arc::new(StringArray::from_iter_values(shards.iter().map(|shard| shard.start.format.as_str()))),
        u64s(|shard| shard.start.offset),
        u64s(|shard| shard.start.line),
        u64s(|shard| shard.start.record),
        u64s(|shard| shard.start.entry.file),
        u64s(|shard| u64::from(shard.start.entry.bits)),
        u64s(|shard| shard.start.entry.decoded),
        u64s(|shard| shard.before),
        Arc::new(shards.iter().map(|shard| shard.last_input).collect::<UInt32Array>()),
        u64s(|shard| shard.records),
        u64s(|shard| shard.bytes),
    ];
    let schema = Schema::new(SHARD_COLUMNS.iter().map(Column::field).collect::<Vec<_>>());
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

/// Table → shards.
///
/// # Errors
/// A column is missing or of another type.
pub fn shards_from_batch(batch: &Batch) -> Result<Vec<ShardRef>> {
    let wrong = |wanted: &Column| Error::internal(format!("column {} has another type", wanted.name));
    let u64s =
        |wanted: &Column| Ok::<_, Error>(column(batch, wanted)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| wrong(wanted))?.values());
    let (index, offset, line, record) = (u64s(&INDEX)?, u64s(&OFFSET)?, u64s(&LINE)?, u64s(&RECORD)?);
    let (file, bits, decoded, before) = (u64s(&ENTRY_FILE)?, u64s(&ENTRY_BITS)?, u64s(&ENTRY_DECODED)?, u64s(&BEFORE)?);
    let (records, bytes) = (u64s(&RECORDS)?, u64s(&BYTES)?);
    let u32s =
        |wanted: &Column| Ok::<_, Error>(column(batch, wanted)?.as_primitive_opt::<UInt32Type>().ok_or_else(|| wrong(wanted))?.values());
    let (input, last_input) = (u32s(&INPUT)?, u32s(&LAST_INPUT)?);
    let format = strings(batch, &FORMAT)?;
    let shard = |row: usize| ShardRef {
        index: index[row],
        start: Position {
            input: input[row],
            format: format.value(row).to_owned(),
            offset: offset[row],
            line: line[row],
            record: record[row],
            entry: Entry { file: file[row], bits: bits[row] as u8, decoded: decoded[row] },
        },
        before: before[row],
        last_input: last_input[row],
        records: records[row],
        bytes: bytes[row],
    };
    Ok((0..batch.num_rows()).map(shard).collect())
}
