//! Finds duplicates among the records of files, without a run: what a run's search would find among the same documents.
//!
//! Records are read once and held, or where they are more than a share of the memory put aside as tables beside the output; from there come the
//! texts of candidates, and in the end, in their order, the records with what was found.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{AsArray, UInt64Array};
use arrow::datatypes::UInt64Type;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use rustc_hash::FxHashMap;

use super::gate::Gate;
use super::observer::{Progress, Quantity, Watch};
use super::plan::Plan;
use super::pool::Pool;
use super::reading::Reading;
use super::registry;
use super::tables::text_bytes;
use crate::corpus::{BatchBuilder, InputFile, Outcome, RawShard};
use crate::dedup::{self, Affected, Corpus, Kind, Sketcher, Verdict, Verdicts, row_of, shard_of};
use crate::error::{Error, Result};
use crate::io::{Dir, Place, Staging, TableWriter, open_table, open_table_rows, open_table_within, work_properties};
use crate::quarantine::Quarantined;
use crate::schema::{self, Column};
use crate::shard::PartWriter;
use crate::stage::{Batch, BatchIter, Fold, Stage, Worker, column, strings};

/// Rows and bytes of a batch that is read again.
const BATCH: (usize, u64) = (1024, 4 << 20);
/// The share of the memory that records may take.
const HELD: u64 = 4;
/// Memory of the program and its tables, and of a worker with its work shard and what is made of it.
const BASE_BYTES: u64 = 48 << 20;
const WORKER_BYTES: u64 = 96 << 20;

/// What is searched, and how.
#[derive(Debug)]
pub struct DedupFiles<'a> {
    /// `[input]`, `[normalize]` and `[dedup]` are followed.
    pub plan: &'a Plan,
    /// The files, in their order.
    pub inputs: Arc<[InputFile]>,
    /// A directory for what is put aside, which is the caller's to remove.
    pub scratch: &'a Dir,
    /// Bytes of memory that may be used.
    pub memory: u64,
}

/// What a document is called, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Its id.
    pub doc_id: String,
    /// The file that it was read from.
    pub file: String,
    /// Its place in the file: bytes of decoded text before it, or in a table the rows before it.
    pub offset: u64,
}

/// What was found of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It stays.
    Kept {
        /// 1 + the documents that it stands for.
        size: u32,
    },
    /// It goes.
    Duplicate {
        /// Why.
        kind: Kind,
        /// The Jaccard similarity of both.
        jaccard: f32,
        /// The kept document that it duplicates.
        of: Arc<Name>,
    },
}

/// How many there were.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// Documents.
    pub documents: u64,
    /// Bytes of their text.
    pub bytes: u64,
    /// Of them, those with the text of another.
    pub exact: u64,
    /// Those that are nearly another.
    pub near: u64,
    /// What could not be read, in the order of the inputs.
    pub quarantined: Vec<Quarantined>,
    /// Records that the sample left out.
    pub left_out: u64,
}

/// A work shard that was read.
#[derive(Debug, Default)]
struct Aside {
    documents: u64,
    bytes: u64,
    /// Its records and their sketches, if there was room.
    held: Option<(Vec<Batch>, Batch)>,
}

impl DedupFiles<'_> {
    /// Searches on as many threads as memory allows. `form` makes something of a batch of records (the columns of
    /// [`corpus`](crate::corpus::COLUMNS), texts as they were read) and their fates, on any thread; `take` is given that in the order of the
    /// records.
    ///
    /// # Errors
    /// Those of the plan, the machine and the inputs, and of both closures.
    pub fn run<T: Send>(
        &self,
        pool: &Pool,
        watch: Watch<'_>,
        form: &(dyn Fn(&Batch, &[Fate]) -> Result<T> + Sync),
        take: &mut dyn FnMut(T) -> Result<()>,
    ) -> Result<Searched> {
        self.plan.dedup.check().map_err(Error::refused)?;
        let staging = Staging::within(self.scratch.clone());
        let steps = registry::some(self.plan, Path::new("."), &["normalize"])?.stages;
        let (gate, held) = (Gate::within(self.memory), AtomicU64::new(0));
        let search = Search { job: self, pool, watch, staging: &staging, steps: &steps, gate, held };
        let (mut searched, shards) = search.put_aside()?;
        let verdicts = search.resolve(&shards)?;
        for affected in verdicts.affected() {
            match affected.verdict {
                Verdict::Removed { kind: Kind::Exact, .. } => searched.exact += 1,
                Verdict::Removed { kind: Kind::Near, .. } => searched.near += 1,
                Verdict::Anchor { .. } => {}
            }
        }
        search.give(&shards, &verdicts, form, take)?;
        Ok(searched)
    }

    /// As many workers as memory allows, at least one.
    fn workers(&self, pool: &Pool) -> usize {
        let affordable = self.memory.saturating_sub(BASE_BYTES) / WORKER_BYTES;
        pool.threads().min(usize::try_from(affordable).unwrap_or(usize::MAX)).max(1)
    }
}

