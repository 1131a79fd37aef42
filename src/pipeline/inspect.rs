//! The history of a document in a finished run: where it is, what was measured, why it stayed or went, what repeats it, its tokens.

use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::Int32Type;
use arrow::util::display::array_value_to_string;

use super::layout::{self, Subset};
use super::manifest::Manifest;
use super::plan::Plan;
use crate::decide::{Decider, Explained};
use crate::error::{Error, Result};
use crate::io::{open_table, read_limited};
use crate::schema;
use crate::stage::{Batch, list_slice, lists, strings};

const BATCH_ROWS: usize = 1024;

/// Where a document ended.
#[derive(Debug, Clone)]
pub enum Decision {
    /// In `documents/` or `validation/documents/`, with its tokens.
    Kept {
        /// Token ids.
        input_ids: Vec<i32>,
        /// Each token's bytes, lossily as text.
        tokens: Vec<String>,
        /// doc_ids of rejected documents that name it.
        duplicates: Vec<String>,
    },
    /// In `rejected/`.
    Rejected {
        /// The stage that rejected it.
        stage: String,
        /// The first rule.
        rule: String,
        /// Every rule that failed.
        evidence: String,
        /// The kept document it duplicates.
        duplicate_of: Option<String>,
    },
}

/// A document and what became of it.
#[derive(Debug, Clone)]
pub struct History {
    /// Its doc_id.
    pub doc_id: String,
    /// The part it is in, and its row there.
    pub position: (String, u64),
    /// The text after normalisation.
    pub text: String,
    /// The scalar columns that are not null, as text.
    pub columns: Vec<(String, String)>,
    /// Every measure beside its threshold: `mean_sentence 31.2 ≥ 12`.
    pub measures: Vec<String>,
    /// What became of it.
    pub decision: Decision,
}

/// Looks a document up; ids that occur more than once in the inputs give more than one history.
pub fn inspect(run: &Path, doc_id: &str) -> Result<Vec<History>> {
    let (manifest, _) = Manifest::read(run)?;
    let text = String::from_utf8_lossy(&read_limited(&run.join(layout::PLAN), 1 << 20)?).into_owned();
    let plan = Plan::from_toml(&text, &[], layout::PLAN)?;
    let finished = FinishedRun { run: run.to_path_buf(), decider: Decider::new(&plan.quality, &plan.keigo.policies()) };
    let mut histories = Vec::new();
    for file in &manifest.files {
        if let Some(subset) = Subset::BOTH.into_iter().find(|subset| layout::is_in(subset.documents, &file.path)) {
            finished.search(&file.path, doc_id, &mut |batch, row, at| {
                // What is shown is what was written: the tables have no checksums of their own.
                let tokens = file.path.replacen(subset.documents, subset.tokens, 1);
                [file.path.as_str(), tokens.as_str(), layout::TOKENIZER_JSON]
                    .into_iter()
                    .try_for_each(|name| manifest.check_file(run, name))?;
                histories.push(finished.kept(&manifest, subset, &file.path, batch, row, at)?);
                Ok(())
            })?;
        } else if layout::is_in(layout::REJECTED, &file.path) {
            finished.search(&file.path, doc_id, &mut |batch, row, at| {
                manifest.check_file(run, &file.path)?;
                histories.push(finished.rejected(&file.path, batch, row, at)?);
                Ok(())
            })?;
        }
    }
    Ok(histories)
}

/// A finished run, opened for questions.
struct FinishedRun {
    run: PathBuf,
    decider: Decider,
}

impl FinishedRun {
    /// Calls `found` for every row of the table with this id.
    fn search(&self, path: &str, doc_id: &str, found: &mut dyn FnMut(&Batch, usize, u64) -> Result<()>) -> Result<()> {
        // The ids first: most parts hold no match, and their texts need not be read.
        let holds = |column: &StringArray| column.iter().any(|id| id == Some(doc_id));
        let mut any = false;
        for batch in open_table(&self.run.join(path), Some(&[schema::DOC_ID.name]), BATCH_ROWS)? {
            any |= holds(strings(&batch?, &schema::DOC_ID)?);
        }
        if !any {
            return Ok(());
        }
        let mut base = 0;
        for batch in open_table(&self.run.join(path), None, BATCH_ROWS)? {
            let batch = batch?;
            for (row, id) in strings(&batch, &schema::DOC_ID)?.iter().enumerate() {
                if id == Some(doc_id) {
                    found(&batch, row, base + row as u64)?;
                }
            }
            base += batch.num_rows() as u64;
        }
        Ok(())
    }

