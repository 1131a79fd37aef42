//! `seimai._core.Stage`: a stage of the first pass on Arrow data, with what it needs before it.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use seimai::pipeline::plan::Plan;
use seimai::pipeline::registry;
use seimai::stage::{Contract, Stage as Step, Worker};

use crate::admit::{admit, check_lists, pieces, with_nulls};
use crate::batch::{Batch, BatchReader};
use crate::capsule::{Incoming, incoming};
use crate::errors::{About, carry_out, format_error, work};
use crate::texts::batch_of_texts;

/// The name that stands for all stages of the first pass.
const ANNOTATE: &str = "annotate";

/// What a stage needs before it, and its own name last.
fn chain_of(name: &str) -> Vec<&str> {
    match name {
        ANNOTATE => registry::names().collect(),
        "keigo" => vec!["sentences", "segment", "keigo"],
        "quality" => vec!["sentences", "segment", "keigo", "quality"],
        "pii" => vec!["segment", "pii"],
        other => vec![other],
    }
}

/// The steps, shared with readers that work later.
struct Steps {
    all: Vec<Box<dyn Step>>,
    /// How many of them, from the end, are asked for; the columns of those before are made only where they are missing, and left out again.
    wanted: usize,
    contracts: Vec<Contract>,
}

/// A stage at work on one schema.
struct Prepared {
    steps: Arc<Steps>,
    /// Which steps run.
    run: Vec<usize>,
    /// Columns that are left out at the end.
    auxiliary: Vec<&'static str>,
    /// Lists that come from outside are checked.
    checks_lists: bool,
    output: SchemaRef,
}

impl Prepared {
    fn new(steps: &Arc<Steps>, input: &SchemaRef) -> seimai::error::Result<Self> {
        let has = |name: &str| input.index_of(name).is_ok();
        let first_wanted = steps.all.len() - steps.wanted;
        let is_there = |step: usize| steps.contracts[step].adds.iter().all(|column| has(column.name));
        let run: Vec<usize> = (0..steps.all.len()).filter(|&step| step >= first_wanted || !is_there(step)).collect();
        let auxiliary =
            run.iter().filter(|&&step| step < first_wanted).flat_map(|&step| &steps.contracts[step].adds).map(|column| column.name);
        let auxiliary: Vec<&'static str> = auxiliary.filter(|name| !has(name)).collect();
        let mut schema = input.as_ref().clone();
        // Dictionaries of strings are decoded before the stages see them.
        let admitted = RecordBatch::new_empty(Arc::clone(input));
        if let Ok(admitted) = admit(&admitted, &steps.contracts) {
            schema = admitted.batch.schema().as_ref().clone();
        }
        for &step in &run {
            schema = steps.contracts[step].output(steps.all[step].name(), &schema)?;
        }
        let nullable = input.field_with_name("text").is_ok_and(arrow::datatypes::Field::is_nullable);
        let fields = schema.fields().iter().filter(|field| !auxiliary.contains(&field.name().as_str())).map(|field| {
            let text = field.name() == "text" && nullable;
            if text { Arc::new(field.as_ref().clone().with_nullable(true)) } else { Arc::clone(field) }
        });
        let output = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let checks_lists = ["sentence_ends", "morpheme_ends"].into_iter().any(has);
        Ok(Self { steps: Arc::clone(steps), run, auxiliary, checks_lists, output })
    }

    fn apply(&self, workers: &mut [Box<dyn Worker + '_>], batch: &RecordBatch) -> Result<RecordBatch, String> {
        let admitted = admit(batch, &self.steps.contracts)?;
        let mut batch = admitted.batch;
        let mut checked = !self.checks_lists;
        for (&step, worker) in self.run.iter().zip(workers) {
            let name = self.steps.all[step].name();
            batch = self.steps.contracts[step].admit(name, batch).map_err(|e| told(&e))?;
            if !checked {
                check_lists(&batch)?;
                checked = true;
            }
            batch = worker.apply(batch).map_err(|e| told(&e))?;
        }
        let mut batch = with_nulls(batch, admitted.nulls)?;
        if !self.auxiliary.is_empty() {
            let schema = batch.schema();
            let kept = (0..schema.fields().len()).filter(|&i| !self.auxiliary.contains(&schema.field(i).name().as_str()));
            batch = batch.project(&kept.collect::<Vec<_>>()).map_err(|e| e.to_string())?;
        }
        batch.with_schema(Arc::clone(&self.output)).map_err(|e| e.to_string())
    }

    fn workers(&self) -> Vec<Box<dyn Worker + '_>> {
        self.run.iter().map(|&step| self.steps.all[step].worker()).collect()
    }
}

fn told(error: &seimai::error::Error) -> String {
    error.hint().map_or_else(|| error.to_string(), |hint| format!("{error}; {hint}"))
}

/// A stage of the first pass: immutable, shared by all threads, and gone and come back through a pickle.
#[pyclass(frozen, module = "seimai._core")]
pub(crate) struct Stage {
    name: String,
    plan: String,
    base: PathBuf,
    fingerprint: String,
    steps: Arc<Steps>,
}

