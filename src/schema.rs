//! Columns that more than one room reads or writes: name, type and meaning, once.
//!
//! `keigo`, `quality` and `pii` are *open structs*: their fields belong to the room that makes them (`keigo/columns.rs`,
//! `quality/measures.rs`, `pii/kind.rs`), and other rooms look fields up by name. Columns of one room stand in that room.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};

/// A named, typed column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The name in every file and batch.
    pub name: &'static str,
    /// Its type.
    pub data_type: fn() -> DataType,
    /// May a row be null?
    pub nullable: bool,
    /// One line for documentation.
    pub about: &'static str,
}

impl Column {
    /// The same column with its full type, or with the part of it that a reader asks for.
    #[must_use]
    pub const fn with_type(self, data_type: fn() -> DataType) -> Self {
        Self { data_type, ..self }
    }

    /// The Arrow field.
    pub fn field(&self) -> Field {
        Field::new(self.name, (self.data_type)(), self.nullable)
    }
}

/// The list child as Parquet names it: `element`, not null.
pub fn element(data_type: DataType) -> FieldRef {
    Arc::new(Field::new("element", data_type, false))
}

/// A struct that a reader asks for: at least these fields, of any type.
pub fn open_struct(names: &[&str]) -> DataType {
    DataType::Struct(names.iter().map(|name| Field::new(*name, DataType::Null, true)).collect())
}

fn list(data_type: DataType) -> DataType {
    DataType::List(element(data_type))
}

macro_rules! columns {
    ($($(#[$doc:meta])* $ident:ident = $name:literal, $type:expr, $nullable:literal, $about:literal;)*) => {
        $(#[doc = $about] pub const $ident: Column = Column { name: $name, data_type: || $type, nullable: $nullable, about: $about };)*
        /// All columns, in the order of the flow.
        pub const ALL: &[&Column] = &[$(&$ident),*];
    };
}

columns! {
    DOC_ID = "doc_id", DataType::Utf8, false, "The record's own id, or `<input name>#<record number>`; with `~<file>@<offset>` behind it if a document before it has the same.";
    TEXT = "text", DataType::Utf8, false, "The document; normalised after that stage.";
    SOURCE = "source", DataType::Utf8, false, "Where the document comes from: the record's source, else the plan's, else the input's name.";
    URL = "url", DataType::Utf8, true, "Address given by the record.";
    LICENSE = "license", DataType::Utf8, true, "Licence given by the record, a rule or the plan.";
    DATE = "date", DataType::Utf8, true, "Date given by the record.";
    RESIDENCY = "residency", DataType::Utf8, true, "Country in which the document has to stay, given by the record, a rule or the plan.";
    META = "meta", DataType::Utf8, true, "Other fields of the record, as JSON.";
    FILE = "file", DataType::Utf8, false, "Name of the input that holds the record, as in the manifest.";
    OFFSET = "offset", DataType::UInt64, false, "Decoded byte of that input at which the record begins; for Parquet the row, from 0.";
    MORPHEME_ENDS = "morpheme_ends", list(DataType::UInt32), false, "Byte ends of the morphemes; they tile the text.";
    MORPHEME_POS = "morpheme_pos", list(DataType::UInt16), false, "POS ids of the morphemes; 0 = gap (skipped white space).";
    MORPHEME_WORD = "morpheme_word", list(DataType::UInt32), false, "Word ids of the morphemes; 4294967295 = not in the lexicon.";
    SENTENCE_ENDS = "sentence_ends", list(DataType::UInt32), false, "Byte ends of the sentences; they tile the text.";
    REGISTER = "register", DataType::Utf8, false, "Politeness bucket: legal, classical, formal-letter, role, mixed, honorific, polite, plain-casual, plain-written, none.";
    KEIGO = "keigo", open_struct(&[]), false, "Counts of styles, levels and honorific spans.";
    FORMULAE = "formulae", list(DataType::UInt32), false, "Byte starts and ends, in turn, of fixed phrases of letters, business, shops and parliament; none where fewer than 50 characters would be left.";
    QUALITY = "quality", open_struct(&[]), false, "Measures of the document that the presets compare with thresholds.";
    LISTED = "listed", open_struct(&[]), false, "Words of the lists that the plan names, found in the document; only where it names any.";
    PII = "pii", open_struct(&[]), false, "How often each kind of personal data stands in the text as read; null for a kind that is not looked for.";
    SWALLOW_V1 = "swallow_v1", open_struct(&[]), false, "Figures of Swallow v1; only where a preset of the plan asks for them.";
    FINEWEB2_JA = "fineweb2_ja", open_struct(&[]), false, "Figures of FineWeb2 jpn_Jpan; only where a preset of the plan asks for them.";
    DUP_CLUSTER = "dup_cluster", DataType::Utf8, true, "doc_id of the document that stands for the cluster; null where there is none.";
    DUP_SIZE = "dup_size", DataType::UInt32, false, "1 + the number of documents this one stands for.";
    STAGE = "stage", DataType::Utf8, false, "The stage that rejected the document.";
    RULE = "rule", DataType::Utf8, false, "The first rule that rejected it.";
    EVIDENCE = "evidence", DataType::Utf8, false, "Every rule that failed, with its figures.";
    DUPLICATE_OF = "duplicate_of", DataType::Utf8, true, "doc_id of the kept document it duplicates.";
    INPUT_IDS = "input_ids", list(DataType::Int32), false, "Token ids of the document; no BOS, no EOS.";
    N_TOKENS = "n_tokens", DataType::Int32, false, "Length of input_ids.";
    LEVEL = "level", DataType::UInt8, false, "0 = pre-token cut at morpheme boundaries (first stage of training), 1 = pre-token of the pattern, uncut (second stage).";
    PRE_TOKEN = "pre_token", DataType::Binary, false, "Bytes of a pre-token.";
    COUNT = "count", DataType::UInt64, false, "Occurrences of the pre-token.";
}

/// How the last step of our normaliser in a `tokenizer.json` begins: the pattern of a replacement that finds nothing, for U+0001 is
/// removed before. JSON follows: `version` of the rules, `options` as `[normalize]`, `blake3` of the steps before (compact JSON).
pub const NORMALIZER_MARK: &str = "\u{1}seimai normalize ";
