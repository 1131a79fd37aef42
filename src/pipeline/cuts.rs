//! What is cut out of texts, applied to batches: whatever points into a text moves with it.

use std::ops::RangeFrom;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{ArrowPrimitiveType, UInt16Type, UInt32Type};
use serde::{Deserialize, Serialize};

use crate::dedup::cuts::{cut_ends, cut_spans};
use crate::dedup::lines::group;
use crate::dedup::without::without;
use crate::dedup::{Cut, Document, Options, PieceKind, settle, view};
use crate::error::{Error, Result};
use crate::normalize::sentences::sentence_ends;
use crate::pii;
use crate::schema::{self, Column};
use crate::stage::{Batch, ListBuilder, list_slice, lists, strings, with_column};

/// How much was cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cutting {
    /// Documents that something was cut out of.
    pub documents: u64,
    /// Lines.
    pub lines: u64,
    /// Their characters.
    pub line_characters: u64,
    /// Stretches of characters.
    pub substrings: u64,
    /// Their characters.
    pub substring_characters: u64,
    /// Places of evaluation items.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub items: u64,
    /// Their characters.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub item_characters: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Cutting {
    /// Was nothing cut?
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// What they are called, how many, and their characters: of the kinds that there were.
    pub fn by_kind(&self) -> impl Iterator<Item = (&'static str, u64, u64)> {
        let all = [
            ("lines", self.lines, self.line_characters),
            ("stretches", self.substrings, self.substring_characters),
            ("items", self.items, self.item_characters),
        ];
        all.into_iter().filter(|(_, pieces, _)| *pieces > 0)
    }

    /// Counts a document.
    pub(super) fn count(&mut self, text: &str, cuts: &[Cut]) {
        self.documents += u64::from(!cuts.is_empty());
        for cut in cuts {
            let characters = text.get(cut.start as usize..cut.end as usize).map_or(0, |piece| piece.chars().count() as u64);
            let (pieces, sum) = match cut.kind {
                PieceKind::Lines => (&mut self.lines, &mut self.line_characters),
                PieceKind::Substring => (&mut self.substrings, &mut self.substring_characters),
                PieceKind::Item => (&mut self.items, &mut self.item_characters),
            };
            (*pieces, *sum) = (*pieces + 1, *sum + characters);
        }
    }

    /// What was counted in several places.
    pub(super) fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        for one in all {
            sum.add(one);
        }
        sum
    }

    /// Adds what was counted elsewhere.
    pub(super) fn add(&mut self, more: &Self) {
        self.documents += more.documents;
        self.lines += more.lines;
        self.line_characters += more.line_characters;
        self.substrings += more.substrings;
        self.substring_characters += more.substring_characters;
        self.items += more.items;
        self.item_characters += more.item_characters;
    }
}

/// The cuts of a work shard, document by document.
pub(super) struct OfDocuments {
    all: Vec<Cut>,
    at: usize,
    /// Characters of a stretch that is cut, at least.
    stretch: usize,
    sentence_ends: Vec<u32>,
}

impl OfDocuments {
    /// All of a work shard, in order.
    pub(super) fn new(all: Vec<Cut>, options: &Options) -> Self {
        Self { all, at: 0, stretch: options.substring.map_or(0, |stretch| stretch as usize), sentence_ends: Vec::new() }
    }

    /// Those of a document, settled, with the evaluation items in it; documents are asked for in order.
    pub(super) fn of(&mut self, ordinal: u64, text: &str, items: Vec<Cut>) -> Vec<Cut> {
        let rest = self.all.get(self.at..).unwrap_or_default();
        let passed = rest.iter().take_while(|cut| cut.ordinal < ordinal).count();
        let of_it = rest.iter().skip(passed).take_while(|cut| cut.ordinal == ordinal).count();
        self.at += passed + of_it;
        let mut found = items;
        found.extend(&rest[passed..passed + of_it]);
        self.sentence_ends.clear();
        if found.iter().any(|cut| cut.kind == PieceKind::Substring) {
            sentence_ends(text, &mut self.sentence_ends);
        }
        settle(text, &found, &self.sentence_ends, self.stretch)
    }
}

/// Starts and ends of cuts, in turn.
pub(super) fn flat(cuts: &[Cut]) -> Vec<u32> {
    cuts.iter().flat_map(|cut| [cut.start, cut.end]).collect()
}

/// Characters that are left of a text, but for white space around them; none where an item was cut and nothing but marks stood around it.
pub(super) fn characters_left(text: &str, cuts: &[Cut]) -> usize {
    let left = without(text, &flat(cuts));
    let left = left.trim();
    if cuts.iter().any(|cut| cut.kind == PieceKind::Item) {
        let mut view = Vec::new();
        view::fold(left, &mut view);
        if view.is_empty() {
            return 0;
        }
    }
    left.chars().count()
}

