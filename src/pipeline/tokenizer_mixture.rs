//! In which proportions the training text of a vocabulary mixed kinds of text: samples of them counted, merges replayed, shares inferred
//! ([`crate::bpe::mixture`]).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::UInt32Type;
use serde::Serialize;

use super::histogram::Histogram;
use super::observer::Watch;
use super::plan::Plan;
use super::pool::Pool;
use super::reading::Reading;
use super::registry;
use crate::bpe::count::{Counter, DocumentBoundaries};
use crate::bpe::mixture::{Half, Inferred, Samples, TooLong, Unsolved};
use crate::bpe::vocabulary::Tokenizer;
use crate::bpe::{self, Boundaries, CountRows, Part};
use crate::corpus::{self, BatchBuilder, InputFile, RawShard};
use crate::error::{Error, Result};
use crate::quarantine::Quarantined;
use crate::schema::{MORPHEME_ENDS, TEXT};
use crate::stage::{Batch, Worker, list_slice, lists, strings};

/// The shape of what is found; `docs/formats/tokenizer-mixture.md`.
pub const MIXTURE_VERSION: u32 = 1;

/// Merges that are used, if no other number is asked for.
pub const MERGES: usize = 4_000;
/// Pairs with fewer occurrences in all samples are not followed.
const FLOOR: u64 = 2;
/// Share of the merges whose pair is rarer than half of those around it, at most: beyond, something is missing among the sources.
const RARE_MAX: f64 = 0.05;
/// Share of the merges that no sample has, at most.
const UNSEEN_MAX: f64 = 0.01;

/// A kind of text.
#[derive(Debug, Clone)]
pub struct Source {
    /// What it is called.
    pub name: String,
    /// Its sample: files of records, or histograms of `seimai count`.
    pub files: Vec<PathBuf>,
}

/// What is asked.
#[derive(Debug)]
pub struct Job<'a> {
    /// How texts are read and normalised; what pre-tokens are cut at beside the pattern.
    pub plan: &'a Plan,
    /// Where the vocabulary was read from.
    pub path: &'a Path,
    /// The bytes of its `tokenizer.json`.
    pub json: &'a [u8],
    /// Kinds of text, two at least.
    pub sources: &'a [Source],
    /// Merges to use at most.
    pub merges: usize,
}

/// What is found of a source.
#[derive(Debug, Clone, Serialize)]
pub struct Share {
    /// What it is called.
    pub name: String,
    /// Its share of the training text, by bytes.
    pub share: f64,
    /// Half the difference between the shares that the two halves of all samples give.
    pub spread_of_samples: f64,
    /// Half the difference between the shares that every second merge and the others give.
    pub spread_of_merges: f64,
    /// Bytes of its sample, normalised.
    pub bytes: u64,
    /// Different pre-tokens in it.
    pub pre_tokens: u64,
}

/// What is found.
#[derive(Debug, Clone, Serialize)]
pub struct Mixture {
    /// `seimai-tokenizer-mixture`.
    pub format: &'static str,
    /// [`MIXTURE_VERSION`].
    pub version: u32,
    /// Where the vocabulary was read from.
    pub tokenizer: String,
    /// Digest of its content.
    pub content_blake3: String,
    /// Merges that were used, the first ones.
    pub merges: usize,
    /// Merges that it has.
    pub merges_of_tokenizer: usize,
    /// The sources in the order given.
    pub sources: Vec<Share>,
    /// Share of the merges whose pair is the most frequent one, under these shares.
    pub explained: f64,
    /// Share of the merges whose pair is less than half as frequent as those of the merges around it.
    pub rare: f64,
    /// Mean, over the merges, of by how much the first of the others is more frequent, over how frequent merged pairs are there.
    pub shortfall: f64,
    /// Merges whose pair is in no sample.
    pub unseen: usize,
    /// Inequalities in the last linear programme.
    pub inequalities: usize,
    /// What makes the shares doubtful; none: nothing.
    pub doubts: Vec<String>,
}

