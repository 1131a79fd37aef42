//! Sums of counts that may be larger than memory: what does not fit lies on disk in sorted runs, which are merged row by row.
//!
//! The sum has one order (level, falling count, bytes) and one division into batches, so its bytes tell nothing of memory or threads.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::pool::Pool;
use crate::bpe::{CountRows, CountsSum, Cut, Part, VisitRow, counts_schema, counts_table};
use crate::error::{Error, Result};
use crate::io::{Place, Staging, TableReader, TableWriter, open_table, work_properties};
use crate::stage::Batch;

/// Rows of the batches of a sum.
const BATCH_ROWS: usize = 1 << 16;
/// Rows of the batches that runs are read and written in.
const RUN_ROWS: usize = 1 << 12;
/// Rows of a group in a run: a writer holds as many.
const RUN_GROUP_ROWS: usize = 1 << 14;
/// Runs that are open at the same time.
const RUNS_MAX: usize = 64;
/// Rows of a sum that are seen this often or more are put in order in memory; there are few.
const FREQUENT: u64 = 8;

/// A sum that any number of threads add to.
pub(super) struct Summing {
    staging: Staging,
    /// Bytes that the sum of a thread may hold.
    share: usize,
    idle: Mutex<Vec<CountsSum>>,
    runs: Mutex<Vec<Run>>,
    named: AtomicUsize,
}

/// A sorted table on disk that goes with its owner.
struct Run {
    place: Place,
}

impl Drop for Run {
    fn drop(&mut self) {
        // What stays is in a directory of unfinished files.
        let _ = self.place.remove_file();
    }
}

impl Summing {
    /// Nothing yet. Runs lie in `staging`.
    pub(super) fn new(staging: Staging, memory: u64, threads: usize) -> Self {
        // A table that grows holds its double and itself.
        let share = usize::try_from(memory).unwrap_or(usize::MAX) / 4 / threads.max(1);
        Self { staging, share, idle: Mutex::default(), runs: Mutex::default(), named: AtomicUsize::new(0) }
    }

