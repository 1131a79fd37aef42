//! From partial tables to verdicts: finds exact copies, then candidates, verifies them and decides.
//!
//! Memory is bounded: keys are looked at range by range ([`Sweep`]), and candidates are verified in blocks. Neither changes the
//! result, because the verified pairs depend on the documents and their order only.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::dedup::anchor::{Edge, decide};
use crate::dedup::candidates::{Pair, Pairs, Partners, Sweep};
use crate::dedup::options::Options;
use crate::dedup::ordinal::{ordinal, shard_of};
use crate::dedup::partial_table::Partial;
use crate::dedup::verdicts::Verdicts;
use crate::dedup::{shingle, verify, view};
use crate::error::{Error, Result};
use crate::stage::{Batch, ParallelFor, in_parallel};

/// Loads texts: calls the visitor with ordinal and text for each of the ordinals, in their order. The ordinals are ascending and all
/// of one work shard. Called from several threads at once, for different work shards.
pub type Texts<'a> = dyn Fn(&[u64], &mut dyn FnMut(u64, &str) -> Result<()>) -> Result<()> + Sync + 'a;

/// What [`resolve`] needs of the corpus.
pub struct Corpus<'a> {
    /// Number of work shards, below 2²⁴.
    pub shards: u64,
    /// The partial table of a work shard, made by [`super::Sketcher`] with the same options; asked for several times.
    pub partial: &'a mut dyn FnMut(u64) -> Result<Batch>,
    /// Does the document (work shard, row) take part? If not, it is neither a duplicate nor an anchor.
    pub eligible: &'a dyn Fn(u64, u32) -> bool,
    /// Loads texts.
    pub texts: &'a Texts<'a>,
    /// Bytes of memory that may be used; what grows with the number of duplicates comes on top.
    pub memory: u64,
    /// How to use more than one thread.
    pub parallel: &'a ParallelFor<'a>,
}

/// The partners of a document among those with an equal band. On 20,000 web-like documents with many templates, comparing all of
/// them finds 3,254 near-duplicates, the first one alone 3,219, the first four and the previous one 3,253 with a third of the pairs.
const NEIGHBOURS: Partners = Partners { firsts: 4, previous: true };

/// Finds exact duplicates and near-duplicates. The result depends only on the eligible documents and their order.
///
/// Errors: those of the closures; internal if a partial table has other columns or other bands than the options say.
pub fn resolve(options: &Options, corpus: &mut Corpus<'_>) -> Result<Verdicts> {
    let copies = if options.exact { find_copies(corpus)? } else { Vec::new() };
    let edges = match options.threshold() {
        Some(threshold) => Search::new(options, threshold, &copies, corpus.memory).run(corpus)?,
        None => Vec::new(),
    };
    Ok(Verdicts::new(decide(copies, edges)))
}

/// Calls `visit` with ordinal, partial table and row of every eligible document of a work shard.
fn scan(corpus: &mut Corpus<'_>, shard: u64, visit: &mut dyn FnMut(u64, &Partial<'_>, usize) -> Result<()>) -> Result<()> {
    let batch = (corpus.partial)(shard)?;
    let partial = Partial::of(&batch)?;
    for row in 0..partial.rows() {
        if (corpus.eligible)(shard, row as u32) {
            visit(ordinal(shard, row as u32), &partial, row)?;
        }
    }
    Ok(())
}

/// Documents with the text of an earlier one, each paired with the first document that has this text; sorted by the later one.
fn find_copies(corpus: &mut Corpus<'_>) -> Result<Vec<Pair>> {
    let mut pairs = Pairs::new(corpus.memory / 8);
    let mut sweep = Sweep::new(Partners::FIRST, corpus.memory / 2);
    loop {
        for shard in 0..corpus.shards {
            scan(corpus, shard, &mut |ordinal, partial, row| {
                if let Some(hash) = partial.hash(row) {
                    sweep.push(hash, ordinal, &mut pairs);
                }
                Ok(())
            })?;
        }
        if !sweep.end_round(&mut pairs) {
            break;
        }
    }
    let mut copies = pairs.take();
    copies.sort_unstable_by_key(|pair| pair.second);
    Ok(copies)
}

