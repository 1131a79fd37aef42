//! The documents of a data set: every record of its tables and lines of JSON, with its place.

use std::path::Path;
use std::sync::Arc;

use super::book::Book;
use super::place::Place;
use super::policy::Policy;
use crate::corpus::{Framer, InputFile, Options, Record, ShardLimits, Texts};
use crate::error::{Error, Result};
use crate::io::{open_table, stat};
use crate::pipeline::observer::Stop;
use crate::quarantine::escape;

/// A file of documents.
#[derive(Debug, Clone)]
pub(super) struct DataFile<'a> {
    /// Where it is.
    pub(super) path: &'a Path,
    /// How it is called in findings.
    pub(super) name: &'a str,
    /// Is it a table?
    pub(super) is_table: bool,
    /// Is it made of records? Of a text it is no fault that it is none.
    pub(super) is_strict: bool,
}

/// Keys that ask about documents.
pub(super) const OF_DOCUMENTS: [&str; 8] = [
    "license.other",
    "license.undeclared",
    "residency.other",
    "residency.undeclared",
    "residency.domestic_share",
    "personal_data.found",
    "contamination.found",
    "japanese.coverage",
];

/// What a table is for, by its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// It has texts.
    Documents,
    /// It has something else.
    Other,
}

/// Does a table have texts? What is wrong with it is noted.
///
/// # Errors
/// Those of the machine.
pub(super) fn table(book: &mut Book, policy: &Policy, file: &DataFile<'_>) -> Result<Option<Table>> {
    const MALFORMED: &str = "safety.malformed";
    let reader = match open_table(file.path, None, 1) {
        Ok(reader) => reader,
        Err(error @ (Error::Interrupted(_) | Error::Resources(_))) => return Err(error),
        Err(Error::Damaged { message, .. }) => {
            book.found(MALFORMED, file.name, Place::default(), message, None);
            return Ok(None);
        }
        Err(error) => {
            book.unseen(MALFORMED, file.name, Place::default(), error.to_string());
            return Ok(None);
        }
    };
    let schema = reader.schema();
    let has = |path: &str| path.starts_with('/') || schema.column_with_name(path.split(['.', '[']).next().unwrap_or_default()).is_some();
    let has_texts = match &policy.look.fields.text {
        None => has("text"),
        Some(Texts::One(path)) => has(path),
        Some(Texts::Several(paths)) => paths.iter().any(|path| has(path)),
    };
    Ok(Some(if has_texts { Table::Documents } else { Table::Other }))
}

/// Gives every record of a file; what cannot be read is noted.
///
/// # Errors
/// Those of the machine; interrupted; what `give` refuses.
pub(super) fn each(
    book: &mut Book,
    policy: &Policy,
    file: &DataFile<'_>,
    stop: &Stop,
    give: &mut dyn FnMut(&Record, &Place) -> Result<()>,
) -> Result<()> {
    let found = stat(file.path).map_err(|e| Error::io(file.path, "look at", e))?;
    let input =
        InputFile { path: file.path.to_path_buf(), name: file.name.to_owned(), bytes: found.bytes, mtime_ns: found.changed, part: None };
    let options = Options { paths: vec![".".to_owned()], fields: policy.look.fields.clone(), ..Options::default() };
    let mut framer = Framer::new(Arc::new([input]), &options, ShardLimits::default());
    while let Some(shard) = framer.next_shard()? {
        stop.check()?;
        let outcome = shard.decode(&options, &mut |record| {
            let at = record.offset;
            let place = if file.is_table { Place { row: Some(at), ..Place::default() } } else { Place::byte(at) };
            give(&record, &place)
        })?;
        for lost in outcome.quarantined {
            let place = if file.is_table { Place { row: Some(lost.offset), ..Place::default() } } else { Place::byte(lost.offset) };
            let what = format!("a record that cannot be read: {}", lost.reason);
            book.found(
                "safety.malformed",
                file.name,
                place.clone(),
                what,
                Some(escape(&lost.detail, 200)).filter(|detail| !detail.is_empty()),
            );
            for key in OF_DOCUMENTS {
                book.unseen(key, file.name, place.clone(), "a record that cannot be read");
            }
        }
    }
    Ok(())
}
