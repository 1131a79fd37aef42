//! Decides where a part or a row group ends. This depends on the rows alone, never on threads or memory.

/// Decides, row by row, whether the open part (or row group) is full.
#[derive(Debug, Clone)]
pub struct SizeLimit {
    rows_max: u64,
    weight_max: u64,
    rows: u64,
    weight: u64,
}

impl SizeLimit {
    /// `rows_max` rows or a weight of `weight_max` (bytes of text, tokens), whichever comes first.
    pub fn new(rows_max: u64, weight_max: u64) -> Self {
        Self { rows_max: rows_max.max(1), weight_max, rows: 0, weight: 0 }
    }

    /// Takes the next row; true if it starts a new part. A part is never empty, so a row that is heavier than the limit has one of its
    /// own.
    pub fn starts_new(&mut self, weight: u64) -> bool {
        let full = self.rows > 0 && (self.rows == self.rows_max || self.weight.saturating_add(weight) > self.weight_max);
        if full {
            (self.rows, self.weight) = (0, 0);
        }
        self.rows += 1;
        self.weight = self.weight.saturating_add(weight);
        full
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(lengths: &[u64], rows_max: u64, weight_max: u64) -> Vec<Vec<u64>> {
        let mut limit = SizeLimit::new(rows_max, weight_max);
        let mut parts = vec![vec![]];
        for &length in lengths {
            if limit.starts_new(length) {
                parts.push(vec![]);
            }
            parts.last_mut().unwrap().push(length);
        }
        parts
    }

    #[test]
    fn closes_at_rows_or_bytes() {
        assert_eq!(parts(&[1, 1, 1, 1, 1], 2, 100), [vec![1, 1], vec![1, 1], vec![1]]);
        assert_eq!(parts(&[60, 40, 1, 500, 1], 9, 100), [vec![60, 40], vec![1], vec![500], vec![1]]);
        assert_eq!(parts(&[u64::MAX, u64::MAX], 9, u64::MAX), [vec![u64::MAX, u64::MAX]]);
    }

    proptest! {
        #[test]
        fn a_part_is_within_the_limits_and_as_long_as_they_allow(lengths in prop::collection::vec(0_u64..50, 0..200), rows_max in 1_u64..9, weight_max in 1_u64..90) {
            let parts = parts(&lengths, rows_max, weight_max);
            prop_assert_eq!(parts.concat(), lengths);
            for (i, part) in parts.iter().enumerate() {
                let bytes: u64 = part.iter().sum();
                prop_assert!(part.len() as u64 <= rows_max && (bytes <= weight_max || part.len() == 1));
                if let Some(next) = parts.get(i + 1) {
                    prop_assert!(part.len() as u64 == rows_max || bytes + next[0] > weight_max);
                }
            }
        }
    }
}
