//! What vocabularies do to a corpus: read, segmented, and encoded with each of them.
//!
//! Sums of work shards add up in any order, so that the report is the same for any number of threads. Memory holds a work shard a thread, counts
//! and an example for each token, sums for each source, and the characters that occur.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::UInt32Type;
use rustc_hash::FxHashMap;
use serde::Serialize;
use serde_json::Value;

use super::observer::Watch;
use super::plan::Plan;
use super::pool::Pool;
use super::reading::Reading;
use super::registry;
use crate::bpe::encode::{self, Encoder};
use crate::bpe::portrait::{self, Coverage, Length, Outstanding, Shapes};
use crate::bpe::tally::{Example, Sums, Tally};
use crate::bpe::vocabulary::Tokenizer;
use crate::corpus::{BatchBuilder, InputFile, Outcome, RawShard};
use crate::error::{Error, Result};
use crate::morpheme::{Morphemes, PosTable};
use crate::pii::{Finder, Kind, Scratch, Span};
use crate::quarantine::Quarantined;
use crate::schema::{DATE, DOC_ID, MORPHEME_ENDS, REGISTER, SOURCE, TEXT};
use crate::stage::{Batch, Worker, list_slice, lists, strings};

/// The shape of the report; `docs/formats/tokenizer-report.md`.
pub const REPORT_VERSION: u32 = 1;

/// A vocabulary with its name.
#[derive(Debug)]
pub struct Named {
    /// What tables call it.
    pub name: String,
    /// Where it was read from.
    pub path: String,
    /// [`content_blake3`](crate::bpe::huggingface::content_blake3).
    pub content_blake3: String,
    /// The vocabulary.
    pub tokenizer: Tokenizer,
    /// Name of its pattern.
    pub pattern: String,
}

/// What is asked.
pub struct Job<'a> {
    /// Reading, normalisation, dictionary.
    pub plan: &'a Plan,
    /// The files.
    pub inputs: Arc<[InputFile]>,
    /// The vocabularies, at least one.
    pub tokenizers: &'a [Named],
    /// Are texts segmented? Else nothing is said of morphemes and registers.
    pub morphemes: bool,
    /// Tokens in fewer documents are listed without their text; 0: all are shown.
    pub min_documents: u64,
}

/// Figures of some documents.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// What they are called.
    pub name: String,
    /// Sums over them.
    pub sums: Sums,
    /// Characters a token.
    pub characters_per_token: Option<f64>,
    /// Bytes a token.
    pub bytes_per_token: Option<f64>,
    /// Tokens a morpheme.
    pub tokens_per_morpheme: Option<f64>,
    /// Share of the boundaries between tokens that are boundaries between morphemes.
    pub precision: Option<f64>,
    /// Share of the boundaries between morphemes that are boundaries between tokens.
    pub recall: Option<f64>,
    /// Share of the tokens that straddle.
    pub straddling: Option<f64>,
    /// Share of the tokens that are clean.
    pub clean: Option<f64>,
}

/// A token in a list.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Its id.
    pub id: u32,
    /// Its text; absent where it is masked.
    pub token: Option<String>,
    /// Occurrences.
    pub count: u64,
    /// Documents with it.
    pub documents: u64,
    /// Occurrences that straddle.
    pub straddling: u64,
    /// Its first occurrence.
    pub example: Option<Example>,
}

/// A token that looks like personal data.
#[derive(Debug, Clone, Serialize)]
pub struct Personal {
    /// Kind of personal data.
    pub kind: &'static str,
    /// The token.
    pub token: Listed,
}

/// How many tokens have little support.
#[derive(Debug, Clone, Serialize)]
pub struct Support {
    /// Fewer documents than this.
    pub documents: u64,
    /// Tokens that occur, in fewer documents.
    pub tokens: u64,
}

/// A text that shows how digits or blanks are cut.
#[derive(Debug, Clone, Serialize)]
pub struct Probe {
    /// The text.
    pub text: &'static str,
    /// Its tokens; absent where the vocabulary has none for a character.
    pub tokens: Option<Vec<String>>,
}

