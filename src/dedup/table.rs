//! A record batch from columns and arrays.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::Schema;

use crate::error::Result;
use crate::schema::Column;
use crate::stage::Batch;

/// A record batch of these columns.
pub(crate) fn table<const N: usize>(columns: [(&Column, ArrayRef); N]) -> Result<Batch> {
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().map(|(column, array)| (column.field(), array)).unzip();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}
