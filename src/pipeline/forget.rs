//! Deletion of documents from a finished run: a new run without them, made of what does not change, and a receipt of what was removed from where.
//!
//! The plan of the new run lists them under `input.forget`, so that no later run reads them either. The old run stays as it is: it is its owner's to
//! remove.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::datatypes::UInt64Type;
use serde::Serialize;

use super::layout::{self, Subset};
use super::loaded_plan::LoadedPlan;
use super::manifest::Manifest;
use super::observer::{Event, Observer, Stop};
use super::report::RunOptions;
use super::{output_directory, run};
use crate::corpus::Forgotten;
use crate::error::{Error, Result};
use crate::io::{Dir, Place, Staging, open_table, read_limited, second_name};
use crate::pack::Pack;
use crate::quarantine::escape;
use crate::schema::{DOC_ID, DUPLICATE_OF, FILE, OFFSET, TEXT};
use crate::stage::{Batch, strings};

/// Layout of a receipt.
const VERSION: u32 = 1;
const BATCH_ROWS: usize = 4096;
/// Documents that are forgotten at once, and entries of a plan, whose size is limited too.
const FORGOTTEN_MAX: usize = 4000;
/// Rows of packs that are named for one document.
const PACK_ROWS_MAX: usize = 1000;

/// What is to be forgotten.
#[derive(Debug, Clone)]
pub struct Request {
    /// doc_ids; every record with such an id is meant.
    pub ids: Vec<String>,
    /// Leave the documents that were rejected as duplicates of them: the first of those would take the place.
    pub only: bool,
    /// Where the paths of the run's plan begin: the directory that the plan lay in.
    pub base: PathBuf,
}

/// What was removed, from where, and what stands there now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Receipt {
    /// 1.
    pub receipt_version: u32,
    /// Version of Seimai.
    pub seimai: String,
    /// The run that held the documents.
    pub before: RunIdentity,
    /// The run that does not.
    pub after: RunIdentity,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// Its doc_id.
    pub doc_id: String,
    /// It was not asked for, but rejected as a duplicate of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_shard: Option<String>,
    /// Rows of the pack that held its tokens.
    pub pack_rows: Vec<u64>,
}

/// A search for what was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
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

/// Finds the documents, makes the new run in `options.out`, and looks for them there. A run that was interrupted goes on if it is asked for again.
///
/// # Errors
/// `Refused`: no finished run, an id that is not there, an output directory with something else in it, or what a run refuses; damaged where one of
/// the documents is found again; those of [`run::run`].
pub fn forget(old: &Path, request: &Request, options: &RunOptions, stop: &Stop, observer: &dyn Observer) -> Result<Receipt> {
    output_directory::refuse_held(old)?;
    let (manifest, hash) = Manifest::read(old)?;
    let removed = find(old, &manifest, request)?;
    let loaded = plan_without(old, &manifest, request, &removed)?;
    let new = &options.out;
    if is_unused(new)? {
        observer.on_event(&Event::Note(format!("{} documents to forget; what does not change is taken over", removed.len())));
        take_over(old, new)?;
    } else if !new.join(layout::WORK).join(layout::STATE).is_file() && !new.join(layout::SUCCESS).is_file() {
        let message = format!("{}: not empty, and no run that can go on", new.display());
        return Err(Error::refused_with_hint(message, "name a new directory, or remove what is there"));
    }
    run::run(&loaded, options, stop, observer)?;
    let (after, after_hash) = Manifest::read(new)?;
    let search = search(new, &after, &removed)?;
    if search.same_id + search.same_record > 0 {
        let message = format!("{} rows of the new run are of documents that were to be forgotten", search.same_id.max(search.same_record));
        return Err(Error::damaged(new, message));
    }
    let mut files: BTreeMap<String, [Option<String>; 2]> = BTreeMap::new();
    for (side, manifest) in [&manifest, &after].into_iter().enumerate() {
        for file in &manifest.files {
            files.entry(file.path.clone()).or_default()[side] = Some(file.blake3.clone());
        }
    }
    Ok(Receipt {
        receipt_version: VERSION,
        seimai: env!("CARGO_PKG_VERSION").to_owned(),
        before: identity(&manifest, hash),
        after: identity(&after, after_hash),
        removed,
        plan_entries: loaded.plan.input.forget,
        files,
        search,
    })
}

fn identity(manifest: &Manifest, manifest_blake3: String) -> RunIdentity {
    let totals = &manifest.totals;
    let fingerprint = manifest.fingerprint.clone();
    RunIdentity { manifest_blake3, fingerprint, kept: totals.kept, rejected: totals.rejected, tokens: totals.tokens }
}

/// Tables of documents, rejected ones too.
fn tables(manifest: &Manifest) -> impl Iterator<Item = (&str, Option<Subset>)> {
    manifest.files.iter().filter_map(|file| {
        let subset = Subset::BOTH.into_iter().find(|subset| layout::is_in(subset.documents, &file.path));
        (subset.is_some() || layout::is_in(layout::REJECTED, &file.path)).then_some((file.path.as_str(), subset))
    })
}