/// What is said of a vocabulary.
#[derive(Debug, Clone, Serialize)]
pub struct Portrait {
    /// What tables call it.
    pub name: String,
    /// Where it was read from.
    pub path: String,
    /// Digest of its content.
    pub content_blake3: String,
    /// Its pattern.
    pub pattern: String,
    /// One more than the largest id.
    pub vocab_size: usize,
    /// Special tokens.
    pub specials: usize,
    /// All documents.
    pub total: Figures,
    /// By source: the hundred with most characters, then `(other)`.
    pub sources: Vec<Figures>,
    /// By register.
    pub registers: Vec<Figures>,
    /// By era of the date of the record.
    pub eras: Vec<Figures>,
    /// Rényi efficiency of order 2.5.
    pub renyi_efficiency: Option<f64>,
    /// Ordinary tokens that do not occur.
    pub unused: u64,
    /// Their share.
    pub unused_share: f64,
    /// How tokens are made up.
    pub shapes: Shapes,
    /// Tokens by length.
    pub lengths: Vec<Length>,
    /// What becomes of single characters.
    pub coverage: Coverage,
    /// How digits and blanks are cut.
    pub probes: Vec<Probe>,
    /// Tokens with most characters.
    pub longest: Vec<Listed>,
    /// Tokens that straddle most often.
    pub straddling: Vec<Listed>,
    /// One character over and over.
    pub repeated: Vec<Listed>,
    /// Japanese with Latin letters or digits.
    pub mixed: Vec<Listed>,
    /// Parts of two characters.
    pub across: Vec<Listed>,
    /// Tokens that look like personal data.
    pub personal: Vec<Personal>,
    /// Tokens in few documents.
    pub support: Vec<Support>,
}

/// A text as every vocabulary cuts it. Ends are byte offsets.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// Its source.
    pub source: String,
    /// The text.
    pub text: String,
    /// Ends of morphemes.
    pub morphemes: Vec<u32>,
    /// Ends of tokens, by vocabulary.
    pub tokens: Vec<Vec<u32>>,
}

/// The report.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// `seimai-tokenizer-report`.
    pub format: &'static str,
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// Form of normalisation.
    pub normalize: Value,
    /// Fingerprint of the dictionary; absent without morphemes.
    pub dictionary: Option<String>,
    /// Tokens in fewer documents are masked.
    pub min_documents: u64,
    /// The vocabularies in the order given.
    pub tokenizers: Vec<Portrait>,
    /// Beginnings of documents of the first sources; none where tokens are masked.
    pub samples: Vec<Sample>,
}

/// What reading gave beside the report.
#[derive(Debug, Default)]
pub struct Read {
    /// What could not be read, in the order of the inputs.
    pub quarantined: Vec<Quarantined>,
    /// Records that the sample left out.
    pub left_out: u64,
}

/// Names of groups: what they are groups of, and their value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Dimension {
    Source,
    Register,
    Era,
}

/// Sources in a report.
const SOURCES: usize = 100;
/// Tokens in a list.
const LISTED: usize = 30;
/// Samples, and their characters.
const SAMPLES: usize = 4;
const SAMPLE_CHARACTERS: usize = 90;
/// Lines among which one is chosen, and characters of one that is long enough.
const SAMPLE_LINES: usize = 20;
const SENTENCE: usize = 24;

/// What one thread works with.
struct Tools<'e> {
    workers: Vec<Box<dyn Worker + 'e>>,
    encoders: Vec<encode::Worker<'e>>,
    ids: Vec<i32>,
}

/// Counts that add up.
struct Counted {
    total: Vec<Sums>,
    groups: BTreeMap<(Dimension, String), Vec<Sums>>,
    tallies: Vec<Tally>,
    characters: FxHashMap<char, u64>,
    /// By source: number and beginning of its first document, with ends of morphemes.
    samples: BTreeMap<String, (u64, String, Vec<u32>)>,
}

impl Counted {
    fn new(tokenizers: &[Named]) -> Self {
        Self {
            total: vec![Sums::default(); tokenizers.len()],
            groups: BTreeMap::new(),
            tallies: tokenizers.iter().map(|named| Tally::new(&named.tokenizer)).collect(),
            characters: FxHashMap::default(),
            samples: BTreeMap::new(),
        }
    }

