//! Stretches of at least N code points of a view that stand in the corpus before.
//!
//! A stretch of N *repeats* if the same code points stand in an earlier document, or in the same one at least N before it. Every stretch
//! that repeats leaves its text; what is left of the corpus holds each of them once. Fingerprints ([`winnow`](crate::dedup::winnow)) find
//! where that may be: places with the same fingerprint are put in order, each is paired with some before it, and what stands around both is
//! compared, code point by code point, as far as it is the same.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::dedup::by_shard::{ByShard, OfDocument};
use crate::dedup::candidates::Partners;
use crate::dedup::marks::Marks;
use crate::dedup::piece::{Cut, Document, PieceCorpus, PieceKind};
use crate::dedup::view::{self, Places};
use crate::dedup::view_store::{ViewReader, ViewStore};
use crate::dedup::winnow::Lengths;
use crate::error::Result;
use crate::io::{Item, Sorted, SortedRuns, put_number, take_number};
use crate::stage::in_parallel;

/// With which places before it a place of a fingerprint is compared: what stands around a common phrase, too, is mostly found at the first ones
/// or in the document before. Each of them costs.
pub(crate) const PARTNERS: Partners = Partners { firsts: 2, previous: true };
/// Fingerprints that a thread collects before it waits for the others.
const HANDED_OVER: usize = 1 << 12;

/// A fingerprint somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Print {
    hash: u64,
    ordinal: u64,
    /// Code points of the view before it.
    at: u32,
}

impl Item for Print {
    const NONE: Self = Self { hash: 0, ordinal: 0, at: 0 };

    fn put(self, last: Self, out: &mut Vec<u8>) {
        put_number(out, self.hash - last.hash);
        put_number(out, self.ordinal);
        put_number(out, u64::from(self.at));
    }

    fn take(last: Self, bytes: &mut &[u8]) -> Option<Self> {
        let hash = last.hash.checked_add(take_number(bytes)?)?;
        Some(Self { hash, ordinal: take_number(bytes)?, at: u32::try_from(take_number(bytes)?).ok()? })
    }
}

/// A place, and one before it with the same fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Meeting {
    ordinal: u64,
    at: u32,
    of: u64,
    of_at: u32,
}

impl Item for Meeting {
    const NONE: Self = Self { ordinal: 0, at: 0, of: 0, of_at: 0 };

    fn put(self, last: Self, out: &mut Vec<u8>) {
        put_number(out, self.ordinal - last.ordinal);
        put_number(out, u64::from(self.at));
        put_number(out, self.ordinal - self.of);
        put_number(out, u64::from(self.of_at));
    }

    fn take(last: Self, bytes: &mut &[u8]) -> Option<Self> {
        let ordinal = last.ordinal.checked_add(take_number(bytes)?)?;
        let at = u32::try_from(take_number(bytes)?).ok()?;
        let of = ordinal.checked_sub(take_number(bytes)?)?;
        Some(Self { ordinal, at, of, of_at: u32::try_from(take_number(bytes)?).ok()? })
    }
}

impl OfDocument for Meeting {
    fn ordinal(&self) -> u64 {
        self.ordinal
    }
}

/// Gives `found` the stretches of so many code points that repeat. They begin and end where characters do.
pub(crate) fn find(stretch: usize, partners: Partners, corpus: &PieceCorpus<'_>, found: &mut SortedRuns<'_, Cut>) -> Result<()> {
    let lengths = Lengths::of(stretch);
    let meetings = meet(lengths, partners, corpus, &print(lengths, corpus)?)?;
    let mut wanted = Marks::default();
    meetings.each(&mut |meeting| {
        wanted.set(meeting.ordinal);
        wanted.set(meeting.of);
        Ok(())
    })?;
    let meetings = ByShard::new(corpus.staging, "meetings", &meetings)?;
    let (views, shards) = (ViewStore::new(corpus, wanted)?, meetings.shards().collect::<Vec<u64>>());
    let found = Mutex::new(found);
    in_parallel(corpus.parallel, shards.len(), &|i| {
        let mut open = Open { lengths, reader: views.reader(), view: Vec::new(), places: Places::default(), repeated: Vec::new() };
        let mut of_shard = Vec::new();
        meetings.each(shards[i], &mut |meeting| {
            of_shard.push(meeting);
            Ok(())
        })?;
        let mut rest = of_shard.as_slice();
        (corpus.documents)(shards[i], &mut |document| {
            let of_document = rest.iter().take_while(|meeting| meeting.ordinal == document.ordinal).count();
            let (these, others) = rest.split_at(of_document);
            rest = others;
            if these.is_empty() {
                return Ok(());
            }
            let cuts = open.compare(document, these)?;
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            for cut in cuts {
                found.push(cut);
            }
            found.check()
        })
    })?;
    Ok(())
}

/// The fingerprints of all documents, in order.
fn print(lengths: Lengths, corpus: &PieceCorpus<'_>) -> Result<Sorted<Print>> {
    let all = Mutex::new(SortedRuns::<Print>::new(corpus.staging, corpus.memory / 2));
    in_parallel(corpus.parallel, corpus.shards as usize, &|shard| {
        let (mut view, mut here) = (Vec::new(), Vec::new());
        let hand_over = |here: &mut Vec<Print>| {
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            here.drain(..).for_each(|print| all.push(print));
            all.check()
        };
        (corpus.documents)(shard as u64, &mut |Document { ordinal, text, .. }| {
            view::fold(text, &mut view);
            lengths.each_print(&view, &mut |hash, at| here.push(Print { hash, ordinal, at: at as u32 }));
            if view.capacity() > view::BUFFER_KEPT {
                view = Vec::new();
            }
            if here.len() >= HANDED_OVER { hand_over(&mut here) } else { Ok(()) }
        })?;
        hand_over(&mut here)
    })?;
    all.into_inner().unwrap_or_else(PoisonError::into_inner).finish()
}

