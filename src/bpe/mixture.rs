//! In which proportions a training text mixed kinds of text, told from the order of the merges that were learned from it.
//!
//! The method is that of Hayase et al. (arXiv 2407.16607). Every merge joined the pair that was most frequent in the training text then. With samples
//! of the kinds of text, the count of each pair in a mixture is a sum over the kinds, weighted by their shares; so each merge, and each pair that
//! was not merged then, is a linear inequality of the shares. Samples are not the training text, so slacks are allowed, for each merge and for each pair,
//! and the shares are those that need least slack in all. Nearly all of the inequalities hold anyway: only those of violated pairs enter the linear
//! programme, until none is violated.

mod history;
mod programme;
mod replay;
mod scan;

pub use self::programme::Unsolved;
use self::programme::{Programme, Solved};
pub use self::replay::{Replayed, Samples, TooLong};
use self::scan::{Columns, Found, Slacks, scan};

/// Violated pairs of a merge that enter the programme at a time.
const AT_ONCE: usize = 4;
/// A pair that is more frequent than the merged one by a smaller share than this violates nothing.
const TOLERANCE: f64 = 1e-6;
/// The programme is solved so often at most.
const ROUNDS: usize = 16;
/// Shares that move less than this, twice, have been found: the slacks that are still missing do not turn them.
const STILL: f64 = 1e-3;
/// Merges on either side that tell how frequent a merged pair should be, beside a share of those before it; of all of these so many are looked at.
const NEIGHBOURS: usize = 10;
const LOOKED_AT: usize = 101;

/// Which part of what there is says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// All columns, all merges.
    Whole,
    /// The first columns, or the second ones: those of even numbers are the first.
    Sample(usize),
    /// Every second merge.
    Merges(usize),
}

/// What was inferred.
#[derive(Debug, Clone)]
pub struct Inferred {
    /// The share of each source, by bytes.
    pub shares: Vec<f64>,
    /// Merges that were used.
    pub merges: usize,
    /// Merges for which no pair is more frequent than the merged one, under these shares.
    pub explained: usize,
    /// Merges whose pair is less than half as frequent as those of the merges around it.
    pub rare: usize,
    /// Merges whose pair is in no sample when it is merged.
    pub unseen: usize,
    /// The mean, over the merges, of by how much the first of the others is more frequent, over how frequent merged pairs are there.
    pub shortfall: f64,
    /// Inequalities in the programme at last.
    pub rows: usize,
    /// How often it was solved.
    pub rounds: usize,
}

impl Replayed {
    /// Infers the shares of `n` sources. Columns 2 i and 2 i + 1 are the halves of the sample of source i.
    ///
    /// # Errors
    /// [`Unsolved`] if the solver gives up.
    pub fn infer(&self, n: usize, half: Half) -> Result<Inferred, Unsolved> {
        let history = &self.history;
        let source = |column: usize| match half {
            Half::Sample(half) if column % 2 != half => None,
            _ => Some(column / 2),
        };
        let columns = Columns::new(history, (0..history.columns).map(source).collect(), n);
        let wanted = |step: usize| !matches!(half, Half::Merges(half) if step % 2 != half);
        let mut programme = Programme::default();
        let mut at = Solved { shares: vec![1.0 / n as f64; n], steps: vec![0.0; history.len()], pairs: vec![0.0; history.pairs.len()] };
        let (mut scales, mut of_pairs) = (Vec::new(), Vec::new());
        let (mut rounds, mut unmoved) = (0, 0);
        let mut last: Option<Solved> = None;
        while rounds < ROUNDS && unmoved < 2 {
            let slacks = Slacks { steps: &at.steps, pairs: &at.pairs };
            let mut found: Found = scan(history, &columns, &at.shares, slacks, (AT_ONCE, TOLERANCE), &wanted);
            if found.violations.is_empty() {
                break;
            }
            if rounds == 0 {
                scales = around(&found.merged);
                // A pair is as frequent as those that are merged when it is, or less than the last of all.
                let last = |pair: &history::Pair| (pair.until as usize).clamp(1, history.len()) - 1;
                of_pairs = history.pairs.iter().map(|pair| scales[last(pair)]).collect();
            }
            programme.rows.append(&mut found.violations);
            programme.gaps.append(&mut found.gaps);
            let solved = programme.solve(n, &scales, &of_pairs)?;
            // Solutions leap from one side of the best shares to the other; what lies between two of them is nearer.
            let next = last.as_ref().map_or_else(|| solved.clone(), |last| last.between(&solved));
            let moved = at.shares.iter().zip(&next.shares).map(|(before, after)| (before - after).abs()).fold(0.0, f64::max);
            unmoved = if moved < STILL { unmoved + 1 } else { 0 };
            (at, last, rounds) = (next, Some(solved), rounds + 1);
        }
        let none = Slacks { steps: &[], pairs: &[] };
        let found = scan(history, &columns, &at.shares, none, (1, TOLERANCE), &|_| false);
        let usual = around(&found.merged);
        let n_of = |is: &dyn Fn(usize) -> bool| (0..history.len()).filter(|&step| is(step)).count();
        let behind: f64 = found.excess.iter().zip(&usual).map(|(excess, usual)| excess / usual).sum();
        Ok(Inferred {
            merges: history.len(),
            explained: n_of(&|step| found.excess[step] == 0.0 && found.merged[step] > 0.0),
            rare: n_of(&|step| found.merged[step] < usual[step] / 2.0),
            unseen: n_of(&|step| found.merged[step] == 0.0),
            shortfall: behind / history.len().max(1) as f64,
            shares: at.shares,
            rows: programme.rows.len(),
            rounds,
        })
    }
}

/// How frequent merged pairs are about each merge: the median around it. Single ones are off by chance, or in no sample at all.
fn around(merged: &[f64]) -> Vec<f64> {
    let mut some = Vec::new();
    let middle = |at: usize, some: &mut Vec<f64>| {
        let reach = NEIGHBOURS + at / 10;
        let (from, to) = (at.saturating_sub(reach), (at + reach + 1).min(merged.len()));
        some.clear();
        some.extend(merged[from..to].iter().step_by((to - from).div_ceil(LOOKED_AT)).copied().filter(|frequency| *frequency > 0.0));
        some.sort_unstable_by(f64::total_cmp);
        some.get(some.len() / 2).copied().unwrap_or(1.0)
    };
    (0..merged.len()).map(|at| middle(at, &mut some)).collect()
}

#[cfg(test)]
mod tests;
