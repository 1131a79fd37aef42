//! The columns that policies look at, each looked up once a batch.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Float32Type, UInt32Type};

use super::condition::{Facts, SENTENCES};
use super::policy::Policies;
use crate::error::{Error, Result};
use crate::schema::{Column, KEIGO, REGISTER, SOURCE, open_struct};
use crate::stage::{column, strings, wrong_type};

/// The field with the sentences of each level.
const LEVELS: &str = "level";

/// Columns of a batch as policies read them.
#[derive(Debug)]
pub(super) struct KeigoFacts<'a> {
    registers: &'a StringArray,
    sources: &'a StringArray,
    levels: &'a ArrayRef,
    sentences: &'a ArrayRef,
    /// One for each figure that is asked for.
    figures: Vec<&'a ArrayRef>,
}

impl<'a> KeigoFacts<'a> {
    /// The column that is read beside register and source; figures are looked up when a batch is there.
    pub(super) const KEIGO: Column = KEIGO.with_type(|| open_struct(&[LEVELS, SENTENCES]));

    /// Looks up what the policies ask for.
    pub(super) fn of(batch: &'a RecordBatch, policies: &Policies) -> Result<Self> {
        let array = column(batch, &KEIGO)?;
        let keigo = array.as_struct_opt().ok_or_else(|| wrong_type(&KEIGO, array))?;
        let levels = field(keigo, LEVELS)?;
        if !matches!(levels.data_type(), DataType::FixedSizeList(of, 4) if of.data_type() == &DataType::UInt32) {
            return Err(refused(LEVELS, &format!("is {}, wanted four UInt32", levels.data_type())));
        }
        Ok(Self {
            registers: strings(batch, &REGISTER)?,
            sources: strings(batch, &SOURCE)?,
            levels,
            sentences: number(keigo, SENTENCES)?,
            figures: policies.figures().map(|figure| number(keigo, &figure.field)).collect::<Result<_>>()?,
        })
    }

    /// Reads a row; the figures into `values`.
    pub(super) fn read(&self, row: usize, values: &mut Vec<Option<f64>>) -> Facts<'a> {
        values.clear();
        values.extend(self.figures.iter().map(|array| value(array, row)));
        let row_levels = self.levels.as_fixed_size_list().value(row);
        let mut levels = [0; 4];
        levels.iter_mut().zip(row_levels.as_primitive::<UInt32Type>().values()).for_each(|(level, n)| *level = *n);
        let sentences = value(self.sentences, row).unwrap_or(0.) as u32;
        Facts { register: self.registers.value(row), source: self.sources.value(row), levels, sentences }
    }
}

fn refused(name: &str, why: &str) -> Error {
    Error::refused(format!("column {}: field {name} {why}", KEIGO.name))
}

fn field<'a>(keigo: &'a StructArray, name: &str) -> Result<&'a ArrayRef> {
    keigo.column_by_name(name).ok_or_else(|| refused(name, "is missing"))
}

fn number<'a>(keigo: &'a StructArray, name: &str) -> Result<&'a ArrayRef> {
    let array = field(keigo, name)?;
    match array.data_type() {
        DataType::UInt32 | DataType::Float32 => Ok(array),
        other => Err(refused(name, &format!("is {other}, wanted Float32 or UInt32"))),
    }
}

fn value(array: &ArrayRef, row: usize) -> Option<f64> {
    let counts = array.as_primitive_opt::<UInt32Type>().map(|counts| f64::from(counts.value(row)));
    let value = counts.or_else(|| Some(f64::from(array.as_primitive_opt::<Float32Type>()?.value(row))));
    value.filter(|_| array.is_valid(row))
}
