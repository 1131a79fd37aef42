//! From partial tables to verdicts: finds exact copies, then candidates, verifies them and decides.
//!
//! Memory is bounded: keys and pairs that are too many are put aside on disk, and candidates are verified in blocks. Neither changes the
//! result, because the verified pairs depend on the documents and their order only. Keys are read once, and so is the text of a candidate:
//! what is compared again comes from where it was put aside.

use std::ops::Range;

use crate::dedup::anchor::{Decided, decide, decide_further, with_anchors};
use crate::dedup::bands::Bands;
use crate::dedup::candidates::{Key, Pair, Partners};
use crate::dedup::corpus::{Corpus, Names};
use crate::dedup::edge::{Edge, Ranked};
use crate::dedup::filter::Filter;
use crate::dedup::marks::Marks;
use crate::dedup::matching::{Found, pair_up};
use crate::dedup::options::Options;
use crate::dedup::ordinal::{ordinal, shard_of};
use crate::dedup::partial_table::Partial;
use crate::dedup::verdict::Kind;
use crate::dedup::verdicts::Verdicts;
use crate::dedup::verifier::{Compare, verify};
use crate::error::{Error, Result};
use crate::io::{Sorted, SortedRuns};

/// The partners of a document among those with an equal band. On 20,000 web-like documents with many templates, comparing all of
/// them finds 3,254 near-duplicates, the first one alone 3,219, the first four and the previous one 3,253 with a third of the pairs.
const NEIGHBOURS: Partners = Partners { firsts: 4, previous: true };

/// Finds exact duplicates and near-duplicates. The result depends only on the eligible documents and their order.
///
/// Errors: those of the closures and of the system; internal if a partial table has other columns or other bands than the options say.
pub fn resolve(options: &Options, corpus: &mut Corpus<'_>) -> Result<Verdicts> {
    let (names, known) = (Names::new(corpus)?, corpus.known);
    let copies = if options.exact { find_copies(corpus, &names)? } else { Sorted::Held(Vec::new()) };
    let edges = match options.threshold() {
        Some(threshold) => {
            let candidates = find_candidates(corpus, &names, options.bands.shape().0, &copies)?;
            verify(corpus, &names, Compare::Text, threshold, &candidates)?
        }
        None => Sorted::Held(Vec::new()),
    };
    let before = |name: u64| match known {
        Some(known) if names.is_known(name) => (known.removed)(names.ordinal(name)).map(|verdict| names.named(verdict)),
        _ => None,
    };
    let aside = corpus.aside();
    let mut decided = decide(&copies, &|visit| each_edge(&edges, visit), &before, aside)?;
    drop((copies, edges));
    if let Some(threshold) = options.orthography_threshold() {
        let candidates = find_orthographies(corpus, &names, &decided)?;
        let edges = verify(corpus, &names, Compare::Kanji, threshold, &candidates)?;
        decided = decide_further(decided, &|visit| each_edge(&edges, visit), Kind::Orthography, aside)?;
    }
    let affected = names.unnamed(with_anchors(&decided.removed, aside)?, aside)?;
    Ok(Verdicts::new(affected, names.unnamed_families(decided.families, aside)?))
}

fn each_edge(edges: &Sorted<Ranked>, visit: &mut dyn FnMut(Edge)) -> Result<()> {
    edges.each(&mut |ranked: Ranked| {
        visit(ranked.edge());
        Ok(())
    })
}

/// All pairs of documents that are kept so far and share a band of their kanji.
fn find_orthographies(corpus: &mut Corpus<'_>, names: &Names, decided: &Decided) -> Result<Sorted<Pair>> {
    let mut is_removed = Marks::default();
    decided.removed.each(&mut |affected| {
        is_removed.set(names.ordinal(affected.ordinal));
        Ok(())
    })?;
    let bands = Bands::ORTHOGRAPHY.shape().0 as u64;
    find_pairs(corpus, names, (NEIGHBOURS, bands, false), &|ordinal, partial, row, visit| {
        let keys = if is_removed.has(ordinal) { &[] } else { partial.orthography_keys(row) };
        keys.iter().try_for_each(|&key| visit(key))
    })
}

