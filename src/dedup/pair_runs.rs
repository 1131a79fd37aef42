//! Candidate pairs in order, however many there are: what memory cannot hold lies on disk in sorted runs, which are merged.
//!
//! Runs of about one size are merged as soon as there are some of them, so that a pair that is found many times soon lies there once, and
//! each is written a few times only.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::dedup::candidates::Pair;
use crate::error::{Error, Result};
use crate::io::{Chunk, Scratch, Staging, put_number, take_number};

/// Runs of one size that are merged.
const RUNS_MAX: usize = 8;
/// Bytes of a chunk of a run.
const CHUNK_BYTES: usize = 1 << 16;

/// A set of pairs that is being filled.
#[derive(Debug)]
pub(crate) struct PairRuns<'a> {
    staging: &'a Staging,
    list: Vec<Pair>,
    list_max: usize,
    /// Runs by how often their pairs were merged.
    tiers: Vec<Vec<Run>>,
    failed: Option<Error>,
}

impl<'a> PairRuns<'a> {
    /// A set that holds `memory` bytes of pairs, but never fewer than 1,024; others go to `staging`.
    pub(crate) fn new(staging: &'a Staging, memory: u64) -> Self {
        let list_max = (memory / size_of::<Pair>() as u64).clamp(1024, 1 << 40) as usize;
        Self { staging, list: Vec::new(), list_max, tiers: Vec::new(), failed: None }
    }

    /// Adds a pair. What goes wrong is said by [`PairRuns::check`] and in the end.
    #[inline]
    pub(crate) fn push(&mut self, pair: Pair) {
        if self.list.len() == self.list_max {
            self.make_room();
        }
        self.list.push(pair);
    }

    #[cold]
    fn make_room(&mut self) {
        self.sort();
        // Sorting again and again for little room would take longer than writing.
        if self.list.len() > self.list_max / 2 {
            let spilled = if self.failed.is_none() { self.spill() } else { Ok(()) };
            self.failed = self.failed.take().or(spilled.err());
            self.list.clear();
        }
    }

    fn sort(&mut self) {
        self.list.sort_unstable();
        self.list.dedup();
    }

    /// The error that has happened, if one has.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Writes the sorted list as a run, and merges runs of a size that are many.
    fn spill(&mut self) -> Result<()> {
        let mut writer = RunWriter::new(self.staging)?;
        self.list.iter().try_for_each(|&pair| writer.push(pair))?;
        let (mut run, mut tier) = (writer.finish()?, 0);
        loop {
            if self.tiers.len() == tier {
                self.tiers.push(Vec::new());
            }
            self.tiers[tier].push(run);
            if self.tiers[tier].len() < RUNS_MAX {
                return Ok(());
            }
            run = merged(self.staging, &std::mem::take(&mut self.tiers[tier]))?;
            tier += 1;
        }
    }

    /// All pairs, each once.
    pub(crate) fn finish(mut self) -> Result<SortedPairs> {
        self.check()?;
        self.sort();
        if self.tiers.is_empty() {
            return Ok(SortedPairs::Held(self.list));
        }
        self.spill()?;
        self.list = Vec::new();
        let runs: Vec<Run> = self.tiers.into_iter().flatten().collect();
        Ok(SortedPairs::OnDisk(merged(self.staging, &runs)?))
    }
}

/// Pairs in ascending order, each once.
#[derive(Debug)]
pub(crate) enum SortedPairs {
    Held(Vec<Pair>),
    OnDisk(Run),
}

impl SortedPairs {
    /// Calls `visit` with each, in order.
    pub(crate) fn each(&self, visit: &mut dyn FnMut(Pair) -> Result<()>) -> Result<()> {
        match self {
            Self::Held(list) => list.iter().try_for_each(|&pair| visit(pair)),
            Self::OnDisk(run) => {
                let mut reader = RunReader::new(run);
                while let Some(pair) = reader.next()? {
                    visit(pair)?;
                }
                Ok(())
            }
        }
    }
}

/// Sorted pairs on disk.
#[derive(Debug)]
pub(crate) struct Run {
    scratch: Scratch,
    chunks: Vec<Chunk>,
}

struct RunWriter {
    run: Run,
    buffer: Vec<u8>,
    last: Pair,
}

/// What the first pair of a chunk is told by.
const NONE: Pair = Pair { first: 0, second: 0 };

