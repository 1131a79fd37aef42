//! Personal data: telephone numbers, addresses, numbers of cards and documents, dates of birth, names. Finds them and counts them; what
//! happens to them ([`Policy`]) is decided later, so that another action needs no new search.
//!
//! [`Finder`] a text · `number` and `edge` runs of digits · `fold` characters of every width · `phone` `postal` `identifiers` `bank` `dates`
//! `ip` `email` `address` `person` the kinds · `check_digits` arithmetic · `places` prefectures · `mask` placeholders · [`Kind`] all kinds.

mod address;
mod bank;
mod check_digits;
mod dates;
mod edge;
mod email;
mod find;
mod fold;
mod identifiers;
mod ip;
mod kind;
mod mask;
mod number;
mod options;
mod person;
mod phone;
mod places;
mod postal;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray, StructArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Fields, UInt16Type, UInt32Type};

pub use self::find::{Finder, Scratch};
pub use self::kind::{Kind, Span};
pub use self::mask::{mask, mask_ends};
pub use self::options::{Action, Options};
use crate::error::{Error, Result};
use crate::morpheme::{Morphemes, PosTable};
use crate::schema::{Column, MORPHEME_ENDS, MORPHEME_POS, MORPHEME_WORD, PII, TEXT, element};
use crate::stage::{self, Batch, Contract, Counts, ListBuilder, Stage, Worker, column, list_slice, lists, strings, with_column};

/// Raise it when other stretches of the same text are found.
const CODE_VERSION: u32 = 2;

/// Enters fingerprints: follows the code, the kinds and their placeholders.
pub fn version() -> u32 {
    stage::version_of(CODE_VERSION, Kind::ALL.map(Kind::placeholder))
}

/// The column `pii`: for each kind how often it stands in the text as read; null for a kind that the plan keeps, which is not looked for.
pub const COLUMN: Column = PII.with_type(|| DataType::Struct(fields()));

/// Where personal data stands, for the tables between passes.
pub const SPANS: Column = Column {
    name: "pii_spans",
    data_type: || DataType::List(element(DataType::UInt32)),
    nullable: false,
    about: "Personal data in the text: start and end in bytes and the number of the kind, three values each.",
};

fn fields() -> Fields {
    Kind::ALL.iter().map(|kind| Field::new(kind.name(), DataType::UInt32, true)).collect()
}

/// The stage: adds `pii` and `pii_spans`. Where the plan keeps every kind it looks at nothing.
#[derive(Debug)]
pub struct Pii {
    finder: Finder,
    wanted: Vec<Kind>,
}

impl Pii {
    /// For texts whose `morpheme_pos` column indexes `table`.
    pub fn new(options: &Options, table: &PosTable) -> Self {
        let wanted = options.wanted();
        Self { finder: Finder::new(table, &wanted), wanted }
    }
}

impl Stage for Pii {
    fn name(&self) -> &'static str {
        "pii"
    }

    fn version(&self) -> u32 {
        version()
    }

    fn contract(&self) -> Contract {
        Contract { reads: vec![TEXT, MORPHEME_ENDS, MORPHEME_POS, MORPHEME_WORD], adds: vec![COLUMN, SPANS] }
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(PiiWorker { stage: self, scratch: Scratch::default(), spans: Vec::new(), counts: [0; Kind::ALL.len()] })
    }
}

struct PiiWorker<'a> {
    stage: &'a Pii,
    scratch: Scratch,
    spans: Vec<Span>,
    /// Since the counts were last taken.
    counts: [u64; Kind::ALL.len()],
}

impl Worker for PiiWorker<'_> {
    fn apply(&mut self, batch: Batch) -> Result<Batch> {
        let texts = strings(&batch, &TEXT)?;
        let (ends, pos, words) = (lists(&batch, &MORPHEME_ENDS)?, lists(&batch, &MORPHEME_POS)?, lists(&batch, &MORPHEME_WORD)?);
        let mut spans = ListBuilder::<UInt32Type>::default();
        let mut counts = Kind::ALL.map(|_| vec![0_u32; texts.len()]);
        for (row, text) in texts.iter().enumerate() {
            if !self.stage.wanted.is_empty() {
                let morphemes = Morphemes {
                    ends: list_slice::<UInt32Type>(ends, row),
                    pos: list_slice::<UInt16Type>(pos, row),
                    word: list_slice::<UInt32Type>(words, row),
                };
                self.spans.clear();
                self.stage.finder.find(text.unwrap_or_default(), morphemes, &mut self.scratch, &mut self.spans);
            }
            for span in &self.spans {
                counts[span.kind as usize][row] += 1;
                self.counts[span.kind as usize] += 1;
                spans.values.extend([span.start as u32, span.end as u32, span.kind.number()]);
            }
            spans.end_row()?;
        }
        let columns = Kind::ALL.iter().zip(counts).map(|(kind, counts)| self.count_column(*kind, counts)).collect();
        let pii = StructArray::try_new_with_length(fields(), columns, None, batch.num_rows())?;
        let batch = with_column(&batch, &COLUMN, Arc::new(pii))?;
        with_column(&batch, &SPANS, spans.finish()?)
    }

    fn take_counts(&mut self) -> Counts {
        let counts = std::mem::replace(&mut self.counts, [0; Kind::ALL.len()]);
        let found = Kind::ALL.iter().zip(counts).filter(|(_, n)| *n > 0);
        found.map(|(kind, n)| (kind.name().to_owned(), n)).collect()
    }
}

