//! Errors of the crate as exceptions of the package: the one table of which becomes which.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use seimai::error::{Error, Subject};

/// What a refusal is about: which exception says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// A plan, or an option of a stage.
    Plan,
    /// Inputs, output directories and requests.
    Input,
    /// A file or array of a known format.
    Format,
}

impl About {
    fn class(self) -> &'static str {
        match self {
            Self::Plan => "PlanError",
            Self::Input => "InputError",
            Self::Format => "FormatError",
        }
    }
}

/// An error of the crate as an exception; a refusal becomes what `about` says.
pub(crate) fn raised(py: Python<'_>, error: &Error, about: About) -> PyErr {
    let exit_code = error.exit_code();
    let attributes = PyDict::new(py);
    let class = match error {
        Error::Refused { subject, .. } => match subject {
            Subject::Request | Subject::Link => about.class(),
            Subject::Plan(fault) => {
                let _ = attributes.set_item("file", &fault.file);
                let _ = attributes.set_item("key", fault.key.as_deref());
                let _ = attributes.set_item("nearest", fault.nearest.as_deref());
                "PlanError"
            }
            Subject::Dictionary => "DictionaryError",
            Subject::Lock => "Locked",
            Subject::Fingerprint => "FingerprintMismatch",
        },
        Error::Io { path, source, .. } => {
            let _ = attributes.set_item("errno", source.raw_os_error());
            let _ = attributes.set_item("filename", path.display().to_string());
            "StorageError"
        }
        Error::Resources(_) => "ResourceError",
        Error::Interrupted(_) => "Interrupted",
        Error::Damaged { path, .. } => {
            let _ = attributes.set_item("file", path.display().to_string());
            "FormatError"
        }
        Error::Internal(_) | Error::Arrow(_) => "Error",
    };
    let _ = attributes.set_item("exit_code", exit_code);
    if let Some(hint) = error.hint() {
        let _ = attributes.set_item("hint", hint);
    }
    let others = error.others().iter().map(|other| other.message.as_str());
    let message = std::iter::once(error.to_string().as_str()).chain(others).collect::<Vec<_>>().join("\n");
    exception(py, class, &message, &attributes).unwrap_or_else(|failed| failed)
}

/// An exception of the package.
fn exception(py: Python<'_>, class: &str, message: &str, attributes: &Bound<'_, PyDict>) -> PyResult<PyErr> {
    let instance = classes(py)?.getattr(class)?.call((message,), Some(attributes))?;
    Ok(PyErr::from_value(instance))
}

/// A format error of ours: an array or file that is not what it should be.
pub(crate) fn format_error(py: Python<'_>, message: &str) -> PyErr {
    exception(py, "FormatError", message, &PyDict::new(py)).unwrap_or_else(|failed| failed)
}

/// Something was made with another plan, dictionary, vocabulary or version.
pub(crate) fn mismatch(py: Python<'_>, message: &str) -> PyErr {
    exception(py, "FingerprintMismatch", message, &PyDict::new(py)).unwrap_or_else(|failed| failed)
}

fn classes(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static CLASSES: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    Ok(CLASSES.get_or_try_init(py, || Ok::<_, PyErr>(py.import("seimai._errors")?.unbind()))?.bind(py))
}

/// `?` for results of the crate.
pub(crate) trait OrRaise<T> {
    /// The value, or the exception; a refusal becomes what `about` says.
    fn or_raise(self, py: Python<'_>, about: About) -> PyResult<T>;
}

impl<T> OrRaise<T> for seimai::error::Result<T> {
    fn or_raise(self, py: Python<'_>, about: About) -> PyResult<T> {
        self.map_err(|error| raised(py, &error, about))
    }
}

/// Works without the GIL; a panic, which is a bug of ours, becomes an exception like any other.
pub(crate) fn work<T: Send>(py: Python<'_>, f: impl FnOnce() -> T + Send) -> PyResult<T> {
    let result = py.detach(|| std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)));
    result.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        raised(py, &Error::internal(format!("a panic: {}; please report it", text.unwrap_or("no message"))), About::Input)
    })
}

/// The same for work of the crate; a refusal becomes what `about` says.
pub(crate) fn carry_out<T: Send>(py: Python<'_>, about: About, f: impl FnOnce() -> seimai::error::Result<T> + Send) -> PyResult<T> {
    work(py, f)?.or_raise(py, about)
}

/// What a panic prints: nothing where it is expected and caught, one line elsewhere.
pub(crate) fn hush_panics() {
    std::panic::set_hook(Box::new(|panic| {
        if !seimai::io::is_guarded() {
            let location = panic.location().map_or_else(String::new, |at| format!(" ({}:{})", at.file(), at.line()));
            let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("seimai: internal error{location}\n").as_bytes());
        }
    }));
}
