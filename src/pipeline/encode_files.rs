//! Token shards of files, without a run: read, normalised and encoded with a vocabulary that is there.

use std::path::Path;
use std::sync::{Arc, Mutex};

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;

use super::layout::{self, QUARANTINE, TOKENS};
use super::observer::{Stop, Watch};
use super::plan::Plan;
use super::pool::Pool;
use super::reading::Reading;
use super::registry;
use crate::bpe::Encode;
use crate::bpe::vocabulary::Tokenizer;
use crate::corpus::{BatchBuilder, InputFile, Outcome, RawShard};
use crate::error::{Error, Result};
use crate::io::{Dir, Place, Staging};
use crate::quarantine::{self, Quarantined};
use crate::schema;
use crate::shard::limit::SizeLimit;
use crate::shard::{self, PartWriter, TokensMeta};
use crate::stage::{Batch, Stage, Worker, column, strings};

/// What has no final name yet.
const TEMPORARY: &str = ".seimai-tmp";

/// What is encoded, with what, and where to.
pub struct EncodeFiles<'a> {
    /// Reading, normalisation, and the size of parts.
    pub plan: &'a Plan,
    /// The files.
    pub inputs: Arc<[InputFile]>,
    /// The vocabulary.
    pub tokenizer: &'a Tokenizer,
    /// What the shards say of it.
    pub meta: TokensMeta,
    /// Files that stand beside the shards, in the directory of the vocabulary: name and content.
    pub companions: Vec<(String, Vec<u8>)>,
    /// The directory of the shards: new, empty, or what a call that was stopped has left.
    pub out: &'a Path,
}

/// The batches of a work shard, and what it held beside them.
type Done = (Vec<Batch>, Outcome);

/// What was encoded.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Documents.
    pub documents: u64,
    /// Tokens, without EOS.
    pub tokens: u64,
    /// Bytes of normalised text.
    pub bytes: u64,
    /// Files of token shards.
    pub parts: u64,
    /// What could not be read, in the order of the inputs.
    pub quarantined: Vec<Quarantined>,
    /// Records that the sample left out.
    pub left_out: u64,
}

impl EncodeFiles<'_> {
    /// Reads and encodes on all threads, a work shard each at a time; the parts are the same for any number of them. Everything gets its name
    /// at the end.
    ///
    /// # Errors
    /// `Refused` for a directory that holds something else; those of the inputs and the machine.
    pub fn run(&self, pool: &Pool, watch: Watch<'_>) -> Result<Encoded> {
        self.begin()?;
        let out = Dir::create(self.out)?;
        let temporary = out.at(TEMPORARY);
        let staging = Staging::within(temporary.at("staging").create_dir()?);
        staging.clear()?;
        let steps = registry::some(self.plan, Path::new("."), &["normalize"])?.stages;
        let encode = Encode::new(self.tokenizer);
        let stages: Vec<&dyn Stage> = steps.iter().map(AsRef::as_ref).chain(std::iter::once(&encode as &dyn Stage)).collect();
        let mut reading = Reading::start(self.plan, &self.inputs, watch, "encode");
        let mut parts = Parts::new(self, &staging, &temporary.at(TOKENS))?;
        let mut encoded = Encoded::default();
        loop {
            let wave = (0..pool.threads()).map_while(|_| reading.next_shard().transpose()).collect::<Result<Vec<_>>>()?;
            if wave.is_empty() {
                break;
            }
            for (batches, outcome) in self.wave(pool, watch.stop, &stages, wave)? {
                batches.iter().try_for_each(|batch| parts.write(batch, &mut encoded))?;
                encoded.left_out += outcome.tallies.iter().map(|(_, tally)| tally.left_out).sum::<u64>();
                encoded.quarantined.extend(outcome.quarantined);
            }
        }
        encoded.parts = parts.finish()?;
        self.publish(&out, &staging, &encoded)?;
        reading.finish();
        Ok(encoded)
    }

    /// Looks without touching anything.
    fn begin(&self) -> Result<()> {
        let out = Dir::find(self.out).and_then(|out| out.map(|out| Ok((out.at("").list()?, out))).transpose());
        let no_directory = |error: &Error| {
            Error::refused(format!("{}: no directory that can be written to: {}", self.out.display(), error.without_path()))
        };
        let out = out.map_err(|error| error.refused_if_of_the_name(no_directory))?;
        if out.is_some_and(|(names, out)| !names.is_empty() && !out.at(TEMPORARY).is_dir()) {
            let why = format!("{}: not empty, and not what a call that was stopped has left", self.out.display());
            return Err(Error::refused_with_hint(why, "name a new directory with -o"));
        }
        Ok(())
    }

    /// Decodes and encodes some work shards, in order.
    fn wave(&self, pool: &Pool, stop: &Stop, stages: &[&dyn Stage], shards: Vec<RawShard>) -> Result<Vec<Done>> {
        let slots: Vec<Mutex<Option<Done>>> = shards.iter().map(|_| Mutex::new(None)).collect();
        let mut waiting = shards.into_iter().zip(&slots);
        let workers = || stages.iter().map(|stage| stage.worker()).collect::<Vec<_>>();
        pool.for_each(stop, &mut || Ok(waiting.next()), &workers, &|workers, (shard, slot)| {
            let mut batches = Vec::new();
            let mut take = |batch: Option<Batch>| -> Result<()> {
                let Some(batch) = batch else { return Ok(()) };
                batches.push(workers.iter_mut().try_fold(batch, |batch, worker: &mut Box<dyn Worker + '_>| worker.apply(batch))?);
                Ok(())
            };
            let mut builder = BatchBuilder::new(Arc::clone(&self.inputs), &self.plan.input.source);
            let outcome = shard.decode(&self.plan.input, &mut |record| take(builder.push(&record)?))?;
            take(builder.finish()?)?;
            if let Ok(mut slot) = slot.lock() {
                *slot = Some((batches, outcome));
            }
            Ok(())
        })?;
        let done = slots.into_iter().map(|slot| slot.into_inner().ok().flatten());
        done.map(|done| done.ok_or_else(|| Error::internal("a work shard was left out"))).collect()
    }

    /// Gives everything its name, the token shards last.
    fn publish(&self, out: &Dir, staging: &Staging, encoded: &Encoded) -> Result<()> {
        staging.write(&out.at(QUARANTINE), quarantine::lines(&encoded.quarantined)?.as_bytes())?;
        out.at(layout::TOKENIZER).create_dir()?;
        for (name, content) in &self.companions {
            staging.write(&out.at(layout::TOKENIZER).at(name), content)?;
        }
        out.at(TOKENS).rename_from(&out.at(TEMPORARY).at(TOKENS))?;
        out.at(TEMPORARY).remove_all()
    }
}

/// The parts, one after the other.
struct Parts<'a> {
    of: &'a EncodeFiles<'a>,
    staging: &'a Staging,
    directory: Dir,
    limit: SizeLimit,
    open: PartWriter,
    closed: u64,
}

