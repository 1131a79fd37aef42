//! Is a finished run still what its manifest says? Every checksum, every count, the row-for-row promise of the token
//! shards, the pack's own hashes, and the conservation law.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;

use super::fingerprint;
use super::manifest::{Manifest, Totals, success_line};
use super::observer::{Observer, Progress, Stop, Unit};
use super::pass::Pool;
use super::plan::Plan;
use crate::error::{Error, Result};
use crate::io::{FileEntry, hash_file, map_file, open_table, read_limited, table_metadata};
use crate::pack;
use crate::schema;
use crate::stage::lists;

/// Files the manifest does not list, by design.
const UNLISTED: &[&str] = &["manifest.json", "run.json", "_SUCCESS"];
const BATCH_ROWS: usize = 4096;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// One sentence a damaged place.
    pub damage: Vec<String>,
    /// The totals of the manifest.
    pub totals: Totals,
    /// Files checked.
    pub files: usize,
    /// Bytes checked.
    pub bytes: u64,
}

/// Checks a finished run; `Err` only where there is none, or one of a version this Seimai does not know.
pub fn verify(run: &Path, threads: usize, stop: &Stop, observer: &dyn Observer) -> Result<Findings> {
    let success = run.join("_SUCCESS");
    if !success.exists() {
        let hint = "name the --out directory of a `seimai run` that has finished; run it again to resume it";
        return Err(Error::refused_with_hint(format!("{}: no finished run (_SUCCESS is missing)", run.display()), hint));
    }
    let (manifest, hash) = Manifest::read(run)?;
    let mut damage = Vec::new();
    if read_limited(&success, 4096)? != success_line(&hash).into_bytes() {
        damage.push("manifest.json: is not the file that _SUCCESS vouches for".into());
    }
    let progress = Progress::start(observer, "verify", Unit::Bytes, manifest.files.iter().map(|file| file.bytes).sum());
    let broken = check_files(run, &manifest, threads, stop, &progress)?;
    let whole = |path: &str| !broken.iter().any(|(file, _)| file == path);
    check_counts(run, &manifest, &whole, &mut damage)?;
    check_plan(run, &manifest, &whole, &mut damage)?;
    check_tokens(run, &manifest, &whole, stop, &mut damage)?;
    check_pack(run, &manifest, &whole, stop, &mut damage)?;
    damage.extend(unlisted(run, &manifest)?);
    progress.finish();
    damage.splice(0..0, broken.into_iter().map(|(file, what)| format!("{file}: {what}")));
    let bytes = manifest.files.iter().map(|file| file.bytes).sum();
    Ok(Findings { damage, totals: manifest.totals, files: manifest.files.len(), bytes })
}

/// Size and BLAKE3 of every listed file; what is broken, by path.
fn check_files(run: &Path, manifest: &Manifest, threads: usize, stop: &Stop, progress: &Progress<'_>) -> Result<Vec<(String, String)>> {
    let broken = Mutex::new(Vec::new());
    let mut files = manifest.files.iter();
    let check = |(): &mut (), file: &FileEntry| -> Result<()> {
        let path = run.join(&file.path);
        let what = match std::fs::symlink_metadata(&path) {
            Ok(found) if !found.is_file() => Err(Error::damaged(&path, "not a regular file")),
            _ => hash_file(&path),
        };
        let what = match what {
            Err(e) => Some(e.to_string()),
            Ok((bytes, _)) if bytes != file.bytes => Some(format!("{bytes} bytes instead of {}", file.bytes)),
            Ok((_, hash)) if hash != file.blake3 => Some("its bytes are not those that were written (BLAKE3 differs)".into()),
            Ok(_) => None,
        };
        progress.add(file.bytes, 0, file.bytes);
        if let (Some(what), Ok(mut broken)) = (what, broken.lock()) {
            broken.push((file.path.clone(), what));
        }
        Ok(())
    };
    Pool::new(threads)?.for_each(stop, &mut || Ok(files.next()), &|| (), &check)?;
    let mut broken = broken.into_inner().unwrap_or_default();
    broken.sort();
    Ok(broken)
}

/// Rows against the manifest, and the conservation law counted anew from the files.
fn check_counts(run: &Path, manifest: &Manifest, whole: &dyn Fn(&str) -> bool, damage: &mut Vec<String>) -> Result<()> {
    let (mut kept, mut rejected) = (0, 0);
    for file in manifest.files.iter().filter(|file| is_table(&file.path) && whole(&file.path)) {
        let rows = table_metadata(&run.join(&file.path))?.file_metadata().num_rows().cast_unsigned();
        if rows != file.rows {
            damage.push(format!("{}: {rows} rows instead of {}", file.path, file.rows));
        }
        if file.path.starts_with("documents/") {
            kept += rows;
        } else if file.path.starts_with("rejected/") {
            rejected += rows;
        }
    }
    let totals = &manifest.totals;
    if manifest.files.iter().all(|file| whole(&file.path)) {
        let lines = count_lines(&run.join("quarantine.jsonl"))?;
        let counted = [("kept", kept, totals.kept), ("rejected", rejected, totals.rejected), ("quarantined", lines, totals.quarantined)];
        for (what, found, said) in counted.into_iter().filter(|(_, found, said)| found != said) {
            damage.push(format!("manifest.json: says {said} {what}, the files hold {found}"));
        }
        if totals.read != kept + rejected + lines {
            damage.push(format!("conservation law: read {} is not kept {kept} + rejected {rejected} + quarantined {lines}", totals.read));
        }
    }
    let by_input: u64 = manifest.inputs.iter().map(|input| input.read).sum();
    if by_input != totals.read {
        damage.push(format!("manifest.json: the inputs add up to {by_input} records, not {}", totals.read));
    }
    let by_rule: u64 = manifest.rejected.values().sum();
    if by_rule != totals.rejected {
        damage.push(format!("manifest.json: the rules add up to {by_rule} rejected, not {}", totals.rejected));
    }
    Ok(())
}

