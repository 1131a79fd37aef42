//! Ranges of objects that are kept for a while: readers of neighbouring pieces share them, and whoever reads on finds the next one on its way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::stores;
use crate::io::objects::{RANGE, memory_of_ranges};

static KEPT: Mutex<Option<Kept>> = Mutex::new(None);
static CAME: Condvar = Condvar::new();
static MEMORY: AtomicU64 = AtomicU64::new(0);

/// Lets the ranges that are kept take so much memory.
pub fn keep_ranges(bytes: u64) {
    MEMORY.store(bytes, Ordering::Relaxed);
}

fn memory() -> u64 {
    match MEMORY.load(Ordering::Relaxed) {
        0 => memory_of_ranges(1),
        bytes => bytes,
    }
}

/// What is read by ranges.
pub(super) trait Ranged: Send + Sync + 'static {
    /// A number of its own.
    fn id(&self) -> u64;

    /// How many ranges it has.
    fn ranges(&self) -> u64;

    /// Asks the store for one.
    fn fetch(self: Arc<Self>, range: u64) -> impl Future<Output = std::io::Result<Bytes>> + Send;
}

/// An object and a range of it.
type Key = (u64, u64);

#[derive(Default)]
struct Kept {
    slots: FxHashMap<Key, Slot>,
    /// Counts what is asked, so that what was not asked for longest is known.
    clock: u64,
}

enum Slot {
    /// It was asked for, ahead of its reader or by another one.
    Coming,
    Here {
        bytes: Bytes,
        used: u64,
        is_ahead: bool,
    },
}

impl Kept {
    /// Makes room for one more range.
    fn make_room(&mut self) {
        let most = (memory() / RANGE).max(2) as usize;
        while self.slots.len() >= most {
            let used = |(key, slot): (&Key, &Slot)| match slot {
                Slot::Here { used, .. } => Some((*used, *key)),
                Slot::Coming => None,
            };
            let Some((_, oldest)) = self.slots.iter().filter_map(used).min() else { return };
            self.slots.remove(&oldest);
        }
    }

    fn coming(&self) -> usize {
        self.slots.values().filter(|slot| matches!(slot, Slot::Coming)).count()
    }
}

fn lock() -> MutexGuard<'static, Option<Kept>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a place that was held for a range that does not come.
struct Expected(Key);

impl Expected {
    fn came(self, bytes: Bytes, is_ahead: bool) {
        let mut kept = lock();
        let kept = kept.get_or_insert_default();
        kept.clock += 1;
        kept.slots.insert(self.0, Slot::Here { bytes, used: kept.clock, is_ahead });
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        if let Some(kept) = lock().as_mut()
            && matches!(kept.slots.get(&self.0), Some(Slot::Coming))
        {
            kept.slots.remove(&self.0);
        }
        CAME.notify_all();
    }
}

/// A range of an object.
///
/// # Errors
/// Those of the store.
pub(super) fn get<O: Ranged>(object: &Arc<O>, range: u64) -> std::io::Result<Bytes> {
    let key = (object.id(), range);
    let mut guard = lock();
    loop {
        let kept = guard.get_or_insert_default();
        kept.clock += 1;
        let clock = kept.clock;
        match kept.slots.get_mut(&key) {
            Some(Slot::Here { bytes, used, is_ahead }) => {
                *used = clock;
                let (bytes, was_ahead) = (bytes.clone(), std::mem::take(is_ahead));
                let next = was_ahead.then(|| ahead(kept, object.as_ref(), range)).flatten();
                drop(guard);
                go_ahead(object, next);
                return Ok(bytes);
            }
            Some(Slot::Coming) => guard = CAME.wait(guard).unwrap_or_else(PoisonError::into_inner),
            None => break,
        }
    }
    let kept = guard.get_or_insert_default();
    kept.make_room();
    kept.slots.insert(key, Slot::Coming);
    // Whoever has read what stands before it reads on.
    let reads_on = range.checked_sub(1).is_some_and(|before| kept.slots.contains_key(&(object.id(), before)));
    let next = reads_on.then(|| ahead(kept, object.as_ref(), range)).flatten();
    drop(guard);
    let expected = Expected(key);
    go_ahead(object, next);
    let bytes = stores::runtime()?.block_on(Arc::clone(object).fetch(range))?;
    expected.came(bytes.clone(), false);
    Ok(bytes)
}

/// The range behind one, if it is to be asked for now.
fn ahead(kept: &mut Kept, object: &impl Ranged, range: u64) -> Option<u64> {
    let next = range + 1;
    let most = (memory() / RANGE / 2).max(1) as usize;
    if next >= object.ranges() || kept.slots.contains_key(&(object.id(), next)) || kept.coming() > most {
        return None;
    }
    kept.make_room();
    kept.slots.insert((object.id(), next), Slot::Coming);
    Some(next)
}

/// Asks for a range on the thread of connections. What goes wrong is met again, and told, by its reader.
fn go_ahead<O: Ranged>(object: &Arc<O>, next: Option<u64>) {
    let Some(next) = next else { return };
    let expected = Expected((object.id(), next));
    let Ok(runtime) = stores::runtime() else { return };
    let object = Arc::clone(object);
    runtime.spawn(async move {
        if let Ok(bytes) = object.fetch(next).await {
            expected.came(bytes, true);
        }
    });
}
