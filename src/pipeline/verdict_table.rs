//! What the search for duplicates said, as later passes read it: work shard by work shard, each document that goes or stands for others with
//! the id of the one that stands for it.

use arrow::array::StringArray;

use super::begins::Begins;
use super::context::Context;
use super::key::Key;
use super::layout::{self, pass};
use super::names::Names;
use super::tables::write_batches;
use super::verdict_columns::{ANCHOR_ID, COLUMNS, batch, read};
use crate::dedup::{Affected, Verdict, Verdicts, row_of};
use crate::error::{Error, Result};
use crate::io::FileEntry;
use crate::stage::strings;

/// Rows that are read at a time.
const READ_ROWS: usize = 1 << 14;

/// The table of verdicts of a run, of which nothing is held but where each work shard begins.
#[derive(Debug, Default)]
pub(super) struct VerdictTable {
    path: String,
    begins: Begins,
}

/// What is said of the documents of a work shard, by row.
#[derive(Debug, Default)]
pub(super) struct OfShard {
    affected: Vec<Affected>,
    /// By batch as they were read.
    anchor_ids: Vec<StringArray>,
}

impl OfShard {
    /// The affected documents, each with the id of the one that stands for it.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Affected, &str)> {
        self.affected.iter().zip(self.anchor_ids.iter().flat_map(|ids| ids.iter().map(Option::unwrap_or_default)))
    }

    /// Rows of those that go.
    pub(super) fn removed(&self) -> impl Iterator<Item = u32> {
        self.affected.iter().filter(|affected| affected.goes()).map(|affected| row_of(affected.ordinal))
    }
}

impl VerdictTable {
    /// Writes what was said of the documents of so many work shards: the table, and where each of them begins in it.
    pub(super) fn write(context: &Context<'_>, unit: &str, shards: u64, verdicts: &Verdicts, names: &Names) -> Result<Vec<FileEntry>> {
        let (mut rows, mut digests) = (Vec::with_capacity(shards as usize), Vec::with_capacity(shards as usize));
        let batches = (0..shards).map(|shard| {
            context.stop.check()?;
            let affected = verdicts.of_shard(shard)?;
            let names =
                if affected.is_empty() { None } else { Some(names.of_shard(shard, &|name| String::from_utf8(name.to_vec()).ok())?) };
            let name = |affected: &Affected| {
                let name = names.as_ref().and_then(|names| names.get(&affected.anchor()));
                name.map(String::as_str).ok_or_else(|| Error::internal("an anchor without a name"))
            };
            let ids = affected.iter().map(name).collect::<Result<Vec<&str>>>()?;
            rows.push(affected.len() as u32);
            digests.push(digest(&affected, &ids));
            batch(&affected, &ids)
        });
        let none = (shards == 0).then(|| batch(&[], &[]));
        let table = write_batches(&context.store.work, &layout::verdicts(unit), batches.chain(none))?;
        Ok(vec![table, Begins::write(context, &layout::verdict_shards(unit), rows, digests)?])
    }

    /// The table that was written under this name.
    pub(super) fn open(context: &Context<'_>, unit: &str) -> Result<Self> {
        Ok(Self { path: layout::verdicts(unit), begins: Begins::open(context, &layout::verdict_shards(unit))? })
    }

    /// The affected documents of a work shard.
    pub(super) fn of(&self, context: &Context<'_>, shard: u64) -> Result<OfShard> {
        let mut found = OfShard::default();
        let rows: Vec<usize> = self.begins.rows(shard).collect();
        if rows.is_empty() {
            return Ok(found);
        }
        found.affected.reserve_exact(rows.len());
        for batch in context.store.table_rows(&self.path, &COLUMNS.map(|column| column.name), &rows, READ_ROWS)? {
            let batch = batch?;
            read(&batch, &mut found.affected)?;
            found.anchor_ids.push(strings(&batch, &ANCHOR_ID)?.clone());
        }
        Ok(found)
    }

    /// Everything that is said of the documents of a work shard, as part of a name.
    pub(super) fn name_into(&self, key: Key, shard: u64) -> Key {
        self.begins.name_into(key, shard)
    }
}

fn digest(affected: &[Affected], anchor_ids: &[&str]) -> String {
    let mut key = Key::of(pass::DEDUP);
    for (affected, anchor_id) in affected.iter().zip(anchor_ids) {
        key = key.and_number(u64::from(row_of(affected.ordinal))).and(anchor_id).and_number(u64::from(affected.size()));
        if let Verdict::Removed { kind, jaccard, .. } = affected.verdict {
            key = key.and(kind.rule()).and_number(u64::from(jaccard.to_bits()));
        }
    }
    key.name()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dedup::Kind;

    #[test]
    fn a_table_says_what_was_put_into_it() {
        let removed = |kind, row: u64| Affected {
            ordinal: 1 << 40 | row,
            verdict: Verdict::Removed { kind, duplicate_of: row, jaccard: 1.0 / (row + 1) as f32 },
        };
        let all = [
            Affected { ordinal: 7, verdict: Verdict::Anchor { size: 5 } },
            removed(Kind::Exact, 1),
            removed(Kind::Near, 2),
            removed(Kind::NearCopy, 3),
            removed(Kind::Orthography, 4),
        ];
        let ids = ["七", "a", "b", "", "d"];
        let stored = batch(&all, &ids).unwrap();
        let mut found = Vec::new();
        read(&stored, &mut found).unwrap();
        assert_eq!(found, all);
        assert_eq!(strings(&stored, &ANCHOR_ID).unwrap().iter().flatten().collect::<Vec<_>>(), ids);
        for other in [["七", "a", "b", "", "e"], ["七", "a", "b", "c", "d"]] {
            assert_ne!(digest(&all, &ids), digest(&all, &other));
        }
        let mut others = all;
        others[2] = removed(Kind::NearCopy, 2);
        assert_eq!(digest(&all, &ids), digest(&others, &ids), "both are the rule near");
        others[2] = removed(Kind::Orthography, 2);
        assert_ne!(digest(&all, &ids), digest(&others, &ids));
    }
}
