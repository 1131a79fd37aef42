//! `seimai.Batch` and `seimai.BatchReader`: Arrow data that any Arrow library takes over without a copy.

use std::sync::{Arc, Mutex};

use arrow::array::{Array, RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use pyo3::exceptions::{PyKeyError, PyStopIteration};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyList, PyTuple};

use crate::capsule::{batch_capsules, schema_capsule, stream_capsule};
use crate::errors::{format_error, work};
use crate::values::value;

/// Columns of equal length: rows of documents. pyarrow, polars, pandas, DuckDB and others take it as it is:
/// `pyarrow.record_batch(batch)`, `polars.DataFrame(batch)`.
#[pyclass(frozen, module = "seimai")]
pub(crate) struct Batch {
    pub(crate) batch: RecordBatch,
}

#[pymethods]
impl Batch {
    /// Rows.
    #[getter]
    fn num_rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// Names of the columns.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        names(&self.batch.schema())
    }

    /// A column as a list of Python values.
    fn column(&self, py: Python<'_>, name: &str) -> PyResult<Py<PyList>> {
        let column = self.batch.column_by_name(name).ok_or_else(|| {
            PyKeyError::new_err(format!("there is no column {name}; there are {}", names(&self.batch.schema()).join(", ")))
        })?;
        let values = (0..column.len()).map(|row| value(py, column, row)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyList::new(py, values)?.unbind())
    }

    /// The rows as dictionaries.
    fn to_pylist(&self, py: Python<'_>) -> PyResult<Py<PyList>> {
        let schema = self.batch.schema();
        let rows = (0..self.batch.num_rows()).map(|row| {
            let of = PyDict::new(py);
            for (field, column) in schema.fields().iter().zip(self.batch.columns()) {
                of.set_item(field.name(), value(py, column, row)?)?;
            }
            Ok(of)
        });
        Ok(PyList::new(py, rows.collect::<PyResult<Vec<_>>>()?)?.unbind())
    }

    /// Rows from `offset` on; nothing is copied.
    #[pyo3(signature = (offset, length=None))]
    fn slice(&self, offset: usize, length: Option<usize>) -> Self {
        let offset = offset.min(self.batch.num_rows());
        let rest = self.batch.num_rows() - offset;
        Self { batch: self.batch.slice(offset, length.map_or(rest, |length| length.min(rest))) }
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.batch.schema())
    }

    /// The data as they lie in memory, whatever type is asked for: the interface leaves casts to whoever asks.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(&self, py: Python<'py>, requested_schema: Option<&Bound<'_, PyAny>>) -> PyResult<Bound<'py, PyTuple>> {
        let _ = requested_schema;
        batch_capsules(py, &self.batch)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(&self, py: Python<'py>, requested_schema: Option<&Bound<'_, PyAny>>) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        stream_capsule(py, Box::new(RecordBatchIterator::new([Ok(self.batch.clone())], self.batch.schema())))
    }

    fn __len__(&self) -> usize {
        self.batch.num_rows()
    }

    fn __repr__(&self) -> String {
        format!("<seimai.Batch {} rows: {}>", self.batch.num_rows(), names(&self.batch.schema()).join(", "))
    }
}

fn names(schema: &SchemaRef) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

/// Batches that come one after the other.
pub(crate) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, String>> + Send>;

/// Batches that are made as they are asked for, once: iterate, or hand it to a library that takes an Arrow stream
/// (`pyarrow.RecordBatchReader.from_stream(reader)`, `polars.DataFrame(reader)`, `duckdb.sql("from reader")`).
#[pyclass(frozen, module = "seimai")]
pub(crate) struct BatchReader {
    schema: SchemaRef,
    /// Gone once another library has taken it over.
    batches: Mutex<Option<Batches>>,
}

impl BatchReader {
    pub(crate) fn new(schema: SchemaRef, batches: Batches) -> Self {
        Self { schema, batches: Mutex::new(Some(batches)) }
    }
}

#[pymethods]
impl BatchReader {
    /// Names of the columns.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        names(&self.schema)
    }

    /// What is left, as one batch.
    fn read_all(&self, py: Python<'_>) -> PyResult<Batch> {
        let mut all = Vec::new();
        while let Some(batch) = self.next(py)? {
            py.check_signals()?;
            all.push(batch);
        }
        let batch = work(py, || arrow::compute::concat_batches(&self.schema, &all))?;
        Ok(Batch { batch: batch.map_err(|e| format_error(py, &e.to_string()))? })
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.schema)
    }

    /// Hands the batches over; the reader is empty afterwards.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(&self, py: Python<'py>, requested_schema: Option<&Bound<'_, PyAny>>) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let taken = self.batches.lock().ok().and_then(|mut batches| batches.take());
        let taken = taken.ok_or_else(|| format_error(py, "the batches of this reader have been taken before"))?;
        stream_capsule(py, Box::new(Stream { schema: Arc::clone(&self.schema), batches: taken }))
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Batch> {
        self.next(py)?.map(|batch| Batch { batch }).ok_or_else(|| PyStopIteration::new_err(()))
    }

    fn __repr__(&self) -> String {
        format!("<seimai.BatchReader {}>", self.column_names().join(", "))
    }
}

impl BatchReader {
    fn next(&self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        let next = work(py, || {
            let mut batches = self.batches.lock().map_err(|_| "the reader failed before".to_owned())?;
            batches.as_mut().and_then(Iterator::next).transpose()
        })?;
        next.map_err(|message| format_error(py, &message))
    }
}

/// Batches as other libraries read them.
struct Stream {
    schema: SchemaRef,
    batches: Batches,
}

impl Iterator for Stream {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        // Whoever reads is C: nothing may unwind into it.
        let next = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.batches.next()));
        let next = next.unwrap_or_else(|_| Some(Err("internal error: a panic; please report it".to_owned())));
        next.map(|batch| batch.map_err(|message| ArrowError::ExternalError(message.into())))
    }
}

impl RecordBatchReader for Stream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// Adds the classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Batch>()?;
    module.add_class::<BatchReader>()
}