/// What reading gave beside it.
#[derive(Debug, Default)]
pub struct Read {
    /// What could not be read, in the order of the inputs.
    pub quarantined: Vec<Quarantined>,
    /// Records that the sample left out.
    pub left_out: u64,
}

/// The two halves of the sample of a source.
type Halves = [Counter; 2];

fn poisoned<T>(_: PoisonError<T>) -> Error {
    Error::internal("another worker panicked")
}

impl Job<'_> {
    /// Reads and counts the samples on all threads, replays the merges, and infers the shares.
    ///
    /// # Errors
    /// [`Error::Refused`] for a vocabulary without merges or with a pre-tokeniser that is not known here, for fewer than two sources, for samples
    /// without text; those of the plan, the machine and the inputs.
    pub fn run(&self, base: &Path, pool: &Pool, watch: Watch<'_>) -> Result<(Mixture, Read)> {
        let tokenizer = self.tokenizer()?;
        self.check(&tokenizer)?;
        let mut read = Read::default();
        let mut samples = Samples::new(&tokenizer);
        let mut sources = Vec::with_capacity(self.sources.len());
        for source in self.sources {
            let halves = self.sample(source, &tokenizer, base, (pool, watch), &mut read)?;
            let (mut bytes, mut unique) = (0, 0);
            for half in &halves {
                let rows = half.by_count(Part::WHOLE);
                bytes += rows.iter().map(|(pre_token, count)| pre_token.len() as u64 * count).sum::<u64>();
                unique += rows.len() as u64;
                samples.push(rows.into_iter()).map_err(|TooLong| {
                    Error::Resources(
                        "the samples have more than 2 GiB of different pre-tokens; give smaller ones (--sample 10%)".to_owned(),
                    )
                })?;
            }
            if bytes == 0 {
                return Err(Error::refused_with_hint(
                    format!("the source {:?} has no text", source.name),
                    "give files with records that can be read, some megabytes of each kind",
                ));
            }
            sources.push((source.name.clone(), bytes, unique));
        }
        watch.stop.check()?;
        let replayed = samples.replay(self.merges, FLOOR);
        let halves = vec![Half::Whole, Half::Sample(0), Half::Sample(1), Half::Merges(0), Half::Merges(1)];
        let inferred = pool.map(halves, &|half| replayed.infer(sources.len(), half))?;
        let inferred = inferred
            .into_iter()
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|Unsolved(why)| Error::Internal(format!("the linear programme was not solved: {why}")))?;
        watch.stop.check()?;
        let content = bpe::huggingface::content_blake3(self.json).map_err(|fault| self.refused(&fault))?;
        let [whole, ..] = inferred.as_slice() else { return Err(Error::internal("nothing was inferred")) };
        let spread = |source: usize, first: usize| (inferred[first].shares[source] - inferred[first + 1].shares[source]).abs() / 2.0;
        let shares = sources.into_iter().enumerate().map(|(at, (name, bytes, pre_tokens))| Share {
            name,
            share: whole.shares[at],
            spread_of_samples: spread(at, 1),
            spread_of_merges: spread(at, 3),
            bytes,
            pre_tokens,
        });
        let mixture = Mixture {
            format: "seimai-tokenizer-mixture",
            version: MIXTURE_VERSION,
            tokenizer: self.path.display().to_string(),
            content_blake3: content,
            merges: whole.merges,
            merges_of_tokenizer: tokenizer.rules().len(),
            sources: shares.collect(),
            explained: whole.explained as f64 / whole.merges as f64,
            rare: whole.rare as f64 / whole.merges as f64,
            shortfall: whole.shortfall,
            unseen: whole.unseen,
            inequalities: whole.rows,
            doubts: doubts(whole),
        };
        Ok((mixture, read))
    }

    fn refused(&self, fault: &str) -> Error {
        Error::refused_with_hint(
            format!("{}: {fault}", self.path.display()),
            "shares are told from the merges of byte-pair encoding behind a pattern that is known here: byte-level tokenizer.json with \
             deepseek-v3, cl100k, o200k, gpt2 or none",
        )
    }

    fn tokenizer(&self) -> Result<Tokenizer> {
        let tokenizer = bpe::huggingface::parse_as_learned(self.json).map_err(|fault| self.refused(&fault))?;
        if tokenizer.rules().is_empty() {
            return Err(self.refused("it has no merges"));
        }
        let form = tokenizer.normalizer().and_then(|step| step.get("type")).and_then(serde_json::Value::as_str);
        let given = serde_json::to_value(self.plan.normalize.form).map_err(|e| Error::internal(format!("plan: {e}")))?;
        if let Some(form) = form.filter(|form| *form != "Sequence" && !given.as_str().is_some_and(|given| form.eq_ignore_ascii_case(given)))
        {
            let why = format!("{}: its text was normalised to {form}, the samples are not", self.path.display());
            return Err(Error::refused_with_hint(why, format!("--form {}", form.to_lowercase())));
        }
        Ok(tokenizer)
    }

    fn check(&self, tokenizer: &Tokenizer) -> Result<()> {
        if self.sources.len() < 2 {
            return Err(Error::refused_with_hint(
                "one source alone has the share 1, whatever the merges",
                "give a sample of each kind of text that the training may have had: --source law=law.jsonl --source web=web.jsonl",
            ));
        }
        for source in self.sources {
            for path in source.files.iter().filter(|path| Histogram::is_at(path)) {
                let recipe = Histogram::read(path)?.recipe;
                let options = bpe::Options { pattern: recipe.pattern, digits: recipe.digits, ..bpe::Options::default() };
                if options.scanner() != tokenizer.pattern() {
                    return Err(Error::refused_with_hint(
                        format!("{}: was counted with another pattern than that of the vocabulary", path.display()),
                        "give the texts, or count them with the pattern and the digits of the vocabulary (`seimai tokenizer check` names them)",
                    ));
                }
            }
        }
        Ok(())
    }

    fn sample(
        &self,
        source: &Source,
        tokenizer: &Tokenizer,
        base: &Path,
        (pool, watch): (&Pool, Watch<'_>),
        read: &mut Read,
    ) -> Result<Halves> {
        let (counted, texts): (Vec<&PathBuf>, Vec<&PathBuf>) = source.files.iter().partition(|path| Histogram::is_at(path));
        let mut halves = Halves::default();
        for path in counted {
            for batch in Histogram::read(path)?.rows()? {
                for (level, pre_token, count) in CountRows::of(&batch?)?.iter() {
                    if level == 0 {
                        let first = half_of(pre_token, count);
                        halves[0].add(pre_token, first);
                        halves[1].add(pre_token, count - first);
                    }
                }
            }
        }
        if texts.is_empty() {
            return Ok(halves);
        }
        let given: Vec<std::ffi::OsString> = texts.into_iter().map(|path| path.clone().into_os_string()).collect();
        let inputs: Arc<[InputFile]> = corpus::expand_paths(&given, &self.plan.input, base)?.into();
        let steps: &[&str] = if self.boundaries() == Boundaries::Morpheme { &["normalize", "segment"] } else { &["normalize"] };
        let opened = registry::some(self.plan, base, steps)?;
        let mut reading = Reading::start(self.plan, &inputs, watch, "count");
        let idle: Mutex<Vec<Halves>> = Mutex::new(vec![halves]);
        let outcomes = Mutex::new(Vec::new());
        let workers = || opened.stages.iter().map(|stage| stage.worker()).collect::<Vec<_>>();
        let work = |workers: &mut Vec<Box<dyn Worker + '_>>, shard: RawShard| -> Result<()> {
            let waiting = idle.lock().map_err(poisoned)?.pop();
            let mut halves = waiting.unwrap_or_default();
            let index = shard.shard().index;
            let mut builder = BatchBuilder::new(Arc::clone(&inputs), &self.plan.input.source);
            let outcome =
                shard.decode(&self.plan.input, &mut |record| self.take(workers, tokenizer, &mut halves, builder.push(&record)?))?;
            self.take(workers, tokenizer, &mut halves, builder.finish()?)?;
            outcomes.lock().map_err(poisoned)?.push((index, outcome));
            idle.lock().map_err(poisoned)?.push(halves);
            Ok(())
        };
        pool.for_each(watch.stop, &mut || reading.next_shard(), &workers, &work)?;
        reading.finish();
        let mut outcomes = outcomes.into_inner().map_err(poisoned)?;
        outcomes.sort_by_key(|(index, _)| *index);
        for (_, outcome) in outcomes {
            read.left_out += outcome.tallies.iter().map(|(_, tally)| tally.left_out).sum::<u64>();
            read.quarantined.extend(outcome.quarantined);
        }
        let parts = idle.into_inner().map_err(poisoned)?;
        Ok([0, 1].map(|half| Counter::sum(&parts.iter().map(|part| &part[half]).collect::<Vec<_>>(), Part::WHOLE)))
    }

    fn boundaries(&self) -> Boundaries {
        self.plan.tokenizer.boundaries
    }

    /// Counts a batch. A document belongs to a half by its text, so that copies of it are together.
    fn take(&self, workers: &mut [Box<dyn Worker + '_>], tokenizer: &Tokenizer, halves: &mut Halves, batch: Option<Batch>) -> Result<()> {
        let Some(batch) = batch else { return Ok(()) };
        let batch = workers.iter_mut().try_fold(batch, |batch, worker| worker.apply(batch))?;
        let texts = strings(&batch, &TEXT)?;
        let ends = if self.boundaries() == Boundaries::Morpheme { Some(lists(&batch, &MORPHEME_ENDS)?) } else { None };
        for row in 0..batch.num_rows() {
            let text = texts.value(row);
            let boundaries = match ends {
                Some(ends) => DocumentBoundaries::Morphemes(list_slice::<UInt32Type>(ends, row)),
                None if self.boundaries() == Boundaries::Script => DocumentBoundaries::Scripts,
                None => DocumentBoundaries::None,
            };
            let half = usize::from(blake3::hash(text.as_bytes()).as_bytes()[0] & 1);
            halves[half].add_document(text, tokenizer.pattern(), boundaries);
        }
        Ok(())
    }
}

