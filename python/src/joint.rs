//! `seimai._core.Joint`: one of several processes that work on a run, unit by unit, for engines that divide the work.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pyo3::prelude::*;
use seimai::cli::leave_page;
use seimai::error::{Error, Result};
use seimai::pipeline::joint;
use seimai::pipeline::observer::Silent;

use crate::errors::{About, OrRaise, carry_out};
use crate::events::attended;
use crate::plan::{Plan, options, told};

/// One of several processes that work on a run. What it has seen to be complete it does not look at again.
#[pyclass(frozen, module = "seimai._core")]
pub(crate) struct Joint {
    /// None once it has left.
    joint: Arc<Mutex<Option<joint::Joint>>>,
    out: PathBuf,
}

/// A pass that is not complete: its name, the units that are missing with their sizes, and how many it has.
type Lacking = (&'static str, Vec<(String, u64)>, usize);

#[pymethods]
impl Joint {
    /// Begins the run, or joins those that work on it.
    #[new]
    #[pyo3(signature = (plan, out, *, threads, memory, fresh, store_limit, patience, on_event))]
    #[expect(clippy::too_many_arguments, reason = "keywords of Python")]
    fn new(
        py: Python<'_>,
        plan: &Plan,
        out: PathBuf,
        threads: usize,
        memory: Option<&str>,
        fresh: bool,
        store_limit: Option<&str>,
        patience: f64,
        on_event: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let options = options(py, out.clone(), threads, memory, fresh, store_limit)?;
        let loaded = plan.loaded().clone();
        let patience = Duration::try_from_secs_f64(patience);
        let patience = patience.map_err(|e| Error::refused(format!("patience: {e}"))).or_raise(py, About::Plan)?;
        let joint = attended(py, on_event, move |stop, observer| joint::Joint::begin(&loaded, &options, patience, stop, observer))?;
        Ok(Self { joint: Arc::new(Mutex::new(Some(joint))), out })
    }

    /// Hash of everything but the inputs that the output depends on; empty for a run that had finished.
    #[getter]
    fn fingerprint(&self, py: Python<'_>) -> PyResult<String> {
        carry_out(py, About::Input, || with(&self.joint, |joint| Ok(joint.fingerprint().to_owned())))
    }

    /// The first pass that is not complete; nothing behind the last.
    #[pyo3(signature = (*, on_event))]
    fn look(&self, py: Python<'_>, on_event: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Lacking>> {
        let joint = Arc::clone(&self.joint);
        let lacking = attended(py, on_event, move |stop, observer| with(&joint, |joint| joint.look(stop, observer)))?;
        Ok(lacking.map(|lacking| (lacking.pass, lacking.units, lacking.of)))
    }

    /// Works on one unit of a pass, unless that is done; says whether it did.
    #[pyo3(signature = (pass_name, unit, *, on_event))]
    fn run_unit(&self, py: Python<'_>, pass_name: String, unit: String, on_event: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let joint = Arc::clone(&self.joint);
        attended(py, on_event, move |stop, observer| with(&joint, |joint| joint.run_unit(&pass_name, &unit, stop, observer)))
    }

    /// Lets the lock go: another process keeps it for this one.
    fn unlock(&self, py: Python<'_>) -> PyResult<()> {
        carry_out(py, About::Input, || with(&self.joint, |joint| joint.unlock()))
    }

    /// Writes the manifest, `_SUCCESS` and the page that shows the run, and leaves; gives the report as JSON.
    #[pyo3(signature = (*, on_event))]
    fn finish(&self, py: Python<'_>, on_event: Option<&Bound<'_, PyAny>>) -> PyResult<String> {
        let joint = Arc::clone(&self.joint);
        let out = self.out.clone();
        let report = attended(py, on_event, move |stop, observer| {
            let report = take(&joint)?.ok_or_else(left)?.finish(stop, observer)?;
            leave_page(&out, report.already_done, observer)?;
            Ok(report)
        })?;
        Ok(told(&report).to_string())
    }

    /// Leaves the run, as far as it has come.
    fn leave(&self, py: Python<'_>) -> PyResult<()> {
        carry_out(py, About::Input, || take(&self.joint)?.map_or(Ok(()), |joint| joint.leave(&Silent)))
    }
}

fn left() -> Error {
    Error::refused_with_hint("this process has left the run", "join it again")
}

fn take(joint: &Mutex<Option<joint::Joint>>) -> Result<Option<joint::Joint>> {
    Ok(joint.lock().map_err(|_| Error::internal("another thread panicked"))?.take())
}

fn with<T>(joint: &Mutex<Option<joint::Joint>>, work: impl FnOnce(&mut joint::Joint) -> Result<T>) -> Result<T> {
    let mut joint = joint.lock().map_err(|_| Error::internal("another thread panicked"))?;
    work(joint.as_mut().ok_or_else(left)?)
}

/// Adds the class to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Joint>()
}
