//! The passport of a finished run: what its plan declares of every source, what became of each, and the same in standard forms.
//!
//! Everything follows from the manifest, the plan and the tables, so that the same run has the same passport on any machine, and `verify` can make it
//! again. What is declared (owner, consent, legal ground) is told as declared: nobody can compute it.

mod croissant;
mod cyclonedx;
mod evidence;
mod spdx_ids;
mod statement;

use std::path::Path;

pub use self::evidence::{Declaration, Evidence, SourceEvidence};
pub use self::statement::{PAYLOAD_TYPE, PREDICATE_TYPE, PassportFile, STATEMENT_TYPE, Statement, Subject};
use super::layout::{self, passport as names};
use super::manifest::Manifest;
use super::plan::Plan;
use crate::error::{Error, Result};
use crate::io::read_limited;

/// Makes the files of the passport of a run, in the order of their names but the statement last, which names the others. The run is believed:
/// whoever calls this has verified it.
///
/// # Errors
/// `Refused` where there is no finished run; damaged; I/O.
pub fn files(run: &Path) -> Result<Vec<PassportFile>> {
    let (manifest, hash) = Manifest::read(run)?;
    let text = String::from_utf8(read_limited(&run.join(layout::PLAN), 1 << 24)?);
    let plan = Plan::from_toml(&text.map_err(|_| Error::damaged(run.join(layout::PLAN), "not UTF-8"))?, &[], layout::PLAN)?;
    let evidence = Evidence::gather(run, &manifest, &hash, &plan)?;
    let digests = statement::digests(run, &manifest)?;
    let mut files = vec![
        file(names::CROISSANT, &croissant::croissant(&manifest, &evidence, &digests))?,
        file(names::CYCLONEDX, &cyclonedx::bom(&manifest, &hash, &evidence))?,
        file(names::EVIDENCE, &evidence)?,
    ];
    let statement = Statement::new(&manifest, &digests, &files);
    files.push(file(names::STATEMENT, &statement)?);
    Ok(files)
}

fn file(path: &str, value: &impl serde::Serialize) -> Result<PassportFile> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|e| Error::internal(format!("{path}: {e}")))?;
    bytes.push(b'\n');
    Ok(PassportFile { path: path.to_owned(), bytes })
}
