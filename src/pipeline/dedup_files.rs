//! Finds duplicates among the records of files, without a run: what a run's search would find among the same documents.
//!
//! Records are read once and held, or where they are more than a share of the memory put aside as tables beside the output; from there come the
//! texts of candidates, and in the end, in their order, the records with what was found.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{AsArray, BooleanArray, StringArray, UInt8Array, UInt64Array};
use arrow::datatypes::{UInt8Type, UInt32Type, UInt64Type};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use rustc_hash::FxHashMap;

use super::contamination::{self, Hit};
use super::cuts::{self, Cutting};
use super::dedup_index::{Index, IndexWriter, Indexed, Numbers};
use super::evaluation::{Evaluation, EvaluationSet};
use super::fates::{Conclusions, Fate, Grounds, Name};
use super::gate::Gate;
use super::names::{Asking, Names};
use super::observer::{Progress, Quantity, Watch};
use super::plan::Plan;
use super::pool::Pool;
use super::reading::Reading;
use super::registry;
use super::soundness::{SOUNDNESS, Soundness};
use super::tables::{LIGHTER, text_bytes};
use crate::corpus::{BatchBuilder, InputFile, Outcome, RawShard};
use crate::dedup::without::without;
use crate::dedup::{
    self, Affected, Contaminated, Corpus, Document, Holds, Keep, Kind, Known, PieceCorpus, Pieces, Sketcher, TEXT_BYTES, Verdict, Verdicts,
    ordinal, row_of, shard_of,
};
use crate::error::{Error, Result};
use crate::io::{Dir, Place, Staging, TableWriter, open_table, open_table_rows, open_table_within, work_properties};
use crate::quarantine::Quarantined;
use crate::schema::{self, Column};
use crate::shard::PartWriter;
use crate::stage::{Batch, BatchIter, Fold, Stage, Worker, column, list_slice, lists, strings, with_column};

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
    /// Are fixed phrases of letters, business and shops left out of what is compared? Needs the dictionary of the plan.
    pub spares_formulae: bool,
    /// What earlier searches know: its documents come before all others and stay what they are.
    pub known: &'a Index,
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
    /// Those that are another in a different orthography.
    pub orthography: u64,
    /// Those of which nothing is left.
    pub emptied: u64,
    /// What was cut out of texts, those of emptied documents among them.
    pub cut: Cutting,
    /// Those that went because an evaluation item stood in them.
    pub contaminated: u64,
    /// The evaluation sets, and documents in which something of them stands.
    pub evaluation: Vec<EvaluationSet>,
    /// What could not be read, in the order of the inputs.
    pub quarantined: Vec<Quarantined>,
    /// Records that the sample left out.
    pub left_out: u64,
    /// Documents by file, in the order of the inputs.
    pub files: Vec<Indexed>,
}

/// A work shard that was read.
#[derive(Debug, Default)]
struct Aside {
    documents: u64,
    bytes: u64,
    /// Documents by file.
    files: Vec<Indexed>,
    /// Its records and their sketches, if there was room.
    held: Option<(Vec<Batch>, Batch)>,
    /// Documents in which an evaluation item stands, by row.
    hits: Vec<Hit>,
}

impl Aside {
    /// Does a document take part in the search for duplicates?
    fn takes_part(&self, row: u32) -> bool {
        self.hits.binary_search_by_key(&row, |hit| hit.row).map_or(true, |i| !self.hits[i].goes)
    }
}

