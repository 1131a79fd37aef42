//! Measures of a document, as a column. Nothing is judged here: thresholds and presets belong to the room `decide`.
//!
//! `measures` lists them with name, meaning and value · `sums` what is counted · `scan` characters, lines and sentences ·
//! `words` morphemes · `class` what a character counts as · `repetition` n-grams · `garbling` wrong charsets · `simplified`
//! characters of simplified Chinese · `soundness` which of several copies had better stay · `seen` sets of hashes · `spared` what may repeat · `listed` words of the user's lists · `swallow`,
//! `fineweb2` the figures of two peers.

mod class;
mod fineweb2;
mod garbling;
mod listed;
mod measures;
mod repetition;
mod scan;
mod seen;
mod simplified;
mod soundness;
mod spared;
mod sums;
mod swallow;
mod words;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float32Array, Float64Array, StringArray, StructArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Fields, UInt16Type, UInt32Type};

pub use self::fineweb2::FIELDS as FINEWEB2_FIELDS;
pub use self::fineweb2::fineweb2_ja;
use self::listed::Finder;
pub use self::listed::{Listed, WordList};
pub use self::measures::{MEASURES, Measure, Value};
pub use self::soundness::{SOUNDNESS_FIELDS, SoundnessMeter, soundness};
pub use self::sums::{Measurer, Sums};
pub use self::swallow::FIELDS as SWALLOW_FIELDS;
pub use self::swallow::swallow_v1;
use crate::error::Result;
use crate::morpheme::PosTable;
use crate::schema::{Column, FINEWEB2_JA, FORMULAE, LISTED, MORPHEME_ENDS, MORPHEME_POS, QUALITY, SENTENCE_ENDS, SWALLOW_V1, TEXT};
use crate::stage::{self, Batch, Contract, Stage, Worker, list_slice, lists, strings, with_column};

/// Raise it when a measure changes for the same text.
const CODE_VERSION: u32 = 4;

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

/// The column of Swallow's figures, only where asked for.
const SWALLOW_COLUMN: Column = SWALLOW_V1.with_type(|| DataType::Struct(peer_fields(&SWALLOW_FIELDS)));
/// The column of FineWeb2's figures, only where asked for.
const FINEWEB2_COLUMN: Column = FINEWEB2_JA.with_type(|| DataType::Struct(peer_fields(&FINEWEB2_FIELDS)));

/// Fields of the column `listed`, in order, with their meanings.
pub const LISTED_FIELDS: [(&str, &str); 3] = [
    ("ng_types", "Different listed words in the text, on boundaries of morphemes."),
    (
        "ng_chars",
        "Characters of their hits / hiragana, katakana and kanji, at most 1; null without such letters, and where there is one hit.",
    ),
    ("ng_words", "The words and how often: `女中 ×3, デリ ×1`; the 20 most frequent. Null where there is none."),
];

/// The column of listed words, only where there are lists.
const LISTED_COLUMN: Column = LISTED.with_type(|| DataType::Struct(listed_fields()));

fn listed_fields() -> Fields {
    let types = [(DataType::UInt32, false), (DataType::Float32, true), (DataType::Utf8, true)];
    LISTED_FIELDS.iter().zip(types).map(|((name, _), (data_type, nullable))| Field::new(*name, data_type, nullable)).collect()
}

/// What was found in each document, with the share of its letters.
fn listed_array(rows: &[(Listed, Option<f32>)]) -> Result<ArrayRef> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|(listed, _)| listed.types))),
        Arc::new(rows.iter().map(|(_, share)| *share).collect::<Float32Array>()),
        Arc::new(rows.iter().map(|(listed, _)| listed.words.as_deref()).collect::<StringArray>()),
    ];
    Ok(Arc::new(StructArray::try_new(listed_fields(), columns, None)?))
}

fn peer_fields(named: &[(&str, &str)]) -> Fields {
    named.iter().map(|(name, _)| Field::new(*name, DataType::Float64, true)).collect()
}

/// A struct of figures, a row for each document.
fn peer_array<const N: usize>(named: &[(&str, &str); N], rows: &[[Option<f64>; N]]) -> Result<ArrayRef> {
    let columns = (0..N).map(|i| Arc::new(rows.iter().map(|row| row[i]).collect::<Float64Array>()) as ArrayRef).collect();
    Ok(Arc::new(StructArray::try_new(peer_fields(named), columns, None)?))
}

