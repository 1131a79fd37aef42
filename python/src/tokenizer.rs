//! `seimai.Tokenizer`: the ids of Hugging Face's library, many texts at a time, without the GIL.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int32Array, ListArray, RecordBatch};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema};
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyCapsule, PyTuple};
use seimai::bpe::encode::Encoder;
use seimai::bpe::{self, Count, Trained, merge_counts, vocabulary};
use seimai::error::Error;
use seimai::normalize::{Normalizer, RuleCounts};
use seimai::pipeline::observer::Stop;
use seimai::pipeline::plan::Plan;
use seimai::pipeline::pool::Pool;
use seimai::pipeline::registry;
use seimai::schema::{INPUT_IDS, NORMALIZER_MARK, TEXT, element};
use seimai::stage::{Absorber, Fold, Stage};

use crate::admit::{admit, pieces};
use crate::buffer::{Buffer, Holder, Item};
use crate::capsule::{Incoming, array_capsules, incoming};
use crate::errors::{About, OrRaise, carry_out, format_error};
use crate::texts::strings_of;

/// Bytes of text that a thread takes at a time.
const PORTION_BYTES: usize = 256 << 10;
/// Bytes of text between two looks for Ctrl-C.
const LISTENED: usize = 16 << 20;
/// Bytes of text that are counted at a time when a vocabulary is trained.
const TRAINING_BYTES: usize = 4 << 20;

/// A byte-pair-encoding tokenizer, immutable and shared by all threads.
#[pyclass(frozen, module = "seimai._core")]
pub(crate) struct Tokenizer {
    vocabulary: vocabulary::Tokenizer,
    encoder: Encoder,
    /// What the file says is done before encoding.
    normalizer: Option<Normalizer>,
    /// The files of the vocabulary, by name.
    files: Vec<(String, String)>,
}

impl Tokenizer {
    fn of(tokenizer: vocabulary::Tokenizer, files: Vec<(String, String)>) -> Result<Self, Error> {
        let normalizer = tokenizer.normalizer().map(options_of).transpose()?;
        let normalizer = normalizer.map(|options| Normalizer::new(&options));
        Ok(Self { encoder: Encoder::new(&tokenizer), vocabulary: tokenizer, normalizer, files })
    }

    /// Appends the ids of a text.
    fn push(&self, worker: &mut bpe::encode::Worker<'_>, scratch: &mut String, text: &str, ids: &mut Vec<i32>) -> Result<(), Error> {
        let text = match &self.normalizer {
            None => text,
            Some(normalizer) => {
                normalizer.normalize(text, scratch, &mut RuleCounts::default());
                scratch.as_str()
            }
        };
        worker
            .encode(text, ids)
            .map_err(|e| Error::refused(format!("the vocabulary has no token for the character at byte {} of the text", e.at)))
    }

    /// The ids of many texts, with a look for Ctrl-C every [`LISTENED`] bytes.
    fn strings(&self, py: Python<'_>, mut texts: &[PyBackedStr], threads: usize) -> PyResult<Tokens> {
        let (mut all, mut all_ends) = (Vec::new(), Vec::new());
        while !texts.is_empty() {
            py.check_signals()?;
            let (mut count, mut bytes) = (0, 0);
            while let Some(text) = texts.get(count)
                && bytes < LISTENED
            {
                count += 1;
                bytes += text.len();
            }
            let (some, rest) = texts.split_at(count);
            let (ids, ends) = carry_out(py, About::Input, || self.batch(some, threads))?;
            all_ends.extend(ends.into_iter().map(|end| end + all.len()));
            if all.is_empty() {
                all = ids;
            } else {
                all.extend_from_slice(&ids);
            }
            texts = rest;
        }
        Ok(Tokens::new(all, all_ends))
    }

    /// The ids of many texts, and where those of each end.
    fn batch<T: AsRef<str> + Sync>(&self, texts: &[T], threads: usize) -> Result<(Vec<i32>, Vec<usize>), Error> {
        let portions = portions(texts);
        let done: Vec<Mutex<(Vec<i32>, Vec<usize>)>> = portions.iter().map(|_| Mutex::default()).collect();
        let encode = |portion: usize| -> Result<(), Error> {
            let (mut worker, mut scratch) = (self.encoder.worker(), String::new());
            let texts = texts.get(portions[portion].clone()).unwrap_or_default();
            let (mut ids, mut lengths) = (Vec::new(), Vec::with_capacity(texts.len()));
            for text in texts {
                let before = ids.len();
                self.push(&mut worker, &mut scratch, text.as_ref(), &mut ids)?;
                lengths.push(ids.len() - before);
            }
            if let Ok(mut slot) = done[portion].lock() {
                *slot = (ids, lengths);
            }
            Ok(())
        };
        if threads < 2 || portions.len() < 2 {
            (0..portions.len()).try_for_each(encode)?;
        } else {
            // The threads belong to the call: none is left behind for a fork to lose.
            let mut next = 0..portions.len();
            Pool::new(threads.min(portions.len()))?.for_each(&Stop::default(), &mut || Ok(next.next()), &|| (), &|(), n| encode(n))?;
        }
        let done = done.into_iter().map(|slot| slot.into_inner().unwrap_or_default()).collect::<Vec<_>>();
        let mut ids = Vec::with_capacity(done.iter().map(|(ids, _)| ids.len()).sum());
        let mut ends = Vec::with_capacity(texts.len());
        for (of_portion, lengths) in done {
            let mut end = ids.len();
            ends.extend(lengths.into_iter().map(|length| {
                end += length;
                end
            }));
            ids.extend_from_slice(&of_portion);
        }
        Ok((ids, ends))
    }
}

