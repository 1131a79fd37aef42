//! From partial tables to verdicts: exact copies first, then candidates, verification and decision.
//!
//! Memory is bounded by sweeping over key ranges ([`Sweep`]) and by verifying in blocks; neither changes the result, for the
//! verified pairs are a property of the documents and their order.

use std::ops::Range;
use std::sync::Mutex;

use crate::dedup::anchor::{Edge, decide};
use crate::dedup::candidates::{Pair, Pairs, Star, Sweep};
use crate::dedup::{Options, Partial, Verdicts, ordinal, shingle, verify, view};
use crate::error::{Error, Result};
use crate::stage::Batch;

/// Loads texts: for every one of the ordinals (ascending), in that order, calls the visitor with ordinal and text.
pub type Texts<'a> = dyn FnMut(&[u64], &mut dyn FnMut(u64, &str) -> Result<()>) -> Result<()> + 'a;

/// A parallel loop: calls the function once with each number below `n`, from any threads.
pub type ParallelFor<'a> = dyn Fn(usize, &(dyn Fn(usize) + Sync)) + 'a;

/// The parallel loop of one thread.
pub fn sequential(n: usize, work: &(dyn Fn(usize) + Sync)) {
    (0..n).for_each(work);
}

/// What [`resolve`] needs of the corpus.
pub struct Corpus<'a> {
    /// Number of shards, below 2²⁴.
    pub shards: u64,
    /// The partial table of a shard, as [`super::Sketcher`] made it with the same options; asked for in several passes.
    pub partial: &'a mut dyn FnMut(u64) -> Result<Batch>,
    /// Does the document (shard, row) take part? One that does not is no duplicate and no anchor.
    pub eligible: &'a dyn Fn(u64, u32) -> bool,
    /// Texts on demand.
    pub texts: &'a mut Texts<'a>,
    /// Bytes that may be used, apart from what is proportional to the number of duplicates.
    pub memory: u64,
    /// How to use more than one thread.
    pub parallel: &'a ParallelFor<'a>,
}

/// Whom a document meets in a band. On 20,000 web-like documents with many templates, of 3,254 near-duplicates that all pairs
/// would find, the first alone finds 3,219, four and the previous one 3,253, with a third of the pairs.
const NEIGHBOURS: Star = Star { firsts: 4, previous: true };

/// Finds exact and near-duplicates. The result depends on the eligible documents and their order only.
///
/// Errors: those of the closures; internal if a partial table has other columns or other bands than the options say.
pub fn resolve(options: &Options, corpus: &mut Corpus<'_>) -> Result<Verdicts> {
    let copies = if options.exact { find_copies(corpus)? } else { Vec::new() };
    let edges = match options.threshold() {
        Some(threshold) => Search::new(options, threshold, &copies, corpus.memory).run(corpus)?,
        None => Vec::new(),
    };
    Ok(Verdicts { affected: decide(copies, edges) })
}

/// Calls `visit` for every eligible document of a shard with ordinal, partial table and row.
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