/// The id of the record, without what tells it from another record of that id.
fn own_id<'a>(doc_id: &'a str, file: &str, offset: u64) -> &'a str {
    doc_id.strip_suffix(format!("~{file}@{offset}").as_str()).filter(|own| !own.is_empty()).unwrap_or(doc_id)
}

/// Columns of a batch by which a document is known.
struct Rows<'a> {
    ids: &'a arrow::array::StringArray,
    files: &'a arrow::array::StringArray,
    offsets: &'a arrow::array::UInt64Array,
}

impl<'a> Rows<'a> {
    fn of(batch: &'a Batch) -> Result<Self> {
        let offsets = batch.column_by_name(OFFSET.name).and_then(|column| column.as_primitive_opt::<UInt64Type>());
        let offsets = offsets.ok_or_else(|| Error::refused("a table of the run has no column offset"))?;
        Ok(Self { ids: strings(batch, &DOC_ID)?, files: strings(batch, &FILE)?, offsets })
    }

    fn own_id(&self, row: usize) -> &'a str {
        own_id(self.ids.value(row), self.files.value(row), self.offsets.value(row))
    }
}

/// Every document with one of the ids, and what went as a duplicate of it.
fn find(run: &Path, manifest: &Manifest, request: &Request) -> Result<Vec<Removed>> {
    let asked: BTreeSet<&str> = request.ids.iter().map(String::as_str).collect();
    let (mut removed, mut met, mut stood_for) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for (path, subset) in tables(manifest) {
        each_row(run, path, &[&DOC_ID, &FILE, &OFFSET], &mut |batch, first| {
            let rows = Rows::of(batch)?;
            for row in 0..batch.num_rows() {
                let (id, own) = (rows.ids.value(row), rows.own_id(row));
                if asked.contains(id) || asked.contains(own) {
                    met.extend([id, own].map(str::to_owned));
                    stood_for.insert(id.to_owned());
                    removed.push(removed_at(&rows, row, (path, subset, first + row as u64)));
                }
            }
            Ok(())
        })?;
    }
    if let Some(missing) = asked.iter().find(|id| !met.contains(**id)) {
        let message = format!("{}: no document {}", run.display(), escape(missing, 200));
        return Err(Error::refused_with_hint(message, "ids are the column doc_id of documents/ and rejected/; nothing was forgotten"));
    }
    if !request.only {
        let there: BTreeSet<(String, u64)> = removed.iter().map(|one| (one.table.clone(), one.row)).collect();
        for (path, subset) in tables(manifest).filter(|(_, subset)| subset.is_none()) {
            each_row(run, path, &[&DOC_ID, &FILE, &OFFSET, &DUPLICATE_OF], &mut |batch, first| {
                let (rows, of) = (Rows::of(batch)?, strings(batch, &DUPLICATE_OF)?);
                for row in (0..batch.num_rows()).filter(|&row| of.is_valid(row) && stood_for.contains(of.value(row))) {
                    let at = first + row as u64;
                    if !there.contains(&(path.to_owned(), at)) {
                        let duplicate_of = Some(of.value(row).to_owned());
                        removed.push(Removed { duplicate_of, ..removed_at(&rows, row, (path, subset, at)) });
                    }
                }
                Ok(())
            })?;
        }
    }
    if removed.len() > FORGOTTEN_MAX {
        let message = format!("{} documents to forget; {FORGOTTEN_MAX} are the most at once", removed.len());
        return Err(Error::refused_with_hint(message, "ask for fewer ids at a time, or take the records out of the inputs"));
    }
    removed.sort_by(|a, b| (&a.table, a.row).cmp(&(&b.table, b.row)));
    note_texts(run, &mut removed)?;
    note_pack_rows(run, &mut removed)?;
    Ok(removed)
}

fn removed_at(rows: &Rows<'_>, row: usize, (table, subset, at): (&str, Option<Subset>, u64)) -> Removed {
    Removed {
        doc_id: rows.ids.value(row).to_owned(),
        duplicate_of: None,
        file: rows.files.value(row).to_owned(),
        offset: rows.offsets.value(row),
        text_blake3: String::new(),
        table: table.to_owned(),
        row: at,
        token_shard: subset.map(|subset| table.replacen(subset.documents, subset.tokens, 1)),
        pack_rows: Vec::new(),
    }
}

/// Calls `visit` with each batch of some columns, and the number of its first row.
fn each_row(run: &Path, path: &str, columns: &[&crate::schema::Column], visit: &mut dyn FnMut(&Batch, u64) -> Result<()>) -> Result<u64> {
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let mut first = 0;
    for batch in open_table(&run.join(path), Some(&names), BATCH_ROWS)? {
        let batch = batch?;
        visit(&batch, first)?;
        first += batch.num_rows() as u64;
    }
    Ok(first)
}

fn hash_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