    fn add(&mut self, other: Self) {
        let sum = |ours: &mut [Sums], theirs: &[Sums]| ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| ours.add(theirs));
        sum(&mut self.total, &other.total);
        for (name, theirs) in other.groups {
            sum(self.groups.entry(name).or_insert_with(|| vec![Sums::default(); theirs.len()]), &theirs);
        }
        self.tallies.iter_mut().zip(other.tallies).for_each(|(ours, theirs)| ours.add(theirs));
        #[expect(clippy::iter_over_hash_type, reason = "sums do not depend on the order")]
        for (c, count) in other.characters {
            *self.characters.entry(c).or_default() += count;
        }
        for (source, theirs) in other.samples {
            let ours = self.samples.entry(source).or_insert_with(|| theirs.clone());
            if theirs.0 < ours.0 {
                *ours = theirs;
            }
        }
    }
}

impl Job<'_> {
    /// Reads, segments and encodes on all threads.
    ///
    /// # Errors
    /// Those of the plan, the machine and the inputs; [`Error::Refused`] if a vocabulary has no token for a character.
    pub fn run(&self, base: &Path, pool: &Pool, watch: Watch<'_>) -> Result<(Report, Read)> {
        let steps: &[&str] = if self.morphemes { &["normalize", "sentences", "segment", "keigo"] } else { &["normalize"] };
        let opened = registry::some(self.plan, base, steps)?;
        let encoders: Vec<Encoder> = self.tokenizers.iter().map(|named| Encoder::new(&named.tokenizer)).collect();
        let mut reading = Reading::start(self.plan, &self.inputs, watch, "compare");
        let outcomes: Mutex<Vec<(u64, Outcome)>> = Mutex::default();
        // As many as threads worked at once.
        let idle: Mutex<Vec<Counted>> = Mutex::default();
        let tools = || Tools {
            workers: opened.stages.iter().map(|stage| stage.worker()).collect(),
            encoders: encoders.iter().map(Encoder::worker).collect(),
            ids: Vec::new(),
        };
        let work = |tools: &mut Tools<'_>, shard: RawShard| -> Result<()> {
            let index = shard.shard().index;
            let waiting = idle.lock().map_err(poisoned)?.pop();
            let mut sums = waiting.unwrap_or_else(|| Counted::new(self.tokenizers));
            let mut row = index << 32;
            let mut builder = BatchBuilder::new(Arc::clone(&self.inputs), &self.plan.input.source);
            let outcome = shard.decode(&self.plan.input, &mut |record| self.take(tools, &mut sums, builder.push(&record)?, &mut row))?;
            self.take(tools, &mut sums, builder.finish()?, &mut row)?;
            outcomes.lock().map_err(poisoned)?.push((index, outcome));
            idle.lock().map_err(poisoned)?.push(sums);
            Ok(())
        };
        pool.for_each(watch.stop, &mut || reading.next_shard(), &tools, &work)?;
        reading.finish();
        let mut sums = Counted::new(self.tokenizers);
        for counted in idle.into_inner().map_err(poisoned)? {
            sums.add(counted);
        }
        let mut outcomes = outcomes.into_inner().map_err(poisoned)?;
        outcomes.sort_by_key(|(index, _)| *index);
        let mut read = Read::default();
        for (_, outcome) in outcomes {
            read.left_out += outcome.tallies.iter().map(|(_, tally)| tally.left_out).sum::<u64>();
            read.quarantined.extend(outcome.quarantined);
        }
        Ok((self.report(&sums, opened.dictionary)?, read))
    }

    fn take(&self, tools: &mut Tools<'_>, sums: &mut Counted, batch: Option<Batch>, number: &mut u64) -> Result<()> {
        let Some(batch) = batch else { return Ok(()) };
        let batch = tools.workers.iter_mut().try_fold(batch, |batch, worker| worker.apply(batch))?;
        let (texts, sources, dates) = (strings(&batch, &TEXT)?, strings(&batch, &SOURCE)?, strings(&batch, &DATE)?);
        let registers = if self.morphemes { Some((strings(&batch, &REGISTER)?, lists(&batch, &MORPHEME_ENDS)?)) } else { None };
        let Tools { encoders, ids, .. } = tools;
        for (row, date) in dates.iter().enumerate() {
            let (text, source) = (texts.value(row), sources.value(row));
            let ends = registers.map(|(_, ends)| list_slice::<UInt32Type>(ends, row));
            let groups = [
                Some((Dimension::Source, source)),
                registers.map(|(names, _)| (Dimension::Register, names.value(row))),
                Some((Dimension::Era, date.map_or(NO_DATE, era))),
            ];
            for (at, encoder) in encoders.iter_mut().enumerate() {
                ids.clear();
                encoder.encode(text, ids).map_err(|error| {
                    let id = strings(&batch, &DOC_ID).map_or("?", |ids| ids.value(row));
                    let named = &self.tokenizers[at];
                    Error::refused(format!("{}: document {id:?}: no token for the character at byte {}", named.path, error.at))
                })?;
                let document = sums.tallies[at].document(*number, text, ids, ends);
                sums.total[at].add(&document);
                for (dimension, name) in groups.into_iter().flatten() {
                    group(&mut sums.groups, dimension, name, self.tokenizers.len())[at].add(&document);
                }
            }
            for c in text.chars() {
                *sums.characters.entry(c).or_default() += 1;
            }
            if sums.samples.get(source).is_none_or(|(first, ..)| *first > *number) && !text.trim().is_empty() {
                sums.samples.insert(source.to_owned(), beginning(*number, text, ends.unwrap_or_default()));
            }
            *number += 1;
        }
        Ok(())
    }

    fn report(&self, sums: &Counted, dictionary: Option<String>) -> Result<Report> {
        let finder = Finder::new(&PosTable::default(), &Kind::ALL);
        let mut characters: Vec<(char, u64)> = sums.characters.iter().map(|(&c, &count)| (c, count)).collect();
        characters.sort_unstable();
        let portraits = (0..self.tokenizers.len()).map(|at| self.portrait(at, sums, &characters, &finder)).collect::<Vec<_>>();
        let samples = if self.min_documents > 0 { Vec::new() } else { self.samples(sums)? };
        Ok(Report {
            format: "seimai-tokenizer-report",
            version: REPORT_VERSION,
            normalize: serde_json::to_value(&self.plan.normalize).map_err(|e| Error::internal(format!("plan: {e}")))?,
            dictionary,
            min_documents: self.min_documents,
            tokenizers: portraits,
            samples,
        })
    }

    fn portrait(&self, at: usize, sums: &Counted, characters: &[(char, u64)], finder: &Finder) -> Portrait {
        let (named, tally) = (&self.tokenizers[at], &sums.tallies[at]);
        let tokenizer = &named.tokenizer;
        let of = |dimension: Dimension| {
            let groups = sums.groups.iter().filter(|((kind, _), _)| *kind == dimension);
            groups.map(|((_, name), sums)| figures(name.clone(), sums[at])).collect::<Vec<_>>()
        };
        let ordinary: Vec<u32> =
            (0..tokenizer.len() as u32).filter(|&id| !tokenizer.is_special(id) && tokenizer.token(id).is_some()).collect();
        let unused = ordinary.iter().filter(|&&id| tally.counts[id as usize] == 0).count() as u64;
        let listed =
            |which| portrait::outstanding(tokenizer, tally, which, LISTED).into_iter().map(|id| self.listed(at, tally, id)).collect();
        let (shapes, lengths) = portrait::shapes(tokenizer, &tally.counts);
        let fewer = |documents: u64| Support {
            documents,
            tokens: ordinary.iter().filter(|&&id| (1..documents).contains(&tally.documents[id as usize])).count() as u64,
        };
        let mut support: Vec<u64> = vec![2, 5, 10, self.min_documents.max(2)];
        support.sort_unstable();
        support.dedup();
        Portrait {
            name: named.name.clone(),
            path: named.path.clone(),
            content_blake3: named.content_blake3.clone(),
            pattern: named.pattern.clone(),
            vocab_size: tokenizer.len(),
            specials: tokenizer.specials().len(),
            total: figures("all".to_owned(), sums.total[at]),
            sources: largest(of(Dimension::Source)),
            registers: of(Dimension::Register),
            eras: of(Dimension::Era),
            renyi_efficiency: portrait::renyi_efficiency(&tally.counts, ordinary.len()),
            unused,
            unused_share: unused as f64 / ordinary.len().max(1) as f64,
            shapes,
            lengths,
            coverage: portrait::coverage(tokenizer, characters),
            probes: portrait::PROBES.into_iter().map(|text| Probe { text, tokens: portrait::probe(tokenizer, text) }).collect(),
            longest: listed(Outstanding::Longest),
            straddling: listed(Outstanding::Straddling),
            repeated: listed(Outstanding::Repeated),
            mixed: listed(Outstanding::Mixed),
            across: listed(Outstanding::Across),
            personal: self.personal(at, tally, &ordinary, finder),
            support: support.into_iter().map(fewer).collect(),
        }
    }

    /// A token as lists have it: without its text and example where too few documents have it.
    fn listed(&self, at: usize, tally: &Tally, id: u32) -> Listed {
        let i = id as usize;
        let masked = tally.documents[i] < self.min_documents;
        let token = portrait::shown(self.tokenizers[at].tokenizer.token(id).unwrap_or_default());
        Listed {
            id,
            token: (!masked).then_some(token),
            count: tally.counts[i],
            documents: tally.documents[i],
            straddling: tally.straddles[i],
            // Its surroundings are those of one document.
            example: tally.examples[i].clone().filter(|_| self.min_documents == 0),
        }
    }

    /// Tokens that hold what looks like personal data.
    fn personal(&self, at: usize, tally: &Tally, ordinary: &[u32], finder: &Finder) -> Vec<Personal> {
        let tokenizer = &self.tokenizers[at].tokenizer;
        let (mut scratch, mut spans): (Scratch, Vec<Span>) = (Scratch::default(), Vec::new());
        let mut found = Vec::new();
        for &id in ordinary {
            let Some(Ok(text)) = tokenizer.token(id).map(std::str::from_utf8) else { continue };
            spans.clear();
            finder.find(text, Morphemes::default(), &mut scratch, &mut spans);
            if let Some(span) = spans.first() {
                found.push(Personal { kind: span.kind.name(), token: self.listed(at, tally, id) });
            }
        }
        found
    }

    fn samples(&self, sums: &Counted) -> Result<Vec<Sample>> {
        let mut first: Vec<_> = sums.samples.iter().collect();
        first.sort_by_key(|(_, (number, ..))| *number);
        let mut samples = Vec::new();
        for (source, (_, text, morphemes)) in first.into_iter().take(SAMPLES) {
            let mut tokens = Vec::new();
            for named in self.tokenizers {
                let mut ids = Vec::new();
                Encoder::new(&named.tokenizer)
                    .worker()
                    .encode(text, &mut ids)
                    .map_err(|error| Error::refused(format!("{}: no token for the character at byte {}", named.path, error.at)))?;
                let lengths = ids.iter().map(|&id| named.tokenizer.token(id as u32).map_or(0, <[u8]>::len) as u32);
                tokens.push(lengths.scan(0, |end, length| Some(*end + length).inspect(|now| *end = *now)).collect());
            }
            samples.push(Sample { source: source.clone(), text: text.clone(), morphemes: morphemes.clone(), tokens });
        }
        Ok(samples)
    }
}

