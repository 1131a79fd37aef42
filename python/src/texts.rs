//! Strings of Python: a batch of them for the stages, and views of them that stay valid without the GIL.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::Schema;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyString;
use seimai::schema::TEXT;

/// A string, or every string of an iterable; `None` if it is neither. The strings are not copied.
pub(crate) fn strings_of(data: &Bound<'_, PyAny>) -> PyResult<Option<Vec<PyBackedStr>>> {
    if let Ok(text) = data.cast::<PyString>() {
        return Ok(Some(vec![text.extract()?]));
    }
    let Ok(items) = data.try_iter() else { return Ok(None) };
    let mut texts = Vec::with_capacity(data.len().unwrap_or(0));
    for (at, item) in items.enumerate() {
        let item = item?;
        let text = item.cast::<PyString>().map_err(|_| {
            let found = item.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
            PyTypeError::new_err(format!("item {at} is {found}, wanted str"))
        })?;
        texts.push(text.extract()?);
    }
    Ok(Some(texts))
}

/// Strings as a batch with the column `text`; `None` if there are none to be had.
pub(crate) fn batch_of_texts(data: &Bound<'_, PyAny>) -> PyResult<Option<RecordBatch>> {
    let Some(texts) = strings_of(data)? else { return Ok(None) };
    if texts.iter().map(|text| text.len()).sum::<usize>() > i32::MAX as usize {
        return Err(pyo3::exceptions::PyValueError::new_err("more than 2 GiB of text: pass it in pieces, or as an Arrow table"));
    }
    let column: ArrayRef = Arc::new(StringArray::from_iter_values(&texts));
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![TEXT.field()])), vec![column]);
    batch.map(Some).map_err(|e| pyo3::exceptions::PyValueError::new_err(e.to_string()))
}
