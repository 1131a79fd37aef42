//! What stands in texts: personal data, items of evaluation sets, how much of it is Japanese, and in which registers. Texts themselves are never
//! told.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::book::Book;
use super::place::Place;
use super::policy::{Policy, SCRIPTS};
use super::sample::Sample;
use super::script::{Letters, is_old};
use crate::dedup::decontaminate;
use crate::error::{Error, Result, Subject};
use crate::keigo::{self, Analyzer, DocumentKeigo, Register, Thresholds, analyze};
use crate::morpheme::{Lexicon, Morphemes, PosTable};
use crate::normalize::{self, Normalizer, RuleCounts, sentences::Splitter};
use crate::pii::{Finder, Kind, Scratch, Span};
use crate::pipeline::evaluation::Evaluation;
use crate::quarantine::escape;
use crate::segment::dictionary::Dictionary;
use crate::segment::{self, MorphemeBuffer, SegmentWorker, Segmenter, segment_document};

const PERSONAL: &str = "personal_data.found";
const CONTAMINATED: &str = "contamination.found";
const JAPANESE: &str = "japanese.coverage";
/// Documents that are told of each of these.
const TOLD: usize = 100;

/// What texts are looked into with.
pub(super) struct Tools {
    dictionary: Option<(Arc<Dictionary>, Arc<dyn Segmenter>)>,
    analyzer: Option<Analyzer>,
    finder: Finder,
    evaluation: Option<Evaluation>,
    normalizer: Normalizer,
}

impl Tools {
    /// Opens what a policy needs. A dictionary that is not there is noted: what needs it cannot be told.
    ///
    /// # Errors
    /// Evaluation sets that cannot be read; those of the machine.
    pub(super) fn open(book: &mut Book, policy: &Policy, base: &Path) -> Result<Self> {
        let wanted = policy.personal_data.wanted();
        let (for_names, for_registers) = (wanted.contains(&Kind::Person), !policy.japanese.registers_min.is_empty());
        let is_needed = for_names && book.asks(PERSONAL) || for_registers && book.asks(JAPANESE);
        let options = segment::Options { dictionary: policy.look.dictionary.clone(), ..segment::Options::default() }.beside(base);
        let opened = is_needed.then(|| {
            if options.dictionary.is_empty() { Err(Error::refused("look.dictionary names none")) } else { segment::open_noted(&options) }
        });
        let dictionary = match opened {
            Some(Ok(opened)) => Some(opened),
            Some(Err(error @ (Error::Interrupted(_) | Error::Resources(_)))) => return Err(error),
            Some(Err(error)) => {
                let hint = error.hint().map_or_else(String::new, |hint| format!(" ({hint})"));
                let what = |of: &str| format!("{of} need a dictionary: {error}{hint}");
                if for_names {
                    book.unseen(PERSONAL, "", Place::default(), what("names of people"));
                }
                if for_registers {
                    book.unseen(JAPANESE, "", Place::default(), what("registers"));
                }
                None
            }
            None => None,
        };
        let lexicon = dictionary.as_ref().map(|(dictionary, _)| dictionary.as_ref());
        let table = lexicon.map_or_else(|| Arc::new(PosTable::default()), Lexicon::pos_table);
        let analyzer = lexicon.filter(|_| for_registers && book.asks(JAPANESE)).map(|lexicon| Analyzer::new(lexicon)).transpose()?;
        let sets = &policy.contamination.sets;
        let evaluation = book.asks(CONTAMINATED).then(|| Evaluation::read(sets, base)).transpose().map_err(|error| match error {
            Error::Refused { message, hint, .. } => {
                Error::Refused { message: format!("contamination.sets: {message}"), hint, subject: Subject::default() }
            }
            other => other,
        })?;
        let normalizer = Normalizer::new(&normalize::Options::default());
        Ok(Self { dictionary, analyzer, finder: Finder::new(&table, &wanted), evaluation, normalizer })
    }
}

/// A document in which something was found.
struct Hit {
    file: String,
    place: Place,
    what: String,
    value: Option<String>,
}

/// Documents that hold something, the first of them with their places.
#[derive(Default)]
struct Hits {
    documents: u64,
    first: Vec<Hit>,
}