impl RunWriter {
    fn new(staging: &Staging) -> Result<Self> {
        Ok(Self { run: Run { scratch: Scratch::new(staging, "pairs")?, chunks: Vec::new() }, buffer: Vec::new(), last: NONE })
    }

    fn push(&mut self, pair: Pair) -> Result<()> {
        put_number(&mut self.buffer, pair.first - self.last.first);
        let base = if pair.first == self.last.first { self.last.second } else { pair.first };
        put_number(&mut self.buffer, pair.second - base);
        self.last = pair;
        if self.buffer.len() < CHUNK_BYTES { Ok(()) } else { self.end_chunk() }
    }

    fn end_chunk(&mut self) -> Result<()> {
        self.run.chunks.push(self.run.scratch.append(&self.buffer)?);
        self.buffer.clear();
        self.last = NONE;
        Ok(())
    }

    fn finish(mut self) -> Result<Run> {
        self.end_chunk()?;
        Ok(self.run)
    }
}

struct RunReader<'r> {
    run: &'r Run,
    chunks: std::slice::Iter<'r, Chunk>,
    buffer: Vec<u8>,
    at: usize,
    last: Pair,
}

impl<'r> RunReader<'r> {
    fn new(run: &'r Run) -> Self {
        Self { run, chunks: run.chunks.iter(), buffer: Vec::new(), at: 0, last: NONE }
    }

    fn next(&mut self) -> Result<Option<Pair>> {
        while self.at == self.buffer.len() {
            let Some(&chunk) = self.chunks.next() else { return Ok(None) };
            self.run.scratch.read(chunk, &mut self.buffer)?;
            (self.at, self.last) = (0, NONE);
        }
        let mut bytes = &self.buffer[self.at..];
        let pair = self.take(&mut bytes).ok_or_else(|| self.run.scratch.damaged())?;
        self.at = self.buffer.len() - bytes.len();
        self.last = pair;
        Ok(Some(pair))
    }

    fn take(&self, bytes: &mut &[u8]) -> Option<Pair> {
        let first = self.last.first.checked_add(take_number(bytes)?)?;
        let base = if first == self.last.first { self.last.second } else { first };
        Some(Pair { first, second: base.checked_add(take_number(bytes)?)? })
    }
}

/// One run of several, without what they repeat.
fn merged(staging: &Staging, runs: &[Run]) -> Result<Run> {
    let mut writer = RunWriter::new(staging)?;
    let mut readers: Vec<RunReader<'_>> = runs.iter().map(RunReader::new).collect();
    let mut heap = BinaryHeap::new();
    for (number, reader) in readers.iter_mut().enumerate() {
        heap.extend(reader.next()?.map(|pair| Reverse((pair, number))));
    }
    let mut last = None;
    while let Some(Reverse((pair, number))) = heap.pop() {
        if last.replace(pair) != Some(pair) {
            writer.push(pair)?;
        }
        heap.extend(readers[number].next()?.map(|pair| Reverse((pair, number))));
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn collected(pairs: &SortedPairs) -> Vec<Pair> {
        let mut list = Vec::new();
        pairs
            .each(&mut |pair| {
                list.push(pair);
                Ok(())
            })
            .unwrap();
        list
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn runs_on_disk_are_the_set_in_memory(
            some in prop::collection::vec((0_u64..90, 0_u64..90), 0..4_000), stride in 1_u64..1 << 40, list_max in 2_usize..300,
        ) {
            let dir = tempfile::tempdir().unwrap();
            let staging = Staging::new(dir.path()).unwrap();
            let pairs: Vec<Pair> = some.iter().map(|(a, b)| Pair { first: a * stride, second: (a + b + 1) * stride }).collect();
            let mut runs = PairRuns { list_max, ..PairRuns::new(&staging, 0) };
            for &pair in &pairs {
                runs.push(pair);
            }
            let sorted = runs.finish().unwrap();
            prop_assert_eq!(collected(&sorted), pairs.into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>());
            drop(sorted);
            prop_assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_disk_that_fails_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::new(dir.path().join("tmp")).unwrap();
        let mut runs = PairRuns { list_max: 4, ..PairRuns::new(&staging, 0) };
        std::fs::remove_dir(dir.path().join("tmp")).unwrap();
        for second in 1..21 {
            runs.push(Pair { first: 0, second });
        }
        assert!(matches!(runs.check(), Err(Error::Io { .. })));
    }
}
