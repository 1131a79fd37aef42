//! An index of `seimai dedup`: what a search keeps of its documents, so that a later one finds duplicates among them and new ones without
//! reading them again. A directory with `index.json` and parts, which are tables; `docs/formats/dedup-index.md` is the specification.
//!
//! Parts are only ever added. `index.json` names them with their hashes and is replaced last, so that an index is what it was, or what it
//! is to be.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::registry;
use crate::dedup::{
    self, BAND_KEYS, Bands, CONTENT_HASH, Holds, KEPT_TEXT, Kind, Near, Removal, SIMILARITY, SKETCH, STANDS_FOR_IT, TEXT_BYTES, Verdict,
    ordinal, row_of, shard_of,
};
use crate::error::{Error, Result};
use crate::io::{Dir, FileEntry, Place, Staging, hash_file, open_table, open_table_rows, read_limited};
use crate::normalize;
use crate::schema::Column;
use crate::shard::{PartWriter, index_properties};
use crate::stage::{Batch, BatchIter, strings};

/// The file that says what an index is.
const META: &str = "index.json";
const LOCK: &str = "lock";
/// Bytes of that file at most.
const META_BYTES_MAX: u64 = 1 << 30;
/// Version of the format.
const VERSION: u32 = 1;
/// Documents of a part.
const PART_ROWS: u64 = 1 << 16;
/// Bytes of their texts after which a part ends.
const PART_BYTES: u64 = 256 << 20;
/// Columns of hashes, which neither repeat nor compress.
const HASHES: [&str; 2] = [CONTENT_HASH.name, "band_keys.list.element"];
/// Rows read at a time.
const ROWS: usize = 1 << 14;

/// What a search depends on: an index answers no other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    exact: bool,
    near: Near,
    bands: Bands,
    /// Version of the search, and of the view of a text that is compared.
    dedup: u32,
    view: u32,
    normalize: normalize::Options,
    normalize_version: u32,
    /// Dictionary and versions with which formulae were left out, if they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    formulae: Option<String>,
}

impl Search {
    fn of(plan: &Plan, formulae: Option<&str>) -> Self {
        Self {
            formulae: formulae.map(str::to_owned),
            exact: plan.dedup.exact,
            near: plan.dedup.near,
            bands: plan.dedup.bands,
            dedup: dedup::VERSION,
            view: dedup::view::VERSION,
            normalize: plan.normalize.clone(),
            normalize_version: normalize::VERSION,
        }
    }

    /// The first thing in which another search differs.
    fn differs_in(&self, wanted: &Self) -> Option<String> {
        let near = |search: &Self| match search.near {
            Near::Threshold(threshold) => threshold.to_string(),
            Near::Switch(_) => "off".to_owned(),
        };
        let told = |what: &str, index: &str, here: &str| Some(format!("was made with {what} {index}, this search has {here}"));
        if near(self) != near(wanted) {
            return told("--near", &near(self), &near(wanted));
        }
        if self.exact != wanted.exact {
            return told("--exact", &self.exact.to_string(), &wanted.exact.to_string());
        }
        if self.bands != wanted.bands {
            let spelt = |search: &Self| serde_json::to_string(&search.bands).unwrap_or_default();
            return told("dedup.bands", &spelt(self), &spelt(wanted));
        }
        if (self.dedup, self.view, self.normalize_version) != (wanted.dedup, wanted.view, wanted.normalize_version) {
            return Some("was made by another version of Seimai, which compares other texts".to_owned());
        }
        if self.formulae != wanted.formulae {
            return Some("was made with --spare-formulae, with another dictionary, or without it".to_owned());
        }
        (self.normalize != wanted.normalize).then(|| "was made with another [normalize]".to_owned())
    }
}

/// What says how formulae are left out by a plan: its dictionary and the versions of the steps.
///
/// # Errors
/// Refused where the dictionary cannot be used.
pub fn formulae_of(plan: &Plan) -> Result<String> {
    let steps = registry::some(plan, Path::new("."), &["sentences", "segment", "keigo"])?;
    let versions: Vec<String> = steps.stages.iter().map(|step| format!("{} {}", step.name(), step.version())).collect();
    Ok(format!("{} {}", steps.dictionary.unwrap_or_default(), versions.join(", ")))
}

/// An input whose documents an index has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Indexed {
    /// Name of the file, as in the tables.
    pub file: String,
    /// Its documents, duplicates among them.
    pub documents: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    #[serde(flatten)]
    file: FileEntry,
    holds: Holds,
    /// Where the numbers in the part begin: those of its documents' index, if it was part of another before.
    numbers_from: u64,
}

/// `index.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    index: Meta,
    /// BLAKE3 of `index` as compact JSON.
    blake3: String,
}

