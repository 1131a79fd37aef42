//! Huge texts pass one at a time, so that memory holds what is made of one of them only.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Lets texts of ordinary size pass side by side, and a huge one only while no other is inside: what is made of a text is many
/// times as large, and memory holds that once, however many workers there are. Nobody may enter twice.
#[derive(Debug, Default)]
pub struct Gate {
    inside: RwLock<()>,
}

/// Leave to work on a text; given back when dropped.
#[derive(Debug)]
pub struct Permit<'a> {
    held: Held<'a>,
}

#[derive(Debug)]
enum Held<'a> {
    SideBySide { _leave: RwLockReadGuard<'a, ()> },
    Alone { _leave: RwLockWriteGuard<'a, ()> },
}

impl Gate {
    /// Bytes of text that are huge. A batch of ordinary records is smaller: what a worker makes of it fits its share of memory.
    pub const HUGE: usize = 8 << 20;

    /// Waits until a text of so many bytes may be worked on.
    pub fn enter(&self, bytes: usize) -> Permit<'_> {
        // The lock guards memory, not data: there is nothing that a panic could have left half done.
        let held = if bytes > Self::HUGE {
            Held::Alone { _leave: self.inside.write().unwrap_or_else(PoisonError::into_inner) }
        } else {
            Held::SideBySide { _leave: self.inside.read().unwrap_or_else(PoisonError::into_inner) }
        };
        Permit { held }
    }

    /// The text has become longer, or shorter: who has been alone stays alone.
    pub fn stay<'a>(&'a self, permit: Permit<'a>, bytes: usize) -> Permit<'a> {
        if permit.is_alone() || bytes <= Self::HUGE {
            return permit;
        }
        drop(permit);
        self.enter(bytes)
    }
}

impl Permit<'_> {
    /// Is no other text inside?
    pub fn is_alone(&self) -> bool {
        matches!(self.held, Held::Alone { .. })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::pipeline::pool::Pool;

    #[test]
    fn a_huge_text_is_alone_and_ordinary_ones_are_not() {
        let (pool, gate) = (Pool::new(4).unwrap(), Gate::default());
        let (ordinary, huge) = (AtomicUsize::new(0), AtomicUsize::new(0));
        pool.parallel(200, &|i| {
            // Every tenth is huge from the start, every other tenth grows to be.
            let mut permit = gate.enter(if i % 10 == 0 { Gate::HUGE + 1 } else { Gate::HUGE });
            if i % 10 == 5 {
                permit = gate.stay(permit, Gate::HUGE + 1);
            }
            assert_eq!(permit.is_alone(), i % 5 == 0);
            let (mine, others) = if permit.is_alone() { (&huge, &ordinary) } else { (&ordinary, &huge) };
            let before = mine.fetch_add(1, Ordering::SeqCst);
            assert!(!permit.is_alone() || before == 0, "two huge texts at once");
            std::thread::sleep(std::time::Duration::from_micros(50));
            assert_eq!(others.load(Ordering::SeqCst), 0, "a huge text and another");
            mine.fetch_sub(1, Ordering::SeqCst);
        });
    }
}
