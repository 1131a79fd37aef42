//! What can go wrong, sorted by what the user can do about it.
//!
//! The exit code of the contract follows from the variant alone ([`Error::exit_code`]); a malformed *record* is not an
//! error at all but a line in `quarantine.jsonl` (see [`crate::quarantine`]).

use std::path::{Path, PathBuf};

/// The result of every fallible function of the library.
pub type Result<T> = std::result::Result<T, Error>;

/// An error that stops a work shard, and with it the run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request cannot be carried out as it stands: plan, path, dictionary, output directory, or a batch whose columns are
    /// not those that a stage reads (exit code 2).
    #[error("{message}")]
    Refused {
        /// One sentence: what, where.
        message: String,
        /// What to do about it, printed after `hint:`.
        hint: Option<String>,
        /// What the refusal is about, for programs.
        subject: Subject,
    },
    /// A file could not be read or written (exit code 1, or 4 when a resource ran out).
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The verb: `read`, `create`, `sync`, `rename`, …
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A ceiling of memory, disk, descriptors or threads was reached (exit code 4).
    #[error("{0}")]
    Resources(String),
    /// SIGINT, SIGTERM or SIGHUP arrived; the run can be resumed (exit code 128 + signal).
    #[error("interrupted by {}; run the same command again to resume", match *.0 { 1 => "SIGHUP", 2 => "SIGINT", _ => "SIGTERM" })]
    Interrupted(i32),
    /// Something of ours that should be sound is damaged: checksum, format, count (exit code 1; `verify` lists it and ends with 3).
    #[error("{}: {message}", path.display())]
    Damaged {
        /// The damaged file.
        path: PathBuf,
        /// Which promise of the format is broken.
        message: String,
    },
    /// A promise of our own code is broken (exit code 1): a bug.
    #[error("internal error: {0}")]
    Internal(String),
    /// Arrow refused an operation on columns (exit code 1): a bug, for inputs are checked before.
    #[error("internal error in a column operation: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
}

/// What a refusal is about: programs tell one from another by it, people by the message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Subject {
    /// A path, a batch, a request.
    #[default]
    Request,
    /// The plan, or a setting of it.
    Plan(Box<PlanFault>),
    /// A dictionary.
    Dictionary,
    /// An output directory that another run holds.
    Lock,
    /// A link inside a directory that is written to.
    Link,
    /// What was made with another plan, dictionary, version or inputs.
    Fingerprint,
}

/// Where a plan is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanFault {
    /// The plan file, or the setting of the command line.
    pub file: String,
    /// The key, where it is known.
    pub key: Option<String>,
    /// The valid key or value that is nearest to what was written.
    pub nearest: Option<String>,
    /// What else is wrong with it, in the order of the file: the refusal itself tells the first.
    pub others: Vec<Complaint>,
}

/// One of several things that are wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Complaint {
    /// One sentence: what, where.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What an object store, or the way to it, gave instead of bytes, wrapped in an error of the system. It is no property of the object, and nothing
/// may be counted as lost because of it.
#[derive(Debug, thiserror::Error)]
#[error("{said}")]
pub struct StoreFault {
    /// In words, without credentials.
    pub said: String,
    /// The object is no longer what it was when it was first looked at.
    pub is_changed: bool,
}

impl StoreFault {
    /// The fault in an error of the system, if it holds one.
    fn of(error: &std::io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl Error {
    /// A refusal without a hint.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::Refused { message: message.into(), hint: None, subject: Subject::default() }
    }

    /// A refusal says what it is about, unless it has said so; another error is as it was.
    #[must_use]
    pub fn about(mut self, what: Subject) -> Self {
        if let Self::Refused { subject, .. } = &mut self
            && *subject == Subject::Request
        {
            *subject = what;
        }
        self
    }

    /// A refusal that tells what to do.
    pub fn refused_with_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused { message: message.into(), hint: Some(hint.into()), subject: Subject::default() }
    }

    /// An I/O error at `path`; a refusal where that is an object that has changed.
    pub fn io(path: impl AsRef<Path>, action: &'static str, source: std::io::Error) -> Self {
        if let Some(StoreFault { said, is_changed: true }) = StoreFault::of(&source) {
            let message = format!("{}: {said}", path.as_ref().display());
            return Self::refused_with_hint(message, "restore it, or start over with --fresh once it is at rest")
                .about(Subject::Fingerprint);
        }
        Self::Io { path: path.as_ref().to_path_buf(), action, source }
    }

    /// Damage found in `path`.
    pub fn damaged(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Self::Damaged { path: path.as_ref().to_path_buf(), message: message.into() }
    }