    /// Lends a sum to `work`, which adds to it.
    pub(super) fn add(&self, work: impl FnOnce(&mut Adding<'_>) -> Result<()>) -> Result<()> {
        let sum = self.idle.lock().map_err(poisoned)?.pop().unwrap_or_else(|| CountsSum::new(usize::MAX));
        let mut adding = Adding { sum, summing: self };
        work(&mut adding)?;
        self.idle.lock().map_err(poisoned)?.push(adding.sum);
        Ok(())
    }

    fn writer(&self) -> Result<(TableWriter, Place)> {
        let name = format!("counts-{}-{}", std::process::id(), self.named.fetch_add(1, Ordering::Relaxed));
        let properties = work_properties().into_builder().set_max_row_group_row_count(Some(RUN_GROUP_ROWS)).build();
        Ok((TableWriter::create(&self.staging, &name, counts_schema(), properties)?, self.staging.at(format!("{name}-run"))))
    }

    /// Writes a sum to disk.
    fn spill(&self, sum: &CountsSum) -> Result<()> {
        let (mut table, place) = self.writer()?;
        sum.by_bytes(RUN_ROWS, &mut |batch| table.write(batch))?;
        let run = Run { place };
        table.commit(&run.place, String::new())?;
        self.runs.lock().map_err(poisoned)?.push(run);
        Ok(())
    }

    /// Gives the sum of everything to `sink`, batch by batch, but what was seen less than `min_count` times; and says what that was.
    pub(super) fn finish(self, min_count: u64, pool: &Pool, sink: &mut dyn FnMut(&Batch) -> Result<()>) -> Result<Cut> {
        let mut sums = std::mem::take(&mut *self.idle.lock().map_err(poisoned)?);
        let mut out = Batches::new(sink);
        if self.runs.lock().map_err(poisoned)?.is_empty() {
            let cut = of_memory(sums, min_count, pool, &mut out)?;
            out.flush()?;
            return Ok(cut);
        }
        while let Some(sum) = sums.pop() {
            self.spill(&sum)?;
        }
        let mut runs = std::mem::take(&mut *self.runs.lock().map_err(poisoned)?);
        while runs.len() > RUNS_MAX {
            let some: Vec<Run> = runs.drain(..RUNS_MAX).collect();
            let (mut table, place) = self.writer()?;
            let mut write = |batch: &Batch| table.write(batch);
            let mut out = Batches::new(&mut write);
            merge(&some, &mut |level, pre_token, count| out.push(level, pre_token, count))?;
            out.flush()?;
            let run = Run { place };
            table.commit(&run.place, String::new())?;
            runs.push(run);
        }
        let cut = self.in_order(&runs, min_count, &mut out)?;
        out.flush()?;
        Ok(cut)
    }

    /// Rows come by level and bytes. Those of one small count go to a file of their own and are in order there; the others are sorted in memory.
    fn in_order(&self, runs: &[Run], min_count: u64, out: &mut Batches<'_>) -> Result<Cut> {
        let mut cut = Cut::default();
        let mut frequent: [Vec<(Vec<u8>, u64)>; 2] = Default::default();
        let mut rare = Vec::new();
        for _ in 0..2 * FREQUENT {
            rare.push((self.writer()?, Vec::new()));
        }
        merge(runs, &mut |level, pre_token, count| {
            let of_level = usize::from(level);
            if count < min_count {
                cut.add(pre_token, count);
            } else if count >= FREQUENT {
                frequent.get_mut(of_level).ok_or_else(unknown_level)?.push((pre_token.to_vec(), count));
            } else {
                let ((table, _), rows) = rare.get_mut(of_level * FREQUENT as usize + count as usize).ok_or_else(unknown_level)?;
                rows.push((pre_token.to_vec(), count));
                if rows.len() >= RUN_ROWS {
                    table.write(&batch(level, rows)?)?;
                    rows.clear();
                }
            }
            Ok(())
        })?;
        let mut files = Vec::new();
        for (i, ((mut table, place), rows)) in rare.into_iter().enumerate() {
            table.write(&batch((i / FREQUENT as usize) as u8, &rows)?)?;
            let run = Run { place };
            table.commit(&run.place, String::new())?;
            files.push(run);
        }
        for (level, mut rows) in (0..).zip(frequent) {
            rows.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            rows.iter().try_for_each(|(pre_token, count)| out.push(level, pre_token, *count))?;
            for count in (1..FREQUENT).rev() {
                let Some(run) = files.get(usize::from(level) * FREQUENT as usize + count as usize) else { continue };
                for batch in open_table(&run.place, None, RUN_ROWS)? {
                    let rows = CountRows::of(&batch?)?;
                    rows.iter().try_for_each(|(level, pre_token, count)| out.push(level, pre_token, count))?;
                }
            }
        }
        Ok(cut)
    }
}

/// The sum of sums in memory: each thread adds up and orders a part of the pre-tokens.
fn of_memory(mut sums: Vec<CountsSum>, min_count: u64, pool: &Pool, out: &mut Batches<'_>) -> Result<Cut> {
    let of = pool.threads();
    let parts = || (0..of).map(|number| Part { number, of });
    let is_divided = sums.len() > 1;
    if is_divided {
        let divided = pool.map(parts().collect(), &|part| CountsSum::of(&sums, part))?;
        sums = divided;
    }
    let whole = || parts().flat_map(|part| sums.iter().map(move |sum| (sum, part)));
    let units = if is_divided { sums.iter().map(|sum| (sum, Part::WHOLE)).collect() } else { whole().collect() };
    let (parts, cuts): (Vec<_>, Vec<_>) = pool.map(units, &|(sum, part)| sum.in_order(part, min_count))?.into_iter().unzip();
    let mut rest: Vec<_> = parts.iter().map(|rows| rows.iter()).collect();
    let mut heap: BinaryHeap<_> = rest.iter_mut().enumerate().filter_map(|(i, rows)| Some(Reverse((rows.next()?, i)))).collect();
    while let Some(mut first) = heap.peek_mut() {
        let Reverse((row, i)) = *first;
        out.push(row.level, row.pre_token, row.count.0)?;
        match rest[i].next() {
            Some(row) => *first = Reverse((row, i)),
            None => drop(PeekMut::pop(first)),
        }
    }
    let mut cut = Cut::default();
    for part in cuts {
        cut.add_all(part);
    }
    Ok(cut)
}

/// The sum of one thread.
pub(super) struct Adding<'a> {
    sum: CountsSum,
    summing: &'a Summing,
}

