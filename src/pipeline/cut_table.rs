//! What the fold `cut` found, as a table for each work shard, and how those who read documents apply it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, UInt32Type, UInt64Type};

use super::bits::Bits;
use super::context::Context;
use super::cuts::{self, Cutting};
use super::key::Key;
use crate::dedup::without::without;
use crate::dedup::{Cut, PieceKind, ordinal, row_of};
use crate::error::{Error, Result};
use crate::io::FileEntry;
use crate::stage::Batch;

/// The table of a work shard: a row a cut, in order; `evidence` says on the first row of a document why it goes, if it does.
pub(super) fn to_batch(cuts: &[Cut], evidence: Vec<Option<String>>) -> Result<Batch> {
    let field = |name: &str, data_type: DataType| Field::new(name, data_type, name == "evidence");
    let fields = vec![
        field("row", DataType::UInt32),
        field("start", DataType::UInt32),
        field("end", DataType::UInt32),
        field("kind", DataType::Utf8),
        field("of", DataType::UInt64),
        field("evidence", DataType::Utf8),
    ];
    let number = |value: fn(&Cut) -> u32| -> ArrayRef { Arc::new(cuts.iter().map(|cut| Some(value(cut))).collect::<UInt32Array>()) };
    let columns: Vec<ArrayRef> = vec![
        number(|cut| row_of(cut.ordinal)),
        number(|cut| cut.start),
        number(|cut| cut.end),
        Arc::new(cuts.iter().map(|cut| Some(cut.kind.rule())).collect::<StringArray>()),
        Arc::new(cuts.iter().map(|cut| Some(cut.of)).collect::<UInt64Array>()),
        Arc::new(evidence.into_iter().collect::<StringArray>()),
    ];
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// What is cut, a table for each work shard that has something.
#[derive(Debug)]
pub(super) struct Cuts {
    tables: BTreeMap<u64, FileEntry>,
}

impl Cuts {
    /// The tables of these work shards.
    pub(super) fn new(tables: BTreeMap<u64, FileEntry>) -> Self {
        Self { tables }
    }

    /// What is said of a work shard, as part of a name.
    pub(super) fn name_into(&self, key: Key, shard: u64) -> Key {
        match self.tables.get(&shard) {
            Some(table) => key.and("cuts").and(&table.blake3),
            None => key,
        }
    }

    /// What is cut out of the documents of a work shard.
    pub(super) fn of(&self, context: &Context<'_>, shard: u64) -> Result<OfShard> {
        let Some(table) = self.tables.get(&shard) else { return Ok(OfShard::default()) };
        let mut rows = BTreeMap::<u32, OfDocument>::new();
        for batch in context.store.table(&table.path)? {
            let batch = batch?;
            let numbers = |i: usize| batch.column(i).as_primitive::<UInt32Type>().values();
            let (row, start, end, of) = (numbers(0), numbers(1), numbers(2), batch.column(4).as_primitive::<UInt64Type>().values());
            let (kinds, evidence) = (batch.column(3).as_string::<i32>(), batch.column(5).as_string::<i32>());
            for i in 0..batch.num_rows() {
                let kind = PieceKind::of_rule(kinds.value(i)).ok_or_else(|| Error::internal("a piece of an unknown kind"))?;
                let of_document = rows.entry(row[i]).or_default();
                of_document.cuts.push(Cut { ordinal: ordinal(shard, row[i]), start: start[i], end: end[i], kind, of: of[i] });
                if evidence.is_valid(i) {
                    of_document.evidence = Some(evidence.value(i).to_owned());
                }
            }
        }
        Ok(OfShard { rows })
    }
}

/// What is cut out of the documents of a work shard, by row.
#[derive(Debug, Default)]
pub(super) struct OfShard {
    rows: BTreeMap<u32, OfDocument>,
}

#[derive(Debug, Default)]
struct OfDocument {
    cuts: Vec<Cut>,
    /// Why it goes, if it does.
    evidence: Option<String>,
}

impl OfShard {
    /// Rule and evidence of a document of which too little is left.
    pub(super) fn rejects(&self, row: u32) -> Option<(&'static str, &str)> {
        let OfDocument { cuts, evidence } = self.rows.get(&row)?;
        let bytes = |kind: PieceKind| cuts.iter().filter(|cut| cut.kind == kind).map(|cut| cut.end - cut.start).sum::<u32>();
        // Of kinds of which as much was cut, the first.
        let kind = PieceKind::ALL.into_iter().rev().max_by_key(|kind| bytes(*kind))?;
        Some((kind.rule(), evidence.as_deref()?))
    }

    /// Takes those of which too little is left out of a set of rows.
    pub(super) fn clear_rejected(&self, kept: &mut Bits) {
        self.rows.iter().filter(|(_, of)| of.evidence.is_some()).for_each(|(row, _)| kept.clear(*row as usize));
    }

    /// A batch of these rows without what is cut out of those that stay.
    pub(super) fn cut(&self, batch: &Batch, rows: impl Iterator<Item = u32>) -> Result<Batch> {
        if self.rows.is_empty() {
            return Ok(batch.clone());
        }
        let of_row = |row| self.rows.get(&row).filter(|of| of.evidence.is_none()).map_or_else(Vec::new, |of| cuts::flat(&of.cuts));
        cuts::cut(batch, &rows.take(batch.num_rows()).map(of_row).collect::<Vec<_>>())
    }

    /// Characters of the text of a row without what is cut out of it.
    pub(super) fn characters(&self, row: u32, text: &str) -> u64 {
        let cuts = self.rows.get(&row).map_or_else(Vec::new, |of| cuts::flat(&of.cuts));
        without(text, &cuts).chars().count() as u64
    }

    /// Counts what is cut out of a text.
    pub(super) fn count(&self, row: u32, text: &str, sums: &mut Cutting) {
        if let Some(of) = self.rows.get(&row) {
            sums.count(text, &of.cuts);
        }
    }
}
