//! What a step puts aside on disk and reads again, because it is more than the step's share of memory.
//!
//! A scratch file has no final name and goes with its owner. Every chunk is checked when it is read: what a disk has changed in between is
//! an error, never another result.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Staging;
use super::place::Place;
use crate::error::{Error, Result};

/// Bytes of a chunk at least: smaller ones would be written one by one for nothing.
const CHUNK_BYTES_MIN: usize = 1 << 12;
/// Bytes of a chunk at most, unless one record is longer.
const CHUNK_BYTES_MAX: usize = 1 << 18;

/// A file that any number of threads append chunks to, and read them from.
#[derive(Debug)]
pub struct Scratch {
    place: Place,
    file: File,
    end: AtomicU64,
}

/// Where a chunk stands in its file.
#[derive(Debug, Clone, Copy)]
pub struct Chunk {
    offset: u64,
    bytes: u64,
    checksum: u64,
}

impl Scratch {
    /// An empty file in `staging`; another one of that name gets a number.
    pub fn new(staging: &Staging, name: &str) -> Result<Self> {
        let (file, place) = staging.unused(name, |place| super::create_new(place, false))?;
        Ok(Self { place, file, end: AtomicU64::new(0) })
    }

    /// Appends a chunk.
    pub fn append(&self, bytes: &[u8]) -> Result<Chunk> {
        let offset = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.file.write_all_at(bytes, offset).map_err(|e| self.place.failed("write", e))?;
        Ok(Chunk { offset, bytes: bytes.len() as u64, checksum: checksum(bytes) })
    }

    /// Reads a chunk; `buffer` holds it afterwards, and nothing else.
    pub fn read(&self, chunk: Chunk, buffer: &mut Vec<u8>) -> Result<()> {
        buffer.resize(usize::try_from(chunk.bytes).unwrap_or(usize::MAX), 0);
        self.file.read_exact_at(buffer, chunk.offset).map_err(|e| self.place.failed("read", e))?;
        if checksum(buffer) == chunk.checksum { Ok(()) } else { Err(self.damaged()) }
    }

    /// Gives the disk of a chunk back, where the file system can: nobody reads it again.
    fn release(&self, chunk: Chunk) {
        use rustix::fs::{FallocateFlags, fallocate};
        // Best effort: the whole file goes with its owner.
        let _ = fallocate(&self.file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, chunk.offset, chunk.bytes);
    }

