//! The first pass: read, decode, normalise, segment, annotate. One table and one partial of the duplicate search a shard.
//!
//! Nothing is dropped here. What cannot be read is listed in the shard's entry and becomes `quarantine.jsonl`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parquet::basic::Encoding;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use serde::{Deserialize, Serialize};

use super::observer::{Progress, Unit};
use super::registry::Stages;
use super::run::Context;
use super::work::Entry;
use crate::corpus::{BatchBuilder, Framer, InputFile, InputTally, RawShard};
use crate::error::Result;
use crate::io::{FileEntry, TableWriter};
use crate::quarantine::Quarantined;
use crate::schema;
use crate::stage::{Absorber, Batch, Counts, Fold, Stage, Worker, strings};

/// Name of the pass.
pub(super) const PASS: &str = "annotate";
/// Columns only the stages of this pass need.
const TRANSIENT: &[&str] = &[schema::MORPHEME_POS.name, schema::MORPHEME_WORD.name, schema::SENTENCE_ENDS.name];

/// What the entry of a shard says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShardFacts {
    /// Documents in the table.
    pub documents: u64,
    /// Bytes of their text as read.
    pub text_bytes: u64,
    /// Records that could not be read.
    pub quarantined: Vec<Quarantined>,
    /// Tally an input, by input index.
    pub inputs: Vec<(u32, InputTally)>,
    /// What the stages counted.
    pub counts: Counts,
}

/// Path of a shard's table, relative to OUT.
pub(super) fn table_path(shard: u64) -> String {
    format!(".work/{PASS}/documents/{shard:08}.parquet")
}

/// Path of a shard's partial of the duplicate search, relative to OUT.
pub(super) fn partial_path(shard: u64) -> String {
    format!(".work/{PASS}/sketches/{shard:08}.parquet")
}

fn unit(shard: u64) -> String {
    format!("{shard:08}")
}

/// Runs the pass, or what is left of it; gives the number of shards.
pub(super) fn run(context: &Context<'_>, inputs: &Arc<[InputFile]>) -> Result<u64> {
    if let Some(end) = context.work.committed::<u64>(PASS, "end")?
        && context.work.missing::<ShardFacts>(PASS, (0..end.payload).map(unit))?.is_empty()
    {
        return Ok(end.payload);
    }
    let total = inputs.iter().map(|input| input.bytes).sum();
    let progress = Progress::start(context.observer, PASS, Unit::Bytes, total);
    let mut framer = Framer::new(inputs.clone(), &context.plan.input, context.cut());
    let shards = AtomicU64::new(0);
    let mut position = 0;
    let mut next = || -> Result<Option<(RawShard, u64)>> {
        while let Some(shard) = framer.next_shard()? {
            shards.fetch_add(1, Ordering::Relaxed);
            let read = framer.position() - position;
            position += read;
            let Some(done) = facts(context, shard.index)? else { return Ok(Some((shard, read))) };
            progress.add(read, done.documents, done.text_bytes);
        }
        Ok(None)
    };
    let work = |worker: &mut ShardWorker<'_>, (shard, read): (RawShard, u64)| {
        let done = worker.shard(context, &shard)?;
        progress.add(read, done.documents, done.text_bytes);
        Ok(())
    };
    context.pool.for_each(context.stop, &mut next, &|| ShardWorker::new(context.stages), &work)?;
    let shards = shards.into_inner();
    context.work.commit(PASS, "end", &Entry::new(vec![], shards))?;
    context.took(PASS, progress.finish());
    Ok(shards)
}

/// What is known of a finished shard.
pub(super) fn facts(context: &Context<'_>, shard: u64) -> Result<Option<ShardFacts>> {
    Ok(context.work.committed::<ShardFacts>(PASS, &unit(shard))?.map(|entry| entry.payload))
}

/// A stage at work.
struct StageWorker<'a> {
    stage: &'a dyn Stage,
    worker: Box<dyn Worker + 'a>,
    /// Columns that no later stage reads.
    done_with: Vec<&'static str>,
}

/// The scratch of one thread: a worker a stage.
struct ShardWorker<'a> {
    workers: Vec<StageWorker<'a>>,
    sketcher: &'a dyn Fold,
    counts: Counts,
}

impl<'a> ShardWorker<'a> {
    fn new(stages: &'a Stages) -> Self {
        let read_after = |i: usize, column: &str| {
            stages.annotate[i + 1..].iter().any(|stage| stage.contract().reads.iter().any(|read| read.name == column))
        };
        let worker = |(i, stage): (usize, &'a dyn Stage)| StageWorker {
            stage,
            worker: stage.worker(),
            done_with: TRANSIENT.iter().copied().filter(|column| !read_after(i, column)).collect(),
        };
        Self {
            workers: stages.annotate.iter().map(AsRef::as_ref).enumerate().map(worker).collect(),
            sketcher: stages.sketcher.as_ref(),
            counts: Counts::new(),
        }
    }

