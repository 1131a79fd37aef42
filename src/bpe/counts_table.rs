//! Tables of counts: written for each work shard, added up for the whole corpus, read by the training.

use std::cmp::Reverse;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, RecordBatch, UInt8Array, UInt64Array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Schema, UInt8Type, UInt64Type};

use crate::bpe::count::{Counter, Part};
use crate::error::{Error, Result};
use crate::schema::{COUNT, LEVEL, PRE_TOKEN};
use crate::stage::{Batch, column};

/// Adds up partial tables; the sum is ordered by level, then falling count, then bytes.
///
/// # Errors
/// [`Error::Resources`] if the sum needs more than `memory` bytes, or its pre-tokens more than 2 GiB.
pub fn merge_counts(partials: &mut dyn Iterator<Item = Result<Batch>>, memory: usize) -> Result<Batch> {
    let mut sum = CountsSum::new(memory);
    for partial in partials {
        sum.add(&partial?)?;
    }
    sum.finish()
}

/// Takes level, pre-token and count of a row.
pub type VisitRow<'v> = dyn FnMut(u8, &[u8], u64) -> Result<()> + 'v;

/// A sum of partial tables.
#[derive(Debug)]
pub struct CountsSum {
    levels: [Counter; 2],
    memory: usize,
}

/// What is left out because it was seen too seldom.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cut {
    /// Different pre-tokens of both levels.
    pub unique: u64,
    /// How often they were seen.
    pub occurrences: u64,
    /// Bytes of text in them.
    pub bytes: u64,
}

impl Cut {
    /// Adds what another part left out.
    pub fn add_all(&mut self, other: Self) {
        self.unique += other.unique;
        self.occurrences = self.occurrences.saturating_add(other.occurrences);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }

    /// Leaves a pre-token out.
    pub fn add(&mut self, pre_token: &[u8], count: u64) {
        self.unique += 1;
        self.occurrences = self.occurrences.saturating_add(count);
        self.bytes = self.bytes.saturating_add(count.saturating_mul(pre_token.len() as u64));
    }
}

impl CountsSum {
    /// Nothing yet; it takes up to `memory` bytes.
    pub fn new(memory: usize) -> Self {
        Self { levels: [Counter::default(), Counter::default()], memory }
    }

    /// Adds a table.
    ///
    /// # Errors
    /// [`Error::Resources`] if the sum needs too much memory, [`Error::Refused`] for a table of another kind.
    pub fn add(&mut self, partial: &Batch) -> Result<()> {
        for (level, pre_token, count) in CountRows::of(partial)?.iter() {
            let counter =
                self.levels.get_mut(usize::from(level)).ok_or_else(|| Error::refused(format!("counts of an unknown level {level}")))?;
            counter.add(pre_token, count);
        }
        if self.held() > self.memory {
            return Err(Error::Resources(format!("the counts of the pre-tokens need more than {} bytes of memory", self.memory)));
        }
        Ok(())
    }

    /// The counters of both levels.
    pub(crate) fn levels_mut(&mut self) -> &mut [Counter; 2] {
        &mut self.levels
    }

    /// Bytes of memory held.
    pub fn held(&self) -> usize {
        self.levels.iter().map(Counter::memory).sum()
    }

    /// The sum of a part of several sums.
    pub fn of(sums: &[Self], part: Part) -> Self {
        let level = |level: usize| Counter::sum(&sums.iter().map(|sum| &sum.levels[level]).collect::<Vec<_>>(), part);
        Self { levels: [level(0), level(1)], memory: usize::MAX }
    }

    /// Calls `visit` with everything in it, ascending by level and bytes, in tables of so many rows.
    ///
    /// # Errors
    /// Those of the tables, and the first of `visit`.
    pub fn by_bytes(&self, rows: usize, visit: &mut dyn FnMut(&Batch) -> Result<()>) -> Result<()> {
        for (level, counter) in (0..).zip(&self.levels) {
            counter.by_bytes().chunks(rows).try_for_each(|some| visit(&table(&[(level, some.to_vec())])?))?;
        }
        Ok(())
    }

