//! Receipts of deletions: what was removed from where, the search for it in the run that was made without it, and the statement of both that is signed.
//!
//! A receipt holds no text: ids, places and hashes. It is somebody else's file to whoever checks it, and believed in nothing that the run can be asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use serde::{Deserialize, Serialize};

use super::layout::{self, Subset};
use super::manifest::Manifest;
use super::passport::{PAYLOAD_TYPE, STATEMENT_TYPE, Statement, Subject};
use super::signature::Refusal;
use super::signature::envelope::{ENVELOPE_BYTES_MAX, Envelope};
use super::signature::key::{PublicKey, SecretKey};
use crate::corpus::Forgotten;
use crate::error::{Error, Result};
use crate::io::{Staging, open_table, read_limited, sha256_of_file};
use crate::quarantine::escape;
use crate::schema::{DOC_ID, FILE, OFFSET, TEXT};
use crate::stage::{Batch, strings};

/// Layout of a receipt.
pub const VERSION: u32 = 1;
/// What a statement of a deletion is called.
pub const PREDICATE_TYPE: &str = "urn:seimai:forget:v1";
/// Documents that are forgotten at once, and entries of a plan, whose size is limited too.
pub(super) const FORGOTTEN_MAX: usize = 4000;
const BATCH_ROWS: usize = 4096;

/// What was removed, from where, and what stands there now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// 1.
    pub receipt_version: u32,
    /// Version of Seimai.
    pub seimai: String,
    /// The run that held the documents.
    pub before: RunIdentity,
    /// The run that does not.
    pub after: RunIdentity,
    /// Inputs whose bytes are not those that the old run read, and the dictionary if it is another: they change the new run, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_inputs: Vec<String>,
    /// The documents.
    pub removed: Vec<Removed>,
    /// Entries of `input.forget` of the new plan.
    pub plan_entries: Vec<Forgotten>,
    /// Outputs: BLAKE3 before and after, `null` where there was or is none.
    pub files: BTreeMap<String, [Option<String>; 2]>,
    /// What was searched for in the new outputs, and how much was found.
    pub search: Search,
}

/// A run, by content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunIdentity {
    /// BLAKE3 of `manifest.json`, hex.
    pub manifest_blake3: String,
    /// Fingerprint of the plan.
    pub fingerprint: String,
    /// Documents in `documents/` and `validation/documents/`.
    pub kept: u64,
    /// Documents in `rejected/`.
    pub rejected: u64,
    /// Tokens.
    pub tokens: u64,
}

/// A document that was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removed {
    /// Its doc_id.
    pub doc_id: String,
    /// It was not asked for, but rejected as a duplicate of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<String>,
    /// The input that holds the record.
    pub file: String,
    /// Where the record begins there: decoded byte, or row of a table.
    pub offset: u64,
    /// BLAKE3 of the text that the run held, hex.
    pub text_blake3: String,
    /// The table that held it, and its row there.
    pub table: String,
    /// Row of the table.
    pub row: u64,
    /// The token shard that held it, row for row the table; absent for what was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_shard: Option<String>,
    /// Rows of the pack that held its tokens.
    pub pack_rows: Vec<u64>,
}

/// A search for what was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Tables that were searched, token shards among them.
    pub tables: u64,
    /// Their rows.
    pub rows: u64,
    /// Rows with one of the ids.
    pub same_id: u64,
    /// Rows of one of the records, by input and place.
    pub same_record: u64,
    /// doc_ids of rows with the very text of one of the documents: copies with other ids, that nobody asked for.
    pub same_text: Vec<String>,
}

impl RunIdentity {
    pub(super) fn of(manifest: &Manifest, manifest_blake3: String) -> Self {
        let (totals, fingerprint) = (&manifest.totals, manifest.fingerprint.clone());
        Self { manifest_blake3, fingerprint, kept: totals.kept, rejected: totals.rejected, tokens: totals.tokens }
    }
}

impl Receipt {
    /// Writes the receipt, and with a key its envelope beside it as `<path>.dsse.json`; gives what was written.
    ///
    /// # Errors
    /// Those of the system.
    pub fn write(&self, path: &Path, run: &Path, key: Option<&SecretKey>) -> Result<Vec<PathBuf>> {
        let mut files = vec![(path.to_path_buf(), json_of(self)?)];
        if let Some(key) = key {
            let mut name = path.as_os_str().to_owned();
            name.push(".dsse.json");
            files.push((PathBuf::from(name), json_of(&self.signed(run, key)?)?));
        }
        for (path, bytes) in &files {
            let (staging, place) = Staging::for_file(path)?;
            staging.write(&place, bytes)?;
        }
        Ok(files.into_iter().map(|(path, _)| path).collect())
    }