/// Consecutive texts, about as many bytes in each range.
fn portions<T: AsRef<str>>(texts: &[T]) -> Vec<std::ops::Range<usize>> {
    let (mut ranges, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (at, text) in texts.iter().enumerate() {
        bytes += text.as_ref().len();
        if bytes >= PORTION_BYTES {
            ranges.push(start..at + 1);
            (start, bytes) = (at + 1, 0);
        }
    }
    if start < texts.len() {
        ranges.push(start..texts.len());
    }
    ranges
}

/// The settings of the normaliser inside a tokenizer.json: its last step names them.
fn options_of(normalizer: &serde_json::Value) -> Result<seimai::normalize::Options, Error> {
    let steps = normalizer.get("normalizers").and_then(serde_json::Value::as_array);
    let mark = steps.and_then(|steps| steps.last()?.pointer("/pattern/String")?.as_str()?.strip_prefix(NORMALIZER_MARK));
    let what: Option<serde_json::Value> = mark.and_then(|mark| serde_json::from_str(mark).ok());
    let options = what.and_then(|what| serde_json::from_value(what.get("options")?.clone()).ok());
    options.ok_or_else(|| Error::refused("the normalizer of the tokenizer names no settings that this version knows"))
}

#[pymethods]
impl Tokenizer {
    /// Reads a tokenizer.json.
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        carry_out(py, About::Format, || {
            let tokenizer = bpe::read_tokenizer(&path)?;
            let json = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, "read", e))?;
            Self::of(tokenizer, vec![("tokenizer.json".to_owned(), json)])
        })
    }

    /// From the content of a tokenizer.json.
    #[staticmethod]
    fn from_json(py: Python<'_>, json: String) -> PyResult<Self> {
        carry_out(py, About::Format, || {
            let tokenizer = bpe::huggingface::parse(json.as_bytes()).map_err(|fault| Error::refused(format!("tokenizer.json: {fault}")))?;
            Self::of(tokenizer, vec![("tokenizer.json".to_owned(), json)])
        })
    }

    /// One more than the largest id.
    #[getter]
    fn vocab_size(&self) -> usize {
        self.vocabulary.len()
    }

    /// Special tokens and their ids.
    #[getter]
    fn special_tokens(&self) -> std::collections::BTreeMap<String, u32> {
        self.vocabulary.specials().iter().map(|special| (special.content.clone(), special.id)).collect()
    }

    /// Digest of what `tokenizer.json` means, hex: the same after other libraries have written the file anew.
    #[getter]
    fn content_blake3(&self, py: Python<'_>) -> PyResult<String> {
        let json = self.files.iter().find(|(name, _)| name == "tokenizer.json").map_or("", |(_, json)| json);
        carry_out(py, About::Format, || {
            bpe::huggingface::content_blake3(json.as_bytes()).map_err(|fault| Error::refused(format!("tokenizer.json: {fault}")))
        })
    }

    /// The files of the vocabulary: names and contents; a tokenizer that was read has one.
    #[getter]
    fn files(&self) -> Vec<(String, String)> {
        self.files.clone()
    }

    /// The ids of a text. No special token is added, and a special token written out in the text is text.
    fn encode(&self, py: Python<'_>, text: &str) -> PyResult<Vec<i32>> {
        carry_out(py, About::Input, || {
            let mut ids = Vec::new();
            self.push(&mut self.encoder.worker(), &mut String::new(), text, &mut ids)?;
            Ok(ids)
        })
    }

    /// The ids of many texts: strings, or an Arrow array of strings, or the column `column` of Arrow data.
    #[pyo3(signature = (texts, threads, column))]
    fn encode_batch(&self, py: Python<'_>, texts: &Bound<'_, PyAny>, threads: usize, column: &str) -> PyResult<Tokens> {
        let Some(Incoming { batches, .. }) = incoming(texts)? else {
            let strings = strings_of(texts)?.ok_or_else(|| PyTypeError::new_err("wanted is an iterable of str, or Arrow data"))?;
            return self.strings(py, &strings, threads);
        };
        let (mut all, mut all_ends) = (Vec::new(), Vec::new());
        for batch in batches {
            let batch = batch.map_err(|message| format_error(py, &message))?;
            py.check_signals()?;
            let batch = renamed(&batch, column).map_err(|message| format_error(py, &message))?;
            for piece in pieces(batch) {
                let (ids, ends) = carry_out(py, About::Format, || self.column(&piece, threads))?;
                all_ends.extend(ends.into_iter().map(|end| end + all.len()));
                if all.is_empty() { all = ids } else { all.extend_from_slice(&ids) }
            }
        }
        Ok(Tokens::new(all, all_ends))
    }

    /// The text of ids. Bytes that are no UTF-8 become U+FFFD.
    #[pyo3(signature = (ids, skip_special_tokens))]
    fn decode(&self, py: Python<'_>, ids: Vec<i32>, skip_special_tokens: bool) -> PyResult<String> {
        carry_out(py, About::Input, || {
            let is_text = |id: &i32| !skip_special_tokens || !u32::try_from(*id).is_ok_and(|id| self.vocabulary.is_special(id));
            let ids: Vec<i32> = ids.into_iter().filter(is_text).collect();
            let bytes = self.vocabulary.decode(&ids).map_err(|id| Error::refused(format!("id {id} is not in the vocabulary")))?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        })
    }

    /// The bytes of a token; `None` for an id without one.
    fn token(&self, id: u32) -> Option<std::borrow::Cow<'_, [u8]>> {
        self.vocabulary.token(id).map(std::borrow::Cow::Borrowed)
    }

    /// Learns a vocabulary from texts by the sections `[tokenizer]` and `[segment]` of a plan (TOML).
    #[staticmethod]
    fn train(py: Python<'_>, texts: &Bound<'_, PyAny>, plan: &str, base: PathBuf) -> PyResult<Self> {
        let options = Plan::from_toml(plan, &[], "options").or_raise(py, About::Plan)?;
        let (fold, steps) = carry_out(py, About::Plan, || {
            let wanted: &[&str] = if options.tokenizer.boundaries == bpe::Boundaries::Morpheme { &["segment"] } else { &[] };
            Ok((Count::new(&options.tokenizer)?, registry::some(&options, &base, wanted)?.stages))
        })?;
        let mut partials = Vec::new();
        let (mut waiting, mut bytes) = (Vec::new(), 0);
        for text in texts.try_iter()? {
            let text: String = text?.extract()?;
            bytes += text.len();
            waiting.push(text);
            if bytes >= TRAINING_BYTES {
                py.check_signals()?;
                partials.push(carry_out(py, About::Input, || counted(&fold, &steps, &std::mem::take(&mut waiting)))?);
                bytes = 0;
            }
        }
        carry_out(py, About::Input, || {
            partials.push(counted(&fold, &steps, &waiting)?);
            let counts = merge_counts(&mut partials.into_iter().map(Ok), usize::MAX)?;
            let mut trained: Trained = bpe::train(&counts, &options.tokenizer)?;
            if options.tokenizer.normalizer == bpe::NormalizerName::Seimai {
                let normalizer = seimai::normalize::huggingface::normalizer(&options.normalize).map_err(Error::refused)?;
                trained.tokenizer = trained.tokenizer.with_normalizer(normalizer);
            }
            let files = trained.files().into_iter().map(|(name, content)| (name.to_owned(), content)).collect();
            Self::of(trained.tokenizer, files)
        })
    }

    fn __len__(&self) -> usize {
        self.vocabulary.len()
    }

    fn __repr__(&self) -> String {
        format!("<seimai.Tokenizer: {} tokens>", self.vocabulary.len())
    }
}

