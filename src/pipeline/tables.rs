//! Small helpers for the tables between the passes.

use super::work_dir::WorkDir;
use crate::error::Result;
use crate::io::{FileEntry, TableWriter, work_properties};
use crate::schema;
use crate::stage::{Batch, strings};

/// Memory that a text needs in the annotate pass over what it needs where it is copied, compressed or encoded, roughly.
pub(super) const LIGHTER: usize = 3;

/// Writes a table in one go; `path` is its name under OUT.
pub(super) fn write_table(work: &WorkDir, path: &str, batch: &Batch) -> Result<FileEntry> {
    let name = path.replace('/', "-");
    let mut table = TableWriter::create(work.staging(), &name, batch.schema(), work_properties())?;
    table.write(batch)?;
    table.commit(&work.output(path)?, path.to_owned())
}

/// Bytes of the texts of a batch.
pub(super) fn text_bytes(batch: &Batch) -> Result<usize> {
    let offsets = strings(batch, &schema::TEXT)?.value_offsets();
    Ok(offsets.last().zip(offsets.first()).map_or(0, |(end, start)| (end - start) as usize))
}
