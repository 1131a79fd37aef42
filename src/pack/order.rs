//! The order in which a trainer reads the rows of a pack: a formula for every epoch, in both directions, without a table.
//!
//! Each epoch reads every row once. With blocks of one row, the rows of epoch *e* are permuted by [`Permutation`] with the stream
//! 2⁶³ + *e*. With blocks of B rows, whole blocks are permuted so, and then the rows of each 64 consecutive blocks among
//! themselves: a file system that likes large reads gets B consecutive rows, near in time. Streams below 2³² belong to the parts of
//! a pack: with the same one here, reading a shuffled pack of one part would undo its shuffling. Part of what a saved position of a
//! loader means: see `docs/loader.md` before a constant is changed.

use std::num::NonZeroU64;

use crate::pack::permute::{Permutation, mix};

/// Blocks whose rows are permuted together.
const GROUP_BLOCKS: u64 = 64;
/// Streams of permutations of rows or blocks, one for each epoch.
const EPOCHS: u64 = 1 << 63;
/// Seeds of permutations inside of groups, one for each epoch.
const GROUPS: u64 = 1 << 62;

/// The order of rows over all epochs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowOrder {
    rows: u64,
    seed: u64,
    block: Option<NonZeroU64>,
}

/// The order of rows in one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochOrder {
    rows: u64,
    shuffled: Option<Shuffled>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Shuffled {
    /// Rows of a block.
    block: u64,
    /// Of whole blocks; the rest, shorter than a block, stays behind them.
    blocks: Permutation,
    group_seed: u64,
}

impl RowOrder {
    /// The order of `rows` rows; `block` is the number of rows that stay together, `None` the order of the pack.
    pub fn new(rows: u64, seed: u64, block: Option<NonZeroU64>) -> Self {
        Self { rows, seed, block }
    }

    /// Rows of an epoch.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The order of one epoch.
    pub fn epoch(&self, epoch: u64) -> EpochOrder {
        let shuffled = self.block.map(|block| Shuffled {
            block: block.get(),
            blocks: Permutation::new(self.rows / block, self.seed, EPOCHS.wrapping_add(epoch)),
            group_seed: mix(self.seed ^ mix(GROUPS.wrapping_add(epoch))),
        });
        EpochOrder { rows: self.rows, shuffled }
    }
}

impl EpochOrder {
    /// The row that is read at `position`, both in 0..rows; a position outside is its own image.
    pub fn row(&self, position: u64) -> u64 {
        let Some(shuffled) = self.shuffled.as_ref().filter(|_| position < self.rows) else { return position };
        let Shuffled { block, blocks, .. } = shuffled;
        if *block == 1 {
            return blocks.forward(position);
        }
        let group = position / shuffled.group_rows();
        let start = group * shuffled.group_rows();
        let inside = shuffled.group(self.rows, group).forward(position - start);
        // The rest behind the last whole block is outside of what is permuted, and so its own image.
        blocks.forward(group * GROUP_BLOCKS + inside / block) * block + inside % block
    }

    /// The position at which `row` is read: the inverse of [`Self::row`].
    pub fn position(&self, row: u64) -> u64 {
        let Some(shuffled) = self.shuffled.as_ref().filter(|_| row < self.rows) else { return row };
        let Shuffled { block, blocks, .. } = shuffled;
        let place = blocks.inverse(row / block);
        if *block == 1 {
            return place;
        }
        let group = place / GROUP_BLOCKS;
        let inside = place % GROUP_BLOCKS * block + row % block;
        group * shuffled.group_rows() + shuffled.group(self.rows, group).inverse(inside)
    }
}

impl Shuffled {
    fn group_rows(&self) -> u64 {
        self.block.saturating_mul(GROUP_BLOCKS)
    }

