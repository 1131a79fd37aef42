//! Documents whose id another had before them: found over the whole corpus, and told apart by where they stand.
//!
//! The first document of an id, in reading order, keeps it; a later one is called `<id>~<file>@<offset>`. So no number has to be counted, and a
//! name says where to look. Ids are compared by 128 bits of their BLAKE3, in as many goes as memory asks for.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::UInt64Type;

use super::annotate::Annotated;
use super::context::Context;
use super::layout;
use crate::dedup::ordinal;
use crate::error::{Error, Result};
use crate::schema;
use crate::stage::{Batch, column, strings, with_column};

/// Rows read at a time.
const ROWS: usize = 1 << 14;
/// Memory of an id while it is compared.
const BYTES_AN_ID: u64 = 64;

/// Runs some work for every shard; results by shard.
type PerShard<'a, T> = &'a dyn Fn(&(dyn Fn(u64) -> Result<T> + Sync)) -> Result<Vec<T>>;

/// Ordinals of the documents whose id an earlier one has, ascending.
pub(super) fn find(context: &Context<'_>, annotated: &Annotated, per_shard: PerShard<'_, Vec<(u128, u64)>>) -> Result<Vec<u64>> {
    let documents = (0..annotated.shards()).map(|shard| Ok(annotated.facts(context, shard)?.documents)).sum::<Result<u64>>()?;
    let goes = u128::from(documents.saturating_mul(BYTES_AN_ID) / (context.memory / 4).max(1) + 1);
    let mut later = Vec::new();
    for go in 0..goes {
        let mut ids: Vec<(u128, u64)> = per_shard(&|shard| {
            let mut row = 0;
            let mut found = Vec::new();
            let documents = layout::annotated(&annotated.keys(shard)?.documents);
            for batch in context.store.table_columns(&documents, Some(&[schema::DOC_ID.name]), ROWS)? {
                context.stop.check()?;
                for id in strings(&batch?, &schema::DOC_ID)?.iter().flatten() {
                    let hash = hash(id);
                    if hash % goes == go {
                        found.push((hash, ordinal(shard, row)));
                    }
                    row += 1;
                }
            }
            Ok(found)
        })?
        .into_iter()
        .flatten()
        .collect();
        ids.sort_unstable();
        later.extend(ids.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1));
    }
    later.sort_unstable();
    Ok(later)
}

fn hash(id: &str) -> u128 {
    blake3::hash(id.as_bytes()).as_bytes().first_chunk().map_or(0, |first| u128::from_le_bytes(*first))
}

/// What a document is called whose id another has.
pub(super) fn told_apart(id: &str, file: &str, offset: u64) -> String {
    format!("{id}~{file}@{offset}")
}

/// Is a document called so because another has its id?
pub(super) fn is_told_apart(id: &str, file: &str, offset: u64) -> bool {
    let by_place = id.strip_suffix(&offset.to_string()).and_then(|rest| rest.strip_suffix('@'));
    by_place.and_then(|rest| rest.strip_suffix(file)).is_some_and(|rest| rest.ends_with('~'))
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
    fn a_name_says_where_the_document_stands() {
        let name = told_apart("a~b", "web/x.jsonl", 120);
        assert_eq!(name, "a~b~web/x.jsonl@120");
        assert!(is_told_apart(&name, "web/x.jsonl", 120));
        assert!(!is_told_apart(&name, "web/x.jsonl", 20) && !is_told_apart(&name, "x.jsonl", 120) && !is_told_apart("a", "", 0));
    }
}
