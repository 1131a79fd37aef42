//! The first fold: which documents pass the quality rules, and which of those repeat which. The others take no part, so that no
//! document is dropped in favour of one that is dropped itself.

use std::sync::{Arc, Mutex};

use arrow::array::{Array, AsArray, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Float32Type, Schema, UInt32Type, UInt64Type};
use serde::{Deserialize, Serialize};

use super::annotate::Annotated;
use super::bits::Bits;
use super::contamination::{CONTAMINATED, Contaminations, Judgement, items_from_batch, items_to_batch};
use super::context::Context;
use super::cut_table::{Cuts, OfShard};
use super::family_table::{self, FamilyTable};
use super::key::Key;
use super::layout::{self, pass};
use super::mixture::Rebalanced;
use super::names::{Asking, Names};
use super::observer::Quantity;
use super::parts::{self, Load, plan_parts};
use super::pass::{Facts, Pass};
use super::same_ids;
use super::share::Progressed;
use super::tables::{LIGHTER, write_table};
use super::verdict_table::{self, VerdictTable};
use super::work_dir::Entry;
use crate::decide::{Rejection, Rejections};
use crate::dedup::without::without;
use crate::dedup::{self, Contaminated, Corpus, Cut, Keep, TEXT_BYTES, Verdicts, ordinal, row_of, shard_of};
use crate::error::{Error, Result};
use crate::io::FileEntry;
use crate::quality::{SOUNDNESS_FIELDS, soundness};
use crate::schema;
use crate::stage::{Batch, column, list_slice, lists, strings};

/// Enters the name of the fold: raise it when its tables have another form.
const TABLES: u64 = 3;
/// Rows read at a time when texts are looked up.
const LOOKUP_ROWS: usize = 1024;

/// What became of the documents that repeat others or are repeated, of those that the rules reject, and of those that are too many of
/// their register; all others are kept and unique.
#[derive(Debug, Default)]
pub(super) struct Duplicates {
    verdicts: VerdictTable,
    /// Which kept documents belong to the family of another. Only a split asks for it: without one it is in no name either.
    families: Option<FamilyTable>,
    /// Documents whose id another had before them, by ordinal.
    same_ids: Vec<u64>,
    judged: Vec<Judged>,
    /// What is cut out of the others, if the plan asks for that.
    pub(super) cuts: Option<Cuts>,
    /// Which of the others go, for the mixture of registers that the plan asks for.
    pub(super) mixture: Option<Rebalanced>,
    /// Output parts as ranges of shards.
    pub parts: Vec<(u64, u64)>,
}

/// The unit of a shard that says which of its documents the rules reject.
#[derive(Debug)]
struct Judged {
    unit: String,
    /// BLAKE3 of its table: other rules that say the same are no other rules.
    blake3: String,
    /// Documents that hold something of each evaluation set.
    contaminated: Vec<u64>,
    /// Where evaluation items stand, if they are cut out.
    items: Option<FileEntry>,
}

impl Duplicates {
    /// The affected documents of one shard.
    pub(super) fn of(&self, context: &Context<'_>, shard: u64) -> Result<verdict_table::OfShard> {
        self.verdicts.of(context, shard)
    }

    /// Rows of a shard, of `rows` from `first` on, whose id another document had before them; counted from `first`.
    pub(super) fn same_ids(&self, shard: u64, first: u32, rows: usize) -> Vec<usize> {
        let first = ordinal(shard, first);
        let start = self.same_ids.partition_point(|ordinal| *ordinal < first);
        self.same_ids[start..].iter().map(|ordinal| (ordinal - first) as usize).take_while(|row| *row < rows).collect()
    }

    /// The documents of a shard that the rules reject.
    pub(super) fn rejections(&self, context: &Context<'_>, shard: u64) -> Result<Rejections> {
        Rejections::from_batch(&read_whole(context, &layout::rejections(&self.judged(shard)?.unit))?)
    }

    /// The table of evaluation items in the documents of a shard, if they are cut out and there are some.
    pub(super) fn items_table(&self, shard: u64) -> Result<Option<&FileEntry>> {
        Ok(self.judged(shard)?.items.as_ref().filter(|table| table.rows > 0))
    }

