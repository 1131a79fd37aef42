//! Kept documents that belong together, and how a list of them is stored.

use crate::io::{Item, put_number, take_number};

/// A kept document that verified pairs join with an earlier kept one: a chain of pairs leads from one to the other, its ends perhaps less
/// similar than the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The document.
    pub ordinal: u64,
    /// The first kept document of its family.
    pub first: u64,
}

impl Item for Member {
    const NONE: Self = Self { ordinal: 0, first: 0 };

    fn put(self, last: Self, out: &mut Vec<u8>) {
        put_number(out, self.ordinal - last.ordinal);
        // Mostly an earlier document; where they stand in another order, it may be a later one.
        let distance = self.ordinal.wrapping_sub(self.first) as i64;
        put_number(out, ((distance << 1) ^ (distance >> 63)) as u64);
    }

    fn take(last: Self, bytes: &mut &[u8]) -> Option<Self> {
        let ordinal = last.ordinal.checked_add(take_number(bytes)?)?;
        let number = take_number(bytes)?;
        let distance = (number >> 1) as i64 ^ -((number & 1) as i64);
        Some(Self { ordinal, first: ordinal.wrapping_sub(distance as u64) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::{SortedRuns, Staging};

    #[test]
    fn members_on_disk_are_in_order_with_the_first_before_or_behind_them() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::new(dir.path()).unwrap();
        let all: Vec<Member> = (0..5_000_u64).map(|n| Member { ordinal: n << 38, first: (n * 7_919 % 5_000) << 38 }).collect();
        let mut members = SortedRuns::new(&staging, 0);
        all.iter().rev().for_each(|&member| members.push(member));
        let mut read = Vec::new();
        members
            .finish()
            .unwrap()
            .each(&mut |member| {
                read.push(member);
                Ok(())
            })
            .unwrap();
        assert_eq!(read, all);
    }
}