    /// The receipt in an envelope, as a statement about the manifest of the new run, which names every file of it.
    ///
    /// # Errors
    /// Those of the system.
    fn signed(&self, run: &Path, key: &SecretKey) -> Result<Envelope> {
        let internal = |e: serde_json::Error| Error::internal(format!("a receipt: {e}"));
        let statement = Statement {
            kind: STATEMENT_TYPE.to_owned(),
            subject: vec![Subject::new(layout::MANIFEST, &sha256_of_file(&run.join(layout::MANIFEST))?)],
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: serde_json::to_value(self).map_err(internal)?,
        };
        let mut envelope = Envelope::of(PAYLOAD_TYPE, &serde_json::to_vec_pretty(&statement).map_err(internal)?);
        envelope.sign(key)?;
        Ok(envelope)
    }
}

fn json_of(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|e| Error::internal(format!("a receipt: {e}")))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// What a check of a receipt found.
#[derive(Debug, Clone, Default)]
pub struct CheckedReceipt {
    /// The key that was asked for.
    pub keyid: Option<String>,
    /// Documents that were looked for.
    pub removed: usize,
    /// Rows that were looked at.
    pub rows: u64,
    /// Why it is not believed; empty: it is.
    pub refused: Vec<Refusal>,
}

type Refused<T> = std::result::Result<T, Refusal>;

/// Is this the receipt of this run (and signed with this key), and is none of the documents in it? The run itself is checked by `verify`.
///
/// # Errors
/// Those of the system; `Refused` where there is no finished run or no file of this name.
pub fn check(run: &Path, receipt: &Path, key: Option<&PublicKey>) -> Result<CheckedReceipt> {
    let (manifest, hash) = Manifest::read(run)?;
    let unreadable = |e: &Error| Error::refused(format!("{}: the receipt cannot be read: {}", receipt.display(), e.without_path()));
    let bytes = read_limited(receipt, ENVELOPE_BYTES_MAX).map_err(|e| e.refused_if_of_the_name(unreadable))?;
    let keyid = key.map(PublicKey::id).transpose()?;
    let sha256 = sha256_of_file(&run.join(layout::MANIFEST))?;
    let mut checked = CheckedReceipt { keyid, ..CheckedReceipt::default() };
    let signer = key.zip(checked.keyid.as_deref());
    let receipt = match read(&bytes, signer, &sha256).and_then(|receipt| of_run(receipt, &manifest, &hash)) {
        Ok(receipt) => receipt,
        Err(refusal) => {
            checked.refused.push(refusal);
            return Ok(checked);
        }
    };
    let found = search(run, &manifest, &receipt.removed)?;
    (checked.removed, checked.rows) = (receipt.removed.len(), found.rows);
    if found.same_id + found.same_record > 0 {
        let rows = found.same_id.max(found.same_record);
        checked.refused.push(Refusal::new("found", format!("{rows} rows of the run are of documents that the receipt says are gone")));
    } else if found != receipt.search {
        checked.refused.push(Refusal::new("receipt", "the search that the receipt tells of found something else than the same search now"));
    }
    Ok(checked)
}

/// The receipt in a file: in an envelope, or, where nobody has to have signed it, as it is.
fn read(bytes: &[u8], signer: Option<(&PublicKey, &str)>, manifest_sha256: &str) -> Refused<Receipt> {
    let no_receipt = |e: serde_json::Error| Refusal::new("receipt", format!("no receipt of a deletion: {e}"));
    let payload = match (signer, Envelope::parse(bytes, PAYLOAD_TYPE)) {
        (Some((key, keyid)), envelope) => envelope?.check(key, keyid)?,
        (None, Ok(envelope)) => envelope.payload()?,
        (None, Err(refusal)) if refusal.code == "no_envelope" => return serde_json::from_slice(bytes).map_err(no_receipt),
        (None, Err(refusal)) => return Err(refusal),
    };
    let statement: Statement = serde_json::from_slice(&payload)
        .map_err(|e| Refusal::new("statement", format!("what is signed is no statement of in-toto: {e}")))?;
    for (what, found, wanted) in [("_type", &statement.kind, STATEMENT_TYPE), ("predicateType", &statement.predicate_type, PREDICATE_TYPE)]
    {
        if found != wanted {
            return Err(Refusal::new("statement", format!("{what} is {}, and {wanted} is wanted", escape(found, 100))));
        }
    }
    let is_of_run = |subject: &Subject| {
        subject.name == layout::MANIFEST && subject.digest.get("sha256").is_some_and(|digest| digest.as_str() == manifest_sha256)
    };
    if statement.subject.len() != 1 || !statement.subject.iter().all(is_of_run) {
        return Err(Refusal::new("replayed", "what is signed speaks of another run: SHA-256 of manifest.json is not that of this one"));
    }
    serde_json::from_value(statement.predicate).map_err(no_receipt)
}