#[pymethods]
impl Stage {
    /// The stage of this name by a plan (TOML); paths in it start at `base`. `fingerprint`: what it must come to.
    #[new]
    #[pyo3(signature = (name, plan, base, fingerprint=None))]
    fn new(py: Python<'_>, name: String, plan: String, base: PathBuf, fingerprint: Option<&str>) -> PyResult<Self> {
        let stage = carry_out(py, About::Plan, || {
            let parsed = Plan::from_toml(&plan, &[], "options")?;
            let chain = chain_of(&name);
            let registry::OnTheirOwn { stages: steps, dictionary } = registry::some(&parsed, &base, &chain)?;
            let mut hasher = blake3::Hasher::new();
            let versions: Vec<String> = steps.iter().map(|step| format!("{} {}", step.name(), step.version())).collect();
            for part in [&name, &parsed.to_toml()?, dictionary.as_deref().unwrap_or(""), env!("CARGO_PKG_VERSION"), &versions.join(",")] {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
            }
            let contracts = steps.iter().map(|step| step.contract()).collect();
            let wanted = if name == ANNOTATE { steps.len() } else { 1 };
            let steps = Arc::new(Steps { all: steps, wanted, contracts });
            Ok(Self { name, plan, base, fingerprint: hasher.finalize().to_hex().to_string(), steps })
        })?;
        match fingerprint {
            Some(wanted) if wanted != stage.fingerprint => Err(crate::errors::mismatch(
                py,
                &format!("the stage {} was made with another dictionary or version of Seimai than are here", stage.name),
            )),
            _ => Ok(stage),
        }
    }

    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// The settings it was made with, as a plan.
    #[getter]
    fn plan(&self) -> &str {
        &self.plan
    }

    /// A hash of its settings, its versions and its dictionary.
    #[getter]
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Names of the columns that it makes.
    #[getter]
    fn adds(&self) -> Vec<&'static str> {
        let own = self.steps.contracts.iter().skip(self.steps.all.len() - self.steps.wanted);
        let mut names: Vec<&'static str> = vec![];
        for column in own.flat_map(|contract| &contract.adds) {
            if !names.contains(&column.name) {
                names.push(column.name);
            }
        }
        names
    }

    /// Arrow data, or strings, with the columns of the stage: a batch for a batch or strings, a reader for a stream.
    fn __call__(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let Some(Incoming { schema, batches, is_single }) = incoming(data)? else {
            let texts = batch_of_texts(data)?.ok_or_else(|| unwanted(data))?;
            return self.one(py, texts);
        };
        if is_single {
            let mut batches = batches;
            let batch = batches.next().transpose().map_err(|message| format_error(py, &message))?;
            return self.one(py, batch.unwrap_or_else(|| RecordBatch::new_empty(schema)));
        }
        let prepared = carry_out(py, About::Format, || Prepared::new(&self.steps, &schema))?;
        let output = Arc::clone(&prepared.output);
        let worked = batches.flat_map(|batch| match batch {
            Ok(batch) => pieces(batch).into_iter().map(Ok).collect::<Vec<_>>(),
            Err(message) => vec![Err(message)],
        });
        // Scratch is made for each batch: a reader may be handed from thread to thread, which scratch may not.
        let worked = worked.map(move |batch| prepared.apply(&mut prepared.workers(), &batch?));
        Ok(Py::new(py, BatchReader::new(output, Box::new(worked)))?.into_any())
    }

    fn __repr__(&self) -> String {
        format!("<seimai.Stage {}: {}>", self.name, self.adds().join(", "))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let this = slf.get();
        let base = std::path::absolute(&this.base).unwrap_or_else(|_| this.base.clone());
        let arguments = (&this.name, &this.plan, base, &this.fingerprint).into_pyobject(slf.py())?;
        Ok((slf.get_type().into_any(), arguments))
    }
}

impl Stage {
    fn one(&self, py: Python<'_>, batch: RecordBatch) -> PyResult<Py<PyAny>> {
        let prepared = carry_out(py, About::Format, || Prepared::new(&self.steps, &batch.schema()))?;
        let done = work(py, || {
            let mut workers = prepared.workers();
            let done = pieces(batch).iter().map(|piece| prepared.apply(&mut workers, piece)).collect::<Result<Vec<_>, _>>()?;
            match <[RecordBatch; 1]>::try_from(done) {
                Ok([one]) => Ok(one),
                Err(several) => arrow::compute::concat_batches(&prepared.output, &several).map_err(|e| e.to_string()),
            }
        })?;
        let batch = done.map_err(|message| format_error(py, &message))?;
        Ok(Py::new(py, Batch { batch })?.into_any())
    }
}

pub(crate) fn unwanted(data: &Bound<'_, PyAny>) -> PyErr {
    let found = data.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
    PyTypeError::new_err(format!(
        "wanted is Arrow data (an object with __arrow_c_stream__ or __arrow_c_array__: pyarrow, polars, pandas, DuckDB), a str or an \
         iterable of str, not {found}"
    ))
}

/// Adds the class to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let names: Vec<&str> = registry::names().chain([ANNOTATE]).collect();
    module.add("STAGES", PyTuple::new(module.py(), names)?)?;
    module.add_class::<Stage>()
}
