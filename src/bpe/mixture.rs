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

use self::programme::{Programme, Solved};
pub use self::programme::Unsolved;
pub use self::replay::{Replayed, Samples, TooLong};
use self::scan::{Columns, Found, Slacks, scan};

/// Violated pairs of a merge that enter the programme at a time.
const AT_ONCE: usize = 4;
/// A pair that is more frequent than the merged one by a smaller share than this violates nothing.
const TOLERANCE: f64 = 1e-6;
/// The programme is solved so often at most.
const ROUNDS: usize = 40;

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
    /// Merges whose pair is in no sample when it is merged.
    pub unseen: usize,
    /// The sum of all slacks, over the sum of the frequencies of the merged pairs.
    pub slack: f64,
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
        let mut solved = Solved { shares: vec![1.0 / n as f64; n], steps: Vec::new(), pairs: Vec::new(), slack: 0.0 };
        let mut rounds = 0;
        loop {
            let slacks = Slacks { steps: &solved.steps, pairs: &solved.pairs };
            let mut found: Found = scan(history, &columns, &solved.shares, slacks, (AT_ONCE, TOLERANCE), &wanted);
            if found.violations.is_empty() || rounds == ROUNDS {
                break;
            }
            programme.rows.append(&mut found.violations);
            programme.gaps.append(&mut found.gaps);
            solved = programme.solve(n, history.len(), history.pairs.len())?;
            rounds += 1;
            if std::env::var_os("MIX_DEBUG").is_some() { eprintln!("round {rounds} rows {} shares {:?} slack {}", programme.rows.len(), solved.shares, solved.slack); }
        }
        let none = Slacks { steps: &[], pairs: &[] };
        let found = scan(history, &columns, &solved.shares, none, (1, TOLERANCE), &|_| false);
        let explained = found.excess.iter().zip(&found.merged).filter(|(excess, merged)| **excess == 0.0 && **merged > 0.0).count();
        let unseen = found.merged.iter().filter(|merged| **merged == 0.0).count();
        let frequencies: f64 = found.merged.iter().sum();
        let slack = if frequencies > 0.0 { solved.slack / frequencies } else { 1.0 };
        Ok(Inferred { shares: solved.shares, merges: history.len(), explained, unseen, slack, rows: programme.rows.len(), rounds })
    }
}

#[cfg(test)]
mod tests;
