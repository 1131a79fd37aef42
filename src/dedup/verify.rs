//! Verification: the exact Jaccard similarity of two sets of shingles.

/// |A ∩ B| / |A ∪ B| of two sorted sets if it is at least `threshold`, else `None`; two empty sets have none.
///
/// Stops as soon as the threshold cannot be reached any more. Takes time linear in the size of the smaller set / `threshold`.
pub fn jaccard_at_least(a: &[u64], b: &[u64], threshold: f64) -> Option<f64> {
    let (small, large) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if small.is_empty() || ratio(small.len(), large.len()) < threshold {
        return None;
    }
    let total = small.len() + large.len();
    // J ≥ T needs at least T·total / (1 + T) common elements; one less is asked for, so that rounding does not decide.
    let needed = (threshold * total as f64 / (1.0 + threshold)).floor() as usize;
    let common = common_at_least(small, large, needed.saturating_sub(1))?;
    let jaccard = ratio(common, total - common);
    (jaccard >= threshold).then_some(jaccard)
}

fn ratio(some: usize, whole: usize) -> f64 {
    some as f64 / whole as f64
}

/// The number of common elements, or `None` as soon as it is certain that there are fewer than `needed`.
fn common_at_least(small: &[u64], large: &[u64], needed: usize) -> Option<usize> {
    /// Steps after which it is checked again whether enough common elements are still possible.
    const STRIDE: usize = 64;
    let (mut i, mut j, mut common) = (0, 0, 0);
    while i < small.len() && j < large.len() {
        if common + (small.len() - i).min(large.len() - j) < needed {
            return None;
        }
        for _ in 0..STRIDE {
            let (Some(one), Some(other)) = (small.get(i), large.get(j)) else { break };
            common += usize::from(one == other);
            i += usize::from(one <= other);
            j += usize::from(other <= one);
        }
    }
    Some(common)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_threshold_itself_is_enough() {
        let (a, b): (Vec<u64>, Vec<u64>) = ((0..9).collect(), (1..10).collect());
        assert_eq!(jaccard_at_least(&a, &b, 0.8), Some(0.8));
        assert_eq!(jaccard_at_least(&a, &b, 0.81), None);
        assert_eq!(jaccard_at_least(&[], &[], 0.5), None);
        assert_eq!(jaccard_at_least(&[], &a, 0.5), None);
    }

    proptest! {
        #[test]
        fn equals_the_definition_and_is_symmetric(
            a in prop::collection::btree_set(0u64..300, 0..300), b in prop::collection::btree_set(0u64..300, 0..300), threshold in 0.01f64..1.0,
        ) {
            let union = a.union(&b).count();
            let wanted = a.intersection(&b).count() as f64 / union as f64;
            let [a, b] = [&a, &b].map(|set: &BTreeSet<u64>| set.iter().copied().collect::<Vec<_>>());
            let got = jaccard_at_least(&a, &b, threshold);
            prop_assert_eq!(got, (union > 0 && wanted >= threshold).then_some(wanted));
            prop_assert_eq!(got, jaccard_at_least(&b, &a, threshold));
        }
    }
}
