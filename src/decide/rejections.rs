//! The rows that are dropped and why, as a table that a pass can keep.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, StringBuilder, UInt32Array};
use arrow::datatypes::{DataType, Schema, SchemaRef, UInt32Type};

use crate::error::{Error, Result};
use crate::schema::{Column, EVIDENCE, RULE, STAGE};
use crate::stage::{numbers, strings};

/// Table of rejections: which row.
pub const ROW: Column =
    Column { name: "row", data_type: || DataType::UInt32, nullable: false, about: "Row of the rejected document, ascending." };

/// Columns of the table of rejections.
pub const COLUMNS: [Column; 4] = [ROW, STAGE, RULE, EVIDENCE];

/// Why a document is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection<'a> {
    /// The stage whose column decided.
    pub stage: &'a str,
    /// The first rule that failed, by fixed order.
    pub rule: &'a str,
    /// All rules that failed, with figures: `mean_sentence 14.2 < 20; ja_share 0.31 < 0.5`.
    pub evidence: &'a str,
}

/// Rejections of the rows of some batches, ascending by row; a row that is not here is kept.
#[derive(Debug, Clone)]
pub struct Rejections {
    rows: UInt32Array,
    stages: StringArray,
    rules: StringArray,
    evidence: StringArray,
}

impl Rejections {
    /// How many rows are dropped.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Is every row kept?
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Why a row is dropped; `None` if it is kept.
    pub fn of(&self, row: u32) -> Option<Rejection<'_>> {
        self.rows.values().binary_search(&row).ok().map(|i| self.get(i).1)
    }

    /// Dropped rows and why, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Rejection<'_>)> {
        (0..self.len()).map(|i| self.get(i))
    }

    /// These rejections and those of another judge, ascending by row. A row that both reject keeps its reason here.
    #[must_use]
    pub fn with<'a>(&'a self, others: impl Iterator<Item = (u32, Rejection<'a>)>) -> Self {
        let (mut ours, mut others) = (self.iter().peekable(), others.peekable());
        let mut merged = Builder::default();
        while let Some((row, rejection)) = match (ours.peek(), others.peek()) {
            (Some((our, _)), Some((other, _))) if other < our => others.next(),
            (Some((our, _)), Some((other, _))) if other == our => {
                others.next();
                ours.next()
            }
            (Some(_), _) => ours.next(),
            (None, _) => others.next(),
        } {
            merged.push(row, rejection);
        }
        merged.finish()
    }

    fn get(&self, i: usize) -> (u32, Rejection<'_>) {
        let rejection = Rejection { stage: self.stages.value(i), rule: self.rules.value(i), evidence: self.evidence.value(i) };
        (self.rows.value(i), rejection)
    }

    /// The table: a row for each rejection, columns [`COLUMNS`].
    pub fn to_batch(&self) -> Result<RecordBatch> {
        let columns: Vec<ArrayRef> =
            vec![Arc::new(self.rows.clone()), Arc::new(self.stages.clone()), Arc::new(self.rules.clone()), Arc::new(self.evidence.clone())];
        Ok(RecordBatch::try_new(Self::schema(), columns)?)
    }

    /// Reads a table that [`Rejections::to_batch`] made.
    ///
    /// # Errors
    /// [`Error::Refused`] if a column is missing, has another type or nulls, or if rows do not ascend.
    pub fn from_batch(batch: &RecordBatch) -> Result<Self> {
        let rejections = Self {
            rows: numbers::<UInt32Type>(batch, &ROW)?.clone(),
            stages: strings(batch, &STAGE)?.clone(),
            rules: strings(batch, &RULE)?.clone(),
            evidence: strings(batch, &EVIDENCE)?.clone(),
        };
        let nulls = batch.columns().iter().any(|column| column.null_count() > 0);
        if nulls || !rejections.rows.values().is_sorted_by(|a, b| a < b) {
            return Err(Error::refused("a table of rejections whose rows do not ascend, or with nulls"));
        }
        Ok(rejections)
    }

    /// The schema of the table.
    pub fn schema() -> SchemaRef {
        Arc::new(Schema::new(COLUMNS.iter().map(Column::field).collect::<Vec<_>>()))
    }
}

/// Rejections that grow.
#[derive(Debug, Default)]
pub(super) struct Builder {
    rows: Vec<u32>,
    stages: StringBuilder,
    rules: StringBuilder,
    evidence: StringBuilder,
}

impl Builder {
    /// Adds a row; rows ascend.
    pub(super) fn push(&mut self, row: u32, rejection: Rejection<'_>) {
        self.rows.push(row);
        self.stages.append_value(rejection.stage);
        self.rules.append_value(rejection.rule);
        self.evidence.append_value(rejection.evidence);
    }

    pub(super) fn finish(mut self) -> Rejections {
        Rejections { rows: self.rows.into(), stages: self.stages.finish(), rules: self.rules.finish(), evidence: self.evidence.finish() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejections() -> Rejections {
        let mut builder = Builder::default();
        for row in [3, 5] {
            builder.push(row, Rejection { stage: "quality", rule: "kana", evidence: "kana 0 < 0.02" });
        }
        builder.finish()
    }

    #[test]
    fn the_table_reads_back() {
        let read = Rejections::from_batch(&rejections().to_batch().unwrap()).unwrap();
        assert_eq!(read.of(5), Some(Rejection { stage: "quality", rule: "kana", evidence: "kana 0 < 0.02" }));
        assert_eq!((read.len(), read.of(4), read.iter().map(|(row, _)| row).collect::<Vec<_>>()), (2, None, vec![3, 5]));
        let none = Builder::default().finish();
        assert!(none.is_empty() && Rejections::from_batch(&none.to_batch().unwrap()).unwrap().is_empty());
    }

    #[test]
    fn another_judge_adds_rows_and_changes_none() {
        let of = |row| (row, Rejection { stage: "pii", rule: "PHONE", evidence: "PHONE 1" });
        let merged = rejections().with([of(1), of(3), of(4), of(9)].into_iter());
        let said: Vec<_> = merged.iter().map(|(row, rejection)| (row, rejection.stage)).collect();
        assert_eq!(said, [(1, "pii"), (3, "quality"), (4, "pii"), (5, "quality"), (9, "pii")]);
        assert_eq!(rejections().with(std::iter::empty()).len(), 2);
        assert_eq!(Builder::default().finish().with([of(2)].into_iter()).len(), 1);
    }

    #[test]
    fn another_table_is_refused() {
        let batch = rejections().to_batch().unwrap();
        let falling = RecordBatch::try_new(
            batch.schema(),
            [vec![Arc::new(UInt32Array::from(vec![5, 3])) as ArrayRef], batch.columns()[1..].to_vec()].concat(),
        );
        assert!(matches!(Rejections::from_batch(&falling.unwrap()), Err(Error::Refused { .. })));
        let lacking = batch.project(&[0, 1, 3]).unwrap();
        assert!(Rejections::from_batch(&lacking).unwrap_err().to_string().contains("column rule is missing"));
    }
}
