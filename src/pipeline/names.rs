//! What documents are called that others name: looked up where those named stand, and put aside where those stand that name them. So nobody
//! who reads one work shard needs the names of a corpus.

use rustc_hash::FxHashMap;

use crate::dedup::shard_of;
use crate::error::Result;
use crate::io::{Buckets, Item, SortedRuns, Staging, put_number, take_number};

/// Groups of work shards at most: each has a buffer of its own.
const GROUPS_MAX: u64 = 1024;
/// Documents that are looked up at once.
const WANTED: usize = 1 << 14;

/// Somebody in a group of work shards names a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    named: u64,
    group: u64,
}

impl Item for Asked {
    const NONE: Self = Self { named: 0, group: 0 };

    fn put(self, last: Self, out: &mut Vec<u8>) {
        put_number(out, self.named - last.named);
        put_number(out, self.group);
    }

    fn take(last: Self, bytes: &mut &[u8]) -> Option<Self> {
        Some(Self { named: last.named.checked_add(take_number(bytes)?)?, group: take_number(bytes)? })
    }
}

/// Calls its second argument with every document of some ascending ordinals and what it is called.
pub(super) type LookUp<'a> = dyn FnMut(&[u64], &mut dyn FnMut(u64, &[u8]) -> Result<()>) -> Result<()> + 'a;

/// Who is named by whom, while that is found out.
pub(super) struct Asking<'a> {
    asked: SortedRuns<'a, Asked>,
    staging: &'a Staging,
    memory: u64,
    groups: Groups,
}

/// Work shards that stand side by side.
#[derive(Debug, Clone, Copy)]
struct Groups {
    count: u64,
    shards: u64,
}

impl Groups {
    fn of(self, shard: u64) -> u64 {
        shard / self.shards
    }
}

impl<'a> Asking<'a> {
    /// For so many work shards; uses `memory` bytes.
    pub(super) fn new(staging: &'a Staging, memory: u64, shards: u64) -> Self {
        let shards_of_group = shards.div_ceil(GROUPS_MAX).max(1);
        let groups = Groups { count: shards.div_ceil(shards_of_group), shards: shards_of_group };
        Self { asked: SortedRuns::new(staging, memory / 2), staging, memory, groups }
    }

    /// A document names another, or itself.
    pub(super) fn ask(&mut self, by: u64, named: u64) -> Result<()> {
        self.asked.push(Asked { named, group: self.groups.of(shard_of(by)) });
        self.asked.check()
    }

    /// Looks up all that are named.
    pub(super) fn answer(self, look_up: &mut LookUp<'_>) -> Result<Names> {
        let names = Buckets::new(self.staging, "names", self.groups.count as usize, self.memory / 2)?;
        let (asked, mut wanted, mut groups) = (self.asked.finish()?, Vec::new(), Vec::new());
        let mut tell = |wanted: &mut Vec<u64>, groups: &mut Vec<Asked>| -> Result<()> {
            let mut asked = groups.iter().peekable();
            look_up(wanted, &mut |named, name| {
                while let Some(asked) = asked.next_if(|asked| asked.named == named) {
                    names.put(asked.group as usize, |out| {
                        put_number(out, named);
                        put_number(out, name.len() as u64);
                        out.extend_from_slice(name);
                    })?;
                }
                Ok(())
            })?;
            wanted.clear();
            groups.clear();
            Ok(())
        };
        asked.each(&mut |asked: Asked| {
            if wanted.last() != Some(&asked.named) {
                if wanted.len() == WANTED {
                    tell(&mut wanted, &mut groups)?;
                }
                wanted.push(asked.named);
            }
            groups.push(asked);
            Ok(())
        })?;
        tell(&mut wanted, &mut groups)?;
        Ok(Names { names, groups: self.groups })
    }
}

/// What documents are called, by the work shards in which they are named.
#[derive(Debug)]
pub(super) struct Names {
    names: Buckets,
    groups: Groups,
}

impl Names {
    /// What those are called that documents of a work shard name, by ordinal, as `read` makes it of what was given; there may be others among
    /// them.
    pub(super) fn of_shard<T>(&self, shard: u64, read: &dyn Fn(&[u8]) -> Option<T>) -> Result<FxHashMap<u64, T>> {
        let mut names = FxHashMap::default();
        self.names.each(self.groups.of(shard) as usize, &mut |mut bytes| {
            while !bytes.is_empty() {
                let head = take_number(&mut bytes).zip(take_number(&mut bytes));
                let (named, (name, rest)) = head
                    .and_then(|(named, len)| Some((named, bytes.split_at_checked(usize::try_from(len).ok()?)?)))
                    .ok_or_else(|| self.names.damaged())?;
                names.insert(named, read(name).ok_or_else(|| self.names.damaged())?);
                bytes = rest;
            }
            Ok(())
        })?;
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::dedup::ordinal;

    #[test]
    fn everybody_finds_the_names_of_those_he_names() {
        for shards in [1, 7, 3 * GROUPS_MAX + 5] {
            let dir = tempfile::tempdir().unwrap();
            let staging = Staging::new(dir.path()).unwrap();
            let mut asking = Asking::new(&staging, 0, shards);
            let mut expected: BTreeMap<u64, BTreeMap<u64, String>> = BTreeMap::new();
            for i in 0..40_000_u64 {
                let by = ordinal(i * 7_919 % shards, (i % 100) as u32);
                let named = ordinal(i * i % shards, (i % 700) as u32);
                asking.ask(by, named).unwrap();
                expected.entry(shard_of(by)).or_default().insert(named, format!("{named}の名"));
            }
            let mut looked_up = Vec::new();
            let names = asking
                .answer(&mut |wanted, give| {
                    looked_up.extend_from_slice(wanted);
                    wanted.iter().try_for_each(|&named| give(named, format!("{named}の名").as_bytes()))
                })
                .unwrap();
            assert!(looked_up.is_sorted_by(|a, b| a < b));
            for (&shard, named) in &expected {
                let found = names.of_shard(shard, &|name| Some(name.to_vec())).unwrap();
                assert!(named.iter().all(|(named, name)| found[named] == name.as_bytes()), "{shard} of {shards}");
            }
        }
    }
}
