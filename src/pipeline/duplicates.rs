//! The first fold: which documents repeat which. Only documents that pass the quality rules take part, so a document is
//! never dropped in favour of one that is dropped itself.

use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, UInt32Type, UInt64Type};
use serde::{Deserialize, Serialize};

use super::annotate::{self, partial_path, table_path};
use super::observer::{Progress, Unit};
use super::run::Context;
use super::work::Entry;
use crate::dedup::{self, Affected, Corpus, TEXT_BYTES, Verdict, Verdicts, row_of, shard_of};
use crate::error::{Error, Result};
use crate::io::{open_table, read_table};
use crate::schema;
use crate::stage::{Batch, column, strings};

/// Name of the pass.
pub(super) const PASS: &str = "dedup";
const VERDICTS: &str = ".work/dedup/verdicts.parquet";
const ANCHORS: &str = ".work/dedup/anchors.parquet";
/// Rows read at a time when texts are looked up.
const LOOKUP_ROWS: usize = 1024;

/// What became of the documents that repeat others or are repeated; all others are unique.
#[derive(Debug, Default)]
pub(super) struct Fates {
    verdicts: Verdicts,
    anchors: Vec<u64>,
    anchor_ids: Vec<String>,
    /// Output parts as ranges of shards.
    pub parts: Vec<(u64, u64)>,
}