/// A lock whose holder panicked.
fn poisoned<T>(_: PoisonError<T>) -> Error {
    Error::internal("another worker panicked")
}

fn group<'s>(groups: &'s mut BTreeMap<(Dimension, String), Vec<Sums>>, dimension: Dimension, name: &str, n: usize) -> &'s mut [Sums] {
    groups.entry((dimension, name.to_owned())).or_insert_with(|| vec![Sums::default(); n])
}

/// The first line of a document that is long enough for a sentence, else the first that is not blank: its beginning.
fn beginning(number: u64, text: &str, ends: &[u32]) -> (u64, String, Vec<u32>) {
    let mut at = 0;
    let lines = text.split('\n').map(|line| {
        let start = at + line.len() - line.trim_start().len();
        at += line.len() + 1;
        (start, line.trim())
    });
    let lines: Vec<(usize, &str)> = lines.filter(|(_, line)| !line.is_empty()).take(SAMPLE_LINES).collect();
    let sentence = lines.iter().find(|(_, line)| line.chars().count() >= SENTENCE);
    let Some(&(start, line)) = sentence.or(lines.first()) else { return (number, String::new(), Vec::new()) };
    let line: String = line.chars().take(SAMPLE_CHARACTERS).collect();
    let (first, last) = (start as u32, (start + line.len()) as u32);
    let ends = ends.iter().filter(|&&end| end > first && end <= last).map(|end| end - first).collect();
    (number, line, ends)
}