/// Calls `visit` with ordinal, partial table and row of every eligible document of some work shards.
fn scan(corpus: &mut Corpus<'_>, shards: Range<u64>, visit: &mut dyn FnMut(u64, &Partial<'_>, usize) -> Result<()>) -> Result<()> {
    for shard in shards {
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

/// Calls its second argument with the keys of a document: its ordinal, its partial table and its row in that.
type KeysOf<'a, K> = dyn Fn(u64, &Partial<'_>, usize, &mut dyn FnMut(K) -> Result<()>) -> Result<()> + 'a;

/// The pairs of documents that share a key, of which a document has so many at most; none is a pair of known documents, or begins with a known
/// one that was removed, unless `of_removed` says so.
fn find_pairs<K: Key>(
    corpus: &mut Corpus<'_>,
    names: &Names,
    (partners, keys_max, of_removed): (Partners, u64, bool),
    keys_of: &KeysOf<'_, K>,
) -> Result<Sorted<Pair>> {
    let (room, shards, known) = (corpus.room(), corpus.shards, corpus.known);
    let mut entries = corpus.documents.saturating_mul(keys_max);
    // Of known documents only keys matter that others have, too.
    let filter = match known {
        None => None,
        Some(known) => {
            let new = (corpus.documents - known.documents).saturating_mul(keys_max);
            let (mut filter, mut count) = (Filter::new(new, corpus.memory / 8), 0_u64);
            scan(corpus, known.shards..shards, &mut |ordinal, partial, row| {
                keys_of(ordinal, partial, row, &mut |key| {
                    count += 1;
                    filter.add(key.rank());
                    Ok(())
                })
            })?;
            entries = entries.min(count.saturating_mul(4));
            Some(filter)
        }
    };
    let wanted = |pair: Pair| match known {
        Some(known) => {
            !names.is_known(pair.second)
                && (of_removed || !names.is_known(pair.first) || (known.removed)(names.ordinal(pair.first)).is_none())
        }
        None => true,
    };
    let mut found = Found { wanted: &wanted, pairs: SortedRuns::new(corpus.staging, corpus.memory / 8) };
    let mut keys = |visit: &mut dyn FnMut(K, u64) -> Result<()>| {
        scan(corpus, 0..shards, &mut |ordinal, partial, row| {
            let passes = |key: K| match &filter {
                Some(filter) if shard_of(ordinal) < names.known_shards => filter.may_have(key.rank()),
                _ => true,
            };
            let name = names.of(ordinal);
            keys_of(ordinal, partial, row, &mut |key| if passes(key) { visit(key, name) } else { Ok(()) })
        })
    };
    pair_up(room, partners, entries, &mut keys, &mut found)?;
    found.pairs.finish()
}

/// Documents with the text of an earlier one, each paired with the first document that has this text.
fn find_copies(corpus: &mut Corpus<'_>, names: &Names) -> Result<Sorted<Pair>> {
    find_pairs(corpus, names, (Partners::FIRST, 1, true), &|_, partial, row, visit| partial.hash(row).map_or(Ok(()), visit))
}

/// All pairs that share one of `bands` bands and are paired there. Exact copies take no part.
fn find_candidates(corpus: &mut Corpus<'_>, names: &Names, bands: usize, copies: &Sorted<Pair>) -> Result<Sorted<Pair>> {
    let mut is_copy = Marks::default();
    copies.each(&mut |pair: Pair| {
        is_copy.set(names.ordinal(pair.second));
        Ok(())
    })?;
    find_pairs(corpus, names, (NEIGHBOURS, bands as u64, false), &|ordinal, partial, row, visit| {
        let keys = partial.keys(row);
        if is_copy.has(ordinal) {
            return Ok(());
        }
        if !keys.is_empty() && keys.len() != bands {
            return Err(Error::internal(format!("a partial table has {} bands, the plan {bands}", keys.len())));
        }
        keys.iter().try_for_each(|&key| visit(key))
    })
}
