//! Which two tokens may stand beside each other in the result of merging.
//!
//! Tokens have numbers here: first the symbols, which no merge makes, then the others in the order of their merges.

/// How tokens are made, and what pairs of tokens become.
#[derive(Debug)]
pub(crate) struct Neighbours {
    symbols: u32,
    /// By number, from the first that is no symbol on: the two tokens it is made of.
    sides: Vec<(u32, u32)>,
    /// Bits by the hash of a pair: most pairs that are asked for become nothing, and these need no look at `slots`.
    filter: Box<[u64]>,
    filter_shift: u32,
    /// From the place of its hash on: the left token of a pair (21 bits), the right one (21 bits), what they become (22 bits). The last one is empty.
    slots: Vec<u64>,
    /// Places of hashes.
    places: u64,
}

const RESULT_BITS: u32 = 22;
const EMPTY: u64 = u64::MAX;
const BITS_PER_PAIR: usize = 16;
/// What pairs become that no merge joins: larger than all tokens.
const NOTHING: u32 = u32::MAX;

impl Neighbours {
    /// From the two sides of each token that is no symbol, in the order of the merges.
    pub(crate) fn new(symbols: u32, sides: Vec<(u32, u32)>) -> Self {
        let bits = (sides.len() * BITS_PER_PAIR).next_power_of_two().max(1 << 10);
        let places = sides.len() * 4 / 3 + 16;
        let mut neighbours = Self {
            symbols,
            sides,
            filter: vec![0; bits / 64].into(),
            filter_shift: 64 - bits.trailing_zeros(),
            slots: vec![EMPTY; places + 1],
            places: places as u64,
        };
        for (i, &(left, right)) in neighbours.sides.iter().enumerate() {
            let (pair, hash) = key(left, right);
            let bit = (hash >> neighbours.filter_shift) as usize;
            neighbours.filter[bit / 64] |= 1 << (bit % 64);
            let mut slot = place(hash, neighbours.places);
            while neighbours.slots[slot] != EMPTY {
                slot += 1;
            }
            neighbours.slots[slot] = pair << RESULT_BITS | (u64::from(symbols) + i as u64);
            if slot + 1 == neighbours.slots.len() {
                neighbours.slots.push(EMPTY);
            }
        }
        neighbours
    }

    /// What a pair becomes, or [`NOTHING`].
    #[inline]
    fn joined(&self, left: u32, right: u32) -> u32 {
        let (pair, hash) = key(left, right);
        let bit = (hash >> self.filter_shift) as usize;
        if self.filter[bit / 64] >> (bit % 64) & 1 == 0 {
            return NOTHING;
        }
        for &entry in &self.slots[place(hash, self.places)..] {
            if entry >> RESULT_BITS == pair {
                return entry as u32 & ((1 << RESULT_BITS) - 1);
            }
            if entry == EMPTY {
                break;
            }
        }
        NOTHING
    }

    /// Does a merge join these two?
    #[inline]
    pub(crate) fn are_joined(&self, left: u32, right: u32) -> bool {
        self.joined(left, right) != NOTHING
    }

    /// Does no merge join parts of these two while each of them is made of its symbols? If none joins the two themselves either, they are what merging makes of their strings,
    /// one behind the other.
    ///
    /// The merges that made them are undone, the latest first, and of equal ones the one on the right: then the two tokens at the boundary are each time those that
    /// stood there together until `limit`. A merge of lower rank would have joined them.
    #[inline]
    pub(crate) fn were_never_joined(&self, mut left: u32, mut right: u32) -> bool {
        loop {
            let limit;
            if left > right {
                let Some(&(_, last)) = self.sides.get(left.wrapping_sub(self.symbols) as usize) else { return true };
                (limit, left) = (left, last);
            } else {
                let Some(&(first, _)) = self.sides.get(right.wrapping_sub(self.symbols) as usize) else { return true };
                (limit, right) = (right + 1, first);
            }
            if self.joined(left, right) < limit {
                return false;
            }
        }
    }
}

#[inline]
fn key(left: u32, right: u32) -> (u64, u64) {
    let pair = u64::from(left) << 21 | u64::from(right);
    (pair, pair.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

#[inline]
fn place(hash: u64, places: u64) -> usize {
    (((hash >> 32) * places) >> 32) as usize
}
