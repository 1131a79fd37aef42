//! A piece of a log: how long it may be, and what becomes of what stands in it.

use crate::corpus::document::{Document, Dropped};
use crate::corpus::sink::Sink;
use crate::error::Result;

/// From how many bytes on a record of a log is cut between two messages.
pub(super) fn cut(record_max: usize) -> usize {
    (record_max / 4).max(1)
}

/// Gives a dialogue on; where nobody says anything that is counted.
pub(super) fn keep(document: Option<Document>, dropped: &Dropped, record: u64, offset: u64, sink: &mut Sink<'_>) -> Result<()> {
    if document.is_none() {
        sink.pass_over("no_message", 1);
    }
    sink.keep_documents(document.into_iter().collect(), dropped, record, offset)
}
