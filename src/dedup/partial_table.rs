//! The partial table of one work shard: a content hash, band keys and a size for each document.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, FixedSizeBinaryArray, UInt32Array};
use arrow::datatypes::{DataType, UInt32Type, UInt64Type};

use crate::dedup::table::table;
use crate::error::{Error, Result};
use crate::schema::{Column, element};
use crate::stage::{Batch, ListBuilder, column, lists};

/// Partial table: the first 16 bytes of the BLAKE3 of the text.
pub const CONTENT_HASH: Column = Column {
    name: "content_hash",
    data_type: || DataType::FixedSizeBinary(16),
    nullable: false,
    about: "The first 16 bytes of the BLAKE3 of the text.",
};

/// Partial table: one key for each band; none if the view of the text is empty or near-duplicates are not searched for.
pub const BAND_KEYS: Column = Column {
    name: "band_keys",
    data_type: || DataType::List(element(DataType::UInt64)),
    nullable: false,
    about: "One key for each band of the MinHash sketch.",
};

/// Partial table: the size of the text.
pub const TEXT_BYTES: Column =
    Column { name: "text_bytes", data_type: || DataType::UInt32, nullable: false, about: "UTF-8 bytes of the text, at most 4294967295." };

/// Writes a partial table, document by document.
#[derive(Debug, Default)]
pub(crate) struct PartialBuilder {
    hashes: Vec<u8>,
    keys: ListBuilder<UInt64Type>,
    bytes: Vec<u32>,
}

impl PartialBuilder {
    /// Appends a document; `band_keys` appends its keys.
    pub(crate) fn push(&mut self, text: &str, band_keys: impl FnOnce(&mut Vec<u64>)) -> Result<()> {
        self.hashes.extend_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
        self.bytes.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        band_keys(&mut self.keys.values);
        self.keys.end_row()
    }

    /// The table.
    pub(crate) fn finish(mut self) -> Result<Batch> {
        let rows = self.bytes.len();
        let hashes = FixedSizeBinaryArray::try_new_with_len(16, self.hashes.into(), None, rows)?;
        let columns: [(&Column, ArrayRef); 3] =
            [(&CONTENT_HASH, Arc::new(hashes)), (&BAND_KEYS, self.keys.finish()?), (&TEXT_BYTES, Arc::new(UInt32Array::from(self.bytes)))];
        table(columns)
    }
}

/// Reads a partial table: its columns as slices.
#[derive(Debug)]
pub(crate) struct Partial<'a> {
    hashes: &'a FixedSizeBinaryArray,
    key_ends: &'a [i32],
    keys: &'a [u64],
    bytes: &'a [u32],
}

impl<'a> Partial<'a> {
    pub(crate) fn of(batch: &'a Batch) -> Result<Self> {
        let wrong = |column: &Column| Error::internal(format!("column {} has another type", column.name));
        let keys = lists(batch, &BAND_KEYS)?;
        Ok(Self {
            hashes: column(batch, &CONTENT_HASH)?.as_fixed_size_binary_opt().ok_or_else(|| wrong(&CONTENT_HASH))?,
            key_ends: keys.value_offsets(),
            keys: keys.values().as_primitive_opt::<UInt64Type>().ok_or_else(|| wrong(&BAND_KEYS))?.values(),
            bytes: column(batch, &TEXT_BYTES)?.as_primitive_opt::<UInt32Type>().ok_or_else(|| wrong(&TEXT_BYTES))?.values(),
        })
    }

    pub(crate) fn rows(&self) -> usize {
        self.bytes.len()
    }

    /// The hash of the text, or `None` if the text is empty.
    pub(crate) fn hash(&self, row: usize) -> Option<[u64; 2]> {
        let (halves, _) = self.hashes.value(row).as_chunks::<8>();
        match halves {
            &[high, low] if self.bytes[row] > 0 => Some([u64::from_be_bytes(high), u64::from_be_bytes(low)]),
            _ => None,
        }
    }

    pub(crate) fn keys(&self, row: usize) -> &'a [u64] {
        &self.keys[self.key_ends[row] as usize..self.key_ends[row + 1] as usize]
    }
}