impl<'a> Parts<'a> {
    fn new(of: &'a EncodeFiles<'a>, staging: &'a Staging, directory: &Place) -> Result<Self> {
        directory.remove_all()?;
        let directory = directory.create_dir()?;
        let shards = &of.plan.shards;
        let limit = SizeLimit::new(u64::from(shards.rows_max), shards.bytes_max);
        let open = Self::open(of, staging)?;
        Ok(Self { of, staging, directory, limit, open, closed: 0 })
    }

    fn open(of: &EncodeFiles<'_>, staging: &Staging) -> Result<PartWriter> {
        let properties = shard::tokens_properties(&of.plan.shards, &of.meta);
        PartWriter::create(staging, "tokens", shard::tokens_schema(), properties)
    }

    fn write(&mut self, batch: &Batch, encoded: &mut Encoded) -> Result<()> {
        let texts = strings(batch, &schema::TEXT)?;
        let lengths = column(batch, &schema::N_TOKENS)?.as_primitive::<Int32Type>();
        let mut start = 0;
        for row in 0..batch.num_rows() {
            let bytes = texts.value(row).len() as u64;
            if self.limit.starts_new(bytes) {
                self.open.write(&batch.slice(start, row - start))?;
                self.close()?;
                start = row;
            }
            encoded.bytes += bytes;
            encoded.tokens += u64::from(lengths.value(row).unsigned_abs());
        }
        encoded.documents += batch.num_rows() as u64;
        self.open.write(&batch.slice(start, batch.num_rows() - start))
    }

    fn close(&mut self) -> Result<()> {
        let full = std::mem::replace(&mut self.open, Self::open(self.of, self.staging)?);
        self.commit(full)
    }

    fn commit(&mut self, part: PartWriter) -> Result<()> {
        let name = layout::part(TOKENS, self.closed as usize);
        let file = Path::new(&name).file_name().unwrap_or_default();
        part.commit(&self.directory.at(file), name.clone())?;
        self.closed += 1;
        Ok(())
    }

    /// The last part; there is always one.
    fn finish(mut self) -> Result<u64> {
        if self.open.rows() > 0 || self.closed == 0 {
            self.close()?;
        }
        Ok(self.closed)
    }
}
