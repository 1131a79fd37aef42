//! `seimai.tokenizer_mixture`: which kinds of text a vocabulary was trained on.

use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use seimai::bpe::huggingface::FILE_MAX;
use seimai::error::Error;
use seimai::io::read_limited;
use seimai::pipeline::observer::{Silent, Stop, Watch};
use seimai::pipeline::plan::Plan;
use seimai::pipeline::pool::Pool;
use seimai::pipeline::tokenizer_mixture::{Job, Source};

use crate::errors::{About, OrRaise, carry_out};

/// What is found, as JSON; see `seimai.tokenizer_mixture`.
#[pyfunction]
fn tokenizer_mixture(
    py: Python<'_>,
    tokenizer: PathBuf,
    sources: Vec<(String, Vec<PathBuf>)>,
    plan: &str,
    merges: usize,
    threads: usize,
) -> PyResult<String> {
    let plan = Plan::from_toml(plan, &[], "options").or_raise(py, About::Plan)?;
    let sources: Vec<Source> = sources.into_iter().map(|(name, files)| Source { name, files }).collect();
    carry_out(py, About::Input, || {
        let json = read_limited(&tokenizer, FILE_MAX)?;
        let job = Job { plan: &plan, path: &tokenizer, json: &json, sources: &sources, merges };
        let stop = Stop::default();
        let (mixture, _) = job.run(Path::new("."), &Pool::new(threads)?, Watch { stop: &stop, observer: &Silent })?;
        serde_json::to_string(&mixture).map_err(|e| Error::internal(e.to_string()))
    })
}

/// Adds the function to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(tokenizer_mixture, module)?)
}
