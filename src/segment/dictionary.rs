//! An opened dictionary: its memory-mapped files, their checks, and look-ups by word id.

mod files;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;

pub(crate) use self::files::Files;
use crate::error::{Error, Result};
use crate::io;
use crate::morpheme::{Lexicon, NO_WORD, PosTable, Standard, Word};
use crate::segment::about::{self, About};
use crate::segment::built_files::{LATTICE, RECORD};
use crate::segment::compiled_reader;
use crate::segment::csv;
use crate::segment::source::{CharTable, Entry, Matrix, RawDictionary, UnknownRow};
use crate::segment::user::Resolved;

/// Upper bound of `seimai.json`.
const MAX_ABOUT: u64 = 256 << 20;

/// The mapped files, for the engines. Cloning shares the maps.
#[derive(Debug, Clone)]
pub struct Maps {
    /// `dict.trie`.
    pub trie: Arc<Mmap>,
    /// `dict.valsidx`.
    pub valsidx: Arc<Mmap>,
    /// `dict.vals`: records of [`RECORD`] bytes, indexed by word id.
    pub vals: Arc<Mmap>,
    /// `dict.wordsidx`.
    pub wordsidx: Arc<Mmap>,
    /// `dict.words`.
    pub words: Arc<Mmap>,
    /// `matrix.mtx`: i16 −1, then MeCab's `matrix.bin`.
    pub matrix: Arc<Mmap>,
    /// `chars.bin`: MeCab's `char.bin`.
    pub chars: Arc<Mmap>,
    /// `surfaces.bin`.
    pub surfaces: Arc<Mmap>,
    /// `lattice.bin`, if the build has it.
    pub lattice: Option<Arc<Mmap>>,
}

/// A dictionary, opened. Immutable; share it behind an `Arc`.
#[derive(Debug)]
pub struct Dictionary {
    dir: PathBuf,
    about: About,
    pos_table: Arc<PosTable>,
    maps: Maps,
    resolved: Vec<Resolved>,
}

impl Dictionary {
    /// Opens the built dictionary in `dir`: checks layout version, seal, sizes, and that all ids are in range.
    ///
    /// Hashes of files are not compared; [`crate::segment::store::open()`] and [`crate::segment::verify::verify`] do that.
    ///
    /// # Errors
    /// Refused if `dir` holds no built dictionary, damaged if it holds one that breaks its promises.
    pub fn open(dir: &Path) -> Result<Self> {
        Self::open_after(dir, |_, _| Ok(()))
    }

    /// [`Self::open`], after `check` has looked at the files that will be mapped.
    pub(crate) fn open_after(dir: &Path, check: impl FnOnce(&About, &Files) -> Result<()>) -> Result<Self> {
        let about = read_about(dir)?;
        let files = Files::open(dir, &about)?;
        check(&about, &files)?;
        Self::of(dir, about, &files)
    }

    /// A dictionary of files that are open; `dir` is what errors call it.
    pub(crate) fn of(dir: &Path, about: About, files: &Files) -> Result<Self> {
        let map = |name: &str| -> Result<Arc<Mmap>> {
            files.map(name)?.ok_or_else(|| Error::damaged(dir.join(about::FILE), format!("does not list {name}")))
        };
        let maps = Maps {
            trie: map("dict.trie")?,
            valsidx: map("dict.valsidx")?,
            vals: map("dict.vals")?,
            wordsidx: map("dict.wordsidx")?,
            words: map("dict.words")?,
            matrix: map("matrix.mtx")?,
            chars: map("chars.bin")?,
            surfaces: map("surfaces.bin")?,
            lattice: files.map(LATTICE)?,
        };
        let dictionary = Self { dir: dir.to_path_buf(), pos_table: Arc::new(about.pos_table.clone()), about, maps, resolved: Vec::new() };
        dictionary.check()?;
        Ok(dictionary)
    }

    fn damaged(&self, name: &str, message: &str) -> Error {
        Error::damaged(self.dir.join(name), message)
    }