impl PiiWorker<'_> {
    fn count_column(&self, kind: Kind, counts: Vec<u32>) -> ArrayRef {
        if self.stage.wanted.contains(&kind) { Arc::new(UInt32Array::from(counts)) } else { Arc::new(UInt32Array::new_null(counts.len())) }
    }
}

/// What a plan does with the personal data that was found.
#[derive(Debug, Clone)]
pub struct Policy {
    masked: [bool; Kind::ALL.len()],
    dropped: Vec<Kind>,
}

/// A document that is dropped for its personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Its row.
    pub row: u32,
    /// The first kind, by fixed order, that it is dropped for.
    pub rule: &'static str,
    /// How often each kind that it is dropped for stands in it: `PHONE 2; EMAIL 1`.
    pub evidence: String,
}

impl Policy {
    /// The policy of a plan.
    pub fn new(options: &Options) -> Self {
        let masked = options.masked();
        Self { masked: Kind::ALL.map(|kind| masked.contains(&kind)), dropped: options.dropped() }
    }

    /// The column that [`Policy::judge`] reads; none where no kind is dropped.
    pub fn reads(&self) -> Option<Column> {
        (!self.dropped.is_empty()).then_some(COLUMN)
    }

    /// Which rows of a batch are dropped; rows are numbered from `first`.
    ///
    /// # Errors
    /// Refused, if the column `pii` is missing or has another type.
    pub fn judge(&self, batch: &Batch, first: u32) -> Result<Vec<Dropped>> {
        if self.dropped.is_empty() {
            return Ok(vec![]);
        }
        let found = column(batch, &COLUMN)?;
        let counts = found.as_struct_opt().ok_or_else(|| stage::wrong_type(&COLUMN, found))?;
        let of_kind = |kind: &Kind| Some((*kind, counts.column_by_name(kind.name())?.as_primitive_opt::<UInt32Type>()?));
        let of_kinds = self.dropped.iter().map(of_kind).collect::<Option<Vec<_>>>().ok_or_else(|| stage::wrong_type(&COLUMN, found))?;
        let dropped = (0..batch.num_rows()).filter_map(|row| {
            let mut there = of_kinds.iter().filter(|(_, counts)| counts.is_valid(row) && counts.value(row) > 0);
            let (kind, counts) = there.next()?;
            let mut evidence = format!("{} {}", kind.name(), counts.value(row));
            for (kind, counts) in there {
                let _ = write!(evidence, "; {} {}", kind.name(), counts.value(row));
            }
            Some(Dropped { row: first + row as u32, rule: kind.name(), evidence })
        });
        Ok(dropped.collect())
    }

    /// The batch with placeholders in its texts, and with the ends of its morphemes moved, if it has that column.
    ///
    /// # Errors
    /// Refused, if a column is missing or has another type.
    pub fn mask(&self, batch: &Batch) -> Result<Batch> {
        if !self.masked.contains(&true) {
            return Ok(batch.clone());
        }
        let texts = strings(batch, &TEXT)?;
        let spans = self.masked_spans(lists(batch, &SPANS)?);
        if spans.iter().all(Vec::is_empty) {
            return Ok(batch.clone());
        }
        let masked = with_column(batch, &TEXT, masked_texts(texts, &spans)?)?;
        if batch.column_by_name(MORPHEME_ENDS.name).is_none() {
            return Ok(masked);
        }
        let ends = lists(batch, &MORPHEME_ENDS)?;
        let mut moved = ListBuilder::<UInt32Type>::default();
        for (row, spans) in spans.iter().enumerate() {
            mask_ends(list_slice::<UInt32Type>(ends, row), spans, &mut moved.values);
            moved.end_row()?;
        }
        with_column(&masked, &MORPHEME_ENDS, moved.finish()?)
    }

    /// The spans of each row that are masked.
    fn masked_spans(&self, column: &ListArray) -> Vec<Vec<Span>> {
        let span = |values: &[u32]| {
            let &[start, end, number] = values else { return None };
            let kind = Kind::of_number(number).filter(|&kind| self.masked[kind as usize])?;
            Some(Span { start: start as usize, end: end as usize, kind })
        };
        (0..column.len()).map(|row| list_slice::<UInt32Type>(column, row).chunks_exact(3).filter_map(span).collect()).collect()
    }
}

fn masked_texts(texts: &StringArray, spans: &[Vec<Span>]) -> Result<ArrayRef> {
    let (mut values, mut offsets) = (String::with_capacity(texts.value_data().len()), vec![0_i32]);
    for (row, spans) in spans.iter().enumerate() {
        mask(texts.value(row), spans, &mut values);
        offsets.push(i32::try_from(values.len()).map_err(|_| Error::internal("the masked texts of a batch outgrew 2^31 bytes"))?);
    }
    Ok(Arc::new(StringArray::try_new(
        arrow::buffer::OffsetBuffer::new(offsets.into()),
        values.into_bytes().into(),
        texts.nulls().cloned(),
    )?))
}
