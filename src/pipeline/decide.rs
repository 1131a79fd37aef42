//! The pass behind the first fold: keep or drop, with a reason; count the pre-tokens of what stays.
//!
//! A part reads its shards' tables and writes `documents/part-N`, `rejected/part-N` and a partial histogram.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};

use super::annotate::Annotated;
use super::context::Context;
use super::dedup::{self, Duplicates};
use super::layout::{self, pass};
use super::observer::Quantity;
use super::pass::{Facts, Pass, largest_first};
use super::tables::{LIGHTER, write_table};
use super::work_dir::Entry;
use crate::decide::{Rejection, Rejections};
use crate::dedup::{Affected, Kind, Verdict, row_of};
use crate::error::Result;
use crate::schema;
use crate::shard::{PartWriter, documents_properties, rejected_properties};
use crate::stage::{Absorber, Batch, Counts, strings, with_column};

const BATCH_ROWS: usize = 1024;

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

impl Facts for PartFacts {
    fn documents(&self) -> u64 {
        self.kept
    }

    fn bytes(&self) -> u64 {
        self.kept_bytes
    }
}

/// A finished part: its files and facts.
pub(super) type Part = Entry<PartFacts>;

/// Runs the pass, or what is left of it; the parts in order.
pub(super) fn run(context: &Context<'_>, annotated: &Annotated, duplicates: &Duplicates) -> Result<Vec<Part>> {
    let units = (0..duplicates.parts.len()).map(|part| (layout::part_unit(part), 1));
    let pass = Pass::new(pass::DECIDE, Quantity::Parts, units);
    pass.run::<PartFacts>(context, |mut missing, underway| {
        let sizes = duplicates.parts.iter().map(|&shards| text_bytes(context, annotated, shards)).collect::<Result<Vec<_>>>()?;
        largest_first(&mut missing, |part| sizes[part]);
        underway.side_by_side(missing, &|| (), &|(), part| OpenPart::new(context, part)?.fill(context, duplicates))
    })?;
    pass.entries(context)
}

/// Bytes of the texts that a range of shards read.
fn text_bytes(context: &Context<'_>, annotated: &Annotated, (from, to): (u64, u64)) -> Result<u64> {
    (from..to).map(|shard| Ok(annotated.facts(context, shard)?.text_bytes)).sum()
}

/// A part being written.
struct OpenPart<'a> {
    part: usize,
    documents: PartWriter,
    rejected: PartWriter,
    counter: Box<dyn Absorber + 'a>,
    facts: PartFacts,
}

impl<'a> OpenPart<'a> {
    fn new(context: &'a Context<'_>, part: usize) -> Result<Self> {
        let create = |directory: &str, schema, properties| {
            PartWriter::create(context.store.work.staging(), &format!("{directory}-{part}"), schema, properties)
        };
        let empty = documents_columns(&add_clusters(&context.stages.annotate_empty(), &[])?)?;
        Ok(Self {
            part,
            documents: create(layout::DOCUMENTS, empty.schema(), documents_properties(context.fingerprint))?,
            rejected: create(layout::REJECTED, rejected_schema(), rejected_properties(context.fingerprint))?,
            counter: context.stages.counter.absorber(),
            facts: PartFacts::default(),
        })
    }

    fn fill(mut self, context: &Context<'_>, duplicates: &Duplicates) -> Result<Entry<PartFacts>> {
        let (from, to) = duplicates.parts[self.part];
        for shard in from..to {
            // Rows are copied, compressed and counted, not taken apart: memory is less than in the annotate pass.
            let _permit = context.store.gate.enter(dedup::longest_text(context, shard)? / LIGHTER);
            let rejections = Rejections::from_batch(&context.store.table(&layout::rejections(shard))?.concat()?)?;
            let mut affected = duplicates.of(shard).iter().peekable();
            let mut base = 0;
            for batch in context.store.table_columns(&layout::annotated(shard), None, BATCH_ROWS)? {
                context.stop.check()?;
                let batch = batch?;
                let end = base + batch.num_rows() as u32;
                let mut of_rows = vec![None; batch.num_rows()];
                while let Some(found) = affected.next_if(|found| row_of(found.ordinal) < end) {
                    of_rows[(row_of(found.ordinal) - base) as usize] = Some((found, duplicates.anchor_id(found)));
                }
                let dropped: Vec<_> = of_rows.iter().zip(base..).map(|(found, row)| Dropped::of(rejections.of(row), *found)).collect();
                self.take(&batch, &of_rows, &dropped)?;
                base = end;
            }
        }
        self.finish(context)
    }

