//! Measures of a document, as a column. Nothing is judged here: thresholds and presets belong to the room `decide`.

mod garbling;
mod measure;
mod ngrams;
mod simplified;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float32Array, StructArray, UInt32Array};
use arrow::datatypes::{UInt16Type, UInt32Type};

pub use self::measure::{Measurer, Measures};
use crate::error::Result;
use crate::morpheme::PosTable;
use crate::schema::{MEASURE_COUNTS, MEASURES, MORPHEME_ENDS, MORPHEME_POS, QUALITY, SENTENCE_ENDS, TEXT, quality_fields};
use crate::stage::{Batch, Contract, Stage, Worker, list_slice, lists, strings, with_column};

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

    fn contract(&self) -> Contract {
        Contract { reads: vec![TEXT, SENTENCE_ENDS, MORPHEME_ENDS, MORPHEME_POS], adds: vec![QUALITY] }
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
        let measure = |row| {
            let (sentences, ends) = (list_slice::<UInt32Type>(sentences, row), list_slice::<UInt32Type>(ends, row));
            self.measurer.measure(texts.value(row), sentences, ends, list_slice::<UInt16Type>(pos, row))
        };
        let rows: Vec<Measures> = (0..texts.len()).map(measure).collect();
        with_column(&batch, &QUALITY, Arc::new(to_column(&rows)?))
    }
}

/// The struct column of [`quality_fields`].
fn to_column(rows: &[Measures]) -> Result<StructArray> {
    let values = (0..MEASURES.len()).map(|i| Arc::new(rows.iter().map(|row| row.values[i]).collect::<Float32Array>()) as ArrayRef);
    let counts =
        (0..MEASURE_COUNTS.len()).map(|i| Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.counts[i]))) as ArrayRef);
    let columns = values.chain(counts).collect();
    Ok(StructArray::try_new(quality_fields(), columns, None)?)
}
