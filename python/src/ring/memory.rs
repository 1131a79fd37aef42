//! Memory of batches: of Rust or lent by Python (page-locked memory of CUDA), and lent to Python as long as a batch lives there.

use std::alloc::Layout;
use std::ptr::NonNull;

use pyo3::buffer::PyBuffer;

/// The alignment of the memory and of every column in it: a cache line, and the widest vector registers.
pub(super) const ALIGNMENT: usize = 64;

/// Zeroed or foreign memory that one batch at a time is written into.
pub(super) struct Memory {
    start: NonNull<u8>,
    bytes: usize,
    origin: Origin,
}

enum Origin {
    Allocated(Layout),
    /// Keeps the buffer's object alive.
    #[expect(dead_code, reason = "it is held, not read")]
    Lent(PyBuffer<u8>),
}

// SAFETY: the memory belongs to this value alone, as that of a `Vec` does. A lent buffer is only held; pyo3 releases it with the GIL.
#[expect(unsafe_code, reason = "a raw pointer is not Send by itself")]
unsafe impl Send for Memory {}

impl Memory {
    /// Fresh memory; `None` if there is not so much.
    #[expect(unsafe_code, reason = "memory of a wider alignment than Vec's")]
    pub(super) fn allocate(bytes: usize) -> Option<Self> {
        let layout = Layout::from_size_align(bytes.max(1), ALIGNMENT).ok()?;
        // SAFETY: the layout has a size.
        let start = NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) })?;
        Some(Self { start, bytes, origin: Origin::Allocated(layout) })
    }

    /// Memory of a writable, contiguous Python object, which nobody else may use for as long as this lives.
    pub(super) fn lent(buffer: PyBuffer<u8>) -> Option<Self> {
        if buffer.readonly() || !buffer.is_c_contiguous() {
            return None;
        }
        let start = NonNull::new(buffer.buf_ptr().cast::<u8>())?;
        Some(Self { start, bytes: buffer.len_bytes(), origin: Origin::Lent(buffer) })
    }

    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    pub(super) fn address(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    #[expect(unsafe_code, reason = "the memory is reached through a raw pointer")]
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: so many bytes are there, initialised, and exclusively ours: the caller has `&mut self`, and while Python reads them
        // they are not written.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }
}

impl Drop for Memory {
    #[expect(unsafe_code, reason = "what was allocated by hand is freed by hand")]
    fn drop(&mut self) {
        if let Origin::Allocated(layout) = self.origin {
            // SAFETY: allocated with this layout, and not freed before.
            unsafe { std::alloc::dealloc(self.start.as_ptr(), layout) };
        }
    }
}