impl Hits {
    fn add(&mut self, hit: Hit) {
        self.documents += 1;
        if self.first.len() < TOLD {
            self.first.push(hit);
        }
    }

    /// Notes them where they are more than a share.
    fn tell(self, book: &mut Book, key: &'static str, of: u64, max: f64) {
        if of == 0 {
            return;
        }
        let share = self.documents as f64 / of as f64;
        book.measured(key, "documents", share);
        if share > max {
            for hit in self.first {
                book.found(key, &hit.file, hit.place, hit.what, hit.value);
            }
        }
    }
}

/// Looks into texts.
pub(super) struct Looker<'t> {
    tools: &'t Tools,
    policy: &'t Policy,
    asks: [bool; 3],
    segmenter: Option<Box<dyn SegmentWorker + 't>>,
    keigo: Option<analyze::Worker<'t>>,
    items: Option<decontaminate::Finder<'t>>,
    splitter: Splitter,
    morphemes: MorphemeBuffer,
    scratch: Scratch,
    sample: Option<Sample>,
    documents: u64,
    personal: Hits,
    kinds: BTreeMap<&'static str, u64>,
    contaminated: Hits,
    letters: Letters,
    japanese: u64,
    old: u64,
    registers: BTreeMap<&'static str, u64>,
    foreign: Option<(String, Place)>,
}

impl<'t> Looker<'t> {
    /// Under a policy.
    pub(super) fn new(book: &Book, policy: &'t Policy, tools: &'t Tools) -> Self {
        let look = &policy.look;
        Self {
            tools,
            policy,
            asks: [PERSONAL, CONTAMINATED, JAPANESE].map(|key| book.asks(key)),
            segmenter: tools.dictionary.as_ref().map(|(_, segmenter)| segmenter.worker()),
            keigo: tools.analyzer.as_ref().map(Analyzer::worker),
            items: tools.evaluation.as_ref().map(|evaluation| evaluation.probes.finder()),
            splitter: Splitter::default(),
            morphemes: MorphemeBuffer::default(),
            scratch: Scratch::default(),
            sample: (look.records > 0).then(|| Sample::new(look.records, look.bytes)),
            documents: 0,
            personal: Hits::default(),
            kinds: BTreeMap::new(),
            contaminated: Hits::default(),
            letters: Letters::default(),
            japanese: 0,
            old: 0,
            registers: BTreeMap::new(),
            foreign: None,
        }
    }

    /// Takes a document; looks into it now or, if it is drawn, in the end.
    pub(super) fn take(&mut self, key: &str, file: &str, place: &Place, text: &str) {
        if self.asks == [false; 3] {
            return;
        }
        match &mut self.sample {
            Some(sample) => sample.offer(key, file, place, text),
            None => self.look(file, place, text),
        }
    }

    /// Looks into what was drawn, and notes what does not hold.
    pub(super) fn tell(mut self, book: &mut Book, stop: &crate::pipeline::observer::Stop) -> Result<()> {
        if let Some(sample) = self.sample.take() {
            for drawn in sample.finish() {
                stop.check()?;
                self.look(&drawn.file, &drawn.place, &drawn.text);
            }
        }
        for key in [PERSONAL, CONTAMINATED, JAPANESE] {
            book.looked(key, self.documents);
        }
        if self.documents == 0 {
            return Ok(());
        }
        for (kind, documents) in &self.kinds {
            book.measured(PERSONAL, *kind, *documents as f64 / self.documents as f64);
        }
        self.coverage(book);
        self.personal.tell(book, PERSONAL, self.documents, self.policy.personal_data.documents_max);
        self.contaminated.tell(book, CONTAMINATED, self.documents, self.policy.contamination.documents_max);
        Ok(())
    }

    fn look(&mut self, file: &str, place: &Place, text: &str) {
        self.documents += 1;
        let [personal, contaminated, japanese] = self.asks;
        if personal {
            self.personal_data(file, place, text);
        }
        if contaminated {
            self.items(file, place, text);
        }
        if japanese {
            self.script(file, place, text);
        }
    }

