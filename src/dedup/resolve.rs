//! From partial tables to verdicts: finds exact copies, then candidates, verifies them and decides.
//!
//! Memory is bounded: keys and pairs that are too many are put aside on disk, and candidates are verified in blocks. Neither changes the
//! result, because the verified pairs depend on the documents and their order only. Keys are read once, and so is the text of a candidate:
//! what is compared again comes from where it was put aside.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::dedup::anchor::{Edge, decide};
use crate::dedup::candidates::{Pair, Partners};
use crate::dedup::marks::Marks;
use crate::dedup::matching::{Room, pair_up};
use crate::dedup::options::Options;
use crate::dedup::ordinal::ordinal;
use crate::dedup::partial_table::Partial;
use crate::dedup::sorted_runs::{Ranked, Sorted, SortedRuns};
use crate::dedup::text_store::{TextStore, Texts};
use crate::dedup::verdicts::Verdicts;
use crate::dedup::{shingle, verify, view};
use crate::error::{Error, Result};
use crate::io::Staging;
use crate::stage::{Batch, ParallelFor, in_parallel};

/// Runs work on a text of so many bytes: what is made of a huge one is many times as large, and may have to wait.
pub type Admit<'a> = dyn Fn(usize, &mut dyn FnMut()) + Sync + 'a;

/// What [`resolve`] needs of the corpus.
pub struct Corpus<'a> {
    /// Number of work shards, below 2²⁴.
    pub shards: u64,
    /// Documents of all of them.
    pub documents: u64,
    /// The partial table of a work shard, made by [`super::Sketcher`] with the same options; asked for several times.
    pub partial: &'a mut dyn FnMut(u64) -> Result<Batch>,
    /// Does the document (work shard, row) take part? If not, it is neither a duplicate nor an anchor.
    pub eligible: &'a dyn Fn(u64, u32) -> bool,
    /// Loads texts.
    pub texts: &'a Texts<'a>,
    /// Lets a text be worked on.
    pub admit: &'a Admit<'a>,
    /// Bytes of memory that may be used; what grows with the number of duplicates comes on top.
    pub memory: u64,
    /// Bytes of disk that keys should take at most.
    pub disk: u64,
    /// Where they are put, and candidates.
    pub staging: &'a Staging,
    /// How to use more than one thread.
    pub parallel: &'a ParallelFor<'a>,
}

/// The partners of a document among those with an equal band. On 20,000 web-like documents with many templates, comparing all of
/// them finds 3,254 near-duplicates, the first one alone 3,219, the first four and the previous one 3,253 with a third of the pairs.
const NEIGHBOURS: Partners = Partners { firsts: 4, previous: true };
/// Documents whose sets of shingles are made by one thread at a time.
const TASK_DOCUMENTS: usize = 64;

/// Finds exact duplicates and near-duplicates. The result depends only on the eligible documents and their order.
///
/// Errors: those of the closures and of the system; internal if a partial table has other columns or other bands than the options say.
pub fn resolve(options: &Options, corpus: &mut Corpus<'_>) -> Result<Verdicts> {
    let copies = if options.exact { find_copies(corpus)? } else { Vec::new() };
    let edges = match options.threshold() {
        Some(threshold) => {
            let candidates = find_candidates(corpus, options.bands.shape().0, &copies)?;
            verify(corpus, threshold, &candidates)?
        }
        None => Sorted::Held(Vec::new()),
    };
    let each_edge = |visit: &mut dyn FnMut(Edge)| {
        edges.each(&mut |ranked: Ranked| {
            visit(ranked.edge());
            Ok(())
        })
    };
    Ok(Verdicts::new(decide(copies, &each_edge)?))
}

/// Calls `visit` with ordinal, partial table and row of every eligible document.
fn scan(corpus: &mut Corpus<'_>, visit: &mut dyn FnMut(u64, &Partial<'_>, usize) -> Result<()>) -> Result<()> {
    for shard in 0..corpus.shards {
        let batch = (corpus.partial)(shard)?;
        let partial = Partial::of(&batch)?;
        for row in 0..partial.rows() {
            if (corpus.eligible)(shard, row as u32) {
                visit(ordinal(shard, row as u32), &partial, row)?;
            }
        }
    }
    Ok(())
}

impl<'a> Corpus<'a> {
    fn room(&self) -> Room<'a> {
        Room { memory: self.memory / 2, disk: self.disk, staging: self.staging }
    }
}