impl Sealed {
    fn of(index: Meta) -> Result<Self> {
        let json = serde_json::to_vec(&index).map_err(|e| Error::internal(format!("JSON: {e}")))?;
        Ok(Self { index, blake3: blake3::hash(&json).to_hex().to_string() })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Meta {
    version: u32,
    search: Search,
    inputs: Vec<Indexed>,
    parts: Vec<Part>,
}

impl Meta {
    fn rows(&self) -> u64 {
        self.parts.iter().map(|part| part.file.rows).sum()
    }
}

/// Reads `index.json`; `None` where there is none.
fn read_meta(dir: &Dir) -> Result<Option<Meta>> {
    let place = dir.at(META);
    if !place.is_file() {
        return Ok(None);
    }
    let bytes = read_limited(&place, META_BYTES_MAX)?;
    let damaged =
        |why: &str| Error::refused_with_hint(format!("{}: {why}", place.path().display()), "make the index again with --save-index");
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|e| damaged(&format!("is no index ({e})")))?;
    if value.pointer("/index/version").and_then(serde_json::Value::as_u64) != Some(VERSION.into()) {
        return Err(damaged("is of another version of the format"));
    }
    let sealed: Sealed = serde_json::from_value(value).map_err(|e| damaged(&format!("is no index ({e})")))?;
    let blake3 = sealed.blake3;
    let sealed = Sealed::of(sealed.index)?;
    if sealed.blake3 == blake3 { Ok(Some(sealed.index)) } else { Err(damaged("is damaged: its checksum is another")) }
}

/// A part that is read.
#[derive(Debug)]
struct OpenPart {
    place: Place,
    rows: u64,
    /// Number of its first document.
    first: u64,
    sketched: bool,
    /// Rows of removed documents, ascending.
    removed: Vec<(u32, u64, f32)>,
}

/// One or more indexes, one after the other.
#[derive(Debug, Default)]
pub struct Index {
    parts: Vec<OpenPart>,
    rows: u64,
    inputs: Vec<Indexed>,
    sources: Vec<(PathBuf, Meta)>,
}

impl Index {
    /// Opens indexes for the search of a plan, and compares every byte with the hashes in them. `formulae`: see [`formulae_of`].
    ///
    /// # Errors
    /// Refused where there is none, or one of another search, or a damaged one; I/O.
    pub fn open(paths: &[PathBuf], plan: &Plan, formulae: Option<&str>) -> Result<Self> {
        let mut index = Self::default();
        for path in paths {
            let refused = |why: &str| Error::refused(format!("{}: {why}", path.display()));
            let dir = Dir::find(path)?.ok_or_else(|| refused("there is no index"))?;
            let meta = read_meta(&dir)?.ok_or_else(|| refused("is no index: there is no index.json"))?;
            if let Some(difference) = meta.search.differs_in(&Search::of(plan, formulae)) {
                return Err(Error::refused_with_hint(
                    format!("{}: {difference}", path.display()),
                    "search with the same options, or make the index again with these",
                ));
            }
            let base = index.rows;
            for part in &meta.parts {
                index.open_part(&dir, part, base)?;
            }
            index.inputs.extend(meta.inputs.iter().cloned());
            index.sources.push((path.clone(), meta));
        }
        Ok(index)
    }

    fn open_part(&mut self, dir: &Dir, part: &Part, base: u64) -> Result<()> {
        let place = dir.at(&part.file.path);
        if hash_file(&place)? != (part.file.bytes, part.file.blake3.clone()) {
            let message = format!("{}: is damaged: its bytes are not those that index.json names", place.path().display());
            return Err(Error::refused_with_hint(message, "make the index again with --save-index"));
        }
        let (mut removed, mut row) = (Vec::new(), 0_u32);
        for batch in open_table(&place, Some(&[STANDS_FOR_IT.name, SIMILARITY.name]), ROWS)? {
            for removal in dedup::removals(&batch?)? {
                removed.extend(removal.map(|(number, jaccard)| (row, base + part.numbers_from + number, jaccard)));
                row += 1;
            }
        }
        let sketched = part.holds == Holds::Sketches;
        self.parts.push(OpenPart { place, rows: part.file.rows, first: self.rows, sketched, removed });
        self.rows += part.file.rows;
        Ok(())
    }

    /// How many work shards they are.
    pub(super) fn shards(&self) -> u64 {
        self.parts.len() as u64
    }

    /// Documents of all parts.
    pub(super) fn documents(&self) -> u64 {
        self.rows
    }

    pub(super) fn documents_of(&self, shard: u64) -> usize {
        self.parts[shard as usize].rows as usize
    }