/// Documents with the text of an earlier one, each with the first bearer of that text; by the later one.
fn find_copies(corpus: &mut Corpus<'_>) -> Result<Vec<Pair>> {
    let mut pairs = Pairs::new(corpus.memory / 8);
    let mut sweep = Sweep::new(Star::FIRST, corpus.memory / 2);
    loop {
        for shard in 0..corpus.shards {
            scan(corpus, shard, &mut |ordinal, partial, row| {
                if let Some(hash) = partial.hash(row) {
                    sweep.push(hash, ordinal, &mut pairs);
                }
                Ok(())
            })?;
        }
        if !sweep.end_pass(&mut pairs) {
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
    /// Exact copies, by the later one: they take no part.
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

    /// All pairs that meet in a band, are star pairs there, and are similar enough.
    fn run(mut self, corpus: &mut Corpus<'_>) -> Result<Vec<Edge>> {
        loop {
            let mut copies = self.copies.iter().map(|pair| pair.second).peekable();
            for shard in 0..corpus.shards {
                scan(corpus, shard, &mut |ordinal, partial, row| {
                    if copies.next_if_eq(&ordinal).is_some() {
                        return Ok(());
                    }
                    self.enter(ordinal, partial.keys(row))
                })?;
                self.verify_if_full(corpus)?;
            }
            if !self.sweep.end_pass(&mut self.pairs) {
                break;
            }
            self.verify_if_full(corpus)?;
        }
        drop(self.sweep);
        verify(corpus, self.threshold, &self.pairs.take(), &mut self.edges)?;
        // A pair may have been verified in several passes.
        self.edges.sort_unstable_by_key(|edge| edge.pair);
        self.edges.dedup_by_key(|edge| edge.pair);
        Ok(self.edges)
    }

    fn enter(&mut self, ordinal: u64, keys: &[u64]) -> Result<()> {
        if !keys.is_empty() && keys.len() != self.bands {
            return Err(Error::internal(format!("a partial table has {} bands, the plan {}", keys.len(), self.bands)));
        }
        for &key in keys {
            self.sweep.push(key, ordinal, &mut self.pairs);
        }
        Ok(())
    }

    fn verify_if_full(&mut self, corpus: &mut Corpus<'_>) -> Result<()> {
        if self.pairs.is_full() { verify(corpus, self.threshold, &self.pairs.take(), &mut self.edges) } else { Ok(()) }
    }
}

/// Appends the pairs with a Jaccard similarity of at least `threshold`; `pairs` are sorted.
///
/// The sets of as many first documents as fit are held, while the second ones stream past; so a text is read at most twice,
/// more often only if the first documents do not fit together.
fn verify(corpus: &mut Corpus<'_>, threshold: f64, pairs: &[Pair], edges: &mut Vec<Edge>) -> Result<()> {
    let sets_max = (corpus.memory / 8 / size_of::<u64>() as u64) as usize;
    let mut firsts: Vec<u64> = pairs.iter().map(|pair| pair.first).collect();
    firsts.dedup();
    // A guess (512 shingles a document), corrected by what did fit.
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

/// Sets of shingles of some documents, end to end.
#[derive(Debug, Default)]
struct Sets {
    ordinals: Vec<u64>,
    ends: Vec<usize>,
    hashes: Vec<u64>,
}

impl Sets {
    fn len(&self) -> usize {
        self.ordinals.len()
    }

    fn push(&mut self, ordinal: u64, set: &[u64]) {
        if self.hashes.capacity() - self.hashes.len() < set.len() {
            // Growth by doubling would count twice against the memory.
            self.hashes.reserve_exact(set.len().max(self.hashes.len() / 8));
        }
        self.hashes.extend_from_slice(set);
        self.ordinals.push(ordinal);
        self.ends.push(self.hashes.len());
    }

    fn get(&self, ordinal: u64) -> Option<&[u64]> {
        let at = self.ordinals.binary_search(&ordinal).ok()?;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        Some(&self.hashes[start..self.ends[at]])
    }
}

/// The sets of the first of `wanted` that fit into `hashes_max` hashes, at least one.
fn load_sets(corpus: &mut Corpus<'_>, wanted: &[u64], hashes_max: usize) -> Result<Sets> {
    let mut sets = Sets::default();
    let mut full = false;
    let parallel = corpus.parallel;
    in_blocks(corpus, wanted, &mut |block| {
        if full {
            return Ok(());
        }
        let loaded = block.map(parallel, &|ordinal, set| (ordinal, set.to_vec()))?;
        for (ordinal, set) in loaded {
            full = full || (sets.len() > 0 && sets.hashes.len() + set.len() > hashes_max);
            if !full {
                sets.push(ordinal, &set);
            }
        }
        Ok(())
    })?;
    Ok(sets)
}

/// Appends those of `pairs` (whose first documents are in `sets`) that are similar enough.
fn compare(corpus: &mut Corpus<'_>, threshold: f64, pairs: &[Pair], sets: &Sets, edges: &mut Vec<Edge>) -> Result<()> {
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
    in_blocks(corpus, &streamed, &mut |block| {
        edges.extend(block.map(parallel, &of_document)?.into_iter().flatten());
        Ok(())
    })
}

fn edge(pair: Pair, first: &[u64], second: &[u64], threshold: f64) -> Option<Edge> {
    verify::jaccard_at_least(first, second, threshold).map(|jaccard| Edge { pair, jaccard })
}

/// Texts that are worked on together.
#[derive(Debug, Default)]
struct Block {
    text: String,
    /// Ordinal and end of each text.
    documents: Vec<(u64, usize)>,
}

impl Block {
    fn push(&mut self, ordinal: u64, text: &str) {
        self.text.push_str(text);
        self.documents.push((ordinal, self.text.len()));
    }

    fn clear(&mut self) {
        self.text.clear();
        self.documents.clear();
    }

    /// `work` on the set of shingles of each document, in order.
    fn map<T: Send>(&self, parallel: &ParallelFor<'_>, work: &(dyn Fn(u64, &[u64]) -> T + Sync)) -> Result<Vec<T>> {
        in_tasks(parallel, self.documents.len(), &|range| self.map_range(range, work))
    }

    fn map_range<T>(&self, range: Range<usize>, work: &dyn Fn(u64, &[u64]) -> T) -> Vec<T> {
        let (mut folded, mut sets) = (Vec::new(), shingle::Sets::default());
        let mut from = if range.start == 0 { 0 } else { self.documents[range.start - 1].1 };
        let mut results = Vec::with_capacity(range.len());
        for &(ordinal, to) in &self.documents[range] {
            view::fold(self.text.get(from..to).unwrap_or_default(), &mut folded);
            results.push(work(ordinal, sets.of(&folded)));
            from = to;
        }
        results
    }
}

/// `work` on the numbers below `n` in pieces, in parallel; gives one result a number, in order.
fn in_tasks<T: Send>(parallel: &ParallelFor<'_>, n: usize, work: &(dyn Fn(Range<usize>) -> Vec<T> + Sync)) -> Result<Vec<T>> {
    /// Documents of one task: enough to share scratch, few enough to share work.
    const TASK: usize = 16;
    let slots: Vec<Mutex<Vec<T>>> = (0..n.div_ceil(TASK)).map(|_| Mutex::new(Vec::new())).collect();
    parallel(slots.len(), &|task| {
        let results = work(task * TASK..n.min((task + 1) * TASK));
        if let Ok(mut slot) = slots[task].lock() {
            *slot = results;
        }
    });
    let mut all = Vec::with_capacity(n);
    for slot in slots {
        all.extend(slot.into_inner().map_err(|_| Error::internal("a task of verification panicked"))?);
    }
    if all.len() == n { Ok(all) } else { Err(Error::internal("a task of verification was not run")) }
}

/// Loads the texts of `ordinals` and visits them block by block.
fn in_blocks(corpus: &mut Corpus<'_>, ordinals: &[u64], visit: &mut dyn FnMut(&Block) -> Result<()>) -> Result<()> {
    let bytes_max = (corpus.memory / 64).clamp(1 << 16, 1 << 24) as usize;
    let (mut block, mut loaded) = (Block::default(), 0);
    (corpus.texts)(ordinals, &mut |ordinal, text| {
        if ordinals.get(loaded) != Some(&ordinal) {
            return Err(Error::internal(format!("document {ordinal} was loaded out of turn")));
        }
        loaded += 1;
        block.push(ordinal, text);
        if block.text.len() >= bytes_max {
            visit(&block)?;
            block.clear();
        }
        Ok(())
    })?;
    if loaded != ordinals.len() {
        return Err(Error::internal(format!("{loaded} of {} documents were loaded", ordinals.len())));
    }
    if block.documents.is_empty() { Ok(()) } else { visit(&block) }
}
