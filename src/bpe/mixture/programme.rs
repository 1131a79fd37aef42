//! The linear programme: shares, and as little slack as possible.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, NonnegativeConeT, SolverStatus, ZeroConeT};
use rustc_hash::FxHashMap;

use crate::bpe::mixture::scan::Violation;

/// One row for each violation that was found: Σ share × gap + slack of the step + slack of the pair ≥ 0.
#[derive(Debug, Default)]
pub(crate) struct Programme {
    pub(crate) rows: Vec<Violation>,
    /// For each row and source.
    pub(crate) gaps: Vec<f64>,
}

/// Shares and slacks.
#[derive(Debug, Clone)]
pub(crate) struct Solved {
    pub(crate) shares: Vec<f64>,
    pub(crate) steps: Vec<f64>,
    pub(crate) pairs: Vec<f64>,
}

impl Solved {
    /// What lies half way between two solutions; it keeps the rows that both keep.
    pub(crate) fn between(&self, other: &Self) -> Self {
        let middle = |ours: &[f64], theirs: &[f64]| ours.iter().zip(theirs).map(|(ours, theirs)| f64::midpoint(*ours, *theirs)).collect();
        Self {
            shares: middle(&self.shares, &other.shares),
            steps: middle(&self.steps, &other.steps),
            pairs: middle(&self.pairs, &other.pairs),
        }
    }
}

/// The solver gave up; its own word for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsolved(pub String);

/// Variables of slacks by what they belong to.
#[derive(Default)]
struct Slacks {
    of: FxHashMap<u32, usize>,
    all: Vec<u32>,
}

impl Slacks {
    fn new(belongs: impl Iterator<Item = u32>) -> Self {
        let mut slacks = Self::default();
        for id in belongs {
            let next = slacks.all.len();
            if *slacks.of.entry(id).or_insert(next) == next {
                slacks.all.push(id);
            }
        }
        slacks
    }
}

impl Programme {
    /// Solves it for `n` sources. A slack costs what it is over the scale of its merge, or of its pair.
    ///
    /// # Errors
    /// [`Unsolved`]
    pub(crate) fn solve(&self, n: usize, scales: &[f64], of_pair: &[f64]) -> Result<Solved, Unsolved> {
        // A pair with one row needs no slack of its own: that of the step costs as much, and serves other rows too.
        let mut times: FxHashMap<u32, u32> = FxHashMap::default();
        self.rows.iter().for_each(|row| *times.entry(row.pair).or_default() += 1);
        let of_steps = Slacks::new(self.rows.iter().map(|row| row.step));
        let of_pairs = Slacks::new(self.rows.iter().map(|row| row.pair).filter(|pair| times[pair] > 1));
        let (first_pair, variables) = (n + of_steps.all.len(), n + of_steps.all.len() + of_pairs.all.len());
        let mut entries = Entries::default();
        (0..n).for_each(|source| entries.put(0, source, 1.0));
        for (at, row) in self.rows.iter().enumerate() {
            let (of_row, scale) = (1 + at, scales[row.step as usize]);
            for (source, &gap) in self.gaps[at * n..][..n].iter().enumerate().filter(|(_, gap)| **gap != 0.0) {
                entries.put(of_row, source, -gap / scale);
            }
            entries.put(of_row, n + of_steps.of[&row.step], -1.0);
            if let Some(slack) = of_pairs.of.get(&row.pair) {
                entries.put(of_row, first_pair + slack, -of_pair[row.pair as usize] / scale);
            }
        }
        let rows = 1 + self.rows.len();
        (0..variables).for_each(|variable| entries.put(rows + variable, variable, -1.0));
        let height = rows + variables;
        let matrix = CscMatrix::new_from_triplets(height, variables, entries.rows, entries.columns, entries.values);
        let mut bound = vec![0.0; height];
        bound[0] = 1.0;
        let cost: Vec<f64> = (0..variables).map(|variable| if variable < n { 0.0 } else { 1.0 }).collect();
        let cones = [ZeroConeT(1), NonnegativeConeT(height - 1)];
        // Slacks make every programme feasible: what looks like a proof of the opposite is a matter of rounding.
        let settings = DefaultSettings { verbose: false, tol_infeas_abs: 1e-15, tol_infeas_rel: 1e-15, ..DefaultSettings::default() };
        let none = CscMatrix::zeros((variables, variables));
        let solver = DefaultSolver::new(&none, &cost, &matrix, &bound, &cones, settings);
        let mut solver = solver.map_err(|error| Unsolved(error.to_string()))?;
        solver.solve();
        let x = &solver.solution.x;
        let sum: f64 = x[..n].iter().map(|share| share.max(0.0)).sum();
        // Where rounding ends the search early, the last point is good enough for another round: any shares keep all rows, with slack enough.
        let is_known = matches!(
            solver.solution.status,
            SolverStatus::Solved | SolverStatus::AlmostSolved | SolverStatus::InsufficientProgress | SolverStatus::MaxIterations
        );
        if !is_known || !x.iter().all(|value| value.is_finite()) || (sum - 1.0).abs() > 1e-3 {
            return Err(Unsolved(format!("{:?}", solver.solution.status)));
        }
        let mut solved = Solved { shares: Vec::new(), steps: vec![0.0; scales.len()], pairs: vec![0.0; of_pair.len()] };
        solved.shares.extend(x[..n].iter().map(|share| share.max(0.0) / sum));
        for (slot, &step) in of_steps.all.iter().enumerate() {
            solved.steps[step as usize] = x[n + slot].max(0.0) * scales[step as usize];
        }
        for (slot, &pair) in of_pairs.all.iter().enumerate() {
            solved.pairs[pair as usize] = x[first_pair + slot].max(0.0) * of_pair[pair as usize];
        }
        Ok(solved)
    }
}

#[derive(Default)]
struct Entries {
    rows: Vec<usize>,
    columns: Vec<usize>,
    values: Vec<f64>,
}

impl Entries {
    fn put(&mut self, row: usize, column: usize, value: f64) {
        self.rows.push(row);
        self.columns.push(column);
        self.values.push(value);
    }
}
