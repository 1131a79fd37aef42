//! Documents whose id another had before them: found over the whole corpus, and told apart by where they stand.
//!
//! The first document of an id, in reading order, keeps it; a later one is called `<id>~<file>@<offset>`. So no number has to be counted, and a
//! name says where to look. Ids are compared by 128 bits of their BLAKE3, which are put aside in as many parts as memory asks for.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::UInt64Type;

use super::annotate::Annotated;
use super::context::Context;
use super::layout;
use crate::dedup::ordinal;
use crate::error::{Error, Result};
use crate::io::{Buckets, put_number, take_number};
use crate::schema;
use crate::stage::{Batch, column, strings, with_column};

/// Rows read at a time.
const ROWS: usize = 1 << 14;
/// Memory of an id while it is compared.
const BYTES_AN_ID: u64 = size_of::<(u128, u64)>() as u64;

/// Runs some work for every shard; results by shard.
type PerShard<'a, T> = &'a dyn Fn(&(dyn Fn(u64) -> Result<T> + Sync)) -> Result<Vec<T>>;

/// Ordinals of the documents whose id an earlier one has, ascending.
pub(super) fn find(context: &Context<'_>, annotated: &Annotated, per_shard: PerShard<'_, ()>) -> Result<Vec<u64>> {
    let documents = (0..annotated.shards()).map(|shard| Ok(annotated.facts(context, shard)?.documents)).sum::<Result<u64>>()?;
    let memory = context.memory / 8;
    let buckets = usize::try_from(documents.saturating_mul(BYTES_AN_ID) / (memory / 2).max(1) + 1).unwrap_or(usize::MAX);
    let ids = Buckets::new(context.store.work.staging(), "ids", buckets, memory / 2)?;
    per_shard(&|shard| {
        let mut row = 0;
        let documents = layout::annotated(&annotated.keys(shard)?.documents);
        for batch in context.store.table_columns(&documents, Some(&[schema::DOC_ID.name]), ROWS)? {
            context.stop.check()?;
            for id in strings(&batch?, &schema::DOC_ID)?.iter().flatten() {
                let hash = hash(id);
                ids.put((hash % buckets as u128) as usize, |out| {
                    out.extend(hash.to_le_bytes());
                    put_number(out, ordinal(shard, row));
                })?;
                row += 1;
            }
        }
        Ok(())
    })?;
    let mut later = Vec::new();
    for bucket in 0..buckets {
        context.stop.check()?;
        later_of(&ids, bucket, (memory / 2 / BYTES_AN_ID) as usize, &mut later)?;
    }
    later.sort_unstable();
    Ok(later)
}

/// Appends the ordinals of a bucket whose id has an earlier one; what is alike is put together whenever there are `held_max` ids.
fn later_of(ids: &Buckets, bucket: usize, held_max: usize, later: &mut Vec<u64>) -> Result<()> {
    let mut held: Vec<(u128, u64)> = Vec::new();
    let mut keep_firsts = |held: &mut Vec<(u128, u64)>| {
        held.sort_unstable();
        held.dedup_by(|second, first| {
            let same = second.0 == first.0;
            later.extend(Some(second.1).filter(|_| same));
            same
        });
    };
    let mut full_at = held_max.max(1024);
    ids.each(bucket, &mut |mut bytes| {
        while let Some((hash, rest)) = bytes.split_first_chunk() {
            bytes = rest;
            held.push((u128::from_le_bytes(*hash), take_number(&mut bytes).ok_or_else(|| ids.damaged())?));
        }
        if held.len() >= full_at {
            keep_firsts(&mut held);
            full_at = full_at.max(2 * held.len());
        }
        Ok(())
    })?;
    keep_firsts(&mut held);
    Ok(())
}

fn hash(id: &str) -> u128 {
    blake3::hash(id.as_bytes()).as_bytes().first_chunk().map_or(0, |first| u128::from_le_bytes(*first))
}

/// What a document is called whose id another has.
pub(super) fn told_apart(id: &str, file: &str, offset: u64) -> String {
    format!("{id}~{file}@{offset}")
}

/// The id of a document that is called so because another has it.
pub(super) fn shared_id<'i>(id: &'i str, file: &str, offset: u64) -> Option<&'i str> {
    let by_place = id.strip_suffix(&offset.to_string()).and_then(|rest| rest.strip_suffix('@'));
    by_place.and_then(|rest| rest.strip_suffix(file)).and_then(|rest| rest.strip_suffix('~'))
}

/// What a document of a batch is called.
pub(super) fn name(batch: &Batch, row: usize, is_later: bool) -> Result<String> {
    let id = strings(batch, &schema::DOC_ID)?.value(row);
    if !is_later {
        return Ok(id.to_owned());
    }
    let offsets = column(batch, &schema::OFFSET)?.as_primitive_opt::<UInt64Type>();
    let offset = offsets.ok_or_else(|| Error::internal("the column offset has another type"))?.value(row);
    Ok(told_apart(id, strings(batch, &schema::FILE)?.value(row), offset))
}

/// The batch with its documents told apart; `later` are the rows of those whose id another has.
pub(super) fn apart(batch: Batch, later: &[usize]) -> Result<Batch> {
    if later.is_empty() {
        return Ok(batch);
    }
    let names = (0..batch.num_rows()).map(|row| name(&batch, row, later.binary_search(&row).is_ok())).collect::<Result<Vec<_>>>()?;
    let names: ArrayRef = Arc::new(StringArray::from(names));
    with_column(&batch, &schema::DOC_ID, names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_an_id_keeps_it_whatever_comes_when() {
        let dir = tempfile::tempdir().unwrap();
        let ids = Buckets::new(&crate::io::Staging::new(dir.path()).unwrap(), "ids", 1, 0).unwrap();
        // Every seventh has an id of its own, the others one of ten, in mixed order.
        let id = |i: u64| if i.is_multiple_of(7) { u128::from(i) << 64 } else { u128::from(i % 10) };
        let all: Vec<u64> = (0..20_000).map(|i| i * 7_919 % 20_000).collect();
        for &i in &all {
            ids.put(0, |out| {
                out.extend(id(i).to_le_bytes());
                put_number(out, i << 40);
            })
            .unwrap();
        }
        let mut seen = std::collections::BTreeSet::new();
        let wanted: Vec<u64> = (0..20_000).filter(|&i| !seen.insert(id(i))).map(|i| i << 40).collect();
        for held_max in [0, usize::MAX] {
            let mut later = Vec::new();
            later_of(&ids, 0, held_max, &mut later).unwrap();
            later.sort_unstable();
            assert_eq!(later, wanted);
        }
    }

    #[test]
    fn a_name_says_where_the_document_stands() {
        let name = told_apart("a~b", "web/x.jsonl", 120);
        assert_eq!(name, "a~b~web/x.jsonl@120");
        assert_eq!(shared_id(&name, "web/x.jsonl", 120), Some("a~b"));
        for (id, file, offset) in [(&*name, "web/x.jsonl", 20), (&name, "x.jsonl", 120), ("a", "", 0)] {
            assert_eq!(shared_id(id, file, offset), None);
        }
    }
}
