//! Finds duplicates among rows that somebody holds in memory: what `seimai dedup` would find among the same texts.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Float32Array, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, UInt32Type};

use super::gate::Gate;
use super::observer::Stop;
use super::plan::Plan;
use super::pool::Pool;
use super::registry;
use super::soundness::Soundness;
use crate::dedup::{self, Affected, Corpus, Keep, Sketcher, TEXT_BYTES, Verdict, ordinal, row_of, shard_of};
use crate::error::{Error, Result};
use crate::io::{Dir, Staging, TemporaryDir};
use crate::schema;
use crate::stage::{Batch, Fold, Stage, column, strings};

/// What is put aside while rows are searched.
const SCRATCH: &str = ".seimai-dedup-";

/// A row for each row of `batches`, which have a column `text`, in their order:
///
/// | column | |
/// |---|---|
/// | `kept` | does it stay? |
/// | `duplicate_of` | if not, the number of the row that stays, from 0 over all batches |
/// | `kind` | `exact` or `near` |
/// | `jaccard` | their similarity |
/// | `dup_size` | of a row that stays, 1 + the rows that it stands for; else 0 |
///
/// `[normalize]` and `[dedup]` of the plan are followed; `memory` bytes are used besides the rows, and a directory in `aside` for what is more.
///
/// # Errors
/// Refused where the plan cannot be followed or a batch has no texts; interrupted; I/O.
pub fn dedup_rows(plan: &Plan, batches: &[Batch], pool: &Pool, stop: &Stop, memory: u64, aside: &Path) -> Result<Batch> {
    plan.dedup.check().map_err(Error::refused)?;
    if plan.dedup.cuts() {
        return Err(Error::refused(
            "dedup.lines and dedup.substring: rows are compared as they are, nothing is cut out of them; leave both off",
        ));
    }
    if !plan.dedup.decontaminate.is_empty() {
        let hint = "take the key out, and look for them with `seimai dedup --decontaminate` or in a run";
        return Err(Error::refused_with_hint("dedup.decontaminate: evaluation items are not looked for among rows", hint));
    }
    let steps = registry::some(plan, Path::new("."), &["normalize"])?.stages;
    let sketcher = Sketcher::new(&plan.dedup);
    let sketched = pool.map(batches.iter().collect(), &|batch: &Batch| sketch(batch, &steps, &sketcher, plan.dedup.keep, stop))?;
    let sketched = sketched.into_iter().collect::<Result<Vec<_>>>()?;
    let scratch = TemporaryDir::new(&Dir::open(aside)?, SCRATCH)?;
    let gate = Gate::within(memory);
    let texts = |wanted: &[u64], give: &mut dyn FnMut(u64, &str) -> Result<()>| {
        stop.check()?;
        let Some(&first) = wanted.first() else { return Ok(()) };
        let rows: UInt64Array = wanted.iter().map(|&at| Some(u64::from(row_of(at)))).collect();
        let batch = normalised(&steps, &arrow::compute::take_record_batch(&of_texts(&batches[shard_of(first) as usize])?, &rows)?)?;
        wanted.iter().zip(strings(&batch, &schema::TEXT)?).try_for_each(|(&at, text)| give(at, text.unwrap_or_default()))
    };
    let keep = plan.dedup.keep;
    let ranks = |shard: u64| {
        let (sketches, soundness) = &sketched[shard as usize];
        let bytes = column(sketches, &TEXT_BYTES)?.as_primitive::<UInt32Type>().values();
        Ok(bytes.iter().enumerate().map(|(row, &bytes)| keep.rank(bytes, soundness.get(row).copied().unwrap_or(0))).collect())
    };
    let rows: Vec<u64> = batches.iter().map(|batch| batch.num_rows() as u64).collect();
    let mut corpus = Corpus {
        shards: batches.len() as u64,
        documents: rows.iter().sum(),
        partial: &mut |shard| {
            stop.check()?;
            Ok(sketched[shard as usize].0.clone())
        },
        eligible: &|_, _| true,
        ranks: (keep != Keep::First).then_some(&ranks),
        known: None,
        texts: &texts,
        admit: &|bytes, work| {
            let _permit = gate.enter(bytes);
            work();
        },
        memory,
        disk: u64::MAX,
        staging: &Staging::within(scratch.dir().clone()),
        parallel: &|n, work| pool.parallel(n, work),
    };
    let mut affected = Vec::new();
    dedup::resolve(&plan.dedup, &mut corpus)?.each(&mut |one| {
        affected.push(one);
        Ok(())
    })?;
    told(&rows, &affected)
}