    fn personal_data(&mut self, file: &str, place: &Place, text: &str) {
        self.morphemes.clear();
        if let Some(segmenter) = self.segmenter.as_mut().filter(|_| self.policy.personal_data.wanted().contains(&Kind::Person)) {
            segment_document(segmenter.as_mut(), text, &mut self.morphemes);
        }
        let morphemes = Morphemes { ends: &self.morphemes.ends, pos: &self.morphemes.pos, word: &self.morphemes.word };
        let mut spans: Vec<Span> = Vec::new();
        self.tools.finder.find(text, morphemes, &mut self.scratch, &mut spans);
        let Some(first) = spans.first() else { return };
        let mut kinds: Vec<&'static str> = spans.iter().map(|span| span.kind.name()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in &kinds {
            *self.kinds.entry(kind).or_default() += 1;
        }
        let more = if spans.len() > 1 { format!(", and {} more places", spans.len() - 1) } else { String::new() };
        let what = format!("{} at bytes {} to {} of the text{more}", first.kind.name(), first.start, first.end);
        self.personal.add(Hit { file: file.to_owned(), place: place.clone(), what, value: Some(kinds.join(", ")) });
    }

    fn items(&mut self, file: &str, place: &Place, text: &str) {
        let (Some(finder), Some(evaluation)) = (&mut self.items, &self.tools.evaluation) else { return };
        let found = finder.find(text);
        let Some(best) = Evaluation::best(&found) else { return };
        let (item, set) = evaluation.name(best.item);
        let what = format!("{:.2} of an item of {} at bytes {} to {} of the text", best.share, escape(set, 200), best.start, best.end);
        self.contaminated.add(Hit { file: file.to_owned(), place: place.clone(), what, value: Some(escape(item, 100)) });
    }

    fn script(&mut self, file: &str, place: &Place, text: &str) {
        let letters = Letters::of(text);
        self.letters.add(letters);
        if letters.is_japanese() {
            self.japanese += 1;
        } else if self.foreign.is_none() {
            self.foreign = Some((file.to_owned(), place.clone()));
        }
        self.old += u64::from(is_old(text));
        let (Some(segmenter), Some(keigo)) = (&mut self.segmenter, &mut self.keigo) else { return };
        let (mut normal, mut ends) = (String::new(), Vec::new());
        self.tools.normalizer.normalize(text, &mut normal, &mut RuleCounts::default());
        self.splitter.sentence_ends(&normal, &mut ends);
        self.morphemes.clear();
        segment_document(segmenter.as_mut(), &normal, &mut self.morphemes);
        let morphemes = Morphemes { ends: &self.morphemes.ends, pos: &self.morphemes.pos, word: &self.morphemes.word };
        let document = DocumentKeigo::new(&normal, &keigo.analyze(&normal, &ends, morphemes));
        *self.registers.entry(keigo::register(&document, &Thresholds::default()).name()).or_default() += 1;
    }

    /// Shares beside their least values.
    fn coverage(&self, book: &mut Book) {
        if !self.asks[2] {
            return;
        }
        let (rules, all) = (&self.policy.japanese, self.documents as f64);
        let letters = self.letters.japanese().max(1) as f64;
        let scripts = [self.letters.hiragana, self.letters.katakana, self.letters.kanji].map(|n| n as f64 / letters);
        let mut shares = vec![
            ("documents".to_owned(), self.japanese as f64 / all, rules.documents_min),
            ("old_orthography".to_owned(), self.old as f64 / all, rules.old_orthography_min),
        ];
        shares.extend(
            SCRIPTS
                .iter()
                .zip(scripts)
                .map(|(name, share)| ((*name).to_owned(), share, rules.scripts_min.get(*name).copied().unwrap_or(0.0))),
        );
        if self.keigo.is_some() {
            for register in Register::ALL.map(Register::name) {
                let share = self.registers.get(register).copied().unwrap_or(0) as f64 / all;
                shares.push((format!("register.{register}"), share, rules.registers_min.get(register).copied().unwrap_or(0.0)));
            }
        }
        for (name, share, least) in shares {
            if share < least {
                let foreign = self.foreign.clone().filter(|_| name == "documents");
                let (file, place) = foreign.unwrap_or_default();
                let what = if file.is_empty() {
                    format!("{name}: less than {least}")
                } else {
                    format!("{name}: less than {least}; this one is not Japanese")
                };
                book.found(JAPANESE, &file, place, what, Some(format!("{share:.4}")));
            }
            book.measured(JAPANESE, name, share);
        }
    }
}