/// Documents with the text of an earlier one, each paired with the first document that has this text; sorted by the later one.
fn find_copies(corpus: &mut Corpus<'_>) -> Result<Vec<Pair>> {
    let (room, entries) = (corpus.room(), corpus.documents);
    let mut found = SortedRuns::new(corpus.staging, corpus.memory / 8);
    let mut keys = |visit: &mut dyn FnMut([u64; 2], u64) -> Result<()>| {
        scan(corpus, &mut |ordinal, partial, row| partial.hash(row).map_or(Ok(()), |hash| visit(hash, ordinal)))
    };
    pair_up(room, Partners::FIRST, entries, &mut keys, &mut found)?;
    let mut copies = Vec::new();
    found.finish()?.each(&mut |pair| {
        copies.push(pair);
        Ok(())
    })?;
    copies.sort_unstable_by_key(|pair| pair.second);
    Ok(copies)
}

/// All pairs that share one of `bands` bands and are paired there. Exact copies, sorted by the later one, take no part.
fn find_candidates(corpus: &mut Corpus<'_>, bands: usize, copies: &[Pair]) -> Result<Sorted<Pair>> {
    let (room, entries) = (corpus.room(), corpus.documents.saturating_mul(bands as u64));
    let mut found = SortedRuns::new(corpus.staging, corpus.memory / 8);
    let mut keys = |visit: &mut dyn FnMut(u64, u64) -> Result<()>| {
        let mut copies = copies.iter().map(|pair| pair.second).peekable();
        scan(corpus, &mut |ordinal, partial, row| {
            let keys = partial.keys(row);
            if copies.next_if_eq(&ordinal).is_some() {
                return Ok(());
            }
            if !keys.is_empty() && keys.len() != bands {
                return Err(Error::internal(format!("a partial table has {} bands, the plan {bands}", keys.len())));
            }
            keys.iter().try_for_each(|&key| visit(key, ordinal))
        })
    };
    pair_up(room, NEIGHBOURS, entries, &mut keys, &mut found)?;
    found.finish()
}

/// The pairs with a Jaccard similarity of at least `threshold`.
///
/// The sets of as many first documents as fit are kept in memory, and the second documents are read one after the other, from where
/// the texts of all of them were put aside.
fn verify(corpus: &Corpus<'_>, threshold: f64, pairs: &Sorted<Pair>) -> Result<Sorted<Ranked>> {
    let mut wanted = Marks::default();
    pairs.each(&mut |pair| {
        wanted.set(pair.first);
        wanted.set(pair.second);
        Ok(())
    })?;
    let texts = TextStore::new(corpus.staging, &wanted, corpus.texts, corpus.parallel)?;
    drop(wanted);
    let sets_max = (corpus.memory / 8 / size_of::<u64>() as u64) as usize;
    // How many fit is guessed first (512 shingles a document), and then known from those before.
    let (parallel, admit) = (corpus.parallel, corpus.admit);
    let edges = SortedRuns::new(corpus.staging, corpus.memory / 8);
    let mut verifier = Verifier { parallel, admit, threshold, texts, sets_max, guess: (sets_max / 512).max(1), edges };
    let waiting_max = (corpus.memory / 16 / size_of::<Pair>() as u64).clamp(1024, 1 << 40) as usize;
    let mut waiting = Vec::new();
    pairs.each(&mut |pair| {
        waiting.push(pair);
        if waiting.len() < waiting_max { Ok(()) } else { verifier.take_some(&mut waiting) }
    })?;
    while !waiting.is_empty() {
        verifier.take_some(&mut waiting)?;
    }
    verifier.edges.finish()
}

/// Sets of shingles of some documents, by ordinal.
#[derive(Debug, Default)]
struct Sets {
    ordinals: Vec<u64>,
    sets: Vec<Box<[u64]>>,
}

impl Sets {
    fn len(&self) -> usize {
        self.ordinals.len()
    }

    fn get(&self, ordinal: u64) -> Option<&[u64]> {
        Some(&self.sets[self.ordinals.binary_search(&ordinal).ok()?])
    }
}

/// Compares the documents of pairs.
struct Verifier<'a> {
    parallel: &'a ParallelFor<'a>,
    admit: &'a Admit<'a>,
    threshold: f64,
    texts: TextStore,
    /// Shingles that are held at the same time.
    sets_max: usize,
    /// First documents whose sets are asked for at once.
    guess: usize,
    edges: SortedRuns<'a, Ranked>,
}

