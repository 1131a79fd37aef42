//! Small values in order, each once, however many there are: what memory cannot hold lies on disk in sorted runs, which are merged.
//!
//! Runs of about one size are merged as soon as there are some of them, so that what is found many times soon lies there once, and
//! each is written a few times only.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Staging;
use super::scratch::{Chunk, Scratch};
use crate::error::{Error, Result};

/// Runs of one size that are merged.
const RUNS_MAX: usize = 8;
/// Bytes of a chunk of a run.
const CHUNK_BYTES: usize = 1 << 16;

/// What is put in order.
pub(crate) trait Item: Copy + Ord {
    /// What the first of a chunk is told by.
    const NONE: Self;

    /// Appends it, told by the one before.
    fn put(self, last: Self, out: &mut Vec<u8>);

    /// Takes one off the front; `None` where there is none.
    fn take(last: Self, bytes: &mut &[u8]) -> Option<Self>;
}

/// How many of them are held.
fn list_max<T>(memory: u64) -> usize {
    (memory / size_of::<T>() as u64).clamp(1024, 1 << 40) as usize
}

/// A set that is being filled.
#[derive(Debug)]
pub(crate) struct SortedRuns<'a, T> {
    staging: &'a Staging,
    list: Vec<T>,
    list_max: usize,
    /// Runs by how often what is in them was merged.
    tiers: Vec<Vec<Run<T>>>,
    failed: Option<Error>,
}

impl<'a, T: Item> SortedRuns<'a, T> {
    /// A set that holds `memory` bytes, but never fewer than 1,024; others go to `staging`.
    pub(crate) fn new(staging: &'a Staging, memory: u64) -> Self {
        Self { staging, list: Vec::new(), list_max: list_max::<T>(memory), tiers: Vec::new(), failed: None }
    }

    /// Adds one. What goes wrong is said by [`SortedRuns::check`] and in the end.
    #[inline]
    pub(crate) fn push(&mut self, item: T) {
        if self.list.len() == self.list_max {
            self.make_room();
        }
        self.list.push(item);
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
        self.list.iter().try_for_each(|&item| writer.push(item))?;
        let (mut run, mut tier) = (writer.finish()?, 0);
        loop {
            if self.tiers.len() == tier {
                self.tiers.push(Vec::new());
            }
            self.tiers[tier].push(run);
            if self.tiers[tier].len() < RUNS_MAX {
                return Ok(());
            }
            run = merged::<T>(self.staging, &std::mem::take(&mut self.tiers[tier]))?;
            tier += 1;
        }
    }

    /// All, each once.
    pub(crate) fn finish(mut self) -> Result<Sorted<T>> {
        self.check()?;
        self.sort();
        if self.tiers.is_empty() {
            return Ok(Sorted::Held(self.list));
        }
        self.spill()?;
        self.list = Vec::new();
        let runs: Vec<Run<T>> = self.tiers.into_iter().flatten().collect();
        Ok(Sorted::OnDisk(merged::<T>(self.staging, &runs)?))
    }
}

/// What comes in ascending order: held as long as it is little.
#[derive(Debug)]
pub(crate) struct Ascending<'a, T> {
    staging: &'a Staging,
    list: Vec<T>,
    list_max: usize,
    writer: Option<RunWriter<T>>,
}

impl<'a, T: Item> Ascending<'a, T> {
    /// A list that holds `memory` bytes, but never fewer than 1,024; longer ones go to `staging`.
    pub(crate) fn new(staging: &'a Staging, memory: u64) -> Self {
        Self { staging, list: Vec::new(), list_max: list_max::<T>(memory), writer: None }
    }

    /// Adds the next one.
    pub(crate) fn push(&mut self, item: T) -> Result<()> {
        if let Some(writer) = &mut self.writer {
            return writer.push(item);
        }
        self.list.push(item);
        if self.list.len() < self.list_max {
            return Ok(());
        }
        let writer = self.writer.insert(RunWriter::new(self.staging)?);
        std::mem::take(&mut self.list).into_iter().try_for_each(|item| writer.push(item))
    }