impl Fates {
    /// The fates of one shard, by row.
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

/// Runs the fold, or reads what it concluded before.
pub(super) fn run(context: &Context<'_>, shards: u64) -> Result<Fates> {
    if let Some(entry) = context.work.committed::<FoldFacts>(PASS, "fold")? {
        return read(context, entry.payload.parts);
    }
    let progress = Progress::start(context.observer, PASS, Unit::Steps, 3);
    let eligible = eligible(context, shards)?;
    progress.add(1, 0, 0);
    let verdicts = resolve(context, shards, &eligible)?;
    progress.add(1, 0, 0);
    let loads = loads(context, shards, &eligible, &verdicts)?;
    let parts = plan_parts(&loads, u64::from(context.plan.shards.rows_max), context.plan.shards.bytes_max);
    let files = vec![
        annotate::write_table(context, VERDICTS, &verdicts.to_batch()?)?,
        annotate::write_table(context, ANCHORS, &anchor_ids(context, &verdicts)?)?,
    ];
    context.work.commit(PASS, "fold", &Entry::new(files, FoldFacts { parts: parts.clone() }))?;
    progress.add(1, 0, 0);
    context.took(PASS, progress.finish());
    read(context, parts)
}

/// For each shard, which rows pass the quality rules.
fn eligible(context: &Context<'_>, shards: u64) -> Result<Vec<Bits>> {
    let columns = [schema::SOURCE.name, schema::QUALITY.name, schema::REGISTER.name];
    per_shard(context, shards, &|shard| {
        let mut rows = Bits::default();
        for batch in open_table(&context.work.out().join(table_path(shard)), Some(&columns), LOOKUP_ROWS)? {
            let batch = batch?;
            let rejections = context.stages.decider.judge(&batch)?;
            for row in 0..batch.num_rows() as u32 {
                rows.push(rejections.of(row).is_none());
            }
        }
        Ok(rows)
    })
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
        read_whole(context, &partial_path(shard))
    };
    let texts = |wanted: &[u64], give: &mut dyn FnMut(u64, &str) -> Result<()>| {
        look_up(context, wanted, &schema::TEXT, &mut |ordinal, text| {
            // A set of shingles is many times as large as its text.
            let _pass = context.gate.enter(text.len());
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
    dedup::resolve(&context.plan.dedup, &mut corpus)
}

/// A small table of ours as one batch.
fn read_whole(context: &Context<'_>, path: &str) -> Result<Batch> {
    open_table(&context.work.out().join(path), None, 1 << 16)?.concat()
}

/// Gives the strings of `column` for documents named by ascending ordinals; reads only the shards they are in.
fn look_up(context: &Context<'_>, wanted: &[u64], column: &schema::Column, give: &mut dyn FnMut(u64, &str) -> Result<()>) -> Result<()> {
    let mut at = 0;
    while at < wanted.len() {
        context.stop.check()?;
        let shard = shard_of(wanted[at]);
        let end = at + wanted[at..].partition_point(|&other| shard_of(other) == shard);
        let mut base = 0_u64;
        for batch in open_table(&context.work.out().join(table_path(shard)), Some(&[column.name]), LOOKUP_ROWS)? {
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
    for batch in open_table(&context.work.out().join(partial_path(shard)), Some(&[TEXT_BYTES.name]), 1 << 16)? {
        longest = longest.max(column(&batch?, &TEXT_BYTES)?.as_primitive::<UInt32Type>().values().iter().copied().max().unwrap_or(0));
    }
    Ok(longest as usize)
}

/// What a work shard brings to an output part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Load {
    /// Rows that are kept, and bytes of their text.
    kept: (u64, u64),
    /// All rows, and bytes of their text.
    all: (u64, u64),
}

impl Load {
    fn plus(self, more: Self) -> Self {
        let add = |a: (u64, u64), b: (u64, u64)| (a.0 + b.0, a.1 + b.1);
        Self { kept: add(self.kept, more.kept), all: add(self.all, more.all) }
    }

    fn fits(self, rows_max: u64, bytes_max: u64) -> bool {
        self.kept.0 <= rows_max
            && self.kept.1 <= bytes_max
            && self.all.0 <= REJECTED_MAX * rows_max
            && self.all.1 <= REJECTED_MAX * bytes_max
    }
}

/// Rejected documents make no part large, but a part that reads too many of them is no unit of work any more.
const REJECTED_MAX: u64 = 4;

fn loads(context: &Context<'_>, shards: u64, eligible: &[Bits], verdicts: &Verdicts) -> Result<Vec<Load>> {
    per_shard(context, shards, &|shard| {
        let mut removed = verdicts.of_shard(shard).iter().filter(|affected| matches!(affected.verdict, Verdict::Removed { .. })).peekable();
        let partial = read_whole(context, &partial_path(shard))?;
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

/// Consecutive shards share an output part until it would pass a limit. Data alone decides.
fn plan_parts(loads: &[Load], rows_max: u64, bytes_max: u64) -> Vec<(u64, u64)> {
    let mut parts = Vec::new();
    let (mut from, mut sum) = (0, Load::default());
    for (shard, &load) in loads.iter().enumerate() {
        let shard = shard as u64;
        if shard > from && !sum.plus(load).fits(rows_max, bytes_max) {
            parts.push((from, shard));
            (from, sum) = (shard, Load::default());
        }
        sum = sum.plus(load);
    }
    parts.push((from, loads.len() as u64));
    parts
}

/// A bit a document: a billion documents are 125 MB.
#[derive(Debug, Default)]
struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(64) {
            self.words.push(0);
        }
        if let Some(word) = self.words.last_mut() {
            *word |= u64::from(bit) << (self.len % 64);
        }
        self.len += 1;
    }

    fn get(&self, i: usize) -> bool {
        self.words[i / 64] >> (i % 64) & 1 == 1
    }
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

fn read(context: &Context<'_>, parts: Vec<(u64, u64)>) -> Result<Fates> {
    let verdicts = Verdicts::from_batch(&read_whole(context, VERDICTS)?)?;
    let mut fates = Fates { verdicts, parts, ..Fates::default() };
    for batch in read_table(&context.work.out().join(ANCHORS), None)? {
        fates.anchors.extend(batch.column(0).as_primitive::<UInt64Type>().values());
        fates.anchor_ids.extend(batch.column(1).as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    Ok(fates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_close_before_a_limit_and_cover_every_shard() {
        let all_kept = |loads: &[(u64, u64)]| loads.iter().map(|&load| Load { kept: load, all: load }).collect::<Vec<_>>();
        assert_eq!(plan_parts(&[], 10, 100), [(0, 0)]);
        assert_eq!(plan_parts(&all_kept(&[(3, 10), (3, 10), (3, 10), (9, 10)]), 8, 100), [(0, 2), (2, 3), (3, 4)]);
        assert_eq!(plan_parts(&all_kept(&[(1, 60), (1, 60), (0, 0), (1, 500)]), 8, 100), [(0, 1), (1, 3), (3, 4)]);
        let rejected = Load { kept: (0, 0), all: (10, 10) };
        assert_eq!(plan_parts(&[rejected; 9], 8, 100), [(0, 3), (3, 6), (6, 9)]);
    }

    #[test]
    fn bits_keep_their_places() {
        let mut bits = Bits::default();
        let wanted: Vec<bool> = (0..200).map(|i| i % 3 == 0 || i == 64).collect();
        for &bit in &wanted {
            bits.push(bit);
        }
        assert!((0..200).all(|i| bits.get(i) == wanted[i]));
    }
}
