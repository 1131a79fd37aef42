//! What is sent to a store: each object whole or not at all, with the hash of its bytes beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use object_store::path::Path as Key;
use object_store::{
    Attribute, AttributeValue, Attributes, GetOptions, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions,
    PutOptions, PutPayload,
};
use tokio::task::JoinSet;

use super::faults;
use super::stores::{self, At};
use crate::error::{Error, Result};
use crate::io::finished::open_file;
use crate::io::input::Input;
use crate::io::objects::{RANGE, Sent};
use crate::io::place::Place;

/// Bytes of a part of a large object. Stores take at least 5 MiB, and at most 10,000 parts.
const PART: u64 = 2 * RANGE;
const PARTS_MAX: u64 = 9_000;
/// Parts that are on their way at once.
const AT_ONCE: usize = 4;
/// Under which name the hash of an object stands beside it. Letters and digits only: no store refuses them.
const HASH: &str = "blake3";

/// A place in a store below which objects are sent.
#[derive(Debug, Clone)]
pub struct Prefix {
    name: PathBuf,
    at: At,
}

impl Prefix {
    /// The place of this name. Nothing is asked yet.
    ///
    /// # Errors
    /// Refused: no such name, or the environment does not say how the store is reached.
    pub fn open(name: &Path) -> Result<Self> {
        Ok(Self { name: name.to_path_buf(), at: stores::resolve(name)? })
    }

    /// The name of an object below it.
    pub fn name_of(&self, path: &str) -> PathBuf {
        self.name.join(path)
    }

    fn key(&self, path: &str) -> Key {
        path.split('/').fold(self.at.key.clone(), |key, part| key.join(part))
    }

