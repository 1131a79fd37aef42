//! Foreign code that may panic on a hostile file.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Does this thread run code whose panics cost a file and are no bug of ours to report? For the panic hook.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// Runs foreign code; `None` where it panicked.
pub fn guard<T>(run: impl FnOnce() -> T) -> Option<T> {
    let outer = GUARDED.replace(true);
    // Nothing of a reader that panicked is used again.
    let result = catch_unwind(AssertUnwindSafe(run)).ok();
    GUARDED.set(outer);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_none_and_the_hook_can_tell() {
        assert!(!is_guarded());
        assert_eq!(guard(is_guarded), Some(true));
        assert!(guard(|| guard(|| 1).map(|_| is_guarded())) == Some(Some(true)), "an inner guard leaves the outer one standing");
        assert!(guard(|| std::panic::resume_unwind(Box::new(()))).is_none() && !is_guarded());
    }
}
