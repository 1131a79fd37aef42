//! The pass behind the first fold: keep or drop, with a reason.
//!
//! A part reads its shards' tables and writes what becomes `documents/part-N` and `rejected/part-N`. It is called by those shards and by all
//! that is said of their documents, so that one of an earlier run is found again, whatever its number was.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, StringArray, StructArray, UInt8Array, UInt32Array};
use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};

use super::annotate::Annotated;
use super::context::Context;
use super::cut_table::OfShard;
use super::cuts::Cutting;
use super::dedup::{self, Duplicates};
use super::family_table;
use super::key::Key;
use super::layout::{self, pass};
use super::mixture::{Candidate, Rebalanced};
use super::observer::Quantity;
use super::pass::{Facts, Pass, largest_first};
use super::provenance::Provenance;
use super::same_ids;
use super::share::Progressed;
use super::tables::LIGHTER;
use super::work_dir::Entry;
use crate::decide::losses::Losses;
use crate::decide::{KEIGO_STAGE, Rejection};
use crate::dedup::{Affected, Kind, Verdict, ordinal, row_of};
use crate::error::{Error, Result};
use crate::io::FileEntry;
use crate::pii;
use crate::schema;
use crate::shard::{PartWriter, documents_properties, rejected_properties};
use crate::stage::{Batch, column, strings, with_column};

const BATCH_ROWS: usize = 1024;
/// The rule of documents that are too many of their register.
const REBALANCE_RULE: &str = "rebalance";

/// What the entry of a part says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartFacts {
    pub kept: u64,
    pub kept_bytes: u64,
    pub kept_characters: u64,
    /// Of the kept ones, those that are held out.
    #[serde(default, skip_serializing_if = "HeldOut::is_none")]
    pub held_out: HeldOut,
    pub losses: Losses,
    /// Of the kept ones.
    pub provenance: Provenance,
    /// Documents that are called by their place, too, because another has their id.
    pub same_ids: u64,
    /// What is cut out of the kept ones.
    #[serde(default, skip_serializing_if = "Cutting::is_none")]
    pub cut: Cutting,
}

/// Documents that are held out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeldOut {
    pub documents: u64,
    pub bytes: u64,
    pub characters: u64,
}

impl HeldOut {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
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
pub(super) struct Part {
    pub(super) facts: PartFacts,
    /// Kept documents.
    pub(super) documents: FileEntry,
    /// Those that are held out, if the plan asks for a split.
    pub(super) held_out: Option<FileEntry>,
    /// The others.
    pub(super) rejected: FileEntry,
}

/// Runs the pass, or what is left of it; the parts in order.
pub(super) fn run(context: &Context<'_>, annotated: &Annotated, duplicates: &Duplicates) -> Progressed<Vec<Part>> {
    let units = duplicates.parts.iter().map(|&shards| unit(context, annotated, duplicates, shards)).collect::<Result<Vec<_>>>()?;
    let pass = Pass::new(pass::DECIDE, Quantity::Parts, units.iter().map(|unit| (unit.clone(), 1)));
    pass.run::<PartFacts>(context, |mut missing, underway| {
        let sizes = duplicates.parts.iter().map(|&shards| text_bytes(context, annotated, shards)).collect::<Result<Vec<_>>>()?;
        largest_first(&mut missing, |part| sizes[part]);
        underway.side_by_side(missing, &|| (), &|(), part| {
            OpenPart::new(context, &units[part])?.fill(context, annotated, duplicates, duplicates.parts[part])
        })
    })?;
    Ok(pass.entries::<PartFacts>(context)?.into_iter().map(Part::of).collect::<Result<_>>()?)
}

impl Part {
    fn of(entry: Entry<PartFacts>) -> Result<Self> {
        let mut files = entry.files.into_iter();
        let (Some(documents), Some(rejected), held_out) = (files.next(), files.next(), files.next()) else {
            return Err(Error::internal("a part has less than two files"));
        };
        Ok(Self { facts: entry.facts, documents, rejected, held_out })
    }
}

/// The name of a part.
fn unit(context: &Context<'_>, annotated: &Annotated, duplicates: &Duplicates, (from, to): (u64, u64)) -> Result<String> {
    let mut key =
        Key::of(pass::DECIDE).and_steps(context.plan(), &["decide", "shard", "pii"]).and_settings(&context.plan().pii.masked())?;
    if let Some(mixture) = context.plan().keigo.mixture() {
        key = key.and_settings(mixture)?;
    }
    if context.plan().split.is_on() {
        key = key.and_settings(&context.plan().split)?;
    }
    for shard in from..to {
        key = duplicates.name_into(key.and(&annotated.keys(shard)?.documents), shard)?;
    }
    Ok(key.name())
}

/// Bytes of the texts that a range of shards read.
fn text_bytes(context: &Context<'_>, annotated: &Annotated, (from, to): (u64, u64)) -> Result<u64> {
    (from..to).map(|shard| Ok(annotated.facts(context, shard)?.text_bytes)).sum()
}

/// A part being written.
struct OpenPart<'a> {
    unit: &'a str,
    documents: PartWriter,
    rejected: PartWriter,
    held_out: Option<PartWriter>,
    facts: PartFacts,
}