    /// What lies below it, by path: bytes of each.
    ///
    /// # Errors
    /// Refused: the store refuses. Those of the store.
    pub fn list(&self) -> Result<BTreeMap<String, u64>> {
        let listed = self.at.list().map_err(|error| faults::refusal(&self.name, "list", error))?;
        let path = |meta: &ObjectMeta| {
            let parts = meta.location.prefix_match(&self.at.key)?;
            Some(parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"))
        };
        // An empty object of the name itself stands for the place.
        Ok(listed.iter().filter_map(|meta| Some((path(meta)?, meta.size))).filter(|(path, _)| !path.is_empty()).collect())
    }

    /// What is there under a name, and the hash that was sent with it.
    ///
    /// # Errors
    /// Those of the store.
    pub fn sent(&self, path: &str) -> Result<Option<Sent>> {
        let key = self.key(path);
        let head = ObjectStore::get_opts(&self.at.store, &key, GetOptions { head: true, ..GetOptions::default() });
        let found = match self.runtime()?.block_on(head) {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => found.map_err(|error| self.failed(path, "look up", &error))?,
        };
        let blake3 = found.attributes.get(&Attribute::Metadata(HASH.into())).map(|hash| hash.to_string());
        Ok(Some(Sent { bytes: found.meta.size, blake3 }))
    }

    /// Sends a finished file of so many bytes and this hash. It has its name when all of it is there, and not before; what is there under the name
    /// is replaced in one step.
    ///
    /// # Errors
    /// Those of the store and of the file, which must hold these bytes; what `stop` says between parts.
    pub fn send(&self, path: &str, file: &Place, expected: &Sent, stop: &dyn Fn() -> Result<()>) -> Result<()> {
        let (key, input) = (self.key(path), Input::of_file(open_file(file)?));
        let attributes: Attributes =
            expected.blake3.iter().map(|hash| (Attribute::Metadata(HASH.into()), AttributeValue::from(hash.clone()))).collect();
        let mut reader = Reader { input, file: file.path().to_path_buf(), next: 0, hasher: blake3::Hasher::new(), expected };
        let part = PART.max(expected.bytes.div_ceil(PARTS_MAX));
        if expected.bytes <= part {
            let bytes = reader.take(expected.bytes)?;
            reader.check()?;
            let options = PutOptions { attributes, ..PutOptions::default() };
            let put = self.at.store.put_opts(&key, PutPayload::from_bytes(bytes), options);
            return self.runtime()?.block_on(put).map(|_| ()).map_err(|error| self.failed(path, "write", &error));
        }
        let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
        let begun = self.at.store.put_multipart_opts(&key, options);
        let mut upload = self.runtime()?.block_on(begun).map_err(|error| self.failed(path, "begin", &error))?;
        let sent = self.send_parts(path, upload.as_mut(), &mut reader, part, stop);
        if sent.is_err() {
            // Best effort: parts of an upload that was not completed have no name.
            let _ = self.runtime()?.block_on(upload.abort());
        }
        sent
    }

    fn send_parts(
        &self,
        path: &str,
        upload: &mut dyn MultipartUpload,
        reader: &mut Reader<'_>,
        part: u64,
        stop: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let runtime = self.runtime()?;
        let mut on_the_way = JoinSet::new();
        let await_one = |on_the_way: &mut JoinSet<object_store::Result<()>>| match runtime.block_on(on_the_way.join_next()) {
            None => Ok(false),
            Some(Ok(sent)) => sent.map(|()| true).map_err(|error| self.failed(path, "write", &error)),
            Some(Err(_)) => Err(Error::internal("a part of an upload was given up")),
        };
        while reader.next < reader.expected.bytes {
            stop()?;
            if on_the_way.len() >= AT_ONCE {
                await_one(&mut on_the_way)?;
            }
            let bytes = reader.take(part.min(reader.expected.bytes - reader.next))?;
            on_the_way.spawn_on(upload.put_part(PutPayload::from_bytes(bytes)), runtime.handle());
        }
        reader.check()?;
        while await_one(&mut on_the_way)? {}
        stop()?;
        runtime.block_on(upload.complete()).map(|_| ()).map_err(|error| self.failed(path, "complete", &error))
    }

    /// Removes an object; one that is not there is no error.
    ///
    /// # Errors
    /// Those of the store.
    pub fn remove(&self, path: &str) -> Result<()> {
        match self.runtime()?.block_on(self.at.store.delete(&self.key(path))) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(path, "remove", &error)),
        }
    }

    fn runtime(&self) -> Result<&'static tokio::runtime::Runtime> {
        stores::runtime().map_err(|error| Error::io(&self.name, "reach", error))
    }

    /// What is written to has no name of its own yet, or one that is ours: what the store says is no property of it.
    fn failed(&self, path: &str, action: &'static str, error: &object_store::Error) -> Error {
        let error = match error {
            object_store::Error::NotFound { .. } => faults::fault(std::io::ErrorKind::Other, faults::said(error)),
            error => faults::of_system(error),
        };
        Error::io(self.name_of(path), action, error)
    }
}

/// A finished file that is sent: what is read of it must be what was hashed when it was written.
struct Reader<'a> {
    input: Input,
    file: PathBuf,
    next: u64,
    hasher: blake3::Hasher,
    expected: &'a Sent,
}

impl Reader<'_> {
    fn take(&mut self, bytes: u64) -> Result<Bytes> {
        let mut buffer = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX)];
        self.input.read_exact_at(&mut buffer, self.next).map_err(|error| Error::io(&self.file, "read", error))?;
        self.next += bytes;
        self.hasher.update(&buffer);
        Ok(buffer.into())
    }

    fn check(&self) -> Result<()> {
        let hash = self.hasher.finalize().to_hex().to_string();
        let bytes = self.input.size().map_err(|error| Error::io(&self.file, "inspect", error))?;
        if bytes == self.expected.bytes && self.expected.blake3.as_ref() == Some(&hash) {
            return Ok(());
        }
        Err(Error::damaged(&self.file, "is not what the run wrote: nothing of it was sent (seimai verify lists the damage)"))
    }
}
