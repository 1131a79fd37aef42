//! Sets of hashes that are emptied in no time: every entry bears the number of the round it belongs to.

/// Hashes seen in this round; grows as needed.
#[derive(Debug)]
pub(super) struct Seen {
    /// Upper 48 bits of a hash, then the round; rounds start at 1, so that 0 is no entry.
    entries: Vec<u64>,
    round: u16,
    len: usize,
}

impl Default for Seen {
    fn default() -> Self {
        Self { entries: vec![0; 1 << 10], round: 1, len: 0 }
    }
}

impl Seen {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.len = 0;
        self.round = self.round.wrapping_add(1);
        // A table that one huge document made is not kept for all that follow.
        if self.round == 0 || self.entries.len() > 1 << 16 {
            self.entries.clear();
            self.entries.resize(1 << 10, 0);
            self.round = 1;
        }
    }

    /// Adds a hash, all bits of which vary; was it new?
    #[inline]
    pub(super) fn insert(&mut self, hash: u64) -> bool {
        if self.len * 2 >= self.entries.len() {
            self.grow();
        }
        let entry = hash & !0xffff | u64::from(self.round);
        let new = place(&mut self.entries, entry);
        self.len += usize::from(new);
        new
    }

    #[cold]
    fn grow(&mut self) {
        let mut larger = vec![0; self.entries.len() * 4];
        let round = u64::from(self.round);
        self.entries.iter().filter(|entry| **entry & 0xffff == round).for_each(|entry| {
            place(&mut larger, *entry);
        });
        self.entries = larger;
    }
}

/// Puts an entry of the current round into a table that has room; was it new? Older entries are free places.
#[inline]
fn place(entries: &mut [u64], entry: u64) -> bool {
    let mask = entries.len() - 1;
    let mut at = (entry >> 16) as usize & mask;
    loop {
        let found = entries[at & mask];
        if found == entry {
            return false;
        }
        if found & 0xffff != entry & 0xffff {
            entries[at & mask] = entry;
            return true;
        }
        at = (at + 1) & mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_do_not_see_each_other() {
        let mut seen = Seen::default();
        let hash = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for round in 0..70_000_u64 {
            assert!(seen.insert(hash(round % 7)) && seen.insert(hash(9)) && !seen.insert(hash(round % 7)));
            seen.clear();
        }
    }

    #[test]
    fn it_grows() {
        let mut seen = Seen::default();
        for _ in 0..2 {
            for i in 0..200_000_u64 {
                assert!(seen.insert(i.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            }
            assert!((0..200_000_u64).all(|i| !seen.insert(i.wrapping_mul(0x9e37_79b9_7f4a_7c15))));
            seen.clear();
        }
    }
}
