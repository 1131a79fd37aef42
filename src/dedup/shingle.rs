//! Shingles: the runs of five code points of a view, as 64-bit hashes.
//!
//! A multilinear hash Σ Kᵢ·cᵢ mod 2⁶⁴ with odd constants (Lemire & Kaser, "Strongly universal string hashing is fast", 2013)
//! has no rolling state, so neighbours are independent and compilers vectorise it; a bijective finaliser spreads it.
//! Five characters: unrelated Japanese texts of 10,000 characters share a median of 0.7 % of them, at four 2.3 %.

/// Code points of a shingle.
pub const SIZE: usize = 5;

/// The odd multipliers: fractional digits of √2, √3, √5, √7 and √11.
const K: [u64; SIZE] = [0x6a09_e667_f3bc_c909, 0xbb67_ae85_84ca_a73b, 0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1, 0x510e_527f_ade6_82d1];

/// Stands for "nothing here" in a view of fewer than five code points; no code point has this value.
const NOTHING: u32 = 0x11_0000;

/// The hash of one shingle.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must be compiled with the features of the vector function it is called from")]
pub fn hash(shingle: [u32; SIZE]) -> u64 {
    let mut sum = 0u64;
    for i in 0..SIZE {
        sum = sum.wrapping_add(K[i].wrapping_mul(u64::from(shingle[i])));
    }
    // One round of a multiply-xorshift finaliser: each bit of the sum reaches the upper half, which the sketch reads.
    sum ^= sum >> 29;
    sum = sum.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    sum ^ (sum >> 32)
}

/// How many shingles a view has (not distinct ones): none if it is empty, one if it is shorter than a shingle.
pub fn count(view: &[u32]) -> usize {
    if view.is_empty() { 0 } else { view.len().saturating_sub(SIZE - 1).max(1) }
}

/// A view shorter than a shingle is one shingle as a whole.
pub fn short(view: &[u32]) -> [u32; SIZE] {
    let mut shingle = [NOTHING; SIZE];
    for (slot, &code) in shingle.iter_mut().zip(view) {
        *slot = code;
    }
    shingle
}

/// The sorted set of the shingles of `view`, into `set` (cleared first).
pub fn set(view: &[u32], set: &mut Vec<u64>) {
    set.clear();
    match view.len() {
        0 => {}
        1..SIZE => set.push(hash(short(view))),
        _ => set.extend(view.array_windows::<SIZE>().map(|&shingle| hash(shingle))),
    }
    set.sort_unstable();
    set.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<u32> {
        text.chars().map(u32::from).collect()
    }

    fn set_of(text: &str) -> Vec<u64> {
        let mut out = Vec::new();
        set(&codes(text), &mut out);
        out
    }

    #[test]
    fn a_set_holds_each_run_of_five_once() {
        assert_eq!(set_of("あいうえおか").len(), 2);
        assert_eq!(set_of("ああああああああ").len(), 1);
        assert_eq!(count(&codes("あいうえおか")), 2);
    }

    #[test]
    fn short_texts_are_one_shingle_and_differ() {
        let texts = ["あ", "ああ", "あああ", "ああああ", "あああああ"];
        for (i, a) in texts.iter().enumerate() {
            assert_eq!(set_of(a).len(), 1);
            assert_eq!(count(&codes(a)), 1);
            assert!(texts.iter().skip(i + 1).all(|b| set_of(a) != set_of(b)));
        }
        assert_eq!((set_of("").len(), count(&[])), (0, 0));
    }
}
