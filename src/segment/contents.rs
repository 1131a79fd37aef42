//! The content of a dictionary, whatever files it was read from: its order, checks, POS ids, digests and fingerprint.

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::io::{hex, sha256_of_bytes};
use crate::morpheme::{PosTable, Standard};
use crate::segment::csv;
use crate::segment::source::{CharTable, Entry, Matrix, RawDictionary, UnknownRow};

/// MeCab's `max-grouping-size` where dicrc says nothing.
pub const DEFAULT_GROUPING: u16 = 24;
/// Entries of [`CharTable::table`]: U+0000–U+FFFE.
pub const TABLE_LEN: usize = 0xFFFF;
/// MeCab's limit of categories: one bit each.
pub const MAX_CATEGORIES: usize = 18;
/// Longest surface in bytes: some tries are built by recursive functions, which call themselves once for each character.
pub const MAX_SURFACE: usize = 1024;
/// Fields of a POS tuple.
const POS_FIELDS: usize = 6;

/// sha256 (hex) of the four tables of a dictionary, in a form that does not depend on the files they were read from.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digests {
    /// Byte-sorted lines `surface TAB left TAB right TAB cost TAB feature LF`.
    pub lexicon: String,
    /// The same of the unknown rows, the surface being the category.
    pub unk: String,
    /// MeCab's `matrix.bin`.
    pub matrix: String,
    /// MeCab's `char.bin`.
    pub chars: String,
}

/// What names a dictionary's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// sha256 of the tables.
    pub digests: Digests,
    /// BLAKE3 of the content, hex.
    pub fingerprint: String,
}

/// Default category, length, group and invoke of a word of [`CharTable::table`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CharClass(pub u32);

impl CharClass {
    /// Bit *k* = category *k*.
    pub fn set(self) -> u32 {
        self.0 & 0x3_FFFF
    }

    /// The category whose unknown rows apply.
    pub fn default_category(self) -> u8 {
        (self.0 >> 18) as u8
    }
}

impl CharTable {
    /// Checks the number of categories and that every character belongs to categories that exist.
    ///
    /// # Errors
    /// The first broken promise, as a sentence.
    pub fn check(&self) -> std::result::Result<(), String> {
        let names = &self.names;
        if names.is_empty() || names.len() > MAX_CATEGORIES {
            return Err(format!("{} character categories; 1 to {MAX_CATEGORIES} are possible", names.len()));
        }
        if self.table.len() != TABLE_LEN {
            return Err(format!("the character table holds {} words, not {TABLE_LEN}", self.table.len()));
        }
        let known = (1_u32 << names.len()) - 1;
        let sound = |class: CharClass| {
            let category = usize::from(class.default_category());
            class.set() & !known == 0 && category < names.len() && class.set() >> category & 1 == 1
        };
        match self.table.iter().position(|&word| !sound(CharClass(word))) {
            Some(at) => Err(format!("U+{at:04X} belongs to a category that does not exist")),
            None => Ok(()),
        }
    }

    /// The bytes of MeCab's `char.bin`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4 + 32 * self.names.len() + 4 * TABLE_LEN);
        bytes.extend_from_slice(&(self.names.len() as u32).to_le_bytes());
        for name in &self.names {
            let mut field = [0; 32];
            let length = name.len().min(32);
            field[..length].copy_from_slice(&name.as_bytes()[..length]);
            bytes.extend_from_slice(&field);
        }
        bytes.extend(self.table.iter().flat_map(|word| word.to_le_bytes()));
        bytes
    }
}

impl Matrix {
    /// The bytes of MeCab's `matrix.bin`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4 + 2 * self.cells.len());
        bytes.extend_from_slice(&self.left_ids.to_le_bytes());
        bytes.extend_from_slice(&self.right_ids.to_le_bytes());
        bytes.extend(self.cells.iter().flat_map(|cost| cost.to_le_bytes()));
        bytes
    }
}

impl RawDictionary {
    /// Puts the tables in order, checks them and derives the POS ids.
    ///
    /// # Errors
    /// The first promise of [`RawDictionary`] that is broken, as a sentence.
    pub fn assemble(
        mut entries: Vec<Entry>,
        mut unknown: Vec<UnknownRow>,
        chars: CharTable,
        matrix: Matrix,
        max_grouping: u16,
    ) -> Result<Self> {
        if !entries.is_sorted_by(|a, b| a.surface <= b.surface) {
            entries.sort_by(|a, b| a.surface.cmp(&b.surface));
        }
        unknown.sort_by_key(|row| row.category);
        let mut raw = Self {
            entries,
            unknown,
            chars,
            matrix,
            max_grouping,
            pos_of_left: Vec::new(),
            pos_of_unknown: Vec::new(),
            pos_table: PosTable::default(),
        };
        raw.check().map_err(Error::refused)?;
        raw.number_pos()?;
        Ok(raw)
    }

