//! Memory that Rust holds, lent to Python as it lies: the buffer protocol, read-only.

use std::ffi::{CStr, c_int, c_void};
use std::sync::Arc;

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;

/// Who keeps bytes alive and in place.
pub(crate) trait Holder: Send + Sync {
    /// The bytes: the same ones at every call.
    fn bytes(&self) -> &[u8];
}

/// Type of the items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    U16,
    I32,
    U32,
    I64,
}

impl Item {
    fn size(self) -> usize {
        match self {
            Self::U16 => 2,
            Self::I32 | Self::U32 => 4,
            Self::I64 => 8,
        }
    }

    /// As the module `struct` writes it. Little endian and native are the same on every machine that Seimai is built for.
    fn format(self) -> &'static CStr {
        match self {
            Self::U16 => c"H",
            Self::I32 => c"i",
            Self::U32 => c"I",
            Self::I64 => c"q",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::U16 => "uint16",
            Self::I32 => "int32",
            Self::U32 => "uint32",
            Self::I64 => "int64",
        }
    }
}

/// Numbers in memory of Rust, or in a mapped file, without a copy: `numpy.asarray(buffer)`, `memoryview(buffer)`,
/// `torch.frombuffer(buffer, dtype=...)`.
#[pyclass(frozen, module = "seimai")]
pub(crate) struct Buffer {
    holder: Arc<dyn Holder>,
    item: Item,
    /// Lengths of the dimensions, outermost first, and the bytes from one to the next; they live as long as the object.
    shape: Box<[isize]>,
    strides: Box<[isize]>,
}

impl Buffer {
    /// `None` if the bytes are not as many as the shape says, or not aligned for the items.
    pub(crate) fn new(holder: Arc<dyn Holder>, item: Item, shape: &[usize]) -> Option<Self> {
        let items = shape.iter().try_fold(1_usize, |product, length| product.checked_mul(*length))?;
        let bytes = holder.bytes();
        if bytes.len() != items.checked_mul(item.size())? || (!bytes.is_empty() && !bytes.as_ptr().addr().is_multiple_of(item.size())) {
            return None;
        }
        let mut strides: Vec<isize> = vec![];
        let mut stride = item.size();
        for length in shape.iter().rev() {
            strides.push(stride.cast_signed());
            stride *= length;
        }
        strides.reverse();
        let shape = shape.iter().map(|length| length.cast_signed()).collect();
        Some(Self { holder, item, shape, strides: strides.into() })
    }
}

#[pymethods]
impl Buffer {
    /// Lengths of the dimensions.
    #[getter]
    fn shape(&self, py: Python<'_>) -> PyResult<Py<pyo3::types::PyTuple>> {
        Ok(pyo3::types::PyTuple::new(py, self.shape.iter())?.unbind())
    }

    /// numpy's name of the items.
    #[getter]
    fn dtype(&self) -> &'static str {
        self.item.name()
    }

    /// Bytes in all.
    #[getter]
    fn nbytes(&self) -> usize {
        self.holder.bytes().len()
    }

    /// Address of the first byte.
    #[getter]
    fn address(&self) -> usize {
        self.holder.bytes().as_ptr().addr()
    }

    fn __len__(&self) -> usize {
        self.shape.first().map_or(0, |length| length.cast_unsigned())
    }

    fn __repr__(&self) -> String {
        format!("<seimai.Buffer {} {:?}>", self.item.name(), self.shape)
    }

    /// Lends the bytes.
    #[expect(unsafe_code, reason = "the buffer protocol is written through a raw pointer")]
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("no view to fill"));
        }
        let this = slf.get();
        let asks_for = |flag: c_int| flags & flag == flag;
        let refused = asks_for(ffi::PyBUF_WRITABLE).then_some("the memory is read-only");
        if let Some(reason) = refused {
            // SAFETY: not null; the protocol asks for a null object where the request is refused.
            unsafe { (*view).obj = std::ptr::null_mut() };
            return Err(PyBufferError::new_err(reason));
        }
        let bytes = this.holder.bytes();
        let null = std::ptr::null_mut();
        // SAFETY: `view` points to a Py_buffer of the caller. Bytes, format, shape and strides live in or are kept alive by the object,
        // to which the view gets a reference; the class is frozen, so nothing of it moves. Nobody writes through a read-only view.
        unsafe {
            (*view).buf = bytes.as_ptr().cast_mut().cast::<c_void>();
            (*view).len = bytes.len().cast_signed();
            (*view).readonly = 1;
            (*view).itemsize = this.item.size().cast_signed();
            (*view).format = if asks_for(ffi::PyBUF_FORMAT) { this.item.format().as_ptr().cast_mut() } else { std::ptr::null_mut() };
            (*view).ndim = if asks_for(ffi::PyBUF_ND) { this.shape.len() as c_int } else { 1 };
            (*view).shape = if asks_for(ffi::PyBUF_ND) { this.shape.as_ptr().cast_mut() } else { null };
            (*view).strides = if asks_for(ffi::PyBUF_STRIDES) { this.strides.as_ptr().cast_mut() } else { null };
            (*view).suboffsets = null;
            (*view).internal = std::ptr::null_mut();
            (*view).obj = slf.into_ptr();
        }
        Ok(())
    }
}

/// Adds the classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Buffer>()
}
