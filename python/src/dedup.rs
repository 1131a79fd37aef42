//! `seimai._core.dedup`: the search for duplicates among rows of Arrow data or strings.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use arrow::array::RecordBatch;
use pyo3::prelude::*;
use seimai::dedup::Sketcher;
use seimai::error::Error;
use seimai::pipeline::dedup_rows::dedup_rows;
use seimai::pipeline::observer::Stop;
use seimai::pipeline::plan::Plan;
use seimai::pipeline::pool::Pool;
use seimai::stage::{Contract, Fold};

use crate::admit::{admit, pieces};
use crate::batch::Batch;
use crate::capsule::incoming;
use crate::errors::{About, OrRaise, format_error, raised};
use crate::stages::unwanted;
use crate::texts::batch_of_texts;

/// How often signals are looked for.
const BREATH: Duration = Duration::from_millis(50);

/// A row of what was found for each row of `data`; see `seimai.dedup`.
#[pyfunction]
fn dedup(py: Python<'_>, data: &Bound<'_, PyAny>, plan: &str, threads: usize, memory: u64) -> PyResult<Batch> {
    let plan = Plan::from_toml(plan, &[], "options").or_raise(py, About::Plan)?;
    let contract = [Contract { reads: Sketcher::new(&plan.dedup).contract().reads, adds: Vec::new() }];
    let mut batches: Vec<RecordBatch> = Vec::new();
    let mut take = |batch: RecordBatch| -> PyResult<()> {
        let text = |message: String| format_error(py, &message);
        let admitted = admit(&batch, &contract).map_err(text)?.batch;
        let column = admitted.schema().index_of("text").map_err(|_| text("there is no column text".to_owned()))?;
        let texts = admitted.project(&[column]).map_err(|e| text(e.to_string()))?;
        batches.extend(pieces(texts));
        Ok(())
    };
    match incoming(data)? {
        Some(rows) => rows.batches.into_iter().try_for_each(|batch| take(batch.map_err(|message| format_error(py, &message))?))?,
        None => take(batch_of_texts(data)?.ok_or_else(|| unwanted(data))?)?,
    }
    let stop = Arc::new(Stop::default());
    let (sender, done) = channel();
    let asked = Arc::clone(&stop);
    let work = move || {
        let found = Pool::new(threads).and_then(|pool| dedup_rows(&plan, &batches, &pool, &asked, memory, &std::env::temp_dir()));
        // Somebody listens until this comes.
        let _ = sender.send(found);
    };
    let started = std::thread::Builder::new().name("seimai".into()).spawn(work);
    started.map_err(|e| raised(py, &Error::Resources(format!("cannot start a thread: {e}")), About::Input))?;
    let done = std::sync::Mutex::new(done);
    let mut stopped_by = None;
    loop {
        let found = py.detach(|| done.lock().map_or(Err(RecvTimeoutError::Disconnected), |done| done.recv_timeout(BREATH)));
        match found {
            Ok(_) if stopped_by.is_some() => break,
            Ok(found) => return found.map(|batch| Batch { batch }).or_raise(py, About::Input),
            Err(RecvTimeoutError::Timeout) => {
                if let (None, Err(exception)) = (&stopped_by, py.check_signals()) {
                    stop.request(2);
                    stopped_by = Some(exception);
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    Err(stopped_by.unwrap_or_else(|| raised(py, &Error::internal("a panic; please report it"), About::Input)))
}

/// Adds the function to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(dedup, module)?)
}
