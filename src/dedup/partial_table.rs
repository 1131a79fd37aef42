//! The partial table of one work shard: a content hash, band keys and a size for each document.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, FixedSizeBinaryArray, UInt32Array};
use arrow::datatypes::{DataType, UInt32Type, UInt64Type};

use crate::dedup::table::table;
use crate::error::{Error, Result};
use crate::schema::{Column, element};
use crate::stage::{Batch, ListBuilder, column, lists, with_column};

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

/// Partial table, only where other orthographies are searched for: one key for each band of the kanji; none where they are too few.
pub const ORTHOGRAPHY_KEYS: Column = Column {
    name: "orthography_keys",
    data_type: || DataType::List(element(DataType::UInt64)),
    nullable: false,
    about: "One key for each band of the MinHash sketch of the kanji.",
};

/// Partial table: the size of the text.
pub const TEXT_BYTES: Column =
    Column { name: "text_bytes", data_type: || DataType::UInt32, nullable: false, about: "UTF-8 bytes of the text, at most 4294967295." };

/// Writes a partial table, document by document.
#[derive(Debug, Default)]
pub(crate) struct PartialBuilder {
    hashes: Vec<u8>,
    keys: ListBuilder<UInt64Type>,
    orthography_keys: Option<ListBuilder<UInt64Type>>,
    bytes: Vec<u32>,
}

impl PartialBuilder {
    /// A table with keys of kanji, or without.
    pub(crate) fn new(orthography: bool) -> Self {
        Self { orthography_keys: orthography.then(ListBuilder::default), ..Self::default() }
    }

    /// Appends a document; `band_keys` appends its keys, and those of its kanji to the second list, if they are asked for.
    pub(crate) fn push(&mut self, text: &str, band_keys: impl FnOnce(&mut Vec<u64>, Option<&mut Vec<u64>>)) -> Result<()> {
        self.hashes.extend_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
        self.bytes.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        band_keys(&mut self.keys.values, self.orthography_keys.as_mut().map(|keys| &mut keys.values));
        self.orthography_keys.as_mut().map_or(Ok(()), ListBuilder::end_row)?;
        self.keys.end_row()
    }

    /// The table.
    pub(crate) fn finish(mut self) -> Result<Batch> {
        let rows = self.bytes.len();
        let hashes = FixedSizeBinaryArray::try_new_with_len(16, self.hashes.into(), None, rows)?;
        let columns: [(&Column, ArrayRef); 3] =
            [(&CONTENT_HASH, Arc::new(hashes)), (&BAND_KEYS, self.keys.finish()?), (&TEXT_BYTES, Arc::new(UInt32Array::from(self.bytes)))];
        let table = table(columns)?;
        match self.orthography_keys {
            Some(mut keys) => with_column(&table, &ORTHOGRAPHY_KEYS, keys.finish()?),
            None => Ok(table),
        }
    }
}

/// Reads a partial table: its columns as slices.
#[derive(Debug)]
pub(crate) struct Partial<'a> {
    hashes: &'a FixedSizeBinaryArray,
    keys: Keys<'a>,
    orthography_keys: Option<Keys<'a>>,
    bytes: &'a [u32],
}

/// Lists of keys.
#[derive(Debug, Clone, Copy)]
struct Keys<'a> {
    ends: &'a [i32],
    values: &'a [u64],
}

impl<'a> Keys<'a> {
    fn of(batch: &'a Batch, wanted: &Column) -> Result<Self> {
        let keys = lists(batch, wanted)?;
        let values = keys.values().as_primitive_opt::<UInt64Type>();
        let values = values.ok_or_else(|| Error::internal(format!("column {} has another type", wanted.name)))?.values();
        Ok(Self { ends: keys.value_offsets(), values })
    }

    fn row(self, row: usize) -> &'a [u64] {
        &self.values[self.ends[row] as usize..self.ends[row + 1] as usize]
    }
}

impl<'a> Partial<'a> {
    pub(crate) fn of(batch: &'a Batch) -> Result<Self> {
        let wrong = |column: &Column| Error::internal(format!("column {} has another type", column.name));
        Ok(Self {
            hashes: column(batch, &CONTENT_HASH)?.as_fixed_size_binary_opt().ok_or_else(|| wrong(&CONTENT_HASH))?,
            keys: Keys::of(batch, &BAND_KEYS)?,
            orthography_keys: batch.column_by_name(ORTHOGRAPHY_KEYS.name).map(|_| Keys::of(batch, &ORTHOGRAPHY_KEYS)).transpose()?,
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
        self.keys.row(row)
    }

    /// Those of the kanji; none where the table has none.
    pub(crate) fn orthography_keys(&self, row: usize) -> &'a [u64] {
        self.orthography_keys.map_or(&[], |keys| keys.row(row))
    }
}
