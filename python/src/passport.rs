//! The way back from rows of packs, passports of runs, keys and signatures.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use seimai::error::Error;
use seimai::pipeline::forget::{self, Request};
use seimai::pipeline::receipt;
use seimai::pipeline::sign::{self, Work};
use seimai::pipeline::signature::key::{PublicKey, SecretKey};
use seimai::pipeline::vet::chosen::Chosen;
use seimai::pipeline::{trace, verify, vet};

use crate::errors::{About, carry_out};
use crate::events::attended;
use crate::plan::options;

/// A pack that is open for questions.
#[pyclass(frozen, module = "seimai._core")]
pub(crate) struct Tracer {
    tracer: Mutex<trace::Tracer>,
}

#[pymethods]
impl Tracer {
    /// Opens the pack of a run, the directory of a pack, or one of its files.
    #[new]
    #[pyo3(signature = (path, tokens=None))]
    fn new(py: Python<'_>, path: PathBuf, tokens: Option<PathBuf>) -> PyResult<Self> {
        let tracer = carry_out(py, About::Input, || trace::Tracer::open(&path, tokens.as_deref()))?;
        Ok(Self { tracer: Mutex::new(tracer) })
    }

    /// Rows of the pack.
    #[getter]
    fn rows(&self) -> u64 {
        self.tracer.lock().unwrap_or_else(PoisonError::into_inner).rows()
    }

    /// Where rows come from, as JSON: a list of objects.
    #[pyo3(signature = (rows, text=false))]
    fn trace(&self, py: Python<'_>, rows: Vec<u64>, text: bool) -> PyResult<String> {
        carry_out(py, About::Input, || {
            let mut tracer = self.tracer.lock().unwrap_or_else(PoisonError::into_inner);
            let traced = rows.into_iter().map(|row| tracer.trace(row, text)).collect::<Result<Vec<_>, _>>()?;
            serde_json::to_string(&traced).map_err(|e| Error::internal(e.to_string()))
        })
    }
}

/// Writes the passport of a finished run into it; gives the paths of its files, relative to the run.
#[pyfunction]
fn write_passport(py: Python<'_>, run: PathBuf, threads: usize) -> PyResult<Vec<String>> {
    let files = attended(py, None, move |stop, observer| sign::write_passport(&run, &Work { threads, stop, observer }))?;
    Ok(files.into_iter().map(|file| file.path).collect())
}

/// Signs a finished run; gives the name of the key.
#[pyfunction]
fn sign_run(py: Python<'_>, run: PathBuf, key: PathBuf, threads: usize) -> PyResult<String> {
    attended(py, None, move |stop, observer| {
        let key = SecretKey::read(&key)?;
        sign::sign(&run, &key, &Work { threads, stop, observer })?;
        key.public().id()
    })
}

/// Checks a finished run: first a receipt of what was forgotten, or with a key who signed the run (the receipt, if there is one). Gives what is
/// wrong, and the name of the key.
#[pyfunction]
#[pyo3(signature = (run, key, receipt, threads))]
fn verify_run(
    py: Python<'_>,
    run: PathBuf,
    key: Option<PathBuf>,
    receipt: Option<PathBuf>,
    threads: usize,
) -> PyResult<(Vec<String>, Option<String>)> {
    attended(py, None, move |stop, observer| {
        let key = key.map(|key| PublicKey::read(&key)).transpose()?;
        let (refused, keyid) = match (receipt, &key) {
            (Some(path), key) => {
                let checked = receipt::check(&run, &path, key.as_ref())?;
                (checked.refused, checked.keyid)
            }
            (None, Some(key)) => {
                let checked = sign::check(&run, key, stop)?;
                (checked.refused, Some(checked.keyid))
            }
            (None, None) => (Vec::new(), None),
        };
        if !refused.is_empty() {
            return Ok((refused.iter().map(ToString::to_string).collect(), keyid));
        }
        match verify::verify(&run, threads, stop, observer) {
            Err(e @ Error::Damaged { .. }) => Ok((vec![e.to_string()], keyid)),
            other => other.map(|findings| (findings.damage, keyid)),
        }
    })
}

/// Makes a run again without some documents; gives the receipt as JSON, once it is written (with a key signed, too).
#[pyfunction]
#[pyo3(signature = (run, ids, out, receipt, only, base, key, threads, memory=None))]
#[expect(clippy::too_many_arguments, reason = "keywords of Python")]
fn forget_documents(
    py: Python<'_>,
    run: PathBuf,
    ids: Vec<String>,
    out: PathBuf,
    receipt: PathBuf,
    only: bool,
    base: PathBuf,
    key: Option<PathBuf>,
    threads: usize,
    memory: Option<&str>,
) -> PyResult<String> {
    let options = options(py, out, threads, memory, false, None)?;
    attended(py, None, move |stop, observer| {
        let key = key.map(|key| SecretKey::read(&key)).transpose()?;
        let told = forget::forget(&run, &Request { ids, only, base }, &options, stop, observer)?;
        told.write(&receipt, &options.out, key.as_ref())?;
        serde_json::to_string(&told).map_err(|e| Error::internal(e.to_string()))
    })
}

/// Vets paths under a policy that ships, by name, or one of a file; gives the verdict as JSON.
#[pyfunction]
#[pyo3(signature = (paths, policy, key, threads))]
fn vet_paths(py: Python<'_>, paths: Vec<PathBuf>, policy: PathBuf, key: Option<PathBuf>, threads: usize) -> PyResult<String> {
    attended(py, None, move |stop, observer| {
        let chosen = Chosen::named(&policy)?;
        let key = key.map(|key| PublicKey::read(&key)).transpose()?;
        let verdict = vet::vet(&paths, &chosen, key.as_ref(), &Work { threads, stop, observer })?;
        serde_json::to_string(&verdict).map_err(|e| Error::internal(e.to_string()))
    })
}

/// Makes a pair of keys: the file, and `<file>.pub`; gives the name of the key.
#[pyfunction]
fn new_key(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    carry_out(py, About::Input, || {
        let key = SecretKey::generate()?;
        key.write_new(&path)?;
        key.public().id()
    })
}

/// Adds them to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Tracer>()?;
    module.add_function(wrap_pyfunction!(write_passport, module)?)?;
    module.add_function(wrap_pyfunction!(sign_run, module)?)?;
    module.add_function(wrap_pyfunction!(verify_run, module)?)?;
    module.add_function(wrap_pyfunction!(forget_documents, module)?)?;
    module.add_function(wrap_pyfunction!(vet_paths, module)?)?;
    module.add_function(wrap_pyfunction!(new_key, module)?)
}