    /// The permutation inside of a group; the last group is shorter.
    fn group(&self, rows: u64, group: u64) -> Permutation {
        let size = self.group_rows().min(rows - group * self.group_rows());
        Permutation::new(size, self.group_seed, group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(rows: u64, seed: u64, block: u64) -> RowOrder {
        RowOrder::new(rows, seed, NonZeroU64::new(block))
    }

    fn assert_bijection(rows: u64, seed: u64, block: u64, epoch: u64) {
        let order = order(rows, seed, block).epoch(epoch);
        let mut seen = vec![false; rows as usize];
        for position in 0..rows {
            let row = order.row(position);
            assert!(!std::mem::replace(&mut seen[row as usize], true), "{row} twice, {rows} rows in blocks of {block}");
            assert_eq!(order.position(row), position);
        }
    }

    #[test]
    fn every_row_is_read_once_an_epoch() {
        for rows in [0, 1, 2, 3, 7, 64, 100, 129, 10_007] {
            for block in [0, 1, 2, 3, 64, 512, u64::MAX] {
                assert_bijection(rows, 7, block, 0);
            }
        }
    }

    #[test]
    fn epochs_seeds_and_blocks_differ_and_no_block_is_the_order_of_the_pack() {
        let rows = |seed, block, epoch| (0..1_000).map(|t| order(1_000, seed, block).epoch(epoch).row(t)).collect::<Vec<_>>();
        let all = [rows(1, 1, 0), rows(1, 1, 1), rows(2, 1, 0), rows(1, 3, 0), rows(1, 3, 1), rows(1, 512, 0), rows(1, 0, 0)];
        for (i, one) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|other| other != one), "{i}");
        }
        assert_eq!(rows(1, 0, 3), (0..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_group_reads_whole_blocks() {
        let order = order(64 * 8 * 5 + 3, 9, 8).epoch(4);
        for group in 0..5 {
            let mut blocks: Vec<u64> = (group * 512..(group + 1) * 512).map(|position| order.row(position) / 8).collect();
            blocks.sort_unstable();
            blocks.dedup();
            assert_eq!(blocks.len(), 64);
            assert!(blocks.windows(2).any(|pair| pair[1] != pair[0] + 1), "blocks are mixed over the whole pack");
        }
        assert!((0..512).any(|position| order.row(position) / 8 != order.row(position + 1) / 8));
    }

    #[test]
    fn reading_does_not_undo_the_shuffling_of_a_part() {
        let (rows, seed) = (1_000, 42);
        let written = Permutation::new(rows, seed, 0);
        let read = order(rows, seed, 1).epoch(0);
        assert!((0..rows).filter(|&t| written.inverse(read.row(t)) == t).count() < 20);
    }

    /// Computed apart from this code, from the description in `docs/loader.md`.
    #[test]
    fn the_formula_is_part_of_what_a_state_means() {
        let rows = |block, epoch| (0..10).map(|t| order(10, 42, block).epoch(epoch).row(t)).collect::<Vec<_>>();
        assert_eq!(rows(1, 0), GOLDEN_ROWS);
        assert_eq!(rows(3, 5), GOLDEN_BLOCKS);
    }

    const GOLDEN_ROWS: [u64; 10] = [2, 5, 1, 7, 8, 0, 4, 6, 9, 3];
    const GOLDEN_BLOCKS: [u64; 10] = [6, 0, 4, 1, 9, 7, 8, 2, 5, 3];

    proptest! {
        #[test]
        fn position_inverts_row(rows in 1_u64..1 << 62, seed: u64, block in prop_oneof![Just(1_u64), 1_u64..1_000, any::<u64>()], epoch: u64, at: u64) {
            let order = order(rows, seed, block).epoch(epoch);
            let row = order.row(at % rows);
            prop_assert!(row < rows);
            prop_assert_eq!(order.position(row), at % rows);
        }

        #[test]
        fn small_packs_are_permuted(rows in 0_u64..300, seed: u64, block in 0_u64..9, epoch in 0_u64..3) {
            assert_bijection(rows, seed, block, epoch);
        }
    }
}
