//! Values of Arrow columns as Python's own, for people who look at a few rows without an Arrow library.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow::util::display::array_value_to_string;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::errors::format_error;

/// One value; types that Python has no match for as text.
pub(crate) fn value(py: Python<'_>, array: &ArrayRef, row: usize) -> PyResult<Py<PyAny>> {
    fn number<'py, T: ArrowPrimitiveType>(py: Python<'py>, array: &ArrayRef, row: usize) -> PyResult<Py<PyAny>>
    where
        T::Native: IntoPyObject<'py>,
    {
        array.as_primitive::<T>().value(row).into_py_any(py)
    }
    if array.is_null(row) {
        return Ok(py.None());
    }
    match array.data_type() {
        DataType::Null => Ok(py.None()),
        DataType::Boolean => array.as_boolean().value(row).into_py_any(py),
        DataType::Int8 => number::<Int8Type>(py, array, row),
        DataType::Int16 => number::<Int16Type>(py, array, row),
        DataType::Int32 => number::<Int32Type>(py, array, row),
        DataType::Int64 => number::<Int64Type>(py, array, row),
        DataType::UInt8 => number::<UInt8Type>(py, array, row),
        DataType::UInt16 => number::<UInt16Type>(py, array, row),
        DataType::UInt32 => number::<UInt32Type>(py, array, row),
        DataType::UInt64 => number::<UInt64Type>(py, array, row),
        DataType::Float32 => number::<Float32Type>(py, array, row),
        DataType::Float64 => number::<Float64Type>(py, array, row),
        DataType::Utf8 => array.as_string::<i32>().value(row).into_py_any(py),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).into_py_any(py),
        DataType::Utf8View => array.as_string_view().value(row).into_py_any(py),
        DataType::Binary => PyBytes::new(py, array.as_binary::<i32>().value(row)).into_py_any(py),
        DataType::LargeBinary => PyBytes::new(py, array.as_binary::<i64>().value(row)).into_py_any(py),
        DataType::List(_) => list(py, &array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(py, &array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(py, &array.as_fixed_size_list().value(row)),
        DataType::Struct(fields) => {
            let of = PyDict::new(py);
            for (field, column) in fields.iter().zip(array.as_struct().columns()) {
                of.set_item(field.name(), value(py, column, row)?)?;
            }
            of.into_py_any(py)
        }
        _ => array_value_to_string(array, row).map_err(|e| format_error(py, &e.to_string()))?.into_py_any(py),
    }
}

fn list(py: Python<'_>, values: &ArrayRef) -> PyResult<Py<PyAny>> {
    let values = (0..values.len()).map(|row| value(py, values, row)).collect::<PyResult<Vec<_>>>()?;
    PyList::new(py, values)?.into_py_any(py)
}