/// The search for near-duplicates.
struct Search<'a> {
    threshold: f64,
    bands: usize,
    /// Exact copies, sorted by the later one: they take no part in the search.
    copies: &'a [Pair],
    sweep: Sweep<u64>,
    pairs: Pairs,
    edges: Vec<Edge>,
}

impl<'a> Search<'a> {
    fn new(options: &Options, threshold: f64, copies: &'a [Pair], memory: u64) -> Self {
        let bands = options.bands.shape().0;
        let (sweep, pairs) = (Sweep::new(NEIGHBOURS, memory / 4), Pairs::new(memory / 8));
        Self { threshold, bands, copies, sweep, pairs, edges: Vec::new() }
    }

    /// All pairs that share a band, are paired there, and are similar enough.
    fn run(mut self, corpus: &mut Corpus<'_>) -> Result<Vec<Edge>> {
        loop {
            let mut copies = self.copies.iter().map(|pair| pair.second).peekable();
            for shard in 0..corpus.shards {
                scan(corpus, shard, &mut |ordinal, partial, row| {
                    if copies.next_if_eq(&ordinal).is_some() {
                        return Ok(());
                    }
                    self.add_keys(ordinal, partial.keys(row))
                })?;
                self.verify_if_full(corpus)?;
            }
            if !self.sweep.end_round(&mut self.pairs) {
                break;
            }
            self.verify_if_full(corpus)?;
        }
        drop(self.sweep);
        verify(corpus, self.threshold, &self.pairs.take(), &mut self.edges)?;
        // A pair may have been verified in several rounds.
        self.edges.sort_unstable_by_key(|edge| edge.pair);
        self.edges.dedup_by_key(|edge| edge.pair);
        Ok(self.edges)
    }

    fn add_keys(&mut self, ordinal: u64, keys: &[u64]) -> Result<()> {
        if !keys.is_empty() && keys.len() != self.bands {
            return Err(Error::internal(format!("a partial table has {} bands, the plan {}", keys.len(), self.bands)));
        }
        for &key in keys {
            self.sweep.push(key, ordinal, &mut self.pairs);
        }
        Ok(())
    }

    fn verify_if_full(&mut self, corpus: &Corpus<'_>) -> Result<()> {
        if self.pairs.is_full() { verify(corpus, self.threshold, &self.pairs.take(), &mut self.edges) } else { Ok(()) }
    }
}

