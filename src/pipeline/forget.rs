//! Deletion of documents from a finished run: a new run without them, made of what does not change, and a receipt of what was removed from where.
//!
//! The plan of the new run lists them under `input.forget`, so that no later run reads them either. The old run stays as it is: it is its owner's to
//! remove.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow::array::Array;

use super::layout::{self, Subset};
use super::loaded_plan::LoadedPlan;
use super::manifest::{Manifest, success_line};
use super::observer::{Event, Observer, Stop};
use super::receipt::{FORGOTTEN_MAX, Receipt, Removed, Rows, RunIdentity, VERSION, each_row, hash_of, own_id, search, tables};
use super::report::RunOptions;
use super::work_dir::WorkDir;
use super::{output_directory, run};
use crate::corpus::Forgotten;
use crate::error::{Error, Result};
use crate::io::{Dir, Place, Staging, open_table_rows, read_limited, second_name};
use crate::pack::Pack;
use crate::quarantine::escape;
use crate::schema::{DOC_ID, DUPLICATE_OF, FILE, OFFSET, TEXT};
use crate::stage::strings;

/// Bytes of a plan.
const PLAN_BYTES_MAX: usize = 1 << 20;
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

/// Finds the documents, makes the new run in `options.out`, and looks for them there. A run that was interrupted goes on if it is asked for again.
///
/// # Errors
/// `Refused`: no finished run, an id that is not there, an output directory with something else in it, or what a run refuses; damaged where one of
/// the documents is found again; those of [`run::run`].
pub fn forget(old: &Path, request: &Request, options: &RunOptions, stop: &Stop, observer: &dyn Observer) -> Result<Receipt> {
    output_directory::refuse_held(old)?;
    let (manifest, hash) = finished(old)?;
    let removed = find(old, &manifest, request)?;
    let loaded = plan_without(old, &manifest, request, &removed)?;
    let new = &options.out;
    let real = |path: &Path| path.canonicalize().ok();
    if real(old).is_some() && real(old) == real(new) {
        let message = format!("{}: is the run itself, which stays as it is", new.display());
        return Err(Error::refused_with_hint(
            message,
            "name another directory with -o, and remove the old run once the new one is what you want",
        ));
    }
    if is_unused(new)? {
        observer.on_event(&Event::Note(format!("{} documents to forget; what does not change is taken over", removed.len())));
        take_over(old, new)?;
    } else {
        refuse_another(new, &[&manifest.fingerprint, &manifest.fingerprint_with(&loaded.plan)?])?;
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
        before: RunIdentity::of(&manifest, hash),
        after: RunIdentity::of(&after, after_hash),
        other_inputs: other_inputs(&manifest, &after),
        removed,
        plan_entries: loaded.plan.input.forget,
        files,
        search,
    })
}

/// The manifest of a run that has finished.
fn finished(run: &Path) -> Result<(Manifest, String)> {
    let success = run.join(layout::SUCCESS);
    if !success.is_file() {
        let message = format!("{}: no finished run ({} is missing)", run.display(), layout::SUCCESS);
        return Err(Error::refused_with_hint(
            message,
            "name the --out directory of a `seimai run` that has finished; run it again to resume it",
        ));
    }
    let (manifest, hash) = Manifest::read(run)?;
    if read_limited(&success, 4096)? != success_line(&hash).into_bytes() {
        return Err(Error::damaged(run.join(layout::MANIFEST), format!("is not the file that {} vouches for", layout::SUCCESS)));
    }
    Ok((manifest, hash))
}

/// Inputs (and the dictionary) that are not what they were for the old run: what else is different in the new one comes from these.
fn other_inputs(before: &Manifest, after: &Manifest) -> Vec<String> {
    let known = |manifest: &Manifest| -> BTreeMap<String, String> {
        let inputs = manifest.inputs.iter().map(|input| (input.path.clone(), input.blake3.clone()));
        let dictionary = format!("dictionary {}", manifest.dictionary.name);
        inputs.chain(std::iter::once((dictionary, manifest.dictionary.fingerprint.clone()))).collect()
    };
    let (before, after) = (known(before), known(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

/// Goes on with what an earlier call began, and with nothing else: a run that forgets other documents would get these back.
fn refuse_another(new: &Path, fingerprints: &[&str]) -> Result<()> {
    let found = if new.join(layout::SUCCESS).is_file() {
        Some(Manifest::read(new)?.0.fingerprint)
    } else if new.join(layout::WORK).join(layout::STATE).is_file() {
        output_directory::refuse_held(new)?;
        WorkDir::join(new).and_then(|work| work.state()).ok().flatten().map(|state| state.fingerprint)
    } else {
        None
    };
    if found.is_some_and(|found| fingerprints.contains(&found.as_str())) {
        return Ok(());
    }
    let message = format!("{}: not empty, and not what an earlier call of this kind began", new.display());
    Err(Error::refused_with_hint(message, "name a new directory with -o, or remove what is there"))
}

/// Every document with one of the ids, and what went as a duplicate of it.
fn find(run: &Path, manifest: &Manifest, request: &Request) -> Result<Vec<Removed>> {
    let asked: BTreeSet<&str> = request.ids.iter().map(String::as_str).collect();
    let (mut removed, mut met, mut stood_for) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for (path, subset) in tables(manifest) {
        manifest.check_file(run, path)?;
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

fn note_texts(run: &Path, removed: &mut [Removed]) -> Result<()> {
    for of_table in removed.chunk_by_mut(|a, b| a.table == b.table) {
        let rows: Vec<usize> = of_table.iter().map(|one| one.row as usize).collect();
        let Some(table) = of_table.first().map(|one| one.table.clone()) else { continue };
        let mut notes = of_table.iter_mut();
        for batch in open_table_rows(&run.join(&table), &[TEXT.name], &rows, 64, 32 << 20)? {
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
    let text = String::from_utf8(read_limited(&path, PLAN_BYTES_MAX as u64)?).map_err(|_| Error::damaged(&path, "not UTF-8"))?;
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
    if loaded.text.len() > PLAN_BYTES_MAX {
        let message =
            format!("a plan with {} entries of input.forget is larger than {PLAN_BYTES_MAX} bytes", loaded.plan.input.forget.len());
        return Err(Error::refused_with_hint(message, "ask for fewer ids at a time, or take the records out of the inputs"));
    }
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
            // A passport, a report and a log are of the old run, and a log is written to in place; what is unfinished, and who holds it, is
            // nobody else's matter.
            let of_the_old = [layout::PASSPORT, layout::passport::CROISSANT, layout::REPORT, layout::LOG];
            let stays = (top && of_the_old.iter().any(|of| name == *of)) || (in_work && (name == layout::TMP || name == layout::LOCK));
            let tells = (in_work && name == layout::STATE) || (top && name == layout::SUCCESS);
            match (stays, found.is_dir(), found.is_file()) {
                (false, true, _) => open.push(path),
                (false, _, true) if tells => last.push(path),
                (false, _, true) => link(&from, &to, &path)?,
                _ => {}
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