impl Verifier<'_> {
    /// Takes as many of the sorted pairs off the front as the sets of their first documents fit into memory.
    fn take_some(&mut self, pairs: &mut Vec<Pair>) -> Result<()> {
        let mut firsts: Vec<u64> = pairs.iter().map(|pair| pair.first).collect();
        firsts.dedup();
        let mut held = 0;
        // Most of them, so that what stays is not moved up often.
        while held <= firsts.len() / 2 && held < firsts.len() {
            let wanted = &firsts[held..firsts.len().min(held + self.guess)];
            let sets = self.load_sets(wanted)?;
            let group = |ordinal: Option<&u64>| ordinal.map_or(pairs.len(), |&ordinal| pairs.partition_point(|pair| pair.first < ordinal));
            let (start, end) = (group(firsts.get(held)), group(firsts.get(held + sets.len())));
            self.compare(&pairs[start..end], &sets)?;
            held += sets.len();
            self.guess = if sets.len() == wanted.len() { 2 * wanted.len() } else { sets.len() };
        }
        let taken = firsts.get(held).map_or(pairs.len(), |&ordinal| pairs.partition_point(|pair| pair.first < ordinal));
        pairs.drain(..taken);
        Ok(())
    }

    /// The sets of the first documents of `wanted`, as many as fit, at least one. How many these are may depend on which thread is
    /// faster; the verified pairs do not.
    fn load_sets(&self, wanted: &[u64]) -> Result<Sets> {
        let (held, sets_max) = (AtomicUsize::new(0), self.sets_max);
        let keep = |ordinal: u64, set: &[u64]| {
            let before = held.fetch_add(set.len(), Ordering::Relaxed);
            (Some(&ordinal) == wanted.first() || before + set.len() <= sets_max).then(|| Box::from(set))
        };
        let loaded: Vec<Box<[u64]>> = self.each_set(wanted, &keep)?.into_iter().map_while(|set| set).collect();
        Ok(Sets { ordinals: wanted[..loaded.len()].to_vec(), sets: loaded })
    }

    /// Notes those of `pairs` (whose first documents are in `sets`) that are similar enough.
    fn compare(&mut self, pairs: &[Pair], sets: &Sets) -> Result<()> {
        let threshold = self.threshold;
        let mut pairs = pairs.to_vec();
        pairs.sort_unstable_by_key(|pair| (pair.second, pair.first));
        let mut seconds: Vec<u64> = pairs.iter().map(|pair| pair.second).collect();
        seconds.dedup();
        let of_document = |ordinal: u64, set: &[u64]| -> Vec<Edge> {
            let start = pairs.partition_point(|pair| pair.second < ordinal);
            let partners = pairs[start..].iter().take_while(|pair| pair.second == ordinal);
            partners.filter_map(|&pair| edge(pair, sets.get(pair.first)?, set, threshold)).collect()
        };
        let (held, streamed): (Vec<u64>, Vec<u64>) = seconds.into_iter().partition(|&ordinal| sets.get(ordinal).is_some());
        let of_held = |range: Range<usize>| held[range].iter().map(|&o| of_document(o, sets.get(o).unwrap_or_default())).collect();
        let of_held = in_tasks(self.parallel, held.len(), &of_held)?.into_iter().flatten();
        let of_streamed = self.each_set(&streamed, &|ordinal, set| Some(of_document(ordinal, set)))?;
        of_held.chain(of_streamed.into_iter().flatten().flatten()).for_each(|edge| self.edges.push(edge.into()));
        self.edges.check()
    }

    /// Runs `work` on the set of shingles of each document, some documents a thread. Gives one result for each document, in order. Once
    /// `work` gives `None`, so do the documents that follow in this thread.
    fn each_set<T: Send>(&self, ordinals: &[u64], work: &(dyn Fn(u64, &[u64]) -> Option<T> + Sync)) -> Result<Vec<Option<T>>> {
        let tasks: Vec<&[u64]> = ordinals.chunks(TASK_DOCUMENTS).collect();
        let (texts, admit) = (&self.texts, self.admit);
        let of_task = |task: usize| {
            let mut results = Vec::with_capacity(tasks[task].len());
            let (mut folded, mut sets, mut goes_on) = (Vec::new(), shingle::Sets::default(), true);
            texts.each(tasks[task], &mut |ordinal, text| {
                let mut result = None;
                admit(text.len(), &mut || {
                    if goes_on {
                        view::fold(text, &mut folded);
                        result = work(ordinal, sets.of(&folded));
                    }
                    if folded.capacity() > view::BUFFER_KEPT {
                        (folded, sets) = Default::default();
                    }
                });
                goes_on = result.is_some();
                results.push(result);
                Ok(())
            })?;
            Ok(results)
        };
        Ok(in_parallel(self.parallel, tasks.len(), &of_task)?.into_iter().flatten().collect())
    }
}

fn edge(pair: Pair, first: &[u64], second: &[u64], threshold: f64) -> Option<Edge> {
    verify::jaccard_at_least(first, second, threshold).map(|jaccard| Edge { pair, jaccard })
}

/// Runs `work` on the numbers below `n` in parallel, range by range; gives one result for each number, in order.
fn in_tasks<T: Send>(parallel: &ParallelFor<'_>, n: usize, work: &(dyn Fn(Range<usize>) -> Vec<T> + Sync)) -> Result<Vec<T>> {
    /// Documents of one task: so few that all threads get work.
    const TASK: usize = 16;
    let tasks = in_parallel(parallel, n.div_ceil(TASK), &|task| Ok(work(task * TASK..n.min((task + 1) * TASK))))?;
    Ok(tasks.into_iter().flatten().collect())
}
