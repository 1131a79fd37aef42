//! What other thresholds or policies would make of a finished run, from the measures it has stored: no text is read again.
//!
//! Only the rules of `[quality]` and `[keigo]` are asked again. Whoever was rejected for another reason (a duplicate, personal data, too
//! many of a register) stays so; whoever comes back may turn out to be a duplicate, which only a run can tell.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::layout;
use super::manifest::Manifest;
use super::plan::Plan;
use crate::decide::Decider;
use crate::error::Result;
use crate::io::{open_table, read_limited};
use crate::schema;
use crate::stage::{Batch, Counts, strings};

const BATCH_ROWS: usize = 8192;
/// Stages whose rejections are judged again.
const JUDGED_AGAIN: [&str; 2] = ["quality", "keigo"];
/// A rejection of the stage `keigo` that depends on the whole corpus.
const OF_THE_MIXTURE: &str = "rebalance";

/// The answer.
#[derive(Debug, Clone)]
pub struct WhatIf {
    /// Kept by the run.
    pub kept_before: u64,
    /// Kept by the other rules.
    pub kept_after: u64,
    /// Kept by the run and rejected now, by the `stage/rule` that rejects them.
    pub lost: Counts,
    /// Rejected by the run and kept now, by the `stage/rule` that had rejected them.
    pub regained: Counts,
    /// Who changes sides: the columns of [`columns`], in the order of the corpus, those that were kept first.
    pub changed: Vec<Batch>,
}

/// The columns of the documents that change sides: `doc_id`, `source`, `register`, `before` and `after` (`stage/rule`, null where the
/// document is kept), `evidence` (of what rejects it now).
pub fn columns() -> SchemaRef {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    Arc::new(Schema::new(vec![
        schema::DOC_ID.field(),
        schema::SOURCE.field(),
        schema::REGISTER.field(),
        text("before", true),
        text("after", true),
        text("evidence", true),
    ]))
}

/// Judges the documents of a finished run by its plan with other settings (`KEY=VALUE`, as `--set` takes them).
///
/// # Errors
/// `Refused`: no finished run, a setting that no plan accepts, or a preset whose figures the run has not stored.
pub fn what_if(run: &Path, settings: &[String]) -> Result<WhatIf> {
    let (manifest, _) = Manifest::read(run)?;
    let path = run.join(layout::PLAN);
    let text = String::from_utf8_lossy(&read_limited(&path, 1 << 20)?).into_owned();
    let plan = Plan::from_toml(&text, settings, &path.display().to_string())?;
    let decider = Decider::new(&plan.quality, &plan.keigo.policies());
    let mut answer = WhatIf { kept_before: 0, kept_after: 0, lost: Counts::new(), regained: Counts::new(), changed: Vec::new() };
    for directory in [layout::TRAINING.documents, layout::HELD_OUT.documents, layout::REJECTED] {
        for file in manifest.files.iter().filter(|file| layout::is_in(directory, &file.path)) {
            answer.read(&decider, &run.join(&file.path), directory == layout::REJECTED)?;
        }
    }
    Ok(answer)
}

impl WhatIf {
    fn read(&mut self, decider: &Decider, path: &Path, were_rejected: bool) -> Result<()> {
        let reads = decider.contract().reads;
        let mut columns: Vec<&str> = vec![schema::DOC_ID.name, schema::SOURCE.name, schema::REGISTER.name];
        columns.extend(reads.iter().map(|column| column.name).filter(|name| !columns.contains(name)).collect::<Vec<_>>());
        if were_rejected {
            columns.extend([schema::STAGE.name, schema::RULE.name]);
        }
        for batch in open_table(path, Some(&columns), BATCH_ROWS)? {
            self.judge(decider, &batch?, were_rejected)?;
        }
        Ok(())
    }

    fn judge(&mut self, decider: &Decider, batch: &Batch, were_rejected: bool) -> Result<()> {
        let rejections = decider.judge(batch)?;
        let before = if were_rejected { Some((strings(batch, &schema::STAGE)?, strings(batch, &schema::RULE)?)) } else { None };
        let mut rows: BTreeMap<usize, Change> = BTreeMap::new();
        for row in 0..batch.num_rows() {
            let now = rejections.of(row as u32);
            let after = now.map(|rejection| format!("{}/{}", rejection.stage, rejection.rule));
            let Some((stages, rules)) = before else {
                self.kept_before += 1;
                match after {
                    None => self.kept_after += 1,
                    Some(rule) => {
                        *self.lost.entry(rule.clone()).or_default() += 1;
                        rows.insert(row, (None, Some(rule), now.map(|rejection| rejection.evidence.to_owned())));
                    }
                }
                continue;
            };
            let (stage, rule) = (stages.value(row), rules.value(row));
            if after.is_none() && JUDGED_AGAIN.contains(&stage) && rule != OF_THE_MIXTURE {
                let rule = format!("{stage}/{rule}");
                self.kept_after += 1;
                *self.regained.entry(rule.clone()).or_default() += 1;
                rows.insert(row, (Some(rule), None, None));
            }
        }
        if !rows.is_empty() {
            self.changed.push(changed(batch, &rows)?);
        }
        Ok(())
    }
}

type Change = (Option<String>, Option<String>, Option<String>);

/// The rows that change sides.
fn changed(batch: &Batch, rows: &BTreeMap<usize, Change>) -> Result<Batch> {
    let of = |column| -> Result<Arc<dyn Array>> {
        let values = strings(batch, column)?;
        Ok(Arc::new(rows.keys().map(|&row| Some(values.value(row))).collect::<StringArray>()))
    };
    let told = |value: fn(&Change) -> Option<&str>| -> Arc<dyn Array> { Arc::new(rows.values().map(value).collect::<StringArray>()) };
    let arrays = vec![
        of(&schema::DOC_ID)?,
        of(&schema::SOURCE)?,
        of(&schema::REGISTER)?,
        told(|(before, ..)| before.as_deref()),
        told(|(_, after, _)| after.as_deref()),
        told(|(.., evidence)| evidence.as_deref()),
    ];
    Ok(RecordBatch::try_new(columns(), arrays)?)
}
