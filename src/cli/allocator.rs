//! When memory cannot be had, the contract says exit code 4 and one sentence; stable Rust would abort (134).

use std::alloc::{GlobalAlloc, Layout, System};

/// The system allocator, except that failure ends the process in an orderly way. A run is resumable at any moment.
#[derive(Debug)]
pub struct Frugal;

/// Ends the process.
pub(super) fn exhausted() -> ! {
    let _ = rustix::io::write(
        rustix::stdio::stderr(),
        b"error: out of memory\nhint: give the machine more, or try a smaller --memory or fewer --threads; the run resumes\n",
    );
    #[expect(clippy::exit, reason = "nothing can be unwound without memory")]
    std::process::exit(4)
}

// SAFETY: every call is forwarded to `System` unchanged; null results never reach the caller.
#[expect(unsafe_code, reason = "GlobalAlloc is an unsafe trait")]
unsafe impl GlobalAlloc for Frugal {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        let pointer = unsafe { System.alloc(layout) };
        if pointer.is_null() { exhausted() } else { pointer }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        let pointer = unsafe { System.alloc_zeroed(layout) };
        if pointer.is_null() { exhausted() } else { pointer }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        let pointer = unsafe { System.realloc(pointer, layout, size) };
        if pointer.is_null() { exhausted() } else { pointer }
    }
}
