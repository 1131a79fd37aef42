//! Deduplication: which documents say what an earlier one has said.
//!
//! [`Sketcher`] is the fold: it reads texts and leaves one small row a document (content hash and band keys). [`resolve`]
//! reads those rows of all shards and, for candidates only, the texts again, and gives [`Verdicts`]: every removed document
//! names a kept one with the same text (`exact`) or with an exact Jaccard similarity of at least `near`. Nothing is dropped
//! here; `decide` does that.
//!
//! Order is the order of ordinals, shard by shard and row by row, never that of arrival; the first document stays.

pub mod anchor;
pub mod bands;
pub mod candidates;
pub mod minhash;
mod resolve;
pub mod shingle;
pub mod verify;
pub mod view;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, FixedSizeBinaryArray, Float32Array, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Float32Type, Schema, UInt32Type, UInt64Type};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::schema::{Column, TEXT, element};
use crate::stage::{Absorber, Batch, Contract, Counts, Fold, ListBuilder, column, lists, strings};

pub use self::anchor::{Affected, Kind, Verdict};
pub use self::bands::Bands;
pub use self::resolve::{Corpus, Texts, resolve};

/// The section `[dedup]` of a plan.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Remove documents whose normalised text is that of an earlier document.
    pub exact: bool,
    /// Remove documents whose Jaccard similarity to an earlier kept document is at least this (0.8: some 2 % of scattered
    /// edits); the sets compared are the character 5-grams of the text without width, case and punctuation. `false`: off.
    pub near: Near,
    /// Cut lines that many documents share.
    pub lines: bool,
    /// Cut repeated spans of at least this many characters.
    pub substring: Option<u32>,
    /// Files of evaluation items to keep out of the training data.
    pub decontaminate: Vec<String>,
    /// How sketches are cut into bands (bands x slots) to find candidates: `25x5`, or `20x6` for a billion documents.
    pub bands: Bands,
}

impl Default for Options {
    fn default() -> Self {
        Self { exact: true, near: Near::Threshold(0.8), lines: false, substring: None, decontaminate: Vec::new(), bands: Bands::B25x5 }
    }
}

/// A threshold of similarity, or `false`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Near {
    /// `false` switches the search for near-duplicates off.
    Switch(bool),
    /// The least Jaccard similarity of a near-duplicate, above 0 and at most 1.
    Threshold(f64),
}

impl Options {
    /// One sentence for the first value that cannot be followed.
    pub fn check(&self) -> std::result::Result<(), String> {
        match self.near {
            Near::Switch(true) => return Err("dedup.near is a similarity such as 0.8, or false".into()),
            Near::Threshold(t) if !(t > 0.0 && t <= 1.0) => {
                return Err(format!("dedup.near is {t}; it must be above 0 and at most 1, or false"));
            }
            _ => {}
        }
        if self.lines {
            return Err("dedup.lines is not built yet; set it to false".into());
        }
        if self.substring.is_some() {
            return Err("dedup.substring is not built yet; remove it".into());
        }
        if !self.decontaminate.is_empty() {
            return Err("dedup.decontaminate is not built yet; set it to []".into());
        }
        Ok(())
    }

    /// The least similarity of near-duplicates, if they are looked for.
    pub fn threshold(&self) -> Option<f64> {
        match self.near {
            Near::Threshold(threshold) => Some(threshold),
            Near::Switch(_) => None,
        }
    }
}

/// Enters fingerprints: raise it when the same sketches and texts give other verdicts.
pub const VERSION: u32 = 1;

/// Bits of an ordinal that hold the row; the 24 above them hold the shard.
const ROW_BITS: u32 = 40;

/// The place of a document in the order of the corpus.
pub const fn ordinal(shard: u64, row: u32) -> u64 {
    shard << ROW_BITS | row as u64
}

/// The shard of an ordinal.
pub const fn shard_of(ordinal: u64) -> u64 {
    ordinal >> ROW_BITS
}

/// The row of an ordinal in its shard.
pub const fn row_of(ordinal: u64) -> u32 {
    (ordinal & ((1 << ROW_BITS) - 1)) as u32
}

/// Partial table: the first 16 bytes of the text's BLAKE3.
pub const CONTENT_HASH: Column = Column {
    name: "content_hash",
    data_type: || DataType::FixedSizeBinary(16),
    nullable: false,
    about: "The first 16 bytes of the BLAKE3 of the text.",
};

/// Partial table: one key a band; empty where the view of the text is empty or near-duplicates are not looked for.
pub const BAND_KEYS: Column = Column {
    name: "band_keys",
    data_type: || DataType::List(element(DataType::UInt64)),
    nullable: false,
    about: "One key for each band of the MinHash sketch.",
};

/// Partial table: the size of the text.
pub const TEXT_BYTES: Column =
    Column { name: "text_bytes", data_type: || DataType::UInt32, nullable: false, about: "UTF-8 bytes of the text, at most 4294967295." };