impl Adding<'_> {
    /// The sum; what is added to it at once has to fit.
    pub(super) fn to(&mut self, add: impl FnOnce(&mut CountsSum) -> Result<()>) -> Result<()> {
        add(&mut self.sum)?;
        if self.sum.held() > self.summing.share {
            let full = std::mem::replace(&mut self.sum, CountsSum::new(usize::MAX));
            self.summing.spill(&full)?;
        }
        Ok(())
    }
}

/// Collects rows to batches of one size, whatever they come from.
struct Batches<'a> {
    /// The pre-tokens, one behind the other.
    bytes: Vec<u8>,
    /// Level, end of the pre-token in these bytes, count.
    rows: Vec<(u8, usize, u64)>,
    sink: &'a mut dyn FnMut(&Batch) -> Result<()>,
}

impl<'a> Batches<'a> {
    fn new(sink: &'a mut dyn FnMut(&Batch) -> Result<()>) -> Self {
        Self { bytes: Vec::new(), rows: Vec::new(), sink }
    }

    fn push(&mut self, level: u8, pre_token: &[u8], count: u64) -> Result<()> {
        self.bytes.extend_from_slice(pre_token);
        self.rows.push((level, self.bytes.len(), count));
        if self.rows.len() == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let starts = std::iter::once(0).chain(self.rows.iter().map(|row| row.1));
        let rows: Vec<_> = starts.zip(&self.rows).map(|(start, row)| (row.0, &self.bytes[start..row.1], row.2)).collect();
        let of = |level: u8| rows.iter().filter(move |row| row.0 == level).map(|row| (row.1, row.2)).collect();
        let batch = counts_table(&[(0, of(0)), (1, of(1))])?;
        self.bytes.clear();
        self.rows.clear();
        (self.sink)(&batch)
    }
}

fn batch(level: u8, rows: &[(Vec<u8>, u64)]) -> Result<Batch> {
    counts_table(&[(level, rows.iter().map(|row| (row.0.as_slice(), row.1)).collect())])
}

/// A run that is being read.
struct Reading {
    reader: TableReader,
    rows: Option<CountRows>,
    at: usize,
}

impl Reading {
    /// The row that is next.
    fn row(&mut self) -> Result<Option<(u8, Vec<u8>, u64)>> {
        loop {
            if let Some(rows) = self.rows.as_ref().filter(|rows| self.at < rows.len()) {
                let (level, pre_token, count) = rows.row(self.at);
                self.at += 1;
                return Ok(Some((level, pre_token.to_vec(), count)));
            }
            let Some(batch) = self.reader.next() else { return Ok(None) };
            (self.rows, self.at) = (Some(CountRows::of(&batch?)?), 0);
        }
    }
}

