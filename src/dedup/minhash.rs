//! MinHash: a sketch of 128 slots; the share of equal slots estimates the Jaccard similarity of two sets (Broder 1997).
//!
//! Slot i is the minimum of ((h ≫ 32) xor bᵢ)·aᵢ mod 2³² over the hashes h of all shingles, with aᵢ odd: one xor, one multiplication
//! and one minimum for each slot. One function, generic over the number of slots that are computed at once, is compiled three
//! times: all 128 slots fit into the registers of AVX-512, 32 into those of AVX2. It computes with integers only, so all three give
//! the same bytes.

use crate::dedup::shingle;

/// Slots of a sketch.
pub const SLOTS: usize = 128;

/// The slots of one document.
pub type Sketch = [u32; SLOTS];

/// Shingles that are hashed at once, before the slots are computed from them: their hashes fit into the first cache level.
const BLOCK: usize = 512;

/// The constants aᵢ and bᵢ: splitmix64 from seed 0 (Steele et al. 2014). To change them is a change of [`super::view::VERSION`].
const PERMUTATIONS: ([u32; SLOTS], [u32; SLOTS]) = permutations();

const fn permutations() -> ([u32; SLOTS], [u32; SLOTS]) {
    let (mut a, mut b) = ([0; SLOTS], [0; SLOTS]);
    let mut state = 0u64;
    let mut i = 0;
    while i < SLOTS {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        a[i] = (z >> 32) as u32 | 1;
        b[i] = z as u32;
        i += 1;
    }
    (a, b)
}

/// The sketch of a view; `None` if the view is empty.
pub fn sketch(view: &[u32]) -> Option<Sketch> {
    let mut sketch = [u32::MAX; SLOTS];
    match view.len() {
        0 => return None,
        1..shingle::SIZE => absorb::<16>(&shingle::short(view), &mut sketch),
        _ => InstructionSet::best().absorb(view, &mut sketch),
    }
    Some(sketch)
}