    /// All of them.
    pub(crate) fn finish(self) -> Result<Sorted<T>> {
        self.writer.map_or(Ok(Sorted::Held(self.list)), |writer| Ok(Sorted::OnDisk(writer.finish()?)))
    }
}

/// In ascending order, each once.
#[derive(Debug)]
pub(crate) enum Sorted<T> {
    Held(Vec<T>),
    OnDisk(Run<T>),
}

impl<T: Item> Sorted<T> {
    /// Is there none?
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Held(list) => list.is_empty(),
            Self::OnDisk(run) => run.chunks.is_empty(),
        }
    }

    /// Calls `visit` with each, in order.
    pub(crate) fn each(&self, visit: &mut dyn FnMut(T) -> Result<()>) -> Result<()> {
        let mut reader = self.reader();
        while let Some(item) = reader.next()? {
            visit(item)?;
        }
        Ok(())
    }

    /// Calls `visit` with each from the first that `is_before` is false of, as long as it gives true; it is true of the first ones only.
    pub(crate) fn each_from(&self, is_before: &dyn Fn(&T) -> bool, visit: &mut dyn FnMut(T) -> bool) -> Result<()> {
        let mut reader = match self {
            Self::Held(list) => Reader::Held(list[list.partition_point(is_before)..].iter()),
            Self::OnDisk(run) => Reader::OnDisk(RunReader::from_chunk(run, run.firsts.partition_point(is_before).saturating_sub(1))),
        };
        while let Some(item) = reader.next()? {
            if !is_before(&item) && !visit(item) {
                break;
            }
        }
        Ok(())
    }

    /// Reads them one by one.
    pub(crate) fn reader(&self) -> Reader<'_, T> {
        match self {
            Self::Held(list) => Reader::Held(list.iter()),
            Self::OnDisk(run) => Reader::OnDisk(RunReader::new(run)),
        }
    }
}

/// Where somebody reads.
pub(crate) enum Reader<'r, T> {
    Held(std::slice::Iter<'r, T>),
    OnDisk(RunReader<'r, T>),
}

impl<T: Item> Reader<'_, T> {
    /// The next one, if there is one.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<T>> {
        match self {
            Self::Held(list) => Ok(list.next().copied()),
            Self::OnDisk(reader) => reader.next(),
        }
    }
}

/// A sorted run on disk.
#[derive(Debug)]
pub(crate) struct Run<T> {
    scratch: Scratch,
    chunks: Vec<Chunk>,
    /// The first of each chunk.
    firsts: Vec<T>,
}

#[derive(Debug)]
struct RunWriter<T> {
    run: Run<T>,
    buffer: Vec<u8>,
    last: T,
}

impl<T: Item> RunWriter<T> {
    fn new(staging: &Staging) -> Result<Self> {
        Ok(Self {
            run: Run { scratch: Scratch::new(staging, "sorted")?, chunks: Vec::new(), firsts: Vec::new() },
            buffer: Vec::new(),
            last: T::NONE,
        })
    }

    fn push(&mut self, item: T) -> Result<()> {
        if self.buffer.is_empty() {
            self.run.firsts.push(item);
        }
        item.put(self.last, &mut self.buffer);
        self.last = item;
        if self.buffer.len() < CHUNK_BYTES { Ok(()) } else { self.end_chunk() }
    }

    fn end_chunk(&mut self) -> Result<()> {
        self.run.chunks.push(self.run.scratch.append(&self.buffer)?);
        self.buffer.clear();
        self.last = T::NONE;
        Ok(())
    }

    fn finish(mut self) -> Result<Run<T>> {
        if !self.buffer.is_empty() {
            self.end_chunk()?;
        }
        Ok(self.run)
    }
}

pub(crate) struct RunReader<'r, T> {
    run: &'r Run<T>,
    chunks: std::slice::Iter<'r, Chunk>,
    buffer: Vec<u8>,
    at: usize,
    last: T,
}

