//! Trains a vocabulary from a table of counts.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::bpe::class;
use crate::bpe::counts_table::CountRows;
use crate::bpe::crew::{Alone, Crew, Stage};
use crate::bpe::encode::{Encoder, Worker};
use crate::bpe::flat_corpus::FlatCorpus;
use crate::bpe::huggingface::write::{self, Roles};
use crate::bpe::merge::{Learned, Limits, Merge, Untrainable};
use crate::bpe::options::Options;
use crate::bpe::pattern::Pattern;
use crate::bpe::protected;
use crate::bpe::trainer;
use crate::bpe::vocabulary::Tokenizer;
use crate::error::{Error, Result};
use crate::stage::{Batch, BatchIter};

/// Enters fingerprints: raise it when another vocabulary is learned from the same counts.
pub const VERSION: u32 = 4;

/// The signal that an ended training is told as, where its caller knows no other.
const SIGTERM: i32 = 15;

/// A learned vocabulary.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    /// Its merges with the counts at which they were made.
    pub merges: Vec<Merge>,
    /// What a person may want to know of the training: `report.json`.
    pub report: Value,
    /// The count floor at the end: no merge since the last scan was seen less often, which proves the list exact.
    pub floor: u64,
    /// Scans with a lower floor.
    pub rescans: u32,
    roles: Roles,
}

impl Trained {
    /// The files of the directory `tokenizer/`: names and contents. `tokenizer_config.json`, which also tells of the model, is made by
    /// [`tokenizer_config_json`](crate::bpe::huggingface::tokenizer_config_json).
    pub fn files(&self) -> Vec<(&'static str, String)> {
        let counts: Vec<u64> = self.merges.iter().map(|merge| merge.count).collect();
        vec![
            ("tokenizer.json", write::tokenizer_json(&self.tokenizer)),
            ("special_tokens_map.json", write::special_tokens_map_json(&self.roles)),
            ("merges.txt", write::merges_txt(&self.tokenizer, &counts)),
            ("report.json", format!("{:#}\n", self.report)),
        ]
    }
}

/// Learns a vocabulary from a table of counts, on one thread. See [`train_sizes`].
///
/// # Errors
/// Those of [`train_sizes`].
pub fn train(counts: &Batch, options: &Options) -> Result<Trained> {
    let rows = || Ok(Box::new(std::iter::once(Ok(counts.clone()))) as BatchIter<'_>);
    let trained = train_sizes(&rows, options, &[options.vocab_size], &Alone)?;
    trained.into_iter().next().ok_or_else(|| Error::internal("no vocabulary"))
}

/// Learns vocabularies of several sizes from a table of counts, each as if it were alone. The first stage learns from the pre-tokens of
/// level 0, once to the largest size. If superwords are wanted and the table has a level 1, a second stage for each size goes on with the
/// pre-tokens of level 1, which are not cut at morphemes, encoded by the merges of the first stage. The table, ordered by level, is read
/// batch by batch, once for each stage.
///
/// # Errors
/// [`Error::Refused`] if [`Options::check`] does not accept the options, [`Error::Resources`] if there are more symbols than
/// 32-bit positions, [`Error::Interrupted`] if the crew ends it.
pub fn train_sizes<'c>(
    counts: &dyn Fn() -> Result<BatchIter<'c>>,
    options: &Options,
    sizes: &[u32],
    crew: &dyn Crew,
) -> Result<Vec<Trained>> {
    let all: Vec<Options> = sizes.iter().map(|&vocab_size| Options { vocab_size, ..options.clone() }).collect();
    all.iter().try_for_each(|options| options.check().map_err(Error::refused))?;
    let forced = Learned { merges: protected::merges(&options.protected), ..Learned::default() };
    let n_forced = forced.merges.len();
    let start = resumed(crew, Stage::First, forced);
    let encoder = encoder(&start)?;
    let mut first = Starting::new(encoder.as_ref(), options.whole_characters, crew);
    let (mut unique, mut occurrences) = (0_u64, 0_u64);
    let has_level_1 = each_row(counts()?, 0, &mut |pre_token, count| {
        (unique, occurrences) = (unique + 1, occurrences.saturating_add(count));
        first.push(pre_token, count)
    })?;
    let corpus = first.end()?;
    let merges = |options: &Options| options.vocab_size as usize - 256 - options.special_tokens.len();
    let second = |options: &Options| {
        if has_level_1 { ((merges(options) as f64 * options.superwords).round() as usize).min(merges(options) - n_forced) } else { 0 }
    };
    let limits = Limits {
        merges: all.iter().map(|options| merges(options) - second(options)).max().unwrap_or(0),
        min_frequency: options.min_frequency,
        max_token_length: options.max_token_length,
        whole_characters: options.whole_characters,
        reserved: options.special_tokens.iter().map(|token| token.clone().into_bytes()).collect(),
    };
    let longest = trainer::learn(corpus, start, &limits, crew).map_err(untrainable)?;
    crew.end(&longest);
    let one = |options: &Options| {
        let mut learned = longest.first(merges(options) - second(options));
        let first = learned.merges.len();
        if second(options) > 0 {
            learned = resumed(crew, Stage::Second(options.vocab_size), learned);
            learned = learn_superwords(counts()?, learned, &Limits { merges: merges(options), ..limits.clone() }, crew)?;
            crew.end(&learned);
        }
        finish(options, learned, first, [unique, occurrences])
    };
    all.iter().map(one).collect()
}

