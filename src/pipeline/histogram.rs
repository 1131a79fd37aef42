//! A histogram of pre-tokens without a run: counted from files, added up from other histograms, written and read with what it was made with.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::crew::Checkpoint;
use super::key::Key;
use super::observer::{Stop, Watch};
use super::plan::Plan;
use super::pool::Pool;
use super::reading::Reading;
use super::registry;
use super::summing::{Adding, Summing};
use crate::bpe::{self, Boundaries, Count, Cut, Recipe, counts_schema};
use crate::corpus::{BatchBuilder, InputFile, Outcome, RawShard};
use crate::error::{Error, Result};
use crate::io::{Dir, Place, Staging, TableWriter, TemporaryDir, hash_file, open_table, table_metadata, work_properties};
use crate::pii::Policy;
use crate::quarantine::Quarantined;
use crate::stage::{Batch, BatchIter, Worker};

/// Keys of the metadata of `counts.parquet`.
const FORMAT_KEY: &str = "seimai.format";
const FORMAT: &str = "counts";
const RECIPE_KEY: &str = "seimai.counts.recipe";
const DOCUMENTS_KEY: &str = "seimai.counts.documents";
/// Steps that text goes through before it is counted.
const STEPS: [&str; 3] = ["normalize", "segment", "pii"];

/// Counts of pre-tokens, and what they were made with and from.
#[derive(Debug)]
pub struct Histogram {
    /// The table: [`bpe::counts_schema`], ordered by level, then falling count, then bytes.
    path: PathBuf,
    /// The directory that holds it and goes with it, if it is a sum.
    scratch: Option<TemporaryDir>,
    /// What it was made with.
    pub recipe: Recipe,
    /// Documents that were counted.
    pub documents: u64,
}

/// The directory that `output` is to lie in.
///
/// # Errors
/// I/O, where it has to be made.
pub fn dir_beside(output: &Path) -> Result<Dir> {
    Dir::create(output.parent().unwrap_or(Path::new("")))
}

/// The file of a sum, in the directory that goes with it.
const SUM: &str = "sum.parquet";

/// A directory of unfinished files beside `output`, in `dir`; it goes with its owner, or where that is killed, with the next one of the same name.
fn scratch_beside(dir: &Dir, output: &Path) -> Result<TemporaryDir> {
    let name = output.file_name().map_or_else(|| "counts".into(), |name| name.to_string_lossy().into_owned());
    TemporaryDir::new(dir, &format!(".{name}.seimai-scratch-"))
}

/// What counting gives beside the histogram.
#[derive(Debug, Default)]
pub struct Counted {
    /// What could not be read, in the order of the inputs.
    pub quarantined: Vec<Quarantined>,
    /// Records that the sample left out.
    pub left_out: u64,
    /// Bytes of normalised text that were counted.
    pub bytes: u64,
    /// What was seen less than `min_count` times.
    pub cut: Cut,
    /// Documents that were counted.
    pub documents: u64,
    /// Rows of the histogram.
    pub unique: u64,
}

/// What a plan makes text into pre-tokens with; `dictionary` is the fingerprint of the one in use.
///
/// # Errors
/// [`Error::Internal`] if the settings cannot be written as JSON.
pub(super) fn recipe(plan: &Plan, dictionary: Option<String>, min_count: u64) -> Result<Recipe> {
    let internal = |e: serde_json::Error| Error::internal(format!("plan: {e}"));
    let steps = steps(plan);
    let versions = registry::versions(plan).into_iter().filter(|(name, _)| *name == "count" || steps.contains(name));
    Ok(Recipe {
        pattern: plan.tokenizer.pattern,
        digits: plan.tokenizer.digits,
        boundaries: plan.tokenizer.boundaries,
        dictionary: dictionary.filter(|_| plan.tokenizer.boundaries == Boundaries::Morpheme),
        superwords: plan.tokenizer.superwords > 0.0,
        normalize: serde_json::to_value(&plan.normalize).map_err(internal)?,
        masked: plan.pii.masked().iter().map(|kind| kind.name().to_owned()).collect(),
        min_count,
        versions: versions.map(|(name, version)| (name.to_owned(), version)).collect(),
    })
}

/// The stages before counting. Morphemes are found where they are boundaries, and where personal data is looked for.
fn steps(plan: &Plan) -> Vec<&'static str> {
    let wanted = |step: &&str| match *step {
        "pii" => !plan.pii.masked().is_empty(),
        "segment" => plan.tokenizer.boundaries == Boundaries::Morpheme || !plan.pii.masked().is_empty(),
        _ => true,
    };
    STEPS.into_iter().filter(wanted).collect()
}

