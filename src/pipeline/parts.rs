//! Which work shards share an output part.

/// Raise it when the same loads make other parts.
pub(super) const VERSION: u64 = 1;

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

    /// Large enough to be a part of its own.
    fn is_worth_a_part(self, rows_max: u64, bytes_max: u64) -> bool {
        self.kept.0.saturating_mul(8) >= rows_max.saturating_mul(3) || self.kept.1.saturating_mul(8) >= bytes_max.saturating_mul(3)
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

/// Consecutive shards share an output part until it would pass a limit, or until it is three eighths full and a shard comes that begins a part where it
/// can: so shards more or fewer move the parts behind them up to the next such shard only. Data alone decides.
pub(super) fn plan_parts(loads: &[Load], rows_max: u64, bytes_max: u64, begins: &dyn Fn(u64) -> bool) -> Vec<(u64, u64)> {
    let mut parts = Vec::new();
    let (mut from, mut sum) = (0, Load::default());
    for (shard, &load) in loads.iter().enumerate() {
        let shard = shard as u64;
        let may_end = begins(shard) && sum.is_worth_a_part(rows_max, bytes_max);
        if shard > from && (may_end || !sum.plus(load).fits(rows_max, bytes_max)) {
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
        let plan = |loads: &[Load], rows_max, bytes_max| plan_parts(loads, rows_max, bytes_max, &|_| false);
        assert_eq!(plan(&[], 10, 100), [(0, 0)]);
        assert_eq!(plan(&all_kept(&[(3, 10), (3, 10), (3, 10), (9, 10)]), 8, 100), [(0, 2), (2, 3), (3, 4)]);
        assert_eq!(plan(&all_kept(&[(1, 60), (1, 60), (0, 0), (1, 500)]), 8, 100), [(0, 1), (1, 3), (3, 4)]);
        let rejected = Load { kept: (0, 0), all: (10, 10) };
        assert_eq!(plan(&[rejected; 9], 8, 100), [(0, 3), (3, 6), (6, 9)]);
    }

    #[test]
    fn shards_more_move_parts_up_to_the_next_beginning() {
        let load = Load { kept: (1, 30), all: (1, 30) };
        // Shard 5 begins a part where it can; with another shard in front it is the sixth.
        assert_eq!(plan_parts(&[load; 8], 100, 80, &|shard| shard == 5), [(0, 2), (2, 4), (4, 5), (5, 7), (7, 8)]);
        assert_eq!(plan_parts(&[load; 9], 100, 80, &|shard| shard == 6), [(0, 2), (2, 4), (4, 6), (6, 8), (8, 9)]);
        // Too little for a part of its own.
        assert_eq!(plan_parts(&[load; 3], 100, 90, &|_| true), [(0, 2), (2, 3)]);
    }
}