    /// Are similarities to some of them estimates?
    #[must_use]
    pub fn estimates(&self) -> bool {
        self.parts.iter().any(|part| part.sketched)
    }

    pub(super) fn is_sketched(&self, shard: u64) -> bool {
        self.parts[shard as usize].sketched
    }

    /// Number of a document in all of them.
    fn number(&self, at: u64) -> u64 {
        self.parts[shard_of(at) as usize].first + u64::from(row_of(at))
    }

    fn ordinal(&self, number: u64) -> u64 {
        let shard = self.parts.partition_point(|part| part.first <= number).saturating_sub(1);
        ordinal(shard as u64, (number - self.parts[shard].first) as u32)
    }

    /// The verdict on a document that was removed.
    pub(super) fn removed(&self, at: u64) -> Option<Verdict> {
        let removed = &self.parts[shard_of(at) as usize].removed;
        let (_, number, jaccard) = removed[removed.binary_search_by_key(&row_of(at), |(row, ..)| *row).ok()?];
        Some(Verdict::Removed { kind: Kind::Near, duplicate_of: self.ordinal(number), jaccard })
    }

    /// The partial table of a part.
    pub(super) fn partial(&self, shard: u64) -> Result<Batch> {
        let columns = [CONTENT_HASH.name, BAND_KEYS.name, TEXT_BYTES.name];
        open_table(&self.parts[shard as usize].place, Some(&columns), 1 << 16)?.concat()
    }

    /// Some columns of some documents of a part, whose rows ascend.
    pub(super) fn rows(
        &self,
        shard: u64,
        columns: &[Column],
        rows: &[usize],
        (batch_rows, batch_bytes): (usize, u64),
    ) -> Result<BatchIter<'static>> {
        let columns: Vec<&str> = columns.iter().map(|column| column.name).collect();
        Ok(Box::new(open_table_rows(&self.parts[shard as usize].place, &columns, rows, batch_rows, batch_bytes)?))
    }

    /// Gives the texts of documents of a part, or their sketches.
    pub(super) fn each(&self, wanted: &[u64], limits: (usize, u64), give: &mut dyn FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
        let Some(&first) = wanted.first() else { return Ok(()) };
        let shard = shard_of(first);
        let rows: Vec<usize> = wanted.iter().map(|&at| row_of(at) as usize).collect();
        let mut wanted = wanted.iter();
        let held = if self.is_sketched(shard) { SKETCH } else { KEPT_TEXT };
        for batch in self.rows(shard, &[held], &rows, limits)? {
            let batch = batch?;
            let lost = || Error::internal("a document of an index that is kept has no text");
            if self.is_sketched(shard) {
                for sketch in dedup::sketches(&batch)? {
                    give(*wanted.next().ok_or_else(lost)?, sketch.ok_or_else(lost)?)?;
                }
            } else {
                for text in strings(&batch, &KEPT_TEXT)? {
                    give(*wanted.next().ok_or_else(lost)?, text.ok_or_else(lost)?.as_bytes())?;
                }
            }
        }
        Ok(())
    }
}

/// An index that is made, or to which documents are added.
pub struct IndexWriter {
    dir: Dir,
    staging: Staging,
    holds: Holds,
    meta: Meta,
    /// Documents in the parts that are done.
    rows: u64,
    /// Locked while somebody adds to it.
    _lock: std::fs::File,
    open: Option<(PartWriter, u64)>,
    bytes: u64,
}