/// What a stage begins with: `learned`, or what was learned after that before the training was interrupted.
fn resumed(crew: &dyn Crew, stage: Stage, learned: Learned) -> Learned {
    let known = crew.begin(stage);
    if known.merges.starts_with(&learned.merges) { known } else { learned }
}

/// Calls `visit` with the rows of a level; gives whether there are rows of the level behind it, and then reads no further.
fn each_row(batches: BatchIter<'_>, level: u8, visit: &mut dyn FnMut(&[u8], u64) -> Result<()>) -> Result<bool> {
    for batch in batches {
        for (of, pre_token, count) in CountRows::of(&batch?)?.iter() {
            match of.cmp(&level) {
                Ordering::Less => {}
                Ordering::Equal => visit(pre_token, count)?,
                Ordering::Greater => return Ok(true),
            }
        }
    }
    Ok(false)
}

/// The vocabulary of what was learned: `first` merges in the first stage, from so many different pre-tokens and occurrences.
fn finish(options: &Options, learned: Learned, first: usize, [unique, occurrences]: [u64; 2]) -> Result<Trained> {
    let tokenizer = Tokenizer::from_merges(options.scanner(), &options.special_tokens, &learned.merges).map_err(Error::internal)?;
    let report = json!({
        "vocab_size": tokenizer.len(),
        "vocab_size_wanted": options.vocab_size,
        "merges": learned.merges.len(),
        "merges_of_superwords": learned.merges.len() - first,
        "count_of_last_merge": learned.merges.last().map(|merge| merge.count),
        "pairs_passed_over": learned.passed_over.len(),
        "unique_pre_tokens": unique,
        "occurrences": occurrences,
        "tokens": shapes(&tokenizer),
        "options": options,
    });
    Ok(Trained { tokenizer, merges: learned.merges, report, floor: learned.floor, rescans: learned.rescans, roles: options.roles() })
}

fn untrainable(why: Untrainable) -> Error {
    match why {
        Untrainable::TooLarge => {
            let most = "the counts exceed 2 G symbols or 2^64 occurrences";
            Error::Resources(format!(
                "{most}: count less text (`seimai count --sample`, in a run tokenizer.train_bytes), or raise their minimum count"
            ))
        }
        Untrainable::NotText => Error::refused("a pre-token of the counts is not UTF-8"),
        Untrainable::Stopped => Error::Interrupted(SIGTERM),
        Untrainable::Aside(error) => *error,
    }
}

/// An encoder for the merges that are there already; none where there are none.
fn encoder(learned: &Learned) -> Result<Option<Encoder>> {
    let tokenizer = Tokenizer::from_merges(Pattern::NONE, &[], &learned.merges).map_err(Error::internal)?;
    Ok((!learned.merges.is_empty()).then(|| Encoder::new(&tokenizer)))
}

/// The array that a training begins with, filled pre-token by pre-token.
struct Starting<'e> {
    corpus: FlatCorpus,
    worker: Option<Worker<'e>>,
    whole_characters: bool,
    crew: &'e dyn Crew,
    ids: Vec<i32>,
    tokens: Vec<u32>,
}

impl<'e> Starting<'e> {
    fn new(encoder: Option<&'e Encoder>, whole_characters: bool, crew: &'e dyn Crew) -> Self {
        let worker = encoder.map(Encoder::worker);
        Self { corpus: FlatCorpus::default(), worker, whole_characters, crew, ids: Vec::new(), tokens: Vec::new() }
    }

    fn push(&mut self, pre_token: &[u8], count: u64) -> Result<()> {
        let Self { corpus, worker, ids, tokens, .. } = self;
        let pushed = match worker {
            None if self.whole_characters => corpus.push_characters(pre_token, count),
            None => corpus.push_bytes(pre_token, count),
            Some(worker) => {
                let text = std::str::from_utf8(pre_token).map_err(|_| untrainable(Untrainable::NotText))?;
                ids.clear();
                worker.encode(text, ids).map_err(|_| Error::internal("a byte has no token"))?;
                tokens.clear();
                tokens.extend(ids.iter().map(|&id| id as u32));
                corpus.push_tokens(tokens, count)
            }
        };
        pushed.and_then(|()| corpus.keep(self.crew, false)).map_err(untrainable)
    }

    /// The array of all of them.
    fn end(mut self) -> Result<FlatCorpus> {
        self.corpus.keep(self.crew, true).map_err(untrainable)?;
        Ok(self.corpus)
    }
}

/// The second stage: encodes the pre-tokens of the pattern by the merges of the first stage and learns more merges from them.
fn learn_superwords(counts: BatchIter<'_>, learned: Learned, limits: &Limits, crew: &dyn Crew) -> Result<Learned> {
    let encoder = encoder(&learned)?;
    let mut second = Starting::new(encoder.as_ref(), limits.whole_characters, crew);
    each_row(counts, 1, &mut |pre_token, count| second.push(pre_token, count))?;
    trainer::learn(second.end()?, learned, limits, crew).map_err(untrainable)
}

/// Counts tokens that are text, tokens inside one character, and tokens that hold parts of two characters.
fn shapes(tokenizer: &Tokenizer) -> Value {
    let (mut text, mut inside, mut across) = (0, 0, 0);
    for bytes in (0..tokenizer.len() as u32).filter_map(|id| tokenizer.token(id)) {
        match bytes {
            _ if std::str::from_utf8(bytes).is_ok() => text += 1,
            _ if class::is_inside_character(bytes) => inside += 1,
            _ => across += 1,
        }
    }
    json!({"text": text, "inside_a_character": inside, "across_characters": across})
}
