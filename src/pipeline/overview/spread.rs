//! How the values of a measure are spread, source by source, and what another threshold would keep.
//!
//! Values are counted in cells between the values that somebody would write as a threshold (two or three digits) and the thresholds of the
//! plan, so that what is read off at any of these is exact. A document that another rule rejects too is not in the balance: no
//! threshold of this rule brings it back.

use std::collections::BTreeMap;

use crate::decide::losses::Amount;
use crate::decide::{Bound, Explained, Side, Thresholds};
use crate::quality::MEASURES;
use crate::schema::{LISTED, QUALITY};

/// Values at which a threshold can be put, at most; a page has as many bars.
const EDGES_MAX: usize = 48;
/// Cells of one count hold the values outside of the drawn range: a share of the documents on either side.
const OUTSIDE: f64 = 0.005;
/// Two ways to say that a text has hiragana: one is enough.
const EITHER: [&str; 2] = ["hiragana", "hiragana_of_all"];

/// One threshold of the plan, and the measure that it looks at.
#[derive(Debug, Clone)]
pub struct Spread {
    /// The sources it is for: the pattern of a rule of the plan, `*` for all others.
    pub pattern: String,
    /// Name of the rule, and of the plan's key.
    pub rule: String,
    /// Name of the measure.
    pub measure: String,
    /// Is the rule a key of `quality.thresholds`? Those of reproduced presets are not.
    pub settable: bool,
    /// What is measured.
    pub about: String,
    /// On which side a document fails.
    pub side: Side,
    /// Thresholds by the presets that apply them; one, but where the plan chooses among presets.
    pub limits: Vec<(String, f64)>,
    /// Why the first of them has its value.
    pub reason: String,
    /// Values at which the threshold can be put, ascending; those of `limits` are among them.
    pub edges: Vec<f64>,
    /// Documents between the edges, one entry more than these: all that were measured, and those that fail.
    pub measured: Vec<(u64, u64)>,
    /// What is in the balance, by source.
    pub sources: Vec<Balance>,
}

/// What a threshold decides on in one source.
#[derive(Debug, Clone, Default)]
pub struct Balance {
    /// Index of the source.
    pub source: usize,
    /// Kept wherever the threshold is.
    pub kept: Amount,
    /// Rejected wherever the threshold is: by other rules, as duplicates and so on.
    pub lost: Amount,
    /// In the balance and rejected by the run.
    pub now: Amount,
    /// In the balance, between the edges.
    pub cells: Vec<Amount>,
}

impl Spread {
    /// What would be kept of a source (an entry of `sources`) with the threshold at an edge.
    pub fn kept_at(&self, balance: &Balance, edge: usize) -> Amount {
        let mut kept = balance.kept;
        for (cell, amount) in balance.cells.iter().enumerate() {
            if (cell <= edge) != (self.side == Side::Min) {
                add(&mut kept, *amount);
            }
        }
        kept
    }
}

fn add(sum: &mut Amount, more: Amount) {
    sum.documents += more.documents;
    sum.characters += more.characters;
}

/// What became of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is in documents/.
    Kept,
    /// A threshold rejected it, and nothing but thresholds.
    ByThresholds,
    /// Something else rejected it.
    ByAnother,
}

/// A spread that is being counted.
pub(super) struct Counting {
    pattern: String,
    bound: Bound,
    limits: Vec<(String, f64)>,
    /// All edges.
    grid: Vec<f64>,
    all: BTreeMap<usize, (u64, u64)>,
    sources: BTreeMap<usize, Sums>,
    whole: bool,
}

#[derive(Default)]
struct Sums {
    kept: Amount,
    lost: Amount,
    now: Amount,
    cells: BTreeMap<usize, Amount>,
}

impl Counting {
    pub(super) fn new(pattern: &str, preset: &str, bound: &Bound) -> Self {
        let mut counting = Self {
            pattern: pattern.to_owned(),
            bound: *bound,
            limits: Vec::new(),
            grid: grid([QUALITY.name, LISTED.name].contains(&bound.column.name)),
            all: BTreeMap::new(),
            sources: BTreeMap::new(),
            whole: true,
        };
        counting.limit(preset, bound);
        counting
    }

