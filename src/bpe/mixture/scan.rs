//! Goes through a history with given shares, and finds the pairs that should have been merged instead.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::bpe::mixture::history::History;

/// Occurrences a byte are counted by this many bytes, so that figures are neither large nor small.
const UNIT: f64 = 1e5;

/// Which columns are the sample of which source: all of them, or a half of each.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    /// Source of each column that counts.
    pub(crate) sources: Vec<Option<usize>>,
    /// What a count in a source weighs, where the whole text were of it.
    rates: Vec<f64>,
}

impl Columns {
    /// The columns with a source, and the bytes of all of a source together.
    pub(crate) fn new(history: &History, sources: Vec<Option<usize>>, n: usize) -> Self {
        let mut bytes = vec![0_u64; n];
        for (column, source) in sources.iter().enumerate() {
            if let Some(source) = source {
                bytes[*source] += history.bytes[column];
            }
        }
        Self { sources, rates: bytes.into_iter().map(|bytes| UNIT / bytes.max(1) as f64).collect() }
    }

    /// Number of sources.
    pub(crate) fn n(&self) -> usize {
        self.rates.len()
    }
}

/// A pair that is more frequent than the merged one, by more than the slack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Violation {
    pub(crate) step: u32,
    pub(crate) pair: u32,
}

/// What a scan is to do beside finding violations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slacks<'a> {
    /// By merge.
    pub(crate) steps: &'a [f64],
    /// By pair.
    pub(crate) pairs: &'a [f64],
}

/// What a scan found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Pairs, the most violated of each step first.
    pub(crate) violations: Vec<Violation>,
    /// For each of these and for each source: occurrences of the merged pair without those of the other.
    pub(crate) gaps: Vec<f64>,
    /// For each step, how frequent the merged pair is.
    pub(crate) merged: Vec<f64>,
    /// For each step, by how much the first of the others is more frequent; 0 where none is.
    pub(crate) excess: Vec<f64>,
}

/// A value in the heap; the largest is first, then the pair with the smallest number.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Waiting {
    value: f64,
    pair: u32,
}

impl Eq for Waiting {}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.total_cmp(&other.value).then(other.pair.cmp(&self.pair))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Goes through the merges for which `wanted` is true. A violation is smaller than `tolerance`, as a share of how frequent the merged pair is, or it
/// is reported: `most` of them at a step.
pub(crate) fn scan(
    history: &History,
    columns: &Columns,
    shares: &[f64],
    slacks: Slacks<'_>,
    (most, tolerance): (usize, f64),
    wanted: &dyn Fn(usize) -> bool,
) -> Found {
    let n = columns.n();
    let weights: Vec<f64> = shares.iter().zip(&columns.rates).map(|(share, rate)| share * rate).collect();
    // Counts by pair and source.
    let mut counts = vec![0_i64; history.pairs.len() * n];
    let mut values = vec![0_f64; history.pairs.len()];
    let mut heap: BinaryHeap<Waiting> = BinaryHeap::new();
    let mut found = Found::default();
    let mut popped: Vec<Waiting> = Vec::new();
    for step in 0..history.len() {
        for of_pair in history.before(step).chunk_by(|a, b| a.pair == b.pair) {
            let pair = of_pair[0].pair;
            let of = &mut counts[pair as usize * n..][..n];
            let mut touched = false;
            for change in of_pair {
                if let Some(source) = columns.sources[usize::from(change.column)] {
                    of[source] += change.by;
                    touched = true;
                }
            }
            if touched && history.pairs[pair as usize].until > step as u32 {
                let value = value(of, &weights) - slacks.pairs.get(pair as usize).unwrap_or(&0.0);
                values[pair as usize] = value;
                if value > 0.0 {
                    heap.push(Waiting { value, pair });
                }
            }
        }
        let merged = history.merged[step];
        let of_merged = &counts[merged as usize * n..][..n];
        let frequent = value(of_merged, &weights);
        found.merged.push(frequent);
        let least = frequent + slacks.steps.get(step).unwrap_or(&0.0);
        let least = least + tolerance * least.max(f64::MIN_POSITIVE);
        let mut excess = 0.0;
        popped.clear();
        let mut reported = 0;
        while let Some(&top) = heap.peek() {
            if top.value <= least || reported == most {
                break;
            }
            heap.pop();
            // Out of date, twice there, or a token by now.
            if values[top.pair as usize].total_cmp(&top.value).is_ne()
                || popped.last() == Some(&top)
                || history.pairs[top.pair as usize].until <= step as u32
            {
                continue;
            }
            popped.push(top);
            if top.pair == merged {
                continue;
            }
            if reported == 0 {
                excess = top.value - frequent;
            }
            reported += 1;
            if wanted(step) {
                found.violations.push(Violation { step: step as u32, pair: top.pair });
                let of = &counts[top.pair as usize * n..][..n];
                found.gaps.extend((0..n).map(|source| (of_merged[source] - of[source]) as f64 * columns.rates[source]));
            }
        }
        heap.extend(popped.iter().copied());
        found.excess.push(excess);
    }
    found
}

fn value(counts: &[i64], weights: &[f64]) -> f64 {
    counts.iter().zip(weights).map(|(&count, weight)| count as f64 * weight).sum()
}