/// Appends the pairs with a Jaccard similarity of at least `threshold`; `pairs` are sorted.
///
/// The sets of as many first documents as fit are kept in memory, and the second documents are read one after the other. So a text
/// is read at most twice, and more often only if the first documents do not all fit.
fn verify(corpus: &Corpus<'_>, threshold: f64, pairs: &[Pair], edges: &mut Vec<Edge>) -> Result<()> {
    let sets_max = (corpus.memory / 8 / size_of::<u64>() as u64) as usize;
    let mut firsts: Vec<u64> = pairs.iter().map(|pair| pair.first).collect();
    firsts.dedup();
    // How many fit is guessed first (512 shingles a document), and then known from those before.
    let (mut held, mut guess) = (0, (sets_max / 512).max(1));
    while held < firsts.len() {
        let wanted = &firsts[held..firsts.len().min(held + guess)];
        let sets = load_sets(corpus, wanted, sets_max)?;
        let group = |ordinal: Option<&u64>| ordinal.map_or(pairs.len(), |&ordinal| pairs.partition_point(|pair| pair.first < ordinal));
        let (start, end) = (group(firsts.get(held)), group(firsts.get(held + sets.len())));
        compare(corpus, threshold, &pairs[start..end], &sets, edges)?;
        held += sets.len();
        guess = if sets.len() == wanted.len() { 2 * guess } else { sets.len() };
    }
    Ok(())
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

/// The sets of the first documents of `wanted`, as many as fit into `hashes_max` hashes, at least one. How many these are may depend
/// on which thread is faster; the verified pairs do not.
fn load_sets(corpus: &Corpus<'_>, wanted: &[u64], hashes_max: usize) -> Result<Sets> {
    let held = AtomicUsize::new(0);
    let keep = |ordinal: u64, set: &[u64]| {
        let before = held.fetch_add(set.len(), Ordering::Relaxed);
        (Some(&ordinal) == wanted.first() || before + set.len() <= hashes_max).then(|| Box::from(set))
    };
    let loaded: Vec<Box<[u64]>> = each_set(corpus, wanted, &keep)?.into_iter().map_while(|set| set).collect();
    Ok(Sets { ordinals: wanted[..loaded.len()].to_vec(), sets: loaded })
}

/// Appends those of `pairs` (whose first documents are in `sets`) that are similar enough.
fn compare(corpus: &Corpus<'_>, threshold: f64, pairs: &[Pair], sets: &Sets, edges: &mut Vec<Edge>) -> Result<()> {
    let mut pairs = pairs.to_vec();
    pairs.sort_unstable_by_key(|pair| (pair.second, pair.first));
    let mut seconds: Vec<u64> = pairs.iter().map(|pair| pair.second).collect();
    seconds.dedup();
    let of_document = |ordinal: u64, set: &[u64]| -> Vec<Edge> {
        let start = pairs.partition_point(|pair| pair.second < ordinal);
        let partners = pairs[start..].iter().take_while(|pair| pair.second == ordinal);
        partners.filter_map(|&pair| edge(pair, sets.get(pair.first)?, set, threshold)).collect()
    };
    let parallel = corpus.parallel;
    let (held, streamed): (Vec<u64>, Vec<u64>) = seconds.into_iter().partition(|&ordinal| sets.get(ordinal).is_some());
    let of_held = |range: Range<usize>| held[range].iter().map(|&o| of_document(o, sets.get(o).unwrap_or_default())).collect();
    edges.extend(in_tasks(parallel, held.len(), &of_held)?.into_iter().flatten());
    let of_streamed = each_set(corpus, &streamed, &|ordinal, set| Some(of_document(ordinal, set)))?;
    edges.extend(of_streamed.into_iter().flatten().flatten());
    Ok(())
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

/// Runs `work` on the set of shingles of each document. Work shards are processed in parallel, because most of the time is spent on
/// decoding texts. Gives one result for each document, in order. Once `work` gives `None`, so do the documents that follow in this
/// work shard.
fn each_set<T: Send>(corpus: &Corpus<'_>, ordinals: &[u64], work: &(dyn Fn(u64, &[u64]) -> Option<T> + Sync)) -> Result<Vec<Option<T>>> {
    let shards: Vec<&[u64]> = ordinals.chunk_by(|a, b| shard_of(*a) == shard_of(*b)).collect();
    let texts = corpus.texts;
    let of_shard = |shard: usize| {
        let (wanted, mut results) = (shards[shard], Vec::with_capacity(shards[shard].len()));
        let (mut folded, mut sets, mut goes_on) = (Vec::new(), shingle::Sets::default(), true);
        texts(wanted, &mut |ordinal, text| {
            if wanted.get(results.len()) != Some(&ordinal) {
                return Err(Error::internal(format!("document {ordinal} was loaded out of turn")));
            }
            let result = if goes_on {
                view::fold(text, &mut folded);
                work(ordinal, sets.of(&folded))
            } else {
                None
            };
            goes_on = result.is_some();
            results.push(result);
            if folded.capacity() > view::BUFFER_KEPT {
                (folded, sets) = Default::default();
            }
            Ok(())
        })?;
        if results.len() == wanted.len() {
            Ok(results)
        } else {
            Err(Error::internal(format!("{} of {} documents were loaded", results.len(), wanted.len())))
        }
    };
    Ok(in_parallel(corpus.parallel, shards.len(), &of_shard)?.into_iter().flatten().collect())
}