    /// What was seen at least `min_count` times of a part, ordered by level, then falling count, then bytes; and what is left out.
    pub fn in_order(&self, part: Part, min_count: u64) -> (Vec<Row<'_>>, Cut) {
        let (mut rows, mut cut) = (Vec::new(), Cut::default());
        for (level, counter) in (0..).zip(&self.levels) {
            let mut of_level = counter.by_count(part);
            let kept = of_level.partition_point(|(_, count)| *count >= min_count);
            of_level.drain(kept..).for_each(|(pre_token, count)| cut.add(pre_token, count));
            rows.extend(of_level.into_iter().map(|(pre_token, count)| Row { level, count: Reverse(count), pre_token }));
        }
        (rows, cut)
    }

    /// The table of everything, ordered by level, then falling count, then bytes.
    ///
    /// # Errors
    /// [`Error::Resources`] if its pre-tokens need more than 2 GiB.
    pub fn finish(self) -> Result<Batch> {
        table(&[(0, self.levels[0].by_count(Part::WHOLE)), (1, self.levels[1].by_count(Part::WHOLE))])
    }
}

/// A row of a sum; rows have its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row<'a> {
    /// Level of the pre-token.
    pub level: u8,
    /// How often it was seen.
    pub count: Reverse<u64>,
    /// Its bytes.
    pub pre_token: &'a [u8],
}

/// The partial table of a set of documents from that of another set: with what was `added` to it, and without what was `removed`. All of them
/// are partial tables of the same fold, ascending by level and bytes, and so is the answer: it equals the table that the fold makes of the set.
///
/// # Errors
/// [`Error::Refused`] if more is removed than was there: the tables do not belong together.
pub fn adjust_counts(old: &Batch, added: &Batch, removed: &Batch) -> Result<Batch> {
    let (old, added, removed) = (CountRows::of(old)?, CountRows::of(added)?, CountRows::of(removed)?);
    let sides = [(&old, 1_i64), (&added, 1), (&removed, -1)];
    let mut at = [0_usize; 3];
    let mut levels: [Level<'_>; 2] = [(0, Vec::new()), (1, Vec::new())];
    loop {
        let next = |i: usize| (at[i] < sides[i].0.len()).then(|| sides[i].0.row(at[i]));
        let Some(least) = (0..3).filter_map(next).map(|(level, pre_token, _)| (level, pre_token)).min() else { break };
        let mut sum = 0_i64;
        for (i, (rows, sign)) in sides.iter().enumerate() {
            if let Some((level, pre_token, count)) = (at[i] < rows.len()).then(|| rows.row(at[i]))
                && (level, pre_token) == least
            {
                sum = sum.saturating_add(sign.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX)));
                at[i] += 1;
            }
        }
        let count = u64::try_from(sum).map_err(|_| Error::refused("counts of pre-tokens that are not there are taken away"))?;
        let level = levels.get_mut(usize::from(least.0)).ok_or_else(|| Error::refused("counts of an unknown level"))?;
        if count > 0 {
            level.1.push((least.1, count));
        }
    }
    table(&levels)
}

/// Bytes of the text that a table of counts was made of: its pre-tokens of level 0 tile it.
///
/// # Errors
/// [`Error::Internal`] for another table.
pub fn counted_bytes(counts: &Batch) -> Result<u64> {
    let of = |level: u8, pre_token: &[u8], count: u64| if level == 0 { count.saturating_mul(pre_token.len() as u64) } else { 0 };
    Ok(CountRows::of(counts)?.iter().fold(0, |sum: u64, (level, pre_token, count)| sum.saturating_add(of(level, pre_token, count))))
}

/// The rows of a table of counts.
#[derive(Debug)]
pub struct CountRows {
    levels: UInt8Array,
    pre_tokens: BinaryArray,
    counts: UInt64Array,
}