    /// The error for what is not what was written.
    pub fn damaged(&self) -> Error {
        Error::damaged(&self.place, "does not hold what was written to it; is the disk sound?")
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.end.load(Ordering::Relaxed)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is in a directory of unfinished files.
        let _ = self.place.remove_file();
        super::unfinished::forget(&self.place);
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    blake3::hash(bytes).as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

/// Records in numbered buckets, each of which is read again by itself, in the order in which its records were put into it.
#[derive(Debug)]
pub struct Buckets {
    scratch: Scratch,
    all: Vec<Mutex<Bucket>>,
    chunk_bytes: usize,
}

#[derive(Debug, Default)]
struct Bucket {
    /// Records that are not on disk yet.
    open: Vec<u8>,
    chunks: Vec<Chunk>,
}

impl Buckets {
    /// So many empty buckets, with `memory` bytes for what is not on disk yet (at least 4 KiB each).
    pub fn new(staging: &Staging, name: &str, buckets: usize, memory: u64) -> Result<Self> {
        let share = usize::try_from(memory).unwrap_or(usize::MAX) / buckets.max(1);
        let chunk_bytes = share.clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX);
        let all = (0..buckets).map(|_| Mutex::default()).collect();
        Ok(Self { scratch: Scratch::new(staging, name)?, all, chunk_bytes })
    }

    /// How many buckets there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// Puts a record into a bucket: what `record` appends.
    pub fn put(&self, bucket: usize, record: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        let mut bucket = self.bucket(bucket)?;
        if bucket.open.capacity() == 0 {
            bucket.open.reserve_exact(self.chunk_bytes + self.chunk_bytes / 8);
        }
        record(&mut bucket.open);
        if bucket.open.len() >= self.chunk_bytes {
            let chunk = self.scratch.append(&bucket.open)?;
            bucket.chunks.push(chunk);
            bucket.open.clear();
            // A long record does not stay in memory behind those that follow.
            bucket.open.shrink_to(2 * self.chunk_bytes);
        }
        Ok(())
    }

    /// Calls `visit` with all records of a bucket, some whole ones at a time.
    pub fn each(&self, bucket: usize, visit: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let bucket = self.bucket(bucket)?;
        let mut buffer = Vec::new();
        for &chunk in &bucket.chunks {
            self.scratch.read(chunk, &mut buffer)?;
            visit(&buffer)?;
        }
        if bucket.open.is_empty() { Ok(()) } else { visit(&bucket.open) }
    }

    /// Empties a bucket, and gives back what it takes.
    pub fn clear(&self, bucket: usize) -> Result<()> {
        let emptied = std::mem::take(&mut *self.bucket(bucket)?);
        for chunk in emptied.chunks {
            self.scratch.release(chunk);
        }
        Ok(())
    }

    /// The error for a record that cannot be read.
    pub fn damaged(&self) -> Error {
        self.scratch.damaged()
    }

    fn bucket(&self, bucket: usize) -> Result<std::sync::MutexGuard<'_, Bucket>> {
        // A record is appended whole before anything can panic.
        let bucket = self.all.get(bucket).ok_or_else(|| Error::internal(format!("no bucket {bucket}")))?;
        Ok(bucket.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Appends a number in as few bytes as hold it: seven bits a byte, the lowest first.
#[inline]
pub fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number off the front; `None` where there is none.
#[inline]
pub fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn buckets_give_back_what_they_got_in_order(
            records in prop::collection::vec((0_usize..5, 0_u64..u64::MAX, 0_usize..9_000), 0..60),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let buckets = Buckets::new(&Staging::new(dir.path()).unwrap(), "records", 5, 0).unwrap();
            for &(bucket, number, zeros) in &records {
                buckets.put(bucket, |out| {
                    put_number(out, number);
                    put_number(out, zeros as u64);
                    out.resize(out.len() + zeros, 0);
                }).unwrap();
            }
            for bucket in 0..5 {
                let mut found = Vec::new();
                buckets.each(bucket, &mut |mut bytes| {
                    while !bytes.is_empty() {
                        let (number, zeros) = (take_number(&mut bytes).unwrap(), take_number(&mut bytes).unwrap() as usize);
                        bytes = &bytes[zeros..];
                        found.push((bucket, number, zeros));
                    }
                    Ok(())
                }).unwrap();
                let wanted: Vec<_> = records.iter().copied().filter(|record| record.0 == bucket).collect();
                prop_assert_eq!(found, wanted);
            }
            drop(buckets);
            prop_assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn what_the_disk_changed_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(&Staging::new(dir.path()).unwrap(), "s").unwrap();
        let chunks = [scratch.append(&[7; 1000]).unwrap(), scratch.append(&[8; 1000]).unwrap()];
        scratch.file.write_all_at(&[9], 1500).unwrap();
        let mut buffer = Vec::new();
        scratch.read(chunks[0], &mut buffer).unwrap();
        assert_eq!((buffer, scratch.bytes()), (vec![7; 1000], 2000));
        assert!(matches!(scratch.read(chunks[1], &mut Vec::new()), Err(Error::Damaged { .. })));
        scratch.file.set_len(500).unwrap();
        assert!(scratch.read(chunks[0], &mut Vec::new()).is_err());
    }

    #[test]
    fn an_emptied_bucket_leaves_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let buckets = Buckets::new(&Staging::new(dir.path()).unwrap(), "b", 2, 0).unwrap();
        for i in 0..100 {
            buckets.put(i % 2, |out| out.extend([i as u8; 5_000])).unwrap();
        }
        buckets.clear(0).unwrap();
        let mut found = Vec::new();
        for bucket in 0..2 {
            buckets
                .each(bucket, &mut |bytes| {
                    found.extend(bytes.iter().copied().step_by(5_000));
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(found, (0..100).filter(|i| i % 2 == 1).collect::<Vec<u8>>());
    }

    #[test]
    fn a_number_that_is_cut_is_none() {
        let mut bytes = Vec::new();
        put_number(&mut bytes, u64::MAX);
        assert_eq!(take_number(&mut bytes.as_slice()), Some(u64::MAX));
        assert_eq!(take_number(&mut &bytes[..5]), None);
        assert_eq!(take_number(&mut [0xff; 20].as_slice()), None);
    }
}