/// Counts the pre-tokens of all records, on all threads, and writes `output`. Files are read once. Memory holds a work shard a thread, and
/// the sum as far as it fits: what does not lies beside `output` meanwhile.
///
/// # Errors
/// Those of the plan, the machine and the inputs.
pub fn count(
    plan: &Plan,
    base: &Path,
    inputs: &Arc<[InputFile]>,
    (output, min_count): (&Path, u64),
    memory: u64,
    pool: &Pool,
    watch: Watch<'_>,
) -> Result<Counted> {
    let opened = registry::some(plan, base, &steps(plan))?;
    let fold = Count::new(&plan.tokenizer)?;
    let policy = (!plan.pii.masked().is_empty()).then(|| Policy::new(&plan.pii));
    let recipe = recipe(plan, opened.dictionary, min_count)?;
    let mut reading = Reading::start(plan, inputs, watch, "count");
    let output = Place::named(output)?;
    let scratch = scratch_beside(output.root(), output.path())?;
    let summing = Summing::new(Staging::within(scratch.dir().clone()), memory, pool.threads());
    let all: Mutex<Tally> = Mutex::default();
    let workers = || opened.stages.iter().map(|stage| stage.worker()).collect::<Vec<_>>();
    let absorb = |workers: &mut Vec<Box<dyn Worker + '_>>, shard: RawShard| -> Result<()> {
        summing.add(|adding| {
            let mut counting = Counting { workers, policy: policy.as_ref(), fold: &fold, adding, bytes: 0, documents: 0 };
            let mut builder = BatchBuilder::new(Arc::clone(inputs), &plan.input.source);
            let outcome = shard.decode(&plan.input, &mut |record| counting.take(builder.push(&record)?))?;
            counting.take(builder.finish()?)?;
            let mut all = all.lock().map_err(poisoned)?;
            all.documents += counting.documents;
            all.bytes += counting.bytes;
            all.outcomes.push((shard.shard().index, outcome));
            Ok(())
        })
    };
    pool.for_each(watch.stop, &mut || reading.next_shard(), &workers, &absorb)?;
    let Tally { mut outcomes, documents, bytes } = all.into_inner().map_err(poisoned)?;
    let mut counted = Counted { bytes, documents, ..Counted::default() };
    (counted.cut, counted.unique) = write(summing, pool, (&output, min_count), &scratch, &recipe, documents)?;
    reading.finish();
    outcomes.sort_by_key(|(index, _)| *index);
    for (_, outcome) in outcomes {
        counted.left_out += outcome.tallies.iter().map(|(_, tally)| tally.left_out).sum::<u64>();
        counted.quarantined.extend(outcome.quarantined);
    }
    Ok(counted)
}

/// What was read, by the numbers of the work shards.
#[derive(Default)]
struct Tally {
    outcomes: Vec<(u64, Outcome)>,
    documents: u64,
    bytes: u64,
}

/// Writes a sum as `counts.parquet`; gives what was left out, and the rows.
fn write(
    summing: Summing,
    pool: &Pool,
    (output, min_count): (&Place, u64),
    scratch: &TemporaryDir,
    recipe: &Recipe,
    documents: u64,
) -> Result<(Cut, u64)> {
    let mut table = TableWriter::create(&Staging::within(scratch.dir().clone()), "sum", counts_schema(), properties(recipe, documents)?)?;
    let cut = summing.finish(min_count, pool, &mut |batch| table.write(batch))?;
    let rows = table.rows();
    table.commit(output, output.path().display().to_string())?;
    Ok((cut, rows))
}

/// A lock whose holder panicked.
fn poisoned<T>(_: std::sync::PoisonError<T>) -> Error {
    Error::internal("another worker panicked")
}

/// The way of the batches of one work shard.
struct Counting<'a, 'w, 's> {
    workers: &'a mut Vec<Box<dyn Worker + 'w>>,
    /// Where some kinds of personal data are masked.
    policy: Option<&'a Policy>,
    fold: &'a Count,
    adding: &'a mut Adding<'s>,
    bytes: u64,
    documents: u64,
}

impl Counting<'_, '_, '_> {
    fn take(&mut self, batch: Option<Batch>) -> Result<()> {
        let Some(batch) = batch else { return Ok(()) };
        let batch = self.workers.iter_mut().try_fold(batch, |batch, worker| worker.apply(batch))?;
        let batch = match self.policy {
            Some(policy) => policy.mask(&batch)?,
            None => batch,
        };
        self.documents += batch.num_rows() as u64;
        self.bytes += super::tables::text_bytes(&batch)? as u64;
        self.adding.to(|sum| self.fold.add(&batch, sum))
    }
}

/// What `counts.parquet` says of itself.
pub(super) fn properties(recipe: &Recipe, documents: u64) -> Result<WriterProperties> {
    let recipe = serde_json::to_string(recipe).map_err(|e| Error::internal(format!("recipe: {e}")))?;
    let pairs = [(FORMAT_KEY, FORMAT.to_owned()), (RECIPE_KEY, recipe), (DOCUMENTS_KEY, documents.to_string())];
    let pairs = pairs.map(|(key, value)| KeyValue::new(key.to_owned(), value)).to_vec();
    Ok(work_properties().into_builder().set_key_value_metadata(Some(pairs)).build())
}