    /// The evaluation items in documents of a shard that stay, as they leave their texts.
    pub(super) fn items(&self, context: &Context<'_>, annotated: &Annotated, shard: u64) -> Result<Vec<Cut>> {
        let Some(table) = self.items_table(shard)? else { return Ok(Vec::new()) };
        let stays = self.unique(context, annotated, shard)?;
        let mut items = items_from_batch(&read_whole(context, &table.path)?, shard);
        items.retain(|item| stays.get(row_of(item.ordinal) as usize));
        Ok(items)
    }

    /// What is cut out of the documents of a shard.
    pub(super) fn cuts(&self, context: &Context<'_>, shard: u64) -> Result<OfShard> {
        self.cuts.as_ref().map_or_else(|| Ok(OfShard::default()), |cuts| cuts.of(context, shard))
    }

    /// The documents of a shard that the rules keep and that repeat no other.
    pub(super) fn unique(&self, context: &Context<'_>, annotated: &Annotated, shard: u64) -> Result<Bits> {
        let mut kept = Bits::all(annotated.facts(context, shard)?.documents as usize);
        self.rejections(context, shard)?.iter().for_each(|(row, _)| kept.clear(row as usize));
        self.of(context, shard)?.removed().for_each(|row| kept.clear(row as usize));
        Ok(kept)
    }

    /// What the families of the documents of a shard are called, if a split asks for it.
    pub(super) fn families(&self, context: &Context<'_>, shard: u64) -> Result<family_table::OfShard> {
        self.families.as_ref().map_or_else(|| Ok(family_table::OfShard::default()), |families| families.of(context, shard))
    }

    /// Which documents of a shard are kept, not held out, and `wanted` by their ids (`None`: all).
    pub(super) fn trained_on(
        &self,
        context: &Context<'_>,
        annotated: &Annotated,
        shard: u64,
        wanted: Option<&dyn Fn(&str) -> bool>,
    ) -> Result<Bits> {
        let mut kept = self.unique(context, annotated, shard)?;
        self.cuts(context, shard)?.clear_rejected(&mut kept);
        if let Some(mixture) = &self.mixture {
            mixture.dropped(context, annotated, shard, &mut |row| kept.clear(row))?;
        }
        let split = context.plan().split;
        if split.is_on() || wanted.is_some() {
            let (mut row, families) = (0, self.families(context, shard)?);
            let documents = layout::annotated(&annotated.keys(shard)?.documents);
            for batch in context.store.table_columns(&documents, Some(&[schema::DOC_ID.name]), 1 << 14)? {
                for doc_id in strings(&batch?, &schema::DOC_ID)?.iter().flatten() {
                    let is_held_out = split.is_on() && split.holds_out(families.of(row, doc_id));
                    if is_held_out || wanted.is_some_and(|wanted| !wanted(doc_id)) {
                        kept.clear(row as usize);
                    }
                    row += 1;
                }
            }
        }
        Ok(kept)
    }

    /// Everything that is said of the documents of a shard, as part of a name.
    pub(super) fn name_into(&self, key: Key, shard: u64) -> Result<Key> {
        let mut key = key.and(&self.judged(shard)?.blake3);
        if let Some(cuts) = &self.cuts {
            key = cuts.name_into(key, shard);
        }
        if let Some(mixture) = &self.mixture {
            key = key.and_settings(mixture)?;
        }
        if let Some(families) = &self.families {
            key = families.name_into(key, shard);
        }
        let start = self.same_ids.partition_point(|ordinal| shard_of(*ordinal) < shard);
        for ordinal in self.same_ids[start..].iter().take_while(|ordinal| shard_of(**ordinal) == shard) {
            key = key.and("same id").and_number(u64::from(row_of(*ordinal)));
        }
        key = self.verdicts.name_into(key, shard);
        Ok(key.and("."))
    }

    /// How many documents hold something of each evaluation set, whatever else is said of them.
    pub(super) fn contaminated(&self, context: &Context<'_>) -> Vec<u64> {
        let mut documents = vec![0; context.stages.lists.evaluation.files.len()];
        for judged in &self.judged {
            documents.iter_mut().zip(&judged.contaminated).for_each(|(sum, more)| *sum += more);
        }
        documents
    }

