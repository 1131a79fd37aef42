//! From candidates to verified pairs: compares the sets of shingles of both, exactly.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::dedup::candidates::Pair;
use crate::dedup::corpus::{Admit, Corpus, Known, Names};
use crate::dedup::edge::{Edge, Ranked};
use crate::dedup::marks::Marks;
use crate::dedup::minhash::{self, Sketch};
use crate::dedup::ordinal::shard_of;
use crate::dedup::text_store::{Bytes, TextStore};
use crate::dedup::{orthography, shingle, verify, view};
use crate::error::{Error, Result};
use crate::io::{Sorted, SortedRuns};
use crate::stage::{ParallelFor, in_parallel};

/// Documents whose sets of shingles are made by one thread at a time.
const TASK_DOCUMENTS: usize = 64;

/// What of a text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    /// Its view.
    Text,
    /// The kanji of it.
    Kanji,
}

/// The pairs with a Jaccard similarity of at least `threshold`.
///
/// The sets of as many first documents as fit are kept in memory, and the second documents are read one after the other, from where
/// the texts of all of them were put aside.
pub(crate) fn verify(corpus: &Corpus<'_>, names: &Names, compare: Compare, threshold: f64, pairs: &Sorted<Pair>) -> Result<Sorted<Ranked>> {
    let mut wanted = Marks::default();
    pairs.each(&mut |pair| {
        wanted.set(names.ordinal(pair.first));
        wanted.set(names.ordinal(pair.second));
        Ok(())
    })?;
    let (sketched, texts) = (Sketched::of(corpus), corpus.texts);
    let load = |wanted: &[u64], give: &mut dyn FnMut(u64, &[u8]) -> Result<()>| match wanted.first().and_then(|&first| sketched.has(first))
    {
        Some(sketches) => sketches(wanted, give),
        None => texts(wanted, &mut |ordinal, text| give(ordinal, text.as_bytes())),
    };
    let texts = TextStore::new(corpus.staging, &wanted, &load, corpus.parallel)?;
    drop(wanted);
    let sets_max = (corpus.memory / 8 / size_of::<u64>() as u64) as usize;
    // How many fit is guessed first (512 shingles a document), and then known from those before.
    let (parallel, admit) = (corpus.parallel, corpus.admit);
    let edges = SortedRuns::new(corpus.staging, corpus.memory / 8);
    let mut verifier =
        Verifier { parallel, admit, compare, names, sketched, threshold, texts, sets_max, guess: (sets_max / 512).max(1), edges };
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

/// Documents of which there are sketches only.
#[derive(Clone, Copy)]
struct Sketched<'a> {
    /// The first work shards, of which some may be sketched.
    shards: u64,
    has_no_text: &'a (dyn Fn(u64) -> bool + Sync),
    sketches: &'a Bytes<'a>,
}

impl<'a> Sketched<'a> {
    fn of(corpus: &Corpus<'a>) -> Self {
        match corpus.known {
            Some(Known { shards, sketched, sketches, .. }) => Self { shards, has_no_text: sketched, sketches },
            None => Self { shards: 0, has_no_text: &|_| false, sketches: &|_, _| Ok(()) },
        }
    }

    /// What loads the sketch of a document, if there is no text.
    fn has(self, ordinal: u64) -> Option<&'a Bytes<'a>> {
        (shard_of(ordinal) < self.shards && (self.has_no_text)(shard_of(ordinal))).then_some(self.sketches)
    }
}

/// What a document is compared by.
enum Compared {
    /// All its shingles.
    Shingles(Box<[u64]>),
    /// Its sketch.
    Sketch(Box<Sketch>),
}

/// A document that is looked at.
enum Shown<'s> {
    /// Its view and its shingles.
    Text(&'s [u32], &'s [u64]),
    /// Its sketch.
    Sketch(&'s Sketch),
}

impl Shown<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Text(_, set) => set.len(),
            Self::Sketch(sketch) => sketch.len() / 2,
        }
    }

    fn to_compared(&self) -> Compared {
        match self {
            Self::Text(_, set) => Compared::Shingles(Box::from(*set)),
            Self::Sketch(sketch) => Compared::Sketch(Box::new(**sketch)),
        }
    }

    /// The similarity to an earlier document, if it is at least the threshold. Where one has a sketch only, it is estimated.
    fn similarity(&self, first: &Compared, threshold: f64) -> Option<f64> {
        match (first, self) {
            (Compared::Shingles(first), Shown::Text(_, second)) => verify::jaccard_at_least(first, second, threshold),
            (Compared::Sketch(first), Shown::Text(view, _)) => {
                Some(minhash::estimate(first, &minhash::sketch(view)?)).filter(|estimate| *estimate >= threshold)
            }
            // Of two known documents no pair is wanted.
            (_, Shown::Sketch(_)) => None,
        }
    }
}

/// Some documents, by their names.
#[derive(Default)]
struct Sets {
    names: Vec<u64>,
    sets: Vec<Compared>,
}

impl Sets {
    fn len(&self) -> usize {
        self.names.len()
    }

    fn get(&self, name: u64) -> Option<&Compared> {
        Some(&self.sets[self.names.binary_search(&name).ok()?])
    }
}