/// Rows of a batch, and where they stand.
struct Rows<'a> {
    batch: Batch,
    affected: Vec<Option<Affects<'a>>>,
    dropped: Vec<Option<Dropped>>,
    held_out: Vec<bool>,
}

impl<'a> OpenPart<'a> {
    fn new(context: &Context<'_>, unit: &'a str) -> Result<Self> {
        let create = |directory: &str, schema, properties| {
            PartWriter::create(context.store.work.staging(), &format!("{directory}-{unit}"), schema, properties)
        };
        let annotated = context.stages.annotate_empty();
        let empty = documents_columns(&add_clusters(&annotated, &[])?)?;
        Ok(Self {
            unit,
            documents: create(layout::DOCUMENTS, empty.schema(), documents_properties())?,
            rejected: create(layout::REJECTED, rejected_schema(&annotated)?, rejected_properties())?,
            held_out: if context.plan().split.is_on() {
                Some(create(layout::VALIDATION, empty.schema(), documents_properties())?)
            } else {
                None
            },
            facts: PartFacts::default(),
        })
    }

    fn fill(
        mut self,
        context: &Context<'_>,
        annotated: &Annotated,
        duplicates: &Duplicates,
        (from, to): (u64, u64),
    ) -> Result<Entry<PartFacts>> {
        let asked_for = asked_for(&context.stages.annotate_empty()).collect::<Vec<_>>();
        let columns = WHAT_IT_IS.iter().chain(asked_for).chain([&pii::SPANS]);
        let columns: Vec<&str> = columns.map(|column| column.name).collect();
        for shard in from..to {
            // Rows are copied and compressed, not taken apart: memory is less than in the annotate pass.
            let _permit = context.store.gate.enter(dedup::longest_text(context, annotated, shard)? / LIGHTER);
            let (rejections, cuts) = (duplicates.rejections(context, shard)?, duplicates.cuts(context, shard)?);
            let documents = layout::annotated(&annotated.keys(shard)?.documents);
            let found = duplicates.of(context, shard)?;
            let families = duplicates.families(context, shard)?;
            let mut affected = found.iter().peekable();
            let mut base = 0;
            for batch in context.store.table_columns(&documents, Some(&columns), BATCH_ROWS)? {
                context.stop.check()?;
                let read = batch?;
                let batch = context.stages.pii.mask(&cuts.cut(&read, base..)?)?;
                let end = base + batch.num_rows() as u32;
                let mut of_rows = vec![None; batch.num_rows()];
                while let Some(found) = affected.next_if(|(found, _)| row_of(found.ordinal) < end) {
                    of_rows[(row_of(found.0.ordinal) - base) as usize] = Some(found);
                }
                let mut dropped: Vec<_> = of_rows
                    .iter()
                    .zip(base..)
                    .map(|(found, row)| Dropped::of(rejections.of(row), *found).or_else(|| Dropped::of_cuts(&cuts, row)))
                    .collect();
                let batch = match &duplicates.mixture {
                    Some(mixture) => mix(context, mixture, &batch, ordinal(shard, base), &mut dropped)?,
                    None => batch,
                };
                for (row, text) in strings(&read, &schema::TEXT)?.iter().enumerate().filter(|(row, _)| dropped[*row].is_none()) {
                    cuts.count(base + row as u32, text.unwrap_or_default(), &mut self.facts.cut);
                }
                let held_out = held_out(context, &families, &batch, base)?;
                // What is drawn by id is drawn by the record's own.
                let later = duplicates.same_ids(shard, base, batch.num_rows());
                self.facts.same_ids += later.len() as u64;
                let batch = same_ids::apart(batch, &later)?;
                self.take(&Rows { batch, affected: of_rows, dropped, held_out })?;
                base = end;
            }
        }
        self.finish(context)
    }