    fn judged(&self, shard: u64) -> Result<&Judged> {
        self.judged.get(shard as usize).ok_or_else(|| Error::internal("a shard that was not judged"))
    }
}

/// What the entry of the fold says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FoldFacts {
    parts: Vec<(u64, u64)>,
}

impl Facts for FoldFacts {}

/// What the entry of a judged shard says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JudgeFacts {
    /// Documents that hold something of each evaluation set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    contaminated: Vec<u64>,
}

impl Facts for JudgeFacts {}

/// Runs the fold, or reads what it concluded before.
pub(super) fn run(context: &Context<'_>, annotated: &Annotated) -> Progressed<Duplicates> {
    let judged = judge(context, annotated)?;
    let shards_options = &context.plan().shards;
    let (rows_max, bytes_max) = (u64::from(shards_options.rows_max), shards_options.bytes_max);
    let key = Key::of(pass::DEDUP).and_settings(&context.plan().dedup.of_comparisons())?.and_steps(context.plan(), &["resolve"]);
    let mut key = key.and_number(rows_max).and_number(bytes_max).and_number(parts::VERSION).and_number(TABLES);
    for (shard, judged) in judged.iter().enumerate() {
        key = key.and(&judged.blake3).and(&annotated.keys(shard as u64)?.sketches);
    }
    let unit = key.name();
    let fold = Pass::fold(pass::DEDUP, unit.clone(), 4);
    fold.run::<FoldFacts>(context, |_, underway| {
        let eligible = per_shard(context, annotated.shards(), &|shard| eligible(context, annotated, &judged, shard))?;
        underway.step();
        let verdicts = resolve(context, annotated, &eligible)?;
        underway.step();
        let later = same_ids::find(context, annotated, &|work| per_shard(context, annotated.shards(), work))?;
        underway.step();
        let loads = loads(context, annotated, &eligible, &verdicts)?;
        // Every fourth shard, by its content.
        let begins = |shard| annotated.keys(shard).is_ok_and(|keys| keys.documents.starts_with(['0', '1', '2', '3']));
        let parts = plan_parts(&loads, rows_max, bytes_max, &begins);
        let names = anchor_names(context, annotated, &verdicts, &later)?;
        let mut files = VerdictTable::write(context, &unit, annotated.shards(), &verdicts, &names)?;
        drop(names);
        let names = family_names(context, annotated, &verdicts)?;
        files.extend(FamilyTable::write(context, &unit, annotated.shards(), &verdicts, &names)?);
        files.push(write_table(&context.store.work, &layout::same_ids(&unit), &ordinals(later)?)?);
        underway.commit(0, &Entry::new(files, FoldFacts { parts }))
    })?;
    Ok(read(context, &unit, judged, fold.entry::<FoldFacts>(context, 0)?.facts.parts)?)
}