    /// Sorts homographs by (left, right, cost), so that their order does not depend on the files of the source.
    pub fn order_homographs(&mut self) {
        self.entries.sort_by(|a, b| (&a.surface, a.left, a.right, a.cost).cmp(&(&b.surface, b.left, b.right, b.cost)));
    }

    /// Checks every promise of the type except the POS ids.
    ///
    /// # Errors
    /// The first broken promise, as a sentence.
    pub fn check(&self) -> std::result::Result<(), String> {
        self.check_matrix()?;
        self.chars.check()?;
        for entry in &self.entries {
            self.check_entry(entry)?;
        }
        if !self.entries.is_sorted_by(|a, b| a.surface <= b.surface) {
            return Err("the entries are not sorted".into());
        }
        for row in &self.unknown {
            let name = self.chars.names.get(usize::from(row.category)).ok_or("an unknown row names no category")?;
            self.check_ids(name, row.left, row.right)?;
            check_feature(name, &row.feature)?;
        }
        let missing = (0..self.chars.names.len()).find(|&k| !self.unknown.iter().any(|row| usize::from(row.category) == k));
        missing.map_or(Ok(()), |k| Err(format!("category {} has no row in unk.def", self.chars.names[k])))
    }

    fn check_matrix(&self) -> std::result::Result<(), String> {
        let (left, right) = (usize::from(self.matrix.left_ids), usize::from(self.matrix.right_ids));
        if left == 0 || right == 0 || self.matrix.cells.len() != left * right {
            return Err(format!("the matrix holds {} cells, not {left} × {right}", self.matrix.cells.len()));
        }
        if left > 32_767 || right > 32_767 {
            return Err(format!("a matrix of {left} × {right} is larger than 32767 × 32767"));
        }
        Ok(())
    }

    pub(crate) fn check_entry(&self, entry: &Entry) -> std::result::Result<(), String> {
        if entry.surface.is_empty() || entry.surface.contains('\0') {
            return Err("an entry has an empty surface or one with a NUL".into());
        }
        if entry.surface.contains('\u{FFFF}') {
            let surface = crate::quarantine::escape(&entry.surface, 40);
            return Err(format!("{surface}: a surface with U+FFFF, which is no character, cannot be stored"));
        }
        if entry.surface.len() > MAX_SURFACE {
            return Err(format!("an entry has a surface of more than {MAX_SURFACE} bytes"));
        }
        check_feature(&entry.surface, &entry.feature)?;
        self.check_ids(&entry.surface, entry.left, entry.right)
    }

    fn check_ids(&self, what: &str, left: u16, right: u16) -> std::result::Result<(), String> {
        if left >= self.matrix.right_ids || right >= self.matrix.left_ids {
            let what = crate::quarantine::escape(what, 40);
            return Err(format!(
                "{what}: context ids {left}, {right} are outside the matrix of {} × {}",
                self.matrix.left_ids, self.matrix.right_ids
            ));
        }
        Ok(())
    }

    fn number_pos(&mut self) -> Result<()> {
        let mut tuples: Vec<Vec<String>> = vec![Vec::new()];
        let of_left = pos_by_left(&self.entries, usize::from(self.matrix.right_ids));
        let mut ids = rustc_hash::FxHashMap::default();
        self.pos_of_left = Vec::with_capacity(of_left.len());
        for tuple in of_left {
            let Some(tuple) = tuple else {
                self.pos_of_left.push(0);
                continue;
            };
            let id = *ids.entry(tuple.clone()).or_insert_with(|| {
                tuples.push(tuple);
                tuples.len() - 1
            });
            self.pos_of_left.push(id as u16);
        }
        let mut unknown = vec![None; tuples.len()];
        self.pos_of_unknown = Vec::with_capacity(self.unknown.len());
        for row in &self.unknown {
            self.pos_of_unknown.push(tuples.len() as u16);
            tuples.push(pos_tuple(&row.feature));
            unknown.push(self.chars.names.get(usize::from(row.category)).cloned());
        }
        if tuples.len() > usize::from(u16::MAX) {
            return Err(Error::refused(format!("{} POS tuples are more than 65535", tuples.len())));
        }
        self.pos_table = PosTable { tuples, unknown };
        Ok(())
    }

    /// Adds the rows of a user dictionary. For equal surfaces they come after what is there, as with `mecab -u`; their
    /// POS ids follow from their left context ids.
    ///
    /// # Errors
    /// Refused: a row with an empty surface or ids outside the matrix; too many POS tuples. Nothing is added then.
    pub fn add_user_rows(&mut self, rows: Vec<Entry>) -> Result<()> {
        rows.iter().try_for_each(|row| self.check_entry(row)).map_err(Error::refused)?;
        let tuples = pos_by_left(&rows, self.pos_of_left.len());
        if self.pos_table.tuples.len() + tuples.len() > usize::from(u16::MAX) {
            return Err(Error::refused("more than 65535 POS tuples"));
        }
        for (id, tuple) in self.pos_of_left.iter_mut().zip(tuples) {
            // A left id that the lexicon uses keeps its tuple, even if the row of the user has another one.
            if let Some(tuple) = tuple.filter(|_| *id == PosTable::GAP) {
                *id = self.pos_table.tuples.len() as u16;
                self.pos_table.tuples.push(tuple);
                self.pos_table.unknown.push(None);
            }
        }
        self.entries.extend(rows);
        self.entries.sort_by(|a, b| a.surface.cmp(&b.surface));
        Ok(())
    }

