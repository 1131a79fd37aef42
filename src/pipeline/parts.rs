//! Which work shards share an output part.

/// What a work shard brings to an output part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// Rows that are kept, and bytes of their text.
    pub(super) kept: (u64, u64),
    /// All rows, and bytes of their text.
    pub(super) all: (u64, u64),
}

impl Load {
    pub(super) fn plus(self, more: Self) -> Self {
        let add = |a: (u64, u64), b: (u64, u64)| (a.0 + b.0, a.1 + b.1);
        Self { kept: add(self.kept, more.kept), all: add(self.all, more.all) }
    }

    fn fits(self, rows_max: u64, bytes_max: u64) -> bool {
        self.kept.0 <= rows_max
            && self.kept.1 <= bytes_max
            && self.all.0 <= REJECTED_MAX * rows_max
            && self.all.1 <= REJECTED_MAX * bytes_max
    }
}

/// Rejected documents make no part large, but a part that reads too many of them is no unit of work any more.
const REJECTED_MAX: u64 = 4;

/// Consecutive shards share an output part until it would pass a limit. Data alone decides.
pub(super) fn plan_parts(loads: &[Load], rows_max: u64, bytes_max: u64) -> Vec<(u64, u64)> {
    let mut parts = Vec::new();
    let (mut from, mut sum) = (0, Load::default());
    for (shard, &load) in loads.iter().enumerate() {
        let shard = shard as u64;
        if shard > from && !sum.plus(load).fits(rows_max, bytes_max) {
            parts.push((from, shard));
            (from, sum) = (shard, Load::default());
        }
        sum = sum.plus(load);
    }
    parts.push((from, loads.len() as u64));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_close_before_a_limit_and_cover_every_shard() {
        let all_kept = |loads: &[(u64, u64)]| loads.iter().map(|&load| Load { kept: load, all: load }).collect::<Vec<_>>();
        assert_eq!(plan_parts(&[], 10, 100), [(0, 0)]);
        assert_eq!(plan_parts(&all_kept(&[(3, 10), (3, 10), (3, 10), (9, 10)]), 8, 100), [(0, 2), (2, 3), (3, 4)]);
        assert_eq!(plan_parts(&all_kept(&[(1, 60), (1, 60), (0, 0), (1, 500)]), 8, 100), [(0, 1), (1, 3), (3, 4)]);
        let rejected = Load { kept: (0, 0), all: (10, 10) };
        assert_eq!(plan_parts(&[rejected; 9], 8, 100), [(0, 3), (3, 6), (6, 9)]);
    }
}
