//! Evaluation items in batches of documents: what stands where, and what would leave the texts with it.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, UInt32Type};

use super::evaluation::Evaluation;
use crate::dedup::decontaminate::{Finder, Found, cuts};
use crate::dedup::{Cut, PieceKind, ordinal};
use crate::error::Result;
use crate::quarantine::escape;
use crate::schema;
use crate::stage::{Batch, strings};

/// An evaluation item that stands in a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Contamination {
    /// Its name; where it has none, its file and its number there.
    pub item: String,
    /// The file of the evaluation set.
    pub file: String,
    /// The share of it that stands there.
    pub share: f32,
    /// Bytes of the text as it was read before it.
    pub start: u64,
    /// Bytes of that text up to its end.
    pub end: u64,
}

impl Contamination {
    /// What was found, with the names of the set.
    pub(super) fn of(evaluation: &Evaluation, found: Found) -> Self {
        let (item, file) = evaluation.name(found.item);
        Self { item: item.to_owned(), file: file.to_owned(), share: found.share, start: found.start as u64, end: found.end as u64 }
    }
}

/// The rule of documents that go because of an evaluation item, and the kind of their rows in the table of duplicates.
pub const CONTAMINATED: &str = "contaminated";

/// What was found in the documents of a work shard of a run.
pub(super) struct Contaminations<'e> {
    evaluation: &'e Evaluation,
    finder: Option<Finder<'e>>,
    found: Judgement,
}

/// What was found in the documents of a work shard.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    /// Documents that hold something of each set.
    pub(super) documents: Vec<u64>,
    /// Rows of documents that hold something, each with the evidence.
    pub(super) rows: Vec<(u32, String)>,
    /// Row, start and end of each place, as they would leave the texts.
    pub(super) items: Vec<[u32; 3]>,
}

impl Judgement {
    fn of(evaluation: &Evaluation) -> Self {
        Self { documents: vec![0; evaluation.files.len()], ..Self::default() }
    }
}

impl<'e> Contaminations<'e> {
    /// Nothing yet.
    pub(super) fn new(evaluation: &'e Evaluation) -> Self {
        let finder = (!evaluation.is_empty()).then(|| evaluation.probes.finder());
        Self { evaluation, finder, found: Judgement::of(evaluation) }
    }

    /// Looks through a batch of normalised documents, of which `before` stand before it.
    pub(super) fn look(&mut self, batch: &Batch, before: u32) -> Result<()> {
        let Some(finder) = &mut self.finder else { return Ok(()) };
        for (row, text) in (before..).zip(strings(batch, &schema::TEXT)?.iter()) {
            let text = text.unwrap_or_default();
            let found = finder.find(text);
            let Some(best) = Evaluation::best(&found) else { continue };
            self.evaluation.count(&found, &mut self.found.documents);
            let (item, file) = self.evaluation.name(best.item);
            let mut evidence = format!("{:.4} of {item} in {file} at {}-{}", best.share, best.start, best.end);
            if found.len() > 1 {
                // Writing to a string cannot fail.
                let _ = write!(evidence, ", and {} more", found.len() - 1);
            }
            self.found.rows.push((row, escape(&evidence, 500)));
            self.found.items.extend(cuts(text, &found).as_chunks::<2>().0.iter().map(|[start, end]| [row, *start, *end]));
        }
        Ok(())
    }

    /// What was found so far; begins anew.
    pub(super) fn take(&mut self) -> Judgement {
        std::mem::replace(&mut self.found, Judgement::of(self.evaluation))
    }
}

/// Columns of the table of places.
const PLACES: [&str; 3] = ["row", "start", "end"];

/// Places as a table.
pub(super) fn items_to_batch(items: &[[u32; 3]]) -> Result<Batch> {
    let fields: Vec<Field> = PLACES.iter().map(|name| Field::new(*name, DataType::UInt32, false)).collect();
    let column = |i: usize| -> ArrayRef { Arc::new(items.iter().map(|item| Some(item[i])).collect::<UInt32Array>()) };
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), (0..PLACES.len()).map(column).collect())?)
}

/// The places that a batch of that table tells of, as cuts of documents of a work shard.
pub(super) fn items_from_batch(batch: &Batch, shard: u64) -> Vec<Cut> {
    let [rows, starts, ends] = [0, 1, 2].map(|i| batch.column(i).as_primitive::<UInt32Type>().values());
    let places = rows.iter().zip(starts).zip(ends);
    places.map(|((&row, &start), &end)| cut(ordinal(shard, row), start, end)).collect()
}

/// An evaluation item that leaves a text.
fn cut(ordinal: u64, start: u32, end: u32) -> Cut {
    Cut { ordinal, start, end, kind: PieceKind::Item, of: ordinal }
}

/// A document in which something was found.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    /// Its row in the work shard.
    pub(super) row: u32,
    /// What stands in it, by place; something at least.
    pub(super) found: Vec<Found>,
    /// Does it go? If it does not, it is an anchor like any other.
    pub(super) goes: bool,
}

impl Hit {
    /// What leaves its text where items are cut out.
    pub(super) fn cuts(&self, ordinal: u64, text: &str) -> Vec<Cut> {
        cuts(text, &self.found).as_chunks::<2>().0.iter().map(|[start, end]| cut(ordinal, *start, *end)).collect()
    }
}

/// Looks for evaluation items in the rows of a batch, of which `before` rows stand before it in the work shard.
pub(super) fn look(finder: &mut Finder<'_>, goes: bool, batch: &Batch, before: u32, hits: &mut Vec<Hit>) -> Result<()> {
    for (row, text) in (before..).zip(strings(batch, &schema::TEXT)?.iter()) {
        let found = finder.find(text.unwrap_or_default());
        if !found.is_empty() {
            hits.push(Hit { row, found, goes });
        }
    }
    Ok(())
}
