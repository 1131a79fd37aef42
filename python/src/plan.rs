//! `seimai._core.Plan`: a plan, checked; and what `seimai run` does with it, events told on the calling thread.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use seimai::cli::limits::parse_size;
use seimai::error::Error;
use seimai::pipeline::explain::explain;
use seimai::pipeline::fingerprint;
use seimai::pipeline::observer::{Event, Observer, Quantity, Stop};
use seimai::pipeline::plan::{LoadedPlan, Plan as Settings};
use seimai::pipeline::registry::Stages;
use seimai::pipeline::report::{Report, RunOptions};
use seimai::pipeline::run;

use crate::errors::{About, OrRaise, carry_out, raised};

/// How often a long call looks for signals and tells events.
const BREATH: Duration = Duration::from_millis(100);

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
        let plan = Settings::from_toml(&text, &settings, &file.display().to_string()).or_raise(py, About::Plan)?;
        Ok(Self { text, settings, loaded: LoadedPlan { plan, base, file } })
    }

    /// A plan file.
    #[staticmethod]
    fn read(py: Python<'_>, file: PathBuf, settings: Vec<String>) -> PyResult<Self> {
        let loaded = carry_out(py, About::Plan, || LoadedPlan::read(&file, &settings))?;
        let text = std::fs::read_to_string(&file).map_err(|e| raised(py, &Error::io(&file, "read", e), About::Plan))?;
        Ok(Self { text, settings, loaded })
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
        let size =
            |what: &str, text: &str| parse_size(text).map_err(|e| raised(py, &Error::refused(format!("{what}: {text}: {e}")), About::Plan));
        let memory = memory.map_or_else(|| Ok(seimai::cli::limits::default_memory()), |text| size("memory", text))?;
        let store_limit = store_limit.map(|text| size("store_limit", text)).transpose()?;
        let options = RunOptions { out, threads, memory, fresh, store_limit };
        let report = running(py, &self.loaded, &options, on_event)?;
        Ok(told(&report).to_string())
    }
}

impl Plan {
    fn stages(&self) -> seimai::error::Result<Stages> {
        Stages::new(&self.loaded.plan, &self.loaded.base)
    }
}

/// Sends events to the thread that called.
struct Post(Mutex<Sender<Event>>);

impl Observer for Post {
    fn on_event(&self, event: &Event) {
        if let Ok(sender) = self.0.lock() {
            // Nobody listens any more only once the run is over.
            let _ = sender.send(event.clone());
        }
    }
}

/// Runs in a thread of its own, while this one tells events and looks for signals.
fn running(py: Python<'_>, plan: &LoadedPlan, options: &RunOptions, on_event: Option<&Bound<'_, PyAny>>) -> PyResult<Report> {
    let stop = Arc::new(Stop::default());
    let (sender, events) = channel();
    let events = Mutex::new(events);
    let (plan, options, asked) = (plan.clone(), options.clone(), Arc::clone(&stop));
    let post = Post(Mutex::new(sender));
    let at_work = std::thread::Builder::new().name("seimai".into()).spawn(move || run::run(&plan, &options, &asked, &post));
    let at_work = at_work.map_err(|e| raised(py, &Error::Resources(format!("cannot start a thread: {e}")), About::Input))?;
    let mut stopped_by = None;
    while let Some(news) = wait(py, &events) {
        if stopped_by.is_some() {
            continue;
        }
        let told = py.check_signals().and_then(|()| news.iter().try_for_each(|event| tell(py, on_event, event)));
        if let Err(exception) = told {
            stop.request(2);
            stopped_by = Some(exception);
        }
    }
    let result = py.detach(|| at_work.join()).unwrap_or_else(|_| Err(Error::internal("a panic; please report it")));
    match (stopped_by, result) {
        (Some(exception), _) => Err(exception),
        (None, result) => result.or_raise(py, About::Input),
    }
}

/// The events of the next moment, in order, only the last progress of a pass among them; `None` once the run is over.
fn wait(py: Python<'_>, events: &Mutex<Receiver<Event>>) -> Option<Vec<Event>> {
    py.detach(|| {
        let events = events.lock().ok()?;
        let mut news = match events.recv_timeout(BREATH) {
            Ok(event) => vec![event],
            Err(RecvTimeoutError::Timeout) => return Some(Vec::new()),
            Err(RecvTimeoutError::Disconnected) => return None,
        };
        while let Ok(event) = events.try_recv() {
            if matches!((news.last(), &event), (Some(Event::Progress { .. }), Event::Progress { .. })) {
                news.pop();
            }
            news.push(event);
        }
        Some(news)
    })
}

fn tell(py: Python<'_>, on_event: Option<&Bound<'_, PyAny>>, event: &Event) -> PyResult<()> {
    let Some(on_event) = on_event else { return Ok(()) };
    let told = PyDict::new(py);
    match event {
        Event::PassStarted { pass, quantity, total } => {
            told.set_item("event", "pass_started")?;
            told.set_item("pass", pass)?;
            let quantity = match quantity {
                Quantity::Bytes => "bytes",
                Quantity::Parts => "parts",
                Quantity::Documents => "documents",
                Quantity::Steps => "steps",
            };
            told.set_item("quantity", quantity)?;
            told.set_item("total", total)?;
        }
        Event::Progress { pass, done, documents, bytes } => {
            told.set_item("event", "progress")?;
            told.set_item("pass", pass)?;
            told.set_item("done", done)?;
            told.set_item("documents", documents)?;
            told.set_item("bytes", bytes)?;
        }
        Event::Learned { merges, newest } => {
            told.set_item("event", "learned")?;
            told.set_item("merges", merges)?;
            told.set_item("newest", newest)?;
        }
        Event::PassFinished { pass, seconds } => {
            told.set_item("event", "pass_finished")?;
            told.set_item("pass", pass)?;
            told.set_item("seconds", seconds)?;
        }
        Event::Note(note) => {
            told.set_item("event", "note")?;
            told.set_item("note", note)?;
        }
    }
    on_event.call1((told,)).map(drop)
}

fn told(report: &Report) -> serde_json::Value {
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
