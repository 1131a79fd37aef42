//! Kept documents that belong to the family of an earlier one, as later passes read them: work shard by work shard, each with the id of the first
//! of its family. A split holds families out as a whole.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{Schema, UInt64Type};
use rustc_hash::FxHashMap;

use super::begins::Begins;
use super::context::Context;
use super::key::Key;
use super::layout::{self, pass};
use super::names::Names;
use super::tables::write_batches;
use super::verdict_columns::{FAMILY_COLUMNS, FAMILY_ID, MEMBER};
use crate::dedup::{Member, Verdicts, row_of};
use crate::error::{Error, Result};
use crate::io::FileEntry;
use crate::schema::Column;
use crate::stage::{Batch, column, strings};

/// Rows that are read at a time.
const READ_ROWS: usize = 1 << 14;

/// The table of a run, of which nothing is held but where each work shard begins.
#[derive(Debug, Default)]
pub(super) struct FamilyTable {
    path: String,
    begins: Begins,
}

/// What the families of a work shard's documents are called, by row; a document without a row here is the first of its own.
#[derive(Debug, Default)]
pub(super) struct OfShard {
    ids: FxHashMap<u32, String>,
}

impl OfShard {
    /// What the family of a document is called: the doc_id of the first of it, mostly its own.
    pub(super) fn of<'a>(&'a self, row: u32, doc_id: &'a str) -> &'a str {
        self.ids.get(&row).map_or(doc_id, String::as_str)
    }
}

impl FamilyTable {
    /// Writes the families of so many work shards: the table, and where each of them begins in it. `names` has the ids of all first documents.
    pub(super) fn write(context: &Context<'_>, unit: &str, shards: u64, verdicts: &Verdicts, names: &Names) -> Result<Vec<FileEntry>> {
        let (mut rows, mut digests) = (Vec::with_capacity(shards as usize), Vec::with_capacity(shards as usize));
        let batches = (0..shards).map(|shard| {
            context.stop.check()?;
            let members = verdicts.members_of_shard(shard)?;
            let names = if members.is_empty() {
                FxHashMap::default()
            } else {
                names.of_shard(shard, &|name| String::from_utf8(name.to_vec()).ok())?
            };
            let name =
                |member: &Member| names.get(&member.first).map(String::as_str).ok_or_else(|| Error::internal("a family without a name"));
            let ids = members.iter().map(name).collect::<Result<Vec<&str>>>()?;
            rows.push(members.len() as u32);
            digests.push(digest(&members, &ids));
            to_batch(&members, &ids)
        });
        let none = (shards == 0).then(|| to_batch(&[], &[]));
        let table = write_batches(&context.store.work, &layout::families(unit), batches.chain(none))?;
        Ok(vec![table, Begins::write(context, &layout::family_shards(unit), rows, digests)?])
    }

    /// The table that was written under this name.
    pub(super) fn open(context: &Context<'_>, unit: &str) -> Result<Self> {
        Ok(Self { path: layout::families(unit), begins: Begins::open(context, &layout::family_shards(unit))? })
    }

    /// The families of the documents of a work shard.
    pub(super) fn of(&self, context: &Context<'_>, shard: u64) -> Result<OfShard> {
        let mut found = OfShard::default();
        let rows: Vec<usize> = self.begins.rows(shard).collect();
        if rows.is_empty() {
            return Ok(found);
        }
        for batch in context.store.table_rows(&self.path, &FAMILY_COLUMNS.map(|column| column.name), &rows, READ_ROWS)? {
            let batch = batch?;
            let members = column(&batch, &MEMBER)?.as_primitive_opt::<UInt64Type>();
            let members = members.ok_or_else(|| Error::internal("column member has another type"))?;
            let ids = strings(&batch, &FAMILY_ID)?.iter().flatten().map(str::to_owned);
            found.ids.extend(members.values().iter().map(|&ordinal| row_of(ordinal)).zip(ids));
        }
        Ok(found)
    }

    /// Everything that is said of the documents of a work shard, as part of a name.
    pub(super) fn name_into(&self, key: Key, shard: u64) -> Key {
        self.begins.name_into(key, shard)
    }
}

fn to_batch(members: &[Member], ids: &[&str]) -> Result<Batch> {
    let schema = Schema::new(FAMILY_COLUMNS.iter().map(Column::field).collect::<Vec<_>>());
    let ordinals: ArrayRef = Arc::new(members.iter().map(|member| Some(member.ordinal)).collect::<UInt64Array>());
    Ok(RecordBatch::try_new(Arc::new(schema), vec![ordinals, Arc::new(StringArray::from_iter_values(ids))])?)
}

fn digest(members: &[Member], ids: &[&str]) -> String {
    let key = Key::of(pass::DEDUP);
    members.iter().zip(ids).fold(key, |key, (member, id)| key.and_number(u64::from(row_of(member.ordinal))).and(id)).name()
}