struct Search<'a> {
    job: &'a DedupFiles<'a>,
    pool: &'a Pool,
    watch: Watch<'a>,
    staging: &'a Staging,
    steps: &'a [Box<dyn Stage>],
    gate: Gate,
    /// Bytes of records that are held.
    held: AtomicU64,
}

impl Search<'_> {
    fn records(&self, shard: u64) -> Place {
        self.job.scratch.at(format!("records-{shard}.parquet"))
    }

    fn sketches(&self, shard: u64) -> Place {
        self.job.scratch.at(format!("sketches-{shard}.parquet"))
    }

    /// Reads everything, a few work shards at a time.
    fn put_aside(&self) -> Result<(Searched, Vec<Aside>)> {
        let mut reading = Reading::start(self.job.plan, &self.job.inputs, self.watch, "sketch");
        let (mut searched, mut shards) = (Searched::default(), Vec::new());
        let sketcher = Sketcher::new(&self.job.plan.dedup);
        loop {
            let wave = (0..self.job.workers(self.pool)).map_while(|_| reading.next_shard().transpose()).collect::<Result<Vec<_>>>()?;
            if wave.is_empty() {
                break;
            }
            let work = |raw: RawShard| {
                let shard = raw.shard().index;
                self.put_shard_aside(shard, &sketcher, &raw)
            };
            for (aside, outcome) in self.side_by_side(wave, &work)? {
                searched.documents += aside.documents;
                searched.bytes += aside.bytes;
                searched.left_out += outcome.tallies.iter().map(|(_, tally)| tally.left_out).sum::<u64>();
                searched.quarantined.extend(outcome.quarantined);
                shards.push(aside);
            }
        }
        reading.finish();
        Ok((searched, shards))
    }

    /// Sketches the records of a work shard, and holds them or writes them.
    fn put_shard_aside(&self, shard: u64, sketcher: &Sketcher, raw: &RawShard) -> Result<(Aside, Outcome)> {
        let mut workers: Vec<_> = self.steps.iter().map(|step| step.worker()).collect();
        let mut absorber = sketcher.absorber();
        let (mut aside, mut batches, mut memory) = (Aside::default(), Vec::new(), 0);
        let mut take = |batch: Option<Batch>| -> Result<()> {
            let Some(batch) = batch else { return Ok(()) };
            let _permit = self.gate.enter(text_bytes(&batch)?);
            aside.documents += batch.num_rows() as u64;
            aside.bytes += text_bytes(&batch)? as u64;
            memory += batch.get_array_memory_size() as u64;
            batches.push(batch.clone());
            absorber.push(&normalised(&mut workers, batch)?)
        };
        let mut builder = BatchBuilder::new(Arc::clone(&self.job.inputs), &self.job.plan.input.source);
        let outcome = raw.decode(&self.job.plan.input, &mut |record| take(builder.push(&record)?))?;
        take(builder.finish()?)?;
        let sketches = absorber.finish()?;
        memory += sketches.get_array_memory_size() as u64;
        if self.held.fetch_add(memory, Ordering::Relaxed) + memory <= self.job.memory / HELD {
            aside.held = Some((batches, sketches));
            return Ok((aside, outcome));
        }
        self.held.fetch_sub(memory, Ordering::Relaxed);
        let mut records = PartWriter::create(self.staging, &format!("records-{shard}"), crate::corpus::empty_batch().schema(), plain())?;
        batches.iter().try_for_each(|batch| records.write(batch))?;
        records.commit(&self.records(shard), String::new())?;
        let mut table = TableWriter::create(self.staging, &format!("sketches-{shard}"), sketches.schema(), work_properties())?;
        table.write(&sketches)?;
        table.commit(&self.sketches(shard), String::new())?;
        Ok((aside, outcome))
    }

    fn resolve(&self, shards: &[Aside]) -> Result<Verdicts> {
        let progress = Progress::start(self.watch.observer, "resolve", Quantity::Steps, 1);
        let mut partial = |shard: u64| -> Result<Batch> {
            self.watch.stop.check()?;
            match &shards[shard as usize].held {
                Some((_, sketches)) => Ok(sketches.clone()),
                None => open_table(&self.sketches(shard), None, 1 << 16)?.concat(),
            }
        };
        let texts = |wanted: &[u64], give: &mut dyn FnMut(u64, &str) -> Result<()>| {
            let mut workers: Vec<_> = self.steps.iter().map(|step| step.worker()).collect();
            self.look_up(shards, wanted, &[schema::TEXT], &mut |ordinals, batch| {
                let batch = normalised(&mut workers, batch)?;
                ordinals
                    .iter()
                    .zip(strings(&batch, &schema::TEXT)?.iter())
                    .try_for_each(|(&ordinal, text)| give(ordinal, text.unwrap_or("")))
            })
        };
        let mut corpus = Corpus {
            shards: shards.len() as u64,
            documents: shards.iter().map(|shard| shard.documents).sum(),
            partial: &mut partial,
            eligible: &|_, _| true,
            texts: &texts,
            // A set of shingles is many times as large as its text.
            admit: &|bytes, work| {
                let _permit = self.gate.enter(bytes);
                work();
            },
            memory: self.job.memory / 4,
            disk: shards.iter().map(|shard| shard.bytes).sum(),
            staging: self.staging,
            parallel: &|n, work| self.pool.parallel(n, work),
        };
        let verdicts = dedup::resolve(&self.job.plan.dedup, &mut corpus)?;
        progress.add(1, 0, 0);
        progress.finish();
        Ok(verdicts)
    }

    /// Gives rows of a work shard, named by ascending ordinals, batch by batch.
    fn look_up(
        &self,
        shards: &[Aside],
        wanted: &[u64],
        columns: &[Column],
        give: &mut dyn FnMut(&[u64], Batch) -> Result<()>,
    ) -> Result<()> {
        let Some(&first) = wanted.first() else { return Ok(()) };
        self.watch.stop.check()?;
        let rows: Vec<usize> = wanted.iter().map(|&ordinal| row_of(ordinal) as usize).collect();
        let mut rest = wanted;
        let found: BatchIter<'_> = if let Some((batches, _)) = &shards[shard_of(first) as usize].held {
            Box::new(some_rows(batches, columns, rows))
        } else {
            let columns: Vec<&str> = columns.iter().map(|column| column.name).collect();
            Box::new(open_table_rows(&self.records(shard_of(first)), &columns, &rows, BATCH.0, BATCH.1)?)
        };
        for batch in found {
            let batch = batch?;
            let Some((these, others)) = rest.split_at_checked(batch.num_rows()) else { break };
            give(these, batch)?;
            rest = others;
        }
        if rest.is_empty() { Ok(()) } else { Err(Error::internal("a document that a verdict names does not exist")) }
    }

    /// What the documents are called that others duplicate.
    fn names(&self, shards: &[Aside], verdicts: &Verdicts) -> Result<FxHashMap<u64, Arc<Name>>> {
        let stands = |affected: &&Affected| matches!(affected.verdict, Verdict::Anchor { .. });
        let anchors: Vec<u64> = verdicts.affected().iter().filter(stands).map(|affected| affected.ordinal).collect();
        let mut names = FxHashMap::default();
        for of_shard in anchors.chunk_by(|a, b| shard_of(*a) == shard_of(*b)) {
            self.look_up(shards, of_shard, &[schema::DOC_ID, schema::FILE, schema::OFFSET], &mut |ordinals, batch| {
                let (ids, files) = (strings(&batch, &schema::DOC_ID)?, strings(&batch, &schema::FILE)?);
                let offsets = column(&batch, &schema::OFFSET)?.as_primitive::<UInt64Type>();
                for (row, &ordinal) in ordinals.iter().enumerate() {
                    let name = Name { doc_id: ids.value(row).to_owned(), file: files.value(row).to_owned(), offset: offsets.value(row) };
                    names.insert(ordinal, Arc::new(name));
                }
                Ok(())
            })?;
        }
        Ok(names)
    }

    /// Gives every record with its fate.
    fn give<T: Send>(
        &self,
        shards: &[Aside],
        verdicts: &Verdicts,
        form: &(dyn Fn(&Batch, &[Fate]) -> Result<T> + Sync),
        take: &mut dyn FnMut(T) -> Result<()>,
    ) -> Result<()> {
        let names = self.names(shards, verdicts)?;
        let progress = Progress::start(self.watch.observer, "write", Quantity::Bytes, shards.iter().map(|shard| shard.bytes).sum());
        let formed = |shard: u64| {
            let mut of_shard = verdicts.of_shard(shard).iter().peekable();
            let (mut formed, mut base) = (Vec::new(), 0);
            let all: BatchIter<'_> = match &shards[shard as usize].held {
                Some((batches, _)) => Box::new(batches.iter().map(|batch| Ok(batch.clone()))),
                None => Box::new(open_table_within(&self.records(shard), None, BATCH.0, BATCH.1)?),
            };
            for batch in all {
                self.watch.stop.check()?;
                let batch = batch?;
                let fate = |row: u32| match of_shard.next_if(|affected| row_of(affected.ordinal) == row) {
                    Some(affected) => fate(*affected, &names),
                    None => Ok(Fate::Kept { size: 1 }),
                };
                let end = base + batch.num_rows() as u32;
                formed.push(form(&batch, &(base..end).map(fate).collect::<Result<Vec<_>>>()?)?);
                base = end;
            }
            Ok(formed)
        };
        let all: Vec<u64> = (0..shards.len() as u64).collect();
        for wave in all.chunks(self.job.workers(self.pool)) {
            for (formed, &shard) in self.side_by_side(wave.to_vec(), &formed)?.into_iter().zip(wave) {
                formed.into_iter().try_for_each(&mut *take)?;
                let Aside { documents, bytes, .. } = &shards[shard as usize];
                progress.add(*bytes, *documents, *bytes);
            }
        }
        progress.finish();
        Ok(())
    }

    /// Runs `work` on all of them, on all threads; the results in order.
    fn side_by_side<U: Send, T: Send>(&self, all: Vec<U>, work: &(dyn Fn(U) -> Result<T> + Sync)) -> Result<Vec<T>> {
        self.pool.map(all, &|one| self.watch.stop.check().and_then(|()| work(one)))?.into_iter().collect()
    }
}

