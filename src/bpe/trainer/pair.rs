//! Pairs of tokens as keys, and what stands for an occurrence list.

/// Instead of the index of an occurrence list: the pair has none, because it is below the floor or not allowed.
pub(crate) const NO_LIST: u32 = u32::MAX;

/// Instead of the index of an occurrence list: the pair lies inside characters.
pub(crate) const INSIDE: u32 = u32::MAX - 1;

/// Instead of the index of an occurrence list: the pair stands in so many places that it is looked for in the whole array when it is merged.
pub(crate) const EVERYWHERE: u32 = u32::MAX - 2;

/// Is it the index of an occurrence list?
pub(crate) fn is_list(list: u32) -> bool {
    list < EVERYWHERE
}

/// Shorter lists are worked on by one thread: to divide the work would take longer.
pub(crate) const SIDE_BY_SIDE: usize = 1 << 16;

/// A pair as one number, in the order of (left, right).
pub(crate) fn pair_key(left: u32, right: u32) -> u64 {
    u64::from(left) << 32 | u64::from(right)
}