/// Calls `visit` with every pre-token of the runs and its sum, ascending by level and bytes.
fn merge(runs: &[Run], visit: &mut VisitRow<'_>) -> Result<()> {
    let mut reading = Vec::new();
    let mut heap = BinaryHeap::new();
    for (number, run) in runs.iter().enumerate() {
        let mut run = Reading { reader: open_table(&run.place, None, RUN_ROWS)?, rows: None, at: 0 };
        heap.extend(run.row()?.map(|(level, pre_token, count)| Reverse((level, pre_token, number, count))));
        reading.push(run);
    }
    let mut sum: Option<(u8, Vec<u8>, u64)> = None;
    while let Some(Reverse((level, pre_token, number, count))) = heap.pop() {
        match &mut sum {
            Some(sum) if (sum.0, &sum.1) == (level, &pre_token) => sum.2 = sum.2.saturating_add(count),
            _ => {
                if let Some((level, pre_token, count)) = sum.replace((level, pre_token, count)) {
                    visit(level, &pre_token, count)?;
                }
            }
        }
        heap.extend(reading[number].row()?.map(|(level, pre_token, count)| Reverse((level, pre_token, number, count))));
    }
    sum.map_or(Ok(()), |(level, pre_token, count)| visit(level, &pre_token, count))
}

fn unknown_level() -> Error {
    Error::refused("counts of an unknown level")
}

/// A lock whose holder panicked.
fn poisoned<T>(_: std::sync::PoisonError<T>) -> Error {
    Error::internal("another worker panicked")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    /// The batches of a sum of tables, and what was left out.
    fn sum(tables: &[Batch], memory: u64, threads: usize, min_count: u64) -> (Vec<Batch>, Cut) {
        let dir = tempfile::tempdir().unwrap();
        let summing = Summing::new(Staging::new(dir.path()).unwrap(), memory, threads);
        let mut next = tables.iter();
        let pool = Pool::new(threads).unwrap();
        pool.for_each(&super::super::observer::Stop::default(), &mut || Ok(next.next()), &|| (), &|(), table| {
            summing.add(|adding| adding.to(|sum| sum.add(table)))
        })
        .unwrap();
        let spilled = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(spilled > 0, memory == 0 && !tables.is_empty(), "{spilled} runs");
        let mut batches = Vec::new();
        let cut = summing.finish(min_count, &pool, &mut |batch| {
            batches.push(batch.clone());
            Ok(())
        });
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing stays");
        (batches, cut.unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Counts above and below what is sorted in memory, more runs than are open at once.
        #[test]
        fn memory_and_threads_do_not_show(
            tables in proptest::collection::vec(proptest::collection::btree_map("[あいa]{1,3}", 1_u64..12, 0..20), 0..90),
            min_count in 1_u64..12,
        ) {
            let table = |(i, rows): (usize, &std::collections::BTreeMap<String, u64>)| {
                let rows = rows.iter().map(|(pre_token, &count)| (pre_token.as_bytes(), count)).collect();
                counts_table(&[((i % 2) as u8, rows)]).unwrap()
            };
            let tables: Vec<Batch> = tables.iter().enumerate().map(table).collect();
            let wanted = sum(&tables, u64::MAX, 1, min_count);
            prop_assert_eq!(&sum(&tables, 0, 1, min_count), &wanted);
            prop_assert_eq!(&sum(&tables, 0, 2, min_count), &wanted);
            prop_assert_eq!(&sum(&tables, u64::MAX, 3, min_count), &wanted);
        }
    }

    #[test]
    fn a_sum_is_ordered_and_divided_alike() {
        let rows: Vec<(String, u64)> = (0..BATCH_ROWS as u64 + 9).map(|i| (format!("{i:06}"), 1 + i * 7 % 20)).collect();
        let table = counts_table(&[(1, rows.iter().map(|row| (row.0.as_bytes(), row.1)).collect())]).unwrap();
        let (batches, _) = sum(std::slice::from_ref(&table), u64::MAX, 1, 1);
        assert_eq!(batches.iter().map(Batch::num_rows).collect::<Vec<_>>(), [BATCH_ROWS, 9]);
        assert_eq!(sum(&[table], 0, 1, 1).0, batches);
        let all: Vec<CountRows> = batches.iter().map(|batch| CountRows::of(batch).unwrap()).collect();
        let order: Vec<_> =
            all.iter().flat_map(CountRows::iter).map(|(level, pre_token, count)| (level, Reverse(count), pre_token)).collect();
        assert!(order.is_sorted());
    }
}