    /// Digests and fingerprint. This takes time, so callers compute it once and pass it on.
    pub fn summary(&self) -> Summary {
        Summary { digests: self.digests(), fingerprint: self.fingerprint().to_hex().to_string() }
    }

    /// sha256 of the four tables.
    pub fn digests(&self) -> Digests {
        let lexicon = self.entries.iter().map(|e| line(&e.surface, e.left, e.right, e.cost, &e.feature)).collect();
        let name = |row: &UnknownRow| self.chars.names.get(usize::from(row.category)).map_or("", String::as_str);
        let unk = self.unknown.iter().map(|row| line(name(row), row.left, row.right, row.cost, &row.feature)).collect();
        Digests {
            lexicon: digest_lines(lexicon),
            unk: digest_lines(unk),
            matrix: sha256_of_bytes(&self.matrix.to_bytes()),
            chars: sha256_of_bytes(&self.chars.to_bytes()),
        }
    }

    /// BLAKE3 over the content, every field after its length. It depends on what the dictionary says, not on how it is stored.
    pub fn fingerprint(&self) -> blake3::Hash {
        let mut hash = Fingerprint(blake3::Hasher::new());
        hash.number(self.entries.len());
        for entry in &self.entries {
            hash.row(entry.surface.as_bytes(), entry.left, entry.right, entry.cost, &entry.feature);
        }
        hash.number(self.unknown.len());
        for row in &self.unknown {
            hash.row(&[row.category], row.left, row.right, row.cost, &row.feature);
        }
        hash.field(&self.chars.to_bytes());
        hash.field(&self.matrix.to_bytes());
        hash.number(self.pos_table.tuples.len());
        for (tuple, unknown) in self.pos_table.tuples.iter().zip(&self.pos_table.unknown) {
            hash.number(tuple.len());
            for field in tuple {
                hash.field(field.as_bytes());
            }
            hash.field(unknown.as_deref().unwrap_or_default().as_bytes());
        }
        hash.number(usize::from(self.max_grouping));
        hash.0.finalize()
    }

    /// The standard its features follow: UniDic where entries have at least 17 fields.
    pub fn standard(&self) -> Standard {
        let width = self.entries.first().map_or(0, |entry| csv::fields(&entry.feature).len());
        if width >= 17 { Standard::Unidic } else { Standard::Ipadic }
    }
}

struct Fingerprint(blake3::Hasher);

impl Fingerprint {
    fn number(&mut self, n: usize) {
        self.0.update(&(n as u64).to_le_bytes());
    }

    fn field(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.update(bytes);
    }

    fn row(&mut self, key: &[u8], left: u16, right: u16, cost: i16, feature: &str) {
        self.field(key);
        self.0.update(&left.to_le_bytes()).update(&right.to_le_bytes()).update(&cost.to_le_bytes());
        self.field(feature.as_bytes());
    }
}

fn check_feature(what: &str, feature: &str) -> std::result::Result<(), String> {
    if feature.contains(['\0', '\n']) {
        return Err(format!("{}: the feature holds a NUL or a line break", crate::quarantine::escape(what, 40)));
    }
    Ok(())
}

/// The first six fields of a feature.
pub(crate) fn pos_tuple(feature: &str) -> Vec<String> {
    let mut tuple = csv::fields(feature);
    tuple.truncate(POS_FIELDS);
    tuple
}

/// The tuple of each left id. Where entries of one left id disagree (no dictionary of note does), `*` stands for the
/// fields in which they differ.
fn pos_by_left(entries: &[Entry], left_ids: usize) -> Vec<Option<Vec<String>>> {
    let mut of_left: Vec<Option<Vec<String>>> = vec![None; left_ids];
    let mut scratch = String::new();
    for entry in entries {
        match &mut of_left[usize::from(entry.left)] {
            slot @ None => *slot = Some(pos_tuple(&entry.feature)),
            Some(tuple) => {
                let mut at = 0;
                csv::each_field(&entry.feature, &mut scratch, |field| {
                    if let Some(known) = tuple.get_mut(at)
                        && known != field
                    {
                        "*".clone_into(known);
                    }
                    at += 1;
                });
                tuple.truncate(at);
            }
        }
    }
    of_left
}

fn line(surface: &str, left: u16, right: u16, cost: i16, feature: &str) -> String {
    format!("{surface}\t{left}\t{right}\t{cost}\t{feature}\n")
}

fn digest_lines(mut lines: Vec<String>) -> String {
    lines.sort_unstable();
    let mut hasher = Sha256::new();
    for line in &lines {
        hasher.update(line);
    }
    hex(&hasher.finalize())
}
