//! Measures of a document, as a column. Nothing is judged here: thresholds and presets belong to the room `decide`.
//!
//! `measures` lists them with name, meaning and value · `sums` what is counted · `ngrams` repetition · `garbling` wrong
//! charsets · `simplified` characters of simplified Chinese.

mod garbling;
mod measures;
mod ngrams;
mod simplified;
mod sums;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float32Array, StructArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Fields, UInt16Type, UInt32Type};

pub use self::measures::{MEASURES, Measure, Value};
pub use self::sums::{Measurer, Sums};
use crate::error::Result;
use crate::morpheme::PosTable;
use crate::schema::{Column, MORPHEME_ENDS, MORPHEME_POS, QUALITY, SENTENCE_ENDS, TEXT};
use crate::stage::{self, Batch, Contract, Stage, Worker, list_slice, lists, strings, with_column};

/// Raise it when a measure changes for the same text.
const CODE_VERSION: u32 = 1;

/// Enters fingerprints: follows the code and the list of measures.
pub fn version() -> u32 {
    stage::version_of(CODE_VERSION, MEASURES.iter().map(|measure| measure.name))
}

/// The column that is added: a struct with a field for each of [`MEASURES`].
pub const COLUMN: Column = QUALITY.with_type(|| DataType::Struct(fields()));

fn fields() -> Fields {
    MEASURES.iter().map(field).collect()
}

fn field(measure: &Measure) -> Field {
    match measure.value {
        Value::Ratio(_) => Field::new(measure.name, DataType::Float32, true),
        Value::Count(_) => Field::new(measure.name, DataType::UInt32, false),
    }
}

fn array(measure: &Measure, rows: &[Sums<'_>]) -> ArrayRef {
    match measure.value {
        Value::Ratio(value) => Arc::new(rows.iter().map(value).collect::<Float32Array>()),
        Value::Count(value) => Arc::new(UInt32Array::from_iter_values(rows.iter().map(value))),
    }
}

/// The stage: adds `quality`.
#[derive(Debug, Clone)]
pub struct Quality {
    table: Arc<PosTable>,
}

impl Quality {
    /// Measures documents whose `morpheme_pos` column indexes `table`.
    pub fn new(table: Arc<PosTable>) -> Self {
        Self { table }
    }
}

impl Stage for Quality {
    fn name(&self) -> &'static str {
        "quality"
    }

    fn version(&self) -> u32 {
        version()
    }

    fn contract(&self) -> Contract {
        Contract { reads: vec![TEXT, SENTENCE_ENDS, MORPHEME_ENDS, MORPHEME_POS], adds: vec![COLUMN] }
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(QualityWorker { measurer: Measurer::new(&self.table) })
    }
}

struct QualityWorker {
    measurer: Measurer,
}

impl Worker for QualityWorker {
    fn apply(&mut self, batch: Batch) -> Result<Batch> {
        let texts = strings(&batch, &TEXT)?;
        let (sentences, ends, pos) = (lists(&batch, &SENTENCE_ENDS)?, lists(&batch, &MORPHEME_ENDS)?, lists(&batch, &MORPHEME_POS)?);
        let sum = |row| {
            let (sentences, ends) = (list_slice::<UInt32Type>(sentences, row), list_slice::<UInt32Type>(ends, row));
            self.measurer.sum(texts.value(row), sentences, ends, list_slice::<UInt16Type>(pos, row))
        };
        let rows: Vec<Sums<'_>> = (0..texts.len()).map(sum).collect();
        let columns = MEASURES.iter().map(|measure| array(measure, &rows)).collect();
        let quality = StructArray::try_new(fields(), columns, None)?;
        with_column(&batch, &COLUMN, Arc::new(quality))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, StringArray};
    use arrow::datatypes::{ArrowPrimitiveType, Float32Type, Schema};

    use super::*;
    use crate::stage::{ListBuilder, column};

    fn list<T: ArrowPrimitiveType>(rows: &[&[T::Native]]) -> ArrayRef {
        let mut builder = ListBuilder::<T>::default();
        for row in rows {
            builder.values.extend_from_slice(row);
            builder.end_row().unwrap();
        }
        builder.finish().unwrap()
    }

    #[test]
    fn values_stand_under_their_names() {
        let columns: [(Column, ArrayRef); 4] = [
            (TEXT, Arc::new(StringArray::from(vec!["犬がほえる。", ""]))),
            (SENTENCE_ENDS, list::<UInt32Type>(&[&[18], &[]])),
            (MORPHEME_ENDS, list::<UInt32Type>(&[&[3, 6, 15, 18], &[]])),
            (MORPHEME_POS, list::<UInt16Type>(&[&[1, 2, 2, 2], &[]])),
        ];
        let schema = Schema::new(columns.iter().map(|(column, _)| column.field()).collect::<Vec<_>>());
        let batch = Batch::try_new(Arc::new(schema), columns.into_iter().map(|(_, array)| array).collect()).unwrap();
        let table = PosTable { tuples: vec![vec![], vec!["名詞".to_owned()], vec!["助詞".to_owned()]], unknown: vec![None; 3] };
        let stage = Quality::new(Arc::new(table));
        let measured = stage.worker().apply(batch).unwrap();
        let quality = column(&measured, &QUALITY).unwrap().as_struct().clone();
        let value = |name: &str, row| {
            let values = quality.column_by_name(name).unwrap().as_primitive::<Float32Type>().clone();
            values.is_valid(row).then(|| values.value(row))
        };
        assert_eq!((value("noun_share", 0), value("mean_sentence", 0), value("ja_share", 1)), (Some(0.25), Some(6.), None));
    }
}
