//! The second fold: the histograms of all work shards become one, and a vocabulary is trained on it.

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::count::Counted;
use super::crew::{Checkpoint, PoolCrew};
use super::histogram;
use super::key::Key;
use super::layout::{self, pass};
use super::pass::{Facts, Pass};
use super::share::Progressed;
use super::summing::Summing;
use super::work_dir::Entry;
use crate::bpe;
use crate::bpe::vocabulary::Tokenizer;
use crate::error::{Error, Result};
use crate::io::{FileEntry, TableWriter};
use crate::normalize;
use crate::stage::BatchIter;

/// What the entry of the fold says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VocabularyFacts {
    pub vocab_size: u64,
    pub pre_tokens: u64,
}

/// A trained vocabulary.
pub(super) struct Vocabulary {
    pub tokenizer: Tokenizer,
    /// Digest of what `tokenizer.json` means, hex.
    pub content: String,
    /// Id that ends a document in the pack.
    pub eos: u32,
    /// Id that fills rows.
    pub pad: u32,
    pub facts: VocabularyFacts,
    /// `counts.parquet`.
    pub counts: FileEntry,
    /// The files of `tokenizer/`, by their names there.
    pub files: Vec<(&'static str, FileEntry)>,
}

impl Vocabulary {
    /// BLAKE3 of `tokenizer.json`, hex.
    pub(super) fn blake3(&self) -> Result<&str> {
        Ok(&file(&self.files, layout::TOKENIZER_JSON)?.blake3)
    }
}

fn file<'a>(files: &'a [(&'static str, FileEntry)], path: &str) -> Result<&'a FileEntry> {
    let found = files.iter().find(|(name, _)| layout::inside(layout::TOKENIZER, name) == path);
    found.map(|(_, file)| file).ok_or_else(|| Error::internal(format!("the vocabulary has no {path}")))
}

impl Facts for VocabularyFacts {}

/// Runs the fold, or reads what it made before. The sum is a unit of its own: another vocabulary of the same counts adds nothing up.
pub(super) fn run(context: &Context<'_>, counted: &Counted) -> Progressed<Vocabulary> {
    let sum = counted.key.clone().and("sum with its recipe").and_steps(context.plan(), &["count"]).name();
    let fold = Pass::fold(pass::TRAIN, sum.clone(), 1);
    fold.run::<u64>(context, |_, underway| {
        let summing = Summing::new(context.store.work.staging().clone(), context.memory, context.pool.threads());
        let mut tables = counted.tables.iter();
        context.pool.for_each(context.stop, &mut || Ok(tables.next()), &|| (), &|(), table| {
            summing.add(|adding| read_counts(context, table).try_for_each(|batch| adding.to(|sum| sum.add(&batch?))))
        })?;
        let recipe = histogram::recipe(context.plan(), Some(context.stages.dictionary.fingerprint().to_owned()), 1)?;
        let properties = histogram::properties(&recipe, counted.documents)?;
        let path = layout::made(pass::TRAIN, "counts", &sum);
        let mut table = TableWriter::create(context.store.work.staging(), &path.replace('/', "-"), bpe::counts_schema(), properties)?;
        summing.finish(1, context.pool, &mut |batch| table.write(batch))?;
        let rows = table.rows();
        let table = table.commit(&context.store.work.output(&path)?, path)?;
        underway.commit(0, &Entry::new(vec![table], rows))
    })?;
    let summed = fold.entry::<u64>(context, 0)?;
    let counts = summed.files.into_iter().next().ok_or_else(|| Error::internal("the counts have no table"))?;
    let unit = Key::of(pass::TRAIN).and(&counts.blake3).and_settings(&context.plan().tokenizer)?;
    let ours = context.plan().tokenizer.normalizer == bpe::NormalizerName::Seimai;
    let unit = if ours { unit.and_settings(&context.plan().normalize)?.and_steps(context.plan(), &["normalize"]) } else { unit };
    let unit = unit.and_steps(context.plan(), &["train"]).name();
    let fold = Pass::fold(pass::TRAIN, unit.clone(), 1);
    fold.run::<VocabularyFacts>(context, |_, underway| {
        let rows = || Ok(Box::new(context.store.table(&counts.path)?) as BatchIter<'_>);
        let options = &context.plan().tokenizer;
        let kept = context.store.work.output(&layout::checkpoint(&unit))?;
        let staging = context.store.work.staging();
        let kept = Checkpoint::new(kept, staging.clone(), unit.clone());
        let crew = PoolCrew::new(context.pool, context.stop, context.observer, context.memory).with(kept).aside(staging.dir().clone());
        let trained = crew.train(&rows, options, &[options.vocab_size])?;
        let mut trained = trained.into_iter().next().ok_or_else(|| Error::internal("no vocabulary"))?;
        if ours {
            let normalizer = normalize::huggingface::normalizer(&context.plan().normalize).map_err(Error::refused)?;
            trained.tokenizer = trained.tokenizer.with_normalizer(normalizer);
        }
        let write = |(name, bytes): (&str, String)| context.store.work.write_output(&layout::vocabulary(&unit, name), bytes.as_bytes(), 0);
        let files = trained.files().into_iter().map(write).collect::<Result<Vec<_>>>()?;
        crew.forget()?;
        underway.commit(0, &Entry::new(files, VocabularyFacts { vocab_size: trained.tokenizer.len() as u64, pre_tokens: summed.facts }))
    })?;
    Ok(read(context, fold.entry(context, 0)?, counts, &unit)?)
}

impl Facts for u64 {}

fn read(context: &Context<'_>, entry: Entry<VocabularyFacts>, counts: FileEntry, unit: &str) -> Result<Vocabulary> {
    let name = |file: FileEntry| {
        let name = layout::TOKENIZER_FILES.into_iter().find(|name| layout::vocabulary(unit, name) == file.path);
        Ok((name.ok_or_else(|| Error::internal(format!("{} is no file of a vocabulary", file.path)))?, file))
    };
    let files = entry.files.into_iter().map(name).collect::<Result<Vec<_>>>()?;
    let (tokenizer, content) = bpe::read_tokenizer_and_content(&context.store.work.at(&file(&files, layout::TOKENIZER_JSON)?.path))?;
    let special = |token: &str| tokenizer.special_id(token).ok_or_else(|| Error::internal(format!("the vocabulary has no {token}")));
    let options = &context.plan().tokenizer;
    let (eos, pad) = (special(&options.eos_token)?, special(&options.pad_token)?);
    Ok(Vocabulary { tokenizer, content, eos, pad, facts: entry.facts, counts, files })
}

fn read_counts(context: &Context<'_>, table: &str) -> BatchIter<'static> {
    match context.store.table(table) {
        Ok(reader) => Box::new(reader),
        Err(e) => Box::new(std::iter::once(Err(e))),
    }
}