    /// Splits a batch into kept and rejected rows.
    fn take(&mut self, rows: &Rows<'_>) -> Result<()> {
        let Rows { batch, affected, dropped, held_out } = rows;
        let keep = dropped.iter().map(|dropped| Some(dropped.is_none())).collect::<BooleanArray>();
        self.count(rows)?;
        self.reject(batch, &keep, &dropped.iter().flatten().collect::<Vec<_>>())?;
        let with_clusters = documents_columns(&add_clusters(batch, affected)?)?;
        self.facts.kept += keep.true_count() as u64;
        let Some(validation) = self.held_out.as_mut().filter(|_| held_out.contains(&true)) else {
            return self.documents.write(&arrow::compute::filter_record_batch(&with_clusters, &keep)?);
        };
        let held_out = BooleanArray::from(held_out.clone());
        let side =
            |side: &BooleanArray| Ok::<_, Error>(arrow::compute::filter_record_batch(&with_clusters, &arrow::compute::and(&keep, side)?)?);
        validation.write(&side(&held_out)?)?;
        self.documents.write(&side(&arrow::compute::not(&held_out)?)?)
    }

    /// Who keeps and who loses what.
    fn count(&mut self, Rows { batch, dropped, held_out, .. }: &Rows<'_>) -> Result<()> {
        let (texts, sources, registers) =
            (strings(batch, &schema::TEXT)?, strings(batch, &schema::SOURCE)?, strings(batch, &schema::REGISTER)?);
        for (row, dropped) in dropped.iter().enumerate() {
            let text = texts.value(row);
            let characters = text.chars().count() as u64;
            let rule = dropped.as_ref().map(|dropped| format!("{}/{}", dropped.stage, dropped.rule));
            self.facts.losses.count(sources.value(row), registers.value(row), characters, rule.as_deref());
            if dropped.is_none() {
                self.facts.kept_bytes += text.len() as u64;
                self.facts.kept_characters += characters;
                if held_out[row] {
                    let HeldOut { documents, bytes, characters: held } = &mut self.facts.held_out;
                    (*documents, *bytes, *held) = (*documents + 1, *bytes + text.len() as u64, *held + characters);
                }
            }
        }
        self.facts.provenance.count(batch, &|row| dropped[row].is_none())
    }

    fn reject(&mut self, batch: &Batch, keep: &BooleanArray, dropped: &[&Dropped]) -> Result<()> {
        if dropped.is_empty() {
            return Ok(());
        }
        let rows = arrow::compute::filter_record_batch(batch, &arrow::compute::not(keep)?)?;
        let mut rows = project(&rows, WHAT_IT_IS.iter().chain(asked_for(&rows)))?;
        let text = |f: &dyn Fn(&Dropped) -> Option<&str>| -> ArrayRef { Arc::new(dropped.iter().map(|d| f(d)).collect::<StringArray>()) };
        for (column, array) in WHY_IT_WENT.iter().zip([
            text(&|d| Some(&d.stage)),
            text(&|d| Some(&d.rule)),
            text(&|d| Some(&d.evidence)),
            text(&|d| d.duplicate_of.as_deref()),
        ]) {
            rows = with_column(&rows, column, array)?;
        }
        self.rejected.write(&rows)
    }

    fn finish(mut self, context: &Context<'_>) -> Result<Entry<PartFacts>> {
        self.facts.losses = self.facts.losses.of_part();
        self.facts.provenance = self.facts.provenance.of_part();
        let commit = |writer: PartWriter, directory: &str| {
            let path = layout::made(pass::DECIDE, directory, self.unit);
            let work = &context.store.work;
            let target = work.output(&path)?;
            work.writing.time(|| writer.commit(&target, path))
        };
        let mut files = vec![commit(self.documents, layout::DOCUMENTS)?, commit(self.rejected, layout::REJECTED)?];
        if let Some(held_out) = self.held_out {
            files.push(commit(held_out, layout::VALIDATION)?);
        }
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
            Kind::Near | Kind::NearCopy | Kind::Orthography => format!("jaccard {jaccard:.4}"),
        };
        Some(Self { stage: "dedup".into(), rule: kind.rule().into(), evidence, duplicate_of: Some(anchor_id.to_owned()) })
    }
}

impl Dropped {
    /// Of a document of which too little is left.
    fn of_cuts(cuts: &OfShard, row: u32) -> Option<Self> {
        let (rule, evidence) = cuts.rejects(row)?;
        Some(Self { stage: "dedup".into(), rule: rule.into(), evidence: evidence.into(), duplicate_of: None })
    }
}

/// Which rows, from `first` on, go to the validation set, if they are kept.
fn held_out(context: &Context<'_>, families: &family_table::OfShard, batch: &Batch, first: u32) -> Result<Vec<bool>> {
    let split = context.plan().split;
    if !split.is_on() {
        return Ok(vec![false; batch.num_rows()]);
    }
    let ids = strings(batch, &schema::DOC_ID)?.iter().flatten();
    Ok(ids.zip(first..).map(|(doc_id, row)| split.holds_out(families.of(row, doc_id))).collect())
}