impl CountRows {
    /// The rows of `batch`.
    ///
    /// # Errors
    /// [`Error::Refused`] for columns of other types.
    pub fn of(batch: &Batch) -> Result<Self> {
        let wrong = |name: &str| Error::refused(format!("the column {name} of the counts has another type"));
        Ok(Self {
            levels: column(batch, &LEVEL)?.as_primitive_opt::<UInt8Type>().ok_or_else(|| wrong(LEVEL.name))?.clone(),
            pre_tokens: column(batch, &PRE_TOKEN)?.as_binary_opt::<i32>().ok_or_else(|| wrong(PRE_TOKEN.name))?.clone(),
            counts: column(batch, &COUNT)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| wrong(COUNT.name))?.clone(),
        })
    }

    /// Level, pre-token and count of every row.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8], u64)> {
        (0..self.len()).map(|row| self.row(row))
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.levels.len()
    }

    /// No rows.
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// Level, pre-token and count of a row.
    pub fn row(&self, row: usize) -> (u8, &[u8], u64) {
        (self.levels.value(row), self.pre_tokens.value(row), self.counts.value(row))
    }
}

/// A level, and its pre-tokens with their counts.
pub(crate) type Level<'a> = (u8, Vec<(&'a [u8], u64)>);

/// The table of these levels.
///
/// # Errors
/// [`Error::Resources`] if its pre-tokens need more than 2 GiB.
pub fn table(levels: &[Level<'_>]) -> Result<Batch> {
    let rows =
        || levels.iter().flat_map(|(level, pre_tokens)| pre_tokens.iter().map(move |&(pre_token, count)| (*level, pre_token, count)));
    if i32::try_from(rows().map(|(_, pre_token, _)| pre_token.len()).sum::<usize>()).is_err() {
        return Err(Error::Resources("the unique pre-tokens of one table exceed 2 GiB; use smaller work shards".to_owned()));
    }
    let mut bytes = Vec::new();
    rows().for_each(|(_, pre_token, _)| bytes.extend_from_slice(pre_token));
    let offsets = OffsetBuffer::from_lengths(rows().map(|(_, pre_token, _)| pre_token.len()));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows().map(|(level, ..)| level).collect::<UInt8Array>()),
        Arc::new(BinaryArray::try_new(offsets, bytes.into(), None)?),
        Arc::new(rows().map(|(.., count)| count).collect::<UInt64Array>()),
    ];
    Ok(RecordBatch::try_new(counts_schema(), columns)?)
}

/// The schema of `counts.parquet` and of the partial tables.
pub fn counts_schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![LEVEL.field(), PRE_TOKEN.field(), COUNT.field()]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bpe::count::DocumentBoundaries;
    use crate::bpe::pattern::Pattern;

    fn partial<'a>(texts: impl Iterator<Item = &'a String>) -> Batch {
        let mut counters = [Counter::default(), Counter::default()];
        for text in texts {
            counters[0].add_document(text, Pattern::DEEPSEEK_V3, DocumentBoundaries::Scripts);
            counters[1].add_document(text, Pattern::DEEPSEEK_V3, DocumentBoundaries::None);
        }
        table(&[(0, counters[0].by_bytes()), (1, counters[1].by_bytes())]).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_added_and_taken_away_gives_the_table_of_the_rest(
            texts in proptest::collection::vec(("[あいア漢a1 。]{0,20}", any::<bool>(), any::<bool>()), 0..20),
        ) {
            let of = |is: fn(bool, bool) -> bool| partial(texts.iter().filter(|text| is(text.1, text.2)).map(|text| &text.0));
            let adjusted = adjust_counts(&of(|old, _| old), &of(|old, new| new && !old), &of(|old, new| old && !new)).unwrap();
            prop_assert_eq!(adjusted, of(|_, new| new));
        }
    }

    #[test]
    fn what_was_not_there_cannot_be_taken_away() {
        let (some, none) = (["あ".to_owned()], []);
        let (some, none) = (partial(some.iter()), partial(none.iter()));
        assert!(matches!(adjust_counts(&none, &none, &some), Err(Error::Refused { .. })));
    }
}
