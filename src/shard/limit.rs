//! Where a shard or a row group ends: a function of the rows alone, never of threads or memory.

/// Decides, row by row, whether the open shard (or row group) is full.
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

    /// Takes the next row; true if it starts a new shard. A shard is never empty, so a row heavier than the limit has one
    /// of its own.
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

    fn shards(lengths: &[u64], rows_max: u64, weight_max: u64) -> Vec<Vec<u64>> {
        let mut limit = SizeLimit::new(rows_max, weight_max);
        let mut shards = vec![vec![]];
        for &length in lengths {
            if limit.starts_new(length) {
                shards.push(vec![]);
            }
            shards.last_mut().unwrap().push(length);
        }
        shards
    }

    #[test]
    fn closes_at_rows_or_bytes() {
        assert_eq!(shards(&[1, 1, 1, 1, 1], 2, 100), [vec![1, 1], vec![1, 1], vec![1]]);
        assert_eq!(shards(&[60, 40, 1, 500, 1], 9, 100), [vec![60, 40], vec![1], vec![500], vec![1]]);
        assert_eq!(shards(&[u64::MAX, u64::MAX], 9, u64::MAX), [vec![u64::MAX, u64::MAX]]);
    }

    proptest! {
        #[test]
        fn a_shard_is_within_the_limits_and_as_long_as_they_allow(lengths in prop::collection::vec(0_u64..50, 0..200), rows_max in 1_u64..9, weight_max in 1_u64..90) {
            let shards = shards(&lengths, rows_max, weight_max);
            prop_assert_eq!(shards.concat(), lengths);
            for (i, shard) in shards.iter().enumerate() {
                let bytes: u64 = shard.iter().sum();
                prop_assert!(shard.len() as u64 <= rows_max && (bytes <= weight_max || shard.len() == 1));
                if let Some(next) = shards.get(i + 1) {
                    prop_assert!(shard.len() as u64 == rows_max || bytes + next[0] > weight_max);
                }
            }
        }
    }
}
