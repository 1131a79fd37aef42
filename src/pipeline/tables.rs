//! Small helpers for the tables between the passes.

use arrow::array::AsArray;
use arrow::datatypes::UInt8Type;
use parquet::file::properties::WriterProperties;

use super::work_dir::WorkDir;
use crate::error::{Error, Result};
use crate::io::{FileEntry, Place, TableWriter, open_table, work_properties};
use crate::keigo::columns::REPEAT;
use crate::schema;
use crate::stage::{Batch, column, strings};

const REPEAT_ROWS: usize = 1 << 14;

/// Memory that a text needs in the annotate pass over what it needs where it is copied, compressed or encoded, roughly.
pub(super) const LIGHTER: usize = 3;

/// Writes a table in one go; `path` is its name under OUT.
pub(super) fn write_table(work: &WorkDir, path: &str, batch: &Batch) -> Result<FileEntry> {
    write_table_with(work, path, batch, work_properties())
}

/// Writes a table batch by batch; there is one at least.
pub(super) fn write_batches(work: &WorkDir, path: &str, mut batches: impl Iterator<Item = Result<Batch>>) -> Result<FileEntry> {
    let first = batches.next().ok_or_else(|| Error::internal(format!("{path}: a table without a batch")))??;
    let mut table = TableWriter::create(work.staging(), &path.replace('/', "-"), first.schema(), work_properties())?;
    table.write(&first)?;
    batches.try_for_each(|batch| table.write(&batch?))?;
    let target = work.output(path)?;
    work.writing.time(|| table.commit(&target, path.to_owned()))
}

/// The same as [`write_table`] with other properties.
pub(super) fn write_table_with(work: &WorkDir, path: &str, batch: &Batch, properties: WriterProperties) -> Result<FileEntry> {
    let name = path.replace('/', "-");
    let mut table = TableWriter::create(work.staging(), &name, batch.schema(), properties)?;
    table.write(batch)?;
    let target = work.output(path)?;
    work.writing.time(|| table.commit(&target, path.to_owned()))
}

/// How often each document of a table is to be taken (`keigo.repeat`).
pub(super) fn repeats(documents: &Place) -> Result<Vec<u8>> {
    let mut repeats = Vec::new();
    for batch in open_table(documents, Some(&[schema::KEIGO.name]), REPEAT_ROWS)? {
        let batch = batch?;
        let keigo = column(&batch, &schema::KEIGO)?;
        let of = keigo.as_struct_opt().and_then(|keigo| keigo.column_by_name(REPEAT)?.as_primitive_opt::<UInt8Type>());
        let of = of.ok_or_else(|| Error::damaged(documents, "keigo.repeat is not a column of uint8"))?;
        repeats.extend_from_slice(of.values());
    }
    Ok(repeats)
}

/// Bytes of the texts of a batch.
pub(super) fn text_bytes(batch: &Batch) -> Result<usize> {
    let offsets = strings(batch, &schema::TEXT)?.value_offsets();
    Ok(offsets.last().zip(offsets.first()).map_or(0, |(end, start)| (end - start) as usize))
}
