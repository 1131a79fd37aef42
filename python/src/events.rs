//! Long calls: events told on the calling thread, and signals looked for there.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use seimai::error::Error;
use seimai::pipeline::observer::{Event, Observer, Quantity, Stop};

use crate::errors::{About, OrRaise, raised};

/// How often a long call looks for signals and tells events.
const BREATH: Duration = Duration::from_millis(100);

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

/// Works in a thread of its own, while this one tells events and looks for signals.
pub(crate) fn attended<T: Send + 'static>(
    py: Python<'_>,
    on_event: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Stop, &dyn Observer) -> seimai::error::Result<T> + Send + 'static,
) -> PyResult<T> {
    let stop = Arc::new(Stop::default());
    let (sender, events) = channel();
    let events = Mutex::new(events);
    let asked = Arc::clone(&stop);
    let post = Post(Mutex::new(sender));
    // The post goes with the thread: when nothing more can come, the work is over.
    let at_work = std::thread::Builder::new().name("seimai".into()).spawn(move || work(&asked, &post));
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
        Event::PassFinished { pass, seconds, .. } => {
            told.set_item("event", "pass_finished")?;
            told.set_item("pass", pass)?;
            told.set_item("seconds", seconds)?;
        }
        Event::PassSkipped { .. } | Event::Underway { .. } => return Ok(()),
        Event::Note(note) => {
            told.set_item("event", "note")?;
            told.set_item("note", note)?;
        }
    }
    on_event.call1((told,)).map(drop)
}