/// Drops what is too much of its register, and says of the rest how often it is to be taken. The rows have consecutive ordinals.
fn mix(context: &Context<'_>, mixture: &Rebalanced, batch: &Batch, first: u64, dropped: &mut [Option<Dropped>]) -> Result<Batch> {
    let Some(options) = context.plan().keigo.mixture() else { return Ok(batch.clone()) };
    let (ids, registers) = (strings(batch, &schema::DOC_ID)?, strings(batch, &schema::REGISTER)?);
    let mut repeats = vec![1_u8; batch.num_rows()];
    for (row, dropped) in dropped.iter_mut().enumerate().filter(|(_, dropped)| dropped.is_none()) {
        let register = registers.value(row);
        let document = Candidate { ordinal: first + row as u64, doc_id: ids.value(row), register };
        repeats[row] = mixture.repeat(options, document);
        if repeats[row] == 0 {
            *dropped = Some(Dropped {
                stage: KEIGO_STAGE.into(),
                rule: REBALANCE_RULE.into(),
                evidence: mixture.evidence(register),
                duplicate_of: None,
            });
        }
    }
    with_repeats(batch, repeats)
}

/// The column `keigo` with these values of `repeat`.
fn with_repeats(batch: &Batch, repeats: Vec<u8>) -> Result<Batch> {
    let keigo = column(batch, &schema::KEIGO)?.as_struct();
    let mut columns = keigo.columns().to_vec();
    let Some((i, _)) = keigo.fields().find(crate::keigo::columns::REPEAT) else { return Ok(batch.clone()) };
    columns[i] = Arc::new(UInt8Array::from(repeats));
    let keigo = StructArray::try_new(keigo.fields().clone(), columns, None)?;
    with_column(batch, &crate::keigo::COLUMN, Arc::new(keigo))
}

fn add_clusters(batch: &Batch, affected: &[Option<Affects<'_>>]) -> Result<Batch> {
    let stands_for = affected.iter().map(|found| found.filter(|(affected, _)| affected.size() > 0));
    let clusters: StringArray = stands_for.clone().map(|found| found.map(|(_, anchor_id)| anchor_id)).collect();
    let sizes: UInt32Array = stands_for.map(|found| Some(found.map_or(1, |(affected, _)| affected.size()))).collect();
    let batch = with_column(batch, &schema::DUP_CLUSTER, Arc::new(clusters))?;
    with_column(&batch, &schema::DUP_SIZE, Arc::new(sizes))
}

/// What `documents/` and `rejected/` say of a document alike, so that losses can be judged again without the run.
static WHAT_IT_IS: [schema::Column; 14] = [
    schema::DOC_ID,
    schema::TEXT,
    schema::SOURCE,
    schema::URL,
    schema::LICENSE,
    schema::DATE,
    schema::RESIDENCY,
    schema::FILE,
    schema::OFFSET,
    schema::REGISTER,
    schema::KEIGO,
    schema::QUALITY,
    schema::PII,
    schema::META,
];

/// What both say where a list or a preset of the plan asks for it.
static WHERE_ASKED_FOR: [schema::Column; 3] = [schema::LISTED, schema::SWALLOW_V1, schema::FINEWEB2_JA];

/// What `documents/` says besides.
static WHAT_IT_STANDS_FOR: [schema::Column; 2] = [schema::DUP_CLUSTER, schema::DUP_SIZE];

/// What `rejected/` says besides.
const WHY_IT_WENT: [schema::Column; 4] = [schema::STAGE, schema::RULE, schema::EVIDENCE, schema::DUPLICATE_OF];

/// The columns of `documents/`.
fn documents_columns(batch: &Batch) -> Result<Batch> {
    let [body @ .., meta] = &WHAT_IT_IS;
    project(batch, body.iter().chain(asked_for(batch)).chain(&WHAT_IT_STANDS_FOR).chain([meta]))
}

/// Listed words and the figures of reproduced presets, if a batch has them.
fn asked_for(batch: &Batch) -> impl Iterator<Item = &'static schema::Column> {
    WHERE_ASKED_FOR.iter().filter(|column| batch.schema_ref().index_of(column.name).is_ok())
}

/// Some columns of a batch, in this order.
fn project<'a>(batch: &Batch, columns: impl IntoIterator<Item = &'a schema::Column>) -> Result<Batch> {
    let schema = batch.schema();
    let indices = columns.into_iter().map(|column| schema.index_of(column.name)).collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(batch.project(&indices)?)
}

/// The columns of `rejected/`, given an annotated batch.
fn rejected_schema(annotated: &Batch) -> Result<SchemaRef> {
    let schema = project(annotated, WHAT_IT_IS.iter().chain(asked_for(annotated)))?.schema();
    let fields = schema.fields().iter().cloned().chain(WHY_IT_WENT.iter().map(|column| Arc::new(column.field())));
    Ok(Arc::new(arrow::datatypes::Schema::new(fields.collect::<Vec<_>>())))
}