impl DedupFiles<'_> {
    /// Searches on as many threads as memory allows. `form` makes something of a batch of records (the columns of
    /// [`corpus`](crate::corpus::COLUMNS), texts as they were read, without what is cut out of those that stay) and their fates, on any
    /// thread; `take` is given that in the order of the records. `index` gets what a later search has to know of them.
    ///
    /// # Errors
    /// Those of the plan, the machine and the inputs, and of both closures.
    pub fn run<T: Send>(
        &self,
        pool: &Pool,
        watch: Watch<'_>,
        index: Option<&mut IndexWriter>,
        form: &(dyn Fn(&Batch, &[Fate]) -> Result<T> + Sync),
        take: &mut dyn FnMut(T) -> Result<()>,
    ) -> Result<Searched> {
        self.plan.dedup.check().map_err(Error::refused)?;
        if (self.known.shards() > 0 || index.is_some()) && self.plan.dedup.orthography_threshold().is_some() {
            let message =
                "an index knows nothing of other orthographies: search without --against and --save-index, or without --orthography";
            return Err(Error::refused(message));
        }
        let staging = Staging::within(self.scratch.clone());
        let evaluation = Evaluation::read(&self.plan.dedup.decontaminate, Path::new("."))?;
        evaluation.check_memory(self.memory)?;
        // What is looked for in documents is found whatever their form.
        let compares = self.plan.dedup.compares() || index.is_some() || self.known.shards() > 0;
        let wanted = if compares { self.steps() } else { &[] };
        let steps = registry::some(self.plan, Path::new("."), wanted)?.stages;
        let (gate, held) = (Gate::within(self.memory), AtomicU64::new(0));
        let search = Search { job: self, pool, watch, staging: &staging, steps: &steps, evaluation: &evaluation, compares, gate, held };
        let (mut searched, shards) = search.put_aside()?;
        search.tell_contaminated(&shards, &mut searched);
        let verdicts = search.resolve(&shards)?;
        let numbers = index.as_ref().map(|_| search.numbers(&shards, &verdicts)).transpose()?;
        verdicts.each(&mut |affected| {
            match affected.verdict {
                Verdict::Removed { kind: Kind::Exact, .. } => searched.exact += 1,
                Verdict::Removed { kind: Kind::Near | Kind::NearCopy, .. } => searched.near += 1,
                Verdict::Removed { kind: Kind::Orthography, .. } => searched.orthography += 1,
                Verdict::Anchor { .. } => {}
            }
            Ok(())
        })?;
        let pieces = if self.plan.dedup.cuts() { Some(search.find_pieces(&shards, &verdicts)?) } else { None };
        let names = search.names(&shards, &verdicts, pieces.as_ref())?;
        let found = Conclusions { verdicts, pieces, names };
        (searched.emptied, searched.cut) = search.give(&shards, &found, numbers.as_ref(), index, form, take)?;
        searched.files = files_of(&shards);
        Ok(searched)
    }

    /// What is made of a record before it is compared.
    fn steps(&self) -> &'static [&'static str] {
        if self.spares_formulae { &["normalize", "sentences", "segment", "keigo"] } else { &["normalize"] }
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
    evaluation: &'a Evaluation,
    /// Are documents compared with each other, or with those of an index?
    compares: bool,
    gate: Gate,
    /// Bytes of records that are held.
    held: AtomicU64,
}