impl<'r, T: Item> RunReader<'r, T> {
    fn new(run: &'r Run<T>) -> Self {
        Self::from_chunk(run, 0)
    }

    fn from_chunk(run: &'r Run<T>, chunk: usize) -> Self {
        Self { run, chunks: run.chunks[chunk..].iter(), buffer: Vec::new(), at: 0, last: T::NONE }
    }

    fn next(&mut self) -> Result<Option<T>> {
        while self.at == self.buffer.len() {
            let Some(&chunk) = self.chunks.next() else { return Ok(None) };
            self.run.scratch.read(chunk, &mut self.buffer)?;
            (self.at, self.last) = (0, T::NONE);
        }
        let mut bytes = &self.buffer[self.at..];
        let item = T::take(self.last, &mut bytes).ok_or_else(|| self.run.scratch.damaged())?;
        self.at = self.buffer.len() - bytes.len();
        self.last = item;
        Ok(Some(item))
    }
}

/// One run of several, without what they repeat.
fn merged<T: Item>(staging: &Staging, runs: &[Run<T>]) -> Result<Run<T>> {
    let mut writer = RunWriter::<T>::new(staging)?;
    let mut readers: Vec<RunReader<'_, T>> = runs.iter().map(RunReader::new).collect();
    let mut heap = BinaryHeap::new();
    for (number, reader) in readers.iter_mut().enumerate() {
        heap.extend(reader.next()?.map(|item| Reverse((item, number))));
    }
    let mut last = None;
    while let Some(Reverse((item, number))) = heap.pop() {
        if last.replace(item) != Some(item) {
            writer.push(item)?;
        }
        heap.extend(readers[number].next()?.map(|item| Reverse((item, number))));
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::io::{put_number, take_number};

    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    struct Pair {
        first: u64,
        second: u64,
    }

    impl Item for Pair {
        const NONE: Self = Self { first: 0, second: 0 };

        fn put(self, last: Self, out: &mut Vec<u8>) {
            put_number(out, self.first - last.first);
            put_number(out, self.second);
        }

        fn take(last: Self, bytes: &mut &[u8]) -> Option<Self> {
            Some(Self { first: last.first.checked_add(take_number(bytes)?)?, second: take_number(bytes)? })
        }
    }

    fn collected<T: Item>(all: &Sorted<T>) -> Vec<T> {
        let mut list = Vec::new();
        all.each(&mut |item| {
            list.push(item);
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
            let mut runs = SortedRuns { list_max, ..SortedRuns::new(&staging, 0) };
            let mut copy = Ascending { list_max, ..Ascending::new(&staging, 0) };
            for &pair in &pairs {
                runs.push(pair);
            }
            let sorted = runs.finish().unwrap();
            let expected: Vec<Pair> = pairs.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
            prop_assert_eq!(collected(&sorted), expected.clone());
            sorted.each(&mut |pair| copy.push(pair)).unwrap();
            let copy = copy.finish().unwrap();
            prop_assert_eq!(collected(&copy), expected.clone());
            for first in [0, 1, 44 * stride, 89 * stride, 90 * stride] {
                for all in [&sorted, &copy] {
                    let mut some = Vec::new();
                    all.each_from(&|pair| pair.first < first, &mut |pair| {
                        some.push(pair);
                        some.len() < 5
                    }).unwrap();
                    let wanted = expected.iter().copied().filter(|pair| pair.first >= first).take(5).collect::<Vec<_>>();
                    prop_assert_eq!(some, wanted);
                }
            }
            drop((sorted, copy));
            prop_assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_disk_that_fails_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::new(dir.path().join("tmp")).unwrap();
        let mut runs = SortedRuns { list_max: 4, ..SortedRuns::new(&staging, 0) };
        std::fs::remove_dir(dir.path().join("tmp")).unwrap();
        for second in 1..21 {
            runs.push(Pair { first: 0, second });
        }
        assert!(matches!(runs.check(), Err(Error::Io { .. })));
    }
}
