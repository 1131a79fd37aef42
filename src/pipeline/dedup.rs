//! The first fold: which documents pass the quality rules, and which of those repeat which. The others take no part, so that no
//! document is dropped in favour of one that is dropped itself.

use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, UInt32Type, UInt64Type};
use serde::{Deserialize, Serialize};

use super::bits::Bits;
use super::context::Context;
use super::layout::{self, pass};
use super::parts::{Load, plan_parts};
use super::pass::{Facts, Pass};
use super::tables::write_table;
use super::work_dir::Entry;
use crate::decide::Rejection;
use crate::dedup::{self, Affected, Corpus, TEXT_BYTES, Verdict, Verdicts, row_of, shard_of};
use crate::error::{Error, Result};
use crate::io::FileEntry;
use crate::schema;
use crate::stage::{Batch, column, strings};

/// Rows read at a time when texts are looked up.
const LOOKUP_ROWS: usize = 1024;

/// What became of the documents that repeat others or are repeated; all others are unique.
#[derive(Debug, Default)]
pub(super) struct Duplicates {
    verdicts: Verdicts,
    anchors: Vec<u64>,
    anchor_ids: Vec<String>,
    /// Output parts as ranges of shards.
    pub parts: Vec<(u64, u64)>,
}

impl Duplicates {
    /// The affected documents of one shard, by row.
    pub(super) fn of(&self, shard: u64) -> &[Affected] {
        self.verdicts.of_shard(shard)
    }

    /// doc_id of the document that stands for this one.
    pub(super) fn anchor_id(&self, affected: &Affected) -> &str {
        self.anchors.binary_search(&affected.anchor()).map_or("", |i| self.anchor_ids[i].as_str())
    }
}

/// What the entry of the fold says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FoldFacts {
    parts: Vec<(u64, u64)>,
}

impl Facts for FoldFacts {}

/// Runs the fold, or reads what it concluded before.
pub(super) fn run(context: &Context<'_>, shards: u64) -> Result<Duplicates> {
    let fold = Pass::fold(pass::DEDUP, 3);
    fold.run::<FoldFacts>(context, |_, underway| {
        let (eligible, mut files) = judge(context, shards)?;
        underway.step();
        let verdicts = resolve(context, shards, &eligible)?;
        underway.step();
        let loads = loads(context, shards, &eligible, &verdicts)?;
        let parts = plan_parts(&loads, u64::from(context.plan().shards.rows_max), context.plan().shards.bytes_max);
        files.push(write_table(context.store, layout::VERDICTS, &verdicts.to_batch()?)?);
        files.push(write_table(context.store, layout::ANCHORS, &anchor_ids(context, &verdicts)?)?);
        underway.commit(0, &Entry::new(files, FoldFacts { parts }))
    })?;
    read(context, fold.entry::<FoldFacts>(context, 0)?.facts.parts)
}

/// Judges every document once: for each shard, which rows pass the quality rules, and the table that says why the others do not.
fn judge(context: &Context<'_>, shards: u64) -> Result<(Vec<Bits>, Vec<FileEntry>)> {
    let reads = context.stages.decider.contract().reads.into_iter().chain(context.stages.pii.reads());
    let columns: Vec<&str> = reads.map(|column| column.name).collect();
    let judged = per_shard(context, shards, &|shard| {
        let (mut rows, mut personal) = (0, Vec::new());
        let table = context.store.table_columns(&layout::annotated(shard), Some(&columns), LOOKUP_ROWS)?;
        let mut batches = table.map(|batch| {
            let batch = batch?;
            personal.extend(context.stages.pii.judge(&batch, rows as u32)?);
            rows += batch.num_rows();
            Ok(batch)
        });
        let rejections = context.stages.decider.judge_table(&mut batches)?;
        let dropped = personal.iter().map(|found| (found.row, Rejection { stage: "pii", rule: found.rule, evidence: &found.evidence }));
        let rejections = rejections.with(dropped);
        let mut eligible = Bits::all(rows);
        rejections.iter().for_each(|(row, _)| eligible.clear(row as usize));
        Ok((eligible, write_table(context.store, &layout::rejections(shard), &rejections.to_batch()?)?))
    })?;
    Ok(judged.into_iter().unzip())
}

/// Runs `work` for every shard on all threads; results by shard.
fn per_shard<T: Send>(context: &Context<'_>, shards: u64, work: &(dyn Fn(u64) -> Result<T> + Sync)) -> Result<Vec<T>> {
    let slots: Vec<Mutex<Option<T>>> = (0..shards).map(|_| Mutex::new(None)).collect();
    let mut units = 0..shards;
    context.pool.for_each(context.stop, &mut || Ok(units.next()), &|| (), &|(), shard| {
        let done = work(shard)?;
        if let Ok(mut slot) = slots[shard as usize].lock() {
            *slot = Some(done);
        }
        Ok(())
    })?;
    slots.into_iter().map(|slot| slot.into_inner().ok().flatten().ok_or_else(|| Error::internal("a shard was left out"))).collect()
}