fn note_texts(run: &Path, removed: &mut [Removed]) -> Result<()> {
    for of_table in removed.chunk_by_mut(|a, b| a.table == b.table) {
        let rows: Vec<usize> = of_table.iter().map(|one| one.row as usize).collect();
        let Some(table) = of_table.first().map(|one| one.table.clone()) else { continue };
        let mut notes = of_table.iter_mut();
        for batch in crate::io::open_table_rows(&run.join(&table), &[TEXT.name], &rows, 64, 32 << 20)? {
            for (text, one) in strings(&batch?, &TEXT)?.iter().zip(&mut notes) {
                one.text_blake3 = hash_of(text.unwrap_or_default());
            }
        }
    }
    Ok(())
}

fn note_pack_rows(run: &Path, removed: &mut [Removed]) -> Result<()> {
    for subset in Subset::BOTH.into_iter().filter(|subset| run.join(subset.pack_json).is_file()) {
        let pack = Pack::open(&run.join(subset.pack))?;
        for one in removed.iter_mut().filter(|one| layout::is_in(subset.documents, &one.table)) {
            let name = one.token_shard.as_deref();
            let mut rows = BTreeSet::new();
            // A shard whose documents are packed more than once stands in the list as often.
            for (shard, _) in pack.info().shards.iter().enumerate().filter(|(_, shard)| Some(shard.name.as_str()) == name) {
                rows.extend(pack.locate(shard as u32, one.row as u32)?.into_iter().map(|piece| piece.row));
            }
            one.pack_rows = rows.into_iter().take(PACK_ROWS_MAX).collect();
        }
    }
    Ok(())
}

/// The plan of the run, with what is to be forgotten.
fn plan_without(run: &Path, manifest: &Manifest, request: &Request, removed: &[Removed]) -> Result<LoadedPlan> {
    let path = run.join(layout::PLAN);
    manifest.check_file(run, layout::PLAN)?;
    let text = String::from_utf8(read_limited(&path, 1 << 20)?).map_err(|_| Error::damaged(&path, "not UTF-8"))?;
    let mut loaded = LoadedPlan::from_text(text, Vec::new(), request.base.clone(), path)?;
    for one in removed {
        let input = manifest.inputs.iter().find(|input| input.path == one.file).map(|input| input.blake3.clone());
        let input = input.filter(|blake3| !blake3.is_empty());
        let id = Forgotten::hash(own_id(&one.doc_id, &one.file, one.offset));
        let entry = Forgotten { file: one.file.clone(), id, offset: input.as_ref().map(|_| one.offset), input };
        if !loaded.plan.input.forget.contains(&entry) {
            loaded.plan.input.forget.push(entry);
        }
    }
    if loaded.plan.input.forget.len() > FORGOTTEN_MAX {
        let message = format!("{} entries of input.forget; {FORGOTTEN_MAX} are the most", loaded.plan.input.forget.len());
        return Err(Error::refused_with_hint(message, "take the records out of the inputs themselves"));
    }
    loaded.text = loaded.plan.to_toml()?;
    Ok(loaded)
}

/// Absent, or an empty directory.
fn is_unused(dir: &Path) -> Result<bool> {
    match std::fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(e) => {
            Err(Error::io(dir, "list", e).refused_if_of_the_name(|e| Error::refused(format!("{}: {}", dir.display(), e.without_path()))))
        }
    }
}

/// Gives every file of a finished run a second name in another directory: the new run finds there what it need not make again, and takes the rest away.
/// Where its state lies comes last, so that what is cut short is no run.
fn take_over(old: &Path, new: &Path) -> Result<()> {
    let (from, to) = (Dir::open(old)?, Dir::create(new)?);
    let mut last = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(dir) = open.pop() {
        for name in from.at(&dir).list()? {
            let path = dir.join(&name);
            let Some(found) = from.at(&path).look()? else { continue };
            let in_work = dir.as_os_str() == layout::WORK;
            let top = dir.as_os_str().is_empty();
            let is_passport = top && name == layout::PASSPORT;
            if found.is_dir() && !is_passport && !(in_work && name == layout::TMP) {
                open.push(path);
            } else if found.is_file() && ((in_work && name == layout::STATE) || (top && name == layout::SUCCESS)) {
                last.push(path);
            } else if found.is_file() && !(in_work && name == layout::LOCK) && !(top && name == layout::REPORT) {
                link(&from, &to, &path)?;
            }
        }
    }
    last.sort();
    last.iter().rev().try_for_each(|path| link(&from, &to, path))
}

fn link(from: &Dir, to: &Dir, path: &Path) -> Result<()> {
    let target: Place = to.at(path);
    target.create_parent()?;
    let parent = path.parent().unwrap_or_else(|| Path::new(""));
    let dir = if parent.as_os_str().is_empty() { to.clone() } else { to.at(parent).open_dir()? };
    second_name(&Staging::beside(dir), &from.at(path), &target)
}

/// Looks for the documents in every table of a run, texts and token shards too.
fn search(run: &Path, manifest: &Manifest, removed: &[Removed]) -> Result<Search> {
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
