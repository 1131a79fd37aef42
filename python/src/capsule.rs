//! Arrow data through the PyCapsule interface: pointers to C structs that any Arrow library understands, and no copy.
//!
//! In: a stream (`__arrow_c_stream__`) or an array (`__arrow_c_array__`). The structs are moved out of their capsules, so that the
//! capsules' destructors find nothing left to free; what they pointed to is released by whoever drops the arrays, on any thread.

use std::ffi::CStr;
use std::ptr::NonNull;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, RecordBatchReader, StructArray, make_array};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow::ffi_stream::{ArrayStreamReader, FFI_ArrowArrayStream};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyCapsuleMethods, PyTuple};

use crate::errors::{format_error, work};

const SCHEMA: &CStr = c"arrow_schema";
const ARRAY: &CStr = c"arrow_array";
const STREAM: &CStr = c"arrow_array_stream";

/// The column that strings without a name become.
pub(crate) const TEXT: &str = "text";

/// Batches of one schema, read as they are asked for.
pub(crate) struct Incoming {
    /// Their columns.
    pub(crate) schema: SchemaRef,
    /// The batches; an error is a sentence.
    pub(crate) batches: Box<dyn Iterator<Item = Result<RecordBatch, String>> + Send>,
    /// Was one array given, and no stream?
    pub(crate) is_single: bool,
}

/// Takes the Arrow data of an object; `None` if it offers none.
pub(crate) fn incoming(object: &Bound<'_, PyAny>) -> PyResult<Option<Incoming>> {
    let py = object.py();
    if object.hasattr("__arrow_c_array__")? {
        let pair = object.call_method0("__arrow_c_array__")?;
        let (schema, array) = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
        let (field, array) = take_array(&schema, &array)?;
        let columns = Columns::of(&field).map_err(|message| format_error(py, &message))?;
        let batch = columns.batch(&array).map_err(|message| format_error(py, &message))?;
        return Ok(Some(Incoming { schema: batch.schema(), batches: Box::new(std::iter::once(Ok(batch))), is_single: true }));
    }
    if !object.hasattr("__arrow_c_stream__")? {
        return Ok(None);
    }
    let capsule = object.call_method0("__arrow_c_stream__")?;
    let pointer = pointer(&capsule, STREAM)?.cast::<FFI_ArrowArrayStream>();
    // SAFETY: the capsule's name says that it holds this struct; moving it out marks what is left as released.
    #[expect(unsafe_code, reason = "the C stream interface is pointers")]
    let stream = unsafe { FFI_ArrowArrayStream::from_raw(pointer.as_ptr()) };
    let reader = work(py, || ArrayStreamReader::try_new(stream))?.map_err(|e| format_error(py, &e.to_string()))?;
    let columns = Columns::of(arrow::array::ArrayReader::field(&reader)).map_err(|message| format_error(py, &message))?;
    let schema = Arc::clone(&columns.schema);
    let batches = reader.map(move |array| columns.batch(&array.map_err(|e| e.to_string())?));
    Ok(Some(Incoming { schema, batches: Box::new(batches), is_single: false }))
}

/// How the arrays of a stream become batches.
struct Columns {
    schema: SchemaRef,
    /// The array is a column of its own, not a struct of columns.
    alone: bool,
}

impl Columns {
    fn of(field: &Field) -> Result<Self, String> {
        let (fields, alone) = match field.data_type() {
            DataType::Struct(fields) => (fields.clone(), false),
            other if is_text(other) => (Fields::from(vec![Field::new(TEXT, other.clone(), true)]), true),
            other => return Err(format!("the array is {other}; wanted is a table, a record batch, or an array of strings")),
        };
        let schema = Schema::new(fields);
        let schema = if alone { schema } else { schema.with_metadata(field.metadata().clone()) };
        Ok(Self { schema: Arc::new(schema), alone })
    }