/// The receipt, if it speaks of this run.
fn of_run(receipt: Receipt, manifest: &Manifest, hash: &str) -> Refused<Receipt> {
    if receipt.receipt_version != VERSION || receipt.removed.is_empty() || receipt.removed.len() > FORGOTTEN_MAX {
        let message = format!(
            "version {} with {} documents; {VERSION} with 1 to {FORGOTTEN_MAX} is wanted",
            receipt.receipt_version,
            receipt.removed.len()
        );
        return Err(Refusal::new("receipt", message));
    }
    if receipt.after != RunIdentity::of(manifest, hash.to_owned()) {
        let said = escape(&receipt.after.manifest_blake3, 64);
        return Err(Refusal::new(
            "replayed",
            format!("the receipt is that of another run: BLAKE3 of its manifest {said}, and this one has {hash}"),
        ));
    }
    let after: BTreeMap<&str, &str> =
        receipt.files.iter().filter_map(|(path, [_, after])| Some((path.as_str(), after.as_deref()?))).collect();
    if after != manifest.files.iter().map(|file| (file.path.as_str(), file.blake3.as_str())).collect() {
        return Err(Refusal::new("receipt", "names other files of the run than manifest.json"));
    }
    Ok(receipt)
}

/// Tables of documents, rejected ones too.
pub(super) fn tables(manifest: &Manifest) -> impl Iterator<Item = (&str, Option<Subset>)> {
    manifest.files.iter().filter_map(|file| {
        let subset = Subset::BOTH.into_iter().find(|subset| layout::is_in(subset.documents, &file.path));
        (subset.is_some() || layout::is_in(layout::REJECTED, &file.path)).then_some((file.path.as_str(), subset))
    })
}

/// The id of the record, without what tells it from another record of that id.
pub(super) fn own_id<'a>(doc_id: &'a str, file: &str, offset: u64) -> &'a str {
    doc_id.strip_suffix(format!("~{file}@{offset}").as_str()).filter(|own| !own.is_empty()).unwrap_or(doc_id)
}

/// Columns of a batch by which a document is known.
pub(super) struct Rows<'a> {
    pub(super) ids: &'a arrow::array::StringArray,
    pub(super) files: &'a arrow::array::StringArray,
    pub(super) offsets: &'a arrow::array::UInt64Array,
}

impl<'a> Rows<'a> {
    pub(super) fn of(batch: &'a Batch) -> Result<Self> {
        let offsets = batch.column_by_name(OFFSET.name).and_then(|column| column.as_primitive_opt::<UInt64Type>());
        let offsets = offsets.ok_or_else(|| Error::refused("a table of the run has no column offset"))?;
        Ok(Self { ids: strings(batch, &DOC_ID)?, files: strings(batch, &FILE)?, offsets })
    }

    pub(super) fn own_id(&self, row: usize) -> &'a str {
        own_id(self.ids.value(row), self.files.value(row), self.offsets.value(row))
    }
}

/// Calls `visit` with each batch of some columns, and the number of its first row.
pub(super) fn each_row(
    run: &Path,
    path: &str,
    columns: &[&crate::schema::Column],
    visit: &mut dyn FnMut(&Batch, u64) -> Result<()>,
) -> Result<u64> {
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let mut first = 0;
    for batch in open_table(&run.join(path), Some(&names), BATCH_ROWS)? {
        let batch = batch?;
        visit(&batch, first)?;
        first += batch.num_rows() as u64;
    }
    Ok(first)
}

pub(super) fn hash_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// Looks for the documents in every table of a run, texts and token shards too.
pub(super) fn search(run: &Path, manifest: &Manifest, removed: &[Removed]) -> Result<Search> {
    let ids: BTreeSet<&str> = removed.iter().map(|one| one.doc_id.as_str()).collect();
    let records: BTreeSet<(&str, u64, &str)> =
        removed.iter().map(|one| (one.file.as_str(), one.offset, own_id(&one.doc_id, &one.file, one.offset))).collect();
    let texts: BTreeSet<&str> = removed.iter().map(|one| one.text_blake3.as_str()).collect();
    let mut found = Search::default();
    let shards = manifest
        .files
        .iter()
        .map(|file| file.path.as_str())
        .filter(|path| Subset::BOTH.iter().any(|subset| layout::is_in(subset.tokens, path)));
    let all: Vec<(&str, bool)> = tables(manifest).map(|(path, _)| (path, true)).chain(shards.map(|path| (path, false))).collect();
    for (path, has_text) in all {
        let columns: &[&crate::schema::Column] = if has_text { &[&DOC_ID, &FILE, &OFFSET, &TEXT] } else { &[&DOC_ID, &FILE, &OFFSET] };
        found.tables += 1;
        found.rows += each_row(run, path, columns, &mut |batch, _| {
            let rows = Rows::of(batch)?;
            let text = if has_text { Some(strings(batch, &TEXT)?) } else { None };
            for row in 0..batch.num_rows() {
                let id = rows.ids.value(row);
                found.same_id += u64::from(ids.contains(id));
                found.same_record += u64::from(records.contains(&(rows.files.value(row), rows.offsets.value(row), rows.own_id(row))));
                if text.is_some_and(|text| texts.contains(hash_of(text.value(row)).as_str())) {
                    found.same_text.push(id.to_owned());
                }
            }
            Ok(())
        })?;
    }
    Ok(found)
}
