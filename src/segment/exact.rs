//! The engine `exact`: our own Viterbi lattice, which gives the boundaries and features of MeCab 0.996.
//!
//! [`compile()`] turns a dictionary into one file of flat tables. [`Exact`] maps that file and analyses lines; a line of more than
//! 15,000 characters is analysed in chunks, with the same result.

mod backward;
mod candidates;
pub(crate) mod compile;
mod connect;
mod forward;
mod header;
pub(crate) mod hot;
mod lattice;
mod line;
mod long;
mod packed;
mod table_values;
mod tables;
mod trie;

use std::sync::Arc;

use memmap2::Mmap;

pub use self::compile::compile;
pub use self::hot::HotList;
use self::lattice::{Entering, Lattice};
use self::tables::Tables;
use crate::error::{Error, Result};
use crate::segment::built_files::LATTICE;
use crate::segment::dictionary::Dictionary;
use crate::segment::engine::{SegmentWorker, Segmenter};
use crate::segment::morphemes::MorphemeBuffer;

/// Part of fingerprints: to be raised when the output changes.
pub const VERSION: u32 = 1;

/// The engine over one compiled dictionary.
#[derive(Debug)]
pub struct Exact {
    file: File,
}

/// Checks the file `lattice.bin` of a dictionary, if its build has one.
///
/// # Errors
/// Damaged: the broken rule, or another version of the layout.
pub fn check(dictionary: &Dictionary) -> Result<()> {
    if dictionary.maps().lattice.is_some() { Exact::new(dictionary).map(drop) } else { Ok(()) }
}

/// Checks that the trie of the file `lattice.bin`, if the build has one, is a tree. [`Exact::new`] does not check this, because the
/// files of the store were verified when they were installed.
///
/// # Errors
/// Damaged.
pub fn check_tree(dictionary: &Dictionary) -> Result<()> {
    let Some(map) = &dictionary.maps().lattice else { return Ok(()) };
    let damaged = |rule| Error::damaged(dictionary.dir().join(LATTICE), rule);
    if Tables::open(map).map_err(damaged)?.is_tree() { Ok(()) } else { Err(damaged("the words do not stand in a tree")) }
}

/// The bytes of `lattice.bin`, at an address that is a multiple of 8.
#[derive(Debug)]
enum File {
    Mapped(Arc<Mmap>),
    Owned { bytes: Vec<u8>, skip: usize, len: usize },
}

impl File {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned { bytes, skip, len } => &bytes[*skip..*skip + *len],
        }
    }
}

impl Exact {
    /// Opens the engine over a built dictionary; compiles it in memory if its build has no `lattice.bin`.
    ///
    /// # Errors
    /// Damaged if the file breaks a rule of its layout; refused if the dictionary exceeds a limit of the layout.
    pub fn new(dictionary: &Dictionary) -> Result<Self> {
        let (entries, pos_ids) = (dictionary.len(), dictionary.about().pos_table.tuples.len());
        let damaged = |rule| Error::damaged(dictionary.dir().join(LATTICE), rule);
        if let Some(map) = &dictionary.maps().lattice {
            return Self::open(Arc::clone(map), entries, pos_ids).map_err(damaged);
        }
        let bytes = compile(&dictionary.to_raw()?, &HotList::shipped()).map_err(Error::refused)?;
        Self::from_bytes(bytes, entries, pos_ids).map_err(damaged)
    }

    /// Opens a mapped file and checks every index in it. `entries` and `pos_ids` are those of the dictionary: all ids in the output are
    /// smaller.
    ///
    /// # Errors
    /// The broken rule.
    pub fn open(map: Arc<Mmap>, entries: usize, pos_ids: usize) -> std::result::Result<Self, &'static str> {
        Self { file: File::Mapped(map) }.checked(entries, pos_ids)
    }

    /// Opens, in memory, what [`compile()`] gave.
    ///
    /// # Errors
    /// The broken rule.
    pub fn from_bytes(mut bytes: Vec<u8>, entries: usize, pos_ids: usize) -> std::result::Result<Self, &'static str> {
        let len = bytes.len();
        bytes.reserve_exact(8);
        let skip = bytes.as_ptr().align_offset(8);
        bytes.resize(len + skip, 0);
        bytes.copy_within(..len, skip);
        Self { file: File::Owned { bytes, skip, len } }.checked(entries, pos_ids)
    }

    fn checked(self, entries: usize, pos_ids: usize) -> std::result::Result<Self, &'static str> {
        let tables = Tables::open(self.file.bytes())?;
        if tables.sizes.entries as usize != entries || tables.sizes.pos_ids as usize != pos_ids {
            return Err("made from another dictionary");
        }
        Ok(self)
    }

    /// A worker for one thread that uses no instructions beyond the baseline of the processor; it gives the same results.
    pub fn portable_worker(&self) -> Worker<'_> {
        Worker { lattice: Lattice::portable(), ..self.worker() }
    }

    /// A worker for one thread.
    #[expect(unsafe_code, reason = "the file is not checked again for every thread")]
    pub fn worker(&self) -> Worker<'_> {
        // SAFETY: `checked` opened these bytes. They do not change: a vector of our own, or a map of a file that is never
        // modified in place (`io::Finished::map`).
        let tables = unsafe { Tables::open_again(self.file.bytes()) };
        Worker { tables, lattice: Lattice::new() }
    }
}

impl Segmenter for Exact {
    fn version(&self) -> u32 {
        VERSION
    }

    fn worker(&self) -> Box<dyn SegmentWorker + '_> {
        Box::new(Self::worker(self))
    }
}

/// The engine at work in one thread.
#[derive(Debug)]
pub struct Worker<'a> {
    tables: Option<Tables<'a>>,
    lattice: Lattice,
}

impl SegmentWorker for Worker<'_> {
    fn segment_line(&mut self, line: &str, base: u32, out: &mut MorphemeBuffer) {
        let Some(tables) = &self.tables else { return };
        let whole = self.lattice.decode(tables, line) == line.len();
        if !whole || !line::analyse(&mut self.lattice, tables, base, out) {
            long::analyse(&self.lattice, tables, line, base, out);
        }
    }
}

impl Worker<'_> {
    /// Calls `visit` with the surface of each run of homographs in the lattice of a line. `dicts/hot.tsv` was counted with this.
    pub fn count_line(&mut self, line: &str, visit: &mut dyn FnMut(&str)) {
        let Some(tables) = &self.tables else { return };
        let mut rest = line;
        while !rest.is_empty() {
            let bytes = self.lattice.decode(tables, rest);
            self.lattice.look_up(tables, &[Entering::line(tables)], true);
            self.lattice.each_span(|from, to| visit(rest.get(from..to).unwrap_or_default()));
            rest = rest.get(bytes..).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests;
