//! `seimai._core`: the Python face of the crate `seimai`.
//!
//! The binding converts, releases the GIL and does nothing else: names, defaults and meanings are those of the crate and of the
//! plan. One file a subject; each adds what it has to the module in one line here.
#![expect(clippy::needless_pass_by_value, reason = "arguments that Python hands over are owned")]

mod admit;
mod batch;
mod buffer;
mod capsule;
mod cli;
mod dedup;
mod errors;
mod events;
mod finished;
mod joint;
mod mixture;
mod pack;
mod passport;
mod plan;
mod ring;
mod stages;
mod text;
mod texts;
mod tokenizer;
mod values;

use pyo3::prelude::*;

/// The compiled part of `seimai`; use the names of the package itself.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    errors::hush_panics();
    buffer::register(module)?;
    batch::register(module)?;
    stages::register(module)?;
    text::register_classes(module)?;
    tokenizer::register(module)?;
    plan::register(module)?;
    joint::register(module)?;
    finished::register(module)?;
    pack::register(module)?;
    passport::register(module)?;
    ring::register(module)?;
    cli::register(module)?;
    dedup::register(module)?;
    mixture::register(module)?;
    Ok(())
}
