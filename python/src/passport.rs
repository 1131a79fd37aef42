//! The way back from rows of packs, passports of runs, keys and signatures.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use seimai::error::Error;
use seimai::pipeline::sign::{self, Work};
use seimai::pipeline::signature::key::{PublicKey, SecretKey};
use seimai::pipeline::{trace, verify};

use crate::errors::{About, carry_out};
use crate::events::attended;

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

/// Checks a finished run; with a key, first who signed it. Gives what is wrong, and the name of the key.
#[pyfunction]
#[pyo3(signature = (run, key, threads))]
fn verify_run(py: Python<'_>, run: PathBuf, key: Option<PathBuf>, threads: usize) -> PyResult<(Vec<String>, Option<String>)> {
    attended(py, None, move |stop, observer| {
        let mut keyid = None;
        if let Some(key) = key {
            let checked = sign::check(&run, &PublicKey::read(&key)?, stop)?;
            if !checked.refused.is_empty() {
                return Ok((checked.refused.iter().map(ToString::to_string).collect(), Some(checked.keyid)));
            }
            keyid = Some(checked.keyid);
        }
        match verify::verify(&run, threads, stop, observer) {
            Err(e @ Error::Damaged { .. }) => Ok((vec![e.to_string()], keyid)),
            other => other.map(|findings| (findings.damage, keyid)),
        }
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
    module.add_function(wrap_pyfunction!(new_key, module)?)
}
