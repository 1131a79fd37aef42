//! Which neighbouring symbols a vocabulary can join at all: no token goes over the boundary between any others, so a text may be cut there.

/// The pairs of symbols that end and begin the two sides of some merge, as bits by their hash. Two pairs may share a bit; then some runs are longer than they
/// need be, and nothing else.
#[derive(Debug)]
pub(crate) struct Joins {
    bits: Box<[u64]>,
    shift: u32,
}

/// Bits for each pair, at least.
const BITS_PER_PAIR: usize = 16;

impl Joins {
    /// From the last symbol of the left side and the first of the right side of every merge.
    pub(crate) fn new(mut pairs: Vec<(u16, u16)>) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        let size = (pairs.len() * BITS_PER_PAIR).next_power_of_two().max(1 << 10);
        let mut joins = Self { bits: vec![0; size / 64].into(), shift: 64 - size.trailing_zeros() };
        for (left, right) in pairs {
            let bit = joins.bit(left, right);
            joins.bits[bit / 64] |= 1 << (bit % 64);
        }
        joins
    }

    #[inline]
    fn bit(&self, left: u16, right: u16) -> usize {
        ((u64::from(left) << 16 | u64::from(right)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }

    /// May a token hold these symbols, one behind the other?
    #[inline]
    pub(crate) fn may_join(&self, left: u16, right: u16) -> bool {
        let bit = self.bit(left, right);
        self.bits.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }
}