    /// Splits a batch into kept and rejected rows.
    fn take(&mut self, batch: &Batch, affected: &[Option<Affects<'_>>], dropped: &[Option<Dropped>]) -> Result<()> {
        let keep = dropped.iter().map(|dropped| Some(dropped.is_none())).collect::<BooleanArray>();
        self.reject(batch, &keep, &dropped.iter().flatten().collect::<Vec<_>>())?;
        let with_clusters = add_clusters(batch, affected)?;
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
        self.documents.write(&documents_columns(&kept)?)
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

    fn finish(self, context: &Context<'_>) -> Result<Entry<PartFacts>> {
        let commit = |writer: PartWriter, directory: &str| {
            let path = layout::part(directory, self.part);
            writer.commit(&context.store.work.output(&path)?, path)
        };
        let counts = write_table(context.store, &layout::part_counts(self.part), &self.counter.finish()?)?;
        let files = vec![commit(self.documents, layout::DOCUMENTS)?, commit(self.rejected, layout::REJECTED)?, counts];
        Ok(Entry::new(files, self.facts))
    }
}

/// What the search for duplicates said of a document, and the doc_id of the one that stands for it.
type Affects<'a> = (&'a Affected, &'a str);

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
    fn of(rejection: Option<Rejection<'_>>, found: Option<Affects<'_>>) -> Option<Self> {
        if let Some(Rejection { stage, rule, evidence }) = rejection {
            return Some(Self { stage: stage.into(), rule: rule.into(), evidence: evidence.into(), duplicate_of: None });
        }
        let (affected, anchor_id) = found?;
        let Verdict::Removed { kind, jaccard, .. } = affected.verdict else { return None };
        let evidence = match kind {
            Kind::Exact => "same normalised text".to_owned(),
            Kind::Near => format!("jaccard {jaccard:.4}"),
        };
        Some(Self { stage: "dedup".into(), rule: kind.rule().into(), evidence, duplicate_of: Some(anchor_id.to_owned()) })
    }
}

fn add_clusters(batch: &Batch, affected: &[Option<Affects<'_>>]) -> Result<Batch> {
    let stands_for = affected.iter().map(|found| found.filter(|(affected, _)| affected.size() > 0));
    let clusters: StringArray = stands_for.clone().map(|found| found.map(|(_, anchor_id)| anchor_id)).collect();
    let sizes: UInt32Array = stands_for.map(|found| Some(found.map_or(1, |(affected, _)| affected.size()))).collect();
    let batch = with_column(batch, &schema::DUP_CLUSTER, Arc::new(clusters))?;
    with_column(&batch, &schema::DUP_SIZE, Arc::new(sizes))
}

/// The columns of `documents/`, in the order of the contract.
fn documents_columns(batch: &Batch) -> Result<Batch> {
    const ORDER: [schema::Column; 14] = [
        schema::DOC_ID,
        schema::TEXT,
        schema::SOURCE,
        schema::URL,
        schema::LICENSE,
        schema::DATE,
        schema::REGISTER,
        schema::KEIGO,
        schema::QUALITY,
        schema::SWALLOW_V1,
        schema::FINEWEB2_JA,
        schema::DUP_CLUSTER,
        schema::DUP_SIZE,
        schema::META,
    ];
    const ONLY_WHERE_ASKED: [&str; 2] = [schema::SWALLOW_V1.name, schema::FINEWEB2_JA.name];
    let schema = batch.schema();
    let made = |column: &&schema::Column| !ONLY_WHERE_ASKED.contains(&column.name) || schema.column_with_name(column.name).is_some();
    let indices = ORDER.iter().filter(made).map(|column| schema.index_of(column.name)).collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(batch.project(&indices)?)
}

fn rejected_schema() -> SchemaRef {
    const COLUMNS: [schema::Column; 7] =
        [schema::DOC_ID, schema::TEXT, schema::SOURCE, schema::STAGE, schema::RULE, schema::EVIDENCE, schema::DUPLICATE_OF];
    Arc::new(arrow::datatypes::Schema::new(COLUMNS.iter().map(schema::Column::field).collect::<Vec<_>>()))
}
