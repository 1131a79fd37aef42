//! An object that is read, and what was known of it when it was first looked at.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStoreExt};
use rustc_hash::FxHashMap;

use super::faults;
use super::ranges::{self, Ranged};
use super::stores::{self, At};
use crate::error::Result;
use crate::io::objects::{RANGE, Stat};

/// Objects that were looked at, by name: what is read of one later is what it was then, or an error.
static KNOWN: Mutex<Option<FxHashMap<PathBuf, Arc<Object>>>> = Mutex::new(None);
static NEXT: AtomicU64 = AtomicU64::new(0);

/// An object as it was when it was first looked at.
#[derive(Debug)]
pub(in crate::io) struct Object {
    /// A number of its own.
    id: u64,
    at: At,
    bytes: u64,
    tag: Option<String>,
    version: Option<String>,
    /// Where there is no tag, what tells that it was written again.
    modified: i64,
}

/// Notes what a listing says of an object, unless it is known.
pub(super) fn note(name: &Path, meta: ObjectMeta) -> Result<()> {
    // Without a tag nothing could be held to it: such an object is asked for its own when it is opened.
    if meta.e_tag.is_some() {
        let object = Object::new(stores::resolve(name)?, meta);
        known(|known| {
            known.entry(name.to_path_buf()).or_insert_with(|| Arc::new(object));
        });
    }
    Ok(())
}

fn known<T>(with: impl FnOnce(&mut FxHashMap<PathBuf, Arc<Object>>) -> T) -> T {
    let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    with(known.get_or_insert_default())
}

impl Object {
    fn new(at: At, meta: ObjectMeta) -> Self {
        let (id, modified) = (NEXT.fetch_add(1, Ordering::Relaxed), meta.last_modified.timestamp_millis());
        Self { id, at, bytes: meta.size, tag: meta.e_tag, version: meta.version, modified }
    }

    /// The object of this name.
    ///
    /// # Errors
    /// Those of the store; `NotFound` where there is none.
    pub(in crate::io) fn open(name: &Path) -> std::io::Result<Arc<Self>> {
        if let Some(found) = known(|known| known.get(name).cloned()) {
            return Ok(found);
        }
        let at = stores::resolve(name).map_err(|e| std::io::Error::new(std::io::ErrorKind::InvalidInput, e.to_string()))?;
        let meta = stores::wait(at.store.head(&at.key))?;
        Ok(known(|known| Arc::clone(known.entry(name.to_path_buf()).or_insert_with(|| Arc::new(Self::new(at, meta))))))
    }

    /// Bytes it holds.
    pub(in crate::io) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What can be told of it without reading it.
    pub(in crate::io) fn stat(&self) -> Stat {
        let mut hasher = blake3::Hasher::new();
        match (&self.tag, &self.version) {
            (None, None) => hasher.update(&self.modified.to_le_bytes()),
            (tag, version) => hasher.update(format!("{tag:?} {version:?}").as_bytes()),
        };
        let [a, b, c, d, e, f, g, h, ..] = *hasher.finalize().as_bytes();
        Stat { bytes: self.bytes, changed: i128::from(u64::from_le_bytes([a, b, c, d, e, f, g, h])) }
    }

    /// Fills `buffer` from `offset` on, less only at the end.
    ///
    /// # Errors
    /// Those of the store; one of its own where the object has changed.
    pub(in crate::io) fn read_at(self: &Arc<Self>, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() && offset.saturating_add(done as u64) < self.bytes {
            let at = offset + done as u64;
            let range = ranges::get(self, at / RANGE)?;
            let from = &range[(at % RANGE) as usize..];
            let taken = from.len().min(buffer.len() - done);
            buffer[done..done + taken].copy_from_slice(&from[..taken]);
            done += taken;
        }
        Ok(done)
    }
}

impl Ranged for Object {
    fn id(&self) -> u64 {
        self.id
    }

    fn ranges(&self) -> u64 {
        self.bytes.div_ceil(RANGE)
    }

    /// Asks the store for a range. An answer that is cut is gone on with where it ended, by the library.
    async fn fetch(self: Arc<Self>, range: u64) -> std::io::Result<Bytes> {
        let wanted = range * RANGE..((range + 1) * RANGE).min(self.bytes);
        let options = GetOptions {
            range: Some(GetRange::Bounded(wanted.clone())),
            if_match: self.tag.clone(),
            version: self.version.clone(),
            ..GetOptions::default()
        };
        let found = match object_store::ObjectStore::get_opts(&self.at.store, &self.at.key, options).await {
            // It was there.
            Err(object_store::Error::NotFound { .. }) => return Err(faults::changed()),
            found => found.map_err(|error| faults::of_system(&error))?,
        };
        // Not every store heeds the condition.
        if found.meta.size != self.bytes || self.tag.is_some() && found.meta.e_tag != self.tag {
            return Err(faults::changed());
        }
        let bytes = found.bytes().await.map_err(|error| faults::of_system(&error))?;
        let expected = wanted.end - wanted.start;
        if bytes.len() as u64 != expected {
            let said = format!("{} bytes came where {expected} were asked for", bytes.len());
            return Err(faults::fault(std::io::ErrorKind::UnexpectedEof, said));
        }
        Ok(bytes)
    }
}
