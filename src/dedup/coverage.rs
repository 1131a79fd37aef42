//! How much of a probe stands in a stretch of a view: the share of its code points that stand there in runs of five or more.
//!
//! A code point of the probe is covered by a stretch if one of the five-grams that hold it is a five-gram of the stretch. So the order of sentences
//! does not count, nor what stands between them, and an edit costs the code points around it that no whole run is left of.

use std::ops::Range;

use rustc_hash::FxHashMap;

/// Code points of a run.
pub const RUN: usize = 5;

/// The five-grams of a probe, and how much of it a stretch covers.
#[derive(Debug, Default)]
pub struct Coverage {
    /// Number of each distinct five-gram.
    numbers: FxHashMap<[u32; RUN], u32>,
    /// By number: where it begins in the probe.
    places: Vec<Vec<u32>>,
    /// By number: how often it stands in the stretch.
    counts: Vec<u32>,
    /// By code point: how many five-grams of the stretch hold it.
    covers: Vec<u32>,
    covered: u32,
    /// The part of the probe that is counted apart.
    part: Range<u32>,
    covered_part: u32,
}

/// Code points that are covered: of all, and of the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Covered {
    /// Of the probe.
    pub all: u32,
    /// Of its part.
    pub part: u32,
}

impl Coverage {
    /// Begins with a probe and an empty stretch.
    pub fn begin(&mut self, probe: &[u32], part: Range<u32>) {
        self.numbers.clear();
        self.places.iter_mut().for_each(Vec::clear);
        for (at, run) in (0..).zip(probe.array_windows::<RUN>()) {
            let next = self.numbers.len() as u32;
            let number = *self.numbers.entry(*run).or_insert(next) as usize;
            if number == self.places.len() {
                self.places.push(Vec::new());
            }
            self.places[number].push(at);
        }
        self.counts.clear();
        self.counts.resize(self.numbers.len(), 0);
        self.covers.clear();
        self.covers.resize(probe.len(), 0);
        (self.covered, self.covered_part, self.part) = (0, 0, part);
    }

    /// The number of a five-gram of the probe.
    pub fn number(&self, run: &[u32; RUN]) -> Option<u32> {
        self.numbers.get(run).copied()
    }

    /// A five-gram comes into the stretch.
    pub fn enter(&mut self, number: u32) {
        let count = &mut self.counts[number as usize];
        *count += 1;
        if *count > 1 {
            return;
        }
        for &place in &self.places[number as usize] {
            for at in place..place + RUN as u32 {
                let covers = &mut self.covers[at as usize];
                *covers += 1;
                if *covers == 1 {
                    self.covered += 1;
                    self.covered_part += u32::from(self.part.contains(&at));
                }
            }
        }
    }

    /// One goes out of it.
    pub fn leave(&mut self, number: u32) {
        let count = &mut self.counts[number as usize];
        *count -= 1;
        if *count > 0 {
            return;
        }
        for &place in &self.places[number as usize] {
            for at in place..place + RUN as u32 {
                let covers = &mut self.covers[at as usize];
                *covers -= 1;
                if *covers == 0 {
                    self.covered -= 1;
                    self.covered_part -= u32::from(self.part.contains(&at));
                }
            }
        }
    }

    /// Are the first and the last code point covered, or those beside them?
    pub fn has_ends(&self) -> bool {
        let is_covered = |covers: &u32| *covers > 0;
        self.covers.iter().take(2).any(is_covered) && self.covers.iter().rev().take(2).any(is_covered)
    }

    /// Code points at the beginning and at the end of the probe that are not covered.
    pub fn bare_ends(&self) -> (usize, usize) {
        let bare = |covers: &&u32| **covers == 0;
        (self.covers.iter().take_while(bare).count(), self.covers.iter().rev().take_while(bare).count())
    }

    /// What is covered.
    pub fn covered(&self) -> Covered {
        Covered { all: self.covered, part: self.covered_part }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a stretch covers, by definition.
    fn by_definition(probe: &[u32], part: &Range<u32>, stretch: &[u32]) -> Covered {
        let is_covered = |at: usize| {
            (at.saturating_sub(RUN - 1)..=at)
                .any(|from| probe.get(from..from + RUN).is_some_and(|run| stretch.windows(RUN).any(|other| other == run)))
        };
        let covered: Vec<u32> = (0..probe.len()).filter(|&at| is_covered(at)).map(|at| at as u32).collect();
        Covered { all: covered.len() as u32, part: covered.iter().filter(|at| part.contains(at)).count() as u32 }
    }

    proptest! {
        #[test]
        fn stretches_that_slide_cover_what_they_should(
            probe in proptest::collection::vec(0_u32..3, 0..40),
            view in proptest::collection::vec(0_u32..3, 0..80),
            width in 1_usize..40,
            from in 0_u32..20,
        ) {
            let part = from..from + 9;
            let mut coverage = Coverage::default();
            coverage.begin(&[7; 30], 0..3);
            coverage.begin(&probe, part.clone());
            let numbers: Vec<_> = view.array_windows::<RUN>().map(|run| coverage.number(run)).collect();
            for end in 1..=view.len() {
                if let Some(number) = end.checked_sub(RUN).and_then(|at| numbers[at]) {
                    coverage.enter(number);
                }
                if let Some(gone) = end.checked_sub(width + 1)
                    && width >= RUN
                    && let Some(number) = numbers[gone]
                {
                    coverage.leave(number);
                }
                if width >= RUN {
                    let stretch = &view[end.saturating_sub(width)..end];
                    prop_assert_eq!(coverage.covered(), by_definition(&probe, &part, stretch), "up to {}", end);
                }
            }
        }
    }
}
