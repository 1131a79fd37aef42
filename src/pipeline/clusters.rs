//! A cluster of duplicates: the document that stands for them, and each of the others, with their texts. From a finished run, or from what
//! `seimai dedup` has written.

use std::path::Path;

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::Float32Type;

use super::layout::{self, Subset};
use super::manifest::Manifest;
use crate::dedup::PieceKind;
use crate::error::{Error, Result};
use crate::io::{open_file, open_table};
use crate::schema;
use crate::stage::{Batch, strings};

const BATCH_ROWS: usize = 1024;

/// A document that another stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its doc_id.
    pub doc_id: String,
    /// Why it went: `exact` or `near`.
    pub kind: String,
    /// What was found: the similarity.
    pub evidence: String,
    /// Its text, if it was written.
    pub text: Option<String>,
}

/// Documents of which one stands for the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// doc_id of the document that stands for them.
    pub anchor: String,
    /// Its text; `None` where it is not here but in an index.
    pub text: Option<String>,
    /// The others, in the order of the corpus.
    pub members: Vec<Member>,
}

/// What one looks for in the rows of a table: whether it is wanted, and what to do with it.
type Visit<'a> = dyn FnMut(&Row<'_>) -> Result<()> + 'a;

/// A row of either kind of document.
struct Row<'a> {
    doc_id: &'a str,
    text: Option<&'a str>,
    of: Option<&'a str>,
    kind: &'a str,
    evidence: String,
}

/// The cluster of a document, be it the one that stands for the others or one of them; `None` where there is none.
///
/// # Errors
/// Refused where `dir` is neither a finished run nor the output of `seimai dedup`; damaged; I/O.
pub fn cluster(dir: &Path, doc_id: &str) -> Result<Option<Cluster>> {
    let source = Source::open(dir)?;
    let mut anchor = doc_id.to_owned();
    source.duplicates(&mut |row| {
        if row.doc_id == doc_id {
            row.of.unwrap_or(doc_id).clone_into(&mut anchor);
        }
        Ok(())
    })?;
    let mut members = Vec::new();
    source.duplicates(&mut |row| {
        if row.of == Some(&anchor) {
            let Row { doc_id, text, kind, evidence, .. } = row;
            members.push(Member {
                doc_id: (*doc_id).to_owned(),
                kind: (*kind).to_owned(),
                evidence: evidence.clone(),
                text: text.map(str::to_owned),
            });
        }
        Ok(())
    })?;
    if members.is_empty() {
        return Ok(None);
    }
    let mut text = None;
    source.kept(&mut |row| {
        if row.doc_id == anchor {
            text = row.text.map(str::to_owned);
        }
        Ok(())
    })?;
    Ok(Some(Cluster { anchor, text, members }))
}

/// Where kept documents and duplicates are.
enum Source<'d> {
    Run(&'d Path, Box<Manifest>),
    Tables(&'d Path),
    Lines(&'d Path),
}

impl<'d> Source<'d> {
    fn open(dir: &'d Path) -> Result<Self> {
        if dir.join("kept.jsonl").is_file() {
            return Ok(Self::Lines(dir));
        }
        if dir.join("kept.parquet").is_file() {
            return Ok(Self::Tables(dir));
        }
        Ok(Self::Run(dir, Box::new(Manifest::read(dir)?.0)))
    }

    fn kept(&self, visit: &mut Visit<'_>) -> Result<()> {
        match self {
            Self::Run(dir, manifest) => Self::parts(dir, manifest, Subset::BOTH.map(|subset| subset.documents).as_slice(), visit),
            Self::Tables(dir) => each_row(&dir.join("kept.parquet"), visit),
            Self::Lines(dir) => each_line(&dir.join("kept.jsonl"), visit),
        }
    }

    fn duplicates(&self, visit: &mut Visit<'_>) -> Result<()> {
        // What a piece was cut out of is no duplicate of the document that has it.
        let visit: &mut Visit<'_> = &mut |row| if PieceKind::of_rule(row.kind).is_some() { Ok(()) } else { visit(row) };
        match self {
            Self::Run(dir, manifest) => Self::parts(dir, manifest, &[layout::REJECTED], visit),
            Self::Tables(dir) => each_row(&dir.join("duplicates.parquet"), visit),
            Self::Lines(dir) => each_line(&dir.join("duplicates.jsonl"), visit),
        }
    }

    fn parts(dir: &Path, manifest: &Manifest, within: &[&str], visit: &mut Visit<'_>) -> Result<()> {
        for file in manifest.files.iter().filter(|file| within.iter().any(|within| layout::is_in(within, &file.path))) {
            manifest.check_file(dir, &file.path)?;
            each_row(&dir.join(&file.path), visit)?;
        }
        Ok(())
    }
}

fn each_row(path: &Path, visit: &mut Visit<'_>) -> Result<()> {
    for batch in open_table(path, None, BATCH_ROWS)? {
        let batch = batch?;
        let text = |name: &str| batch.column_by_name(name).and_then(|values| values.as_string_opt::<i32>());
        let ids = strings(&batch, &schema::DOC_ID)?;
        let (texts, of) = (text(schema::TEXT.name), text(schema::DUPLICATE_OF.name));
        let (kinds, evidence) = (text("kind").or_else(|| text(schema::RULE.name)), text(schema::EVIDENCE.name));
        let jaccards = similarities(&batch);
        for row in 0..batch.num_rows() {
            let evidence = value(evidence, row).map(str::to_owned).or_else(|| jaccards.get(row).copied().flatten().map(told));
            visit(&Row {
                doc_id: ids.value(row),
                text: value(texts, row),
                of: value(of, row),
                kind: value(kinds, row).unwrap_or_default(),
                evidence: evidence.unwrap_or_default(),
            })?;
        }
    }
    Ok(())
}

fn value(values: Option<&StringArray>, row: usize) -> Option<&str> {
    values.filter(|values| values.is_valid(row)).map(|values| values.value(row))
}

fn similarities(batch: &Batch) -> Vec<Option<f32>> {
    let values = batch.column_by_name("jaccard").and_then(|values| values.as_primitive_opt::<Float32Type>());
    values.map(|values| values.iter().collect()).unwrap_or_default()
}

fn told(jaccard: f32) -> String {
    format!("jaccard {jaccard:.4}")
}

fn each_line(path: &Path, visit: &mut Visit<'_>) -> Result<()> {
    use std::io::BufRead;
    let damaged = |number: usize| Error::damaged(path, format!("line {number} is no object as seimai dedup writes them"));
    for (line, number) in std::io::BufReader::new(open_file(path)?).lines().zip(1..) {
        let line = line.map_err(|e| Error::io(path, "read", e))?;
        let value: serde_json::Value = serde_json::from_str(&line).map_err(|_| damaged(number))?;
        let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str);
        let doc_id = text("id").or_else(|| text("doc_id")).ok_or_else(|| damaged(number))?;
        let evidence = value.get("jaccard").and_then(serde_json::Value::as_f64).map(|jaccard| told(jaccard as f32)).unwrap_or_default();
        visit(&Row { doc_id, text: text("text"), of: text("duplicate_of"), kind: text("kind").unwrap_or_default(), evidence })?;
    }
    Ok(())
}