impl Tokenizer {
    fn column(&self, batch: &RecordBatch, threads: usize) -> Result<(Vec<i32>, Vec<usize>), Error> {
        let contract = seimai::stage::Contract { reads: vec![TEXT], adds: vec![] };
        let admitted = admit(batch, std::slice::from_ref(&contract)).map_err(Error::refused)?;
        let batch = contract.admit("encode", admitted.batch)?;
        let texts: Vec<&str> = seimai::stage::strings(&batch, &TEXT)?.iter().map(Option::unwrap_or_default).collect();
        self.batch(&texts, threads)
    }
}

/// The batch with nothing but the column of texts, under the name that stages read.
fn renamed(batch: &RecordBatch, column: &str) -> Result<RecordBatch, String> {
    let schema = batch.schema();
    let alone = schema.fields().len() == 1;
    let at = if alone { Ok(0) } else { schema.index_of(column) };
    let at = at.map_err(|_| {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        format!("there is no column {column}; there are {}", names.join(", "))
    })?;
    let field = Field::new(TEXT.name, schema.field(at).data_type().clone(), true);
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![Arc::clone(batch.column(at))]).map_err(|e| e.to_string())
}

/// The counts of some texts.
fn counted(fold: &Count, steps: &[Box<dyn Stage>], texts: &[String]) -> Result<RecordBatch, Error> {
    let column: ArrayRef = Arc::new(arrow::array::StringArray::from_iter_values(texts));
    let mut batch = RecordBatch::try_new(Arc::new(Schema::new(vec![TEXT.field()])), vec![column])?;
    for step in steps {
        batch = step.worker().apply(batch)?;
    }
    let mut absorber: Box<dyn Absorber + '_> = fold.absorber();
    absorber.push(&batch)?;
    absorber.finish()
}

