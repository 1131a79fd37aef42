//! The texts of candidates, put aside in the order of the corpus, so that each is decompressed once and found again by its ordinal.

use crate::dedup::marks::Marks;
use crate::error::{Error, Result};
use crate::io::{Chunk, Scratch, Staging, put_number, take_number};
use crate::stage::{ParallelFor, in_parallel};

/// Bytes of texts of a chunk: what is read for one of them.
const CHUNK_BYTES: usize = 1 << 12;

/// Loads texts: calls the visitor with ordinal and text for each of the ordinals, in their order. The ordinals are ascending and all
/// of one work shard. Called from several threads at once, for different work shards.
pub type Texts<'a> = dyn Fn(&[u64], &mut dyn FnMut(u64, &str) -> Result<()>) -> Result<()> + Sync + 'a;

/// The same for the bytes of texts, or of what stands for them.
pub type Bytes<'a> = dyn Fn(&[u64], &mut dyn FnMut(u64, &[u8]) -> Result<()>) -> Result<()> + Sync + 'a;

/// Texts by ordinal.
#[derive(Debug)]
pub(crate) struct TextStore {
    scratch: Scratch,
    /// The first document of each chunk.
    chunks: Vec<(u64, Chunk)>,
}

impl TextStore {
    /// Puts the texts of some documents aside.
    pub(crate) fn new(staging: &Staging, wanted: &Marks, texts: &Bytes<'_>, parallel: &ParallelFor<'_>) -> Result<Self> {
        let scratch = Scratch::new(staging, "texts")?;
        let chunks = in_parallel(parallel, wanted.shards(), &|shard| {
            let wanted = wanted.of_shard(shard);
            let mut open = Open { scratch: &scratch, first: 0, buffer: Vec::new(), chunks: Vec::new() };
            let mut expected = wanted.iter();
            if !wanted.is_empty() {
                texts(&wanted, &mut |ordinal, text| {
                    if expected.next() != Some(&ordinal) {
                        return Err(Error::internal(format!("document {ordinal} was loaded out of turn")));
                    }
                    open.push(ordinal, text)
                })?;
            }
            if expected.next().is_some() {
                return Err(Error::internal("documents were not loaded"));
            }
            open.end_chunk()?;
            Ok(open.chunks)
        })?;
        Ok(Self { scratch, chunks: chunks.into_iter().flatten().collect() })
    }

    /// Calls `visit` with the texts of documents of the store, in the order in which they are named; ascending ordinals are read fastest.
    pub(crate) fn each(&self, ordinals: impl IntoIterator<Item = u64>, visit: &mut dyn FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
        let (mut buffer, mut held, mut at, mut last) = (Vec::new(), None, 0, 0);
        for wanted in ordinals {
            if std::mem::replace(&mut last, wanted) > wanted {
                at = 0;
            }
            let chunk = self.chunks.partition_point(|chunk| chunk.0 <= wanted).checked_sub(1);
            let number = chunk.ok_or_else(|| Error::internal(format!("the text of document {wanted} was not put aside")))?;
            let (first, chunk) = self.chunks[number];
            if held != Some(number) {
                self.scratch.read(chunk, &mut buffer)?;
                (held, at) = (Some(number), 0);
            }
            loop {
                let mut rest = &buffer[at..];
                let (ordinal, text) = take_text(&mut rest, first).ok_or_else(|| self.scratch.damaged())?;
                if ordinal == wanted {
                    visit(wanted, text)?;
                    break;
                }
                at = buffer.len() - rest.len();
            }
        }
        Ok(())
    }
}

fn take_text<'b>(bytes: &mut &'b [u8], first: u64) -> Option<(u64, &'b [u8])> {
    let ordinal = first.checked_add(take_number(bytes)?)?;
    let length = usize::try_from(take_number(bytes)?).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some((ordinal, text))
}

/// A chunk that is being filled.
struct Open<'s> {
    scratch: &'s Scratch,
    first: u64,
    buffer: Vec<u8>,
    chunks: Vec<(u64, Chunk)>,
}

impl Open<'_> {
    fn push(&mut self, ordinal: u64, text: &[u8]) -> Result<()> {
        if self.buffer.is_empty() {
            self.first = ordinal;
        }
        put_number(&mut self.buffer, ordinal - self.first);
        put_number(&mut self.buffer, text.len() as u64);
        self.buffer.extend_from_slice(text);
        if self.buffer.len() < CHUNK_BYTES { Ok(()) } else { self.end_chunk() }
    }

    fn end_chunk(&mut self) -> Result<()> {
        if !self.buffer.is_empty() {
            self.chunks.push((self.first, self.scratch.append(&self.buffer)?));
            self.buffer.clear();
            self.buffer.shrink_to(2 * CHUNK_BYTES);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dedup::ordinal::{ordinal, row_of, shard_of};
    use crate::stage::sequential;

    #[test]
    fn every_text_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::new(dir.path()).unwrap();
        let text = |ordinal: u64| "米".repeat((row_of(ordinal) as usize * 37 + shard_of(ordinal) as usize) % 900);
        let mut marks = Marks::default();
        let all: Vec<u64> = [0, 3, 4]
            .into_iter()
            .flat_map(|shard| (0..500).filter(move |row| row % 3 != shard % 3).map(move |row| ordinal(shard.into(), row)))
            .collect();
        all.iter().rev().for_each(|&ordinal| marks.set(ordinal));
        let texts =
            |wanted: &[u64], give: &mut dyn FnMut(u64, &[u8]) -> Result<()>| wanted.iter().try_for_each(|&o| give(o, text(o).as_bytes()));
        let store = TextStore::new(&staging, &marks, &texts, &sequential).unwrap();
        for (step, turned) in [(1, 0), (2, 0), (50, 0), (700, 0), (1, 500), (3, 77)] {
            let mut wanted: Vec<u64> = all.iter().copied().step_by(step).collect();
            wanted.rotate_left(turned);
            let mut found = Vec::new();
            store
                .each(wanted.iter().copied(), &mut |ordinal, read| {
                    assert_eq!(read, text(ordinal).as_bytes());
                    found.push(ordinal);
                    Ok(())
                })
                .unwrap();
            assert_eq!(found, wanted);
        }
        assert!(store.each([ordinal(0, 0)], &mut |_, _| Ok(())).is_err());
        assert!(TextStore::new(&staging, &marks, &|_, _| Ok(()), &sequential).is_err());
    }
}
