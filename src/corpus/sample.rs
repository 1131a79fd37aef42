//! Which documents a sample takes: each by a hash of what it is called, whatever stands around it.

/// Of the hash: another key would draw other documents.
const KEY: &[u8; 32] = b"seimai: documents of a sample, 1";

/// Is a document in the sample of the inputs that takes `share` (0 to 1) of all?
pub(super) fn takes(share: f64, id: &str) -> bool {
    draws(KEY, share, id)
}

/// Is a document in the sample that takes `share` (0 to 1) of all, and is drawn by this key? A larger share takes what a smaller one does.
///
/// The first 8 bytes of the keyed BLAKE3 of its id, little-endian, are below `share` × 2⁶⁴.
pub fn draws(key: &[u8; 32], share: f64, id: &str) -> bool {
    let hash = blake3::keyed_hash(key, id.as_bytes());
    let drawn = hash.as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
    // A multiplication by a power of two is exact.
    u128::from(drawn) < (share * 2_f64.powi(64)) as u128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_share_takes_what_a_smaller_one_does() {
        let shares = [1e-300, 0.0001, 0.01, 0.1, 0.5, 0.999, 1.0];
        let mut taken = [0_u32; 7];
        for n in 0..100_000 {
            let id = format!("文書{n}");
            let of_all = shares.map(|share| takes(share, &id));
            assert!(of_all.is_sorted(), "{id}: {of_all:?}");
            taken.iter_mut().zip(of_all).for_each(|(sum, one)| *sum += u32::from(one));
        }
        assert_eq!((taken[0], taken[6]), (0, 100_000));
        for (taken, share) in taken.iter().zip(shares) {
            let (found, expected) = (f64::from(*taken), share * 1e5);
            assert!((found - expected).abs() <= 5.0 * expected.sqrt() + 1e-9, "{share}: {found}");
        }
    }

    /// A new release draws the same documents.
    #[test]
    fn the_draw_is_fixed() {
        let drawn: Vec<u32> = (0..40).filter(|n| takes(0.25, &n.to_string())).collect();
        assert_eq!(drawn, [2, 3, 4, 8, 11, 13, 14, 25, 35, 37]);
    }
}
