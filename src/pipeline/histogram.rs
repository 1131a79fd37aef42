//! A histogram of pre-tokens without a run: counted from files, added up from other histograms, written and read with what it was made with.

use std::path::Path;
use std::sync::{Arc, Mutex};

use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::observer::Stop;
use super::plan::Plan;
use super::pool::Pool;
use super::registry;
use crate::bpe::{self, Boundaries, Count, CountsSum, Cut, Recipe};
use crate::corpus::{BatchBuilder, Framer, InputFile, Outcome, RawShard, ShardLimits};
use crate::error::{Error, Result};
use crate::io::{FileEntry, Staging, TableWriter, open_table, table_metadata, work_properties};
use crate::pii::Policy;
use crate::quarantine::Quarantined;
use crate::stage::{Absorber, Batch, Fold, Worker};

/// Keys of the metadata of `counts.parquet`.
const FORMAT_KEY: &str = "seimai.format";
const FORMAT: &str = "counts";
const RECIPE_KEY: &str = "seimai.counts.recipe";
const DOCUMENTS_KEY: &str = "seimai.counts.documents";
/// Steps that text goes through before it is counted.
const STEPS: [&str; 3] = ["normalize", "segment", "pii"];

/// Counts of pre-tokens, and what they were made with and from.
#[derive(Debug, Clone)]
pub struct Histogram {
    /// [`bpe::counts_schema`], ordered by level, then falling count, then bytes.
    pub table: Batch,
    /// What it was made with.
    pub recipe: Recipe,
    /// Documents that were counted.
    pub documents: u64,
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

/// Counts the pre-tokens of all records, on all threads. Files are read once; memory holds a work shard a thread and the sum.
///
/// # Errors
/// Those of the plan, the machine and the inputs; [`Error::Resources`] if the sum needs more than half of `memory`.
pub fn count(
    plan: &Plan,
    base: &Path,
    inputs: &Arc<[InputFile]>,
    min_count: u64,
    memory: u64,
    pool: &Pool,
    stop: &Stop,
) -> Result<(Histogram, Counted)> {
    let opened = registry::some(plan, base, &steps(plan))?;
    let fold = Count::new(&plan.tokenizer)?;
    let policy = (!plan.pii.masked().is_empty()).then(|| Policy::new(&plan.pii));
    let recipe = recipe(plan, opened.dictionary, min_count)?;
    let mut framer = Framer::new(Arc::clone(inputs), &plan.input, ShardLimits::default());
    let sum = Mutex::new((CountsSum::new((memory / 2) as usize), 0_u64, 0_u64));
    let outcomes: Mutex<Vec<(u64, Outcome)>> = Mutex::default();
    let workers = || opened.stages.iter().map(|stage| stage.worker()).collect::<Vec<_>>();
    let absorb = |workers: &mut Vec<Box<dyn Worker + '_>>, shard: RawShard| -> Result<()> {
        let mut counting = Counting { workers, policy: policy.as_ref(), absorber: fold.absorber(), bytes: 0, documents: 0 };
        let mut builder = BatchBuilder::new(Arc::clone(inputs), &plan.input.source);
        let outcome = shard.decode(&plan.input, &mut |record| counting.take(builder.push(&record)?))?;
        counting.take(builder.finish()?)?;
        let Counting { absorber, bytes, documents, .. } = counting;
        let table = absorber.finish()?;
        outcomes.lock().map_err(poisoned)?.push((shard.shard().index, outcome));
        let mut sum = sum.lock().map_err(poisoned)?;
        sum.1 += documents;
        sum.2 += bytes;
        sum.0.add(&table)
    };
    pool.for_each(stop, &mut || framer.next_shard(), &workers, &absorb)?;
    let (sum, documents, bytes) = sum.into_inner().map_err(poisoned)?;
    let (table, cut) = sum.finish(min_count)?;
    let mut outcomes = outcomes.into_inner().map_err(poisoned)?;
    outcomes.sort_by_key(|(index, _)| *index);
    let mut counted = Counted { bytes, cut, ..Counted::default() };
    for (_, outcome) in outcomes {
        counted.left_out += outcome.tallies.iter().map(|(_, tally)| tally.left_out).sum::<u64>();
        counted.quarantined.extend(outcome.quarantined);
    }
    Ok((Histogram { table, recipe, documents }, counted))
}