/// Peers whose figures are computed beside ours; they take several times as long as all of ours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Peers {
    /// Column `swallow_v1`.
    pub swallow_v1: bool,
    /// Column `fineweb2_ja`.
    pub fineweb2_ja: bool,
}

/// The stage: adds `quality`.
#[derive(Debug, Clone)]
pub struct Quality {
    table: Arc<PosTable>,
    peers: Peers,
    spares_formulae: bool,
    words: Option<Arc<WordList>>,
}

impl Quality {
    /// Measures documents whose `morpheme_pos` column indexes `table`.
    pub fn new(table: Arc<PosTable>) -> Self {
        Self { table, peers: Peers::default(), spares_formulae: false, words: None }
    }

    /// With the figures of these peers in columns of their own.
    #[must_use]
    pub fn comparing(self, peers: Peers) -> Self {
        Self { peers, ..self }
    }

    /// With the words of a list in a column of their own.
    #[must_use]
    pub fn listing(self, words: Option<Arc<WordList>>) -> Self {
        Self { words, ..self }
    }

    /// Does not take the spans of the column `formulae` for repetition.
    #[must_use]
    pub fn sparing_formulae(self, spares_formulae: bool) -> Self {
        Self { spares_formulae, ..self }
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
        let asked = [
            (true, COLUMN),
            (self.words.is_some(), LISTED_COLUMN),
            (self.peers.swallow_v1, SWALLOW_COLUMN),
            (self.peers.fineweb2_ja, FINEWEB2_COLUMN),
        ];
        let adds = asked.into_iter().filter(|(asked, _)| *asked).map(|(_, column)| column).collect();
        let mut reads = vec![TEXT, SENTENCE_ENDS, MORPHEME_ENDS, MORPHEME_POS];
        reads.extend(self.spares_formulae.then_some(FORMULAE));
        Contract { reads, adds }
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(QualityWorker { measurer: Measurer::new(&self.table), finder: Finder::new(&self.table), stage: self })
    }
}

struct QualityWorker<'a> {
    measurer: Measurer,
    finder: Finder,
    stage: &'a Quality,
}

