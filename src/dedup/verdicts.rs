//! All verdicts of a corpus, and the table in which they are stored.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float32Array, StringArray, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Float32Type, UInt32Type, UInt64Type};

use crate::dedup::anchor::{Affected, Decided, Kind, Verdict};
use crate::dedup::ordinal::shard_of;
use crate::dedup::table::table;
use crate::error::{Error, Result};
use crate::schema::Column;
use crate::stage::{Batch, Counts, column, strings};

/// The verdicts on all affected documents, by ordinal. A document without a verdict is kept and has no duplicates.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdicts {
    affected: Vec<Affected>,
    families: Vec<(u64, u64)>,
}

const ORDINAL: Column =
    Column { name: "ordinal", data_type: || DataType::UInt64, nullable: false, about: "Shard in the upper 24 bits, row in the lower 40." };
const KIND: Column =
    Column { name: "kind", data_type: || DataType::Utf8, nullable: false, about: "exact, near, near-copy, orthography, or anchor." };
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

/// Rows of the batches that verdicts are stored in.
const BATCH_ROWS: usize = 1 << 16;

/// Columns of the table of verdicts.
pub(super) const COLUMNS: [Column; 5] = [ORDINAL, KIND, ANCHOR, JACCARD, SIZE];

impl Verdicts {
    /// What was decided.
    pub(crate) fn new(decided: Decided) -> Self {
        Self { affected: decided.affected, families: decided.families }
    }

    /// Kept documents that verified pairs join with an earlier kept one, each with the first of its family ([`Decided::families`]). They
    /// are no part of the table of verdicts.
    pub fn families(&self) -> &[(u64, u64)] {
        &self.families
    }

    /// All affected documents, by ordinal.
    pub fn affected(&self) -> &[Affected] {
        &self.affected
    }

    /// Those of one work shard, by row.
    pub fn of_shard(&self, shard: u64) -> &[Affected] {
        let start = self.affected.partition_point(|affected| shard_of(affected.ordinal) < shard);
        let rest = &self.affected[start..];
        &rest[..rest.partition_point(|affected| shard_of(affected.ordinal) == shard)]
    }

    /// The verdict on one document.
    pub fn get(&self, ordinal: u64) -> Option<Verdict> {
        self.affected.binary_search_by_key(&ordinal, |affected| affected.ordinal).ok().map(|index| self.affected[index].verdict)
    }

    /// Totals: `exact`, `near` and `orthography` (removed), and `anchor` (kept, with duplicates).
    pub fn counts(&self) -> Counts {
        let mut counts: Counts = ["exact", "near", "orthography", "anchor"].map(|name| (name.to_owned(), 0)).into();
        for affected in &self.affected {
            *counts.entry(name(affected.verdict).to_owned()).or_default() += 1;
        }
        counts
    }

    /// The verdicts as a table that can be stored, in batches; one at least.
    pub fn to_batches(&self) -> impl Iterator<Item = Result<Batch>> {
        let chunks = self.affected.chunks(BATCH_ROWS);
        let none: &[Affected] = &[];
        chunks.chain(self.affected.is_empty().then_some(none)).map(Self::batch)
    }

    fn batch(all: &[Affected]) -> Result<Batch> {
        let columns: [(&Column, ArrayRef); 5] = [
            (&ORDINAL, Arc::new(all.iter().map(|a| Some(a.ordinal)).collect::<UInt64Array>())),
            (&KIND, Arc::new(all.iter().map(|a| Some(stored(a.verdict))).collect::<StringArray>())),
            (&ANCHOR, Arc::new(all.iter().map(|a| Some(a.anchor())).collect::<UInt64Array>())),
            (&JACCARD, Arc::new(all.iter().map(|a| Some(a.jaccard())).collect::<Float32Array>())),
            (&SIZE, Arc::new(all.iter().map(|a| Some(a.size())).collect::<UInt32Array>())),
        ];
        table(columns)
    }

    /// Reads a table of verdicts, of so many rows, batch by batch.
    pub fn from_batches(rows: usize, batches: impl Iterator<Item = Result<Batch>>) -> Result<Self> {
        let mut affected = Vec::with_capacity(rows);
        batches.into_iter().try_for_each(|batch| Self::read(&batch?, &mut affected))?;
        if affected.is_sorted_by(|a, b| a.ordinal < b.ordinal) {
            Ok(Self { affected, families: Vec::new() })
        } else {
            Err(Error::internal("verdicts are not in order"))
        }
    }

    fn read(batch: &Batch, affected: &mut Vec<Affected>) -> Result<()> {
        let wrong = |column: &Column| Error::internal(format!("column {} has another type", column.name));
        let u64s = |wanted: &Column| column(batch, wanted)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| wrong(wanted));
        let (ordinals, anchors, kinds) = (u64s(&ORDINAL)?, u64s(&ANCHOR)?, strings(batch, &KIND)?);
        let jaccards = column(batch, &JACCARD)?.as_primitive_opt::<Float32Type>().ok_or_else(|| wrong(&JACCARD))?;
        let sizes = column(batch, &SIZE)?.as_primitive_opt::<UInt32Type>().ok_or_else(|| wrong(&SIZE))?;
        let verdict = |row: usize| match kinds.value(row) {
            "anchor" => Ok(Verdict::Anchor { size: sizes.value(row) }),
            "exact" => Ok(removed(Kind::Exact, anchors.value(row), jaccards.value(row))),
            "near" => Ok(removed(Kind::Near, anchors.value(row), jaccards.value(row))),
            "orthography" => Ok(removed(Kind::Orthography, anchors.value(row), jaccards.value(row))),
            "near-copy" => Ok(removed(Kind::NearCopy, anchors.value(row), jaccards.value(row))),
            other => Err(Error::internal(format!("verdict {other:?} is unknown"))),
        };
        for row in 0..batch.num_rows() {
            affected.push(Affected { ordinal: ordinals.value(row), verdict: verdict(row)? });
        }
        Ok(())
    }
}

fn removed(kind: Kind, duplicate_of: u64, jaccard: f32) -> Verdict {
    Verdict::Removed { kind, duplicate_of, jaccard }
}

/// The name of a verdict in the table.
fn stored(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Removed { kind: Kind::NearCopy, .. } => "near-copy",
        _ => name(verdict),
    }
}

/// The name of a verdict in counts.
fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Removed { kind, .. } => kind.rule(),
        Verdict::Anchor { .. } => "anchor",
    }
}