    /// One shard from raw bytes to its committed entry.
    fn shard(&mut self, context: &Context<'_>, raw: &RawShard) -> Result<ShardFacts> {
        let name = unit(raw.index);
        let staging = context.work.staging();
        let mut builder = BatchBuilder::new(context.inputs.clone(), &context.plan.input.source);
        let empty = context.stages.annotate_empty();
        let table = TableWriter::create(staging, &format!("{PASS}-{name}"), kept_columns(&empty)?.schema(), table_properties())?;
        let mut open = OpenShard { table, absorber: self.sketcher.absorber(), facts: ShardFacts::default() };
        let outcome = raw.decode(&context.plan.input, &mut |record| {
            open.facts.text_bytes += record.text.len() as u64;
            let full = builder.push(&record)?;
            drop(record);
            full.map_or(Ok(()), |batch| self.batch(context, batch, &mut open))
        })?;
        if let Some(batch) = builder.finish()? {
            self.batch(context, batch, &mut open)?;
        }
        open.facts.inputs = outcome.tallies;
        open.facts.quarantined = outcome.quarantined;
        self.take_counts();
        open.facts.counts = std::mem::take(&mut self.counts);
        context.check_unchanged(open.facts.inputs.iter().map(|(input, _)| *input))?;
        open.commit(context, raw.index)
    }

    /// One batch through all stages into the open table. One with a huge text goes alone, and no scratch that it made large
    /// outlives its stage.
    fn batch(&mut self, context: &Context<'_>, mut batch: Batch, open: &mut OpenShard<'_>) -> Result<()> {
        let mut pass = context.gate.enter(text_bytes(&batch)?);
        for i in 0..self.workers.len() {
            batch = without(&self.workers[i].worker.apply(batch)?, &self.workers[i].done_with)?;
            pass = context.gate.stay(pass, text_bytes(&batch)?);
            if pass.is_alone() {
                self.take_counts();
                self.workers[i].worker = self.workers[i].stage.worker();
            }
        }
        open.take(&batch, context)
    }

    fn take_counts(&mut self) {
        for StageWorker { stage, worker, .. } in &mut self.workers {
            for (name, n) in worker.take_counts() {
                *self.counts.entry(format!("{}.{name}", stage.name())).or_default() += n;
            }
        }
    }
}

/// Bytes of the texts of a batch.
pub(super) fn text_bytes(batch: &Batch) -> Result<usize> {
    let offsets = strings(batch, &schema::TEXT)?.value_offsets();
    Ok(offsets.last().zip(offsets.first()).map_or(0, |(end, start)| (end - start) as usize))
}

/// The batch without some columns.
fn without(batch: &Batch, columns: &[&str]) -> Result<Batch> {
    let schema = batch.schema();
    let kept: Vec<usize> = (0..schema.fields().len()).filter(|&i| !columns.contains(&schema.field(i).name().as_str())).collect();
    Ok(batch.project(&kept)?)
}

/// A shard being written.
struct OpenShard<'a> {
    table: TableWriter,
    absorber: Box<dyn Absorber + 'a>,
    facts: ShardFacts,
}

impl OpenShard<'_> {
    fn take(&mut self, batch: &Batch, context: &Context<'_>) -> Result<()> {
        context.stop.check()?;
        self.facts.documents += batch.num_rows() as u64;
        self.absorber.push(batch)?;
        self.table.write(&kept_columns(batch)?)
    }

    fn commit(self, context: &Context<'_>, shard: u64) -> Result<ShardFacts> {
        let work = context.work;
        let table = self.table.commit(&work.output(&table_path(shard))?, table_path(shard))?;
        let partial = write_table(context, &partial_path(shard), &self.absorber.finish()?)?;
        work.commit(PASS, &unit(shard), &Entry::new(vec![table, partial], &self.facts))?;
        Ok(self.facts)
    }
}

/// Writes a table of `.work/` in one go.
pub(super) fn write_table(context: &Context<'_>, path: &str, batch: &Batch) -> Result<FileEntry> {
    let name = path.replace('/', "-");
    let mut table = TableWriter::create(context.work.staging(), &name, batch.schema(), crate::io::work_properties())?;
    table.write(batch)?;
    table.commit(&context.work.output(path)?, path.to_owned())
}

/// The columns that later passes read.
fn kept_columns(batch: &Batch) -> Result<Batch> {
    without(batch, TRANSIENT)
}

/// Fast compression; morpheme ends rise, so their differences take few bits.
fn table_properties() -> WriterProperties {
    let ends = ColumnPath::new(vec![schema::MORPHEME_ENDS.name.into(), "list".into(), "element".into()]);
    crate::io::work_properties().into_builder().set_column_encoding(ends, Encoding::DELTA_BINARY_PACKED).build()
}
