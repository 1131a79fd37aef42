//! The second pass: keep or drop, with a reason; count the pieces of what stays.
//!
//! A part reads its shards' tables and writes `documents/part-N`, `rejected/part-N` and a partial histogram.

use std::cmp::Reverse;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};

use super::annotate::{self, table_path, write_table};
use super::duplicates::{self, Fates};
use super::observer::{Progress, Unit};
use super::run::Context;
use super::work::Entry;
use crate::decide::Rejection;
use crate::dedup::{Affected, Kind, Verdict, row_of};
use crate::error::Result;
use crate::io::{FileEntry, open_table};
use crate::schema;
use crate::shard::{PartWriter, documents_properties, rejected_properties};
use crate::stage::{Absorber, Batch, Counts, strings, with_column};

/// Name of the pass.
pub(super) const PASS: &str = "decide";
const BATCH_ROWS: usize = 1024;
/// Memory that a text needs in the first pass over what it needs here, roughly.
pub(super) const LIGHTER: usize = 3;

/// What the entry of a part says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartFacts {
    pub kept: u64,
    pub kept_bytes: u64,
    pub kept_characters: u64,
    pub rejected: Counts,
    pub registers: Counts,
}

/// A finished part: its files and facts.
pub(super) type Part = Entry<PartFacts>;

/// Path of a part's documents, relative to OUT.
pub(super) fn documents_path(part: usize) -> String {
    format!("documents/part-{part:05}.parquet")
}

fn rejected_path(part: usize) -> String {
    format!("rejected/part-{part:05}.parquet")
}

/// Path of a part's histogram, relative to OUT.
pub(super) fn counts_path(part: usize) -> String {
    format!(".work/{PASS}/counts/{part:05}.parquet")
}

/// Runs the pass, or what is left of it; the parts in order.
pub(super) fn run(context: &Context<'_>, fates: &Fates) -> Result<Vec<Part>> {
    let name = |part: usize| format!("{part:05}");
    let missing = context.work.missing::<PartFacts>(PASS, (0..fates.parts.len()).map(name))?;
    // The largest first: what is left at the end, when threads run out of work, is small.
    let sizes = missing.iter().map(|&part| Ok((part, text_bytes(context, fates.parts[part])?))).collect::<Result<Vec<_>>>()?;
    let missing = largest_first(sizes);
    if !missing.is_empty() {
        let progress = Progress::start(context.observer, PASS, Unit::Parts, fates.parts.len() as u64);
        progress.add((fates.parts.len() - missing.len()) as u64, 0, 0);
        let mut units = missing.into_iter();
        let work = |(): &mut (), part: usize| -> Result<()> {
            let entry = OpenPart::new(context, part)?.fill(context, fates)?;
            context.work.commit(PASS, &name(part), &entry)?;
            progress.add(1, entry.payload.kept, entry.payload.kept_bytes);
            Ok(())
        };
        context.pool.for_each(context.stop, &mut || Ok(units.next()), &|| (), &work)?;
        context.took(PASS, progress.finish());
    }
    (0..fates.parts.len()).map(|part| context.work.required(PASS, &name(part))).collect()
}

/// Bytes of the texts that a range of shards read.
fn text_bytes(context: &Context<'_>, (from, to): (u64, u64)) -> Result<u64> {
    (from..to).map(|shard| Ok(annotate::facts(context, shard)?.map_or(0, |facts| facts.text_bytes))).sum()
}

fn largest_first(mut sizes: Vec<(usize, u64)>) -> Vec<usize> {
    sizes.sort_by_key(|&(_, bytes)| Reverse(bytes));
    sizes.into_iter().map(|(part, _)| part).collect()
}

/// A part being written.
struct OpenPart<'a> {
    part: usize,
    documents: Option<PartWriter>,
    rejected: PartWriter,
    counter: Box<dyn Absorber + 'a>,
    facts: PartFacts,
}