    fn check(&self) -> Result<()> {
        let entries = self.len();
        let about = &self.about;
        let (left_ids, right_ids) = (usize::from(about.left_ids), usize::from(about.right_ids));
        let head = [(-1_i16).to_le_bytes(), about.left_ids.to_le_bytes(), about.right_ids.to_le_bytes()].concat();
        if !self.maps.matrix.starts_with(&head) || self.maps.matrix.len() != 6 + 2 * left_ids * right_ids {
            return Err(self.damaged("matrix.mtx", "the sizes do not fit"));
        }
        if self.maps.vals.len() != RECORD * entries {
            return Err(self.damaged("dict.vals", "the size does not fit the number of entries"));
        }
        let sound = |(id, record): (usize, &[u8])| {
            let field = |at: usize| usize::from(u16::from_le_bytes([record[at], record[at + 1]]));
            (u32_at(record, 0) == Some(id as u32)) & (field(6) < right_ids) & (field(8) < left_ids)
        };
        // All records are checked without stopping at the first wrong one: normally none is, and the loop has no branch.
        if !self.maps.vals.chunks_exact(RECORD).enumerate().fold(true, |all, record| all & sound(record)) {
            return Err(self.damaged("dict.vals", "a record with a word id or context id out of range"));
        }
        if self.maps.wordsidx.len() != 4 * entries || self.maps.surfaces.len() < 4 * (entries + 1) {
            return Err(self.damaged("dict.wordsidx", "the size does not fit the number of entries"));
        }
        if self.maps.valsidx.len() != 4 * (about.surfaces as usize + 1) || last_u32(&self.maps.valsidx) != Some(about.entries) {
            return Err(self.damaged("dict.valsidx", "the size does not fit the number of surfaces"));
        }
        if !self.maps.valsidx.chunks_exact(4).is_sorted_by_key(|field| u32_at(field, 0)) {
            return Err(self.damaged("dict.valsidx", "not ascending"));
        }
        let chars = self.char_table()?;
        chars.check().map_err(|rule| self.damaged("chars.bin", &rule))?;
        self.check_about(chars.names.len())
    }

    fn check_about(&self, categories: usize) -> Result<()> {
        let about = &self.about;
        let table = &about.pos_table;
        let known = |id: &u16| usize::from(*id) < table.tuples.len();
        let fits = table.tuples.len() == table.unknown.len()
            && !table.tuples.is_empty()
            && about.pos_of_left.len() == usize::from(about.right_ids)
            && about.pos_of_left.iter().all(known)
            && about.pos_of_unknown.iter().all(known)
            && about.pos_of_unknown.len() == about.unknown.len()
            && about
                .unknown
                .iter()
                .all(|row| row.left < about.right_ids && row.right < about.left_ids && usize::from(row.category) < categories);
        if fits { Ok(()) } else { Err(self.damaged(about::FILE, "a POS id or context id is out of range")) }
    }

    /// What the dictionary says of itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The three-column rows of the user dictionaries that it was opened with ([`crate::segment::store::open_with`]), as the full rows
    /// that they were resolved to, and that `mecab -u` can be given.
    pub fn resolved_user_rows(&self) -> &[Resolved] {
        &self.resolved
    }

    pub(crate) fn with_resolved(mut self, resolved: Vec<Resolved>) -> Self {
        self.resolved = resolved;
        self
    }

    /// The mapped files.
    pub fn maps(&self) -> &Maps {
        &self.maps
    }

    /// BLAKE3 of the content, hex: enters the plan's fingerprint.
    pub fn fingerprint(&self) -> &str {
        &self.about.fingerprint
    }

    /// Number of entries; word ids are `0..len`.
    pub fn len(&self) -> usize {
        self.about.entries as usize
    }

    /// Has it no entry?
    pub fn is_empty(&self) -> bool {
        self.about.entries == 0
    }

    /// POS id of a word; the gap's for an id that is not in the lexicon.
    #[inline]
    pub fn pos_of_word(&self, word: u32) -> u16 {
        let at = word as usize * RECORD + 6;
        let left = self.maps.vals.get(at..at + 2).map(|field| usize::from(u16::from_le_bytes([field[0], field[1]])));
        left.and_then(|left| self.about.pos_of_left.get(left)).copied().unwrap_or(PosTable::GAP)
    }

    /// Surface of a word; `None` for an id that is not in the lexicon.
    pub fn surface(&self, word: u32) -> Option<&str> {
        let at = 4 * word as usize;
        if word as usize >= self.len() {
            return None;
        }
        let text = self.maps.surfaces.get(4 * (self.len() + 1)..)?;
        let (from, to) = (u32_at(&self.maps.surfaces, at)?, u32_at(&self.maps.surfaces, at + 4)?);
        std::str::from_utf8(text.get(from as usize..to as usize)?).ok()
    }

    /// Features of a word as stored, joined by NUL.
    fn joined(&self, word: u32) -> Option<&str> {
        let offset = u32_at(&self.maps.wordsidx, 4 * word as usize)? as usize;
        let length = u32_at(&self.maps.words, offset)? as usize;
        std::str::from_utf8(self.maps.words.get(offset + 4..offset.checked_add(4 + length)?)?).ok()
    }

    /// Features of a word; none for an id that is not in the lexicon.
    pub fn features(&self, word: u32) -> impl Iterator<Item = &str> {
        self.joined(word).into_iter().flat_map(|joined| joined.split('\0'))
    }

