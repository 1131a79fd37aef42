//! A dictionary as a value: what every reader yields and every writer takes.

/// A lexicon entry. `left`, `right` are context ids; `feature` is the raw text after the fourth comma.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The surface, never empty, never with a NUL.
    pub surface: String,
    /// Left context id, < `Matrix::right_ids` (segmentation: rsize).
    pub left: u16,
    /// Right context id, < `Matrix::left_ids` (lsize).
    pub right: u16,
    /// Word cost.
    pub cost: i16,
    /// Raw feature text (CSV, unparsed).
    pub feature: String,
}

/// A row of `unk.def`: an unknown word of one category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRow {
    /// Index of the category in [`CharTable::names`].
    pub category: u8,
    /// Left context id.
    pub left: u16,
    /// Right context id.
    pub right: u16,
    /// Word cost.
    pub cost: i16,
    /// Raw feature text.
    pub feature: String,
}

/// The table of `char.bin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharTable {
    /// Category names, at most 18; index = bit.
    pub names: Vec<String>,
    /// 65,535 words for U+0000–U+FFFE: bits 0–17 category set, 18–25 default category, 26–29 length, 30 group, 31 invoke.
    /// Beyond U+FFFE the entry of U+0000 holds.
    pub table: Vec<u32>,
}

/// Connection costs: `cost(L → R) = cells[L.right + left_ids · R.left]`; BOS and EOS have ids 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// lsize: number of right context ids of left words.
    pub left_ids: u16,
    /// rsize: number of left context ids of right words.
    pub right_ids: u16,
    /// `left_ids × right_ids` costs.
    pub cells: Vec<i16>,
}

/// A dictionary. Invariant (checked by [`RawDictionary::check`]): entries sorted by surface bytes, ids inside the matrix,
/// every category has an unknown row. The word id of an entry is its index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawDictionary {
    /// Entries sorted by surface bytes; homographs in dictionary order.
    pub entries: Vec<Entry>,
    /// Unknown rows; the homographs of one category in dictionary order.
    pub unknown: Vec<UnknownRow>,
    /// Character categories.
    pub chars: CharTable,
    /// Connection costs.
    pub matrix: Matrix,
    /// `max-grouping-size` of dicrc (24 unless set).
    pub max_grouping: u16,
    /// POS id of each left context id (0 where no entry uses it): ids of the distinct six-field tuples by ascending left id.
    pub pos_of_left: Vec<u16>,
    /// POS id of each unknown row, parallel to `unknown`: one id a row, after those of the lexicon.
    pub pos_of_unknown: Vec<u16>,
    /// The table that these ids index.
    pub pos_table: crate::morpheme::PosTable,
}
