//! The fold behind the search for duplicates: which pieces of the texts that stay are cut out (those that repeat, and evaluation items that
//! are masked), and which documents go because too little of them is left. Every pass that reads documents behind it reads them without what is cut ([`OfShard::cut`](super::cut_table::OfShard::cut)).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::annotate::Annotated;
use super::context::Context;
use super::cut_table::{Cuts, to_batch};
use super::cuts::{self, Cutting, OfDocuments};
use super::dedup::{self, Duplicates};
use super::key::Key;
use super::layout::{self, pass};
use super::pass::{Facts, Pass};
use super::share::Progressed;
use super::tables::{LIGHTER, write_table};
use super::work_dir::Entry;
use crate::dedup::{Cut, Document, PieceCorpus, Pieces, find_pieces, ordinal, row_of};
use crate::error::Result;
use crate::schema;
use crate::stage::{Batch, in_parallel, strings};

/// Rows read at a time.
const BATCH_ROWS: usize = 1024;
/// The measure that a document of few characters fails.
const LENGTH: &str = "n_chars";

/// What the entry of the fold says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CutFacts {
    /// The work shards that something is cut out of, in the order of the files.
    shards: Vec<u64>,
}

impl Facts for CutFacts {}

/// Runs the fold, or reads what it concluded before; nothing where the plan cuts nothing.
pub(super) fn run(context: &Context<'_>, annotated: &Annotated, duplicates: &Duplicates) -> Progressed<Option<Cuts>> {
    let options = &context.plan().dedup;
    if !options.cuts() && !options.masks() {
        return Ok(None);
    }
    let rules = (&context.plan().quality, context.plan().keigo.of_rules());
    let mut key = Key::of(pass::CUT).and_settings(&(options.line_limits(), options.substring))?.and_settings(&rules)?;
    key = key.and_steps(context.plan(), &["cut", "decide"]);
    for shard in 0..annotated.shards() {
        key = duplicates.name_into(key.and(&annotated.keys(shard)?.documents), shard)?;
        if let Some(table) = duplicates.items_table(shard)? {
            key = key.and("items").and(&table.blake3);
        }
    }
    let unit = key.name();
    let fold = Pass::fold(pass::CUT, unit.clone(), 2);
    fold.run::<CutFacts>(context, |_, underway| {
        let pieces = if options.cuts() { Some(find(context, annotated, duplicates)?) } else { None };
        underway.step();
        let mut shards: BTreeSet<u64> = pieces.iter().flat_map(Pieces::shards).collect();
        for shard in 0..annotated.shards() {
            shards.extend(duplicates.items_table(shard)?.map(|_| shard));
        }
        let shards: Vec<u64> = shards.into_iter().collect();
        let settled = in_parallel(&|n, work| context.pool.parallel(n, work), shards.len(), &|i| {
            let pieces = pieces.as_ref().map_or_else(|| Ok(Vec::new()), |pieces| pieces.of_shard(shards[i]))?;
            let table = settle(context, annotated, shards[i], pieces, &duplicates.items(context, annotated, shards[i])?)?;
            write_table(&context.store.work, &layout::cuts(&unit, shards[i]), &table)
        })?;
        underway.commit(0, &Entry::new(settled, CutFacts { shards }))
    })?;
    let entry = fold.entry::<CutFacts>(context, 0)?;
    Ok(Some(Cuts::new(entry.facts.shards.into_iter().zip(entry.files).collect())))
}

/// Searches the documents that neither rules nor the search for duplicates remove.
fn find(context: &Context<'_>, annotated: &Annotated, duplicates: &Duplicates) -> Result<Pieces> {
    let columns = [schema::TEXT.name, schema::URL.name, schema::SOURCE.name];
    let documents = |shard: u64, give: &mut dyn FnMut(Document<'_>) -> Result<()>| {
        let stays = duplicates.unique(context, annotated, shard)?;
        let mut ordinals = ordinal(shard, 0)..;
        let _permit = context.store.gate.enter(dedup::longest_text(context, annotated, shard)? / LIGHTER);
        let documents = layout::annotated(&annotated.keys(shard)?.documents);
        for batch in context.store.table_columns(&documents, Some(&columns), BATCH_ROWS)? {
            context.stop.check()?;
            cuts::each_document(&batch?, &mut ordinals, &mut |ordinal| stays.get(row_of(ordinal) as usize), give)?;
        }
        Ok(())
    };
    let corpus = PieceCorpus {
        shards: annotated.shards(),
        documents: &documents,
        memory: context.memory / 4,
        staging: context.store.work.staging(),
        parallel: &|n, work| context.pool.parallel(n, work),
    };
    find_pieces(&context.plan().dedup, &corpus)
}

/// The table of a work shard: what is cut out of each document, and why the document goes, if it does.
fn settle(context: &Context<'_>, annotated: &Annotated, shard: u64, found: Vec<Cut>, items: &[Cut]) -> Result<Batch> {
    let mut rows: Vec<usize> = found.iter().chain(items).map(|cut| row_of(cut.ordinal) as usize).collect();
    rows.sort_unstable();
    rows.dedup();
    let mut items = items.chunk_by(|a, b| a.ordinal == b.ordinal).peekable();
    let (mut found, mut read) = (OfDocuments::new(found, &context.plan().dedup), rows.iter());
    let decider = &context.stages.decider;
    let reads = decider.contract().reads.into_iter().chain([schema::TEXT]).map(|column| column.name);
    let columns: Vec<&str> = reads.collect();
    let documents = layout::annotated(&annotated.keys(shard)?.documents);
    let (mut cuts, mut evidence) = (Vec::new(), Vec::new());
    for batch in context.store.table_rows(&documents, &columns, &rows, BATCH_ROWS)? {
        context.stop.check()?;
        let batch = batch?;
        let texts = strings(&batch, &schema::TEXT)?;
        for (i, &row) in (0..batch.num_rows()).zip(&mut read) {
            let text = texts.value(i);
            let at = ordinal(shard, row as u32);
            let items = items.next_if(|items| items[0].ordinal == at).map_or_else(Vec::new, <[Cut]>::to_vec);
            let of_it = found.of(at, text, items);
            let left = cuts::characters_left(text, &of_it);
            let (_, measures) = decider.explain_row(&batch, i)?;
            let least = measures.iter().find(|measure| measure.measure == LENGTH && !measure.exempt).map_or(1.0, |measure| measure.limit);
            evidence.push((left < 1 || (left as f64) < least).then(|| explain(text, &of_it, left, least)));
            evidence.extend(of_it.iter().skip(1).map(|_| None));
            cuts.extend(of_it);
        }
    }
    to_batch(&cuts, evidence)
}

/// Why a document goes.
fn explain(text: &str, cuts: &[Cut], left: usize, least: f64) -> String {
    let mut sums = Cutting::default();
    sums.count(text, cuts);
    let mut evidence = String::new();
    for (what, pieces, characters) in sums.by_kind() {
        // Writing to a string cannot fail.
        let _ = write!(evidence, "{what} {pieces} of {characters} characters cut; ");
    }
    let _ = write!(evidence, "{LENGTH} {left} < {least} left");
    evidence
}