impl Search<'_> {
    /// Work shards before the first one that is read here: those of the index.
    fn known(&self) -> u64 {
        self.job.known.shards()
    }

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
        let sketcher = Sketcher::new(&self.job.plan.dedup).sparing_formulae(self.job.spares_formulae);
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
        let mut meter = (self.job.plan.dedup.keep == Keep::Quality).then(Soundness::default);
        let mut finder = (!self.evaluation.is_empty()).then(|| self.evaluation.probes.finder());
        let mut take = |batch: Option<Batch>| -> Result<()> {
            let Some(batch) = batch else { return Ok(()) };
            let _permit = self.gate.enter(text_bytes(&batch)?);
            if let Some(finder) = &mut finder {
                let goes = self.job.plan.dedup.contaminated == Contaminated::Drop;
                contamination::look(finder, goes, &batch, aside.documents as u32, &mut aside.hits)?;
            }
            aside.documents += batch.num_rows() as u64;
            aside.bytes += text_bytes(&batch)? as u64;
            memory += batch.get_array_memory_size() as u64;
            aside.count_files(&batch)?;
            batches.push(batch.clone());
            if !self.compares {
                return Ok(());
            }
            let batch = normalised(&mut workers, batch)?;
            meter.as_mut().map_or(Ok(()), |meter| meter.push(&batch))?;
            absorber.push(&batch)
        };
        let mut builder = BatchBuilder::new(Arc::clone(&self.job.inputs), &self.job.plan.input.source);
        let outcome = raw.decode(&self.job.plan.input, &mut |record| take(builder.push(&record)?))?;
        take(builder.finish()?)?;
        let mut sketches = absorber.finish()?;
        if let Some(meter) = meter {
            sketches = with_column(&sketches, &SOUNDNESS, Arc::new(UInt8Array::from(meter.of)))?;
        }
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

    /// The partial table of a work shard, of the index or read here.
    fn partial(&self, shards: &[Aside], shard: u64) -> Result<Batch> {
        self.watch.stop.check()?;
        let Some(shard) = shard.checked_sub(self.known()) else { return self.job.known.partial(shard) };
        match &shards[shard as usize].held {
            Some((_, sketches)) => Ok(sketches.clone()),
            None => open_table(&self.sketches(shard), None, 1 << 16)?.concat(),
        }
    }

    /// Which documents of a work shard stay rather than others, by row: those of the index rather than all.
    fn ranks(&self, shards: &[Aside], shard: u64) -> Result<Vec<u64>> {
        if shard < self.known() {
            return Ok(vec![0; self.job.known.documents_of(shard)]);
        }
        let (keep, sketches) = (self.job.plan.dedup.keep, self.partial(shards, shard)?);
        let bytes = column(&sketches, &TEXT_BYTES)?.as_primitive::<UInt32Type>().values();
        match sketches.column_by_name(SOUNDNESS.name) {
            Some(sound) => {
                let sound = sound.as_primitive::<UInt8Type>().values();
                Ok(bytes.iter().zip(sound).map(|(&bytes, &sound)| keep.rank(bytes, sound)).collect())
            }
            None => Ok(bytes.iter().map(|&bytes| keep.rank(bytes, 0)).collect()),
        }
    }

    fn resolve(&self, shards: &[Aside]) -> Result<Verdicts> {
        if !self.compares {
            return Ok(Verdicts::default());
        }
        let progress = Progress::start(self.watch.observer, "resolve", Quantity::Steps, 1);
        let known = self.job.known;
        let mut partial = |shard: u64| self.partial(shards, shard);
        let texts = |wanted: &[u64], give: &mut dyn FnMut(u64, &str) -> Result<()>| {
            if wanted.first().is_some_and(|&first| shard_of(first) < known.shards()) {
                return known.each(wanted, BATCH, &mut |ordinal, text| {
                    give(ordinal, std::str::from_utf8(text).map_err(|_| Error::internal("a text of an index is none"))?)
                });
            }
            let mut workers: Vec<_> = self.steps.iter().map(|step| step.worker()).collect();
            self.look_up(shards, wanted, &[schema::TEXT], &mut |ordinals, batch| {
                let batch = normalised(&mut workers, batch)?;
                ordinals.iter().zip(self.compared(&batch)?).try_for_each(|(&ordinal, text)| give(ordinal, &text))
            })
        };
        let ranks = |shard: u64| self.ranks(shards, shard);
        let before = Known {
            shards: known.shards(),
            documents: known.documents(),
            removed: &|ordinal| known.removed(ordinal),
            sketched: &|shard| known.is_sketched(shard),
            sketches: &|wanted, give| known.each(wanted, BATCH, give),
        };
        let mut corpus = Corpus {
            shards: known.shards() + shards.len() as u64,
            documents: known.documents() + shards.iter().map(|shard| shard.documents).sum::<u64>(),
            partial: &mut partial,
            eligible: &|shard, row| shard.checked_sub(known.shards()).is_none_or(|shard| shards[shard as usize].takes_part(row)),
            ranks: (self.job.plan.dedup.keep != Keep::First).then_some(&ranks),
            known: (known.shards() > 0).then_some(before),
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

    /// The numbers that documents read here will have in an index, as far as others name them.
    fn numbers(&self, shards: &[Aside], verdicts: &Verdicts) -> Result<Numbers<'_>> {
        let mut numbers = Numbers { known: self.job.known, new: FxHashMap::default() };
        let mut number = self.job.known.documents();
        for shard in (0..shards.len() as u64).map(|shard| shard + self.known()) {
            let (partial, aside) = (self.partial(shards, shard)?, &shards[(shard - self.known()) as usize]);
            let mut of_shard = verdicts.of_shard(shard)?.into_iter().peekable();
            for (row, &bytes) in column(&partial, &TEXT_BYTES)?.as_primitive::<UInt32Type>().values().iter().enumerate() {
                let affected = of_shard.next_if(|affected| row_of(affected.ordinal) as usize == row);
                if affected.is_some_and(|affected| !affected.goes()) {
                    numbers.new.insert(ordinal(shard, row as u32), number);
                }
                number += u64::from(is_indexed(bytes, affected) && aside.takes_part(row as u32));
            }
        }
        Ok(numbers)
    }

    /// What is compared of the texts of a batch, which is normalised.
    fn compared<'b>(&self, batch: &'b Batch) -> Result<Vec<Cow<'b, str>>> {
        let texts = strings(batch, &schema::TEXT)?.iter().map(Option::unwrap_or_default);
        if !self.job.spares_formulae {
            return Ok(texts.map(Cow::Borrowed).collect());
        }
        let spared = lists(batch, &schema::FORMULAE)?;
        Ok(texts.enumerate().map(|(row, text)| without(text, list_slice::<UInt32Type>(spared, row))).collect())
    }

    /// Some columns of the records of a work shard, or all.
    fn batches<'s>(&'s self, shards: &'s [Aside], shard: u64, columns: Option<&[&str]>) -> Result<BatchIter<'s>> {
        Ok(match &shards[shard as usize].held {
            Some((batches, _)) => Box::new(batches.iter().map(|batch| Ok(batch.clone()))),
            None => Box::new(open_table_within(&self.records(shard), columns, BATCH.0, BATCH.1)?),
        })
    }

    /// Pieces of the texts of documents that stay, as they were read.
    fn find_pieces(&self, shards: &[Aside], verdicts: &Verdicts) -> Result<Pieces> {
        let progress = Progress::start(self.watch.observer, "cut", Quantity::Bytes, shards.iter().map(|shard| shard.bytes).sum());
        let columns = [schema::TEXT.name, schema::URL.name, schema::SOURCE.name];
        let documents = |shard: u64, give: &mut dyn FnMut(Document<'_>) -> Result<()>| {
            let affected = verdicts.of_shard(shard)?;
            let mut removed = affected.iter().filter(|affected| affected.goes()).map(|affected| affected.ordinal).peekable();
            // Of those of an index nothing more is known.
            let Some(here) = shard.checked_sub(self.known()) else { return Ok(()) };
            let aside = &shards[here as usize];
            let mut ordinals = ordinal(shard, 0)..;
            for batch in self.batches(shards, here, Some(&columns))? {
                self.watch.stop.check()?;
                let batch = batch?;
                let _permit = self.gate.enter(text_bytes(&batch)? / LIGHTER);
                cuts::each_document(
                    &batch,
                    &mut ordinals,
                    &mut |ordinal| removed.next_if_eq(&ordinal).is_none() && aside.takes_part(row_of(ordinal)),
                    give,
                )?;
            }
            progress.add(shards[here as usize].bytes, 0, 0);
            Ok(())
        };
        let corpus = PieceCorpus {
            shards: shards.len() as u64 + self.known(),
            documents: &documents,
            memory: self.job.memory / 4,
            staging: self.staging,
            parallel: &|n, work| self.pool.parallel(n, work),
        };
        let pieces = dedup::find_pieces(&self.job.plan.dedup, &corpus)?;
        progress.finish();
        Ok(pieces)
    }

    /// How many documents hold items of which set.
    fn tell_contaminated(&self, shards: &[Aside], searched: &mut Searched) {
        let mut documents = vec![0; self.evaluation.files.len()];
        for hit in shards.iter().flat_map(|shard| &shard.hits) {
            searched.contaminated += u64::from(hit.goes);
            self.evaluation.count(&hit.found, &mut documents);
        }
        searched.evaluation = self.evaluation.with_documents(&documents);
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
        let found: BatchIter<'_> = match shard_of(first).checked_sub(self.known()) {
            None => self.job.known.rows(shard_of(first), columns, &rows, BATCH)?,
            Some(shard) => {
                if let Some((batches, _)) = &shards[shard as usize].held {
                    Box::new(some_rows(batches, columns, rows))
                } else {
                    let columns: Vec<&str> = columns.iter().map(|column| column.name).collect();
                    Box::new(open_table_rows(&self.records(shard), &columns, &rows, BATCH.0, BATCH.1)?)
                }
            }
        };
        for batch in found {
            let batch = batch?;
            let Some((these, others)) = rest.split_at_checked(batch.num_rows()) else { break };
            give(these, batch)?;
            rest = others;
        }
        if rest.is_empty() { Ok(()) } else { Err(Error::internal("a document that a verdict names does not exist")) }
    }

    /// What the documents are called that others duplicate, or have pieces of.
    fn names(&self, shards: &[Aside], verdicts: &Verdicts, pieces: Option<&Pieces>) -> Result<Names> {
        let mut asking = Asking::new(self.staging, self.job.memory / 8, self.known() + shards.len() as u64);
        verdicts.each(&mut |affected| if affected.goes() { asking.ask(affected.ordinal, affected.anchor()) } else { Ok(()) })?;
        for (shard, pieces) in pieces.iter().flat_map(|pieces| pieces.shards().map(move |shard| (shard, pieces))) {
            pieces.of_shard(shard)?.iter().try_for_each(|cut| asking.ask(ordinal(shard, 0), cut.of))?;
        }
        asking.answer(&mut |wanted, give| {
            for of_shard in wanted.chunk_by(|a, b| shard_of(*a) == shard_of(*b)) {
                self.look_up(shards, of_shard, &[schema::DOC_ID, schema::FILE, schema::OFFSET], &mut |ordinals, batch| {
                    let (ids, files) = (strings(&batch, &schema::DOC_ID)?, strings(&batch, &schema::FILE)?);
                    let offsets = column(&batch, &schema::OFFSET)?.as_primitive::<UInt64Type>();
                    let rows = ordinals.iter().enumerate();
                    rows.into_iter()
                        .try_for_each(|(row, &at)| give(at, &Name::stored(ids.value(row), files.value(row), offsets.value(row))))
                })?;
            }
            Ok(())
        })
    }

    /// Gives every record with its fate, and to an index what it has to know of them; how many were emptied, and what was cut.
    fn give<T: Send>(
        &self,
        shards: &[Aside],
        found: &Conclusions,
        numbers: Option<&Numbers<'_>>,
        mut index: Option<&mut IndexWriter>,
        form: &(dyn Fn(&Batch, &[Fate]) -> Result<T> + Sync),
        take: &mut dyn FnMut(T) -> Result<()>,
    ) -> Result<(u64, Cutting)> {
        let (options, evaluation) = (&self.job.plan.dedup, self.evaluation);
        let grounds = Grounds { options, conclusions: found, evaluation };
        let indexed = numbers.zip(index.as_ref().map(|index| index.holds()));
        let progress = Progress::start(self.watch.observer, "write", Quantity::Bytes, shards.iter().map(|shard| shard.bytes).sum());
        let (mut emptied, mut cut) = (0, Cutting::default());
        let formed = |shard: u64| {
            let mut fates = grounds.of_shard(shard + self.known(), &shards[shard as usize].hits)?;
            let (mut formed, mut base) = (Vec::new(), 0);
            let sketches = indexed.map(|_| self.partial(shards, shard + self.known())).transpose()?;
            for batch in self.batches(shards, shard, None)? {
                self.watch.stop.check()?;
                let batch = batch?;
                let (left, of_batch, affected) = fates.take(&batch)?;
                let index_rows = match (indexed, &sketches) {
                    (Some((numbers, holds)), Some(sketches)) => {
                        let rows = base as u32..(base + batch.num_rows()) as u32;
                        let taking_part: Vec<bool> = rows.map(|row| shards[shard as usize].takes_part(row)).collect();
                        let sketches = sketches.slice(base, batch.num_rows());
                        Some(self.index_rows(&batch, &sketches, (&affected, &taking_part), (numbers, holds))?)
                    }
                    _ => None,
                };
                formed.push((form(&left, &of_batch)?, index_rows));
                base += batch.num_rows();
            }
            Ok((formed, fates.emptied, fates.cut))
        };
        let all: Vec<u64> = (0..shards.len() as u64).collect();
        for wave in all.chunks(self.job.workers(self.pool)) {
            for ((formed, emptied_here, cut_here), &shard) in self.side_by_side(wave.to_vec(), &formed)?.into_iter().zip(wave) {
                for (formed, index_rows) in formed {
                    take(formed)?;
                    if let Some((index, rows)) = index.as_mut().zip(index_rows) {
                        index.write(&rows)?;
                    }
                }
                emptied += emptied_here;
                cut.add(&cut_here);
                let Aside { documents, bytes, .. } = &shards[shard as usize];
                progress.add(*bytes, *documents, *bytes);
            }
        }
        progress.finish();
        Ok((emptied, cut))
    }

    /// What an index has to know of the records of a batch.
    fn index_rows(
        &self,
        batch: &Batch,
        sketches: &Batch,
        (affected, taking_part): (&[Option<Affected>], &[bool]),
        (numbers, holds): (&Numbers<'_>, Holds),
    ) -> Result<Batch> {
        let bytes = column(sketches, &TEXT_BYTES)?.as_primitive::<UInt32Type>().values();
        let documents = bytes.iter().zip(affected).zip(taking_part);
        let is_in: BooleanArray = documents.map(|((&bytes, affected), part)| Some(*part && is_indexed(bytes, *affected))).collect();
        let removal = |affected: Option<Affected>| affected.map_or(Ok(None), |affected| numbers.removal(affected.verdict));
        let removals = affected.iter().zip(is_in.values()).filter(|(_, is_in)| *is_in).map(|(affected, _)| removal(*affected));
        let removals = removals.collect::<Result<Vec<_>>>()?;
        let chosen = |batch: &Batch| arrow::compute::filter_record_batch(batch, &is_in);
        let (records, sketches) = (chosen(batch)?, chosen(sketches)?);
        let mut workers: Vec<_> = self.steps.iter().map(|step| step.worker()).collect();
        let normalised = normalised(&mut workers, records.clone())?;
        let texts = StringArray::from_iter_values(self.compared(&normalised)?);
        dedup::index_table(&sketches, &records, &removals, &texts, holds)
    }

    /// Runs `work` on all of them, on all threads; the results in order.
    fn side_by_side<U: Send, T: Send>(&self, all: Vec<U>, work: &(dyn Fn(U) -> Result<T> + Sync)) -> Result<Vec<T>> {
        self.pool.map(all, &|one| self.watch.stop.check().and_then(|()| work(one)))?.into_iter().collect()
    }
}

/// Is a document in an index? A text that is there already adds nothing, and an empty one is never a duplicate.
fn is_indexed(bytes: u32, affected: Option<Affected>) -> bool {
    bytes > 0 && !affected.is_some_and(|affected| matches!(affected.verdict, Verdict::Removed { kind: Kind::Exact | Kind::NearCopy, .. }))
}

impl Aside {
    fn count_files(&mut self, batch: &Batch) -> Result<()> {
        for file in strings(batch, &schema::FILE)?.iter().flatten() {
            match self.files.last_mut().filter(|last| last.file == file) {
                Some(last) => last.documents += 1,
                None => self.files.push(Indexed { file: file.to_owned(), documents: 1 }),
            }
        }
        Ok(())
    }
}

fn files_of(shards: &[Aside]) -> Vec<Indexed> {
    let mut files: Vec<Indexed> = Vec::new();
    for file in shards.iter().flat_map(|shard| &shard.files) {
        match files.last_mut().filter(|last| last.file == file.file) {
            Some(last) => last.documents += file.documents,
            None => files.push(file.clone()),
        }
    }
    files
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