/// The instruction sets that the kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InstructionSet {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl InstructionSet {
    /// All that this machine can run, the best last.
    fn available() -> impl Iterator<Item = Self> {
        let sets = [
            Some(Self::Baseline),
            #[cfg(target_arch = "x86_64")]
            is_x86_feature_detected!("avx2").then_some(Self::Avx2),
            #[cfg(target_arch = "x86_64")]
            (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq")).then_some(Self::Avx512),
        ];
        sets.into_iter().flatten()
    }

    fn best() -> Self {
        Self::available().last().unwrap_or(Self::Baseline)
    }

    #[expect(unsafe_code, reason = "functions compiled for more than the baseline may only be called where the machine has it")]
    fn absorb(self, view: &[u32], sketch: &mut Sketch) {
        match self {
            Self::Baseline => absorb::<16>(view, sketch),
            // SAFETY: an `InstructionSet` other than `Baseline` comes from `available` only, which has asked the processor.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { absorb_avx2(view, sketch) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { absorb_avx512(view, sketch) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn absorb_avx2(view: &[u32], sketch: &mut Sketch) {
    absorb::<32>(view, sketch);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
fn absorb_avx512(view: &[u32], sketch: &mut Sketch) {
    absorb::<128>(view, sketch);
}

/// Updates the slots with every shingle of `view`, `LANES` slots at a time.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must be compiled with the features of its caller")]
fn absorb<const LANES: usize>(view: &[u32], sketch: &mut Sketch) {
    let mut hashes = [0u32; BLOCK];
    let mut rest = view;
    while rest.len() >= shingle::SIZE {
        let n = (rest.len() - shingle::SIZE + 1).min(BLOCK);
        for (hash, &window) in hashes[..n].iter_mut().zip(rest.array_windows()) {
            *hash = (shingle::hash(window) >> 32) as u32;
        }
        lower::<LANES>(&hashes[..n], sketch);
        rest = &rest[n..];
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "must be compiled with the features of its caller")]
fn lower<const LANES: usize>(hashes: &[u32], sketch: &mut Sketch) {
    let (a, b) = (PERMUTATIONS.0.as_chunks::<LANES>().0, PERMUTATIONS.1.as_chunks::<LANES>().0);
    for ((slots, a), b) in sketch.as_chunks_mut::<LANES>().0.iter_mut().zip(a).zip(b) {
        let mut low = *slots;
        for &hash in hashes {
            for i in 0..LANES {
                low[i] = low[i].min((hash ^ b[i]).wrapping_mul(a[i]));
            }
        }
        *slots = low;
    }
}

/// The share of equal slots: an estimate of the Jaccard similarity, whose standard error is at most .044 (.035 at .8).
#[must_use]
pub fn estimate(a: &Sketch, b: &Sketch) -> f64 {
    a.iter().zip(b).filter(|(a, b)| a == b).count() as f64 / SLOTS as f64
}

/// A sketch as bytes: its slots, little-endian.
#[must_use]
pub fn to_bytes(sketch: &Sketch) -> [u8; 4 * SLOTS] {
    let mut bytes = [0; 4 * SLOTS];
    for (cell, slot) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(sketch) {
        *cell = slot.to_le_bytes();
    }
    bytes
}

/// The sketch that [`to_bytes`] gave these; `None` where it cannot have.
#[must_use]
pub fn from_bytes(bytes: &[u8]) -> Option<Sketch> {
    let (cells, rest) = bytes.as_chunks::<4>();
    let slots: &[[u8; 4]; SLOTS] = cells.try_into().ok().filter(|_| rest.is_empty())?;
    Some(slots.map(u32::from_le_bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, one slot after the other.
    fn by_definition(view: &[u32]) -> Sketch {
        std::array::from_fn(|i| {
            let (a, b) = (PERMUTATIONS.0[i], PERMUTATIONS.1[i]);
            let value = |&window: &[u32; 5]| ((shingle::hash(window) >> 32) as u32 ^ b).wrapping_mul(a);
            view.array_windows().map(value).min().unwrap_or(u32::MAX)
        })
    }

    /// A text of `n` code points without much repetition.
    fn noise(n: usize, seed: u32) -> Vec<u32> {
        (0..n as u32).map(|i| 0x3041 + (i.wrapping_mul(2_654_435_761) ^ seed.wrapping_mul(40_503)) % 8_000).collect()
    }

    #[test]
    fn multipliers_are_odd_and_permutations_differ() {
        let (a, b) = PERMUTATIONS;
        assert!(a.iter().all(|a| a % 2 == 1));
        let mut pairs: Vec<_> = a.into_iter().zip(b).collect();
        pairs.sort_unstable();
        pairs.dedup();
        assert_eq!(pairs.len(), SLOTS);
    }

    #[test]
    fn an_empty_view_has_no_sketch_and_a_short_one_has() {
        assert_eq!(sketch(&[]), None);
        assert_ne!(sketch(&[0x3042]), sketch(&[0x3042, 0x3042]));
    }

    #[test]
    fn agreement_estimates_jaccard() {
        // Two texts of 3,000 that share 2,000: J = 2000 / 4000. Five standard errors of 128 slots are 0.22.
        let (shared, one, other) = (noise(2004, 1), noise(1000, 77), noise(1000, 1234));
        let [one, other] = [one, other].map(|own| [shared.clone(), own].concat());
        let (a, b) = (sketch(&one).unwrap(), sketch(&other).unwrap());
        let equal = estimate(&a, &b);
        assert_eq!(from_bytes(&to_bytes(&a)), Some(a));
        assert!(from_bytes(&[0; 511]).is_none() && from_bytes(&[0; 513]).is_none());
        assert!((equal - 0.5).abs() < 0.22, "{equal}");
    }

    proptest! {
        // Unoptimised, the definition is slow.
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn every_instruction_set_gives_the_same_bytes(view in prop::collection::vec(0u32..0x11_0000, 5..700)) {
            for set in InstructionSet::available() {
                let mut sketch = [u32::MAX; SLOTS];
                set.absorb(&view, &mut sketch);
                prop_assert_eq!(sketch, by_definition(&view), "{:?}", set);
            }
        }
    }
}
