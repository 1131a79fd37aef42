//! Every column name and type, once.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields};

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
    /// The Arrow field.
    pub fn field(&self) -> Field {
        Field::new(self.name, (self.data_type)(), self.nullable)
    }
}

/// The list child as Parquet names it: `element`, not null.
pub fn element(data_type: DataType) -> FieldRef {
    Arc::new(Field::new("element", data_type, false))
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
    DOC_ID = "doc_id", DataType::Utf8, false, "The record's own id, or `<input name>#<record number>`.";
    TEXT = "text", DataType::Utf8, false, "The document; normalised after that stage.";
    SOURCE = "source", DataType::Utf8, false, "Where the document comes from: the record's source, else the plan's, else the input's name.";
    URL = "url", DataType::Utf8, true, "Address given by the record.";
    LICENSE = "license", DataType::Utf8, true, "Licence given by the record or the plan.";
    DATE = "date", DataType::Utf8, true, "Date given by the record.";
    META = "meta", DataType::Utf8, true, "Other fields of the record, as JSON.";
    MORPHEME_ENDS = "morpheme_ends", list(DataType::UInt32), false, "Byte ends of the morphemes; they tile the text.";
    MORPHEME_POS = "morpheme_pos", list(DataType::UInt16), false, "POS ids of the morphemes; 0 = skipped whitespace.";
    MORPHEME_WORD = "morpheme_word", list(DataType::UInt32), false, "Word ids of the morphemes; 4294967295 = not in the lexicon.";
    SENTENCE_ENDS = "sentence_ends", list(DataType::UInt32), false, "Byte ends of the sentences; they tile the text.";
    REGISTER = "register", DataType::Utf8, false, "Politeness bucket: legal, formal-letter, role, mixed, honorific, polite, plain-casual, plain-written, none.";
    KEIGO = "keigo", DataType::Struct(keigo_fields()), false, "Counts of styles, levels and honorific spans.";
    QUALITY = "quality", DataType::Struct(quality_fields()), false, "Measures of the document that the presets compare with thresholds.";
    DUP_CLUSTER = "dup_cluster", DataType::Utf8, true, "doc_id of the document that stands for the cluster; null where there is none.";
    DUP_SIZE = "dup_size", DataType::UInt32, false, "1 + the number of documents this one stands for.";
    STAGE = "stage", DataType::Utf8, false, "The stage that rejected the document.";
    RULE = "rule", DataType::Utf8, false, "The first rule that rejected it.";
    EVIDENCE = "evidence", DataType::Utf8, false, "Every rule that failed, with its figures.";
    DUPLICATE_OF = "duplicate_of", DataType::Utf8, true, "doc_id of the kept document it duplicates.";
    INPUT_IDS = "input_ids", list(DataType::Int32), false, "Token ids of the document; no BOS, no EOS.";
    N_TOKENS = "n_tokens", DataType::Int32, false, "Length of input_ids.";
    LEVEL = "level", DataType::UInt8, false, "0 = stage-1 piece (cut at morpheme boundaries), 1 = uncut piece of the pattern.";
    PIECE = "piece", DataType::Binary, false, "Bytes of a pre-token.";
    COUNT = "count", DataType::UInt64, false, "Occurrences of the piece.";
}

fn u32s(names: &[&str]) -> Vec<Field> {
    names.iter().map(|name| Field::new(*name, DataType::UInt32, false)).collect()
}

/// Fields of the `keigo` struct: integer counts, ratios derived from them.
pub fn keigo_fields() -> Fields {
    let mut fields = u32s(&["n_sentences", "n_keitai", "n_jotai", "n_fragment", "n_quoted", "n_listed"]);
    fields.push(Field::new("dominant_style", DataType::Utf8, false));
    fields.push(Field::new("consistency", DataType::Float32, true));
    fields.push(Field::new("mixed", DataType::Boolean, false));
    fields.push(Field::new("level", DataType::FixedSizeList(element(DataType::UInt32), 4), false));
    fields.extend(u32s(&["son", "ken1", "ken2", "ken12", "tei", "bik", "ambiguous", "sasete", "n_casual", "n_role"]));
    fields.push(Field::new("repeat", DataType::UInt8, false));
    Fields::from(fields)
}

/// Names of the f32 measures of the `quality` struct, in the order they are stored.
pub const MEASURES: &[&str] = &[
    "ja_share",
    "hiragana",
    "hiragana_of_all",
    "katakana",
    "kana",
    "mean_sentence",
    "max_sentence",
    "short_lines",
    "line_end_mark",
    "dup_lines",
    "dup_line_chars",
    "dup_sentences",
    "top_2",
    "top_3",
    "top_4",
    "dup_5",
    "dup_6",
    "dup_7",
    "dup_8",
    "dup_9",
    "dup_10",
    "cover_10",
    "compression",
    "ellipsis",
    "noun_share",
    "mojibake",
];

/// Names of the u32 measures of the `quality` struct, after the f32 ones.
pub const MEASURE_COUNTS: &[&str] =
    &["n_chars", "n_lines", "n_sentences", "run_max", "particles", "hangul", "simplified", "replaced", "c1"];

/// Fields of the `quality` struct: [`MEASURES`] as nullable f32 (null where undefined), then [`MEASURE_COUNTS`] as u32.
pub fn quality_fields() -> Fields {
    let measures = MEASURES.iter().map(|name| Field::new(*name, DataType::Float32, true));
    measures.chain(u32s(MEASURE_COUNTS)).collect()
}