const NO_DATE: &str = "(no date)";

/// The era of a date that begins with a year.
fn era(date: &str) -> &'static str {
    let year: Option<u32> = date.get(..4).filter(|year| year.bytes().all(|byte| byte.is_ascii_digit())).and_then(|year| year.parse().ok());
    match year {
        None => NO_DATE,
        Some(..=1867) => "before 1868",
        Some(1868..=1911) => "Meiji, 1868–1911",
        Some(1912..=1925) => "Taisho, 1912–1925",
        Some(1926..=1988) => "Showa, 1926–1988",
        Some(1989..=2018) => "Heisei, 1989–2018",
        Some(2019..) => "Reiwa, from 2019",
    }
}

fn figures(name: String, sums: Sums) -> Figures {
    let ratio = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    Figures {
        name,
        characters_per_token: ratio(sums.characters, sums.tokens),
        bytes_per_token: ratio(sums.bytes, sums.tokens),
        tokens_per_morpheme: ratio(sums.compared, sums.morphemes),
        precision: ratio(sums.common_boundaries, sums.token_boundaries),
        recall: ratio(sums.common_boundaries, sums.morpheme_boundaries),
        straddling: ratio(sums.straddling, sums.compared),
        clean: ratio(sums.clean, sums.compared),
        sums,
    }
}

