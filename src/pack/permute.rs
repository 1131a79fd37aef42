//! A permutation of 0..n that is computed by a formula, in both directions, without a table.
//!
//! A balanced Feistel network over the least even number of bits that holds n, with cycle walking: an image outside of
//! 0..n is mapped again until it falls inside (Black & Rogaway, *Ciphers with arbitrary finite domains*, 2002). The round
//! function is the finaliser of SplitMix64 (Steele, Lea & Flood, 2014). Part of the pack format: see
//! `docs/formats/pack.md` before a constant is changed.

const ROUNDS: usize = 8;
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// A bijection of 0..n for a seed and a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permutation {
    n: u64,
    half: u32,
    round_keys: [u64; ROUNDS],
}

impl Permutation {
    /// A permutation of 0..`n`; each (`seed`, `stream`) gives another one.
    pub fn new(n: u64, seed: u64, stream: u64) -> Self {
        let bits = u64::BITS - n.saturating_sub(1).leading_zeros();
        let state = mix(seed ^ mix(stream.wrapping_add(GOLDEN)));
        let round_keys = std::array::from_fn(|round| mix(state.wrapping_add(GOLDEN.wrapping_mul(round as u64 + 1))));
        Self { n, half: bits.div_ceil(2).max(1), round_keys }
    }

    /// The image of `index`; an index outside of 0..n is its own image.
    pub fn forward(&self, index: u64) -> u64 {
        self.walk(index, |x| {
            let (mut left, mut right) = self.halves(x);
            for round_key in &self.round_keys {
                (left, right) = (right, left ^ self.round(right, *round_key));
            }
            left << self.half | right
        })
    }

    /// The index whose image is `image`: the inverse of [`Self::forward`].
    pub fn inverse(&self, image: u64) -> u64 {
        self.walk(image, |x| {
            let (mut left, mut right) = self.halves(x);
            for round_key in self.round_keys.iter().rev() {
                (left, right) = (right ^ self.round(left, *round_key), left);
            }
            left << self.half | right
        })
    }

    /// Applies the network until the result lies in 0..n. The network permutes 0..4^half, so from inside of 0..n this ends; from
    /// outside it might not.
    fn walk(&self, start: u64, network: impl Fn(u64) -> u64) -> u64 {
        if start >= self.n {
            return start;
        }
        let mut x = network(start);
        while x >= self.n {
            x = network(x);
        }
        x
    }

    fn halves(&self, x: u64) -> (u64, u64) {
        (x >> self.half, x & self.mask())
    }

    fn mask(&self) -> u64 {
        (1 << self.half) - 1
    }

    fn round(&self, half: u64, round_key: u64) -> u64 {
        mix(half ^ round_key) & self.mask()
    }
}

/// The finaliser of SplitMix64: every input bit reaches every output bit.
pub(super) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assert_bijection(n: u64, seed: u64) {
        let permutation = Permutation::new(n, seed, 0);
        let mut seen = vec![false; n as usize];
        for i in 0..n {
            let image = permutation.forward(i);
            assert!(!std::mem::replace(&mut seen[image as usize], true), "{image} twice, n = {n}");
            assert_eq!(permutation.inverse(image), i);
        }
    }

    #[test]
    fn every_size_is_permuted() {
        for n in [0, 1, 2, 3, 4, 5, 7, 16, 17, 100, 309_583, 1_000_003] {
            assert_bijection(n, 7);
        }
    }

    #[test]
    fn the_formula_is_part_of_the_format() {
        let permutation = Permutation::new(10, 42, 3);
        let images: Vec<u64> = (0..10).map(|i| permutation.forward(i)).collect();
        assert_eq!(images, GOLDEN_IMAGES);
    }

    /// Computed apart from this code, from the description in `docs/formats/pack.md`.
    const GOLDEN_IMAGES: [u64; 10] = [0, 8, 6, 2, 3, 1, 7, 9, 4, 5];

    #[test]
    fn order_is_mixed() {
        let permutation = Permutation::new(10_000, 1, 0);
        let rising = (1..10_000).filter(|&i| permutation.forward(i) > permutation.forward(i - 1)).count();
        assert!((4_700..5_300).contains(&rising), "{rising} of 9,999 neighbours rise");
        let near = (0..10_000).filter(|&i| permutation.forward(i).abs_diff(i) < 100).count();
        assert!(near < 300, "{near} of 10,000 stay within 100");
    }

    proptest! {
        #[test]
        fn inverse_inverts(n in 1_u64..1 << 62, seed: u64, stream: u64, at: u64) {
            let permutation = Permutation::new(n, seed, stream);
            let image = permutation.forward(at % n);
            prop_assert!(image < n);
            prop_assert_eq!(permutation.inverse(image), at % n);
            prop_assert_eq!(permutation.forward(n), n);
        }

        #[test]
        fn small_sizes_are_permuted(n in 0_u64..300, seed: u64) {
            assert_bijection(n, seed);
        }
    }
}
