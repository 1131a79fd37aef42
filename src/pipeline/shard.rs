//! One work shard, from raw bytes to its committed entry: read, decode, normalise, segment, annotate, sketch.
//!
//! Nothing is dropped here. What cannot be read is listed in the entry and becomes `quarantine.jsonl`.

use parquet::basic::Encoding;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use serde::{Deserialize, Serialize};

use super::key::ShardKeys;
use super::layout::{self, pass};
use super::observer::Stop;
use super::pass::Facts;
use super::registry::Stages;
use super::store::Store;
use super::tables::{LIGHTER, text_bytes, write_table};
use super::work_dir::Entry;
use crate::corpus::{BatchBuilder, InputTally, Options, RawShard, ShardRef};
use crate::error::Result;
use crate::io::{TableWriter, work_properties};
use crate::quarantine::{Quarantined, escape};
use crate::schema;
use crate::stage::{Absorber, Batch, Counts, Stage, Worker, strings};

/// Columns that only the stages of this pass need.
const TRANSIENT: &[&str] = &[schema::MORPHEME_POS.name, schema::MORPHEME_WORD.name, schema::SENTENCE_ENDS.name];

/// Rows read at a time when sketches are made of known documents.
const SKETCH_ROWS: usize = 1024;

/// Bytes of a page before compression.
const PAGE_BYTES: usize = 1 << 17;

/// What the entry of a shard says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardFacts {
    /// Documents in the table.
    pub documents: u64,
    /// Bytes of their text as read.
    pub text_bytes: u64,
    /// Records that could not be read.
    pub quarantined: Vec<Quarantined>,
    /// Tally of each input, by its index from the one in which the shard begins.
    pub inputs: Vec<(u32, InputTally)>,
    /// What the stages counted.
    pub counts: Counts,
}

impl Facts for ShardFacts {
    fn documents(&self) -> u64 {
        self.documents
    }

    fn bytes(&self) -> u64 {
        self.text_bytes
    }

    fn quarantined(&self) -> u64 {
        self.quarantined.len() as u64
    }

    fn passed_over(&self) -> u64 {
        self.inputs.iter().flat_map(|(_, tally)| tally.passed_over.values()).sum()
    }
}

/// A committed work shard: the files that were made of it, and what was found in it.
pub type ShardEntry = Entry<ShardFacts>;

/// Works on one shard and commits it; gives the entry that is there if it was committed before. Needs nothing but the plan (in
/// `stages`), the shard and the directory: any process on any machine may call it, in any order, with the same bytes.
///
/// # Errors
/// The inputs cannot be read or have changed; the directory cannot be written.
pub fn run_shard(stages: &Stages, shard: &ShardRef, store: &Store) -> Result<ShardEntry> {
    let keys = store.keys(shard)?;
    if let Some(entry) = store.work.committed(pass::ANNOTATE, &keys.documents)? {
        if store.work.committed::<()>(pass::SKETCH, &keys.sketches)?.is_none() {
            store.work.commit(pass::SKETCH, &keys.sketches, &sketch(stages, &keys, store)?)?;
        }
        return Ok(entry);
    }
    let raw = store.read(&mut store.framer(stages), shard)?;
    ShardWorker::new(stages).run(&raw, &keys, store, &Stop::default())
}

/// The sketches of a shard whose documents are there.
pub(super) fn sketch(stages: &Stages, keys: &ShardKeys, store: &Store) -> Result<Entry<()>> {
    let columns: Vec<&str> = stages.sketcher.contract().reads.iter().map(|column| column.name).collect();
    let mut absorber = stages.sketcher.absorber();
    for batch in store.table_columns(&layout::annotated(&keys.documents), Some(&columns), SKETCH_ROWS)? {
        let batch = batch?;
        let _permit = store.gate.enter(text_bytes(&batch)? / LIGHTER);
        absorber.push(&batch)?;
    }
    let table = write_table(&store.work, &layout::sketches(&keys.sketches), &absorber.finish()?)?;
    Ok(Entry::new(vec![table], ()))
}

/// A stage at work.
struct StageWorker<'a> {
    stage: &'a dyn Stage,
    worker: Box<dyn Worker + 'a>,
    /// Columns that no later stage reads.
    done_with: Vec<&'static str>,
}

/// The scratch of one thread: a worker a stage.
pub(super) struct ShardWorker<'a> {
    stages: &'a Stages,
    workers: Vec<StageWorker<'a>>,
    counts: Counts,
}

/// A shard being written, and where it is written to.
struct OpenShard<'a> {
    store: &'a Store,
    stop: &'a Stop,
    table: TableWriter,
    absorber: Box<dyn Absorber + 'a>,
    facts: ShardFacts,
}

impl<'a> ShardWorker<'a> {
    pub(super) fn new(stages: &'a Stages) -> Self {
        let read_after = |i: usize, column: &str| {
            stages.annotate[i + 1..].iter().any(|stage| stage.contract().reads.iter().any(|read| read.name == column))
        };
        let worker = |(i, stage): (usize, &'a dyn Stage)| StageWorker {
            stage,
            worker: stage.worker(),
            done_with: TRANSIENT.iter().copied().filter(|column| !read_after(i, column)).collect(),
        };
        let workers = stages.annotate.iter().map(AsRef::as_ref).enumerate().map(worker).collect();
        Self { stages, workers, counts: Counts::new() }
    }

