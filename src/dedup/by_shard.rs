//! What was found of the documents of a corpus, to be read again work shard by work shard.

use std::marker::PhantomData;

use crate::dedup::ordinal::shard_of;
use crate::error::Result;
use crate::io::{Chunk, Item, Scratch, Sorted, Staging};

/// Bytes of a chunk: what is read at once.
const CHUNK_BYTES: usize = 1 << 16;

/// What is said of a document.
pub(crate) trait OfDocument: Item {
    /// The document.
    fn ordinal(&self) -> u64;
}

/// All in order, by work shard.
#[derive(Debug)]
pub(crate) struct ByShard<T> {
    scratch: Scratch,
    /// Of each work shard that has something, one or more.
    chunks: Vec<(u64, Chunk)>,
    of: PhantomData<T>,
}

impl<T: OfDocument> ByShard<T> {
    /// Puts them aside.
    pub(crate) fn new(staging: &Staging, name: &str, all: &Sorted<T>) -> Result<Self> {
        let mut aside = Self { scratch: Scratch::new(staging, name)?, chunks: Vec::new(), of: PhantomData };
        let (mut open, mut last, mut buffer) = (0, T::NONE, Vec::new());
        all.each(&mut |item| {
            let shard = shard_of(item.ordinal());
            if shard != open || buffer.len() >= CHUNK_BYTES {
                aside.end_chunk(open, &mut buffer)?;
                (open, last) = (shard, T::NONE);
            }
            item.put(std::mem::replace(&mut last, item), &mut buffer);
            Ok(())
        })?;
        aside.end_chunk(open, &mut buffer)?;
        Ok(aside)
    }

    fn end_chunk(&mut self, shard: u64, buffer: &mut Vec<u8>) -> Result<()> {
        if !buffer.is_empty() {
            self.chunks.push((shard, self.scratch.append(buffer)?));
            buffer.clear();
        }
        Ok(())
    }

    /// Calls `visit` with those of a work shard, in order.
    pub(crate) fn each(&self, shard: u64, visit: &mut dyn FnMut(T) -> Result<()>) -> Result<()> {
        let first = self.chunks.partition_point(|(other, _)| *other < shard);
        let mut buffer = Vec::new();
        for (_, chunk) in self.chunks[first..].iter().take_while(|(other, _)| *other == shard) {
            self.scratch.read(*chunk, &mut buffer)?;
            let (mut rest, mut last) = (buffer.as_slice(), T::NONE);
            while !rest.is_empty() {
                last = T::take(last, &mut rest).ok_or_else(|| self.scratch.damaged())?;
                visit(last)?;
            }
        }
        Ok(())
    }

    /// The work shards that have some, ascending.
    pub(crate) fn shards(&self) -> impl Iterator<Item = u64> + '_ {
        self.chunks.chunk_by(|a, b| a.0 == b.0).filter_map(|of_shard| Some(of_shard.first()?.0))
    }
}