/// Judges every document once: for each shard, the table that says which documents the rules reject, and why.
fn judge(context: &Context<'_>, annotated: &Annotated) -> Progressed<Vec<Judged>> {
    let (plan, personal_data) = (context.plan(), &context.stages.pii);
    let reads = context.stages.decider.contract().reads.into_iter().chain(personal_data.reads());
    let evaluation = &context.stages.lists.evaluation;
    let mut columns: Vec<&str> = reads.map(|column| column.name).collect();
    columns.extend((!evaluation.is_empty() && !columns.contains(&schema::TEXT.name)).then_some(schema::TEXT.name));
    let rules = Key::of(pass::JUDGE).and_settings(&(&plan.quality, plan.keigo.of_rules(), plan.pii.dropped()))?;
    let mut rules = rules.and_settings(&context.stages.lists.urls_files())?.and_steps(plan, &["decide", "pii"]);
    if !evaluation.files.is_empty() {
        rules = rules.and_settings(&(&evaluation.files, plan.dedup.contaminated))?.and_steps(plan, &["decontaminate"]);
    }
    let units = (0..annotated.shards()).map(|shard| Ok(rules.clone().and(&annotated.keys(shard)?.documents).name()));
    let units = units.collect::<Result<Vec<String>>>()?;
    let pass = Pass::new(pass::JUDGE, Quantity::Steps, units.iter().map(|unit| (unit.clone(), 1)));
    pass.run::<JudgeFacts>(context, |missing, underway| {
        underway.side_by_side(missing, &|| Contaminations::new(evaluation), &|contaminations, shard| {
            // Where texts are read, memory is as in the passes that copy them.
            let longest = if evaluation.is_empty() { 0 } else { longest_text(context, annotated, shard as u64)? / LIGHTER };
            let _permit = context.store.gate.enter(longest);
            let documents = layout::annotated(&annotated.keys(shard as u64)?.documents);
            let (mut rows, mut personal) = (0, Vec::new());
            let mut table = context.store.table_columns(&documents, Some(&columns), LOOKUP_ROWS)?.map(|batch| {
                let batch = batch?;
                personal.extend(personal_data.judge(&batch, rows)?);
                contaminations.look(&batch, rows)?;
                rows += batch.num_rows() as u32;
                Ok(batch)
            });
            let rejections = context.stages.decider.judge_table(&mut table)?;
            let dropped = personal.iter().map(|found| (found.row, Rejection { stage: "pii", rule: found.rule, evidence: &found.evidence }));
            let Judgement { documents: contaminated, rows, items } = contaminations.take();
            let found = rows.iter().filter(|_| plan.dedup.contaminated == Contaminated::Drop);
            let found = found.map(|(row, evidence)| (*row, Rejection { stage: "dedup", rule: CONTAMINATED, evidence }));
            let rejections = rejections.with(dropped).with(found);
            let mut files = vec![write_table(&context.store.work, &layout::rejections(&units[shard]), &rejections.to_batch()?)?];
            if plan.dedup.masks() {
                files.push(write_table(&context.store.work, &layout::items(&units[shard]), &items_to_batch(&items)?)?);
            }
            Ok(Entry::new(files, JudgeFacts { contaminated }))
        })
    })?;
    let entries = pass.entries::<JudgeFacts>(context)?;
    let judged = units.into_iter().zip(entries).map(|(unit, entry)| {
        let mut files = entry.files.into_iter();
        let table = files.next().ok_or_else(|| Error::internal("a judged shard has no table"))?;
        Ok(Judged { unit, blake3: table.blake3, contaminated: entry.facts.contaminated, items: files.next() })
    });
    Ok(judged.collect::<Result<_>>()?)
}

/// Which documents of a shard pass the rules.
fn eligible(context: &Context<'_>, annotated: &Annotated, judged: &[Judged], shard: u64) -> Result<Bits> {
    let mut eligible = Bits::all(annotated.facts(context, shard)?.documents as usize);
    let rejections = Rejections::from_batch(&read_whole(context, &layout::rejections(&judged[shard as usize].unit))?)?;
    rejections.iter().for_each(|(row, _)| eligible.clear(row as usize));
    Ok(eligible)
}

/// Runs `work` for every shard on all threads; results by shard.
fn per_shard<T: Send>(context: &Context<'_>, shards: u64, work: &(dyn Fn(u64) -> Result<T> + Sync)) -> Result<Vec<T>> {
    let slots: Vec<Mutex<Option<T>>> = (0..shards).map(|_| Mutex::new(None)).collect();
    let mut units = 0..shards;
    context.pool.for_each(context.stop, &mut || Ok(units.next()), &|| (), &|(), shard| {
        let done = work(shard)?;
        if let Ok(mut slot) = slots[shard as usize].lock() {
            *slot = Some(done);
        }
        Ok(())
    })?;
    slots.into_iter().map(|slot| slot.into_inner().ok().flatten().ok_or_else(|| Error::internal("a shard was left out"))).collect()
}

