//! The columns in which verdicts and families are stored, and the rows of verdicts.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float32Array, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Float32Type, Schema, UInt32Type, UInt64Type};

use crate::dedup::{Affected, Kind, Verdict};
use crate::error::{Error, Result};
use crate::schema::Column;
use crate::stage::{Batch, column, strings};

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
pub(super) const ANCHOR_ID: Column =
    Column { name: "anchor_id", data_type: || DataType::Utf8, nullable: false, about: "doc_id of that document." };
const JACCARD: Column =
    Column { name: "jaccard", data_type: || DataType::Float32, nullable: false, about: "Jaccard similarity to the anchor." };
const SIZE: Column = Column {
    name: "dup_size",
    data_type: || DataType::UInt32,
    nullable: false,
    about: "Of an anchor: 1 + the documents it stands for; else 0.",
};
pub(super) const ROWS: Column = Column {
    name: "rows",
    data_type: || DataType::UInt32,
    nullable: false,
    about: "Rows of the table beside it that are of a work shard.",
};
pub(super) const DIGEST: Column = Column {
    name: "digest",
    data_type: || DataType::Utf8,
    nullable: false,
    about: "Hash of all that these rows say; whatever is made with them has it in its name.",
};
pub(super) const MEMBER: Column = Column {
    name: "member",
    data_type: || DataType::UInt64,
    nullable: false,
    about: "Ordinal of a kept document that belongs to a family.",
};
pub(super) const FAMILY_ID: Column =
    Column { name: "family_id", data_type: || DataType::Utf8, nullable: false, about: "doc_id of the first document of the family." };

/// Columns of the table of verdicts.
pub(super) const COLUMNS: [Column; 6] = [ORDINAL, KIND, ANCHOR, ANCHOR_ID, JACCARD, SIZE];
/// Those of the table of families.
pub(super) const FAMILY_COLUMNS: [Column; 2] = [MEMBER, FAMILY_ID];
/// Those of the tables that say where each work shard begins in another.
pub(super) const BEGINS_COLUMNS: [Column; 2] = [ROWS, DIGEST];

/// What is said of documents, each with the id of the one that stands for it, as rows of the table.
pub(super) fn batch(all: &[Affected], anchor_ids: &[&str]) -> Result<Batch> {
    let columns: [(&Column, ArrayRef); 6] = [
        (&ORDINAL, Arc::new(all.iter().map(|a| Some(a.ordinal)).collect::<UInt64Array>())),
        (&KIND, Arc::new(all.iter().map(|a| Some(stored(a.verdict))).collect::<StringArray>())),
        (&ANCHOR, Arc::new(all.iter().map(|a| Some(a.anchor())).collect::<UInt64Array>())),
        (&ANCHOR_ID, Arc::new(StringArray::from_iter_values(anchor_ids))),
        (&JACCARD, Arc::new(all.iter().map(|a| Some(a.jaccard())).collect::<Float32Array>())),
        (&SIZE, Arc::new(all.iter().map(|a| Some(a.size())).collect::<UInt32Array>())),
    ];
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().map(|(column, array)| (column.field(), array)).unzip();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

/// Appends what the rows of a batch say.
pub(super) fn read(batch: &Batch, affected: &mut Vec<Affected>) -> Result<()> {
    let u64s = |wanted: &Column| column(batch, wanted)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| wrong(wanted));
    let (ordinals, anchors, kinds) = (u64s(&ORDINAL)?, u64s(&ANCHOR)?, strings(batch, &KIND)?);
    let jaccards = column(batch, &JACCARD)?.as_primitive_opt::<Float32Type>().ok_or_else(|| wrong(&JACCARD))?;
    let sizes = column(batch, &SIZE)?.as_primitive_opt::<UInt32Type>().ok_or_else(|| wrong(&SIZE))?;
    for row in 0..batch.num_rows() {
        let removed = |kind| Verdict::Removed { kind, duplicate_of: anchors.value(row), jaccard: jaccards.value(row) };
        let verdict = match kinds.value(row) {
            "anchor" => Verdict::Anchor { size: sizes.value(row) },
            "exact" => removed(Kind::Exact),
            "near" => removed(Kind::Near),
            "orthography" => removed(Kind::Orthography),
            "near-copy" => removed(Kind::NearCopy),
            other => return Err(Error::internal(format!("verdict {other:?} is unknown"))),
        };
        affected.push(Affected { ordinal: ordinals.value(row), verdict });
    }
    Ok(())
}

/// A column that is not what was written.
pub(super) fn wrong(column: &Column) -> Error {
    Error::internal(format!("column {} has another type", column.name))
}

/// The name of a verdict in the table.
fn stored(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Removed { kind: Kind::NearCopy, .. } => "near-copy",
        Verdict::Removed { kind, .. } => kind.rule(),
        Verdict::Anchor { .. } => "anchor",
    }
}
