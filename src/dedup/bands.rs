//! Bands: a sketch is cut into b bands of r slots. Two documents become candidates if all slots of a band are equal.
//!
//! At a Jaccard similarity J the probability of that is 1 − (1 − Jʳ)ᵇ: for 25×5 it is .9998 at J = .8 and .990 at .7. Candidates
//! that are not similar enough are found by verification.

use serde::{Deserialize, Serialize};

use crate::dedup::minhash::Sketch;

/// A band table, written `bands x rows`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Bands {
    /// 25 bands of 5 slots: recall .87 at J = .6, .990 at .7, 1.000 at .8.
    #[default]
    #[serde(rename = "25x5")]
    B25x5,
    /// 20 bands of 6 slots: .92 at .7, .998 at .8; for corpora of a billion documents.
    #[serde(rename = "20x6")]
    B20x6,
    /// 14 bands of 8 slots: .56 at .7, .92 at .8; FineWeb's table.
    #[serde(rename = "14x8")]
    B14x8,
    /// 32 bands of 4 slots: .99 at .6; many more candidates.
    #[serde(rename = "32x4")]
    B32x4,
}

impl Bands {
    /// Those of works in two orthographies: what they have in common is less than what copies have.
    pub const ORTHOGRAPHY: Self = Self::B32x4;

    /// Number of bands, and of slots in a band.
    pub const fn shape(self) -> (usize, usize) {
        match self {
            Self::B25x5 => (25, 5),
            Self::B20x6 => (20, 6),
            Self::B14x8 => (14, 8),
            Self::B32x4 => (32, 4),
        }
    }

    /// Appends one key for each band. A key depends on the number of its band too, so that keys of all bands can share one table.
    pub fn keys(self, sketch: &Sketch, out: &mut Vec<u64>) {
        let (bands, rows) = self.shape();
        out.extend(sketch.chunks_exact(rows).take(bands).enumerate().map(|(band, slots)| band_key(band as u64, slots)));
    }
}

/// A chained multiply-xorshift hash, bijective in each step.
fn band_key(band: u64, slots: &[u32]) -> u64 {
    let mut hash = (band + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for &slot in slots {
        hash = (hash ^ u64::from(slot)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash ^= hash >> 32;
    }
    hash = hash.wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dedup::minhash::SLOTS;

    #[test]
    fn every_band_has_a_key_of_its_own() {
        for bands in [Bands::B25x5, Bands::B20x6, Bands::B14x8, Bands::B32x4] {
            let (b, r) = bands.shape();
            assert!(b * r <= SLOTS);
            let mut keys = Vec::new();
            bands.keys(&[7; SLOTS], &mut keys);
            assert_eq!(keys.len(), b);
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), b, "equal slots in two bands must not give equal keys");
        }
    }

    #[test]
    fn a_key_depends_on_its_own_slots_only() {
        let (mut one, mut other) = ([1; SLOTS], Vec::new());
        let mut before = Vec::new();
        Bands::B25x5.keys(&one, &mut before);
        one[7] = 2;
        Bands::B25x5.keys(&one, &mut other);
        let changed: Vec<usize> = (0..25).filter(|&i| before[i] != other[i]).collect();
        assert_eq!(changed, [1]);
    }
}