impl<'a> OpenPart<'a> {
    fn new(context: &'a Context<'_>, part: usize) -> Result<Self> {
        let properties = rejected_properties(context.fingerprint);
        let rejected = PartWriter::create(context.work.staging(), &format!("rejected-{part}"), rejected_schema(), properties)?;
        Ok(Self { part, documents: None, rejected, counter: context.stages.counter.absorber(), facts: PartFacts::default() })
    }

    fn fill(mut self, context: &Context<'_>, fates: &Fates) -> Result<Entry<PartFacts>> {
        let (from, to) = fates.parts[self.part];
        for shard in from..to {
            // Rows are copied, compressed and counted, not taken apart: memory is less than in the first pass.
            let _pass = context.gate.enter(duplicates::longest_text(context, shard)? / LIGHTER);
            let mut affected = fates.of(shard).iter().peekable();
            let mut base = 0;
            for batch in open_table(&context.work.out().join(table_path(shard)), None, BATCH_ROWS)? {
                context.stop.check()?;
                let batch = batch?;
                let end = base + batch.num_rows() as u32;
                let mut of_rows = vec![None; batch.num_rows()];
                while let Some(fate) = affected.next_if(|fate| row_of(fate.ordinal) < end) {
                    of_rows[(row_of(fate.ordinal) - base) as usize] = Some((fate, fates.anchor_id(fate)));
                }
                self.take(context, &batch, &of_rows)?;
                base = end;
            }
        }
        self.finish(context)
    }

    /// Splits a batch into kept and rejected rows.
    fn take(&mut self, context: &Context<'_>, batch: &Batch, fates: &[Option<Fate<'_>>]) -> Result<()> {
        let judged = context.stages.decider.judge(batch)?;
        let rejections: Vec<Option<Dropped>> = fates.iter().zip(0..).map(|(fate, row)| Dropped::of(judged.of(row), *fate)).collect();
        let keep = rejections.iter().map(|dropped| Some(dropped.is_none())).collect::<BooleanArray>();
        self.reject(batch, &keep, &rejections.iter().flatten().collect::<Vec<_>>())?;
        let with_clusters = add_clusters(batch, fates)?;
        let kept = arrow::compute::filter_record_batch(&with_clusters, &keep)?;
        self.facts.kept += kept.num_rows() as u64;
        for text in strings(&kept, &schema::TEXT)?.iter().flatten() {
            self.facts.kept_bytes += text.len() as u64;
            self.facts.kept_characters += text.chars().count() as u64;
        }
        for register in strings(&kept, &schema::REGISTER)?.iter().flatten() {
            *self.facts.registers.entry(register.to_owned()).or_default() += 1;
        }
        self.counter.push(&kept)?;
        let documents = documents_columns(&kept)?;
        self.documents(context, documents.schema())?.write(&documents)
    }

    fn documents(&mut self, context: &Context<'_>, schema: SchemaRef) -> Result<&mut PartWriter> {
        if self.documents.is_none() {
            let properties = documents_properties(context.fingerprint);
            let name = format!("documents-{}", self.part);
            self.documents = Some(PartWriter::create(context.work.staging(), &name, schema, properties)?);
        }
        self.documents.as_mut().ok_or_else(|| crate::error::Error::internal("no table to write"))
    }

    fn reject(&mut self, batch: &Batch, keep: &BooleanArray, dropped: &[&Dropped]) -> Result<()> {
        if dropped.is_empty() {
            return Ok(());
        }
        for dropped in dropped {
            *self.facts.rejected.entry(format!("{}/{}", dropped.stage, dropped.rule)).or_default() += 1;
        }
        let rows = arrow::compute::filter_record_batch(batch, &arrow::compute::not(keep)?)?;
        let column = |column: &schema::Column| crate::stage::column(&rows, column).cloned();
        let text = |f: &dyn Fn(&Dropped) -> Option<&str>| -> ArrayRef { Arc::new(dropped.iter().map(|d| f(d)).collect::<StringArray>()) };
        let columns = vec![
            column(&schema::DOC_ID)?,
            column(&schema::TEXT)?,
            column(&schema::SOURCE)?,
            text(&|d| Some(&d.stage)),
            text(&|d| Some(&d.rule)),
            text(&|d| Some(&d.evidence)),
            text(&|d| d.duplicate_of.as_deref()),
        ];
        self.rejected.write(&RecordBatch::try_new(rejected_schema(), columns)?)
    }

    fn finish(mut self, context: &Context<'_>) -> Result<Entry<PartFacts>> {
        if self.documents.is_none() {
            // No shard had a row: the part still exists, with its columns.
            let empty = documents_columns(&add_clusters(&context.stages.annotate_empty(), &[])?)?;
            self.documents(context, empty.schema())?;
        }
        let mut files: Vec<FileEntry> = Vec::new();
        let part = self.part;
        if let Some(documents) = self.documents.take() {
            files.push(documents.commit(&context.work.output(&documents_path(part))?, documents_path(part))?);
        }
        files.push(self.rejected.commit(&context.work.output(&rejected_path(part))?, rejected_path(part))?);
        files.push(write_table(context, &counts_path(part), &self.counter.finish()?)?);
        Ok(Entry::new(files, self.facts))
    }
}