/// Compares the documents of pairs.
struct Verifier<'a> {
    parallel: &'a ParallelFor<'a>,
    admit: &'a Admit<'a>,
    compare: Compare,
    names: &'a Names,
    sketched: Sketched<'a>,
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
        let keep = |name: u64, shown: &Shown<'_>| {
            let before = held.fetch_add(shown.len(), Ordering::Relaxed);
            (Some(&name) == wanted.first() || before + shown.len() <= sets_max).then(|| shown.to_compared())
        };
        let loaded: Vec<Compared> = self.each(wanted, &keep)?.into_iter().map_while(|set| set).collect();
        Ok(Sets { names: wanted[..loaded.len()].to_vec(), sets: loaded })
    }

    /// Notes those of `pairs` (whose first documents are in `sets`) that are similar enough.
    fn compare(&mut self, pairs: &[Pair], sets: &Sets) -> Result<()> {
        let threshold = self.threshold;
        let mut pairs = pairs.to_vec();
        pairs.sort_unstable_by_key(|pair| (pair.second, pair.first));
        let mut seconds: Vec<u64> = pairs.iter().map(|pair| pair.second).collect();
        seconds.dedup();
        let of_document = |name: u64, similarity: &dyn Fn(&Compared) -> Option<f64>| -> Vec<Edge> {
            let start = pairs.partition_point(|pair| pair.second < name);
            let partners = pairs[start..].iter().take_while(|pair| pair.second == name);
            partners.filter_map(|&pair| Some(Edge { pair, jaccard: similarity(sets.get(pair.first)?)? })).collect()
        };
        // What is held already is not made again.
        let is_held = |name: &u64| matches!(sets.get(*name), Some(Compared::Shingles(_))) && self.sketched.shards == 0;
        let (held, streamed): (Vec<u64>, Vec<u64>) = seconds.into_iter().partition(is_held);
        let of_held = |name: u64| match sets.get(name) {
            Some(Compared::Shingles(set)) => of_document(name, &|first| Shown::Text(&[], set).similarity(first, threshold)),
            _ => Vec::new(),
        };
        let of_held = in_tasks(self.parallel, held.len(), &|range| held[range].iter().map(|&name| of_held(name)).collect())?;
        let of_streamed = self.each(&streamed, &|name, shown| Some(of_document(name, &|first| shown.similarity(first, threshold))))?;
        of_held.into_iter().flatten().chain(of_streamed.into_iter().flatten().flatten()).for_each(|edge| self.edges.push(edge.into()));
        self.edges.check()
    }

    /// Runs `work` on each document, some documents a thread. Gives one result for each, in order. Once `work` gives `None`, so do the
    /// documents that follow in this thread.
    fn each<T: Send>(&self, names: &[u64], work: &(dyn Fn(u64, &Shown<'_>) -> Option<T> + Sync)) -> Result<Vec<Option<T>>> {
        let tasks: Vec<&[u64]> = names.chunks(TASK_DOCUMENTS).collect();
        let Self { texts, admit, compare, names: called, sketched, .. } = self;
        let of_task = |task: usize| {
            let mut results = Vec::with_capacity(tasks[task].len());
            let (mut folded, mut sets, mut goes_on) = (Vec::new(), shingle::Sets::default(), true);
            let mut names = tasks[task].iter();
            texts.each(tasks[task].iter().map(|&name| called.ordinal(name)), &mut |ordinal, bytes| {
                let &name = names.next().ok_or_else(|| Error::internal("more texts than documents"))?;
                let mut result = None;
                if sketched.has(ordinal).is_some() {
                    let sketch = minhash::from_bytes(bytes).ok_or_else(|| Error::internal("a sketch of another size"))?;
                    result = if goes_on { work(name, &Shown::Sketch(&sketch)) } else { None };
                } else {
                    let text = std::str::from_utf8(bytes).map_err(|_| Error::internal("a text that was put aside is none"))?;
                    admit(text.len(), &mut || {
                        if goes_on {
                            view::fold(text, &mut folded);
                            if *compare == Compare::Kanji {
                                orthography::fold(&mut folded);
                            }
                            result = work(name, &Shown::Text(&folded, sets.of(&folded)));
                        }
                        if folded.capacity() > view::BUFFER_KEPT {
                            (folded, sets) = Default::default();
                        }
                    });
                }
                goes_on = result.is_some();
                results.push(result);
                Ok(())
            })?;
            Ok(results)
        };
        Ok(in_parallel(self.parallel, tasks.len(), &of_task)?.into_iter().flatten().collect())
    }
}

/// Runs `work` on the numbers below `n` in parallel, range by range; gives one result for each number, in order.
fn in_tasks<T: Send>(parallel: &ParallelFor<'_>, n: usize, work: &(dyn Fn(Range<usize>) -> Vec<T> + Sync)) -> Result<Vec<T>> {
    /// Documents of one task: so few that all threads get work.
    const TASK: usize = 16;
    let tasks = in_parallel(parallel, n.div_ceil(TASK), &|task| Ok(work(task * TASK..n.min((task + 1) * TASK))))?;
    Ok(tasks.into_iter().flatten().collect())
}