/// Gives the documents of a batch that are `wanted`; `ordinals` goes on from one batch of a work shard to the next.
pub(super) fn each_document(
    batch: &Batch,
    ordinals: &mut RangeFrom<u64>,
    wanted: &mut dyn FnMut(u64) -> bool,
    give: &mut dyn FnMut(Document<'_>) -> Result<()>,
) -> Result<()> {
    let (texts, urls, sources) = (strings(batch, &schema::TEXT)?, strings(batch, &schema::URL)?, strings(batch, &schema::SOURCE)?);
    // Those of one source follow each other.
    let mut last: (Option<&str>, &str, u64) = (None, "", group(None, ""));
    for (((text, url), source), ordinal) in texts.iter().zip(urls).zip(sources).zip(ordinals) {
        if !wanted(ordinal) {
            continue;
        }
        let source = source.unwrap_or_default();
        if (last.0, last.1) != (url, source) {
            last = (url, source, group(url, source));
        }
        give(Document { ordinal, group: last.2, text: text.unwrap_or_default() })?;
    }
    Ok(())
}

/// The batch without the cuts of each row (starts and ends in turn, in bytes of its text): the text, and of the columns that the batch has
/// morphemes, sentences, formulae and personal data.
///
/// # Errors
/// Refused, if a column has another type.
pub(super) fn cut(batch: &Batch, cuts: &[Vec<u32>]) -> Result<Batch> {
    if cuts.iter().all(Vec::is_empty) {
        return Ok(batch.clone());
    }
    let mut batch = with_column(batch, &schema::TEXT, cut_texts(strings(batch, &schema::TEXT)?, cuts)?)?;
    if has(&batch, &schema::MORPHEME_ENDS) {
        let stay = cut_tiles(&mut batch, &schema::MORPHEME_ENDS, cuts)?;
        keep_of_tiles::<UInt16Type>(&mut batch, &schema::MORPHEME_POS, &stay)?;
        keep_of_tiles::<UInt32Type>(&mut batch, &schema::MORPHEME_WORD, &stay)?;
    }
    if has(&batch, &schema::SENTENCE_ENDS) {
        cut_tiles(&mut batch, &schema::SENTENCE_ENDS, cuts)?;
    }
    cut_marks::<2>(&mut batch, &schema::FORMULAE, cuts)?;
    cut_marks::<3>(&mut batch, &pii::SPANS, cuts)?;
    Ok(batch)
}

fn has(batch: &Batch, column: &Column) -> bool {
    batch.column_by_name(column.name).is_some()
}

fn cut_texts(texts: &StringArray, cuts: &[Vec<u32>]) -> Result<ArrayRef> {
    let (mut values, mut offsets) = (Vec::with_capacity(texts.value_data().len()), vec![0_i32]);
    for (text, cuts) in texts.iter().zip(cuts) {
        values.extend_from_slice(without(text.unwrap_or_default(), cuts).as_bytes());
        offsets.push(i32::try_from(values.len()).map_err(|_| Error::internal("the texts of a batch outgrew 2^31 bytes"))?);
    }
    Ok(Arc::new(StringArray::try_new(OffsetBuffer::new(offsets.into()), values.into(), texts.nulls().cloned())?))
}

/// Moves the ends of what tiles a text; the numbers of the tiles that are left, row by row.
fn cut_tiles(batch: &mut Batch, wanted: &Column, cuts: &[Vec<u32>]) -> Result<Vec<Vec<usize>>> {
    let ends = lists(batch, wanted)?;
    let (mut moved, mut stay) = (ListBuilder::<UInt32Type>::default(), Vec::with_capacity(cuts.len()));
    for (row, cuts) in cuts.iter().enumerate() {
        let mut of_row = Vec::new();
        cut_ends(list_slice::<UInt32Type>(ends, row), cuts, &mut moved.values, &mut of_row);
        moved.end_row()?;
        stay.push(of_row);
    }
    *batch = with_column(batch, wanted, moved.finish()?)?;
    Ok(stay)
}

/// Keeps what is said of the tiles that are left.
fn keep_of_tiles<T: ArrowPrimitiveType>(batch: &mut Batch, wanted: &Column, stay: &[Vec<usize>]) -> Result<()> {
    if !has(batch, wanted) {
        return Ok(());
    }
    let said = lists(batch, wanted)?;
    let mut kept = ListBuilder::<T>::default();
    for (row, stay) in stay.iter().enumerate() {
        let of_row = list_slice::<T>(said, row);
        kept.values.extend(stay.iter().filter_map(|&tile| of_row.get(tile)));
        kept.end_row()?;
    }
    *batch = with_column(batch, wanted, kept.finish()?)?;
    Ok(())
}

fn cut_marks<const N: usize>(batch: &mut Batch, wanted: &Column, cuts: &[Vec<u32>]) -> Result<()> {
    if !has(batch, wanted) {
        return Ok(());
    }
    let spans = lists(batch, wanted)?;
    let mut moved = ListBuilder::<UInt32Type>::default();
    for (row, cuts) in cuts.iter().enumerate() {
        cut_spans::<N>(list_slice::<UInt32Type>(spans, row), cuts, &mut moved.values);
        moved.end_row()?;
    }
    *batch = with_column(batch, wanted, moved.finish()?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, RecordBatch};
    use arrow::datatypes::Schema;

    use super::*;

    fn list<T: ArrowPrimitiveType>(rows: &[&[T::Native]]) -> ArrayRef {
        let mut list = ListBuilder::<T>::default();
        for row in rows {
            list.values.extend_from_slice(row);
            list.end_row().unwrap();
        }
        list.finish().unwrap()
    }

    fn rows<T: ArrowPrimitiveType>(batch: &Batch, column: &Column) -> Vec<Vec<T::Native>> {
        let lists = lists(batch, column).unwrap();
        (0..batch.num_rows()).map(|row| list_slice::<T>(lists, row).to_vec()).collect()
    }

    #[test]
    fn whatever_points_into_a_text_moves_with_it() {
        // 米|を|炊く|。 and 電話|は|03-1234-5678|です|。 with the number's first half cut.
        let columns: Vec<(&Column, ArrayRef)> = vec![
            (&schema::TEXT, Arc::new(StringArray::from(vec!["米を炊く。", "電話は03-1234-5678です。", "残る"]))),
            (&schema::MORPHEME_ENDS, list::<UInt32Type>(&[&[3, 6, 12, 15], &[6, 9, 21, 27, 30], &[6]])),
            (&schema::MORPHEME_POS, list::<UInt16Type>(&[&[1, 2, 3, 4], &[1, 2, 5, 6, 4], &[3]])),
            (&schema::MORPHEME_WORD, list::<UInt32Type>(&[&[11, 12, 13, 14], &[21, 22, 25, 26, 24], &[33]])),
            (&schema::SENTENCE_ENDS, list::<UInt32Type>(&[&[15], &[9, 30], &[6]])),
            (&schema::FORMULAE, list::<UInt32Type>(&[&[0, 6], &[6, 9, 21, 30], &[]])),
            (&pii::SPANS, list::<UInt32Type>(&[&[], &[9, 21, 0], &[]])),
        ];
        let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().map(|(column, array)| (column.field(), array)).unzip();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
        let left = cut(&batch, &[vec![3, 12], vec![6, 15], vec![]]).unwrap();
        assert_eq!(left.column(0).as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["米。", "電話4-5678です。", "残る"]);
        assert_eq!(rows::<UInt32Type>(&left, &schema::MORPHEME_ENDS), [vec![3, 6], vec![6, 12 + 3 - 3, 18 + 3 - 3, 21], vec![6]]);
        assert_eq!(rows::<UInt16Type>(&left, &schema::MORPHEME_POS), [vec![1, 4], vec![1, 5, 6, 4], vec![3]]);
        assert_eq!(rows::<UInt32Type>(&left, &schema::MORPHEME_WORD), [vec![11, 14], vec![21, 25, 26, 24], vec![33]]);
        assert_eq!(rows::<UInt32Type>(&left, &schema::SENTENCE_ENDS), [vec![6], vec![6, 21], vec![6]]);
        assert_eq!(rows::<UInt32Type>(&left, &schema::FORMULAE), [vec![0, 3], vec![12, 21], vec![]]);
        assert_eq!(rows::<UInt32Type>(&left, &pii::SPANS), [vec![], vec![6, 12, 0], vec![]]);
        // What is masked afterwards stands where it should, and a batch of fewer columns is cut as well.
        let masked = pii::Policy::new(&pii::Options::default()).mask(&left).unwrap();
        let texts = masked.column(0).as_string::<i32>();
        assert!(texts.value(1).starts_with("電話<") && texts.value(1).ends_with(">です。"), "{}", texts.value(1));
        let bare = cut(&batch.project(&[0]).unwrap(), &[vec![3, 12], vec![], vec![0, 6]]).unwrap();
        assert_eq!(bare.column(0).as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["米。", "電話は03-1234-5678です。", ""]);
        assert_eq!(cut(&batch, &[vec![], vec![], vec![]]).unwrap(), batch);
    }
}