/// A lock whose holder panicked.
fn poisoned<T>(_: std::sync::PoisonError<T>) -> Error {
    Error::internal("another worker panicked")
}

/// The way of the batches of one work shard.
struct Counting<'a, 'w> {
    workers: &'a mut Vec<Box<dyn Worker + 'w>>,
    /// Where some kinds of personal data are masked.
    policy: Option<&'a Policy>,
    absorber: Box<dyn Absorber + 'a>,
    bytes: u64,
    documents: u64,
}

impl Counting<'_, '_> {
    fn take(&mut self, batch: Option<Batch>) -> Result<()> {
        let Some(batch) = batch else { return Ok(()) };
        let batch = self.workers.iter_mut().try_fold(batch, |batch, worker| worker.apply(batch))?;
        let batch = match self.policy {
            Some(policy) => policy.mask(&batch)?,
            None => batch,
        };
        self.documents += batch.num_rows() as u64;
        self.bytes += super::tables::text_bytes(&batch)? as u64;
        self.absorber.push(&batch)
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
    /// Adds histograms up; the sum is that of all their documents.
    ///
    /// # Errors
    /// [`Error::Refused`] where two were made with different things: names the file and the first of them.
    pub fn sum(parts: Vec<(String, Self)>, memory: u64) -> Result<Self> {
        let mut parts = parts.into_iter();
        let Some((first_name, first)) = parts.next() else { return Err(Error::refused("no histograms")) };
        let mut sum = CountsSum::new(memory as usize);
        sum.add(&first.table)?;
        let mut documents = first.documents;
        for (name, part) in parts {
            if let Some((what, ours, theirs)) = first.recipe.differs_from(&part.recipe) {
                return Err(Error::refused_with_hint(
                    format!(
                        "{first_name} and {name} were counted with different settings: {what} is {ours} in one and {theirs} in the other"
                    ),
                    "count both with the same settings, dictionary and version of Seimai",
                ));
            }
            sum.add(&part.table)?;
            documents += part.documents;
        }
        Ok(Self { table: sum.finish(1)?.0, recipe: first.recipe, documents })
    }

    /// Writes `counts.parquet`.
    ///
    /// # Errors
    /// Those of the machine.
    pub fn write(&self, path: &Path) -> Result<FileEntry> {
        let properties = properties(&self.recipe, self.documents)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let staging = Staging::new(parent)?;
        let mut table = TableWriter::create(&staging, &format!(".seimai-counts-{}", std::process::id()), self.table.schema(), properties)?;
        table.write(&self.table)?;
        table.commit(path, path.display().to_string())
    }

    /// Reads `counts.parquet`.
    ///
    /// # Errors
    /// [`Error::Refused`] for a file that is none, or does not say what it was made with.
    pub fn read(path: &Path) -> Result<Self> {
        let none = |why: &str| {
            Error::refused_with_hint(format!("{}: no histogram of pre-tokens: {why}", path.display()), "`seimai count` makes one")
        };
        if !path.is_file() {
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
        let table = open_table(path, None, 1 << 16)?.concat()?;
        Ok(Self { table, recipe, documents })
    }

    /// Options of a vocabulary as this histogram was counted for: what it was made with stands, the rest as given.
    pub fn tokenizer(&self, given: bpe::Options) -> bpe::Options {
        let Recipe { pattern, digits, boundaries, superwords, .. } = self.recipe;
        bpe::Options { pattern, digits, boundaries, superwords: if superwords { given.superwords } else { 0.0 }, ..given }
    }
}