fn resolve(context: &Context<'_>, annotated: &Annotated, eligible: &[Bits]) -> Result<Verdicts> {
    let mut partial = |shard: u64| -> Result<Batch> {
        context.stop.check()?;
        read_sketches(context, annotated, shard)
    };
    // What the sketches read, and nothing else: both compare the same.
    let columns = context.stages.sketcher.contract().reads;
    let spares = columns.iter().any(|column| column.name == schema::FORMULAE.name);
    let texts = |wanted: &[u64], give: &mut dyn FnMut(u64, &str) -> Result<()>| {
        look_up(context, annotated, wanted, &columns, &mut |ordinal, batch, row| {
            let text = strings(batch, &schema::TEXT)?.value(row);
            let spared = if spares { list_slice::<UInt32Type>(lists(batch, &schema::FORMULAE)?, row) } else { &[] };
            give(ordinal, &without(text, spared))
        })
    };
    let keep = context.plan().dedup.keep;
    let ranks = |shard: u64| ranks(context, annotated, keep, shard);
    let (mut documents, mut decoded) = (0, 0);
    for shard in 0..annotated.shards() {
        let facts = annotated.facts(context, shard)?;
        (documents, decoded) = (documents + facts.documents, decoded + facts.text_bytes);
    }
    let mut corpus = Corpus {
        shards: annotated.shards(),
        documents,
        partial: &mut partial,
        eligible: &|shard, row| eligible[shard as usize].get(row as usize),
        ranks: (keep != Keep::First).then_some(&ranks),
        known: None,
        texts: &texts,
        // A set of shingles is many times as large as its text.
        admit: &|bytes, work| {
            let _permit = context.store.gate.enter(bytes);
            work();
        },
        memory: context.memory / 4,
        disk: decoded,
        staging: context.store.work.staging(),
        parallel: &|n, work| context.pool.parallel(n, work),
    };
    dedup::resolve(&context.plan().dedup, &mut corpus)
}

/// Which documents of a shard stay rather than others, by row.
fn ranks(context: &Context<'_>, annotated: &Annotated, keep: Keep, shard: u64) -> Result<Vec<u64>> {
    let partial = read_sketches(context, annotated, shard)?;
    let bytes = column(&partial, &TEXT_BYTES)?.as_primitive::<UInt32Type>().values();
    if keep != Keep::Quality {
        return Ok(bytes.iter().map(|&bytes| keep.rank(bytes, 0)).collect());
    }
    let mut ranks = Vec::with_capacity(bytes.len());
    let documents = layout::annotated(&annotated.keys(shard)?.documents);
    for batch in context.store.table_columns(&documents, Some(&[schema::QUALITY.name]), 1 << 14)? {
        let batch = batch?;
        let measures = column(&batch, &schema::QUALITY)?.as_struct();
        let measure = |name: &str| measures.column_by_name(name).and_then(|values| values.as_primitive_opt::<Float32Type>());
        let [Some(ended), Some(garbled), Some(again)] = SOUNDNESS_FIELDS.map(measure) else {
            return Err(Error::internal("measures of soundness are missing"));
        };
        for row in 0..batch.num_rows() {
            let values = [ended, garbled, again].map(|values| values.is_valid(row).then(|| values.value(row)));
            ranks.push(keep.rank(bytes[ranks.len()], soundness(values)));
        }
    }
    Ok(ranks)
}

/// A small table of ours as one batch.
fn read_whole(context: &Context<'_>, path: &str) -> Result<Batch> {
    context.store.table(path)?.concat()
}

fn read_sketches(context: &Context<'_>, annotated: &Annotated, shard: u64) -> Result<Batch> {
    read_whole(context, &layout::sketches(&annotated.keys(shard)?.sketches))
}

/// Gives batch and row of documents named by ascending ordinals, with these columns; reads only the shards they are in.
fn look_up(
    context: &Context<'_>,
    annotated: &Annotated,
    wanted: &[u64],
    columns: &[schema::Column],
    give: &mut dyn FnMut(u64, &Batch, usize) -> Result<()>,
) -> Result<()> {
    let columns: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let mut at = 0;
    while at < wanted.len() {
        context.stop.check()?;
        let shard = shard_of(wanted[at]);
        let end = at + wanted[at..].partition_point(|&other| shard_of(other) == shard);
        let mut rows: Vec<usize> = wanted[at..end].iter().map(|&ordinal| row_of(ordinal) as usize).collect();
        rows.dedup();
        let mut rows_read = rows.iter();
        let documents = layout::annotated(&annotated.keys(shard)?.documents);
        for batch in context.store.table_rows(&documents, &columns, &rows, LOOKUP_ROWS)? {
            let batch = batch?;
            for (i, &row) in (0..batch.num_rows()).zip(&mut rows_read) {
                while at < end && row_of(wanted[at]) as usize == row {
                    give(wanted[at], &batch, i)?;
                    at += 1;
                }
            }
        }
        if at < end {
            return Err(Error::internal("a document that a verdict names does not exist"));
        }
    }
    Ok(())
}