    /// One shard from raw bytes to its committed entry.
    pub(super) fn run(&mut self, raw: &RawShard, keys: &ShardKeys, store: &Store, stop: &Stop) -> Result<ShardEntry> {
        let plan = &self.stages.plan.input;
        let of_shard = store.forgotten_of(raw.shard())?;
        let forgetting = (!plan.forget.is_empty()).then(|| Options { forget: of_shard, ..plan.clone() });
        let input = forgetting.as_ref().unwrap_or(plan);
        let mut builder = BatchBuilder::new(store.inputs.files.clone(), &input.source);
        let schema = without(&self.stages.annotate_empty(), TRANSIENT)?.schema();
        let table =
            TableWriter::create(store.work.staging(), &format!("{}-{}", pass::ANNOTATE, keys.documents), schema, table_properties())?;
        let absorber = self.stages.sketcher.absorber();
        let mut open = OpenShard { store, stop, table, absorber, facts: ShardFacts::default() };
        let outcome = raw.decode(input, &mut |record| {
            open.facts.text_bytes += record.text.len() as u64;
            let full = builder.push(&record)?;
            drop(record);
            full.map_or(Ok(()), |batch| self.batch(batch, &mut open))
        })?;
        if let Some(batch) = builder.finish()? {
            self.batch(batch, &mut open)?;
        }
        open.facts.inputs = outcome.tallies;
        open.facts.quarantined = outcome.quarantined;
        self.take_counts();
        open.facts.counts = std::mem::take(&mut self.counts);
        store.inputs.check_unchanged(open.facts.inputs.iter().map(|(input, _)| *input))?;
        for (input, _) in &mut open.facts.inputs {
            *input -= raw.shard().start.input;
        }
        open.commit(keys)
    }

    /// One batch through all stages into the open table. One with a huge text goes alone, and no scratch that it made large
    /// outlives its stage.
    fn batch(&mut self, mut batch: Batch, open: &mut OpenShard<'_>) -> Result<()> {
        let gate = &open.store.gate;
        let mut permit = gate.enter(text_bytes(&batch)?);
        gate.check(text_bytes(&batch)?, &|| first_document(&batch))?;
        for i in 0..self.workers.len() {
            batch = without(&self.workers[i].worker.apply(batch)?, &self.workers[i].done_with)?;
            permit = gate.stay(permit, text_bytes(&batch)?);
            gate.check(text_bytes(&batch)?, &|| first_document(&batch))?;
            if permit.is_alone() {
                self.take_counts();
                self.workers[i].worker = self.workers[i].stage.worker();
            }
        }
        open.take(&batch)
    }

    fn take_counts(&mut self) {
        for StageWorker { stage, worker, .. } in &mut self.workers {
            for (name, n) in worker.take_counts() {
                *self.counts.entry(format!("{}.{name}", stage.name())).or_default() += n;
            }
        }
    }
}

impl OpenShard<'_> {
    fn take(&mut self, batch: &Batch) -> Result<()> {
        self.stop.check()?;
        self.facts.documents += batch.num_rows() as u64;
        self.absorber.push(batch)?;
        self.table.write(&without(batch, TRANSIENT)?)
    }

    fn commit(self, keys: &ShardKeys) -> Result<ShardEntry> {
        let work = &self.store.work;
        let path = layout::annotated(&keys.documents);
        let target = work.output(&path)?;
        let table = work.writing.time(|| self.table.commit(&target, path))?;
        let sketches = write_table(work, &layout::sketches(&keys.sketches), &self.absorber.finish()?)?;
        work.commit(pass::SKETCH, &keys.sketches, &Entry::new(vec![sketches], ()))?;
        let entry = Entry::new(vec![table], self.facts);
        work.commit(pass::ANNOTATE, &keys.documents, &entry)?;
        Ok(entry)
    }
}

/// Where the first document of a batch is from, and what it is called.
fn first_document(batch: &Batch) -> String {
    let of = |column| strings(batch, column).ok().filter(|_| batch.num_rows() > 0).map(|values| escape(values.value(0), 200));
    format!("{}: document {}", of(&schema::FILE).unwrap_or_default(), of(&schema::DOC_ID).unwrap_or_default())
}

/// The batch without some columns.
fn without(batch: &Batch, columns: &[&str]) -> Result<Batch> {
    let schema = batch.schema();
    let kept: Vec<usize> = (0..schema.fields().len()).filter(|&i| !columns.contains(&schema.field(i).name().as_str())).collect();
    Ok(batch.project(&kept)?)
}

/// Fast compression; morpheme ends rise, so their differences take few bits. Pages are small, so that a few texts can be read without the others.
fn table_properties() -> WriterProperties {
    let ends = ColumnPath::new(vec![schema::MORPHEME_ENDS.name.into(), "list".into(), "element".into()]);
    let properties = work_properties().into_builder().set_column_encoding(ends, Encoding::DELTA_BINARY_PACKED);
    properties.set_data_page_size_limit(PAGE_BYTES).build()
}