/// Pairs the places of each fingerprint.
fn meet(lengths: Lengths, partners: Partners, corpus: &PieceCorpus<'_>, prints: &Sorted<Print>) -> Result<Sorted<Meeting>> {
    let mut meetings = SortedRuns::new(corpus.staging, corpus.memory / 4);
    let (mut firsts, mut previous) = (Vec::<Print>::new(), Print::NONE);
    prints.each(&mut |print| {
        if firsts.first().is_none_or(|first| first.hash != print.hash) {
            firsts.clear();
        }
        let is_apart = |other: &&Print| other.ordinal != print.ordinal || (print.at - other.at) as usize >= lengths.stretch;
        let behind_firsts = partners.previous && firsts.last().is_some_and(|last| *last < previous);
        for Print { ordinal: of, at: of_at, .. } in firsts.iter().chain(behind_firsts.then_some(&previous)).filter(is_apart) {
            meetings.push(Meeting { ordinal: print.ordinal, at: print.at, of: *of, of_at: *of_at });
        }
        if firsts.len() < partners.firsts {
            firsts.push(print);
        }
        previous = print;
        meetings.check()
    })?;
    meetings.finish()
}

/// A document that is compared with those before it.
struct Open<'s> {
    lengths: Lengths,
    reader: ViewReader<'s>,
    view: Vec<u32>,
    places: Places,
    /// Stretches of its view that repeat, disjoint and in order, with the document that has most of each.
    repeated: Vec<Repeated>,
}

#[derive(Debug, Clone)]
struct Repeated {
    range: Range<usize>,
    of: u64,
    /// Code points that it has of it.
    has: usize,
}

impl Open<'_> {
    /// What leaves a document, given the places of its fingerprints, in order.
    fn compare(&mut self, document: Document<'_>, meetings: &[Meeting]) -> Result<Vec<Cut>> {
        let Lengths { stretch, run, .. } = self.lengths;
        self.places.fold(document.text, &mut self.view);
        self.repeated.clear();
        for of_place in meetings.chunk_by(|a, b| a.at == b.at) {
            let at = of_place[0].at as usize;
            // All stretches that this fingerprint may have been chosen for.
            let around = (at + run).saturating_sub(stretch)..(at + stretch).min(self.view.len());
            for meeting in of_place {
                if self.repeated.last().is_some_and(|last| last.range.start <= around.start && around.end <= last.range.end) {
                    break;
                }
                let range = self.around(meeting, around.start)?;
                if range.len() >= stretch {
                    self.add(Repeated { of: meeting.of, has: range.len(), range });
                }
            }
        }
        self.fill();
        let (spans, ordinal) = (&self.places.spans, document.ordinal);
        let whole = self.repeated.iter().filter_map(|Repeated { range, of, .. }| {
            // A character that was made into several code points goes as a whole or not at all.
            let start = range.clone().find(|&at| at == 0 || spans[at - 1] != spans[at])?;
            let end = range.clone().rev().find(|&at| at + 1 == spans.len() || spans[at + 1] != spans[at])?;
            (start <= end).then(|| Cut { ordinal, start: spans[start][0], end: spans[end][1], kind: PieceKind::Substring, of: *of })
        });
        let whole = whole.collect();
        if self.view.capacity() > view::BUFFER_KEPT {
            (self.view, self.places) = Default::default();
        }
        Ok(whole)
    }

    /// What both places have in common, not further to the front than `start`.
    fn around(&mut self, meeting: &Meeting, start: usize) -> Result<Range<usize>> {
        let (at, of_at) = (meeting.at as usize, meeting.of_at as usize);
        let (before, behind) = (&self.view[start..at], &self.view[at..]);
        let common = self.reader.common_behind(meeting.of, of_at, behind)?;
        if common < self.lengths.run {
            return Ok(at..at);
        }
        Ok(at - self.reader.common_before(meeting.of, of_at, before)?..at + common)
    }

    fn add(&mut self, mut one: Repeated) {
        // Later places may reach further to the front than earlier ones.
        while let Some(last) = self.repeated.pop_if(|last| one.range.start <= last.range.end) {
            one.range = one.range.start.min(last.range.start)..one.range.end.max(last.range.end);
            if last.has >= one.has {
                (one.of, one.has) = (last.of, last.has);
            }
        }
        self.repeated.push(one);
    }

    /// A code point that is repeated has few fingerprints: where a stretch of it repeats, so do all behind it.
    fn fill(&mut self) {
        let mut filled = Vec::with_capacity(self.repeated.len());
        std::mem::swap(&mut filled, &mut self.repeated);
        for mut one in filled {
            let Some(&code) = self.view.get(one.range.end - 1) else { continue };
            let same = self.view[one.range.clone()].iter().rev().take_while(|other| **other == code).count();
            if same >= self.lengths.stretch {
                one.range.end += self.view[one.range.end..].iter().take_while(|other| **other == code).count();
            }
            self.add(one);
        }
    }
}