impl IndexWriter {
    /// An index at `path`: a new one, which has what the indexes of `known` have, or the only one of these, to which documents are added.
    ///
    /// # Errors
    /// Refused where something else is there, or somebody else adds to it; I/O.
    pub fn create(path: &Path, plan: &Plan, formulae: Option<&str>, holds: Holds, known: &Index) -> Result<Self> {
        let refused = |why: &str, hint: &str| Error::refused_with_hint(format!("{}: {why}", path.display()), hint.to_owned());
        let dir = Dir::create(path)?;
        let is_ours = |names: &[OsString]| names.is_empty() || names.iter().any(|name| name == LOCK) && names.iter().all(is_made_here);
        // A call that was interrupted has left its parts, and the lock with them.
        if !dir.at(META).is_file() && !is_ours(&dir.at("").list()?) {
            return Err(refused("is not empty, and no index", "name a new directory with --save-index"));
        }
        let lock_place = dir.at(LOCK);
        let lock = lock_place.open_in_place(true).map_err(|e| lock_place.failed("open", e))?;
        match lock.try_lock() {
            Err(std::fs::TryLockError::WouldBlock) => return Err(refused("another search adds to it", "wait until it is done")),
            // File systems without locks have none.
            Ok(()) | Err(std::fs::TryLockError::Error(_)) => {}
        }
        let there = read_meta(&dir)?;
        let is_known = known.sources.iter().any(|(source, _)| same_directory(source, path));
        if there.is_some() && !is_known {
            return Err(refused("is an index already", "name it with --against too, to add to it"));
        }
        if is_known && known.sources.len() > 1 {
            return Err(refused(
                "is one of several indexes",
                "name a new directory with --save-index, which will have the documents of all of them",
            ));
        }
        let staging = Staging::beside(dir.clone());
        let mut meta =
            there.unwrap_or_else(|| Meta { version: VERSION, search: Search::of(plan, formulae), inputs: Vec::new(), parts: Vec::new() });
        if !is_known {
            for (source, other) in &known.sources {
                let (from, base) = (Dir::open(source)?, meta.rows());
                for part in &other.parts {
                    let name = part_name(meta.parts.len());
                    copy(&from.at(&part.file.path), &staging, &dir.at(&name), &part.file)?;
                    let file = FileEntry { path: name, ..part.file.clone() };
                    meta.parts.push(Part { file, holds: part.holds, numbers_from: base + part.numbers_from });
                }
                meta.inputs.extend(other.inputs.iter().cloned());
            }
        }
        let rows = meta.rows();
        Ok(Self { dir, staging, holds, meta, rows, _lock: lock, open: None, bytes: 0 })
    }

    /// What it holds of texts.
    pub(super) fn holds(&self) -> Holds {
        self.holds
    }

    /// Adds documents: rows of [`dedup::index_table`].
    pub(super) fn write(&mut self, batch: &Batch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let (mut writer, mut rows) = match self.open.take() {
            Some(open) => open,
            None => (PartWriter::create(&self.staging, "part", batch.schema(), index_properties(&HASHES))?, 0),
        };
        writer.write(batch)?;
        rows += batch.num_rows() as u64;
        self.bytes += batch.get_array_memory_size() as u64;
        self.open = Some((writer, rows));
        if rows + ROWS as u64 > PART_ROWS || self.bytes > PART_BYTES { self.end_part() } else { Ok(()) }
    }

    fn end_part(&mut self) -> Result<()> {
        let Some((writer, rows)) = self.open.take() else { return Ok(()) };
        let name = part_name(self.meta.parts.len());
        let file = writer.commit(&self.dir.at(&name), name)?;
        self.meta.parts.push(Part { file, holds: self.holds, numbers_from: 0 });
        self.rows += rows;
        self.bytes = 0;
        Ok(())
    }

    /// The index has what was added.
    ///
    /// # Errors
    /// I/O.
    pub fn commit(mut self, inputs: Vec<Indexed>) -> Result<()> {
        self.end_part()?;
        self.meta.inputs.extend(inputs);
        let sealed = serde_json::to_string_pretty(&Sealed::of(self.meta)?).map_err(|e| Error::internal(format!("JSON: {e}")))?;
        self.staging.write(&self.dir.at(META), (sealed + "\n").as_bytes())?;
        Ok(())
    }
}

/// Numbers in an index of what is found: of its own documents, and of those that are added, whose numbers are told.
pub(super) struct Numbers<'a> {
    pub(super) known: &'a Index,
    pub(super) new: FxHashMap<u64, u64>,
}

impl Numbers<'_> {
    /// What an index says of a removed document.
    pub(super) fn removal(&self, verdict: Verdict) -> Result<Removal> {
        let Verdict::Removed { duplicate_of, jaccard, .. } = verdict else { return Ok(None) };
        let number = if shard_of(duplicate_of) < self.known.shards() {
            Some(self.known.number(duplicate_of))
        } else {
            self.new.get(&duplicate_of).copied()
        };
        Ok(Some((number.ok_or_else(|| Error::internal("a duplicate of a document that is not in the index"))?, jaccard)))
    }
}

/// Is a file called as those of an index that is being made?
fn is_made_here(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    name == LOCK || name.starts_with(".seimai-") || name.strip_prefix("part-").is_some_and(|rest| rest.ends_with(".parquet"))
}

fn part_name(number: usize) -> String {
    format!("part-{number:05}.parquet")
}

fn same_directory(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

fn copy(from: &Place, staging: &Staging, to: &Place, entry: &FileEntry) -> Result<()> {
    use crate::io::Located;
    let mut file = staging.create("part")?;
    let mut source = from.open().map_err(|e| from.failed("open", e))?;
    std::io::copy(&mut source, &mut file).map_err(|e| from.failed("copy", e))?;
    let (bytes, blake3) = file.commit(to)?;
    if (bytes, &blake3) == (entry.bytes, &entry.blake3) { Ok(()) } else { Err(Error::damaged(from, "was changed while it was copied")) }
}