    fn batch(&self, array: &ArrayRef) -> Result<RecordBatch, String> {
        let options = RecordBatchOptions::new().with_row_count(Some(array.len()));
        let columns = if self.alone {
            vec![Arc::clone(array)]
        } else {
            let rows: &StructArray = array.as_struct_opt().ok_or("the stream changed its type")?;
            if rows.null_count() > 0 {
                return Err("rows of the table are null; only values inside of columns may be".to_owned());
            }
            rows.columns().to_vec()
        };
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(|e| e.to_string())
    }
}

/// Is it text in any layout?
pub(crate) fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

fn pointer(capsule: &Bound<'_, PyAny>, name: &CStr) -> PyResult<NonNull<std::ffi::c_void>> {
    let wrong = |_| PyTypeError::new_err(format!("wanted is a capsule named {}", name.to_string_lossy()));
    capsule.cast::<PyCapsule>().map_err(|e| wrong(e.into()))?.pointer_checked(Some(name)).map_err(wrong)
}

/// Moves an array and its type out of their capsules.
fn take_array(schema: &Bound<'_, PyAny>, array: &Bound<'_, PyAny>) -> PyResult<(Field, ArrayRef)> {
    let py = schema.py();
    let schema = pointer(schema, SCHEMA)?.cast::<FFI_ArrowSchema>();
    let array = pointer(array, ARRAY)?.cast::<FFI_ArrowArray>();
    // SAFETY: the capsules' names say that they hold these structs; moving them out marks what is left as released.
    #[expect(unsafe_code, reason = "the C data interface is pointers")]
    let (schema, array) = unsafe { (FFI_ArrowSchema::from_raw(schema.as_ptr()), FFI_ArrowArray::from_raw(array.as_ptr())) };
    if array.is_released() {
        return Err(format_error(py, "the array of the capsule has been taken before"));
    }
    let field = Field::try_from(&schema).map_err(|e| format_error(py, &e.to_string()))?;
    let imported = work(py, move || {
        // SAFETY: array and type are of one producer, who promises that they belong together.
        #[expect(unsafe_code, reason = "the C data interface is pointers")]
        let data = unsafe { from_ffi(array, &schema) };
        data.map(make_array)
    })?;
    Ok((field, imported.map_err(|e| format_error(py, &e.to_string()))?))
}

/// A capsule with a schema.
pub(crate) fn schema_capsule<'py>(py: Python<'py>, schema: &Schema) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema).map_err(|e| format_error(py, &e.to_string()))?;
    PyCapsule::new_with_value(py, schema, SCHEMA)
}

/// A capsule with the type of an array.
pub(crate) fn field_capsule<'py>(py: Python<'py>, field: &Field) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(field).map_err(|e| format_error(py, &e.to_string()))?;
    PyCapsule::new_with_value(py, schema, SCHEMA)
}

/// Capsules with the type of an array, and with the array itself: nothing is copied.
pub(crate) fn array_capsules<'py>(py: Python<'py>, field: &Field, array: &dyn Array) -> PyResult<Bound<'py, PyTuple>> {
    let schema = FFI_ArrowSchema::try_from(field).map_err(|e| format_error(py, &e.to_string()))?;
    let array = FFI_ArrowArray::new(&array.to_data());
    PyTuple::new(py, [PyCapsule::new_with_value(py, schema, SCHEMA)?, PyCapsule::new_with_value(py, array, ARRAY)?])
}

/// Capsules with a batch.
pub(crate) fn batch_capsules<'py>(py: Python<'py>, batch: &RecordBatch) -> PyResult<Bound<'py, PyTuple>> {
    let rows = StructArray::try_new_with_length(batch.schema().fields().clone(), batch.columns().to_vec(), None, batch.num_rows())
        .map_err(|e| format_error(py, &e.to_string()))?;
    let field = Field::new("", DataType::Struct(batch.schema().fields().clone()), false).with_metadata(batch.schema().metadata().clone());
    array_capsules(py, &field, &rows)
}

/// A capsule with a stream.
pub(crate) fn stream_capsule(py: Python<'_>, reader: Box<dyn RecordBatchReader + Send>) -> PyResult<Bound<'_, PyCapsule>> {
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(reader), STREAM)
}