/// Those with most characters; the others in one.
fn largest(mut all: Vec<Figures>) -> Vec<Figures> {
    all.sort_by(|a, b| b.sums.characters.cmp(&a.sums.characters).then_with(|| a.name.cmp(&b.name)));
    if all.len() > SOURCES {
        let mut rest = Sums::default();
        all.split_off(SOURCES).iter().for_each(|figures| rest.add(&figures.sums));
        all.push(figures("(other)".to_owned(), rest));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eras_are_those_of_years() {
        let cases =
            [("1867-12-31", "before 1868"), ("1868", "Meiji, 1868–1911"), ("1925/1", "Taisho, 1912–1925"), ("1988-12", "Showa, 1926–1988")];
        for (date, wanted) in cases {
            assert_eq!(era(date), wanted, "{date}");
        }
        assert_eq!(
            (era("2018"), era("2019-05-01"), era("令和元年"), era("19"), era("12 May")),
            ("Heisei, 1989–2018", "Reiwa, from 2019", NO_DATE, NO_DATE, NO_DATE)
        );
    }

    #[test]
    fn many_sources_become_one() {
        let of = |n: u64| figures(format!("{n:03}"), Sums { characters: n, tokens: 1, ..Sums::default() });
        let all = largest((1..=120).map(of).collect());
        let last = all.last().unwrap();
        assert_eq!((all.len(), all[0].name.as_str(), last.name.as_str(), last.sums.characters), (101, "120", "(other)", (1..=20).sum()));
    }

    #[test]
    fn a_sample_is_the_first_line_with_a_sentence() {
        let text = format!("題\n{}\n", "米".repeat(30));
        assert_eq!(beginning(3, &text, &[3, 4, 10, 94, 95]), (3, "米".repeat(30), vec![6, 90]));
        assert_eq!(beginning(3, "\n 米を\n炊く", &[2, 5, 8, 9, 12]), (3, "米を".to_owned(), vec![3, 6]));
    }
}
