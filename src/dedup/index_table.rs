//! The tables of an index: what an earlier search knows of its documents.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, FixedSizeBinaryBuilder, Float32Array, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Float32Type, UInt64Type};

use crate::dedup::minhash;
use crate::dedup::partial_table::{BAND_KEYS, CONTENT_HASH, TEXT_BYTES};
use crate::dedup::table::table;
use crate::dedup::view;
use crate::error::{Error, Result};
use crate::schema::{Column, DOC_ID, FILE, OFFSET, TEXT};
use crate::stage::{Batch, column};

/// Number of the document that stands for a removed one: documents of an index are counted from 0.
pub const STANDS_FOR_IT: Column = Column {
    name: "duplicate_of",
    data_type: || DataType::UInt64,
    nullable: true,
    about: "Number of the kept document, counted from 0 over the index; null for a kept one.",
};

/// The similarity of both.
pub const SIMILARITY: Column =
    Column { name: "jaccard", data_type: || DataType::Float32, nullable: true, about: "Jaccard similarity to it; null for a kept one." };

/// The normalised text of a kept document, in an index that holds texts.
pub const KEPT_TEXT: Column = Column { nullable: true, ..TEXT };

/// The sketch of a kept document, in an index that holds sketches.
pub const SKETCH: Column = Column {
    name: "sketch",
    data_type: || DataType::FixedSizeBinary(4 * minhash::SLOTS as i32),
    nullable: true,
    about: "The 128 slots of the MinHash sketch, little-endian; null for a removed one and for a text without letters.",
};

/// What an index holds of the texts of its kept documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    /// The texts, normalised: later searches compare exactly.
    Texts,
    /// Sketches only: later searches estimate.
    Sketches,
}

/// What became of a document of an index: the number of the one that stands for it, and their similarity; `None`: it is kept.
pub type Removal = Option<(u64, f32)>;

/// A table of an index: rows of a partial table and of records, with what became of each. `texts` are the normalised ones.
///
/// # Errors
/// Internal where the tables do not belong together.
pub fn index_table(partial: &Batch, records: &Batch, removals: &[Removal], texts: &StringArray, holds: Holds) -> Result<Batch> {
    let of = |batch: &Batch, wanted: &Column| Ok::<ArrayRef, Error>(Arc::clone(column(batch, wanted)?));
    let kept = || removals.iter().zip(texts).map(|(removal, text)| text.filter(|_| removal.is_none()));
    let (held, array): (Column, ArrayRef) = match holds {
        Holds::Texts => (KEPT_TEXT, Arc::new(kept().collect::<StringArray>())),
        Holds::Sketches => {
            let mut sketches = FixedSizeBinaryBuilder::with_capacity(removals.len(), 4 * minhash::SLOTS as i32);
            let mut view = Vec::new();
            for text in kept() {
                view.clear();
                if let Some(text) = text {
                    view::fold(text, &mut view);
                }
                match minhash::sketch(&view) {
                    Some(sketch) => sketches.append_value(minhash::to_bytes(&sketch))?,
                    None => sketches.append_null(),
                }
            }
            (SKETCH, Arc::new(sketches.finish()))
        }
    };
    table([
        (&CONTENT_HASH, of(partial, &CONTENT_HASH)?),
        (&BAND_KEYS, of(partial, &BAND_KEYS)?),
        (&TEXT_BYTES, of(partial, &TEXT_BYTES)?),
        (&DOC_ID, of(records, &DOC_ID)?),
        (&FILE, of(records, &FILE)?),
        (&OFFSET, of(records, &OFFSET)?),
        (&STANDS_FOR_IT, Arc::new(removals.iter().map(|removal| removal.map(|(number, _)| number)).collect::<UInt64Array>())),
        (&SIMILARITY, Arc::new(removals.iter().map(|removal| removal.map(|(_, jaccard)| jaccard)).collect::<Float32Array>())),
        (&held, array),
    ])
}

/// What became of the documents of a table.
///
/// # Errors
/// Internal where columns have other types.
pub fn removals(batch: &Batch) -> Result<Vec<Removal>> {
    let wrong = |column: &Column| Error::internal(format!("column {} has another type", column.name));
    let numbers = column(batch, &STANDS_FOR_IT)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| wrong(&STANDS_FOR_IT))?;
    let similar = column(batch, &SIMILARITY)?.as_primitive_opt::<Float32Type>().ok_or_else(|| wrong(&SIMILARITY))?;
    Ok(numbers.iter().zip(similar).map(|(number, jaccard)| Some((number?, jaccard?))).collect())
}

/// The sketches of a table, a document each.
///
/// # Errors
/// Internal where the column has another type.
pub fn sketches(batch: &Batch) -> Result<impl Iterator<Item = Option<&[u8]>>> {
    let column = column(batch, &SKETCH)?.as_fixed_size_binary_opt();
    Ok(column.ok_or_else(|| Error::internal("column sketch has another type"))?.iter())
}