impl Worker for QualityWorker<'_> {
    fn apply(&mut self, batch: Batch) -> Result<Batch> {
        let texts = strings(&batch, &TEXT)?;
        let (sentences, ends, pos) = (lists(&batch, &SENTENCE_ENDS)?, lists(&batch, &MORPHEME_ENDS)?, lists(&batch, &MORPHEME_POS)?);
        let formulae = if self.stage.spares_formulae { Some(lists(&batch, &FORMULAE)?) } else { None };
        let sum = |row| {
            let spared = formulae.map_or(&[][..], |spans| list_slice::<UInt32Type>(spans, row));
            let (sentences, ends) = (list_slice::<UInt32Type>(sentences, row), list_slice::<UInt32Type>(ends, row));
            self.measurer.sum(texts.value(row), sentences, spared, ends, list_slice::<UInt16Type>(pos, row))
        };
        let rows: Vec<Sums<'_>> = (0..texts.len()).map(sum).collect();
        let columns = MEASURES.iter().map(|measure| array(measure, &rows)).collect();
        let quality = StructArray::try_new(fields(), columns, None)?;
        let mut measured = with_column(&batch, &COLUMN, Arc::new(quality))?;
        if let Some(list) = &self.stage.words {
            let find = |(row, sums): (usize, &Sums<'_>)| {
                let (ends, pos) = (list_slice::<UInt32Type>(ends, row), list_slice::<UInt16Type>(pos, row));
                let listed = self.finder.find(list, texts.value(row), ends, pos);
                let share = listed.share(sums.chars.letters());
                (listed, share)
            };
            let rows: Vec<_> = rows.iter().enumerate().map(find).collect();
            measured = with_column(&measured, &LISTED_COLUMN, listed_array(&rows)?)?;
        }
        if self.stage.peers.swallow_v1 {
            let rows: Vec<_> = (0..texts.len()).map(|row| swallow_v1(texts.value(row)).map(Some)).collect();
            measured = with_column(&measured, &SWALLOW_COLUMN, peer_array(&SWALLOW_FIELDS, &rows)?)?;
        }
        if self.stage.peers.fineweb2_ja {
            let figures = |row| {
                let text = texts.value(row);
                let (ends, pos) = (list_slice::<UInt32Type>(ends, row), list_slice::<UInt16Type>(pos, row));
                let starts = std::iter::once(&0).chain(ends);
                let words = starts.zip(ends).zip(pos).filter(|(_, pos)| **pos != PosTable::GAP);
                fineweb2_ja(text, words.map(|((start, end), _)| text.get(*start as usize..*end as usize).unwrap_or("")))
            };
            let rows: Vec<_> = (0..texts.len()).map(figures).collect();
            measured = with_column(&measured, &FINEWEB2_COLUMN, peer_array(&FINEWEB2_FIELDS, &rows)?)?;
        }
        Ok(measured)
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

    fn batch() -> Batch {
        let columns: [(Column, ArrayRef); 4] = [
            (TEXT, Arc::new(StringArray::from(vec!["犬がほえる。", ""]))),
            (SENTENCE_ENDS, list::<UInt32Type>(&[&[18], &[]])),
            (MORPHEME_ENDS, list::<UInt32Type>(&[&[3, 6, 15, 18], &[]])),
            (MORPHEME_POS, list::<UInt16Type>(&[&[1, 2, 2, 2], &[]])),
        ];
        let schema = Schema::new(columns.iter().map(|(column, _)| column.field()).collect::<Vec<_>>());
        Batch::try_new(Arc::new(schema), columns.into_iter().map(|(_, array)| array).collect()).unwrap()
    }

    fn stage() -> Quality {
        let table = PosTable { tuples: vec![vec![], vec!["名詞".to_owned()], vec!["助詞".to_owned()]], unknown: vec![None; 3] };
        Quality::new(Arc::new(table))
    }

    #[test]
    fn peers_have_columns_where_they_are_asked_for() {
        let peers = Peers { swallow_v1: true, fineweb2_ja: true };
        let words = Some(Arc::new(WordList::new(["犬".to_owned()]).unwrap()));
        for (stage, columns) in [(stage(), 5), (stage().comparing(peers), 7), (stage().comparing(peers).listing(words), 8)] {
            let measured = stage.worker().apply(batch()).unwrap();
            assert_eq!(measured.num_columns(), columns);
            assert_eq!(stage.contract().output("quality", &batch().schema()).unwrap(), *measured.schema());
        }
        let measured = stage().comparing(peers).worker().apply(batch()).unwrap();
        let figure = |column: &Column, name, row| {
            let values = crate::stage::column(&measured, column).unwrap().as_struct().column_by_name(name).unwrap().clone();
            let values = values.as_primitive::<arrow::datatypes::Float64Type>();
            values.is_valid(row).then(|| values.value(row))
        };
        assert_eq!(figure(&SWALLOW_V1, "num_letters", 0), Some(6.));
        assert_eq!((figure(&FINEWEB2_JA, "gopher_doc_words", 0), figure(&FINEWEB2_JA, "list_ratio", 1)), (Some(3.), None));
    }

    #[test]
    fn listed_words_stand_in_a_column_of_their_own() {
        let measured = |words: &str| {
            let list = WordList::new(words.split(' ').map(str::to_owned)).unwrap();
            let measured = stage().listing(Some(Arc::new(list))).worker().apply(batch()).unwrap();
            column(&measured, &LISTED).unwrap().as_struct().clone()
        };
        let told = measured("犬 。").column_by_name("ng_words").unwrap().as_string::<i32>().clone();
        assert_eq!((told.value(0), told.is_null(1)), ("。 ×1, 犬 ×1", true));
        let figures = measured("犬 え 。");
        let types = figures.column_by_name("ng_types").unwrap().as_primitive::<UInt32Type>().clone();
        let chars = figures.column_by_name("ng_chars").unwrap().as_primitive::<Float32Type>().clone();
        assert_eq!(
            (types.value(0), chars.value(0), types.value(1), chars.is_null(1)),
            (2, 0.4, 0, true),
            "え is no morpheme, 。 no letter"
        );
    }

    #[test]
    fn values_stand_under_their_names() {
        let measured = stage().worker().apply(batch()).unwrap();
        let quality = column(&measured, &QUALITY).unwrap().as_struct().clone();
        let value = |name: &str, row| {
            let values = quality.column_by_name(name).unwrap().as_primitive::<Float32Type>().clone();
            values.is_valid(row).then(|| values.value(row))
        };
        assert_eq!((value("noun_share", 0), value("mean_sentence", 0), value("ja_share", 1)), (Some(0.25), Some(6.), None));
    }
}