/// The ids of many texts, as they lie in memory: an Arrow array of lists for Arrow libraries (`pyarrow.array(tokens)`), two flat arrays
/// for numpy (`numpy.asarray(tokens.ids)`, `numpy.asarray(tokens.offsets)`), a sequence of lists for Python.
#[pyclass(frozen, module = "seimai", sequence)]
pub(crate) struct Tokens {
    ids: ScalarBuffer<i32>,
    /// The ids of text i are `offsets[i]..offsets[i + 1]`.
    offsets: ScalarBuffer<i64>,
}

impl Tokens {
    fn new(ids: Vec<i32>, ends: Vec<usize>) -> Self {
        let offsets: Vec<i64> = std::iter::once(0).chain(ends.into_iter().map(|end| end as i64)).collect();
        Self { ids: ids.into(), offsets: offsets.into() }
    }

    /// Lists of 32-bit offsets where they reach, else of 64-bit ones.
    fn array(&self) -> Result<(Field, ArrayRef), arrow::error::ArrowError> {
        let values = Arc::new(Int32Array::new(self.ids.clone(), None));
        let child = element(DataType::Int32);
        if i32::try_from(self.ids.len()).is_ok() {
            let offsets: Vec<i32> = self.offsets.iter().map(|&offset| offset as i32).collect();
            let list = ListArray::try_new(Arc::clone(&child), OffsetBuffer::new(offsets.into()), values, None)?;
            return Ok((Field::new(INPUT_IDS.name, DataType::List(child), false), Arc::new(list)));
        }
        let list = arrow::array::LargeListArray::try_new(Arc::clone(&child), OffsetBuffer::new(self.offsets.clone()), values, None)?;
        Ok((Field::new(INPUT_IDS.name, DataType::LargeList(child), false), Arc::new(list)))
    }
}

impl Holder for ScalarBuffer<i32> {
    fn bytes(&self) -> &[u8] {
        self.inner().as_slice()
    }
}

impl Holder for ScalarBuffer<i64> {
    fn bytes(&self) -> &[u8] {
        self.inner().as_slice()
    }
}

#[pymethods]
impl Tokens {
    /// The ids of all texts, int32.
    #[getter]
    fn ids(&self, py: Python<'_>) -> PyResult<Buffer> {
        Buffer::new(Arc::new(self.ids.clone()), Item::I32, &[self.ids.len()]).ok_or_else(|| format_error(py, "the ids are not in order"))
    }

    /// Where the ids of each text begin, and the end of the last: int64.
    #[getter]
    fn offsets(&self, py: Python<'_>) -> PyResult<Buffer> {
        let buffer = Buffer::new(Arc::new(self.offsets.clone()), Item::I64, &[self.offsets.len()]);
        buffer.ok_or_else(|| format_error(py, "the offsets are not in order"))
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let (field, _) = self.array().map_err(|e| format_error(py, &e.to_string()))?;
        crate::capsule::field_capsule(py, &field)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(&self, py: Python<'py>, requested_schema: Option<&Bound<'_, PyAny>>) -> PyResult<Bound<'py, PyTuple>> {
        let _ = requested_schema;
        let (field, array) = self.array().map_err(|e| format_error(py, &e.to_string()))?;
        array_capsules(py, &field, &array)
    }

    fn __len__(&self) -> usize {
        self.offsets.len() - 1
    }

    fn __getitem__(&self, at: isize) -> PyResult<Vec<i32>> {
        let length = self.__len__().cast_signed();
        let at = if at < 0 { at + length } else { at };
        let range = usize::try_from(at).ok().and_then(|at| self.offsets.get(at..at.checked_add(2)?));
        let Some(&[start, end]) = range else { return Err(PyIndexError::new_err(format!("there are {length} texts"))) };
        Ok(self.ids.get(start as usize..end as usize).unwrap_or_default().to_vec())
    }

    fn __repr__(&self) -> String {
        format!("<seimai.Tokens: {} ids of {} texts>", self.ids.len(), self.__len__())
    }
}

/// Adds the classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Tokenizer>()?;
    module.add_class::<Tokens>()
}
