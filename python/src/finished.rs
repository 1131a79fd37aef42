//! What `seimai.open` asks of a finished run: its tables, and what other rules would make of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::Schema;
use pyo3::prelude::*;
use seimai::error::Error;
use seimai::io::{TableReader, open_table};
use seimai::pipeline::manifest::Manifest;
use seimai::pipeline::what_if::{columns, what_if};
use seimai::schema::{DOC_ID, RULE, STAGE};
use seimai::stage::strings;

use crate::batch::{Batch, BatchReader};
use crate::errors::{About, carry_out};

/// Rows of a batch.
const BATCH_ROWS: usize = 8192;

/// The manifest of a finished run, as JSON; it is checked as `seimai verify` begins.
#[pyfunction]
fn manifest(py: Python<'_>, run: PathBuf) -> PyResult<String> {
    carry_out(py, About::Input, || {
        let (manifest, _) = Manifest::read(&run)?;
        String::from_utf8(manifest.to_bytes()?).map_err(|e| Error::internal(e.to_string()))
    })
}

/// Parquet files of one schema, one after the other; `columns` limits what is read.
#[pyfunction]
#[pyo3(signature = (paths, columns=None, batch_rows=None))]
fn read_tables(py: Python<'_>, paths: Vec<PathBuf>, columns: Option<Vec<String>>, batch_rows: Option<usize>) -> PyResult<BatchReader> {
    carry_out(py, About::Input, || {
        let columns: Option<Vec<&str>> = columns.as_ref().map(|columns| columns.iter().map(String::as_str).collect());
        let rows = batch_rows.unwrap_or(BATCH_ROWS).max(1);
        let open = |path: &Path, columns: Option<&[&str]>| open_table(path, columns, rows);
        let Some(first) = paths.first() else { return Ok(BatchReader::new(Arc::new(Schema::empty()), Box::new(std::iter::empty()))) };
        let schema = open(first, columns.as_deref())?.schema();
        if let Some(missing) = columns.iter().flatten().find(|name| schema.index_of(name).is_err()) {
            let all = open(first, None)?.schema();
            let there: Vec<&str> = all.fields().iter().map(|field| field.name().as_str()).collect();
            return Err(Error::refused_with_hint(
                format!("{}: there is no column {missing}", first.display()),
                format!("there are {}", there.join(", ")),
            ));
        }
        let owned: Option<Vec<String>> = columns.map(|columns| columns.into_iter().map(str::to_owned).collect());
        let batches = paths.into_iter().flat_map(move |path| -> Box<dyn Iterator<Item = Result<RecordBatch, String>> + Send> {
            let columns: Option<Vec<&str>> = owned.as_ref().map(|columns| columns.iter().map(String::as_str).collect());
            match open_table(&path, columns.as_deref(), rows) {
                Ok(reader) => Box::new(reader.map(|batch| batch.map_err(|e| e.to_string()))),
                Err(error) => Box::new(std::iter::once(Err(error.to_string()))),
            }
        });
        Ok(BatchReader::new(schema, Box::new(batches)))
    })
}

/// Rejected documents of some Parquet files: those of a rule (`quality/min_chars`, `min_chars` or `dedup`), or of any; all of them in
/// order, or a sample, which depends on the seed and the ids alone.
#[pyfunction]
#[pyo3(signature = (paths, rule=None, sample=None, seed=0))]
fn rejected(py: Python<'_>, paths: Vec<PathBuf>, rule: Option<&str>, sample: Option<usize>, seed: u64) -> PyResult<Batch> {
    let batch = carry_out(py, About::Input, || {
        let chosen = sample.map(|sample| draw(&paths, rule, sample, seed)).transpose()?;
        let mut schema = Arc::new(Schema::empty());
        let mut found = Vec::new();
        for (file, path) in paths.iter().enumerate() {
            let reader = open_table(path, None, BATCH_ROWS)?;
            schema = reader.schema();
            let mut first = 0;
            for batch in reader {
                let batch = batch?;
                let of_rule = of_rule(&batch, rule)?;
                let keep = |row: usize| of_rule.value(row) && chosen.as_ref().is_none_or(|rows| rows.contains(&(file, first + row)));
                let keep: BooleanArray = (0..batch.num_rows()).map(|row| Some(keep(row))).collect();
                first += batch.num_rows();
                found.push(filter_record_batch(&batch, &keep)?);
            }
        }
        Ok(concat_batches(&schema, &found)?)
    })?;
    Ok(Batch { batch })
}

/// Which rows were rejected by a rule.
fn of_rule(batch: &RecordBatch, wanted: Option<&str>) -> Result<BooleanArray, Error> {
    let (stages, rules) = (strings(batch, &STAGE)?, strings(batch, &RULE)?);
    let fits = |row: usize| {
        wanted.is_none_or(|wanted| {
            let (stage, rule) = (stages.value(row), rules.value(row));
            wanted == rule || wanted == stage || wanted.split_once('/').is_some_and(|(of, name)| of == stage && name == rule)
        })
    };
    Ok((0..batch.num_rows()).map(|row| Some(fits(row))).collect())
}

/// The rows with the smallest hashes: file, row.
fn draw(paths: &[PathBuf], rule: Option<&str>, sample: usize, seed: u64) -> Result<BTreeSet<(usize, usize)>, Error> {
    let mut hashes = Vec::new();
    for (file, path) in paths.iter().enumerate() {
        let reader: TableReader = open_table(path, Some(&[DOC_ID.name, STAGE.name, RULE.name]), BATCH_ROWS)?;
        let mut first = 0;
        for batch in reader {
            let batch = batch?;
            let (ids, of_rule) = (strings(&batch, &DOC_ID)?, of_rule(&batch, rule)?);
            for row in (0..batch.num_rows()).filter(|&row| of_rule.value(row)) {
                let mut hasher = blake3::Hasher::new();
                hasher.update(&seed.to_le_bytes()).update(ids.value(row).as_bytes());
                hashes.push((*hasher.finalize().as_bytes(), (file, first + row)));
            }
            first += batch.num_rows();
        }
    }
    hashes.sort_unstable();
    Ok(hashes.into_iter().take(sample).map(|(_, row)| row).collect())
}

/// Kept before and after; lost and regained, by rule; who changes sides.
type Answer = (u64, u64, BTreeMap<String, u64>, BTreeMap<String, u64>, Batch);

/// What other settings would keep and lose: counts by rule, and the documents that change sides.
#[pyfunction]
fn judge_again(py: Python<'_>, run: PathBuf, settings: Vec<String>) -> PyResult<Answer> {
    carry_out(py, About::Plan, || {
        let answer = what_if(&run, &settings)?;
        let changed = concat_batches(&columns(), &answer.changed)?;
        Ok((answer.kept_before, answer.kept_after, answer.lost, answer.regained, Batch { batch: changed }))
    })
}

/// Adds the functions to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(manifest, module)?)?;
    module.add_function(wrap_pyfunction!(read_tables, module)?)?;
    module.add_function(wrap_pyfunction!(rejected, module)?)?;
    module.add_function(wrap_pyfunction!(judge_again, module)?)
}