    fn kept(&self, manifest: &Manifest, subset: Subset, path: &str, batch: &Batch, row: usize, at: u64) -> Result<History> {
        let doc_id = strings(batch, &schema::DOC_ID)?.value(row).to_owned();
        let input_ids = self.tokens(&path.replacen(subset.documents, subset.tokens, 1), at)?;
        let tokenizer = crate::bpe::read_tokenizer(&self.run.join(layout::TOKENIZER_JSON))?;
        let word =
            |id: &i32| u32::try_from(*id).ok().and_then(|id| tokenizer.token(id)).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let tokens = input_ids.iter().map(|id| word(id).unwrap_or_default()).collect();
        let duplicates = self.duplicates(manifest, &doc_id)?;
        self.history(path, batch, row, at, Decision::Kept { input_ids, tokens, duplicates })
    }

    fn rejected(&self, path: &str, batch: &Batch, row: usize, at: u64) -> Result<History> {
        let text = |column| strings(batch, column).map(|values| values.value(row).to_owned());
        let of = strings(batch, &schema::DUPLICATE_OF)?;
        let decision = Decision::Rejected {
            stage: text(&schema::STAGE)?,
            rule: text(&schema::RULE)?,
            evidence: text(&schema::EVIDENCE)?,
            duplicate_of: of.is_valid(row).then(|| of.value(row).to_owned()),
        };
        self.history(path, batch, row, at, decision)
    }

    /// The scalar columns as text; structs field by field.
    fn history(&self, path: &str, batch: &Batch, row: usize, at: u64, decision: Decision) -> Result<History> {
        const APART: &[&str] = &["doc_id", "text", "stage", "rule", "evidence", "duplicate_of"];
        let mut columns = Vec::new();
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            if APART.contains(&field.name().as_str()) {
                continue;
            }
            if let Some(fields) = array.as_struct_opt() {
                for (name, inner) in fields.column_names().into_iter().zip(fields.columns()) {
                    push(&mut columns, &format!("{}.{name}", field.name()), inner.as_ref(), row)?;
                }
            } else {
                push(&mut columns, field.name(), array.as_ref(), row)?;
            }
        }
        let text = |column| strings(batch, column).map(|values| values.value(row).to_owned());
        Ok(History {
            doc_id: text(&schema::DOC_ID)?,
            position: (path.to_owned(), at),
            text: text(&schema::TEXT)?,
            columns,
            measures: self.measures(batch, row)?,
            decision,
        })
    }

    /// Every measure beside its threshold.
    fn measures(&self, batch: &Batch, row: usize) -> Result<Vec<String>> {
        let told = |measure: &Explained| {
            let value = measure.value.map_or_else(|| "undefined".into(), |value| (value as f32).to_string());
            format!("{:<16} {} {value} (asked: {} {})", measure.rule, measure.measure, measure.side.asked(), measure.limit as f32)
        };
        Ok(self.decider.explain_row(batch, row)?.1.iter().map(told).collect())
    }

    fn tokens(&self, path: &str, at: u64) -> Result<Vec<i32>> {
        let mut base = 0;
        for batch in open_table(&self.run.join(path), Some(&[schema::INPUT_IDS.name]), BATCH_ROWS)? {
            let batch = batch?;
            if at < base + batch.num_rows() as u64 {
                return Ok(list_slice::<Int32Type>(lists(&batch, &schema::INPUT_IDS)?, (at - base) as usize).to_vec());
            }
            base += batch.num_rows() as u64;
        }
        Err(Error::damaged(self.run.join(path), format!("has no row {at}")))
    }

    fn duplicates(&self, manifest: &Manifest, doc_id: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let columns = [schema::DOC_ID.name, schema::DUPLICATE_OF.name];
        for file in manifest.files.iter().filter(|file| layout::is_in(layout::REJECTED, &file.path)) {
            for batch in open_table(&self.run.join(&file.path), Some(&columns), BATCH_ROWS)? {
                let batch = batch?;
                let pairs = strings(&batch, &schema::DOC_ID)?.iter().zip(strings(&batch, &schema::DUPLICATE_OF)?);
                found.extend(pairs.filter(|(_, of)| *of == Some(doc_id)).filter_map(|(id, _)| id.map(str::to_owned)));
            }
        }
        Ok(found)
    }
}

fn push(columns: &mut Vec<(String, String)>, name: &str, array: &dyn Array, row: usize) -> Result<()> {
    if array.is_valid(row) {
        columns.push((name.to_owned(), array_value_to_string(array, row)?));
    }
    Ok(())
}
