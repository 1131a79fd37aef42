//! Counts the pre-tokens of the kept documents that are not held out: a histogram a work shard, which the training adds up.
//!
//! A histogram is a sum over documents. Where one is known from an earlier run that kept almost the same documents of the shard, the others are
//! added and taken away; the table is the same as if all had been counted.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::annotate::Annotated;
use super::bits::Bits;
use super::context::Context;
use super::cut_table::OfShard;
use super::decide::Part;
use super::dedup::Duplicates;
use super::key::Key;
use super::layout::{self, pass};
use super::manifest::LearnedFrom;
use super::observer::Quantity;
use super::pass::{Facts, Pass};
use super::share::Progressed;
use super::tables::{LIGHTER, text_bytes, write_table};
use super::work_dir::Entry;
use crate::bpe;
use crate::corpus;
use crate::error::Result;
use crate::pii;
use crate::stage::Batch;

const BATCH_ROWS: usize = 1024;

/// Which documents a vocabulary is learned from, where it is not learned from all: another key than that of `input.sample`, which would take
/// its own documents again.
const DRAWN_BY: &[u8; 32] = b"seimai: documents to learn from1";

/// What the entry of a shard says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CountFacts {
    /// The documents that were counted, a bit each ([`Bits::to_hex`]).
    kept: String,
    /// Bytes of their text.
    bytes: u64,
}

impl Facts for CountFacts {}

/// The histograms of all shards: the names of their tables, and a name for all of them together.
pub(super) struct Counted {
    pub(super) tables: Vec<String>,
    pub(super) key: Key,
    /// Documents that were counted.
    pub(super) documents: u64,
    /// If these are a sample: what it is.
    pub(super) sample: Option<LearnedFrom>,
}

/// Runs the pass, or what is left of it.
pub(super) fn run(context: &Context<'_>, annotated: &Annotated, duplicates: &Duplicates, parts: &[Part]) -> Progressed<Counted> {
    let tokenizer = &context.plan().tokenizer;
    let settings = (tokenizer.pattern, tokenizer.boundaries, tokenizer.superwords > 0.0, tokenizer.digits);
    let settings = Key::of(pass::COUNT)
        .and("with bytes")
        .and_settings(&(settings, context.plan().pii.masked()))?
        .and_steps(context.plan(), &["count", "pii"]);
    let name = |shard| {
        let key = settings.clone().and(&annotated.keys(shard)?.documents);
        Ok(duplicates.cuts.as_ref().map_or_else(|| key.clone(), |cuts| cuts.name_into(key.clone(), shard)).name())
    };
    let units = (0..annotated.shards()).map(name);
    let units = units.collect::<Result<Vec<String>>>()?;
    let share = share_of(tokenizer.train_bytes, parts.iter().map(|part| part.facts.kept_bytes - part.facts.held_out.bytes).sum());
    let is_drawn = |doc_id: &str| is_drawn(share, doc_id);
    let wanted = (share < 1.0).then_some(&is_drawn as &(dyn Fn(&str) -> bool + Sync));
    // Found when they are asked for: whoever works on one shard reads no other.
    let found: Vec<OnceLock<Bits>> = units.iter().map(|_| OnceLock::new()).collect();
    let kept = |shard: usize| {
        if let Some(kept) = found[shard].get() {
            return Ok(kept);
        }
        let wanted = wanted.map(|wanted| wanted as &dyn Fn(&str) -> bool);
        duplicates.trained_on(context, annotated, shard as u64, wanted).map(|kept| found[shard].get_or_init(|| kept))
    };
    let pass = Pass::new(pass::COUNT, Quantity::Steps, units.iter().map(|unit| (unit.clone(), 1)));
    let holds = |shard: usize, facts: &CountFacts| -> Result<bool> { Ok(facts.kept == kept(shard)?.to_hex()) };
    pass.run_where(context, &holds, |missing, underway| {
        underway.side_by_side(missing, &|| (), &|(), shard| {
            let documents = layout::annotated(&annotated.keys(shard as u64)?.documents);
            let documents = Documents { table: &documents, cuts: &duplicates.cuts(context, shard as u64)? };
            count(context, documents, &units[shard], kept(shard)?)
        })
    })?;
    let mut counted = Counted { tables: Vec::with_capacity(units.len()), key: Key::of(pass::TRAIN), documents: 0, sample: None };
    let mut bytes = 0;
    for (shard, unit) in units.iter().enumerate() {
        let kept = kept(shard)?;
        bytes += pass.entry::<CountFacts>(context, shard)?.facts.bytes;
        counted.tables.push(table_name(unit, kept));
        counted.key = counted.key.and(unit).and(kept.to_hex());
        counted.documents += kept.len();
    }
    counted.sample = (share < 1.0).then_some(LearnedFrom { wanted_bytes: tokenizer.train_bytes, documents: counted.documents, bytes });
    Ok(counted)
}