/// The fold: texts in; hashes and band keys out.
#[derive(Debug, Clone)]
pub struct Sketcher {
    bands: Option<Bands>,
}

impl Sketcher {
    /// A sketcher for these options (only `near` on or off, and `bands`, matter).
    pub fn new(options: &Options) -> Self {
        Self { bands: options.threshold().map(|_| options.bands) }
    }
}

impl Fold for Sketcher {
    fn name(&self) -> &'static str {
        "dedup"
    }

    fn version(&self) -> u32 {
        view::VERSION
    }

    fn contract(&self) -> Contract {
        Contract { reads: vec![TEXT], adds: vec![CONTENT_HASH, BAND_KEYS, TEXT_BYTES] }
    }

    fn absorber(&self) -> Box<dyn Absorber + '_> {
        Box::new(Sketches { bands: self.bands, ..Sketches::default() })
    }
}

/// Code points for which the view keeps its memory: a huge text must not hold on to four bytes a character.
const VIEW_KEPT: usize = 1 << 20;

/// Sketches of one shard, growing.
#[derive(Debug, Default)]
struct Sketches {
    bands: Option<Bands>,
    view: Vec<u32>,
    hashes: Vec<u8>,
    keys: ListBuilder<UInt64Type>,
    bytes: Vec<u32>,
}

impl Sketches {
    fn add(&mut self, text: &str) -> Result<()> {
        self.hashes.extend_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
        self.bytes.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        if let Some(bands) = self.bands {
            view::fold(text, &mut self.view);
            if let Some(sketch) = minhash::sketch(&self.view) {
                bands.keys(&sketch, &mut self.keys.values);
            }
            if self.view.capacity() > VIEW_KEPT {
                self.view = Vec::new();
            }
        }
        self.keys.end_row()
    }
}

impl Absorber for Sketches {
    fn push(&mut self, batch: &Batch) -> Result<()> {
        strings(batch, &TEXT)?.iter().try_for_each(|text| self.add(text.unwrap_or_default()))
    }

    fn finish(mut self: Box<Self>) -> Result<Batch> {
        let rows = self.bytes.len();
        let hashes = FixedSizeBinaryArray::try_new_with_len(16, self.hashes.into(), None, rows)?;
        let columns: [(&Column, ArrayRef); 3] =
            [(&CONTENT_HASH, Arc::new(hashes)), (&BAND_KEYS, self.keys.finish()?), (&TEXT_BYTES, Arc::new(UInt32Array::from(self.bytes)))];
        table(columns)
    }
}

fn table<const N: usize>(columns: [(&Column, ArrayRef); N]) -> Result<Batch> {
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().map(|(column, array)| (column.field(), array)).unzip();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

/// The columns of a partial table as slices.
#[derive(Debug)]
struct Partial<'a> {
    hashes: &'a FixedSizeBinaryArray,
    key_ends: &'a [i32],
    keys: &'a [u64],
    bytes: &'a [u32],
}

impl<'a> Partial<'a> {
    fn of(batch: &'a Batch) -> Result<Self> {
        let wrong = |column: &Column| Error::internal(format!("column {} has another type", column.name));
        let keys = lists(batch, &BAND_KEYS)?;
        Ok(Self {
            hashes: column(batch, &CONTENT_HASH)?.as_fixed_size_binary_opt().ok_or_else(|| wrong(&CONTENT_HASH))?,
            key_ends: keys.value_offsets(),
            keys: keys.values().as_primitive_opt::<UInt64Type>().ok_or_else(|| wrong(&BAND_KEYS))?.values(),
            bytes: column(batch, &TEXT_BYTES)?.as_primitive_opt::<UInt32Type>().ok_or_else(|| wrong(&TEXT_BYTES))?.values(),
        })
    }

    fn rows(&self) -> usize {
        self.bytes.len()
    }

    /// The hash of the text, or `None` if the text is empty.
    fn hash(&self, row: usize) -> Option<[u64; 2]> {
        let (halves, _) = self.hashes.value(row).as_chunks::<8>();
        match halves {
            &[high, low] if self.bytes[row] > 0 => Some([u64::from_be_bytes(high), u64::from_be_bytes(low)]),
            _ => None,
        }
    }

    fn keys(&self, row: usize) -> &'a [u64] {
        &self.keys[self.key_ends[row] as usize..self.key_ends[row + 1] as usize]
    }
}

/// Verdicts about all affected documents, by ordinal; documents without a verdict are kept and stand for themselves.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdicts {
    affected: Vec<Affected>,
}

const ORDINAL: Column =
    Column { name: "ordinal", data_type: || DataType::UInt64, nullable: false, about: "Shard in the upper 24 bits, row in the lower 40." };