/// What the search for duplicates said of a document, and the doc_id of the one that stands for it.
type Fate<'a> = (&'a Affected, &'a str);

/// Why a document goes.
#[derive(Debug)]
struct Dropped {
    stage: String,
    rule: String,
    evidence: String,
    duplicate_of: Option<String>,
}

impl Dropped {
    /// Quality first: only documents that pass it take part in the search for duplicates.
    fn of(rejection: Option<Rejection<'_>>, fate: Option<Fate<'_>>) -> Option<Self> {
        if let Some(Rejection { stage, rule, evidence }) = rejection {
            return Some(Self { stage: stage.into(), rule: rule.into(), evidence: evidence.into(), duplicate_of: None });
        }
        let (affected, anchor_id) = fate?;
        let Verdict::Removed { kind, jaccard, .. } = affected.verdict else { return None };
        let evidence = match kind {
            Kind::Exact => "same normalised text".to_owned(),
            Kind::Near => format!("jaccard {jaccard:.4}"),
        };
        Some(Self { stage: "dedup".into(), rule: kind.rule().into(), evidence, duplicate_of: Some(anchor_id.to_owned()) })
    }
}

fn add_clusters(batch: &Batch, fates: &[Option<Fate<'_>>]) -> Result<Batch> {
    let size = |fate: &Option<Fate<'_>>| fate.map_or(0, |(affected, _)| affected.size());
    let clusters: StringArray =
        fates.iter().map(|fate| fate.filter(|(affected, _)| affected.size() > 0).map(|(_, anchor_id)| anchor_id)).collect();
    let sizes: UInt32Array = fates.iter().map(|fate| Some(size(fate).max(1))).collect();
    let batch = with_column(batch, &schema::DUP_CLUSTER, Arc::new(clusters))?;
    with_column(&batch, &schema::DUP_SIZE, Arc::new(sizes))
}

/// The columns of `documents/`, in the order of the contract.
fn documents_columns(batch: &Batch) -> Result<Batch> {
    const ORDER: [schema::Column; 12] = [
        schema::DOC_ID,
        schema::TEXT,
        schema::SOURCE,
        schema::URL,
        schema::LICENSE,
        schema::DATE,
        schema::REGISTER,
        schema::KEIGO,
        schema::QUALITY,
        schema::DUP_CLUSTER,
        schema::DUP_SIZE,
        schema::META,
    ];
    let schema = batch.schema();
    let indices = ORDER.iter().map(|column| schema.index_of(column.name)).collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(batch.project(&indices)?)
}

fn rejected_schema() -> SchemaRef {
    const COLUMNS: [schema::Column; 7] =
        [schema::DOC_ID, schema::TEXT, schema::SOURCE, schema::STAGE, schema::RULE, schema::EVIDENCE, schema::DUPLICATE_OF];
    Arc::new(arrow::datatypes::Schema::new(COLUMNS.iter().map(schema::Column::field).collect::<Vec<_>>()))
}
