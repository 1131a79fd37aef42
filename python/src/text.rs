//! Single strings: normalisation, morphemes, keigo, personal data.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use seimai::keigo::columns::FIELDS;
use seimai::keigo::result::sentence_results;
use seimai::keigo::{Analyzer, DocumentKeigo, register};
use seimai::morpheme::{Lexicon, Morphemes, PosTable};
use seimai::normalize::sentences::sentence_ends;
use seimai::normalize::{self, RuleCounts};
use seimai::pii::{self, Action, Finder, Scratch, Span};
use seimai::pipeline::plan::Plan;
use seimai::segment::dictionary::Dictionary;
use seimai::segment::print::facts;
use seimai::segment::{self, MorphemeBuffer, Segmenter as Engine, segment_document};

use crate::errors::{About, carry_out, format_error, work};

/// The rules of normalisation, for strings.
#[pyclass(frozen, module = "seimai._core")]
pub(crate) struct Normalizer {
    normalizer: normalize::Normalizer,
}

#[pymethods]
impl Normalizer {
    /// By the section `[normalize]` of a plan (TOML).
    #[new]
    fn new(py: Python<'_>, plan: &str) -> PyResult<Self> {
        let plan = carry_out(py, About::Plan, || Plan::from_toml(plan, &[], "options"))?;
        Ok(Self { normalizer: normalize::Normalizer::new(&plan.normalize) })
    }

    /// The normalised text.
    fn __call__(&self, py: Python<'_>, text: &str) -> PyResult<String> {
        work(py, || {
            let mut out = String::new();
            self.normalizer.normalize(text, &mut out, &mut RuleCounts::default());
            out
        })
    }
}

/// A morpheme of a text. Offsets are code points, as Python counts, and bytes of UTF-8; ends are exclusive.
#[pyclass(frozen, module = "seimai", get_all)]
pub(crate) struct Morpheme {
    /// The stretch of the text.
    surface: String,
    /// First code point.
    start: usize,
    /// Code point after the last.
    end: usize,
    /// First byte.
    byte_start: usize,
    /// Byte after the last.
    byte_end: usize,
    /// Part of speech: the first six features of the dictionary.
    pos: Py<PyTuple>,
    /// Dictionary form, where there is one.
    lemma: Option<String>,
    /// Reading in katakana, where there is one.
    reading: Option<String>,
    /// It is not in the dictionary.
    is_unknown: bool,
}

#[pymethods]
impl Morpheme {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let pos: Vec<String> = self.pos.extract(py)?;
        Ok(format!("<{} {}>", self.surface, pos.into_iter().take_while(|field| field != "*").collect::<Vec<_>>().join("-")))
    }
}

