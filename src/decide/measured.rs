//! The measures of a batch as the rules read them: every column is looked up once.

use arrow::array::{Array, AsArray, Float32Array, RecordBatch, StructArray, UInt32Array};
use arrow::datatypes::{Float32Type, UInt32Type};

use super::presets::Bound;
use super::rules::Language;
use crate::error::{Error, Result};
use crate::schema::QUALITY;
use crate::stage::{column, wrong_type};

/// Measures that are read whatever the thresholds.
pub(super) const LANGUAGE: [&str; 6] = ["ja_share", "n_chars", "hangul", "simplified", "kana", "noun_share"];

/// The columns that one set of thresholds looks at.
#[derive(Debug)]
pub(super) struct Measured<'a> {
    /// One for each threshold.
    columns: Vec<Values<'a>>,
    language: [Values<'a>; 6],
    /// The threshold for particles, if there is one.
    particles: Option<usize>,
}

impl<'a> Measured<'a> {
    /// Looks up what `bounds` name.
    pub(super) fn of(batch: &'a RecordBatch, bounds: &[Bound]) -> Result<Self> {
        let array = column(batch, &QUALITY)?;
        let quality = array.as_struct_opt().ok_or_else(|| wrong_type(&QUALITY, array))?;
        let [ja_share, n_chars, hangul, simplified, kana, noun_share] = LANGUAGE.map(|name| Values::of(quality, name));
        Ok(Self {
            columns: bounds.iter().map(|bound| Values::of(quality, bound.measure)).collect::<Result<_>>()?,
            language: [ja_share?, n_chars?, hangul?, simplified?, kana?, noun_share?],
            particles: bounds.iter().position(|bound| bound.measure == "particles"),
        })
    }

    /// Reads a row: what is known of its language, and into `values` a value for each threshold.
    pub(super) fn read(&self, row: usize, values: &mut Vec<Option<f32>>) -> Language {
        let [ja_share, n_chars, hangul, simplified, kana, noun_share] = self.language.map(|column| column.get(row));
        values.clear();
        values.extend(self.columns.iter().map(|column| column.get(row)));
        // Without morphemes nothing can be said of particles.
        if let (Some(i), None) = (self.particles, noun_share) {
            values[i] = None;
        }
        let count = |value: Option<f32>| value.unwrap_or(0.) as u32;
        // Shares of the visible characters are undefined where there are none.
        let chars = if ja_share.is_none() { 0 } else { count(n_chars) };
        Language { chars, hangul: count(hangul), simplified: count(simplified), kana }
    }
}

/// A measure of all rows.
#[derive(Debug, Clone, Copy)]
enum Values<'a> {
    Ratio(&'a Float32Array),
    Count(&'a UInt32Array),
}

impl<'a> Values<'a> {
    fn of(quality: &'a StructArray, name: &str) -> Result<Self> {
        let refused = |why: &str| Error::refused(format!("column {}: field {name} {why}", QUALITY.name));
        let field = quality.column_by_name(name).ok_or_else(|| refused("is missing"))?;
        let ratio = field.as_primitive_opt::<Float32Type>().map(Self::Ratio);
        let count = || field.as_primitive_opt::<UInt32Type>().map(Self::Count);
        ratio.or_else(count).ok_or_else(|| refused(&format!("is {}, wanted Float32 or UInt32", field.data_type())))
    }

    /// The value of a row; `None` where it is undefined.
    fn get(self, row: usize) -> Option<f32> {
        match self {
            Self::Ratio(values) => values.is_valid(row).then(|| values.value(row)),
            Self::Count(values) => values.is_valid(row).then(|| values.value(row) as f32),
        }
    }
}