fn count_lines(path: &Path) -> Result<u64> {
    let mut file = std::fs::File::open(path).map_err(|e| Error::io(path, "open", e))?;
    let mut buffer = vec![0; 1 << 18];
    let mut lines = 0;
    loop {
        match file.read(&mut buffer).map_err(|e| Error::io(path, "read", e))? {
            0 => return Ok(lines),
            n => lines += memchr::memchr_iter(b'\n', &buffer[..n]).count() as u64,
        }
    }
}

fn is_table(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "parquet")
}

/// The resolved plan and the dictionary give the fingerprint.
fn check_plan(run: &Path, manifest: &Manifest, whole: &dyn Fn(&str) -> bool, damage: &mut Vec<String>) -> Result<()> {
    if manifest.seimai != env!("CARGO_PKG_VERSION") || !whole("plan.toml") {
        return Ok(());
    }
    let text = String::from_utf8(read_limited(&run.join("plan.toml"), 1 << 20)?).unwrap_or_default();
    let plan = Plan::from_toml(&text, &[], "plan.toml")?;
    if fingerprint::of_parts(&plan, &manifest.dictionary.fingerprint)? != manifest.fingerprint {
        damage.push("manifest.json: its fingerprint is not that of plan.toml and the dictionary".into());
    }
    Ok(())
}

/// Row i of `tokens/part-N` is row i of `documents/part-N`, and its length is what it says.
fn check_tokens(run: &Path, manifest: &Manifest, whole: &dyn Fn(&str) -> bool, stop: &Stop, damage: &mut Vec<String>) -> Result<()> {
    let mut total = 0;
    let vocab_size = manifest.tokenizer.vocab_size;
    for file in manifest.files.iter().filter(|file| file.path.starts_with("tokens/") && whole(&file.path)) {
        let documents = file.path.replacen("tokens/", "documents/", 1);
        if !whole(&documents) {
            continue;
        }
        let open = |path: &str, columns: &[&str]| open_table(&run.join(path), Some(columns), BATCH_ROWS);
        let token_columns = [schema::DOC_ID.name, schema::INPUT_IDS.name, schema::N_TOKENS.name];
        let mut ids = open(&documents, &[schema::DOC_ID.name])?;
        for batch in open(&file.path, &token_columns)? {
            stop.check()?;
            let batch = batch?;
            let twin = ids.next().transpose()?;
            let same = twin.as_ref().is_some_and(|twin| twin.column(0).as_string::<i32>() == batch.column(0).as_string::<i32>());
            if !same {
                damage.push(format!("{}: its rows are not those of {documents}", file.path));
                break;
            }
            let lists = lists(&batch, &schema::INPUT_IDS)?;
            let lengths = crate::stage::column(&batch, &schema::N_TOKENS)?.as_primitive::<Int32Type>();
            if (0..batch.num_rows()).any(|row| lists.value_length(row) != lengths.value(row)) {
                damage.push(format!("{}: n_tokens is not the length of input_ids", file.path));
            }
            let tokens = lists.values().as_primitive::<Int32Type>().values();
            if tokens.iter().any(|&id| u64::try_from(id).map_or(true, |id| id >= vocab_size)) {
                damage.push(format!("{}: a token id outside the vocabulary", file.path));
            }
            total += lengths.values().iter().map(|&n| u64::try_from(n).unwrap_or(0)).sum::<u64>();
        }
        if ids.next().is_some() {
            damage.push(format!("{}: fewer rows than {documents}", file.path));
        }
    }
    if manifest.files.iter().all(|file| whole(&file.path)) && total != manifest.totals.tokens {
        damage.push(format!("manifest.json: says {} tokens, the shards hold {total}", manifest.totals.tokens));
    }
    Ok(())
}

/// The packs' own hashes, order and origins.
fn check_pack(run: &Path, manifest: &Manifest, whole: &dyn Fn(&str) -> bool, stop: &Stop, damage: &mut Vec<String>) -> Result<()> {
    for file in &manifest.files {
        let is_pack = Path::new(&file.path).extension().is_some_and(|extension| extension == "pack");
        if is_pack && whole(&file.path) {
            stop.check()?;
            if let Err(e) = pack::verify_part(&run.join(&file.path), &map_file(&run.join(&file.path))?) {
                damage.push(format!("{}: {e}", file.path));
            }
        }
    }
    Ok(())
}

/// Files that nothing vouches for.
fn unlisted(run: &Path, manifest: &Manifest) -> Result<Vec<String>> {
    let listed: BTreeSet<PathBuf> = manifest.files.iter().map(|file| run.join(&file.path)).collect();
    let mut found = Vec::new();
    let mut open = vec![run.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).map_err(|e| Error::io(&dir, "list", e))? {
            let path = entry.map_err(|e| Error::io(&dir, "list", e))?.path();
            let top = path.parent() == Some(run);
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if top && (UNLISTED.contains(&name) || name == ".work") {
                continue;
            }
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            } else if !listed.contains(&path) {
                found.push(format!("{}: not listed in the manifest", path.strip_prefix(run).unwrap_or(&path).display()));
            }
        }
    }
    found.sort();
    Ok(found)
}
