//! `seimai._core.Plan`: a plan, checked; and what `seimai run` does with it, events told on the calling thread.

use std::path::PathBuf;

use pyo3::prelude::*;
use seimai::cli::leave_page;
use seimai::cli::limits::parse_size;
use seimai::error::Error;
use seimai::pipeline::explain::explain;
use seimai::pipeline::fingerprint;
use seimai::pipeline::loaded_plan::LoadedPlan;
use seimai::pipeline::registry::Stages;
use seimai::pipeline::report::{Report, RunOptions};
use seimai::pipeline::run;

use crate::errors::{About, OrRaise, carry_out, raised};
use crate::events::attended;

/// A plan: what a run shall do, checked whole.
#[pyclass(frozen, module = "seimai._core")]
pub(crate) struct Plan {
    text: String,
    settings: Vec<String>,
    loaded: LoadedPlan,
}

#[pymethods]
impl Plan {
    /// From TOML and settings (`KEY=VALUE`, as `--set` takes them); relative paths start at `base`, `file` is its name in messages.
    #[new]
    fn new(py: Python<'_>, text: String, settings: Vec<String>, base: PathBuf, file: PathBuf) -> PyResult<Self> {
        let loaded = LoadedPlan::from_text(text.clone(), settings.clone(), base, file).or_raise(py, About::Plan)?;
        Ok(Self { text, settings, loaded })
    }

    /// A plan file.
    #[staticmethod]
    fn read(py: Python<'_>, file: PathBuf, settings: Vec<String>) -> PyResult<Self> {
        let loaded = carry_out(py, About::Plan, || LoadedPlan::read(&file, &settings))?;
        Ok(Self { text: loaded.text.clone(), settings, loaded })
    }

    /// The TOML that it was read from.
    #[getter]
    fn text(&self) -> &str {
        &self.text
    }

    /// The settings on top of it.
    #[getter]
    fn settings(&self) -> Vec<String> {
        self.settings.clone()
    }

    /// The directory that relative paths start at.
    #[getter]
    fn base(&self) -> PathBuf {
        std::path::absolute(&self.loaded.base).unwrap_or_else(|_| self.loaded.base.clone())
    }

    /// Its file, for messages.
    #[getter]
    fn file(&self) -> PathBuf {
        self.loaded.file.clone()
    }

    /// Every key with its value, as TOML.
    fn to_toml(&self, py: Python<'_>) -> PyResult<String> {
        self.loaded.plan.to_toml().or_raise(py, About::Plan)
    }

    /// Hash of everything but the inputs that the output depends on: settings, dictionary, versions. Opens the dictionary.
    fn fingerprint(&self, py: Python<'_>) -> PyResult<String> {
        carry_out(py, About::Plan, || fingerprint::of(&self.loaded.plan, &self.stages()?))
    }

    /// Every threshold with its reason, the policies and what becomes of personal data, as text. Opens the dictionary.
    fn explain(&self, py: Python<'_>) -> PyResult<String> {
        carry_out(py, About::Plan, || Ok(explain(&self.loaded.plan, &self.stages()?)))
    }

    /// Checks everything without working: inputs, dictionary, stages. Gives the inputs and their sizes in bytes.
    fn check(&self, py: Python<'_>) -> PyResult<Vec<(String, u64)>> {
        carry_out(py, About::Input, || {
            run::check_request(&self.loaded.plan, u64::MAX)?;
            self.stages()?;
            let inputs = seimai::corpus::expand(&self.loaded.plan.input, &self.loaded.base)?;
            Ok(inputs.into_iter().map(|input| (input.name, input.bytes)).collect())
        })
    }

    /// What `seimai run` does; gives the report as JSON. Events go to `on_event`, on this thread; if it raises, the run stops.
    #[pyo3(signature = (out, *, threads, memory, fresh, store_limit, on_event))]
    #[expect(clippy::too_many_arguments, reason = "keywords of Python")]
    fn run(
        &self,
        py: Python<'_>,
        out: PathBuf,
        threads: usize,
        memory: Option<&str>,
        fresh: bool,
        store_limit: Option<&str>,
        on_event: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        let options = options(py, out, threads, memory, fresh, store_limit)?;
        let loaded = self.loaded.clone();
        let report = attended(py, on_event, move |stop, observer| {
            let report = run::run(&loaded, &options, stop, observer)?;
            leave_page(&options.out, report.already_done, observer)?;
            Ok(report)
        })?;
        Ok(told(&report).to_string())
    }
}

/// How to run, from what Python gives.
pub(crate) fn options(
    py: Python<'_>,
    out: PathBuf,
    threads: usize,
    memory: Option<&str>,
    fresh: bool,
    store_limit: Option<&str>,
) -> PyResult<RunOptions> {
    let size =
        |what: &str, text: &str| parse_size(text).map_err(|e| raised(py, &Error::refused(format!("{what}: {text}: {e}")), About::Plan));
    let memory = memory.map_or_else(|| Ok(seimai::cli::limits::default_memory()), |text| size("memory", text))?;
    let store_limit = store_limit.map(|text| size("store_limit", text)).transpose()?;
    Ok(RunOptions { out, threads, memory, fresh, store_limit })
}

impl Plan {
    /// What is planned, and where it was read.
    pub(crate) fn loaded(&self) -> &LoadedPlan {
        &self.loaded
    }

    fn stages(&self) -> seimai::error::Result<Stages> {
        Stages::new(&self.loaded.plan, &self.loaded.base)
    }
}

/// A report as JSON.
pub(crate) fn told(report: &Report) -> serde_json::Value {
    serde_json::json!({
        "manifest": report.manifest,
        "seconds": report.seconds.iter().map(|(pass, seconds)| ((*pass).to_owned(), (*seconds).into())).collect::<serde_json::Map<_, _>>(),
        "wall": report.wall,
        "already_done": report.already_done,
    })
}

/// Adds the class to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Plan>()
}