fn resolve(context: &Context<'_>, shards: u64, eligible: &[Bits]) -> Result<Verdicts> {
    let mut partial = |shard: u64| -> Result<Batch> {
        context.stop.check()?;
        read_whole(context, &layout::sketches(shard))
    };
    let texts = |wanted: &[u64], give: &mut dyn FnMut(u64, &str) -> Result<()>| {
        look_up(context, wanted, &schema::TEXT, &mut |ordinal, text| {
            // A set of shingles is many times as large as its text.
            let _permit = context.store.gate.enter(text.len());
            give(ordinal, text)
        })
    };
    let mut corpus = Corpus {
        shards,
        partial: &mut partial,
        eligible: &|shard, row| eligible[shard as usize].get(row as usize),
        texts: &texts,
        memory: context.memory / 4,
        parallel: &|n, work| context.pool.parallel(n, work),
    };
    dedup::resolve(&context.plan().dedup, &mut corpus)
}

/// A small table of ours as one batch.
fn read_whole(context: &Context<'_>, path: &str) -> Result<Batch> {
    context.store.table(path)?.concat()
}

/// Gives the strings of `column` for documents named by ascending ordinals; reads only the shards they are in.
fn look_up(context: &Context<'_>, wanted: &[u64], column: &schema::Column, give: &mut dyn FnMut(u64, &str) -> Result<()>) -> Result<()> {
    let mut at = 0;
    while at < wanted.len() {
        context.stop.check()?;
        let shard = shard_of(wanted[at]);
        let end = at + wanted[at..].partition_point(|&other| shard_of(other) == shard);
        let mut base = 0_u64;
        for batch in context.store.table_columns(&layout::annotated(shard), Some(&[column.name]), LOOKUP_ROWS)? {
            let batch = batch?;
            let values = strings(&batch, column)?;
            while at < end && u64::from(row_of(wanted[at])) < base + batch.num_rows() as u64 {
                let row = u64::from(row_of(wanted[at])) - base;
                give(wanted[at], values.value(row as usize))?;
                at += 1;
            }
            base += batch.num_rows() as u64;
            if at == end {
                break;
            }
        }
        if at < end {
            return Err(Error::internal("a document that a verdict names does not exist"));
        }
    }
    Ok(())
}

/// Bytes of the longest text of a shard.
pub(super) fn longest_text(context: &Context<'_>, shard: u64) -> Result<usize> {
    let mut longest = 0;
    for batch in context.store.table_columns(&layout::sketches(shard), Some(&[TEXT_BYTES.name]), 1 << 16)? {
        longest = longest.max(column(&batch?, &TEXT_BYTES)?.as_primitive::<UInt32Type>().values().iter().copied().max().unwrap_or(0));
    }
    Ok(longest as usize)
}

fn loads(context: &Context<'_>, shards: u64, eligible: &[Bits], verdicts: &Verdicts) -> Result<Vec<Load>> {
    per_shard(context, shards, &|shard| {
        let mut removed = verdicts.of_shard(shard).iter().filter(|affected| matches!(affected.verdict, Verdict::Removed { .. })).peekable();
        let partial = read_whole(context, &layout::sketches(shard))?;
        let mut load = Load::default();
        for (row, &size) in column(&partial, &TEXT_BYTES)?.as_primitive::<UInt32Type>().values().iter().enumerate() {
            let goes = removed.next_if(|affected| row_of(affected.ordinal) as usize == row).is_some();
            let one = (1, u64::from(size));
            let kept = if goes || !eligible[shard as usize].get(row) { (0, 0) } else { one };
            load = load.plus(Load { kept, all: one });
        }
        Ok(load)
    })
}

/// The ids of the documents that stand for others.
fn anchor_ids(context: &Context<'_>, verdicts: &Verdicts) -> Result<Batch> {
    let anchor = |affected: &&Affected| matches!(affected.verdict, Verdict::Anchor { .. });
    let anchors: Vec<u64> = verdicts.affected().iter().filter(anchor).map(|affected| affected.ordinal).collect();
    let mut ids = Vec::with_capacity(anchors.len());
    look_up(context, &anchors, &schema::DOC_ID, &mut |_, id| {
        ids.push(id.to_owned());
        Ok(())
    })?;
    let fields = vec![Field::new("anchor", DataType::UInt64, false), Field::new("doc_id", DataType::Utf8, false)];
    let columns: Vec<ArrayRef> = vec![Arc::new(UInt64Array::from(anchors)), Arc::new(StringArray::from(ids))];
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

fn read(context: &Context<'_>, parts: Vec<(u64, u64)>) -> Result<Duplicates> {
    let verdicts = Verdicts::from_batch(&read_whole(context, layout::VERDICTS)?)?;
    let mut found = Duplicates { verdicts, parts, ..Duplicates::default() };
    for batch in context.store.table(layout::ANCHORS)? {
        let batch = batch?;
        found.anchors.extend(batch.column(0).as_primitive::<UInt64Type>().values());
        found.anchor_ids.extend(batch.column(1).as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    Ok(found)
}