fn fate(affected: Affected, names: &FxHashMap<u64, Arc<Name>>) -> Result<Fate> {
    Ok(match affected.verdict {
        Verdict::Anchor { size } => Fate::Kept { size },
        Verdict::Removed { kind, jaccard, duplicate_of } => {
            let of = names.get(&duplicate_of).cloned().ok_or_else(|| Error::internal("a duplicate of a document without a name"))?;
            Fate::Duplicate { kind, jaccard, of }
        }
    })
}

/// Some columns of some rows of batches that follow each other; the rows ascend.
fn some_rows<'b>(batches: &'b [Batch], columns: &'b [Column], rows: Vec<usize>) -> impl Iterator<Item = Result<Batch>> + 'b {
    let (mut rest, mut base) = (rows.into_iter().peekable(), 0);
    batches.iter().filter_map(move |batch| {
        let end = base + batch.num_rows();
        let of_batch: UInt64Array = std::iter::from_fn(|| rest.next_if(|&row| row < end)).map(|row| Some((row - base) as u64)).collect();
        base = end;
        let taken = || {
            let indices =
                columns.iter().map(|column| batch.schema_ref().index_of(column.name)).collect::<std::result::Result<Vec<_>, _>>()?;
            Ok(arrow::compute::take_record_batch(&batch.project(&indices)?, &of_batch)?)
        };
        (!of_batch.is_empty()).then(taken)
    })
}

fn normalised(workers: &mut [Box<dyn Worker + '_>], batch: Batch) -> Result<Batch> {
    workers.iter_mut().try_fold(batch, |batch, worker| worker.apply(batch))
}

/// Records are written and read once or twice: what compresses fast.
fn plain() -> WriterProperties {
    work_properties().into_builder().set_compression(Compression::LZ4_RAW).build()
}
