//! Documents that share a key, in bounded memory and in one reading of the keys: keys that are too many are put aside on disk by their
//! ranges, and one range after the other is looked at in memory.

use crate::dedup::candidates::{Key, Pair, Partners, Sweep};
use crate::error::Result;
use crate::io::{Buckets, SortedRuns, Staging, put_number, take_number};

/// Ranges that are put aside at the same time, at most.
const BUCKETS_MAX: u64 = 4096;
/// Readings of all keys at most, whatever little room there is.
const ROUNDS_MAX: u64 = 16;
/// Bytes of an ordinal that is put aside, roughly: it is told by its distance from the one before.
const ORDINAL_BYTES: u64 = 2;

/// What may be used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room<'a> {
    /// Bytes of memory.
    pub(crate) memory: u64,
    /// Bytes of disk; where the keys need more, they are read in several rounds, but not in more than 16.
    pub(crate) disk: u64,
    /// Where they are put.
    pub(crate) staging: &'a Staging,
    /// Do documents come by ascending numbers?
    pub(crate) ascending: bool,
}

/// Calls its argument with key and number of every document.
pub(crate) type Keys<'a, K> = dyn FnMut(&mut dyn FnMut(K, u64) -> Result<()>) -> Result<()> + 'a;

/// Pairs that are looked for, and where they are put.
pub(crate) struct Found<'a, 's> {
    /// Is a pair of any use?
    pub(crate) wanted: &'a dyn Fn(Pair) -> bool,
    /// Those that are.
    pub(crate) pairs: SortedRuns<'s, Pair>,
}

/// Finds the wanted pairs of documents that share one of some `entries` keys.
pub(crate) fn pair_up<K: Key>(
    room: Room<'_>,
    partners: Partners,
    entries: u64,
    keys: &mut Keys<'_, K>,
    found: &mut Found<'_, '_>,
) -> Result<()> {
    let memory = room.memory / 4 * 3;
    let held = (memory / size_of::<(K, u64)>() as u64).max(1024);
    if entries <= held {
        let mut sweep = Sweep::new(partners, memory, room.ascending);
        return sweep_all(&mut sweep, keys, found);
    }
    let disk = entries.saturating_mul(K::BYTES as u64 + ORDINAL_BYTES);
    let rounds = disk.div_ceil(room.disk.max(1)).clamp(1, ROUNDS_MAX);
    // Ranges of hashes are nearly alike.
    let buckets = (entries / rounds).div_ceil(held - held / 8).clamp(1, BUCKETS_MAX);
    let width = u64::MAX / (rounds * buckets) + 1;
    for round in 0..rounds {
        let aside = Buckets::new(room.staging, "keys", buckets as usize, room.memory / 4)?;
        let mut last = vec![0; aside.count()];
        keys(&mut |key, ordinal| {
            let Some(bucket) = (key.rank() / width).checked_sub(round * buckets).filter(|bucket| *bucket < buckets) else { return Ok(()) };
            let before = std::mem::replace(&mut last[bucket as usize], ordinal);
            aside.put(bucket as usize, |out| {
                key.put(out);
                // Wraps around where they do not ascend.
                put_number(out, ordinal.wrapping_sub(before));
            })
        })?;
        for bucket in 0..aside.count() {
            let mut sweep = Sweep::<K>::new(partners, memory, room.ascending);
            sweep_all(&mut sweep, &mut |visit| each_key(&aside, bucket, visit), found)?;
        }
    }
    Ok(())
}

fn sweep_all<K: Key>(sweep: &mut Sweep<K>, keys: &mut Keys<'_, K>, found: &mut Found<'_, '_>) -> Result<()> {
    loop {
        let mut take = |pair: Pair| {
            if (found.wanted)(pair) {
                found.pairs.push(pair);
            }
        };
        keys(&mut |key, ordinal| {
            sweep.push(key, ordinal, &mut take);
            Ok(())
        })?;
        let again = sweep.end_round(&mut take);
        found.pairs.check()?;
        if !again {
            return Ok(());
        }
    }
}

/// Calls `visit` with the keys of a bucket.
fn each_key<K: Key>(aside: &Buckets, bucket: usize, visit: &mut dyn FnMut(K, u64) -> Result<()>) -> Result<()> {
    let mut ordinal = 0_u64;
    aside.each(bucket, &mut |mut bytes| {
        while !bytes.is_empty() {
            let key = K::take(&mut bytes);
            let (key, distance) = key.zip(take_number(&mut bytes)).ok_or_else(|| aside.damaged())?;
            ordinal = ordinal.wrapping_add(distance);
            visit(key, ordinal)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Pairs, and how often the keys were read.
    fn pairs(memory: u64, disk: u64, ascending: bool, keys: &[[u64; 2]]) -> (Vec<Pair>, u32) {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::new(dir.path()).unwrap();
        let (room, read) = (Room { memory, disk, staging: &staging, ascending }, Cell::new(0));
        let mut found = Found { wanted: &|_| true, pairs: SortedRuns::new(&staging, 0) };
        let mut all = |visit: &mut dyn FnMut([u64; 2], u64) -> Result<()>| {
            read.set(read.get() + 1);
            let order: Vec<u64> = if ascending { (0..keys.len() as u64).collect() } else { (0..keys.len() as u64).rev().collect() };
            order.into_iter().try_for_each(|ordinal| visit(keys[ordinal as usize], ordinal << 40))
        };
        pair_up(room, Partners { firsts: 2, previous: true }, keys.len() as u64, &mut all, &mut found).unwrap();
        let mut list = Vec::new();
        found
            .pairs
            .finish()
            .unwrap()
            .each(&mut |pair| {
                list.push(pair);
                Ok(())
            })
            .unwrap();
        (list, read.get())
    }

    #[test]
    fn keys_are_read_once_and_more_often_only_for_want_of_disk() {
        let spread = |i: u64| [i.wrapping_mul(0x9e37_79b9_7f4a_7c15), i];
        // Each key thrice, but one very often.
        let keys: Vec<_> = (0..60_000).map(|i| if i % 10 == 3 { spread(3) } else { spread(i % 20_000) }).collect();
        let (wanted, read) = pairs(u64::MAX, 0, true, &keys);
        assert!(wanted.len() > 50_000 && read == 1, "{}", wanted.len());
        assert_eq!(pairs(100_000, u64::MAX, true, &keys), (wanted.clone(), 1));
        assert_eq!(pairs(4_000_000, u64::MAX, false, &keys), (wanted.clone(), 1));
        assert_eq!(pairs(100_000, u64::MAX, false, &keys).0, wanted);
        assert_eq!(pairs(0, u64::MAX, true, &keys), (wanted.clone(), 1));
        assert_eq!(pairs(100_000, 400_000, true, &keys), (wanted.clone(), 3));
        assert_eq!(pairs(100_000, 0, true, &keys), (wanted, 16));
    }
}