    /// An internal error.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::Internal(message.into())
    }

    /// What the system said, without the path: for a message that names it already.
    pub fn without_path(&self) -> String {
        match self {
            Self::Io { source, .. } => source.to_string(),
            other => other.to_string(),
        }
    }

    /// What `refuse` makes of an error of the system that lies in the name that was given (nothing there, not permitted, no file); the error
    /// itself where the machine failed, or where it is another.
    #[must_use]
    pub fn refused_if_of_the_name(self, refuse: impl FnOnce(&Self) -> Self) -> Self {
        match &self {
            Self::Io { source, .. } if !is_of_the_machine(source) => refuse(&self),
            _ => self,
        }
    }

    /// The exit code of the contract (docs of the command line: 1 internal, 2 refused, 3 damaged, 4 resources, 129/130/143).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { .. } => 2,
            Self::Resources(_) => 4,
            Self::Interrupted(signal) => 128 + u8::try_from(*signal).unwrap_or(0),
            Self::Io { source, .. } if is_exhaustion(source) => 4,
            Self::Io { .. } | Self::Damaged { .. } | Self::Internal(_) | Self::Arrow(_) => 1,
        }
    }

    /// What else is wrong, where a plan has more than one fault.
    pub fn others(&self) -> &[Complaint] {
        match self {
            Self::Refused { subject: Subject::Plan(fault), .. } => &fault.others,
            _ => &[],
        }
    }

    /// The hint, if there is one.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Refused { hint, .. } => hint.as_deref(),
            Self::Io { source, .. } if is_exhaustion(source) => {
                Some("make room (disk space, quota, descriptors) and run the same command again: it resumes")
            }
            Self::Io { source, .. } if StoreFault::of(source).is_some() => Some(
                "once the store can be reached, run the same command again: a run resumes; docs/guide/scale.md says what is tried again",
            ),
            _ => None,
        }
    }
}

/// Is it the machine that failed (no descriptors, no memory, a bad disk)? Then the error says nothing about the file, and nothing may be
/// counted as lost because of it. What is not there, not permitted or no file at all is the file's own matter.
pub fn is_of_the_machine(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    const OF_THE_FILE: [Errno; 10] = [
        Errno::NOENT,
        Errno::ACCESS,
        Errno::PERM,
        Errno::LOOP,
        Errno::NOTDIR,
        Errno::ISDIR,
        Errno::NAMETOOLONG,
        Errno::NXIO,
        Errno::NODEV,
        Errno::INVAL,
    ];
    match error.raw_os_error() {
        Some(code) => OF_THE_FILE.iter().all(|errno| errno.raw_os_error() != code),
        None => {
            matches!(error.kind(), std::io::ErrorKind::OutOfMemory | std::io::ErrorKind::StorageFull) || StoreFault::of(error).is_some()
        }
    }
}

/// ENOSPC, EDQUOT, EMFILE, ENFILE, EFBIG, ENOMEM, EAGAIN (no thread): a resource ran out.
fn is_exhaustion(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    let Some(code) = error.raw_os_error() else {
        return matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::OutOfMemory);
    };
    [Errno::NOSPC, Errno::DQUOT, Errno::MFILE, Errno::NFILE, Errno::FBIG, Errno::NOMEM, Errno::AGAIN]
        .iter()
        .any(|errno| errno.raw_os_error() == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_the_machine() {
        use rustix::io::Errno;
        let of_the_machine = |code| is_of_the_machine(&std::io::Error::from_raw_os_error(code));
        for errno in [Errno::IO, Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::STALE] {
            assert!(of_the_machine(errno.raw_os_error()), "{errno}");
        }
        for errno in [Errno::NOENT, Errno::ACCESS, Errno::PERM, Errno::LOOP, Errno::NAMETOOLONG] {
            assert!(!of_the_machine(errno.raw_os_error()), "{errno}");
        }
        assert!(!is_of_the_machine(&std::io::Error::other("not a regular file")));
    }

    #[test]
    fn a_store_that_fails_says_nothing_of_the_object() {
        let fault = |is_changed| std::io::Error::other(StoreFault { said: "503 Service Unavailable".into(), is_changed });
        assert!(is_of_the_machine(&fault(false)));
        let unreachable = Error::io("s3://b/k", "read", fault(false));
        assert!(unreachable.exit_code() == 1 && unreachable.hint().is_some() && unreachable.to_string().contains("503"), "{unreachable}");
        let changed = Error::io("s3://b/k", "read", fault(true));
        assert!(changed.exit_code() == 2 && changed.to_string().contains("s3://b/k"), "{changed}");
    }
}
