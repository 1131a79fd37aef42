//! Why a stream ends before its end.

/// Why a stream ends before its end.
#[derive(Debug)]
pub(in crate::corpus) enum Stop {
    /// The compressed data is damaged from here on.
    Damage(Damage),
    /// The file could not be read.
    Io(std::io::Error),
}

/// Damage in compressed data or in an archive. It passes through readers of the standard library as an error of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(in crate::corpus) struct Damage {
    /// Reason code of `quarantine.jsonl`.
    pub(in crate::corpus) reason: &'static str,
    /// What is wrong.
    pub(in crate::corpus) message: &'static str,
    /// Did the data before it end properly, so that the damage is only something behind it?
    pub(in crate::corpus) behind_the_end: bool,
}

impl Damage {
    pub(in crate::corpus) const fn new(reason: &'static str, message: &'static str) -> Self {
        Self { reason, message, behind_the_end: false }
    }
}

impl Stop {
    pub(super) fn damage(reason: &'static str, message: &'static str) -> Self {
        Self::Damage(Damage::new(reason, message))
    }

    pub(super) fn trailing(reason: &'static str, message: &'static str) -> Self {
        Self::Damage(Damage { behind_the_end: true, ..Damage::new(reason, message) })
    }
}

impl From<Damage> for std::io::Error {
    fn from(damage: Damage) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, damage)
    }
}

impl From<std::io::Error> for Stop {
    /// A file may itself come out of damaged data: a member of an archive, say. Whatever is in it did not end properly, then.
    fn from(error: std::io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Damage>()) {
            Some(damage) => Self::Damage(Damage { behind_the_end: false, ..*damage }),
            None => Self::Io(error),
        }
    }
}
