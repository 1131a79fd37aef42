//! `python -m seimai`: the command line.

use std::ffi::OsString;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use seimai::error::Error;

use crate::errors::{About, raised, work};

/// Runs the command line with these arguments (the first is the name of the program); gives its exit code.
#[pyfunction]
fn command_line(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<u8> {
    work(py, || seimai::cli::main_from(arguments))
}

/// The run that these arguments ask of an engine which only this package drives; `None` where they ask for anything else.
#[pyfunction]
fn engine_request(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<Option<Bound<'_, PyDict>>> {
    let Some(request) = work(py, || seimai::cli::engine_request(arguments))? else { return Ok(None) };
    let told = PyDict::new(py);
    told.set_item("plan", request.plan)?;
    told.set_item("settings", request.settings)?;
    told.set_item("out", request.out)?;
    told.set_item("address", request.address)?;
    told.set_item("threads", request.threads)?;
    told.set_item("memory", request.memory)?;
    told.set_item("store_limit", request.store_limit)?;
    told.set_item("fresh", request.fresh)?;
    told.set_item("quiet", request.is_quiet)?;
    told.set_item("json", request.is_json)?;
    Ok(Some(told))
}

/// A size such as `2GiB` in bytes.
#[pyfunction]
fn parse_size(py: Python<'_>, text: &str) -> PyResult<u64> {
    seimai::cli::limits::parse_size(text).map_err(|e| raised(py, &Error::refused(format!("{text}: {e}")), About::Plan))
}

/// Adds the functions to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(command_line, module)?)?;
    module.add_function(wrap_pyfunction!(engine_request, module)?)?;
    module.add_function(wrap_pyfunction!(parse_size, module)?)
}
