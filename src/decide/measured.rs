//! The measures of a batch as the rules read them: every column is looked up once.

use arrow::array::{Array, AsArray, Float32Array, Float64Array, RecordBatch, StringArray, StructArray, UInt32Array};
use arrow::datatypes::{Float32Type, Float64Type, UInt32Type};

use super::presets::{Bound, Form};
use super::rules::Language;
use crate::error::{Error, Result};
use crate::schema::{Column, LISTED, QUALITY, REGISTER};
use crate::stage::{column, strings, wrong_type};

/// Measures that are read whatever the thresholds.
pub(super) const LANGUAGE: [&str; 5] = ["ja_share", "n_chars", "hangul", "simplified", "kana"];
/// The field that tells which listed words were found.
pub(super) const WORDS: &str = "ng_words";
/// Measures that tell the form of a text.
pub(super) const FORM: [&str; 2] = ["ja_share", "ended"];

/// A struct column of measures.
fn measures<'a>(batch: &'a RecordBatch, wanted: &Column) -> Result<&'a StructArray> {
    let array = column(batch, wanted)?;
    array.as_struct_opt().ok_or_else(|| wrong_type(wanted, array))
}

fn words(batch: &RecordBatch) -> Result<&StringArray> {
    let field = measures(batch, &LISTED)?.column_by_name(WORDS).and_then(|words| words.as_string_opt());
    field.ok_or_else(|| Error::refused(format!("column {}: field {WORDS} is missing, or no Utf8", LISTED.name)))
}

/// The columns that one set of thresholds looks at.
#[derive(Debug)]
pub(super) struct Measured<'a> {
    /// One for each threshold.
    columns: Vec<Values<'a>>,
    language: [Values<'a>; 5],
    /// The listed words that were found, where a threshold asks for them.
    words: Option<&'a StringArray>,
}

impl<'a> Measured<'a> {
    /// Looks up what `bounds` name.
    pub(super) fn of(batch: &'a RecordBatch, bounds: &[Bound]) -> Result<Self> {
        let quality = measures(batch, &QUALITY)?;
        let [ja_share, n_chars, hangul, simplified, kana] = LANGUAGE.map(|name| Values::of(&QUALITY, quality, name));
        let words = if bounds.iter().any(|bound| bound.column.name == LISTED.name) { Some(words(batch)?) } else { None };
        let of_bound = |bound: &Bound| Values::of(bound.column, measures(batch, bound.column)?, bound.measure);
        Ok(Self {
            columns: bounds.iter().map(of_bound).collect::<Result<_>>()?,
            language: [ja_share?, n_chars?, hangul?, simplified?, kana?],
            words,
        })
    }

    /// The listed words of a row; `None` where there are none, or where no threshold asks for them.
    pub(super) fn words(&self, row: usize) -> Option<&'a str> {
        self.words.filter(|words| words.is_valid(row)).map(|words| words.value(row))
    }

    /// Reads a row: what is known of its language, and into `values` a value for each threshold.
    pub(super) fn read(&self, row: usize, values: &mut Vec<Option<f64>>) -> Language {
        let [ja_share, n_chars, hangul, simplified, kana] = self.language.map(|column| column.get(row));
        values.clear();
        values.extend(self.columns.iter().map(|column| column.get(row)));
        let count = |value: Option<f64>| value.unwrap_or(0.) as u32;
        // Shares of the visible characters are undefined where there are none.
        let chars = if ja_share.is_none() { 0 } else { count(n_chars) };
        Language { chars, hangul: count(hangul), simplified: count(simplified), kana: kana.map(|kana| kana as f32) }
    }
}

/// The columns that tell the form of documents.
#[derive(Debug)]
pub(super) struct Forms<'a> {
    registers: &'a StringArray,
    ja_share: Values<'a>,
    ended: Values<'a>,
}

impl<'a> Forms<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> Result<Self> {
        let quality = measures(batch, &QUALITY)?;
        let [ja_share, ended] = FORM.map(|name| Values::of(&QUALITY, quality, name));
        Ok(Self { registers: strings(batch, &REGISTER)?, ja_share: ja_share?, ended: ended? })
    }

    pub(super) fn get(&self, row: usize) -> Form<'a> {
        Form { register: self.registers.value(row), ja_share: self.ja_share.get(row), ended: self.ended.get(row) }
    }
}

/// A measure of all rows.
#[derive(Debug, Clone, Copy)]
enum Values<'a> {
    Ratio(&'a Float32Array),
    Exact(&'a Float64Array),
    Count(&'a UInt32Array),
}

impl<'a> Values<'a> {
    fn of(column: &Column, measures: &'a StructArray, name: &str) -> Result<Self> {
        let refused = |why: &str| Error::refused(format!("column {}: field {name} {why}", column.name));
        let field = measures.column_by_name(name).ok_or_else(|| refused("is missing"))?;
        let ratio = field.as_primitive_opt::<Float32Type>().map(Self::Ratio);
        let exact = || field.as_primitive_opt::<Float64Type>().map(Self::Exact);
        let count = || field.as_primitive_opt::<UInt32Type>().map(Self::Count);
        ratio.or_else(exact).or_else(count).ok_or_else(|| refused(&format!("is {}, wanted Float32, Float64 or UInt32", field.data_type())))
    }

    /// The value of a row; `None` where it is undefined.
    fn get(self, row: usize) -> Option<f64> {
        match self {
            Self::Ratio(values) => values.is_valid(row).then(|| f64::from(values.value(row))),
            Self::Exact(values) => values.is_valid(row).then(|| values.value(row)),
            Self::Count(values) => values.is_valid(row).then(|| f64::from(values.value(row))),
        }
    }
}