/// Bytes of the longest text of a shard.
pub(super) fn longest_text(context: &Context<'_>, annotated: &Annotated, shard: u64) -> Result<usize> {
    let mut longest = 0;
    for batch in context.store.table_columns(&layout::sketches(&annotated.keys(shard)?.sketches), Some(&[TEXT_BYTES.name]), 1 << 16)? {
        longest = longest.max(column(&batch?, &TEXT_BYTES)?.as_primitive::<UInt32Type>().values().iter().copied().max().unwrap_or(0));
    }
    Ok(longest as usize)
}

fn loads(context: &Context<'_>, annotated: &Annotated, eligible: &[Bits], verdicts: &Verdicts) -> Result<Vec<Load>> {
    per_shard(context, annotated.shards(), &|shard| {
        let affected = verdicts.of_shard(shard)?;
        let mut removed = affected.iter().filter(|affected| affected.goes()).peekable();
        let partial = read_sketches(context, annotated, shard)?;
        let mut load = Load::default();
        for (row, &size) in column(&partial, &TEXT_BYTES)?.as_primitive::<UInt32Type>().values().iter().enumerate() {
            let goes = removed.next_if(|affected| row_of(affected.ordinal) as usize == row).is_some();
            let one = (1, u64::from(size));
            let kept = if goes || !eligible[shard as usize].get(row) { (0, 0) } else { one };
            load = load.plus(Load { kept, all: one });
        }
        Ok(load)
    })
}

/// The ids of the documents that stand for others.
fn anchor_names(context: &Context<'_>, annotated: &Annotated, verdicts: &Verdicts, later: &[u64]) -> Result<Names> {
    let mut asking = Asking::new(context.store.work.staging(), context.memory / 8, annotated.shards());
    verdicts.each(&mut |affected| asking.ask(affected.ordinal, affected.anchor()))?;
    let columns = [schema::DOC_ID, schema::FILE, schema::OFFSET];
    asking.answer(&mut |wanted, give| {
        look_up(context, annotated, wanted, &columns, &mut |ordinal, batch, row| {
            give(ordinal, same_ids::name(batch, row, later.binary_search(&ordinal).is_ok())?.as_bytes())
        })
    })
}

/// The ids of the first documents of families.
fn family_names(context: &Context<'_>, annotated: &Annotated, verdicts: &Verdicts) -> Result<Names> {
    let mut asking = Asking::new(context.store.work.staging(), context.memory / 8, annotated.shards());
    verdicts.each_member(&mut |member| asking.ask(member.ordinal, member.first))?;
    asking.answer(&mut |wanted, give| {
        look_up(context, annotated, wanted, &[schema::DOC_ID], &mut |ordinal, batch, row| {
            give(ordinal, strings(batch, &schema::DOC_ID)?.value(row).as_bytes())
        })
    })
}

/// A table of ordinals.
fn ordinals(ordinals: Vec<u64>) -> Result<Batch> {
    let schema = Arc::new(Schema::new(vec![Field::new("ordinal", DataType::UInt64, false)]));
    Ok(RecordBatch::try_new(schema, vec![Arc::new(UInt64Array::from(ordinals))])?)
}

fn read(context: &Context<'_>, unit: &str, judged: Vec<Judged>, parts: Vec<(u64, u64)>) -> Result<Duplicates> {
    let mut found = Duplicates { verdicts: VerdictTable::open(context, unit)?, judged, parts, ..Duplicates::default() };
    for batch in context.store.table(&layout::same_ids(unit))? {
        found.same_ids.extend(batch?.column(0).as_primitive::<UInt64Type>().values());
    }
    found.families = context.plan().split.is_on().then(|| FamilyTable::open(context, unit)).transpose()?;
    Ok(found)
}
