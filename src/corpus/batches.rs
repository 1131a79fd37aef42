//! Records → batches of columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringBuilder, UInt64Builder};
use arrow::datatypes::Schema;

use super::input_file::InputFile;
use super::options::SourceDefaults;
use super::record::Record;
use crate::error::Result;
use crate::schema::{Column, DATE, DOC_ID, FILE, LICENSE, META, OFFSET, RESIDENCY, SOURCE, TEXT, URL};
use crate::stage::Batch;

/// The columns of [`BatchBuilder`].
pub const COLUMNS: [Column; 10] = [DOC_ID, TEXT, SOURCE, URL, LICENSE, DATE, RESIDENCY, META, FILE, OFFSET];
/// Those of strings.
const STRINGS: usize = COLUMNS.len() - 1;
/// Rows of a batch, at most.
pub const BATCH_ROWS: usize = 1024;
/// Bytes of text after which a batch is full.
pub const BATCH_BYTES: usize = 2 << 20;

/// A batch of [`COLUMNS`] without rows.
pub fn empty_batch() -> Batch {
    RecordBatch::new_empty(Arc::new(Schema::new(COLUMNS.iter().map(Column::field).collect::<Vec<_>>())))
}

/// Records → batches of [`COLUMNS`].
pub struct BatchBuilder {
    inputs: Arc<[InputFile]>,
    defaults: SourceDefaults,
    schema: Arc<Schema>,
    columns: [StringBuilder; STRINGS],
    offsets: UInt64Builder,
    rows: usize,
    scratch: String,
}

impl BatchBuilder {
    /// Starts empty; `defaults` is what records inherit.
    pub fn new(inputs: Arc<[InputFile]>, defaults: &SourceDefaults) -> Self {
        let schema = Arc::new(Schema::new(COLUMNS.iter().map(Column::field).collect::<Vec<_>>()));
        let columns = std::array::from_fn(|_| StringBuilder::new());
        Self { inputs, defaults: defaults.clone(), schema, columns, offsets: UInt64Builder::new(), rows: 0, scratch: String::new() }
    }

    /// Adds a record; gives a batch when it is full.
    pub fn push(&mut self, record: &Record) -> Result<Option<Batch>> {
        let file = &self.inputs[record.input as usize].name;
        let source = record.source.as_deref().or(self.defaults.name.as_deref()).unwrap_or_else(|| stem(file));
        let license = record.license.as_deref().or(self.defaults.license.as_deref());
        let residency = record.residency.as_deref().or(self.defaults.residency.as_deref());
        record.doc_id(file, &mut self.scratch);
        let [doc_id, text, sources, url, licenses, date, residencies, meta, files] = &mut self.columns;
        doc_id.append_value(&self.scratch);
        text.append_value(&record.text);
        sources.append_value(source);
        url.append_option(record.url.as_deref());
        licenses.append_option(license);
        date.append_option(record.date.as_deref());
        residencies.append_option(residency);
        meta.append_option(record.meta.as_deref());
        files.append_value(file);
        self.offsets.append_value(record.offset);
        self.rows += 1;
        let is_full = self.rows >= BATCH_ROWS || self.columns.iter().any(|column| column.values_slice().len() >= BATCH_BYTES);
        if is_full { self.finish() } else { Ok(None) }
    }

    /// The batch of the records since the last one, if there are any.
    pub fn finish(&mut self) -> Result<Option<Batch>> {
        if self.rows == 0 {
            return Ok(None);
        }
        self.rows = 0;
        let strings = self.columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef);
        let columns = strings.chain([Arc::new(self.offsets.finish()) as ArrayRef]).collect();
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }
}

/// The file name up to its first dot (one in front does not count).
fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    let end = file.char_indices().skip(1).find(|(_, c)| *c == '.').map_or(file.len(), |(at, _)| at);
    file.get(..end).unwrap_or(file)
}
