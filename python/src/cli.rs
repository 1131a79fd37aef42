//! `python -m seimai`: the command line.

use std::ffi::OsString;

use pyo3::prelude::*;

use crate::errors::work;

/// Runs the command line with these arguments (the first is the name of the program); gives its exit code.
#[pyfunction]
fn command_line(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<u8> {
    work(py, || seimai::cli::main_from(arguments))
}

/// Adds the function to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(command_line, module)?)
}