/// How many of `count` occurrences fall to the first half: as if a coin were tossed for each, the same way every time.
fn half_of(pre_token: &[u8], count: u64) -> u64 {
    /// Beyond so many, a half is as good as coins.
    const TOSSED: u64 = 1 << 20;
    let mut coins = blake3::Hasher::new().update(pre_token).finalize_xof();
    let tossed = count.min(TOSSED);
    let mut heads = (count - tossed) / 2;
    let mut word = [0; 8];
    for left in (0..tossed.div_ceil(64)).rev() {
        coins.fill(&mut word);
        let bits = if left == 0 { tossed - (tossed.div_ceil(64) - 1) * 64 } else { 64 };
        heads += u64::from((u64::from_le_bytes(word) >> (64 - bits)).count_ones());
    }
    heads
}

/// What makes shares doubtful.
fn doubts(inferred: &Inferred) -> Vec<String> {
    let mut doubts = Vec::new();
    let share = |merges: usize| merges as f64 / inferred.merges as f64;
    if share(inferred.rare) > RARE_MAX {
        doubts.push(format!(
            "{} merges fit badly: a kind of text is missing among the sources, or the vocabulary was learned from text that was cut or normalised in \
             another way (--boundaries, --form)",
            inferred.rare
        ));
    }
    if share(inferred.unseen) > UNSEEN_MAX {
        doubts.push(format!(
            "{} merges join pairs that no sample has: a kind of text is missing, samples are small, or the vocabulary has superwords (--merges)",
            inferred.unseen
        ));
    }
    doubts
}
