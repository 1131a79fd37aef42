//! Fingerprints of a view: so few of its runs of k code points that every stretch of N holds one, chosen by the stretch alone (Schleimer,
//! Wilkerson & Aiken, "Winnowing: local algorithms for document fingerprinting", 2003).
//!
//! Of each window of w = N − k + 1 runs, the one with the least hash is taken, the last one of equals. Two equal stretches of N code points
//! are one window each, so that both have the same fingerprint at the same place. Where a code point is repeated all runs are equal: of
//! those only the first, the last and the one N behind the first are taken ([`Lengths::each_print`]).

use std::collections::VecDeque;

/// Lengths that hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    /// Code points of a stretch that is looked for, 2 at least.
    pub stretch: usize,
    /// Code points of a run that is hashed: half of them.
    pub run: usize,
    /// Runs of a window.
    pub window: usize,
}

/// Multiplier of the rolling hash and of what is done to each code point: fractional digits of √5 and √7.
const K: [u64; 2] = [0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1];

impl Lengths {
    /// Those for stretches of so many code points.
    #[must_use]
    pub fn of(stretch: usize) -> Self {
        let run = (stretch / 2).max(1);
        Self { stretch, run, window: stretch - run + 1 }
    }

    /// Calls `visit` with hash and place of each fingerprint of a view; some twice, and those of a repeated code point out of order.
    pub fn each_print(self, view: &[u32], visit: &mut dyn FnMut(u64, usize)) {
        if view.len() < self.stretch {
            return;
        }
        let value = |code: u32| (u64::from(code) + 1).wrapping_mul(K[1]);
        let leaves = (0..self.run).fold(1_u64, |power, _| power.wrapping_mul(K[0]));
        let mut hash = view[..self.run - 1].iter().fold(0_u64, |hash, &code| hash.wrapping_mul(K[0]).wrapping_add(value(code)));
        // Of the window, hashes that are less than all behind them.
        let mut least: VecDeque<(u64, usize)> = VecDeque::with_capacity(self.window);
        let (mut taken, mut flat) = (None, 0..0);
        for (at, &code) in view[self.run - 1..].iter().enumerate() {
            hash = hash.wrapping_mul(K[0]).wrapping_add(value(code));
            if let Some(left) = at.checked_sub(1) {
                hash = hash.wrapping_sub(value(view[left]).wrapping_mul(leaves));
            }
            let mixed = mix(hash);
            while least.back().is_some_and(|(other, _)| *other >= mixed) {
                least.pop_back();
            }
            least.push_back((mixed, at));
            if at + 1 < self.window {
                continue;
            }
            while least.front().is_some_and(|(_, place)| place + self.window <= at) {
                least.pop_front();
            }
            let Some(&(hash, place)) = least.front().filter(|front| taken != Some(**front)) else { continue };
            taken = Some((hash, place));
            if flat.contains(&place) {
                continue;
            }
            if view[place..place + self.run].iter().all(|code| *code == view[place]) {
                flat = self.equals(view, place);
                let last = flat.end - 1;
                [flat.start, last, flat.start + self.stretch].iter().filter(|place| **place <= last).for_each(|place| visit(hash, *place));
            } else {
                visit(hash, place);
            }
        }
    }

    /// The places of runs that are the same as the one at `place`, a code point repeated, without others between.
    fn equals(self, view: &[u32], place: usize) -> std::ops::Range<usize> {
        let code = view[place];
        let start = view[..place].iter().rposition(|other| *other != code).map_or(0, |at| at + 1);
        let end = view[place..].iter().position(|other| *other != code).map_or(view.len(), |at| place + at);
        start..end + 1 - self.run
    }
}

fn mix(hash: u64) -> u64 {
    let hash = (hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^ hash >> 32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn prints(view: &[u32], lengths: Lengths) -> BTreeSet<(usize, u64)> {
        let mut prints = BTreeSet::new();
        lengths.each_print(view, &mut |hash, place| _ = prints.insert((place, hash)));
        prints
    }

    proptest! {
        #[test]
        fn equal_stretches_have_a_print_at_the_same_place(
            a in prop::collection::vec(0_u32..3, 0..60), b in prop::collection::vec(0_u32..3, 0..60), shared in prop::collection::vec(0_u32..9, 12..40),
        ) {
            let lengths = Lengths::of(12);
            let texts = [&a, &b].map(|other| [&other[..], &shared[..], &other[..other.len() / 2]].concat());
            let found = [0, 1].map(|i| prints(&texts[i], lengths));
            // A code point that is repeated is another matter.
            prop_assume!(!texts.iter().any(|text| text.chunk_by(|a, b| a == b).any(|run| run.len() >= lengths.run)));
            for start in 0..=shared.len() - 12 {
                let of = |i: usize, text: &[u32]| found[i].iter()
                    .filter_map(|(place, hash)| Some((place.checked_sub(text.len() + start)?, *hash)))
                    .filter(|(place, _)| place + lengths.run <= 12).collect::<BTreeSet<_>>();
                prop_assert!(of(0, &a).intersection(&of(1, &b)).next().is_some(), "{start}");
            }
        }
    }

    #[test]
    fn prints_are_few_and_of_hashes_of_what_stands_there() {
        let lengths = Lengths::of(50);
        assert_eq!((lengths.run, lengths.window), (25, 26));
        let text: Vec<u32> = (0..100_000_u64).map(|i| (mix(i.wrapping_mul(K[0])) % 3000) as u32).collect();
        let found = prints(&text, lengths);
        assert!((7_000..8_000).contains(&found.len()), "{}", found.len());
        let twice = [&text[..], &text[..]].concat();
        let again = prints(&twice, lengths);
        assert!(found.iter().filter(|(place, hash)| again.contains(&(place + text.len(), *hash))).count() + 5 > found.len());
        assert_eq!(prints(&[7; 1000], lengths).into_iter().map(|(place, _)| place).collect::<Vec<_>>(), [0, 50, 975]);
        assert_eq!((prints(&text[..49], lengths).len(), prints(&text[..50], lengths).len()), (0, 1));
    }
}