/// Personal data: kind, start and end in code points, start and end in bytes.
type Place = (&'static str, usize, usize, usize, usize);

/// A dictionary and an engine over it, opened once and shared by all threads.
#[pyclass(frozen, module = "seimai._core")]
pub(crate) struct Segmenter {
    plan: Plan,
    dictionary: Arc<Dictionary>,
    engine: Arc<dyn Engine>,
    keigo: OnceLock<Analyzer>,
    finder: OnceLock<Finder>,
}

impl Segmenter {
    /// The morphemes of a text.
    fn morphemes(&self, text: &str) -> MorphemeBuffer {
        let mut morphemes = MorphemeBuffer::default();
        segment_document(self.engine.worker().as_mut(), text, &mut morphemes);
        morphemes
    }

    fn analyzer(&self) -> seimai::error::Result<&Analyzer> {
        if let Some(analyzer) = self.keigo.get() {
            return Ok(analyzer);
        }
        let analyzer = Analyzer::new(self.dictionary.as_ref())?;
        Ok(self.keigo.get_or_init(|| analyzer))
    }

    /// What `seimai keigo` says of a text: its sentences, its register, its counts.
    fn analysis(&self, text: &str) -> seimai::error::Result<serde_json::Value> {
        let thresholds = &self.plan.keigo.register;
        let buffer = self.morphemes(text);
        let morphemes = Morphemes { ends: &buffer.ends, pos: &buffer.pos, word: &buffer.word };
        let mut ends = Vec::new();
        sentence_ends(text, &mut ends);
        let mut worker = self.analyzer()?.worker();
        let analysis = worker.analyze(text, &ends, morphemes);
        let document = DocumentKeigo::new(text, &analysis);
        let counts: serde_json::Map<_, _> = FIELDS.iter().map(|field| (field.name.to_owned(), field.json(&document, thresholds))).collect();
        let sentences = serde_json::to_value(sentence_results(None, text, &analysis));
        let sentences = sentences.map_err(|e| seimai::error::Error::internal(e.to_string()))?;
        Ok(serde_json::json!({"sentences": sentences, "register": register(&document, thresholds).name(), "counts": counts}))
    }

    fn personal_data(&self, text: &str) -> Vec<Span> {
        let finder = self.finder.get_or_init(|| Finder::new(&self.dictionary.pos_table(), &self.plan.pii.wanted()));
        let buffer = self.morphemes(text);
        let morphemes = Morphemes { ends: &buffer.ends, pos: &buffer.pos, word: &buffer.word };
        let mut spans = Vec::new();
        finder.find(text, morphemes, &mut Scratch::default(), &mut spans);
        spans
    }
}

#[pymethods]
impl Segmenter {
    /// By the sections `[segment]`, `[keigo]` and `[pii]` of a plan (TOML); paths in it start at `base`.
    #[new]
    fn new(py: Python<'_>, plan: &str, base: PathBuf) -> PyResult<Self> {
        carry_out(py, About::Plan, || {
            let plan = Plan::from_toml(plan, &[], "options")?;
            let (dictionary, engine) = segment::open_noted(&plan.segment.beside(&base))?;
            Ok(Self { plan, dictionary, engine, keigo: OnceLock::new(), finder: OnceLock::new() })
        })
    }

    /// Name, version and fingerprint of the dictionary.
    #[getter]
    fn dictionary(&self) -> (String, String, String) {
        let about = &self.dictionary.about().identity;
        (about.name.clone(), about.version.clone(), self.dictionary.fingerprint().to_owned())
    }

    /// The morphemes of a text; skipped white space and line breaks are none.
    fn segment(&self, py: Python<'_>, text: &str) -> PyResult<Vec<Morpheme>> {
        let morphemes = work(py, || self.morphemes(text))?;
        let mut at = 0;
        let (mut found, mut characters) = (Vec::new(), 0);
        for (i, &end) in morphemes.ends.iter().enumerate() {
            let surface = text.get(at..end as usize).unwrap_or_default();
            let (byte_start, start) = (at, characters);
            (at, characters) = (end as usize, characters + surface.chars().count());
            if morphemes.pos[i] == PosTable::GAP {
                continue;
            }
            let facts = facts(&self.dictionary, morphemes.word[i], morphemes.pos[i]);
            found.push(Morpheme {
                surface: surface.to_owned(),
                start,
                end: characters,
                byte_start,
                byte_end: at,
                pos: PyTuple::new(py, facts.pos)?.unbind(),
                lemma: facts.lemma,
                reading: facts.reading,
                is_unknown: facts.unknown,
            });
        }
        Ok(found)
    }

    /// The surfaces of the morphemes (分かち書き).
    fn surfaces(&self, py: Python<'_>, text: &str) -> PyResult<Vec<String>> {
        work(py, || {
            let morphemes = self.morphemes(text);
            let starts = std::iter::once(0).chain(morphemes.ends.iter().copied());
            let words = starts.zip(&morphemes.ends).zip(&morphemes.pos).filter(|(_, pos)| **pos != PosTable::GAP);
            words.map(|((start, &end), _)| text.get(start as usize..end as usize).unwrap_or_default().to_owned()).collect()
        })
    }

    /// What `seimai keigo` says of a text, as JSON.
    fn keigo(&self, py: Python<'_>, text: &str) -> PyResult<String> {
        Ok(carry_out(py, About::Input, || self.analysis(text))?.to_string())
    }

    /// Personal data in a text: kind, start and end in code points, start and end in bytes.
    fn pii(&self, py: Python<'_>, text: &str) -> PyResult<Vec<Place>> {
        work(py, || {
            let (mut byte, mut characters) = (0, 0);
            let mut count = |to: usize| {
                characters += text.get(byte..to).map_or(0, |part| part.chars().count());
                byte = to;
                characters
            };
            let spans = self.personal_data(text);
            spans.iter().map(|span| (span.kind.name(), count(span.start), count(span.end), span.start, span.end)).collect()
        })
    }

    /// The text with placeholders for the kinds that the plan masks; `None` if it holds a kind that the plan drops.
    fn mask(&self, py: Python<'_>, text: &str) -> PyResult<Option<String>> {
        work(py, || {
            let spans = self.personal_data(text);
            let action = |span: &Span| self.plan.pii.action(span.kind);
            if spans.iter().any(|span| action(span) == Action::Drop) {
                return None;
            }
            let masked: Vec<Span> = spans.into_iter().filter(|span| action(span) == Action::Mask).collect();
            let mut out = String::new();
            pii::mask(text, &masked, &mut out);
            Some(out)
        })
    }

    /// The ends of the sentences of a text, in code points.
    #[staticmethod]
    fn sentence_ends(py: Python<'_>, text: &str) -> PyResult<Vec<usize>> {
        if u32::try_from(text.len()).is_err() {
            return Err(format_error(py, "the text is longer than 4 GiB"));
        }
        work(py, || {
            let mut ends = Vec::new();
            sentence_ends(text, &mut ends);
            let (mut at, mut characters) = (0, 0);
            let count = |end: u32| {
                characters += text.get(at..end as usize).map_or(0, |part| part.chars().count());
                at = end as usize;
                characters
            };
            ends.into_iter().map(count).collect()
        })
    }
}

/// Adds the classes to the module.
pub(crate) fn register_classes(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Normalizer>()?;
    module.add_class::<Morpheme>()?;
    module.add_class::<Segmenter>()
}