impl Histogram {
    /// Adds histograms up; the sum is that of all their documents. Where there are several, it lies in a file beside `output` that goes with it.
    ///
    /// # Errors
    /// [`Error::Refused`] where two were made with different things: names the file and the first of them.
    pub fn sum(mut parts: Vec<Self>, output: &Path, memory: u64, pool: &Pool, stop: &Stop) -> Result<Self> {
        let Some(first) = parts.first() else { return Err(Error::refused("no histograms")) };
        for part in &parts {
            if let Some((what, ours, theirs)) = first.recipe.differs_from(&part.recipe) {
                let (first, part) = (first.path.display(), part.path.display());
                return Err(Error::refused_with_hint(
                    format!("{first} and {part} were counted with different settings: {what} is {ours} in one and {theirs} in the other"),
                    "count both with the same settings, dictionary and version of Seimai",
                ));
            }
        }
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        let scratch = scratch_beside(&dir_beside(output)?, output)?;
        let summing = Summing::new(Staging::within(scratch.dir().clone()), memory, pool.threads());
        let mut next = parts.iter();
        pool.for_each(stop, &mut || Ok(next.next()), &|| (), &|(), part| {
            summing.add(|adding| part.rows()?.try_for_each(|batch| adding.to(|sum| sum.add(&batch?))))
        })?;
        let (recipe, documents) = (first.recipe.clone(), parts.iter().map(|part| part.documents).sum());
        let place = scratch.dir().at(SUM);
        write(summing, pool, (&place, 1), &scratch, &recipe, documents)?;
        Ok(Self { path: place.path().to_path_buf(), scratch: Some(scratch), recipe, documents })
    }

    /// The rows, batch by batch.
    ///
    /// # Errors
    /// Those of the file.
    pub fn rows(&self) -> Result<BatchIter<'static>> {
        let table = match &self.scratch {
            Some(scratch) => open_table(&scratch.dir().at(SUM), None, 1 << 16),
            None => open_table(&self.path, None, 1 << 16),
        };
        Ok(Box::new(table?))
    }

    /// Reads `counts.parquet`.
    ///
    /// # Errors
    /// [`Error::Refused`] for a file that is none, or does not say what it was made with.
    pub fn read(path: &Path) -> Result<Self> {
        let none = |why: &str| {
            Error::refused_with_hint(format!("{}: no histogram of pre-tokens: {why}", path.display()), "`seimai count` makes one")
        };
        if !path.exists() {
            return Err(none("there is no such file"));
        }
        let metadata = table_metadata(path).map_err(|error| match error {
            Error::Damaged { message, .. } => none(&message),
            other => other,
        })?;
        let pairs = metadata.file_metadata().key_value_metadata().map_or(&[][..], Vec::as_slice);
        let value = |key: &str| pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.as_deref());
        if value(FORMAT_KEY) != Some(FORMAT) {
            return Err(none("its metadata do not say so"));
        }
        let recipe = value(RECIPE_KEY).and_then(|recipe| serde_json::from_str(recipe).ok());
        let recipe = recipe.ok_or_else(|| none("what it was made with is missing, or of another version"))?;
        let documents =
            value(DOCUMENTS_KEY).and_then(|text| text.parse().ok()).ok_or_else(|| none("it does not say of how many documents"))?;
        Ok(Self { path: path.to_path_buf(), scratch: None, recipe, documents })
    }

    /// Does a file say of itself that it is a `counts.parquet`?
    pub fn is_at(path: &Path) -> bool {
        let is_parquet = path.is_file() && path.extension().is_some_and(|extension| extension == "parquet");
        let metadata = is_parquet.then(|| table_metadata(path).ok()).flatten();
        let pairs = metadata.as_ref().and_then(|metadata| metadata.file_metadata().key_value_metadata());
        pairs.is_some_and(|pairs| pairs.iter().any(|pair| pair.key == FORMAT_KEY && pair.value.as_deref() == Some(FORMAT)))
    }

    /// Where a training on it keeps what it has learned, beside its `output`.
    ///
    /// # Errors
    /// Those of reading the table.
    pub fn checkpoint(&self, output: &Path, options: &bpe::Options, sizes: &[u32]) -> Result<Checkpoint> {
        let hashed = match &self.scratch {
            Some(scratch) => hash_file(&scratch.dir().at(SUM)),
            None => hash_file(&self.path),
        };
        let (_, blake3) = hashed?;
        let key = Key::of("train").and(blake3).and_settings(&(options, sizes))?.and_number(u64::from(bpe::train::VERSION));
        Checkpoint::beside(output, key.name())
    }

    /// Options of a vocabulary as this histogram was counted for: what it was made with stands, the rest as given.
    pub fn tokenizer(&self, given: bpe::Options) -> bpe::Options {
        let Recipe { pattern, digits, boundaries, superwords, .. } = self.recipe;
        bpe::Options { pattern, digits, boundaries, superwords: if superwords { given.superwords } else { 0.0 }, ..given }
    }
}
