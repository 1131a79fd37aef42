//! Evaluation items in batches of documents: what stands where, and the texts without it.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::StringArray;

use super::evaluation::Evaluation;
use crate::dedup::decontaminate::{Finder, Found, left};
use crate::dedup::{Contaminated, view};
use crate::error::Result;
use crate::quarantine::escape;
use crate::schema;
use crate::stage::{Batch, strings, with_column};

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
    documents: Vec<u64>,
    found: Vec<(u32, String)>,
}

impl<'e> Contaminations<'e> {
    /// Nothing yet.
    pub(super) fn new(evaluation: &'e Evaluation) -> Self {
        let finder = (!evaluation.is_empty()).then(|| evaluation.probes.finder());
        Self { evaluation, finder, documents: vec![0; evaluation.files.len()], found: Vec::new() }
    }

    /// Looks through a batch of normalised documents, of which `before` stand before it.
    pub(super) fn look(&mut self, batch: &Batch, before: u32) -> Result<()> {
        let Some(finder) = &mut self.finder else { return Ok(()) };
        for (row, text) in (before..).zip(strings(batch, &schema::TEXT)?.iter()) {
            let found = finder.find(text.unwrap_or_default());
            let Some(best) = Evaluation::best(&found) else { continue };
            self.evaluation.count(&found, &mut self.documents);
            let (item, file) = self.evaluation.name(best.item);
            let mut evidence = format!("{:.4} of {item} in {file} at {}-{}", best.share, best.start, best.end);
            if found.len() > 1 {
                // Writing to a string cannot fail.
                let _ = write!(evidence, ", and {} more", found.len() - 1);
            }
            self.found.push((row, escape(&evidence, 500)));
        }
        Ok(())
    }

    /// Documents that hold something of each set, and of each such document its row and the evidence; begins anew.
    pub(super) fn take(&mut self) -> (Vec<u64>, Vec<(u32, String)>) {
        let none = vec![0; self.documents.len()];
        (std::mem::replace(&mut self.documents, none), std::mem::take(&mut self.found))
    }
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

/// Looks for evaluation items in the rows of a batch, of which `before` rows stand before it in the work shard. Gives the batch, with texts
/// without the items where they are to be masked.
pub(super) fn look(finder: &mut Finder<'_>, mode: Contaminated, batch: Batch, before: u32, hits: &mut Vec<Hit>) -> Result<Batch> {
    let first = hits.len();
    let texts = strings(&batch, &schema::TEXT)?;
    let mut masked: Vec<(usize, String)> = Vec::new();
    for (row, text) in texts.iter().enumerate() {
        let text = text.unwrap_or_default();
        let found = finder.find(text);
        if found.is_empty() {
            continue;
        }
        let mut goes = mode == Contaminated::Drop;
        if mode == Contaminated::Mask {
            let left = left(text, &found);
            let mut view = Vec::new();
            view::fold(&left, &mut view);
            // Nothing but the items stood there.
            goes = view.is_empty();
            masked.extend((!goes).then_some((row, left)));
        }
        hits.push(Hit { row: before + row as u32, found, goes });
    }
    if masked.is_empty() || hits.len() == first {
        return Ok(batch);
    }
    let mut masked = masked.into_iter().peekable();
    let texts: StringArray = texts
        .iter()
        .enumerate()
        .map(|(row, text)| match masked.next_if(|(other, _)| *other == row) {
            Some((_, left)) => Some(left),
            None => text.map(str::to_owned),
        })
        .collect();
    with_column(&batch, &schema::TEXT, Arc::new(texts))
}