const KIND: Column = Column { name: "kind", data_type: || DataType::Utf8, nullable: false, about: "exact, near, or anchor." };
const ANCHOR: Column = Column {
    name: "anchor",
    data_type: || DataType::UInt64,
    nullable: false,
    about: "Ordinal of the kept document (of an anchor: its own).",
};
const JACCARD: Column =
    Column { name: "jaccard", data_type: || DataType::Float32, nullable: false, about: "Jaccard similarity to the anchor." };
const SIZE: Column = Column {
    name: "dup_size",
    data_type: || DataType::UInt32,
    nullable: false,
    about: "Of an anchor: 1 + the documents it stands for; else 0.",
};

/// Every column of this room's tables.
pub const COLUMNS: &[Column] = &[CONTENT_HASH, BAND_KEYS, TEXT_BYTES, ORDINAL, KIND, ANCHOR, JACCARD, SIZE];

impl Verdicts {
    /// All affected documents, by ordinal.
    pub fn affected(&self) -> &[Affected] {
        &self.affected
    }

    /// Those of one shard, by row.
    pub fn of_shard(&self, shard: u64) -> &[Affected] {
        let start = self.affected.partition_point(|affected| shard_of(affected.ordinal) < shard);
        let rest = &self.affected[start..];
        &rest[..rest.partition_point(|affected| shard_of(affected.ordinal) == shard)]
    }

    /// The verdict about one document.
    pub fn get(&self, ordinal: u64) -> Option<Verdict> {
        self.affected.binary_search_by_key(&ordinal, |affected| affected.ordinal).ok().map(|at| self.affected[at].verdict)
    }

    /// Totals: `exact`, `near` (removed) and `anchor` (kept, standing for others).
    pub fn counts(&self) -> Counts {
        let mut counts: Counts = ["exact", "near", "anchor"].map(|name| (name.to_owned(), 0)).into();
        for affected in &self.affected {
            *counts.entry(word(affected.verdict).to_owned()).or_default() += 1;
        }
        counts
    }

    /// The verdicts as a table, to be stored.
    pub fn to_batch(&self) -> Result<Batch> {
        let all = &self.affected;
        let columns: [(&Column, ArrayRef); 5] = [
            (&ORDINAL, Arc::new(all.iter().map(|a| Some(a.ordinal)).collect::<UInt64Array>())),
            (&KIND, Arc::new(all.iter().map(|a| Some(word(a.verdict))).collect::<StringArray>())),
            (&ANCHOR, Arc::new(all.iter().map(|a| Some(a.anchor())).collect::<UInt64Array>())),
            (&JACCARD, Arc::new(all.iter().map(|a| Some(a.jaccard())).collect::<Float32Array>())),
            (&SIZE, Arc::new(all.iter().map(|a| Some(a.size())).collect::<UInt32Array>())),
        ];
        table(columns)
    }

    /// Reads a table of verdicts back; tables of several parts may be appended to one another in order.
    pub fn from_batch(batch: &Batch) -> Result<Self> {
        let wrong = |column: &Column| Error::internal(format!("column {} has another type", column.name));
        let u64s = |wanted: &Column| column(batch, wanted)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| wrong(wanted));
        let (ordinals, anchors, kinds) = (u64s(&ORDINAL)?, u64s(&ANCHOR)?, strings(batch, &KIND)?);
        let jaccards = column(batch, &JACCARD)?.as_primitive_opt::<Float32Type>().ok_or_else(|| wrong(&JACCARD))?;
        let sizes = column(batch, &SIZE)?.as_primitive_opt::<UInt32Type>().ok_or_else(|| wrong(&SIZE))?;
        let verdict = |row: usize| match kinds.value(row) {
            "anchor" => Ok(Verdict::Anchor { size: sizes.value(row) }),
            "exact" => Ok(removed(Kind::Exact, anchors.value(row), jaccards.value(row))),
            "near" => Ok(removed(Kind::Near, anchors.value(row), jaccards.value(row))),
            other => Err(Error::internal(format!("verdict {other:?} is unknown"))),
        };
        let affected = (0..batch.num_rows()).map(|row| Ok(Affected { ordinal: ordinals.value(row), verdict: verdict(row)? }));
        let affected = affected.collect::<Result<Vec<_>>>()?;
        if affected.is_sorted_by(|a, b| a.ordinal < b.ordinal) {
            Ok(Self { affected })
        } else {
            Err(Error::internal("verdicts are not in order"))
        }
    }
}

fn removed(kind: Kind, duplicate_of: u64, jaccard: f32) -> Verdict {
    Verdict::Removed { kind, duplicate_of, jaccard }
}

/// The kind of a verdict as it is stored and counted.
fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Removed { kind, .. } => kind.rule(),
        Verdict::Anchor { .. } => "anchor",
    }
}

#[cfg(test)]
mod tests;
