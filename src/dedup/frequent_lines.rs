//! Lines that many documents have: of a site (or a source) or of the whole corpus.
//!
//! Every line that is compared becomes its hash, its place and the group of its document; they are put in order by hash and place, and gone
//! through twice: for the hashes that are frequent, and for their places. What is held is a number for each document of one hash, and no
//! more of them than the limit for the whole corpus says.

use std::sync::{Mutex, PoisonError};

use crate::dedup::lines::each_line;
use crate::dedup::options::LineLimits;
use crate::dedup::piece::{Cut, PieceCorpus, PieceKind};
use crate::error::Result;
use crate::io::{Item, Sorted, SortedRuns, put_number, take_number};
use crate::stage::in_parallel;

/// A line somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Occurrence {
    hash: u64,
    ordinal: u64,
    start: u32,
    end: u32,
    group: u64,
}

impl Item for Occurrence {
    const NONE: Self = Self { hash: 0, ordinal: 0, start: 0, end: 0, group: 0 };

    fn put(self, last: Self, out: &mut Vec<u8>) {
        put_number(out, self.hash - last.hash);
        put_number(out, self.ordinal);
        put_number(out, u64::from(self.start));
        put_number(out, u64::from(self.end - self.start));
        out.extend(self.group.to_le_bytes());
    }

    fn take(last: Self, bytes: &mut &[u8]) -> Option<Self> {
        let hash = last.hash.checked_add(take_number(bytes)?)?;
        let ordinal = take_number(bytes)?;
        let start = u32::try_from(take_number(bytes)?).ok()?;
        let end = start.checked_add(u32::try_from(take_number(bytes)?).ok()?)?;
        let (group, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(Self { hash, ordinal, start, end, group: u64::from_le_bytes(*group) })
    }
}

/// Gives `found` the lines of documents behind the first one that has them, of those that are frequent.
pub(crate) fn find(limits: LineLimits, corpus: &PieceCorpus<'_>, found: &mut SortedRuns<'_, Cut>) -> Result<()> {
    let all = Mutex::new(SortedRuns::<Occurrence>::new(corpus.staging, corpus.memory / 2));
    in_parallel(corpus.parallel, corpus.shards as usize, &|shard| {
        let (mut view, mut here) = (Vec::new(), Vec::new());
        (corpus.documents)(shard as u64, &mut |document| {
            each_line(document.text, &mut view, &mut |line| {
                let (start, end) = (line.start as u32, line.end as u32);
                here.push(Occurrence { hash: line.hash, ordinal: document.ordinal, start, end, group: document.group });
            });
            if here.len() >= HANDED_OVER { hand_over(&all, &mut here) } else { Ok(()) }
        })?;
        hand_over(&all, &mut here)
    })?;
    let all = all.into_inner().unwrap_or_else(PoisonError::into_inner).finish()?;
    let frequent = count(limits, &all, SortedRuns::new(corpus.staging, corpus.memory / 8))?;
    let (mut frequents, mut of_hash) = (frequent.reader(), Vec::<Frequent>::new());
    let mut next = frequents.next()?;
    all.each(&mut |one| {
        if of_hash.first().is_none_or(|frequent| frequent.hash != one.hash) {
            of_hash.clear();
            while let Some(frequent) = next.filter(|next| next.hash <= one.hash) {
                of_hash.extend((frequent.hash == one.hash).then_some(frequent));
                next = frequents.next()?;
            }
        }
        if let Some(first) =
            of_hash.iter().find(|frequent| frequent.group.is_none_or(|group| group == one.group)).map(|frequent| frequent.first)
            && one.ordinal != first
        {
            found.push(Cut { ordinal: one.ordinal, start: one.start, end: one.end, kind: PieceKind::Lines, of: first });
        }
        found.check()
    })
}

/// Lines that a thread collects before it waits for the others.
const HANDED_OVER: usize = 1 << 12;

fn hand_over(all: &Mutex<SortedRuns<'_, Occurrence>>, here: &mut Vec<Occurrence>) -> Result<()> {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    here.drain(..).for_each(|occurrence| all.push(occurrence));
    all.check()
}

/// A line that is frequent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Frequent {
    hash: u64,
    /// Where it is; `None`: everywhere.
    group: Option<u64>,
    /// The first document of the corpus that has it.
    first: u64,
}

impl Item for Frequent {
    const NONE: Self = Self { hash: 0, group: None, first: 0 };

    fn put(self, last: Self, out: &mut Vec<u8>) {
        put_number(out, self.hash - last.hash);
        put_number(out, u64::from(self.group.is_some()));
        out.extend(self.group.unwrap_or_default().to_le_bytes());
        put_number(out, self.first);
    }

    fn take(last: Self, bytes: &mut &[u8]) -> Option<Self> {
        let hash = last.hash.checked_add(take_number(bytes)?)?;
        let is_some = take_number(bytes)? == 1;
        let (group, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(Self { hash, group: is_some.then_some(u64::from_le_bytes(*group)), first: take_number(bytes)? })
    }
}

/// The lines that are frequent.
fn count(limits: LineLimits, all: &Sorted<Occurrence>, mut frequent: SortedRuns<'_, Frequent>) -> Result<Sorted<Frequent>> {
    let mut tally = Tally { limits, first: Occurrence::NONE, last: 0, documents: 0, groups: Vec::new() };
    all.each(&mut |one| {
        if tally.documents > 0 && tally.first.hash == one.hash {
            if tally.last != one.ordinal {
                tally.add(one);
            }
        } else {
            tally.conclude(&mut frequent);
            tally.first = one;
            tally.add(one);
        }
        frequent.check()
    })?;
    tally.conclude(&mut frequent);
    frequent.finish()
}

/// The documents of one hash so far.
struct Tally {
    limits: LineLimits,
    first: Occurrence,
    last: u64,
    documents: u32,
    /// The group of each, as long as it matters.
    groups: Vec<u64>,
}

impl Tally {
    fn add(&mut self, one: Occurrence) {
        (self.last, self.documents) = (one.ordinal, self.documents.saturating_add(1));
        if self.documents < self.limits.in_all {
            self.groups.push(one.group);
        }
    }

    /// Nothing more has this hash.
    fn conclude(&mut self, frequent: &mut SortedRuns<'_, Frequent>) {
        let (hash, first) = (self.first.hash, self.first.ordinal);
        let in_source = self.limits.in_source as usize;
        if self.documents >= self.limits.in_all {
            frequent.push(Frequent { hash, group: None, first });
        } else if self.groups.len() >= in_source {
            self.groups.sort_unstable();
            let of_groups = self.groups.chunk_by(|a, b| a == b).filter(|of_group| of_group.len() >= in_source);
            of_groups.for_each(|of_group| frequent.push(Frequent { hash, group: of_group.first().copied(), first }));
        }
        self.documents = 0;
        self.groups.clear();
    }
}