    /// Is it the same rule for the same sources?
    pub(super) fn is_of(&self, pattern: &str, bound: &Bound) -> bool {
        self.pattern == pattern && self.bound.rule == bound.rule
    }

    /// Another preset has a threshold for it.
    pub(super) fn limit(&mut self, preset: &str, bound: &Bound) {
        let Some(value) = bound.value else { return };
        self.limits.push((preset.to_owned(), value));
        if let Err(at) = self.grid.binary_search_by(|edge| edge.total_cmp(&value)) {
            self.grid.insert(at, value);
        }
    }

    pub(super) fn rule(&self) -> &'static str {
        self.bound.rule
    }

    /// Counts a document: `measures` are all of it, `at` the one of this rule.
    pub(super) fn count(&mut self, source: usize, amount: Amount, fate: Fate, measures: &[Explained], at: usize) {
        let Some(own) = measures.get(at) else { return };
        let fails = |measure: &Explained| !measure.exempt && measure.value.is_some_and(|value| measure.side.fails(value, measure.limit));
        let partner = |measure: &Explained| EITHER.contains(&own.rule) && EITHER.contains(&measure.rule) && measure.rule != own.rule;
        let spared = measures.iter().any(|measure| partner(measure) && measure.value.is_some() && !fails(measure));
        let others = measures.iter().enumerate().any(|(n, measure)| n != at && !measure.holds && !partner(measure));
        let cell = own.value.map(|value| {
            self.whole &= value.fract() == 0.0;
            self.cell(value)
        });
        if let Some(cell) = cell {
            let (all, failed) = self.all.entry(cell).or_default();
            *all += 1;
            *failed += u64::from(fails(own) && !spared);
        }
        let sums = self.sources.entry(source).or_default();
        match cell {
            _ if fate == Fate::ByAnother || others => add(&mut sums.lost, amount),
            Some(cell) if !own.exempt && !spared => {
                add(sums.cells.entry(cell).or_default(), amount);
                if fate != Fate::Kept {
                    add(&mut sums.now, amount);
                }
            }
            _ => add(&mut sums.kept, amount),
        }
    }

    /// The cell of a value: at an edge it lies on the side that holds.
    fn cell(&self, value: f64) -> usize {
        self.grid.partition_point(|&edge| if self.bound.side == Side::Max { edge < value } else { edge <= value })
    }

    pub(super) fn finish(self) -> Spread {
        let chosen = self.chosen();
        // A cell of the grid lies in the page's cell behind the last edge chosen that is not above it.
        let place = |cell: usize| chosen.partition_point(|&edge| edge < cell);
        let mut measured = vec![(0, 0); chosen.len() + 1];
        for (&cell, &(all, failed)) in &self.all {
            let sum = &mut measured[place(cell)];
            *sum = (sum.0 + all, sum.1 + failed);
        }
        let balance = |(source, sums): (usize, Sums)| {
            let mut cells = vec![Amount::default(); chosen.len() + 1];
            sums.cells.iter().for_each(|(&cell, &amount)| add(&mut cells[place(cell)], amount));
            Balance { source, kept: sums.kept, lost: sums.lost, now: sums.now, cells }
        };
        let about = MEASURES.iter().find(|measure| self.bound.column.name == QUALITY.name && measure.name == self.bound.measure);
        Spread {
            pattern: self.pattern,
            rule: self.bound.rule.to_owned(),
            measure: self.bound.measure.to_owned(),
            settable: Thresholds::default().bounds().iter().any(|bound| bound.rule == self.bound.rule),
            about: about.map_or("", |measure| measure.about).to_owned(),
            side: self.bound.side,
            limits: self.limits,
            reason: self.bound.reason.to_owned(),
            edges: chosen.iter().map(|&edge| self.grid[edge]).collect(),
            measured,
            sources: self.sources.into_iter().map(balance).collect(),
        }
    }

    /// The edges that a page has, by their places in the grid.
    fn chosen(&self) -> Vec<usize> {
        let total: u64 = self.all.values().map(|(all, _)| all).sum();
        let (mut low, mut high, mut below) = (usize::MAX, 0, 0);
        for (&cell, &(all, _)) in &self.all {
            if below as f64 <= total as f64 * (1.0 - OUTSIDE) {
                high = cell;
            }
            below += all;
            if low == usize::MAX && below as f64 > total as f64 * OUTSIDE {
                low = cell;
            }
        }
        let limits: Vec<usize> =
            self.limits.iter().filter_map(|(_, value)| self.grid.binary_search_by(|edge| edge.total_cmp(value)).ok()).collect();
        let low = limits.iter().copied().chain([low.saturating_sub(1)]).min().unwrap_or(0).min(self.grid.len() - 1);
        let high = limits.iter().copied().chain([high]).max().unwrap_or(0).min(self.grid.len() - 1);
        let (from, to) = (self.grid[low], self.grid[high]);
        let wanted = |steps: &Steps| -> Vec<usize> {
            let (from, to) = steps.widened(from, to);
            (0..self.grid.len())
                .filter(|at| limits.contains(at) || (from..=to).contains(&self.grid[*at]) && steps.has(self.grid[*at], self.whole))
                .collect()
        };
        // Shares end at 1, and nothing is beyond it.
        let scales = Steps::all(to > 1.5);
        scales.iter().map(wanted).find(|edges| edges.len() <= EDGES_MAX).unwrap_or(limits)
    }
}