/// The share of the documents to learn from: of so many bytes of text, about so many are wanted.
pub(super) fn share_of(wanted: u64, text: u64) -> f64 {
    if text > wanted { wanted as f64 / text as f64 } else { 1.0 }
}

/// Is a vocabulary that is learned from this share of the documents learned from this one?
pub(super) fn is_drawn(share: f64, doc_id: &str) -> bool {
    corpus::draws(DRAWN_BY, share, doc_id)
}

/// The histogram of a shard holds its documents in its name: an earlier one stays whole until the entry names this one.
fn table_name(unit: &str, kept: &Bits) -> String {
    layout::shard_counts(unit, &Key::of(pass::COUNT).and(kept.to_hex()).name())
}

/// The documents of a shard.
#[derive(Clone, Copy)]
struct Documents<'a> {
    table: &'a str,
    /// What is cut out of them.
    cuts: &'a OfShard,
}

fn count(context: &Context<'_>, documents: Documents<'_>, unit: &str, kept: &Bits) -> Result<Entry<CountFacts>> {
    let known = context.store.work.committed::<CountFacts>(pass::COUNT, unit)?.and_then(|entry| Bits::from_hex(&entry.facts.kept));
    // To take most of it away costs more than to begin anew.
    let known = known.filter(|known| known.differing(kept) * 2 < kept.len());
    let table = match known {
        None => count_rows(context, documents, kept)?,
        Some(known) => {
            let old = context.store.table(&table_name(unit, &known))?.concat()?;
            let added = count_rows(context, documents, &kept.without(&known))?;
            bpe::adjust_counts(&old, &added, &count_rows(context, documents, &known.without(kept))?)?
        }
    };
    let bytes = bpe::counted_bytes(&table)?;
    let table = write_table(&context.store.work, &table_name(unit, kept), &table)?;
    Ok(Entry::new(vec![table], CountFacts { kept: kept.to_hex(), bytes }))
}

/// The histogram of some rows.
fn count_rows(context: &Context<'_>, documents: Documents<'_>, rows: &Bits) -> Result<Batch> {
    let counter = &context.stages.counter;
    let reads = counter.contract().reads.into_iter().chain([pii::SPANS]);
    let columns: Vec<&str> = reads.map(|column| column.name).collect();
    let mut absorber = counter.absorber();
    let (rows, mut at) = (rows.rows(), 0);
    for batch in context.store.table_rows(documents.table, &columns, &rows, BATCH_ROWS)? {
        context.stop.check()?;
        let batch = documents.cuts.cut(&batch?, rows.iter().skip(at).map(|&row| row as u32))?;
        at += batch.num_rows();
        let batch = context.stages.pii.mask(&batch)?;
        let _permit = context.store.gate.enter(text_bytes(&batch)? / LIGHTER);
        absorber.push(&batch)?;
    }
    absorber.finish()
}