    /// Appends the raw feature of a morpheme as MeCab prints it: that of its word, or of the row of an unknown word.
    pub fn push_feature(&self, word: u32, pos: u16, out: &mut String) {
        if word == NO_WORD {
            out.push_str(self.unknown_feature(pos).unwrap_or_default());
        } else if let Some(feature) = self.about.irregular.get(&word) {
            out.push_str(feature);
        } else {
            for (n, field) in self.features(word).enumerate() {
                if n > 0 {
                    out.push(',');
                }
                csv::push_field(out, field);
            }
        }
    }

    /// Raw feature of the unknown row that a POS id stands for.
    pub fn unknown_feature(&self, pos: u16) -> Option<&str> {
        let row = self.about.pos_of_unknown.iter().position(|&id| id == pos)?;
        self.about.unknown.get(row).map(|row| row.feature.as_str())
    }

    /// The whole content as a value again, read back from the files.
    ///
    /// # Errors
    /// Damaged where a file contradicts another.
    pub fn to_raw(&self) -> Result<RawDictionary> {
        let entry = |id: u32| -> Option<Entry> {
            let record = self.maps.vals.get(RECORD * id as usize..)?.first_chunk::<RECORD>()?;
            let field = |at: usize| u16::from_le_bytes([record[at], record[at + 1]]);
            let mut feature = String::new();
            self.joined(id)?;
            self.push_feature(id, 0, &mut feature);
            Some(Entry { surface: self.surface(id)?.into(), left: field(6), right: field(8), cost: field(4).cast_signed(), feature })
        };
        let entries: Option<Vec<_>> = (0..self.about.entries).map(entry).collect();
        let entries = entries.ok_or_else(|| self.damaged("dict.words", "an entry is not UTF-8 or lies outside the file"))?;
        let raw = RawDictionary {
            entries,
            unknown: self.unknown_rows(),
            chars: self.char_table()?,
            matrix: self.matrix()?,
            max_grouping: self.about.max_grouping,
            pos_of_left: self.about.pos_of_left.clone(),
            pos_of_unknown: self.about.pos_of_unknown.clone(),
            pos_table: self.about.pos_table.clone(),
        };
        raw.check().map_err(|rule| Error::damaged(&self.dir, rule))?;
        Ok(raw)
    }

    /// The unknown rows.
    pub fn unknown_rows(&self) -> Vec<UnknownRow> {
        let row = |row: &about::StoredUnknown| UnknownRow {
            category: row.category,
            left: row.left,
            right: row.right,
            cost: row.cost,
            feature: row.feature.clone(),
        };
        self.about.unknown.iter().map(row).collect()
    }

    /// The category table.
    ///
    /// # Errors
    /// Damaged if the file is not well-formed.
    pub fn char_table(&self) -> Result<CharTable> {
        compiled_reader::char_table(&self.maps.chars).map_err(|e| self.damaged("chars.bin", &e.to_string()))
    }

    fn matrix(&self) -> Result<Matrix> {
        compiled_reader::matrix(self.maps.matrix.get(2..).unwrap_or_default()).map_err(|e| self.damaged("matrix.mtx", &e.to_string()))
    }
}

/// Reads and checks `seimai.json`, and no other file.
///
/// # Errors
/// Refused if `dir` has none, damaged if it breaks its promises; I/O if it cannot be read.
pub fn read_about(dir: &Path) -> Result<About> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    let path = dir.join(about::FILE);
    let bytes = io::read_limited(&path, MAX_ABOUT).map_err(|error| match error {
        // Only what is not there is missing: a disk that fails or a file that nobody may read is told as it is.
        Error::Io { source, .. } if matches!(source.kind(), NotFound | NotADirectory) => {
            Error::refused(format!("{}: no built dictionary ({} is missing)", dir.display(), about::FILE))
        }
        other => other,
    })?;
    About::parse(&bytes).map_err(|rule| Error::damaged(&path, rule))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..).and_then(|tail| tail.first_chunk()).map(|field| u32::from_le_bytes(*field))
}

fn last_u32(bytes: &[u8]) -> Option<u32> {
    bytes.last_chunk().map(|field| u32::from_le_bytes(*field))
}

impl Lexicon for Dictionary {
    fn standard(&self) -> Standard {
        self.about.standard
    }

    fn pos_table(&self) -> Arc<PosTable> {
        Arc::clone(&self.pos_table)
    }

    fn each_word(&self, visit: &mut dyn FnMut(&Word<'_>)) {
        let mut features: Vec<&str> = Vec::new();
        for id in 0..self.about.entries {
            features.clear();
            features.extend(self.features(id));
            visit(&Word { id, surface: self.surface(id).unwrap_or_default(), features: &features });
        }
    }
}