/// A series of values that one would write down.
enum Steps {
    /// Multiples.
    Linear(f64),
    /// So many a decade.
    Decade(&'static [f64]),
}

impl Steps {
    /// From fine to coarse.
    fn all(wide: bool) -> Vec<Self> {
        if wide {
            vec![
                Self::Decade(&[1.0, 1.1, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.5, 2.8, 3.2, 3.6, 4.0, 4.5, 5.0, 5.6, 6.3, 7.1, 8.0, 9.0]),
                Self::Decade(&[1.0, 1.2, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.3, 8.0]),
                Self::Decade(&[1.0, 1.6, 2.5, 4.0, 6.3]),
                Self::Decade(&[1.0, 2.0, 5.0]),
                Self::Decade(&[1.0]),
            ]
        } else {
            [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1].map(Self::Linear).into()
        }
    }

    /// Some room beside the values, so that a threshold can be put there.
    fn widened(&self, from: f64, to: f64) -> (f64, f64) {
        match self {
            Self::Linear(step) => ((from - step * 4.0).max(0.0), (to + step * 4.0).min(1.0)),
            Self::Decade(_) => (from / 2.0, to * 2.0),
        }
    }

    fn has(&self, value: f64, whole: bool) -> bool {
        // Thresholds of single precision are not quite their decimals.
        match self {
            Self::Linear(step) => ((value / step).round() * step - value).abs() < value.abs() * 1e-6 + 1e-9,
            Self::Decade(_) if value == 0.0 => true,
            Self::Decade(_) if whole && value.fract() != 0.0 => false,
            Self::Decade(steps) => {
                let unit = 10_f64.powf(value.log10().floor());
                steps.iter().any(|step| (step * unit - value).abs() < value * 1e-6 || (step * unit * 10.0 - value).abs() < value * 1e-6)
            }
        }
    }
}

/// Values from 0 to a billion that one would write as a threshold: two digits, three between a tenth and one. `single`: in single precision,
/// as thresholds of the plan are.
fn grid(single: bool) -> Vec<f64> {
    let digits = |from: u32, to: u32, over: f64| (from..to).map(move |n| f64::from(n) / over);
    let small = [1e5, 1e4, 1e3].into_iter().flat_map(|over| digits(10, 100, over));
    let large = (0..9).flat_map(|zeros| (10_u32..100).map(move |n| f64::from(n) * 10_f64.powi(zeros) / 10.0));
    let all = [0.0].into_iter().chain(small).chain(digits(100, 1000, 1e3)).chain(large);
    all.map(|value| if single { f64::from(value as f32) } else { value }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Preset;

    fn bound(rule: &str) -> Bound {
        *Preset::Web.bounds(&Thresholds::default()).iter().find(|bound| bound.rule == rule).unwrap()
    }

    fn explained(bound: &Bound, value: Option<f64>) -> Explained {
        let limit = bound.value.unwrap();
        Explained {
            rule: bound.rule,
            measure: bound.measure,
            value,
            side: bound.side,
            limit,
            holds: value.is_none_or(|value| !bound.side.fails(value, limit)),
            exempt: false,
            reason: bound.reason,
        }
    }

    const ONE: Amount = Amount { documents: 1, characters: 10 };

    #[test]
    fn the_grid_ascends() {
        for single in [false, true] {
            assert!(grid(single).windows(2).all(|pair| pair[0] < pair[1]));
        }
        assert!(grid(true).contains(&f64::from(0.35_f32)) && grid(true).contains(&120.0));
    }

    #[test]
    fn what_is_read_off_an_edge_is_what_the_rule_does_there() {
        for (rule, values) in
            [("repeated", [0.0, 0.1, 0.35, 0.5, 0.501, 0.7, 1.0, 0.2]), ("min_chars", [1., 50., 99., 100., 101., 400., 7e5, 3.])]
        {
            let bound = bound(rule);
            let mut counting = Counting::new("*", "web", &bound);
            let values = values.map(|value| f64::from(value as f32));
            for value in values {
                let measure = explained(&bound, Some(value));
                counting.count(0, ONE, if measure.holds { Fate::Kept } else { Fate::ByThresholds }, &[measure], 0);
            }
            let spread = counting.finish();
            assert!(spread.edges.len() <= EDGES_MAX + 1 && spread.edges.contains(&bound.value.unwrap()), "{:?}", spread.edges);
            for (at, edge) in spread.edges.iter().enumerate() {
                let kept = values.iter().filter(|value| !bound.side.fails(**value, *edge)).count() as u64;
                assert_eq!(spread.kept_at(&spread.sources[0], at), Amount { documents: kept, characters: kept * 10 }, "{rule} {edge}");
            }
            let failing = values.iter().filter(|value| bound.side.fails(**value, bound.value.unwrap())).count() as u64;
            assert_eq!(spread.measured.iter().fold((0, 0), |sum, cell| (sum.0 + cell.0, sum.1 + cell.1)), (8, failing));
            assert_eq!(spread.sources[0].now.documents, failing);
        }
    }

    #[test]
    fn what_something_else_decides_is_not_in_the_balance() {
        let (repeated, chars) = (bound("repeated"), bound("min_chars"));
        let mut counting = Counting::new("*", "web", &repeated);
        let both = [explained(&repeated, Some(0.9)), explained(&chars, Some(3.0))];
        counting.count(0, ONE, Fate::ByThresholds, &both, 0);
        counting.count(0, ONE, Fate::ByAnother, &[explained(&repeated, Some(0.1))], 0);
        counting.count(1, ONE, Fate::Kept, &[explained(&repeated, None)], 0);
        counting.count(1, ONE, Fate::Kept, &[Explained { exempt: true, ..explained(&repeated, Some(0.9)) }], 0);
        let spread = counting.finish();
        assert_eq!((spread.sources[0].lost.documents, spread.sources[1].kept.documents), (2, 2));
        assert!(spread.sources.iter().all(|source| source.cells.iter().all(|cell| cell.documents == 0)));
    }

    #[test]
    fn one_of_two_rules_for_hiragana_is_enough() {
        let set = Thresholds { hiragana: Some(0.2), hiragana_of_all: Some(0.1), ..Thresholds::default() };
        let bounds = Preset::None.bounds(&set);
        let measures = |hiragana: f64, of_all: f64| {
            let mut all = [explained(&bounds[0], Some(hiragana)), explained(&bounds[1], Some(of_all))];
            let either = all.iter().any(|measure| measure.holds);
            for measure in &mut all {
                measure.holds |= either;
            }
            all
        };
        let mut counting = Counting::new("*", "none", &bounds[0]);
        counting.count(0, ONE, Fate::Kept, &measures(0.1, 0.5), 0);
        counting.count(0, ONE, Fate::ByThresholds, &measures(0.1, 0.05), 0);
        let spread = counting.finish();
        assert_eq!((spread.sources[0].kept.documents, spread.sources[0].now.documents), (1, 1));
        let lowest = spread.edges.iter().position(|edge| *edge > 0.05 && *edge < 0.1).unwrap();
        assert_eq!(spread.kept_at(&spread.sources[0], lowest).documents, 2);
    }
}