/// The partial table of a batch, and how sound its texts are, if that decides.
fn sketch(batch: &Batch, steps: &[Box<dyn Stage>], sketcher: &Sketcher, keep: Keep, stop: &Stop) -> Result<(Batch, Vec<u8>)> {
    stop.check()?;
    let batch = normalised(steps, &of_texts(batch)?)?;
    let mut soundness = Soundness::default();
    if keep == Keep::Quality {
        soundness.push(&batch)?;
    }
    let mut absorber = sketcher.absorber();
    absorber.push(&batch)?;
    Ok((absorber.finish()?, soundness.of))
}

/// The column of texts alone.
fn of_texts(batch: &Batch) -> Result<Batch> {
    let texts = Arc::clone(column(batch, &schema::TEXT)?);
    Ok(RecordBatch::try_new(Arc::new(Schema::new(vec![schema::TEXT.field().with_nullable(true)])), vec![texts])?)
}

fn normalised(steps: &[Box<dyn Stage>], batch: &Batch) -> Result<Batch> {
    steps.iter().try_fold(batch.clone(), |batch, step| step.worker().apply(batch))
}

/// What was found, a row for each row.
fn told(rows: &[u64], affected: &[Affected]) -> Result<Batch> {
    let before: Vec<u64> = rows
        .iter()
        .scan(0, |sum, rows| {
            *sum += rows;
            Some(*sum - rows)
        })
        .collect();
    let number = |at: u64| before[shard_of(at) as usize] + u64::from(row_of(at));
    let mut affected = affected.iter().peekable();
    let all = rows.iter().zip(0..).flat_map(|(&rows, shard)| (0..rows).map(move |row| ordinal(shard, row as u32)));
    let verdicts: Vec<Option<Verdict>> = all.map(|at| affected.next_if(|found| found.ordinal == at).map(|found| found.verdict)).collect();
    let removed = || {
        verdicts.iter().map(|verdict| match verdict {
            Some(Verdict::Removed { kind, duplicate_of, jaccard }) => Some((kind, number(*duplicate_of), *jaccard)),
            _ => None,
        })
    };
    let size = |verdict: &Option<Verdict>| match verdict {
        None => 1,
        Some(Verdict::Anchor { size }) => *size,
        Some(Verdict::Removed { .. }) => 0,
    };
    let columns: Vec<(Field, ArrayRef)> = vec![
        (
            Field::new("kept", DataType::Boolean, false),
            Arc::new(removed().map(|removed| Some(removed.is_none())).collect::<BooleanArray>()),
        ),
        (
            Field::new("duplicate_of", DataType::UInt64, true),
            Arc::new(removed().map(|removed| removed.map(|(_, of, _)| of)).collect::<UInt64Array>()),
        ),
        (
            Field::new("kind", DataType::Utf8, true),
            Arc::new(removed().map(|removed| removed.map(|(kind, ..)| kind.rule())).collect::<StringArray>()),
        ),
        (
            Field::new("jaccard", DataType::Float32, true),
            Arc::new(removed().map(|removed| removed.map(|(.., jaccard)| jaccard)).collect::<Float32Array>()),
        ),
        (schema::DUP_SIZE.field(), Arc::new(verdicts.iter().map(size).collect::<UInt32Array>())),
    ];
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}
